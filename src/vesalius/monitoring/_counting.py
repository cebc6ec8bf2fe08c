"""Counting what waits: suggestions with their evidence, and outcomes; each once, in short transactions.

The evidence of a suggestion is asked again from the lake, as of its moment and at the position of the newest
of its batch: where data came late with an earlier time, a value can differ from the one that the suggestion
read. What the suggestion itself says was missing counts as missing.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from vesalius.errors import Conflict
from vesalius.evaluation import groups
from vesalius.evaluation.monitoring import Reference, Tally
from vesalius.evaluation.monitoring.looks import RIPE
from vesalius.hospital import Hospital
from vesalius.monitoring import _tallies
from vesalius.monitoring._tallies import Key, Kind
from vesalius.review import OUTCOME_WINDOW, tallying
from vesalius.review.factors import day_of
from vesalius.review.tallying import Untallied
from vesalius.store import reading
from vesalius.usecase import Candidate, UseCase, evidence_of

BATCH = 2_000
"""How many suggestions are read and counted at a time."""


@dataclass
class Counted:
    """What one batch comes to.

    Attributes:
        kind: what is counted.
        waiting: those that were taken.
        rows: those of them that can be counted, in order.
        tallies: per day and settings.
    """

    kind: Kind
    waiting: list[Untallied]
    rows: list[Untallied] = field(default_factory=list)
    tallies: dict[Key, Tally] = field(default_factory=dict)


def next_batch(
    hospital: Hospital, usecase: UseCase, reference: Reference, model: str, kind: Kind, now: datetime
) -> Counted | None:
    """Counts the next that wait, outcomes of ripe days only; None where none does. :func:`keep` writes it."""
    with reading(hospital.engine) as connection:
        waiting = _waiting(connection, usecase.card.name, model, kind, now)
    return tallied(hospital, usecase, reference, waiting, kind) if waiting else None


def keep(connection: sa.Connection, name: str, model: str, batch: Counted, now: datetime) -> None:
    """Adds a batch to what was counted, within a transaction that writes.

    Raises:
        Conflict: somebody else counted one of them meanwhile.
    """
    marking = tallying.mark if batch.kind == "filed" else tallying.mark_outcomes
    if not marking(connection, [row.id for row in batch.waiting], now):
        raise Conflict("the same is being counted elsewhere at this moment", hint="nothing is lost")
    _tallies.add(connection, name, model, batch.kind, batch.tallies)


def tallied(
    hospital: Hospital, usecase: UseCase, reference: Reference, rows: list[Untallied], kind: Kind
) -> Counted:
    """Counts some suggestions, by day and settings."""
    table, known = facts(hospital, usecase, rows)
    found = Counted(kind, rows, known)
    apart: dict[Key, list[int]] = {}
    for place, row in enumerate(known):
        apart.setdefault(Key(row.settings, day_of(row.as_of)), []).append(place)
    for key, places in apart.items():
        mine, here = [known[place] for place in places], table.take(pa.array(places))
        found.tallies[key] = Tally.of(
            reference,
            here,
            probabilities(mine),
            [row.urges for row in mine],
            [row.outcome for row in mine] if kind == "known" else None,
            groups.labels(usecase.card, here),
        )
    return found


def probabilities(rows: Sequence[Untallied]) -> np.ndarray:
    """What each suggestion said; one half where the use has no model at all."""
    return np.array([0.5 if row.probability is None else row.probability for row in rows], dtype=np.float64)


def facts(
    hospital: Hospital, usecase: UseCase, rows: Sequence[Untallied]
) -> tuple[pa.Table, list[Untallied]]:
    """The evidence of those that can be counted, and which they are.

    Left out are those that were erased; those that got no probability (out of the model's scope), unless the
    use has only rules; and those whose evidence fails, which the log tells without a word of theirs.
    """
    rules_only = usecase.model is None and all(row.probability is None for row in rows)
    wanted = [row for row in rows if row.erased is None and (rules_only or row.probability is not None)]
    tables: list[pa.Table] = []
    known: list[Untallied] = []
    if wanted:
        lake = hospital.lake.pinned(max(row.position for row in wanted))
        waiting, asked = iter(wanted), [Candidate(row.subject, row.focus, row.as_of) for row in wanted]
        for count, table in evidence_of(usecase, lake, asked):
            some = list(itertools.islice(waiting, count))
            if table is not None:
                tables.append(table)
                known += some
    if not tables:
        return pa.table({item.name: pa.array([], pa.string()) for item in usecase.card.inputs}), []
    return _without(pa.concat_tables(tables, promote_options="permissive"), known), known


def _without(table: pa.Table, rows: Sequence[Untallied]) -> pa.Table:
    """What each suggestion said was missing is missing, also where it came later with an earlier time."""
    missing: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        for name in row.missing:
            missing.setdefault(name, []).append(place)
    for name, places in missing.items():
        if name not in table.column_names:
            continue
        gone = np.zeros(table.num_rows, dtype=bool)
        gone[places] = True
        kept: Any = pa.array(np.arange(table.num_rows), mask=gone)
        column = table.column(name).combine_chunks().take(kept)
        table = table.set_column(table.column_names.index(name), name, column)
    return table


def _waiting(connection: sa.Connection, name: str, model: str, kind: Kind, now: datetime) -> list[Untallied]:
    if kind == "filed":
        return tallying.untallied(connection, name, model, BATCH)
    today = day_of(now)
    days = tallying.ripe(connection, name, model, RIPE, before=today, late=today - OUTCOME_WINDOW.days)
    return tallying.untallied_outcomes(connection, name, model, days, BATCH)
