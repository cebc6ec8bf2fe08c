"""What the reviews add up to: how much was suggested, how often people agreed, how long it took."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from vesalius.review._tables import decision, outcome, suggestion
from vesalius.review.records import DECIDED


@dataclass(frozen=True)
class Count:
    """How many suggestions of a use are in one mode and status."""

    usecase: str
    mode: str
    status: str
    count: int


@dataclass(frozen=True)
class Day:
    """One day (UTC) of one use: how many suggestions were filed, and how many decisions taken that stand."""

    day: date
    filed: int
    decided: int


@dataclass(frozen=True)
class Cell:
    """How many suggestions had the same fate.

    Attributes:
        suggested: the option suggested.
        action: what the person did.
        chosen: the option chosen, or empty.
        outcome: whether the card's target came true, or None while unknown.
        count: how many.
    """

    suggested: str
    action: str
    chosen: str
    outcome: bool | None
    count: int


@dataclass(frozen=True)
class Agreement:
    """How often people followed the suggestions of a use.

    Attributes:
        decided: suggestions with a decision that stands, deferrals left out.
        accepted, modified, overridden: of those, how many.
        reasons: for each reason of an override, how often (words alone count under the empty code).
        cells: the fates, most frequent first.
    """

    decided: int
    accepted: int
    modified: int
    overridden: int
    reasons: dict[str, int]
    cells: tuple[Cell, ...]

    @property
    def share(self) -> float | None:
        """The part that was accepted as suggested, 0 to 1; None when nothing was decided."""
        return self.accepted / self.decided if self.decided else None


@dataclass(frozen=True)
class Delays:
    """How long it took; None where there is nothing to measure.

    Attributes:
        count: decisions measured.
        to_suggestion: median time from the moment the data was known (``as_of``) to the filing.
        to_decision: median time from the moment the data was known to the decision.
        to_decision_p90: the time within which 90 % were decided.
    """

    count: int
    to_suggestion: timedelta | None
    to_decision: timedelta | None
    to_decision_p90: timedelta | None


def counts(connection: sa.Connection, within: Sequence[sa.ColumnElement[bool]] = ()) -> list[Count]:
    """How many suggestions there are, by use case, mode and status; under some conditions, or all."""
    columns = (suggestion.c.usecase, suggestion.c.mode, suggestion.c.status)
    asked = sa.select(*columns, sa.func.count()).where(*within).group_by(*columns).order_by(*columns)
    return [Count(*row) for row in connection.execute(asked)]


def daily(connection: sa.Connection, usecase: str, since: datetime, until: datetime) -> list[Day]:
    """For each day (UTC) with any: how many were filed and decided in (``since``, ``until``]."""
    filed = sa.select(suggestion.c.created_at).where(
        suggestion.c.usecase == usecase, suggestion.c.created_at > since, suggestion.c.created_at <= until
    )
    decided = _standing(usecase, decision.c.at).where(decision.c.at > since, decision.c.at <= until)
    made = Counter(moment.date() for moment in connection.execute(filed).scalars())
    taken = Counter(moment.date() for moment in connection.execute(decided).scalars())
    return [Day(day, made[day], taken[day]) for day in sorted({*made, *taken})]


def agreement(connection: sa.Connection, usecase: str, since: datetime | None) -> Agreement:
    """How often people followed the suggestions of a use, and what happened then."""
    columns: Sequence[Any] = (suggestion.c.option, decision.c.action, decision.c.option, outcome.c.value)
    asked = _since(_standing(usecase, *columns, sa.func.count()), since).group_by(*columns)
    cells = [Cell(*row) for row in connection.execute(asked)]
    total = Counter[str]()
    for cell in cells:
        total[cell.action] += cell.count
    asked = _since(_standing(usecase, decision.c.reason, sa.func.count()), since)
    asked = asked.where(decision.c.action == "overridden").group_by(decision.c.reason)
    reasons = {row.reason: row[1] for row in connection.execute(asked)}
    return Agreement(
        decided=total.total(),
        accepted=total["accepted"],
        modified=total["modified"],
        overridden=total["overridden"],
        reasons=reasons,
        cells=tuple(sorted(cells, key=lambda cell: (-cell.count, cell.suggested, cell.action, cell.chosen))),
    )


def delays(connection: sa.Connection, usecase: str, since: datetime | None) -> Delays:
    """How long it took from the data to the suggestion, and to the decision."""
    asked = _standing(usecase, suggestion.c.as_of, suggestion.c.created_at, decision.c.at)
    rows = connection.execute(_since(asked, since)).all()
    if not rows:
        return Delays(0, None, None, None)
    filed = [(row.created_at - row.as_of).total_seconds() for row in rows]
    decided = sorted((row.at - row.as_of).total_seconds() for row in rows)
    p90 = decided[min(len(decided) - 1, int(0.9 * len(decided)))]
    seconds = (statistics.median(filed), statistics.median(decided), p90)
    to_suggestion, to_decision, nearly_all = (timedelta(seconds=value) for value in seconds)
    return Delays(len(rows), to_suggestion, to_decision, nearly_all)


def _standing(usecase: str, *columns: Any) -> sa.Select[Any]:
    """Decisions of a use that stand, deferrals left out, beside their suggestion and its outcome."""
    joined = decision.join(suggestion, suggestion.c.id == decision.c.suggestion).outerjoin(
        outcome, outcome.c.suggestion == suggestion.c.id
    )
    asked = sa.select(*columns).select_from(joined).where(suggestion.c.usecase == usecase)
    return asked.where(decision.c.undone_at.is_(None), decision.c.action.in_(DECIDED))


def _since(asked: sa.Select[Any], since: datetime | None) -> sa.Select[Any]:
    return asked if since is None else asked.where(decision.c.at > since)
