"""What is held: keeping it, counting it by problem, listing it. ``mending`` does something about it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from vesalius.errors import NotFound
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._items import Item
from vesalius.ingest._receipts import Receipt
from vesalius.ingest._tables import quarantine as table
from vesalius.ingest._tables import receipt as receipt_table
from vesalius.store import reading, writing

HELD, RELEASED, ASIDE = "held", "released", "aside"
"""What can be the state of something that was held: it waits, it was taken in, or it was set aside."""

CHUNK = 200
"""How many are read, and tried again, at a time."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One line, row or entry that could not be taken in.

    Attributes:
        id: its number.
        receipt: the number of the receipt of its file.
        source, name, format: of that file.
        map: the digest of the map it came through, or empty.
        place: where it stands in it.
        cause: why, as a code of :class:`Cause`.
        words: why, for people, without any value of a patient.
        raw: its original bytes; they can hold patient data.
        context: what else is needed to read it again.
        status: ``held``, ``released`` once it was taken in, ``aside`` when somebody set it aside.
        received_at: when its file was received.
        tried_at: when it was last tried.
    """

    id: int
    receipt: int
    source: str
    name: str
    format: str
    map: str
    place: str
    cause: Cause
    words: str
    raw: bytes
    context: bytes
    status: str
    received_at: datetime
    tried_at: datetime


class Fault(NamedTuple):
    """An item that cannot be taken in, its place in the order of the file, and why."""

    ordinal: int
    item: Item
    error: FaultError


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong in the same words with a number of items of one feed.

    Attributes:
        cause: why, as a code of :class:`Cause`.
        words: why, for people.
        source: the feed.
        count: how many items.
        last: the number of the newest of them.
        since: when the oldest of them was received.
    """

    cause: Cause
    words: str
    source: str
    count: int
    last: int
    since: datetime


@dataclass(frozen=True)
class Chosen:
    """Which items are meant: those that fit all of what is given.

    Attributes:
        cause, words, source: as of :class:`Problem`; empty means any.
        ids: their numbers; None means any.
        status: ``held``, ``released`` or ``aside``.
    """

    cause: str = ""
    words: str = ""
    source: str = ""
    ids: Collection[int] | None = None
    status: str = HELD

    def clauses(self) -> Iterator[sa.ColumnElement[bool]]:
        """As conditions on the tables of the quarantine and of the receipts."""
        yield table.c.status == self.status
        for column, value in (
            (table.c.cause, self.cause),
            (table.c.words, self.words),
            (receipt_table.c.source, self.source),
        ):
            if value:
                yield column == value
        if self.ids is not None:
            yield table.c.id.in_(sorted(self.ids))


EVERYTHING = Chosen()
"""All that waits."""


def hold(connection: sa.Connection, receipt: Receipt, faults: Sequence[Fault]) -> None:
    """Holds items of a file, within a transaction."""
    rows = [
        {
            "receipt_id": receipt.id,
            "ordinal": fault.ordinal,
            "place": fault.item.place,
            "cause": fault.error.cause.value,
            "words": fault.error.words,
            "raw": fault.item.raw,
            "context": msgspec.json.encode(fault.item.context),
            "status": HELD,
            "tried_at": receipt.received_at,
        }
        for fault in faults
    ]
    if rows:
        connection.execute(sa.insert(table), rows)


def held(engine: sa.Engine, chosen: Chosen = EVERYTHING, limit: int = 100, offset: int = 0) -> list[Held]:
    """What is held, newest first."""
    asked = _asked(chosen).order_by(table.c.id.desc()).limit(limit).offset(offset)
    with reading(engine) as connection:
        return [_held(row) for row in connection.execute(asked)]


def one(engine: sa.Engine, id: int) -> Held:  # noqa: A002
    """The item with this number, whatever its state.

    Raises:
        NotFound: there is none.
    """
    with reading(engine) as connection:
        row = connection.execute(_JOINED.where(table.c.id == id)).first()
    if row is None:
        raise NotFound(f"nothing was held under the number {id}")
    return _held(row)


def batches(engine: sa.Engine, chosen: Chosen) -> Iterator[list[Held]]:
    """All that is chosen, in the order in which it was held, a few at a time."""
    after = 0
    while True:
        asked = _asked(chosen).where(table.c.id > after).order_by(table.c.id).limit(CHUNK)
        with reading(engine) as connection:
            found = [_held(row) for row in connection.execute(asked)]
        yield found
        if len(found) < CHUNK:
            return
        after = found[-1].id


def empty_released(engine: sa.Engine, before: datetime) -> int:
    """Empties the original bytes of what was released before a moment; says of how many items.

    What they became is in the lake; cause, words, place, moments and attempts stay.
    """
    old = sa.and_(table.c.status == RELEASED, table.c.tried_at < before, table.c.raw != b"")
    with writing(engine) as connection:
        emptied = connection.execute(sa.update(table).where(old).values(raw=b"", context=b"{}"))
    return int(emptied.rowcount)


def causes(engine: sa.Engine, status: str = HELD) -> dict[str, int]:
    """How many items are held, by cause."""
    counted = (
        sa.select(table.c.cause, sa.func.count().label("held"))
        .where(table.c.status == status)
        .group_by(table.c.cause)
    )
    with reading(engine) as connection:
        return {row.cause: row.held for row in connection.execute(counted)}


def problems(engine: sa.Engine, chosen: Chosen = EVERYTHING, limit: int = 200) -> list[Problem]:
    """What is wrong, the most frequent first: items of one feed with the same cause in the same words."""
    since = sa.func.min(receipt_table.c.received_at, type_=receipt_table.c.received_at.type).label("since")
    count = sa.func.count().label("count")
    asked = (
        sa.select(
            table.c.cause,
            table.c.words,
            receipt_table.c.source,
            count,
            sa.func.max(table.c.id).label("last"),
            since,
        )
        .join(receipt_table)
        .where(*chosen.clauses())
        .group_by(table.c.cause, table.c.words, receipt_table.c.source)
        .order_by(count.desc(), table.c.cause, table.c.words, receipt_table.c.source)
        .limit(limit)
    )
    with reading(engine) as connection:
        found = connection.execute(asked)
        return [Problem(**dict(row._mapping) | {"cause": Cause(row.cause)}) for row in found]


_JOINED = sa.select(
    *(column for column in table.c if column.name not in {"receipt_id", "ordinal"}),
    table.c.receipt_id.label("receipt"),
    receipt_table.c.source,
    receipt_table.c.name,
    receipt_table.c.format,
    receipt_table.c.map,
    receipt_table.c.received_at,
).join(receipt_table)


def _asked(chosen: Chosen) -> sa.Select[Any]:
    return _JOINED.where(*chosen.clauses())


def _held(row: Any) -> Held:
    values = dict(row._mapping)
    return Held(**values | {"cause": Cause(values["cause"])})
