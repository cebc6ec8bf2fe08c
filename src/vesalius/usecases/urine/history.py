"""What happened afterwards: the culture, and what the clinicians did by themselves. Never evidence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from vesalius import fhir
from vesalius.usecase import Candidate, Outcome
from vesalius.usecases.urine.facts import SETTLING, focus_of, observations, view
from vesalius.views.features import WITHDRAWN, Feature, Features

if TYPE_CHECKING:
    import pyarrow as pa

    from vesalius.lake import Lake

FINAL = ("final", "amended", "corrected")
"""The statuses of a culture that will not change by itself."""

ANTIBIOTIC = "J01"
"""ATC: antibacterials for systemic use."""

PROMPT = timedelta(hours=24)
"""How soon after the result an antibiotic counts as started on it."""


def outcomes(lake: Lake, candidates: Sequence[Candidate], as_of: datetime) -> list[Outcome | None]:
    """The final culture of each sample as it was known at ``as_of``: positive if any of its findings is."""
    rows = view("cultures").table(lake, sorted({candidate.subject for candidate in candidates}))
    asked = [Candidate(each.subject, each.focus, as_of) for each in candidates]
    positive, negative = (_verdicts(rows, asked, verdict) for verdict in ("POS", "NEG"))
    described = {row["_reference"]: row for row in rows.to_pylist()}
    return [_outcome(described, one or two, bool(one)) for one, two in zip(positive, negative, strict=True)]


def _verdicts(rows: pa.Table, asked: Sequence[Candidate], verdict: str) -> list[tuple[str, ...]]:
    """The source of each candidate's last final finding that says ``verdict``."""
    import pyarrow as pa
    import pyarrow.compute as pc

    final = pc.is_in(rows["status"], pa.array(FINAL))
    # Every version stays in the table: one that is not final must still replace the one before it.
    says = pc.if_else(pc.and_(final, pc.is_in(rows["verdict"], pa.array([verdict]))), rows["verdict"], None)
    rows = rows.set_column(rows.column_names.index("verdict"), "verdict", says)
    found = _last_verdict().of(rows, asked)
    return [source.get("verdict", ()) for source in found.sources]


@cache
def _last_verdict() -> Features:
    return Features(view("cultures"), [Feature("verdict", column="verdict", link="specimen")])


def _outcome(described: dict[str, dict[str, Any]], sources: tuple[str, ...], value: bool) -> Outcome | None:
    if not sources:
        return None
    row = described[sources[0]]
    label = row["organism"] or row["text"] or ""
    return Outcome(value, row["_recorded_at"], sources, label)


def practice(lake: Lake, candidates: Sequence[Candidate], as_of: datetime) -> list[bool | None]:
    """Whether an antibiotic was prescribed within 24 hours, as far as was known at ``as_of``.

    None where the data does not say: the lake holds no prescription at all, or the 24 hours are not over.
    """
    subjects = sorted({candidate.subject for candidate in candidates})
    known = next(iter(lake.resources("MedicationRequest", as_of=as_of)), None) is not None
    given = _antibiotics(view("medication").table(lake, subjects), as_of)
    stays = _stays(observations(lake, subjects))
    found: list[bool | None] = []
    for each in candidates:
        stay = stays.get((each.subject, each.focus))
        if any(_answers(row, each, stay) for row in given.get(each.subject, ())):
            found.append(True)
        else:
            found.append(False if known and as_of >= each.as_of - SETTLING + PROMPT else None)
    return found


def _antibiotics(rows: pa.Table, as_of: datetime) -> dict[str, list[dict[str, Any]]]:
    """Per patient, the prescriptions of an antibiotic that were in force at ``as_of``."""
    newest: dict[str, dict[str, Any]] = {}
    for row in sorted(rows.to_pylist(), key=lambda row: (row["_recorded_at"], row["_seq"])):
        if row["_recorded_at"] <= as_of:
            newest[row["_resource"]] = row
    found: dict[str, list[dict[str, Any]]] = {}
    for row in newest.values():
        ordered = row["status"] not in WITHDRAWN and row["intent"] not in ("proposal", "plan")
        if ordered and row["authored"] and (row["atc"] or "").startswith(ANTIBIOTIC):
            found.setdefault(row["_subject"], []).append(row)
    return found


def _answers(row: dict[str, Any], candidate: Candidate, stay: str | None) -> bool:
    """Whether a prescription belongs to the candidate's stay and to the 24 hours after its first result.

    A day without an hour counts if any of its hours would.
    """
    if stay and row["encounter"] and focus_of(row["encounter"]) != stay:
        return False
    first, last = (fhir.parse_time(row["authored"], latest=latest) for latest in (False, True))
    return last >= candidate.as_of - SETTLING and first <= candidate.as_of - SETTLING + PROMPT


def _stays(rows: pa.Table) -> dict[tuple[str, str], str]:
    """The encounter of each sample."""
    names = ("_subject", "specimen", "encounter")
    return {
        (row["_subject"], focus_of(row["specimen"])): focus_of(row["encounter"])
        for row in rows.select(names).to_pylist()
        if row["specimen"] and row["encounter"]
    }
