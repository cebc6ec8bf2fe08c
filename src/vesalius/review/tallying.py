"""What the monitoring has not counted yet: suggestions, and outcomes; each is counted once.

An event is known when it happens, its absence only when the time is up: of the last days, the outcomes that
are known are nearly all events. So an outcome waits until its day is **ripe**: most of that day's are known.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from vesalius.review._rows import chunks
from vesalius.review._tables import body, outcome, suggestion
from vesalius.review.factors import day_column, start_of

_COLUMNS = (
    "id", "model", "settings", "subject", "focus", "as_of", "position", "option", "indicator", "probability",
    "mode", "created_at", "erased",
)  # fmt: skip


class _Missing(msgspec.Struct):
    """All that is read of the body."""

    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Untallied:
    """A suggestion, or one whose outcome is known, that was not counted.

    Attributes:
        id, model, settings, subject, focus, as_of, position, option, indicator, probability, mode,
            created_at, erased: as in :class:`vesalius.review.Filed`.
        missing: the inputs that were not known when it was made.
        outcome: what happened; None where it is not asked for.
        recorded_at: when the outcome was recorded.
    """

    id: str
    model: str
    settings: str
    subject: str
    focus: str
    as_of: datetime
    position: int
    option: str
    indicator: str
    probability: float | None
    mode: str
    created_at: datetime
    erased: int | None
    missing: tuple[str, ...]
    outcome: bool | None = None
    recorded_at: datetime | None = None

    @property
    def urges(self) -> bool:
        """Whether it proposes to act: its indicator is warning or critical."""
        return self.indicator in ("warning", "critical")


def models(connection: sa.Connection, usecase: str) -> list[str]:
    """The models of suggestions that wait to be counted."""
    rows = suggestion.c
    filed = sa.select(rows.model).where(rows.usecase == usecase, rows.tallied_at.is_(None))
    known = _known(rows.model).where(rows.usecase == usecase)
    return sorted(connection.execute(sa.union(filed, known)).scalars())


def untallied(connection: sa.Connection, usecase: str, model: str, limit: int) -> list[Untallied]:
    """Suggestions of a use and model that were not counted, in the order of the lake that they read."""
    rows = suggestion.c
    asked = _select().where(rows.usecase == usecase, rows.model == model, rows.tallied_at.is_(None))
    return _found(connection, asked.order_by(rows.position, rows.id).limit(limit))


def ripe(
    connection: sa.Connection, usecase: str, model: str, share: float, *, before: int, late: int
) -> set[int]:
    """The days (since 1970) with outcomes that were not counted, and that are ripe.

    Args:
        connection: reads.
        usecase: the use case.
        model: the hash of the model.
        share: of a day's suggestions with a probability, how many must have a known outcome.
        before: only days before this one: a day that is not over fills up yet.
        late: a day before this one is ripe whatever is known of it: nothing more is looked for.
    """
    rows, day = suggestion.c, day_column(suggestion.c.as_of)
    mine = rows.usecase == usecase, rows.model == model
    days = set(connection.execute(_known(day).where(*mine).distinct()).scalars())
    days = {each for each in days if each < before}
    scored = rows.probability.is_not(None)
    known = sa.func.count(sa.case((scored, outcome.c.suggestion)))
    asked = sa.select(day).select_from(suggestion.outerjoin(outcome, outcome.c.suggestion == rows.id))
    asked = asked.where(
        *mine, rows.as_of >= start_of(min(days, default=before)), rows.as_of < start_of(before)
    )
    enough = asked.group_by(day).having(known >= share * sa.func.count(rows.probability))
    return {each for each in days if each < late} | days & set(connection.execute(enough).scalars())


def untallied_outcomes(
    connection: sa.Connection, usecase: str, model: str, days: Collection[int], limit: int
) -> list[Untallied]:
    """Outcomes of some days that were not counted, of suggestions that were, by the moment of these."""
    rows = suggestion.c
    asked = _select(outcome.c.value, outcome.c.recorded_at).join(outcome, outcome.c.suggestion == rows.id)
    asked = asked.where(
        outcome.c.tallied_at.is_(None),
        rows.usecase == usecase,
        rows.model == model,
        rows.tallied_at.is_not(None),
        day_column(rows.as_of).in_(days),
    )
    return _found(connection, asked.order_by(rows.as_of, rows.id).limit(limit))


def first(connection: sa.Connection, usecase: str, model: str, limit: int) -> list[Untallied]:
    """The first suggestions of a use and model, with what is known of their outcome, oldest first."""
    rows = suggestion.c
    asked = _select(outcome.c.value, outcome.c.recorded_at).outerjoin(
        outcome, outcome.c.suggestion == rows.id
    )
    asked = asked.where(rows.usecase == usecase, rows.model == model, rows.erased.is_(None))
    return _found(connection, asked.order_by(rows.as_of, rows.id).limit(limit))


def waiting(connection: sa.Connection, usecase: str) -> int:
    """How many suggestions of a use wait to be counted."""
    rows = suggestion.c
    asked = sa.select(sa.func.count()).where(rows.usecase == usecase, rows.tallied_at.is_(None))
    return int(connection.execute(asked).scalar_one())


def mark(connection: sa.Connection, identifiers: Sequence[str], at: datetime) -> bool:
    """Marks suggestions as counted; False where another has counted one of them meanwhile."""
    return _mark(connection, suggestion, suggestion.c.id, identifiers, at)


def mark_outcomes(connection: sa.Connection, identifiers: Sequence[str], at: datetime) -> bool:
    """Marks outcomes as counted; False where another has counted one of them meanwhile."""
    return _mark(connection, outcome, outcome.c.suggestion, identifiers, at)


def skip(connection: sa.Connection, usecase: str, model: str, at: datetime) -> None:
    """Marks all that waits of a use and model as counted, which it never will be."""
    mine, of_mine = _of(usecase, model)
    waits = suggestion.c.tallied_at.is_(None), outcome.c.tallied_at.is_(None)
    connection.execute(sa.update(suggestion).where(mine, waits[0]).values(tallied_at=at))
    connection.execute(sa.update(outcome).where(of_mine, waits[1]).values(tallied_at=at))


def forget(connection: sa.Connection, usecase: str, model: str) -> None:
    """Lets all suggestions and outcomes of a use and model wait to be counted again."""
    mine, of_mine = _of(usecase, model)
    connection.execute(sa.update(outcome).where(of_mine).values(tallied_at=None))
    connection.execute(sa.update(suggestion).where(mine).values(tallied_at=None))


def _of(usecase: str, model: str) -> tuple[Any, Any]:
    """Which suggestions are of a use and model, and which outcomes."""
    mine = sa.and_(suggestion.c.usecase == usecase, suggestion.c.model == model)
    return mine, outcome.c.suggestion.in_(sa.select(suggestion.c.id).where(mine))


def _mark(
    connection: sa.Connection, table: sa.Table, key: Any, identifiers: Sequence[str], at: datetime
) -> bool:
    done = 0
    for some in chunks(list(identifiers)):
        waiting = sa.update(table).where(key.in_(some), table.c.tallied_at.is_(None))
        done += connection.execute(waiting.values(tallied_at=at)).rowcount
    return done == len(identifiers)


def _known(*columns: Any) -> sa.Select[Any]:
    joined = outcome.join(suggestion, suggestion.c.id == outcome.c.suggestion)
    waiting = outcome.c.tallied_at.is_(None), suggestion.c.tallied_at.is_not(None)
    return sa.select(*columns).select_from(joined).where(*waiting)


def _select(*more: Any) -> sa.Select[Any]:
    columns = [suggestion.c[name] for name in _COLUMNS]
    return sa.select(*columns, body.c.body, *more).join(body, body.c.suggestion == suggestion.c.id)


def _found(connection: sa.Connection, asked: sa.Select[Any]) -> list[Untallied]:
    found = []
    for row in connection.execute(asked):
        values = row._mapping
        known = values.get("value")
        found.append(
            Untallied(
                **{name: values[name] for name in _COLUMNS},
                missing=_missing(bytes(values["body"])),
                outcome=None if known is None else bool(known),
                recorded_at=values.get("recorded_at"),
            )
        )
    return found


def _missing(raw: bytes) -> tuple[str, ...]:
    return msgspec.json.decode(raw, type=_Missing).missing if raw else ()
