"""What the pages of the academy show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from vesalius.academy import Course, Draw, Result


@dataclass(frozen=True)
class CourseRow:
    """One course, as its reader stands with it.

    Attributes:
        name: of the course.
        title: in the reader's language.
        minutes: about how long it takes.
        mine: whether it is for the reader's role.
        until: until when the reader's pass counts, or None without one.
        tried: whether the reader tried it before.
        required: whether the reader may not decide without it.
    """

    name: str
    title: str
    minutes: int
    mine: bool
    until: datetime | None
    tried: bool
    required: bool


@dataclass(frozen=True)
class ReadinessRow:
    """How many of those who may decide are trained for a use.

    Attributes:
        title: of the use.
        trained: how many are.
        total: how many may decide.
        missing: who is not, for those who manage people; else nothing.
    """

    title: str
    trained: int
    total: int
    missing: tuple[str, ...]


@dataclass(frozen=True)
class AcademyPage:
    """``/academy``: the reader's courses, what is due, and how ready each use is.

    Attributes:
        mine: the courses for the reader's roles, those that are due first.
        others: the other courses.
        done: how many of the reader's own are passed.
        readiness: each use.
        uncovered: the roles that no course is for, in English.
    """

    mine: tuple[CourseRow, ...]
    others: tuple[CourseRow, ...]
    done: int
    readiness: tuple[ReadinessRow, ...]
    uncovered: tuple[str, ...]


@dataclass(frozen=True)
class CoursePage:
    """``/academy/courses/{name}``: one course, to read.

    Attributes:
        course: its pages, in the reader's language.
        months: for how many months a pass counts.
        until: until when the reader's pass counts, or None without one.
    """

    course: Course
    months: int
    until: datetime | None


@dataclass(frozen=True)
class QuizPage:
    """``/academy/courses/{name}/quiz``: the questions, and after answering what was right.

    Attributes:
        course: the course.
        draw: the questions of this attempt.
        needed: how many right answers pass.
        result: how it went, or None before answering.
    """

    course: Course
    draw: Draw
    needed: int
    result: Result | None
