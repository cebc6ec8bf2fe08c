"""Taking a course: which questions an attempt asks, what was right, and the record of it.

The draw is a function of the person, the course and how often they tried it: the same page drawn twice asks
the same, and another attempt asks other questions in another order.
"""

from __future__ import annotations

import calendar
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from vesalius.academy import courses, uses
from vesalius.academy.course import Answer, Course, Head, Question
from vesalius.errors import Conflict
from vesalius.governance import literacy
from vesalius.governance import uses as register
from vesalius.governance.literacy import Taken
from vesalius.governance.people import Person

if TYPE_CHECKING:
    from vesalius.hospital import Hospital

T = TypeVar("T")


@dataclass(frozen=True)
class Asked:
    """One question of an attempt, its answers in the order of that attempt."""

    question: Question
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Draw:
    """The questions of one attempt.

    Attributes:
        code: names the draw; it changes with the course's words and the number of attempts.
        asked: the questions.
    """

    code: str
    asked: tuple[Asked, ...]


@dataclass(frozen=True)
class Marked:
    """One question of an attempt, and the answer that was chosen; None where none was."""

    question: Question
    chosen: Answer | None

    @property
    def right(self) -> bool:
        """Whether it was the right one."""
        return self.chosen is not None and self.chosen.right


@dataclass(frozen=True)
class Result:
    """How an attempt went: its record, and question by question."""

    taken: Taken
    marked: tuple[Marked, ...]


def draw(course: Course, person: str, number: int) -> Draw:
    """The questions of the attempt after ``number`` others; the same arguments give the same draw."""
    seed = f"{person}\n{course.head.name}\n{course.digest}\n{number}"
    chosen = _shuffled(course.questions, seed)[: course.head.asked]
    asked = tuple(Asked(each, tuple(_shuffled(each.answers, seed + each.key))) for each in chosen)
    return Draw(hashlib.sha256(seed.encode()).hexdigest()[:16], asked)


def needed(asked: int, pass_mark: float) -> int:
    """How many right answers of ``asked`` pass.

    >>> needed(6, 0.8)
    5
    >>> needed(5, 0.8)
    4
    """
    return math.ceil(round(asked * pass_mark, 9))


def current(hospital: Hospital, person: Person, name: str, language: str) -> tuple[Course, Draw]:
    """A course and the questions of the person's next attempt at it.

    Raises:
        NotFound: there is no such course.
    """
    made = courses.course(hospital, name, language)
    number = len(literacy.taken(hospital.engine, person=person.id, course=name))
    return made, draw(made, person.id, number)


def take(
    hospital: Hospital,
    person: Person,
    name: str,
    language: str,
    *,
    code: str,
    answers: Mapping[str, str],
    at: datetime,
) -> Result:
    """Marks an attempt and keeps it.

    Args:
        hospital: an open hospital.
        person: who answers.
        name: of the course.
        language: in which it was asked.
        code: the draw's, as it was shown.
        answers: for each question's key the place of the chosen answer, from ``"0"``; another one is wrong.
        at: when.

    Raises:
        NotFound: there is no such course.
        Conflict: the course, or the number of attempts, changed since the questions were shown.
    """
    course, shown = current(hospital, person, name, language)
    if code != shown.code:
        raise Conflict("the questions changed after the page was opened", hint="open them again")
    marked = tuple(
        Marked(each.question, _chosen(each, answers.get(each.question.key, ""))) for each in shown.asked
    )
    right = sum(each.right for each in marked)
    kept = Taken(
        person=person.id,
        role=person.role,
        course=name,
        version=course.head.version,
        model=model_of(hospital, course.head),
        language=language,
        course_hash=course.digest,
        asked=len(marked),
        right=right,
        passed=right >= needed(len(marked), course.head.pass_mark),
        at=at,
        valid_until=_after(at, months_of(hospital, course.head)),
    )
    literacy.keep(hospital.engine, kept)
    return Result(kept, marked)


def model_of(hospital: Hospital, head: Head) -> str:
    """The model that a pass counts for: that in force for the use of the course; empty for a common one."""
    return register.current(hospital.engine, head.system).model if uses.usecase_of(head.name) else ""


def months_of(hospital: Hospital, head: Head) -> int:
    """For how many months a pass counts: the hospital's setting for uses, the course's own for the others."""
    return hospital.settings.course_months if uses.usecase_of(head.name) else head.months


def valid(hospital: Hospital, head: Head, found: Sequence[Taken], now: datetime) -> Taken | None:
    """The pass among ``found`` that still counts for a course as it is now; the one that lasts longest."""
    model = model_of(hospital, head)
    holding = [each for each in found if each.course == head.name and each.holds(head.version, model, now)]
    return max(holding, key=lambda each: each.valid_until, default=None)


def _chosen(asked: Asked, place: str) -> Answer | None:
    known = {str(number): answer for number, answer in enumerate(asked.answers)}
    return known.get(place)


def _shuffled(items: Sequence[T], seed: str) -> list[T]:
    """In an order that follows from the seed alone, in every version of Python."""
    keys = [hashlib.sha256(f"{seed}\n{place}".encode()).digest() for place in range(len(items))]
    return [items[place] for place in sorted(range(len(items)), key=keys.__getitem__)]


def _after(at: datetime, months: int) -> datetime:
    """The same day some months later, or the last of a shorter month.

    >>> _after(datetime(2027, 8, 31), 6)
    datetime.datetime(2028, 2, 29, 0, 0)
    """
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, calendar.monthrange(year, month + 1)[1]))
