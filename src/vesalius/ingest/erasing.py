"""What was kept of somebody on the way in: the bytes of messages and of held items, found and emptied.

These bytes are as they came: no table says whom they are about. So they are looked for by what identifies
the patient (numbers, ids, words that a person adds), each as a whole word; what an item became when it was
released tells it for certain.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from vesalius.ingest._causes import Cause
from vesalius.ingest._message_table import message
from vesalius.ingest._tables import attempt, quarantine, receipt, step
from vesalius.ingest.messages import REFUSED
from vesalius.ingest.quarantine import ASIDE, RELEASED
from vesalius.store import reading

EMPTIED = "its bytes were erased on request"

CHUNK = 500

Progress = Callable[[str, int, int], None]

_ENDS = rb"[A-Za-z0-9]"


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """One message or held item that holds something of what is to be erased.

    Attributes:
        kind: ``message`` or ``quarantine``.
        id: its number.
        source: the feed.
        status: of a message or an item.
        cause: why it is held, or empty.
    """

    kind: str
    id: int
    source: str
    status: str
    cause: str

    @property
    def name(self) -> str:
        """How a person names it: ``message/7``."""
        return f"{self.kind}/{self.id}"


def pattern(words: Iterable[str]) -> re.Pattern[bytes] | None:
    """What finds one of some words in bytes, each as a whole word; None where there is none."""
    found = sorted({each.encode() for each in words if each}, key=len, reverse=True)
    if not found:
        return None
    either = b"|".join(re.escape(each) for each in found)
    return re.compile(rb"(?<!" + _ENDS + rb")(?:" + either + rb")(?!" + _ENDS + rb")")


def messages(
    connection: sa.Connection, wanted: re.Pattern[bytes] | None, after: int = 0, tick: Progress | None = None
) -> Iterator[Trace]:
    """The messages after a number whose bytes hold what is wanted."""
    c = message.c
    columns = (c.id, c.source, c.status, c.cause, c.raw)
    total = int(connection.execute(sa.select(sa.func.count()).select_from(message)).scalar_one())
    for done, row in enumerate(_rows(connection, columns, after), 1):
        if tick and done % CHUNK == 0:
            tick("messages", done, total)
        if wanted and row.raw and wanted.search(zlib.decompress(row.raw)):
            yield Trace(kind="message", id=row.id, source=row.source, status=row.status, cause=row.cause)


def items(
    connection: sa.Connection,
    wanted: re.Pattern[bytes] | None,
    became: Collection[str],
    after: int = 0,
    tick: Progress | None = None,
) -> Iterator[Trace]:
    """The items of the quarantine after a number, whatever their state, that hold what is wanted.

    Args:
        connection: where to look.
        wanted: what their bytes may hold.
        became: resources, as ``Type/ID``, that they may have become.
        after: the number after which to look.
        tick: called with what is looked through, how far, and how many there are.
    """
    certain = _released_as(connection, became)
    c = quarantine.c
    feed = sa.select(receipt.c.source).where(receipt.c.id == c.receipt_id).scalar_subquery().label("source")
    columns = (c.id, feed, c.status, c.cause, c.raw, c.context)
    total = int(connection.execute(sa.select(sa.func.count()).select_from(quarantine)).scalar_one())
    for done, row in enumerate(_rows(connection, columns, after), 1):
        if tick and done % CHUNK == 0:
            tick("quarantine", done, total)
        held = row.raw and wanted and (wanted.search(row.raw) or wanted.search(row.context))
        if row.raw and (held or row.id in certain):
            yield Trace(kind="quarantine", id=row.id, source=row.source, status=row.status, cause=row.cause)


def last(engine: sa.Engine) -> tuple[int, int]:
    """The numbers of the newest message and of the newest held item."""
    with reading(engine) as connection:
        found = (
            connection.execute(sa.select(sa.func.max(each.c.id))).scalar() for each in (message, quarantine)
        )
        newest = tuple(int(each or 0) for each in found)
    return newest[0], newest[1]


def empty(connection: sa.Connection, traces: Iterable[Trace]) -> None:
    """Empties the bytes of messages and held items, within a transaction; what is said of them stays."""
    traces = list(traces)
    gone = {"raw": b"", "cause": Cause.ERASED.value, "words": EMPTIED}
    for ids in _parts([each.id for each in traces if each.kind == "message"]):
        # Refused: the same bytes, sent again, are looked at again, and held for a person.
        values = gone | {"status": REFUSED}
        connection.execute(sa.update(message).where(message.c.id.in_(ids)).values(values))
    for ids in _parts([each.id for each in traces if each.kind == "quarantine"]):
        c = quarantine.c
        values = gone | {"context": b"{}"}
        connection.execute(sa.update(quarantine).where(c.id.in_(ids)).values(values))
        waiting = sa.and_(c.id.in_(ids), c.status != RELEASED)
        connection.execute(sa.update(quarantine).where(waiting).values(status=ASIDE))
        connection.execute(sa.update(step).where(step.c.item_id.in_(ids)).values(became=[]))


def tables() -> list[str]:
    """The tables that hold bytes as they came, whose files are to be cleaned."""
    return [each.name for each in (message, quarantine, step, attempt)]


def _rows(connection: sa.Connection, columns: tuple[Any, ...], after: int) -> Iterator[sa.Row[Any]]:
    while True:
        asked = sa.select(*columns).where(columns[0] > after).order_by(columns[0]).limit(CHUNK)
        found = connection.execute(asked).all()
        yield from found
        if len(found) < CHUNK:
            return
        after = found[-1][0]


def _released_as(connection: sa.Connection, became: Collection[str]) -> set[int]:
    if not became:
        return set()
    rows = connection.execute(sa.select(step.c.item_id, step.c.became))
    return {row.item_id for row in rows if not set(became).isdisjoint(row.became or ())}


def _parts(ids: list[int]) -> Iterator[list[int]]:
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
