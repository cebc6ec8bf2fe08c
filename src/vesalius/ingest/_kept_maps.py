"""The maps that files came through: kept as text, so that what they held can be read through them again."""

from __future__ import annotations

from datetime import datetime

import msgspec
import sqlalchemy as sa

from vesalius.errors import NotFound
from vesalius.ingest._maps import Map, parse_map
from vesalius.ingest._tables import kept_map as table
from vesalius.ingest._tables import receipt as receipt_table
from vesalius.store import reading

SYSTEM = "system"
"""Who keeps a map that came with a file."""


class KeptMap(msgspec.Struct, frozen=True, kw_only=True):
    """A map that was used here.

    Attributes:
        digest: the SHA-256 of its text.
        name: of its file.
        text: itself.
        at: when it was first used.
        by: who mended it, or ``system`` for one that came with a file.
        mends: the digest of the map that it was made from, or empty.
    """

    digest: str
    name: str
    text: str
    at: datetime
    by: str
    mends: str

    def read(self) -> Map:
        """The map, read and checked."""
        return parse_map(self.text, self.name)


def keep(connection: sa.Connection, given: Map, at: datetime, by: str = SYSTEM, mends: str = "") -> None:
    """Keeps the text of a map, within a transaction; one that is kept already stays as it is."""
    known = sa.select(table.c.digest).where(table.c.digest == given.digest)
    if connection.execute(known).first() is None:
        row = {
            "digest": given.digest,
            "name": given.name[:255],
            "text": given.text,
            "at": at,
            "by": by,
            "mends": mends,
        }
        connection.execute(sa.insert(table).values(row))


def kept(engine: sa.Engine, digest: str) -> KeptMap:
    """The map with this digest.

    Raises:
        NotFound: no file came through such a map.
    """
    with reading(engine) as connection:
        row = connection.execute(sa.select(table).where(table.c.digest == digest)).first()
    if row is None:
        raise NotFound("no file came through this map")
    return KeptMap(**row._mapping)


def newest(engine: sa.Engine, digest: str) -> KeptMap:
    """The last map that was mended from the one with this digest; itself where none was.

    Raises:
        NotFound: no file came through such a map.
    """
    found, seen = kept(engine, digest), {digest}
    while True:
        later = sa.select(table).where(table.c.mends == found.digest).order_by(table.c.at.desc()).limit(1)
        with reading(engine) as connection:
            row = connection.execute(later).first()
        if row is None or row.digest in seen:
            return found
        found = KeptMap(**row._mapping)
        seen.add(found.digest)


def map_of_feed(engine: sa.Engine, source: str) -> KeptMap | None:
    """The map that the last file of a feed came through, as mended since; None if there is none."""
    last = (
        sa.select(receipt_table.c.map)
        .join(table, table.c.digest == receipt_table.c.map)
        .where(receipt_table.c.source == source)
        .order_by(receipt_table.c.id.desc())
        .limit(1)
    )
    with reading(engine) as connection:
        row = connection.execute(last).first()
    return newest(engine, row.map) if row else None
