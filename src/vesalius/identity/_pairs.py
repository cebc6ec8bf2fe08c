"""Pairs of patients who may be one person: proposed by a rule or a feed, decided by a person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from vesalius.identity._tables import pair as table

OPEN, LATER, DIFFERENT, MERGED = "open", "later", "different", "merged"
"""The states of a pair: to decide, put off, two persons for good, one person."""

FED = "F"
"""The rule of a pair that a feed calls one person, against what holds."""


def ordered(one: str, other: str) -> tuple[str, str]:
    """The two ids of a pair, in the one order in which it is kept."""
    return (one, other) if one < other else (other, one)


def _is(one: str, other: str) -> sa.ColumnElement[bool]:
    first, second = ordered(one, other)
    return sa.and_(table.c.one == first, table.c.other == second)


def status(connection: sa.Connection, one: str, other: str) -> str | None:
    """The state of a pair, or None where it was never proposed."""
    return connection.execute(sa.select(table.c.status).where(_is(one, other))).scalar()


def held_apart(connection: sa.Connection, one: str, other: str) -> bool:
    """Whether a person said that they are two."""
    return status(connection, one, other) == DIFFERENT


def decided(
    connection: sa.Connection, one: str, other: str, state: str, by: str, reason: str, at: datetime
) -> None:
    """Keeps what was decided about a pair, proposed before or not."""
    values: dict[str, Any] = {"status": state, "decided_at": at, "decided_by": by[:64], "reason": reason}
    if status(connection, one, other) is None:
        _add(connection, one, other, values | {"rule": "", "strength": 0, "detail": "{}", "found_at": at})
    else:
        connection.execute(sa.update(table).where(_is(one, other)).values(values))


def doubted(connection: sa.Connection, source: str, target: str, why: str, feed: str, at: datetime) -> None:
    """Puts a pair before a person: a feed calls them one, against what holds."""
    detail = msgspec.json.encode({"why": why, "feed": feed, "source": source}).decode()
    values: dict[str, Any] = {"rule": FED, "strength": 9, "detail": detail, "found_at": at, "status": OPEN}
    if status(connection, source, target) is None:
        _add(connection, source, target, values)
    else:
        connection.execute(sa.update(table).where(_is(source, target)).values(values))


def _add(connection: sa.Connection, one: str, other: str, values: dict[str, Any]) -> None:
    first, second = ordered(one, other)
    connection.execute(sa.insert(table).values(values | {"one": first, "other": second}))
