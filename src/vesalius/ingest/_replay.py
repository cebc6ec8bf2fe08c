"""The messages that were received: listing them, and converting them again once a mapping was mended."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from vesalius import fhir
from vesalius.ingest import _finishing as finishing
from vesalius.ingest._causes import FaultError
from vesalius.ingest._judge import Judge
from vesalius.ingest._message_table import message as table
from vesalius.ingest._receipts import Receipt
from vesalius.ingest._tables import quarantine as held_table
from vesalius.ingest._tables import receipt as receipt_table
from vesalius.ingest.messages import REFUSED, TAKEN, Message, Reader, reader
from vesalius.ingest.quarantine import HELD
from vesalius.lake import Arrival, Lake
from vesalius.store import Instant, reading, writing

_CHUNK = 200

_OF_IT = sa.and_(
    held_table.c.receipt_id == table.c.receipt_id,
    held_table.c.ordinal >= table.c.ordinal,
    held_table.c.ordinal < table.c.ordinal + table.c["items"],
)
_STILL_HELD = sa.exists().where(_OF_IT, held_table.c.status == HELD)
_RELEASED_AT = (
    sa.select(sa.func.max(held_table.c.tried_at, type_=Instant))
    .where(_OF_IT)
    .correlate(table)
    .scalar_subquery()
)
_KNOWN_AT = sa.case((table.c.status == HELD, _RELEASED_AT), else_=table.c.received_at)
_EMPTIED = table.c.raw == b""  # what was compressed is never empty
_stands: sa.ColumnElement[str] = sa.case(
    (sa.and_(table.c.status == HELD, ~_STILL_HELD), TAKEN), else_=table.c.status
)
"""As it stands now."""


def received_messages(
    engine: sa.Engine, source: str | None = None, status: str | None = None, limit: int = 100, offset: int = 0
) -> list[Message]:
    """The messages that arrived one by one, newest first.

    Args:
        engine: the database.
        source: only those of this feed.
        status: only those that stand so now: ``taken``, ``held`` or ``refused``.
        limit: how many at most.
        offset: after how many.
    """
    names = ("source", "control_id", "sha256", "received_at", "cause", "words")
    chosen = sa.select(*(table.c[name] for name in names), _stands.label("status"))
    chosen = chosen.order_by(table.c.id.desc()).limit(limit).offset(offset)
    if source:
        chosen = chosen.where(table.c.source == source)
    if status:
        chosen = chosen.where(_stands == status)
    with reading(engine) as connection:
        found = [Message(**row._mapping) for row in connection.execute(chosen)]
    return [
        msgspec.structs.replace(each, cause="", words="") if each.status == TAKEN else each for each in found
    ]


def reconvert(
    lake: Lake,
    *,
    source: str | None = None,
    since: datetime | None = None,
    received_at: datetime | None = None,
    read: Reader | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Receipt:
    """Makes resources again of the messages that were taken in, through the mapping as it is now.

    What comes out as it did adds nothing. What comes out otherwise becomes a new version, which counts from
    when its message was received (unless it says itself when it was recorded): the hospital was told it
    then. Suggestions that were made before keep their position of the log, and do not change. A resource
    that no longer comes out stays; one that was held stays held, for ``retry``. Messages whose bytes are gone
    (:func:`empty_taken`) are left as they are, and not counted; :func:`count_emptied` says how many.

    Args:
        lake: where it goes.
        source: only the messages of this feed.
        since: only those received at this moment or later.
        received_at: when this is done; now, if not given.
        read: what makes resources of a message; the reader of its format, if not given.
        progress: called with the messages done, and with those in all.

    Returns:
        A receipt without number: how many messages were read, resources written and unchanged; as
        ``quarantined``, those that cannot be converted now, and whose resources stay as they were.
    """
    moment = received_at or datetime.now(UTC)
    total = Receipt(
        id=0, source=source or "messages", name="replay", sha256="", format="replay", received_at=moment
    )
    chosen = _chosen(source, since).where(~_EMPTIED)
    with reading(lake.engine) as connection:
        number = connection.execute(sa.select(sa.func.count()).select_from(chosen.subquery())).scalar_one()
    for chunk in _chunks(lake.engine, chosen):
        news, faults, judges = _News(lake), 0, dict[datetime, Judge]()
        for row in chunk:
            judge = judges.setdefault(row.known_at, Judge(lake, row.known_at))
            found, failed = _again(zlib.decompress(row.raw), judge, read or reader(row.format))
            faults += failed
            news.add(found, row.known_at, row.source)
        with writing(lake.engine) as connection:
            written = [
                finishing.written(lake, found, feed, moment, connection)
                for feed, found in news.arrivals.items()
            ]
        total = msgspec.structs.replace(
            total,
            read=total.read + len(chunk),
            written=total.written + sum(each.written for each in written),
            unchanged=total.unchanged + news.unchanged + sum(each.unchanged for each in written),
            quarantined=total.quarantined + faults,
        )
        if progress:
            progress(total.read, number)
    return total


def empty_taken(engine: sa.Engine, before: datetime) -> int:
    """Empties the bytes of the messages that were taken in before a moment; says of how many.

    A message that was held counts from when the last of it was released. One that is held or refused stays
    whole. The record stays: feed, control id, digest, moment and status, so that what is sent again is known.
    It is done in short transactions; cut short, it goes on the next time.
    """
    emptied = 0
    old = sa.select(_chosen(None, None).where(~_EMPTIED, before > _KNOWN_AT).subquery().c.id)
    while True:
        some = old.limit(_CHUNK)
        with writing(engine) as connection:
            done = connection.execute(sa.update(table).where(table.c.id.in_(some)).values(raw=b""))
        if not done.rowcount:
            return emptied
        emptied += done.rowcount


def count_emptied(engine: sa.Engine, source: str | None = None, since: datetime | None = None) -> int:
    """How many of the messages that were taken in cannot be converted again, for want of their bytes."""
    chosen = _chosen(source, since).where(_EMPTIED)
    with reading(engine) as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(chosen.subquery())).scalar_one()


def _chosen(source: str | None, since: datetime | None) -> sa.Select[Any]:
    chosen = (
        sa.select(
            table.c.id, table.c.source, table.c.raw, receipt_table.c.format, _KNOWN_AT.label("known_at")
        )
        .join(receipt_table)
        .where(table.c.status != REFUSED, sa.or_(table.c.status == TAKEN, ~_STILL_HELD))
    )
    if source:
        chosen = chosen.where(table.c.source == source)
    return chosen.where(table.c.received_at >= since) if since else chosen


def _chunks(engine: sa.Engine, chosen: sa.Select[Any]) -> Iterator[list[Any]]:
    after = 0
    while True:
        page = chosen.where(table.c.id > after).order_by(table.c.id).limit(_CHUNK)
        with reading(engine) as connection:
            found = list(connection.execute(page))
        if found:
            yield found
        if len(found) < _CHUNK:
            return
        after = found[-1].id


def _again(raw: bytes, judge: Judge, read: Reader) -> tuple[list[Arrival], bool]:
    """The arrivals of one message; and whether it failed, so that there are none."""
    try:
        return [arrival for item in read(io.BytesIO(raw)) for arrival in judge.arrivals(item)], False
    except FaultError:
        return [], True


class _News:
    """What some messages bring that was not in force when they came.

    Attributes:
        arrivals: by feed; each that does not say itself when it was recorded counts from its message.
        unchanged: how many were in force.
    """

    def __init__(self, lake: Lake) -> None:
        self.arrivals: dict[str, list[Arrival]] = {}
        self.unchanged = 0
        self._lake = lake
        self._mine: dict[str, tuple[datetime, str]] = {}

    def add(self, found: list[Arrival], known_at: datetime, source: str) -> None:
        """Takes the arrivals of the next message."""
        for arrival in found:
            name = f"{arrival.type}/{arrival.id}"
            recorded_at = arrival.recorded_at or known_at
            if recorded_at == known_at and self._in_force(name, known_at) == arrival.digest:
                self.unchanged += 1
                continue
            self._mine[name] = (recorded_at, arrival.digest)
            moved = msgspec.structs.replace(arrival, recorded_at=recorded_at)
            self.arrivals.setdefault(source, []).append(moved)

    def _in_force(self, name: str, known_at: datetime) -> str:
        """The digest of the version that was in force, those of this replay included."""
        version, mine = self._lake.read(name, known_at), self._mine.get(name)
        if mine and mine[0] <= known_at and (version is None or version.recorded_at <= mine[0]):
            return mine[1]
        return fhir.digest(version.body) if version else ""
