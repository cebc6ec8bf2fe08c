"""The tree over the events as it is kept: the leaf of an event follows from its hash, tiles spare the rest.

A leaf is the 32 bytes of an event's own SHA-256, so that whoever knows the hash of an event, as a line of a
dossier does, can be shown that it is in the tree without being shown the event.
"""

from __future__ import annotations

import sqlalchemy as sa

from vesalius.errors import Tampered
from vesalius.governance.audit import _tables, tree
from vesalius.governance.audit.chain import octets
from vesalius.store import insert

_STEP = 1 << tree.TILE


def leaf(hash_: str) -> bytes:
    """The leaf of the event with this hash.

    Raises:
        Tampered: it is no hash.
    """
    try:
        return tree.leaf(octets(hash_))
    except ValueError:
        raise Tampered("the hash of an event is none") from None


def grow(connection: sa.Connection, size: int) -> None:
    """Keeps the tiles of the first ``size`` events that are not kept yet."""
    tile = _tables.tile.c
    level = tree.TILE
    while size >> level:
        last = sa.select(sa.func.max(tile.number)).where(tile.level == level)
        have = connection.execute(last).scalar()
        missing = range(0 if have is None else have + 1, size >> level)
        rows = [
            {"level": level, "number": number, "hash": tree.fold(_below(connection, level, number)).hex()}
            for number in missing
        ]
        if rows:
            connection.execute(insert(connection, _tables.tile).on_conflict_do_nothing(), rows)
        level += tree.TILE


def nodes(connection: sa.Connection) -> tree.Nodes:
    """The nodes of the tree over the events; what is under a tile that is kept costs one look at it.

    Raises:
        Tampered: events or tiles that it needs are not there.
    """

    def find(level: int, number: int) -> bytes:
        base = level // tree.TILE * tree.TILE
        width = 1 << level - base
        return tree.fold(_level(connection, base, number * width, width))

    return find


def _below(connection: sa.Connection, level: int, number: int) -> list[bytes]:
    return _level(connection, level - tree.TILE, number * _STEP, _STEP)


def _level(connection: sa.Connection, level: int, first: int, count: int) -> list[bytes]:
    """The hashes of neighbouring nodes of one level, from the tiles or, at level 0, from the events."""
    if level:
        tile = _tables.tile.c
        asked = sa.select(tile.hash).where(tile.level == level, tile.number >= first)
        asked = asked.where(tile.number < first + count).order_by(tile.number)
        found = [bytes.fromhex(each) for each in connection.execute(asked).scalars()]
    else:
        event = _tables.event.c
        asked = sa.select(event.hash).where(event.seq > first, event.seq <= first + count)
        found = [leaf(each) for each in connection.execute(asked.order_by(event.seq)).scalars()]
    if len(found) != count:
        raise Tampered(f"events between {(first << level) + 1} and {(first + count) << level} are missing")
    return found
