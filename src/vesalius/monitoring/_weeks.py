"""What each week came to. A week is made when it has none: whoever adds to its days takes it away first."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from vesalius.evaluation.metrics import Estimate
from vesalius.evaluation.monitoring import (
    Plan,
    Reference,
    Tally,
    drift,
    estimated,
    multivariate,
    realised,
    total,
)
from vesalius.monitoring import _tallies
from vesalius.monitoring._tables import tally as tally_table
from vesalius.monitoring._tables import week as table
from vesalius.monitoring.status import Cell, Range, Week, monday
from vesalius.store import put

FEWEST = 30
"""A week with fewer suggestions says nothing of its inputs, nor one with fewer outcomes of performance."""


def dirty(connection: sa.Connection, name: str, model: str, days: Iterable[int]) -> None:
    """Takes the weeks of some days away, in the transaction that adds to them."""
    mondays = {monday(day) for day in days}
    connection.execute(
        sa.delete(table).where(table.c.usecase == name, table.c.model == model, table.c.monday.in_(mondays))
    )


def missing(connection: sa.Connection, name: str, model: str) -> list[int]:
    """The Mondays of the weeks that have days and were not made."""
    days = (
        sa.select(tally_table.c.day)
        .distinct()
        .where(tally_table.c.usecase == name, tally_table.c.model == model)
    )
    made = sa.select(table.c.monday).where(table.c.usecase == name, table.c.model == model)
    wanted = {monday(day) for day in connection.execute(days).scalars()}
    return sorted(wanted - set(connection.execute(made).scalars()))


def make(connection: sa.Connection, name: str, model: str, reference: Reference, first: int) -> Week:
    """What one week came to."""
    filed, known = (
        total(list(_tallies.between(connection, name, model, kind, first, first + 6).values()))
        for kind in ("filed", "known")
    )
    return weighed(reference, filed, known, first)


def keep(connection: sa.Connection, name: str, model: str, week: Week) -> None:
    """Keeps what a week came to."""
    body = msgspec.json.encode(week, order="sorted").decode()
    put(connection, table, {"usecase": name, "model": model, "monday": week.monday}, {"body": body})


def clear(connection: sa.Connection, name: str, model: str) -> None:
    """Forgets the weeks of a use and model."""
    connection.execute(sa.delete(table).where(table.c.usecase == name, table.c.model == model))


def weighed(reference: Reference, filed: Tally, known: Tally, first: int) -> Week:
    """The figures of a week from its counts."""
    many, enough = filed.rows >= FEWEST, known.scored.known >= FEWEST
    together = multivariate(reference, filed) if many else None
    truth = realised(known) if enough else None
    return Week(
        monday=first,
        rows=filed.rows,
        known=known.scored.known,
        events=known.scored.positives,
        cells=cells(reference, filed) if many else (),
        z=None if together is None else round(together.z, 2),
        distance=None if together is None else round(together.distance / together.distance_limit, 3),
        strange=together is not None and together.strange,
        moved=together is not None and together.moved,
        estimated=ranged(estimated(reference, filed).auroc) if many else Range(),
        realised=ranged(truth.auroc) if truth else Range(),
        ratio=ranged(truth.ratio) if truth else Range(),
    )


def cells(reference: Reference, filed: Tally) -> tuple[Cell, ...]:
    """Each input against the reference, at the level of the daily look."""
    level = Plan().level("drift", max(len(reference.fields), 1))
    return tuple(
        Cell(
            each.input,
            round(each.psi, 4),
            round(each.missing, 4),
            round(each.missing_before, 4),
            each.drifted,
            each.lost,
            each.unit.what if each.unit else "",
        )
        for each in drift(reference, filed, level)
    )


def ranged(estimate: Estimate | None) -> Range:
    """An estimate, as it is kept."""
    return Range() if estimate is None else Range(estimate.value, estimate.low, estimate.high)
