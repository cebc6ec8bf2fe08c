"""What happened afterwards: whether the patient came back within 30 days. Never evidence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from vesalius.usecase import Candidate, Outcome
from vesalius.usecases.readmission import facts, rules, stays, words
from vesalius.views.features import Feature, Features

if TYPE_CHECKING:
    import pyarrow as pa

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
    asked = {each.subject for each in candidates}
    encounters, observations = (
        facts.rows_of(lake, name, sorted(asked)) for name in ("stays", "observations")
    )
    inside = _in_scope(facts.Scope(lake, candidates, encounters, observations))
    said = _told(observations, candidates, as_of)
    versions = stays.versions(encounters)
    known: dict[str, list[stays.Version]] = {}
    for each in versions:
        if each.subject in asked and each.known <= as_of < each.until:
            known.setdefault(each.subject, []).append(each)
    return [
        (told or _seen(known.get(candidate.subject, []), candidate, as_of)) if is_inside else None
        for candidate, told, is_inside in zip(candidates, said, inside, strict=True)
    ]


def _in_scope(scope: facts.Scope) -> list[bool]:
    """Whether a suggestion about each was possible, by what was known at its own moment."""
    columns = scope.columns()
    rows = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    return [not any(rule(row) for rule in rules.SCOPE) for row in rows]


def _told(rows: pa.Table, candidates: Sequence[Candidate], as_of: datetime) -> list[Outcome | None]:
    """What the source itself says came of each stay."""
    found = _said().of(rows, [Candidate(each.subject, each.focus, as_of) for each in candidates])
    said = [
        (row, _ANSWERS[answer], found.sources[row]["readmitted"])
        for row, answer in enumerate(found.table["readmitted"].to_pylist())
        if answer in _ANSWERS
    ]
    made: list[Outcome | None] = [None] * len(candidates)
    moments = _recorded(rows, [sources[0] for _, _, sources in said])
    for (row, answer, sources), known_at in zip(said, moments, strict=True):
        made[row] = Outcome(answer, known_at, sources) if known_at else None
    return made


def _recorded(rows: pa.Table, references: list[str]) -> list[datetime | None]:
    """When each of some versions was recorded, of many more rows."""
    import pyarrow as pa
    import pyarrow.compute as pc

    places: Any = pc.index_in(pa.array(references, pa.string()), rows["_reference"])
    found: list[datetime | None] = rows["_recorded_at"].take(places).to_pylist()
    return found


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
