"""Feeds that a person switched off on purpose: their silence is no alarm, until they send again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from vesalius.errors import Conflict, InvalidDecision, NotFound
from vesalius.ingest._tables import receipt
from vesalius.ingest.quality._tables import off as table
from vesalius.store import reading, writing


@dataclass(frozen=True)
class Off:
    """A feed that was switched off.

    Attributes:
        source: its name.
        since: when it was.
        by: the account that says so.
        reason: why, in the words of that person.
    """

    source: str
    since: datetime
    by: str
    reason: str


Witness = Callable[[sa.Connection, Off], None]


def switched_off(engine: sa.Engine) -> dict[str, Off]:
    """The feeds that are switched off, by name."""
    with reading(engine) as connection:
        found = [Off(**row._mapping) for row in connection.execute(sa.select(table))]
    return {each.source: each for each in found}


def switch_off(
    engine: sa.Engine, source: str, *, by: str, reason: str, at: datetime, witness: Witness | None = None
) -> Off:
    """Says that a feed was switched off on purpose.

    Args:
        engine: the database.
        source: the name of the feed.
        by: the account of the person.
        reason: why.
        at: when it is said: what it sends later ends it.
        witness: called within the transaction, to note it in the audit.

    Raises:
        InvalidDecision: no reason is given.
        NotFound: there is no such feed.
        Conflict: it is switched off already.
    """
    if not reason.strip():
        raise InvalidDecision("say why the feed was switched off")
    made = Off(source, at, by[:64], reason.strip())
    with writing(engine) as connection:
        if connection.execute(sa.select(receipt.c.id).where(receipt.c.source == source)).first() is None:
            raise NotFound("there is no such feed")
        before = connection.execute(sa.select(table.c.since).where(table.c.source == source)).scalar()
        newest = sa.select(sa.func.max(receipt.c.received_at, type_=receipt.c.received_at.type))
        last = connection.execute(newest.where(receipt.c.source == source)).scalar_one()
        if before is not None and last <= before:
            raise Conflict("this feed is switched off already")
        connection.execute(sa.delete(table).where(table.c.source == source))
        connection.execute(sa.insert(table).values(vars(made)))
        if witness:
            witness(connection, made)
    return made


def switch_on(engine: sa.Engine, source: str, witness: Witness | None = None) -> Off:
    """Says that a feed is on again: its silence counts as before.

    Raises:
        NotFound: it was not switched off.
    """
    with writing(engine) as connection:
        row = connection.execute(sa.select(table).where(table.c.source == source)).first()
        if row is None:
            raise NotFound("this feed was not switched off")
        connection.execute(sa.delete(table).where(table.c.source == source))
        ended = Off(**row._mapping)
        if witness:
            witness(connection, ended)
    return ended
