"""What is held: listing it, counting it by cause, and trying it again once a map or a system was mended."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from vesalius.errors import UnreadableInput
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._formats import CSV, format_of
from vesalius.ingest._items import Item
from vesalius.ingest._judge import Judge
from vesalius.ingest._maps import Map
from vesalius.ingest._receipts import Receipt
from vesalius.ingest._tables import quarantine as table
from vesalius.ingest._tables import receipt as receipt_table
from vesalius.ingest.csv_map import CsvMap
from vesalius.lake import Arrival, Lake
from vesalius.store import reading, writing

HELD, RELEASED = "held", "released"

_CHUNK = 200


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One line, row or entry that could not be taken in.

    Attributes:
        id: its number.
        receipt: the number of the receipt of its file.
        source, name, format: of that file.
        place: where it stands in it.
        cause: why, as a code of :class:`Cause`.
        words: why, for people, without any value of a patient.
        raw: its original bytes; they can hold patient data.
        context: what else is needed to read it again.
        status: ``held``, or ``released`` once it was taken in.
        received_at: when its file was received.
        tried_at: when it was last tried.
    """

    id: int
    receipt: int
    source: str
    name: str
    format: str
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


def held(
    engine: sa.Engine, cause: str | None = None, status: str = HELD, limit: int = 100, offset: int = 0
) -> list[Held]:
    """What is held (or was ``released``), newest first."""
    with reading(engine) as connection:
        chosen = _chosen(cause, status).order_by(table.c.id.desc()).limit(limit).offset(offset)
        return [_held(row) for row in connection.execute(chosen)]


def causes(engine: sa.Engine) -> dict[str, int]:
    """How many items are held, by cause."""
    counted = (
        sa.select(table.c.cause, sa.func.count().label("held"))
        .where(table.c.status == HELD)
        .group_by(table.c.cause)
    )
    with reading(engine) as connection:
        return {row.cause: row.held for row in connection.execute(counted)}


def retry(
    lake: Lake,
    ids: Collection[int] | None = None,
    cause: str | None = None,
    csv_map: Map | None = None,
    received_at: datetime | None = None,
) -> Receipt:
    """Tries again what is held: all of it, or some by number or by cause.

    What can now be taken in is released; the rest stays, with its new cause. Rows of CSV need their mended
    map; without it they stay as they are.

    Returns:
        A receipt without number: how many items were tried, resources written, items still held.

    Raises:
        UnreadableInput: only rows of CSV are held, and no map is given.
    """
    moment = received_at or datetime.now(UTC)
    total = Receipt(id=0, source="quarantine", name="retry", sha256="", format="retry", received_at=moment)
    skipped = 0
    for batch in _batches(lake.engine, ids, cause):
        tried = [item for item in batch if item.format != CSV or isinstance(csv_map, CsvMap)]
        skipped += len(batch) - len(tried)
        total = _retried(lake, tried, total, csv_map)
    if skipped and not total.read:
        raise UnreadableInput(f"{skipped} rows of CSV are held: name their map", hint="--map FILE")
    return total


def _batches(engine: sa.Engine, ids: Collection[int] | None, cause: str | None) -> Iterator[list[Held]]:
    after = 0
    while True:
        chosen = _chosen(cause, HELD).where(table.c.id > after).order_by(table.c.id).limit(_CHUNK)
        with reading(engine) as connection:
            found = [_held(row) for row in connection.execute(chosen)]
        yield [item for item in found if ids is None or item.id in ids]
        if len(found) < _CHUNK:
            return
        after = found[-1].id


def _retried(lake: Lake, items: Sequence[Held], total: Receipt, csv_map: Map | None) -> Receipt:
    judge = Judge(lake, total.received_at)
    for item in items:
        arrivals, fault = _judged(judge, item, csv_map)
        with writing(lake.engine) as connection:
            written = lake.write(arrivals, item.source, total.received_at, connection)
            _mark(connection, item, fault, total.received_at)
        total = msgspec.structs.replace(
            total,
            read=total.read + 1,
            written=total.written + written.written,
            unchanged=total.unchanged + written.unchanged,
            quarantined=total.quarantined + bool(fault),
        )
    return total


def _judged(judge: Judge, held: Held, csv_map: Map | None) -> tuple[list[Arrival], FaultError | None]:
    try:
        arrivals = [arrival for item in _again(held, csv_map) for arrival in judge.arrivals(item)]
        if held.cause == Cause.CONFLICTING_ROW:
            _check_first(judge.lake, arrivals)
    except FaultError as fault:
        return [], fault
    return arrivals, None


def _again(held: Held, csv_map: Map | None) -> list[Item]:
    context: dict[str, Any] = msgspec.json.decode(held.context)
    if held.cause in {Cause.TOO_LONG, Cause.TRUNCATED}:
        raise FaultError(held.cause, held.words)  # its bytes are not all here: it must be sent again
    return format_of(held.format, csv_map).again(held.raw, held.place, context)


def _check_first(lake: Lake, arrivals: Sequence[Arrival]) -> None:
    """A row that disagrees with an earlier one does so as long as the earlier one stands."""
    for arrival in arrivals:
        version = lake.read(f"{arrival.type}/{arrival.id}")
        if version and Arrival.of(version.body).digest != arrival.digest:
            words = f"an earlier row gives this {arrival.type} another content"
            raise FaultError(Cause.CONFLICTING_ROW, words)


def _mark(connection: sa.Connection, item: Held, fault: FaultError | None, moment: datetime) -> None:
    values: dict[str, Any] = {"status": RELEASED, "tried_at": moment}
    if fault:
        values = {"cause": fault.cause.value, "words": fault.words, "tried_at": moment}
    statement = sa.update(table).where(table.c.id == item.id, table.c.status == HELD).values(values)
    connection.execute(statement)


def _chosen(cause: str | None, status: str) -> sa.Select[Any]:
    of_file = receipt_table.c
    chosen = (
        sa.select(
            *(column for column in table.c if column.name not in {"receipt_id", "ordinal"}),
            table.c.receipt_id.label("receipt"),
            of_file.source, of_file.name, of_file.format, of_file.received_at,
        )
        .join(receipt_table)
        .where(table.c.status == status)
    )  # fmt: skip
    return chosen.where(table.c.cause == cause) if cause else chosen


def _held(row: sa.Row[Any]) -> Held:
    values = dict(row._mapping)
    return Held(**values | {"cause": Cause(values["cause"])})
