"""What happened afterwards: whether the patient came back within 30 days. Never evidence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from vesalius.usecase import Candidate, Outcome
from vesalius.usecases.readmission import facts, rules, stays, words
from vesalius.views.features import Feature, Features

if TYPE_CHECKING:
    from vesalius.lake import Lake

WITHIN = timedelta(days=30)
"""Readmission within 30 days of discharge (Horwitz 2014; Donzé 2013)."""

_ANSWERS = {"within-30-days": True, "after-30-days": False, "no": False}

_PLANNED = frozenset({"EL"})
"""HL7 v3 ActPriority: a planned stay is no readmission. What is not known to be planned counts."""


def outcomes(lake: Lake, candidates: Sequence[Candidate], as_of: datetime) -> list[Outcome | None]:
    """Whether each patient was admitted again within 30 days, as known at ``as_of``.

    What the source says of the stay counts where it says something; else the encounters of the record do:
    the first unplanned stay that began within 30 days of the discharge, or, once 30 days are over, none.
    Of a stay that is out of scope (death, hospice, transfer, day stay, child) there is no outcome.
    """
    lake = lake.pinned()
    inside = _in_scope(lake, candidates)
    said = _told(lake, candidates, as_of)
    asked = {each.subject for each in candidates}
    versions = stays.versions(facts.rows_of(lake, "stays", sorted(asked)))
    known: dict[str, list[stays.Version]] = {}
    for each in versions:
        if each.subject in asked and each.known <= as_of < each.until:
            known.setdefault(each.subject, []).append(each)
    return [
        (told or _seen(known.get(candidate.subject, []), candidate, as_of)) if is_inside else None
        for candidate, told, is_inside in zip(candidates, said, inside, strict=True)
    ]


def _in_scope(lake: Lake, candidates: Sequence[Candidate]) -> list[bool]:
    """Whether a suggestion about each was possible, by what was known at its own moment."""
    columns = facts.Scope(lake, candidates).columns()
    rows = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    return [not any(rule(row) for rule in rules.SCOPE) for row in rows]


def _told(lake: Lake, candidates: Sequence[Candidate], as_of: datetime) -> list[Outcome | None]:
    """What the source itself says came of each stay."""
    rows = facts.rows_of(lake, "observations", sorted({each.subject for each in candidates}))
    found = _said().of(rows, [Candidate(each.subject, each.focus, as_of) for each in candidates])
    answers = found.table["readmitted"].to_pylist()
    recorded = dict(zip(rows["_reference"].to_pylist(), rows["_recorded_at"].to_pylist(), strict=True))
    made: list[Outcome | None] = []
    for row, answer in enumerate(answers):
        if answer not in _ANSWERS:
            made.append(None)
            continue
        sources = found.sources[row]["readmitted"]
        known_at = recorded[sources[0]]
        made.append(Outcome(_ANSWERS[answer], known_at, sources) if known_at else None)
    return made


@cache
def _said() -> Features:
    feature = Feature("readmitted", (words.READMITTED,), "answer", link="encounter")
    return Features(facts.view("observations"), [feature])


def _seen(known: Sequence[stays.Version], candidate: Candidate, as_of: datetime) -> Outcome | None:
    """What the encounters say that were known at ``as_of``."""
    stay = next((each for each in known if each.resource == candidate.focus), None)
    left = stays.moment(stay.ends, latest=True) if stay and stay.is_discharge else None
    if stay is None or left is None:
        return None
    back = [each for each in known if each.resource != stay.resource and _is_readmission(each, left)]
    if back:
        first = min(back, key=lambda each: (each.known, each.resource))
        return Outcome(True, first.known, (first.reference,))
    over = left + WITHIN
    return Outcome(False, over, (stay.reference,)) if as_of >= over else None


def _is_readmission(other: stays.Version, left: datetime) -> bool:
    begins = stays.moment(other.begins)
    if begins is None or not left < begins <= left + WITHIN:
        return False
    is_stay = other.kind in words.INPATIENT and other.status in ("in-progress", "onleave", "finished")
    return is_stay and other.priority not in _PLANNED
