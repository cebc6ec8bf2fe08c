"""What people did with the suggestions of a use, day by day, as counts that can be added up.

A day is one of UTC, as days since 1970: that of the suggestion's own moment for what was shown, that of the
decision for what was decided. Decisions that were undone, and deferrals, do not count.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from vesalius.review._tables import decision, outcome, suggestion
from vesalius.review.records import DECIDED

DAY = 86_400_000_000
"""Microseconds."""

PER_DECADE = 20
"""Bins of a delay per power of ten: what is read from them is right to 12 %."""

DELAYS = 120
"""How many bins there are: from a minute to nearly two years."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Act(msgspec.Struct, frozen=True, array_like=True):
    """How many suggestions of one option on one ward had one answer."""

    ward: str
    option: str
    action: str
    count: int


class Factors(msgspec.Struct, frozen=True, omit_defaults=True):
    """Counts of some days. ``factors + factors`` is both.

    Attributes:
        shown: per ward, how many suggestions were shown.
        silent: how many were made in silence.
        acts: what was decided.
        reasons: of the overrides, per reason's code (words alone count under the empty one).
        to_suggestion: per bin, how long after its moment a decided suggestion was filed.
        to_decision: per bin, how long after its moment it was decided.
        right, wrong: of decided suggestions whose outcome is known, how many (accepted, all) were right, and
            wrong. One urges where its indicator is warning or critical; it was right where it urged and the
            outcome came, or it did not and it did not come. Those without a probability are out.
    """

    shown: dict[str, int] = {}
    silent: int = 0
    acts: tuple[Act, ...] = ()
    reasons: dict[str, int] = {}
    to_suggestion: dict[int, int] = {}
    to_decision: dict[int, int] = {}
    right: tuple[int, int] = (0, 0)
    wrong: tuple[int, int] = (0, 0)

    def __add__(self, other: Factors) -> Factors:
        """Both together."""
        return total((self, other))

    @property
    def live(self) -> int:
        """How many suggestions were shown."""
        return sum(self.shown.values())

    @property
    def decided(self) -> int:
        """How many were decided."""
        return sum(act.count for act in self.acts)

    def count(self, action: str) -> int:
        """How many were decided in one way."""
        return sum(act.count for act in self.acts if act.action == action)


def day_of(moment: datetime) -> int:
    """The day of a moment, in UTC, as days since 1970."""
    return (moment - _EPOCH).days


def start_of(day: int) -> datetime:
    """The moment at which a day begins, in UTC."""
    return _EPOCH + timedelta(days=day)


def total(parts: Iterable[Factors]) -> Factors:
    """All together."""
    shown, acts, reasons = Counter[str](), Counter[tuple[str, str, str]](), Counter[str]()
    filed, decided = Counter[int](), Counter[int]()
    silent, right, wrong = 0, [0, 0], [0, 0]
    for part in parts:
        shown.update(part.shown)
        reasons.update(part.reasons)
        filed.update(part.to_suggestion)
        decided.update(part.to_decision)
        silent += part.silent
        for act in part.acts:
            acts[act.ward, act.option, act.action] += act.count
        for place in (0, 1):
            right[place] += part.right[place]
            wrong[place] += part.wrong[place]
    return Factors(
        dict(shown),
        silent,
        tuple(Act(*key, count) for key, count in sorted(acts.items())),
        dict(reasons),
        dict(sorted(filed.items())),
        dict(sorted(decided.items())),
        (right[0], right[1]),
        (wrong[0], wrong[1]),
    )


def quantile(bins: dict[int, int], share: float) -> timedelta | None:
    """The delay within which this share lies, to 12 %; None where nothing was measured."""
    wanted = share * sum(bins.values())
    if not wanted:
        return None
    numbers = sorted(bins)
    running = itertools.accumulate(bins[number] for number in numbers)
    reached = next(number for number, count in zip(numbers, running, strict=True) if count >= wanted - 1e-9)
    return timedelta(minutes=10 ** ((reached + 0.5) / PER_DECADE) if reached else 1)


def days_touched(connection: sa.Connection, usecase: str, since: datetime) -> set[int]:
    """The days whose decisions changed since a moment: taken, undone, or their outcome recorded."""
    day = day_column(decision.c.at)
    of_use = sa.select(day).distinct().join_from(decision, suggestion).where(suggestion.c.usecase == usecase)
    known = of_use.join(outcome, outcome.c.suggestion == suggestion.c.id)
    asked = sa.union(
        of_use.where(decision.c.at > since),
        of_use.where(decision.c.undone_at > since),
        known.where(outcome.c.recorded_at > since),
    )
    return set(connection.execute(asked).scalars())


def first_day(connection: sa.Connection, usecase: str) -> int | None:
    """The day of the oldest suggestion of a use; None where it has none."""
    found = connection.execute(
        sa.select(sa.func.min(suggestion.c.as_of)).where(suggestion.c.usecase == usecase)
    ).scalar()
    return None if found is None else day_of(found)


def count(connection: sa.Connection, usecase: str, days: Collection[int]) -> dict[int, Factors]:
    """What people did on some days; days on which there was nothing are left out."""
    parts: dict[int, list[Factors]] = {}
    for first, last in _ranges(days):
        for counted in (_shown, _decided):
            for day, found in counted(connection, usecase, first, last):
                parts.setdefault(day, []).append(found)
    return {day: total(found) for day, found in parts.items()}


def _shown(connection: sa.Connection, usecase: str, first: int, last: int) -> Iterable[tuple[int, Factors]]:
    rows, day = suggestion.c, day_column(suggestion.c.as_of)
    asked = sa.select(day, rows.mode, rows.ward, sa.func.count()).where(
        rows.usecase == usecase, rows.as_of >= start_of(first), rows.as_of < start_of(last + 1)
    )
    for number, mode, ward, many in connection.execute(asked.group_by(day, rows.mode, rows.ward)):
        yield number, Factors(silent=many) if mode == "silent" else Factors(shown={ward: many})


def _decided(connection: sa.Connection, usecase: str, first: int, last: int) -> Iterable[tuple[int, Factors]]:
    rows = suggestion.c
    joined = decision.join(suggestion, suggestion.c.id == decision.c.suggestion)
    joined = joined.outerjoin(outcome, outcome.c.suggestion == suggestion.c.id)
    of_suggestion = (rows.ward, rows.option, rows.as_of, rows.created_at, rows.indicator, rows.probability)
    asked = sa.select(decision.c.at, decision.c.action, decision.c.reason, *of_suggestion, outcome.c.value)
    asked = asked.select_from(joined).where(
        rows.usecase == usecase,
        decision.c.at >= start_of(first),
        decision.c.at < start_of(last + 1),
        decision.c.undone_at.is_(None),
        decision.c.action.in_(DECIDED),
    )
    for row in connection.execute(asked):
        yield day_of(row.at), _one(row)


def _one(row: Any) -> Factors:
    """One decision, as counts."""
    accepted = int(row.action == "accepted")
    fate = (0, 0), (0, 0)
    if row.value is not None and row.probability is not None:
        right = (row.indicator in ("warning", "critical")) == row.value
        fate = ((accepted, 1), (0, 0)) if right else ((0, 0), (accepted, 1))
    return Factors(
        acts=(Act(row.ward, row.option, row.action, 1),),
        reasons={row.reason: 1} if row.action == "overridden" else {},
        to_suggestion={_bin(row.created_at - row.as_of): 1},
        to_decision={_bin(row.at - row.as_of): 1},
        right=fate[0],
        wrong=fate[1],
    )


def _bin(lasted: timedelta) -> int:
    minutes = lasted.total_seconds() / 60
    return 0 if minutes <= 1 else min(DELAYS - 1, int(PER_DECADE * math.log10(minutes)))


def day_column(column: Any) -> Any:
    """The day of a moment, in the database."""
    return sa.type_coerce(column, sa.BigInteger) // DAY


def _ranges(days: Collection[int]) -> Iterable[tuple[int, int]]:
    """Days as runs without a gap."""
    start = before = None
    for day in sorted(days):
        if start is None or before is None:
            start = day
        elif day != before + 1:
            yield start, before
            start = day
        before = day
    if start is not None and before is not None:
        yield start, before
