"""The charts that look at outcomes case by case, kept from one refresh to the next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
import numpy as np
import sqlalchemy as sa

from vesalius.evaluation.monitoring import Chart, Reference, State, cusum
from vesalius.evaluation.monitoring.cusum import UNIT
from vesalius.monitoring._tables import state as table
from vesalius.review.tallying import Untallied
from vesalius.store import put

MORE, FEWER = "more", "fewer"
"""The two charts: for a doubling of the odds of the outcome, and for their halving."""

ODDS = {MORE: 2.0, FEWER: 0.5}

POINTS = 240
"""How many points of a chart are kept for its picture."""

RECENT = 100
"""Over how many of the last cases it is said where a chart is going."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One chart as it stands.

    Attributes:
        chart: its plan, made when it was started.
        state: where it stands.
        trace: (case, sum), thinned; the greatest of each stretch stays.
        recent: the sums after the last cases, in millionths.
        a_year: how many cases a year it was planned for.
        alarms: how many false alarms a year it was planned for.
    """

    chart: Chart
    state: State
    trace: tuple[tuple[int, float], ...] = ()
    recent: tuple[int, ...] = ()
    a_year: float = 0.0
    alarms: float = 0.0

    @property
    def left(self) -> int | None:
        """After how many more cases like the last it would signal; None where that would be a guess.

        It is said only where it has come half the way, on at least thirty cases, and has been rising.
        """
        if len(self.recent) < 30 or self.state.value < self.chart.limit / 2:
            return None
        rise = (self.recent[-1] - self.recent[0]) / UNIT / (len(self.recent) - 1)
        if rise <= 0:
            return None
        return max(1, int(np.ceil((self.chart.limit - self.state.value) / rise)))


def planned(reference: Reference, monitor: str, a_year: float, alarms: float) -> Kept:
    """A chart before its first case."""
    chart = cusum(reference.scored, ODDS[monitor], max(a_year, 1.0), alarms)
    return Kept(chart=chart, state=chart.start(), trace=((0, 0.0),), a_year=a_year, alarms=alarms)


def bounded(kept: Kept, reference: Reference, monitor: str, alarms: float) -> Kept:
    """The chart with another bound, where the hospital has changed it; what it has seen stays."""
    if kept.alarms == alarms:
        return kept
    again = planned(reference, monitor, kept.a_year, alarms)
    return msgspec.structs.replace(kept, chart=again.chart, alarms=alarms)


def go_on(kept: Kept, rows: Sequence[Untallied]) -> Kept:
    """The chart after more cases, in the order given; those without a probability are no cases of it."""
    cases = [row for row in rows if row.probability is not None and row.outcome is not None]
    if not cases:
        return kept
    before = kept.state.cases
    state, path = kept.chart.trace(
        kept.state, [row.probability for row in cases], [float(bool(row.outcome)) for row in cases]
    )
    sums = path.tolist()
    points = (*kept.trace, *((before + place, total / UNIT) for place, total in enumerate(sums, 1)))
    recent = (*kept.recent, *sums)[-RECENT:]
    if state.last > before:  # after a signal it starts again at 0: what came before says no more
        recent = recent[-max(1, state.cases - state.last) :]
    return msgspec.structs.replace(kept, state=state, trace=_thinned(points), recent=tuple(recent))


def read(connection: sa.Connection, name: str, model: str, monitor: str, since: datetime) -> Kept | None:
    """The chart as it was kept; None where it has not begun since the use last changed its state."""
    row = connection.execute(
        sa.select(table.c.since, table.c.body).where(
            table.c.usecase == name, table.c.model == model, table.c.monitor == monitor
        )
    ).one_or_none()
    return None if row is None or row.since != since else msgspec.json.decode(row.body, type=Kept)


def keep(connection: sa.Connection, name: str, model: str, monitor: str, since: datetime, kept: Kept) -> None:
    """Keeps the chart, in the place of what was kept of it before."""
    body = msgspec.json.encode(kept, order="sorted").decode()
    key = {"usecase": name, "model": model, "monitor": monitor}
    put(connection, table, key, {"since": since, "cases": kept.state.cases, "body": body})


def clear(connection: sa.Connection, name: str, model: str) -> None:
    """Forgets the charts of a use and model."""
    connection.execute(sa.delete(table).where(table.c.usecase == name, table.c.model == model))


def _thinned(points: Sequence[tuple[int, float]]) -> tuple[tuple[int, float], ...]:
    while len(points) > POINTS:
        pairs = (points[place : place + 2] for place in range(0, len(points), 2))
        points = [max(pair, key=lambda point: point[1]) for pair in pairs]
    return tuple((case, round(value, 4)) for case, value in points)
