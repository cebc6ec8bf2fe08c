"""What was received: one receipt per content, feed and map."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from vesalius.errors import Conflict
from vesalius.ingest._kept_maps import keep
from vesalius.ingest._maps import Map
from vesalius.ingest._tables import receipt as table
from vesalius.store import reading, writing

RECEIVING, COMPLETE, REFUSED = "receiving", "complete", "refused"


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one file.

    Attributes:
        id: its number; 0 for a retry of the quarantine, which is no file.
        source: the feed it came from.
        name: the name it came under.
        sha256: of its bytes, as they came (compressed, if so).
        format: as ``ingest.FORMATS`` names it.
        received_at: when it was first received.
        status: ``receiving`` (or broken off: receive it again and it goes on), ``complete`` or ``refused``.
        words: why it was refused.
        read: how many lines, rows or entries it holds.
        written: how many resources became new versions; a row of CSV can hold several.
        unchanged: how many resources were already there.
        quarantined: how many lines, rows or entries are held.
        repeated: it had been received whole before: this time nothing was written.
    """

    id: int
    source: str
    name: str
    sha256: str
    format: str
    received_at: datetime
    status: str = COMPLETE
    words: str = ""
    read: int = 0
    written: int = 0
    unchanged: int = 0
    quarantined: int = 0
    repeated: bool = False


def receipts(engine: sa.Engine, limit: int = 100, offset: int = 0) -> list[Receipt]:
    """The receipts, newest first."""
    with reading(engine) as connection:
        rows = connection.execute(sa.select(table).order_by(table.c.id.desc()).limit(limit).offset(offset))
        return [_receipt(row) for row in rows]


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """What one feed brought until now.

    Attributes:
        source: its name.
        files: how many files it sent.
        last: when the last of them came.
        read: how many lines, rows or entries they hold.
    """

    source: str
    files: int
    last: datetime
    read: int


def feeds(engine: sa.Engine) -> list[Feed]:
    """The feeds that sent something, the longest silent first."""
    last = sa.func.max(table.c.received_at, type_=table.c.received_at.type).label("last")
    asked = sa.select(
        table.c.source, sa.func.count().label("files"), last, sa.func.sum(table.c.read).label("read")
    )
    with reading(engine) as connection:
        rows = connection.execute(asked.group_by(table.c.source).order_by(last, table.c.source))
        return [Feed(source=row.source, files=row.files, last=row.last, read=int(row.read)) for row in rows]


def find(engine: sa.Engine, sha256: str, source: str, map_digest: str) -> Receipt | None:
    """The receipt of this content from this feed through this map, if there is one."""
    wanted = sa.select(table).where(
        table.c.sha256 == sha256, table.c.source == source, table.c.map == map_digest
    )
    with reading(engine) as connection:
        row = connection.execute(wanted).first()
    return _receipt(row) if row else None


def begin(engine: sa.Engine, receipt: Receipt, given: Map | None) -> Receipt:
    """Writes a new receipt, gives it its number, and keeps the map that it comes through.

    Raises:
        Conflict: someone else is receiving the same file at this moment.
    """
    row = msgspec.structs.asdict(receipt) | {"map": given.digest if given else ""}
    del row["repeated"], row["id"]
    try:
        with writing(engine) as connection:
            if given and given.digest:
                keep(connection, given, receipt.received_at)
            key = connection.execute(sa.insert(table).values(row)).inserted_primary_key
    except sa.exc.IntegrityError:
        raise Conflict("the same file is being received at this moment") from None
    assert key is not None
    return msgspec.structs.replace(receipt, id=int(key[0]))


def progress(connection: sa.Connection, before: Receipt, after: Receipt) -> None:
    """Writes how far a receipt has come, within the transaction that holds what it counts.

    Raises:
        Conflict: someone else went on with the same file meanwhile.
    """
    changed = connection.execute(
        sa.update(table)
        .where(table.c.id == before.id, table.c.read == before.read, table.c.status == before.status)
        .values(
            read=after.read,
            written=after.written,
            unchanged=after.unchanged,
            quarantined=after.quarantined,
            status=after.status,
            words=after.words,
            format=after.format,
            name=after.name,
        )
    )
    if changed.rowcount != 1:
        raise Conflict("the same file is being received at this moment")


def _receipt(row: sa.Row[Any]) -> Receipt:
    return Receipt(**{name: value for name, value in row._mapping.items() if name != "map"})
