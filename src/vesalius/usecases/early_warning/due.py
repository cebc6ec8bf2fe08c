"""Who is due: once in intensive care, and on a ward when NEWS2 gets worse; and when a ward hears nothing.

Intensive care
    A stay in intensive care is due once, :data:`FIRST` after it began, as in the data of the shipped model.

Ward
    Each set of measurements is looked at :data:`SETTLING` after its first was known, with what NEWS2 was then
    (:mod:`~vesalius.usecases.early_warning.news2`). It has a rank: nothing, incomplete, urgent, emergency. A
    patient is due when the rank is above that of the last time they were due, or when ``quiet`` has gone by
    since and there still is a rank. A rank that falls makes nobody due. That is the whole of the
    suppression: it looks at what was measured only, never at what was said or decided, and so is the same on
    history and live.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from vesalius.usecase import Candidate
from vesalius.usecases.early_warning import news2
from vesalius.usecases.early_warning.card import view
from vesalius.usecases.early_warning.current import CODES, measured, person
from vesalius.usecases.early_warning.measures import valued
from vesalius.usecases.early_warning.news2 import Response
from vesalius.usecases.early_warning.stays import Stays, in_force
from vesalius.views.features import WITHDRAWN

if TYPE_CHECKING:
    import pyarrow as pa

    from vesalius.lake import Lake

FIRST = timedelta(hours=48)
"""How long after a stay in intensive care began it is due: as in the data that the model learnt from."""

SETTLING = timedelta(minutes=15)
"""How long after the first of a set of measurements it is looked at, so that the rest of the round is in it.
A working time of ours, not a clinical threshold."""

BEFOREHAND = timedelta(days=30)
"""How long before it begins a stay may have been entered for the last time, and a turn still finds it."""

YOUNGEST = 16
"""Years from which NEWS2 may be used (RCP 2017)."""

LONG = timedelta(days=31)
"""A stretch of time from which on all patients are read at once, not those of whom something was recorded."""

RANKS = (0, 0, 2, 2, 3)
"""The rank of each response of NEWS2; 1 is a set that is not complete and could ask for an urgent one."""


def due(lake: Lake, since: datetime, until: datetime, quiet: timedelta) -> list[Candidate]:
    """Who became due in (``since``, ``until``], in that order.

    Args:
        lake: the lake.
        since: after this moment.
        until: up to this one.
        quiet: how long a ward hears nothing more of a patient who does not get worse.
    """
    lake = lake.pinned()
    everyone = until - since > LONG
    measured_of = None if everyone else _subjects(lake, "Observation", since - SETTLING, until)
    staying = None if everyone else _subjects(lake, "Encounter", since - FIRST - BEFOREHAND, until)
    found: list[Candidate] = []
    if staying is None or staying:
        found += _intensive(Stays.read(lake, staying))
    if measured_of is None or measured_of:
        found += _wards(lake, Stays.read(lake, measured_of), measured_of, quiet)
    wanted = [candidate for candidate in found if since < candidate.as_of <= until]
    return sorted(wanted, key=lambda candidate: (candidate.as_of, candidate.subject, candidate.focus))


def _subjects(lake: Lake, kind: str, since: datetime, until: datetime) -> list[str]:
    """The patients about whom a resource was recorded in that time."""
    versions = lake.resources(kind, as_of=until, since=since)
    return sorted({version.subject for version in versions if version.subject})


def _intensive(stays: Stays) -> Iterator[Candidate]:
    """Each stay in intensive care at the moment at which it is due, if it still went on then."""
    for resource, versions in stays.versions.items():
        for version in versions:
            if version.start is None or not version.intensive_care:
                continue
            moment = max(version.start + FIRST, versions[0].recorded_at)
            then = in_force(versions, moment)
            if then is version and version.holds(moment) and version.subject:
                yield Candidate(version.subject, resource, moment)


def _wards(lake: Lake, stays: Stays, subjects: Sequence[str] | None, quiet: timedelta) -> Iterator[Candidate]:
    """The patients of wards, each time their NEWS2 makes them due."""
    on_wards = sorted(
        subject
        for subject, all_of in stays.of.items()
        if any(version.ward and not version.intensive_care for each in all_of for version in each)
    )
    if not on_wards:
        return
    few = subjects is not None or len(on_wards) < len(stays.of)
    rows = valued(view("observations").table(lake, on_wards if few else None))
    sets = _sets(rows, stays, set(on_wards))
    if not sets:
        return
    ranks = _ranks(rows, sets)
    young = _young(lake, sets)
    last: dict[str, tuple[int, datetime]] = {}
    for candidate, rank, child in zip(sets, ranks, young, strict=True):
        before, at = last.get(candidate.subject, (0, candidate.as_of - quiet))
        over = candidate.as_of - at >= quiet
        if rank and not child and (rank > before or over):
            last[candidate.subject] = rank, candidate.as_of
            yield candidate


def _sets(rows: pa.Table, stays: Stays, subjects: set[str]) -> list[Candidate]:
    """Each set of measurements on a ward: its first measurement, at the moment at which it has settled."""
    import pyarrow as pa
    import pyarrow.compute as pc

    compute: Any = pc
    code = compute.binary_join_element_wise(rows["code_system"], rows["code"], "|")
    said = compute.and_(compute.is_in(code, pa.array(sorted(CODES))), compute.is_valid(rows["value"]))
    rows = rows.append_column("is", said).select(["_subject", "_resource", "_recorded_at", "status", "is"])
    each = sorted(
        {
            (row["_subject"], row["_recorded_at"], row["_resource"])
            for row in rows.filter(rows["is"]).to_pylist()
            if row["_subject"] in subjects and row["status"] not in WITHDRAWN
        }
    )
    found: list[Candidate] = []
    for subject, at, resource in each:
        moment = at + SETTLING
        if found and found[-1].subject == subject and found[-1].as_of > at:
            continue  # of a set that has not settled yet
        stay = stays.at(subject, moment)
        if stay is not None and stay.ward and not stay.intensive_care:
            found.append(Candidate(subject, resource, moment))
    return found


def _ranks(rows: pa.Table, sets: Sequence[Candidate]) -> list[int]:
    """How urgent each set is."""
    scored = news2.score(*measured(rows, sets))
    least, most = scored.response
    ranks = np.array(RANKS)[least]
    could = (least == Response.WARD) & (most >= Response.URGENT)
    return [int(rank) for rank in np.where(could, 1, ranks)]


def _young(lake: Lake, sets: Sequence[Candidate]) -> list[bool]:
    """Whom NEWS2 is not for; where the age is not known it is not left out."""
    ages = person(lake, sets).ages
    return [years is not None and years < YOUNGEST for years in ages]
