"""How measurements went until a suggestion was made, as its page shows it."""

from __future__ import annotations

from datetime import timedelta

from vesalius.console.contexts import Trace
from vesalius.console.languages import N_, Language
from vesalius.console.visit import Visit
from vesalius.console.words import UNITS, Speaker
from vesalius.errors import NotFound
from vesalius.review import Filed
from vesalius.usecase import Candidate, Course

SPAN = timedelta(hours=48)
"""The time that is drawn, until the moment of the suggestion."""

APART = timedelta(hours=8)
"""Two measurements further apart than this are not joined by a line: nobody knows what was between."""

WORDS = N_("%(name)s: %(count)s values, %(low)s to %(high)s, last %(last)s")
BETWEEN, FROM, TO = N_("%(low)s to %(high)s"), N_("%(low)s or more"), N_("%(high)s or less")


def traces_of(visit: Visit, said: Speaker, filed: Filed) -> tuple[Trace, ...]:
    """The courses that the use case shows, from the position of the lake that the suggestion read."""
    if filed.erased is not None:
        return ()
    usecase = visit.hospital.usecase(filed.usecase)
    candidate = Candidate(filed.subject, filed.focus, filed.as_of)
    try:
        courses = usecase.courses(visit.hospital.lake.pinned(filed.position), candidate)
    except NotFound:  # the log does not reach so far: a suggestion outlives the lake it was made from
        return ()
    found = [_trace(said, candidate, course) for course in courses]
    return tuple(trace for trace in found if trace is not None)


def _trace(said: Speaker, candidate: Candidate, course: Course) -> Trace | None:
    begin = candidate.as_of - SPAN
    points = [(at, value) for at, value in course.points if begin <= at <= candidate.as_of]
    if not points:
        return None
    language, values = said.language, [value for _, value in points]
    name = said.say(course.name)
    unit = UNITS.get(course.unit, "" if course.unit.startswith("{") else course.unit)
    last = f"{language.number(values[-1])} {unit}".strip()
    low, high = course.normal
    return Trace(
        name=name,
        last=last,
        normal=_normal(language, low, high),
        words=language.say(
            WORDS,
            name=name,
            count=language.number(len(values)),
            low=language.number(min(values)),
            high=language.number(max(values)),
            last=last,
        ),
        points=tuple(((at - begin) / SPAN, value) for at, value in points),
        low=low,
        high=high,
        gap=APART / SPAN,
    )


def _normal(language: Language, low: float | None, high: float | None) -> str:
    ends = {name: language.number(end) for name, end in (("low", low), ("high", high)) if end is not None}
    if not ends:
        return ""
    return language.say(BETWEEN if len(ends) == 2 else FROM if "low" in ends else TO, **ends)
