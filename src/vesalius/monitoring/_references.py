"""What a use and model are compared with."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from vesalius.errors import NotEnoughData, NotFound, UnreadableInput
from vesalius.evaluation import Run, groups
from vesalius.evaluation.monitoring import Reference
from vesalius.evaluation.monitoring.looks import RIPE
from vesalius.hospital import Hospital
from vesalius.monitoring import _counting
from vesalius.monitoring._tables import reference as table
from vesalius.review import tallying
from vesalius.review.factors import day_of
from vesalius.review.tallying import Untallied
from vesalius.store import put, reading
from vesalius.usecase import UseCase

log = logging.getLogger(__name__)

FIRST = timedelta(weeks=4)
"""Where no validation run says how things were, the first suggestions of these weeks do …"""

FEWEST = 200
"""… and those after them, until there are so many."""

MOST = 20_000
"""And never more than the first so many, to bound memory."""


@dataclass(frozen=True)
class Kept:
    """A reference in force.

    Attributes:
        reference: the counts.
        hash: its SHA-256.
        origin: the validation run's name; or ``first`` for the first suggestions of the use and model.
        set_at: since when.
    """

    reference: Reference
    hash: str
    origin: str
    set_at: datetime


def in_force(connection: sa.Connection, name: str, model: str) -> Kept | None:
    """The reference of a use and model; None where there is none yet."""
    row = connection.execute(
        sa.select(table).where(table.c.usecase == name, table.c.model == model)
    ).one_or_none()
    if row is None:
        return None
    return Kept(Reference.from_bytes(row.body.encode()), row.hash, row.origin, row.set_at)


def wanted(hospital: Hospital, usecase: UseCase, model: str, kept: Kept | None, now: datetime) -> Kept | None:
    """The reference that should be in force: the newest validation run's of this model, else the first weeks.

    Args:
        hospital: whose runs and lake are read.
        usecase: the use case.
        model: the hash of its model in force.
        kept: the one in force.
        now: the moment.
    """
    found = _of_run(hospital, usecase.card.name, model, kept, now)
    return found or kept or _of_first_weeks(hospital, usecase, model, now)


def keep(connection: sa.Connection, name: str, model: str, kept: Kept) -> None:
    """Puts a reference in force."""
    values = {"hash": kept.hash, "origin": kept.origin, "set_at": kept.set_at}
    values["body"] = kept.reference.to_bytes().decode()
    put(connection, table, {"usecase": name, "model": model}, values)


def _of_run(hospital: Hospital, name: str, model: str, kept: Kept | None, now: datetime) -> Kept | None:
    paths = [path for path in hospital.runs.glob("*.json") if path.stem.rpartition("-")[0] == name]
    for path in sorted(paths, key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True):
        if kept is not None and path.stem == kept.origin:
            return kept
        try:
            run = Run.load(path)
        except (NotFound, UnreadableInput) as error:  # a damaged report must not stop the monitoring
            log.warning("validation run not used as a reference: %s", error)
            continue
        found: Reference | None = run.monitoring
        if found is not None and (not model or run.model == model):
            return _kept(found, path.stem, now)
    return None


def _of_first_weeks(hospital: Hospital, usecase: UseCase, model: str, now: datetime) -> Kept | None:
    with reading(hospital.engine) as connection:
        rows = tallying.first(connection, usecase.card.name, model, MOST)
    if not rows or now < rows[0].as_of + FIRST:
        return None
    end = rows[0].as_of + FIRST
    early = [row for place, row in enumerate(rows) if row.as_of <= end or place < FEWEST]
    if len(early) < FEWEST:
        return None
    facts, known = _counting.facts(hospital, usecase, early)
    days, ripe = (early[-1].as_of - early[0].as_of).days + 1, _ripe(rows)
    try:
        reference = Reference.of(
            usecase.card.inputs,
            facts,
            _counting.probabilities(known),
            [row.outcome if day_of(row.as_of) in ripe else None for row in known],
            groups.labels(usecase.card, facts),
            acted=[row.urges for row in known],
            days=days,
        )
    except NotEnoughData:
        return None
    return _kept(reference, "first", now)


def _ripe(rows: Sequence[Untallied]) -> set[int]:
    """The days most of whose outcomes are known; on the others, those known yet are nearly all events."""
    scored = [row for row in rows if row.probability is not None]
    many = Counter(day_of(row.as_of) for row in scored)
    known = Counter(day_of(row.as_of) for row in scored if row.outcome is not None)
    return {day for day, count in many.items() if known[day] >= RIPE * count}


def _kept(reference: Reference, origin: str, now: datetime) -> Kept:
    return Kept(reference, hashlib.sha256(reference.to_bytes()).hexdigest(), origin, now)
