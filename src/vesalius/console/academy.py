"""The academy: the reader's courses, one course, its quiz, and how ready each use is."""

from __future__ import annotations

from starlette.responses import Response

from vesalius import academy
from vesalius.academy.quiz import months_of
from vesalius.console.contexts import AcademyPage, CoursePage, CourseRow, QuizPage, ReadinessRow
from vesalius.console.visit import ROLES, Visit, render
from vesalius.console.words import speaker
from vesalius.governance import Right, literacy, people
from vesalius.governance.literacy import Taken
from vesalius.usecase import installed


def show(visit: Visit) -> Response:
    """The reader's courses and the readiness of each use."""
    found = literacy.taken(visit.hospital.engine, person=visit.who.id)
    rows = [_row(visit, head, found) for head in academy.heads(visit.hospital)]
    mine = sorted(
        (row for row in rows if row.mine), key=lambda row: (row.until is not None, not row.required)
    )
    page = AcademyPage(
        mine=tuple(mine),
        others=tuple(row for row in rows if not row.mine),
        done=sum(row.until is not None for row in mine),
        readiness=tuple(_ready(visit, use) for use in installed()),
        uncovered=tuple(ROLES.get(role, role) for role in academy.uncovered(visit.hospital)),
    )
    return render(visit, "academy.html", page)


def course(visit: Visit) -> Response:
    """One course, to read."""
    made = academy.course(visit.hospital, visit.path("name"), visit.language.code)
    found = literacy.taken(visit.hospital.engine, person=visit.who.id, course=made.head.name)
    holding = academy.valid(visit.hospital, made.head, found, visit.now)
    page = CoursePage(made, months_of(visit.hospital, made.head), holding.valid_until if holding else None)
    return render(visit, "course.html", page)


def quiz(visit: Visit) -> Response:
    """The questions of the reader's next attempt."""
    made, draw = academy.current(visit.hospital, visit.who, visit.path("name"), visit.language.code)
    return render(visit, "quiz.html", _quiz(made, draw, None))


def answer(visit: Visit) -> Response:
    """Marks the reader's answers, keeps the attempt, and says for each question why."""
    name, language = visit.path("name"), visit.language.code
    made, draw = academy.current(visit.hospital, visit.who, name, language)
    answers = {key.removeprefix("q-"): value for key, value in visit.form.items() if key.startswith("q-")}
    result = academy.take(
        visit.hospital,
        visit.who,
        name,
        language,
        code=visit.form.get("code", ""),
        answers=answers,
        at=visit.now,
    )
    return render(visit, "quiz.html", _quiz(made, draw, result))


def _quiz(made: academy.Course, draw: academy.Draw, result: academy.Result | None) -> QuizPage:
    return QuizPage(made, draw, academy.needed(len(draw.asked), made.head.pass_mark), result)


def _row(visit: Visit, head: academy.Head, found: list[Taken]) -> CourseRow:
    holding = academy.valid(visit.hospital, head, found, visit.now)
    mine = bool(visit.who.role_among(head.roles))
    settings = visit.hospital.settings
    asked = literacy.strictness(settings, head.system) if head.system else "off"
    return CourseRow(
        name=head.name,
        title=academy.title(visit.hospital, head.name, visit.language.code),
        minutes=head.minutes,
        mine=mine,
        until=holding.valid_until if holding else None,
        tried=any(each.course == head.name for each in found),
        required=mine and asked == "require",
    )


def _ready(visit: Visit, use: str) -> ReadinessRow:
    ready = academy.readiness(visit.hospital.engine, use, visit.now)
    names = {each.id: each.name for each in people.everyone(visit.hospital.engine)}
    told = ready.untrained if visit.may(Right.MANAGE_PEOPLE) else ()
    return ReadinessRow(
        title=speaker(use, visit.language).card.say("title", visit.language.code),
        trained=len(ready.trained),
        total=ready.total,
        missing=tuple(names[each] for each in told),
    )
