"""Pairs of patients who may be one person: proposed by a rule or a feed, decided by a person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from vesalius.errors import Conflict, InvalidDecision, NotFound
from vesalius.identity._tables import merge as merge_table
from vesalius.identity._tables import pair as table
from vesalius.store import reading, writing

OPEN, LATER, DIFFERENT, MERGED = "open", "later", "different", "merged"
"""The states of a pair: to decide, put off, two persons for good, one person."""

FED = "F"
"""The rule of a pair that a feed calls one person, against what holds."""


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Two patients who may be one person.

    Attributes:
        id: its number.
        one, other: the ids of the patients.
        rule: the code of the rule that proposes it, ``F`` where a feed does, empty where a person decided
            about two that nothing proposed.
        strength: 9 for the strongest.
        detail: how they agree, field by field; for one of a feed, why it was not followed.
        status: ``open``, ``later``, ``different`` or ``merged``.
        found_at: when it was proposed.
        decided_at, decided_by, reason: the last decision, or None.
    """

    id: int
    one: str
    other: str
    rule: str
    strength: int
    detail: dict[str, Any]
    status: str
    found_at: datetime
    decided_at: datetime | None = None
    decided_by: str | None = None
    reason: str | None = None


Witness = Callable[[sa.Connection, Pair], None]


def pairs(engine: sa.Engine, status: str = OPEN, *, limit: int = 50, offset: int = 0) -> list[Pair]:
    """The pairs in one state, the strongest first; of patients who stand for themselves."""
    asked = _shown(sa.select(table), status).order_by(table.c.strength.desc(), table.c.id)
    with reading(engine) as connection:
        return [_of_row(row) for row in connection.execute(asked.limit(limit).offset(offset))]


def counts(engine: sa.Engine) -> dict[str, int]:
    """How many pairs are in each state."""
    found = {}
    with reading(engine) as connection:
        for status in (OPEN, LATER, DIFFERENT, MERGED):
            asked = _shown(sa.select(sa.func.count()).select_from(table), status)
            found[status] = int(connection.execute(asked).scalar_one())
    return found


def pair(engine: sa.Engine, number: int) -> Pair:
    """One pair.

    Raises:
        NotFound: there is none with that number.
    """
    with reading(engine) as connection:
        return _one(connection, number)


def set_apart(
    engine: sa.Engine, number: int, *, by: str, reason: str, at: datetime, witness: Witness | None = None
) -> None:
    """Remembers that the two are different persons: they are never proposed again.

    Raises:
        InvalidDecision: no reason is given.
        NotFound: there is no such pair.
        Conflict: it was decided meanwhile.
    """
    if not reason.strip():
        raise InvalidDecision("say why they are two persons")
    _decide(engine, number, DIFFERENT, by, reason, at, witness)


def put_off(engine: sa.Engine, number: int, *, by: str, at: datetime, witness: Witness | None = None) -> None:
    """Puts a pair off: it leaves the list of those to decide and stays among those to look at later.

    Raises:
        NotFound: there is no such pair.
        Conflict: it was decided meanwhile.
    """
    _decide(engine, number, LATER, by, "", at, witness)


def _decide(
    engine: sa.Engine, number: int, state: str, by: str, reason: str, at: datetime, witness: Witness | None
) -> None:
    with writing(engine) as connection:
        values = {"status": state, "decided_at": at, "decided_by": by[:64], "reason": reason}
        undecided = sa.and_(table.c.id == number, table.c.status.in_([OPEN, LATER]))
        if connection.execute(sa.update(table).where(undecided).values(values)).rowcount != 1:
            raise Conflict(f"pair {_one(connection, number).id} was decided meanwhile")
        if witness:
            witness(connection, _one(connection, number))


def _one(connection: sa.Connection, number: int) -> Pair:
    row = connection.execute(sa.select(table).where(table.c.id == number)).one_or_none()
    if row is None:
        raise NotFound(f"there is no pair {number}")
    return _of_row(row)


def _of_row(row: sa.Row[Any]) -> Pair:
    return Pair(**{**row._mapping, "detail": msgspec.json.decode(row.detail)})


def _shown(asked: sa.Select[Any], status: str) -> sa.Select[Any]:
    asked = asked.where(table.c.status == status)
    if status not in {OPEN, LATER}:
        return asked
    source = merge_table.c.source
    gone = sa.exists().where(
        merge_table.c.undone_at.is_(None), sa.or_(source == table.c.one, source == table.c.other)
    )
    return asked.where(sa.or_(table.c.rule == FED, ~gone))


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
