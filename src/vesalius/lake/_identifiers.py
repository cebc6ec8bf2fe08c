"""Finding resources by a business identifier: an index made from the log, by whoever asks first.

Like the columns it can be made again at any time: it says only where to look, and what is found there is
compared with the resource itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from vesalius.errors import Unavailable
from vesalius.lake._log import resource_version
from vesalius.lake._search import Wanted, search
from vesalius.lake._version import Version
from vesalius.store import metadata, reading, writing

LENGTH = 128
"""How much of a value is in the index; the rest is compared with the resource."""

SECONDS = 20.0
"""For how long one question may bring the index up to date."""

_BATCH = 2_000

_entry = sa.Table(
    "resource_identifier",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("type", sa.String(64), nullable=False),
    sa.Column("id", sa.String(64), nullable=False),
    sa.Column("value", sa.String(LENGTH), nullable=False),
    sa.Index("ix_resource_identifier_value_type", "value", "type"),
)

_head = sa.Table(
    "resource_identifier_head",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
)


class _Identifier(msgspec.Struct):
    value: str = ""


class _Identified(msgspec.Struct):
    identifier: list[_Identifier] | _Identifier | None = None


_DECODER = msgspec.json.Decoder(_Identified)


def holders(connection: sa.Connection, type_: str, system: str | None, value: str, pin: int) -> list[Version]:
    """The resources in force of a type that have an identifier, as far as the index reaches.

    Args:
        connection: where to look.
        type_: the resource type.
        system: of the identifier; empty for one without, None for any.
        value: of the identifier.
        pin: the position up to which the log is seen.
    """
    asked = sa.select(_entry.c.id).distinct().where(_entry.c.value == value[:LENGTH], _entry.c.type == type_)
    ids = tuple(sorted(connection.execute(asked).scalars()))
    found = search(connection, Wanted(type_, ids=ids), pin, len(ids)) if ids else []
    return [version for version in found if _has(version.resource, system, value)]


def _has(resource: dict[str, Any], system: str | None, value: str) -> bool:
    held = resource.get("identifier", [])
    return any(
        each.get("value") == value and (system is None or each.get("system", "") == system)
        for each in (held if isinstance(held, list) else [held])
    )


def bring_up(engine: sa.Engine, position: int) -> None:
    """Brings the index up to a position.

    Raises:
        Unavailable: it is far behind the log; asking again brings it further.
    """
    end = time.monotonic() + SECONDS
    with reading(engine) as connection:
        done = connection.execute(sa.select(_head.c.seq)).scalar() or 0
    while done < position:
        if time.monotonic() > end:
            raise Unavailable("the index of identifiers is being brought up to date", hint="ask again")
        with writing(engine) as connection:
            done = _take(connection)


def finish(connection: sa.Connection, position: int) -> None:
    """Brings the index up to a position that it had nearly reached, within a transaction."""
    while _take(connection) < position:
        pass


def forget(connection: sa.Connection, seqs: list[int]) -> None:
    """Takes versions that were erased out of the index."""
    connection.execute(sa.delete(_entry).where(_entry.c.seq.in_(seqs)))


def _take(connection: sa.Connection) -> int:
    """Takes the next versions from the log; the position up to which it now reaches."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE resource_identifier_head IN EXCLUSIVE MODE"))
    done = connection.execute(sa.select(_head.c.seq)).scalar()
    if done is None:
        connection.execute(sa.insert(_head).values(id=1, seq=0))
    c = resource_version.c
    asked = sa.select(c.seq, c.type, c.id, c.body).where(c.seq > (done or 0)).order_by(c.seq).limit(_BATCH)
    rows = connection.execute(asked).all()
    entries = [entry for row in rows for entry in _entries(row)]
    if entries:
        connection.execute(sa.insert(_entry), entries)
    reached = rows[-1].seq if rows else done or 0
    connection.execute(sa.update(_head).values(seq=reached))
    return int(reached)


def _entries(row: Any) -> Iterator[dict[str, Any]]:
    if b'"identifier"' not in row.body:
        return
    try:
        found = _DECODER.decode(row.body).identifier
    except msgspec.ValidationError:  # of another form than resources have there
        return
    values = [each.value for each in found] if isinstance(found, list) else [found.value] if found else []
    for place, value in enumerate(values):
        if value:
            yield {"seq": row.seq, "place": place, "type": row.type, "id": row.id, "value": value[:LENGTH]}
