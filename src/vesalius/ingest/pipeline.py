"""Receiving a file: read, check, write, and hold what cannot be taken in.

Each batch is one transaction: the resources, what is held, and how far the file has come become durable
together. Killed at any point, it has lost nothing that was acknowledged, and receiving the same file again
goes on where it stopped.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from vesalius import identity
from vesalius.errors import UnreadableInput
from vesalius.ingest import _ahead as ahead
from vesalius.ingest import _finishing as finishing
from vesalius.ingest import _receipts
from vesalius.ingest._causes import FaultError
from vesalius.ingest._files import beginning, opened, sha256, unpacked
from vesalius.ingest._formats import TABLES, detect, format_of
from vesalius.ingest._items import Item
from vesalius.ingest._judge import Judge
from vesalius.ingest._maps import Map
from vesalius.ingest._receipts import COMPLETE, RECEIVING, REFUSED, Receipt
from vesalius.ingest.csv_map import CsvMap
from vesalius.ingest.quarantine import Fault, hold
from vesalius.lake import Arrival, Lake
from vesalius.machine import seldom_collecting
from vesalius.store import writing

BATCH = 2_000
"""The most items in one transaction."""

BATCH_BYTES = 16 * 1024 * 1024
"""The most original bytes in one transaction, but for one item."""

Progress = Callable[[int, int], None]

_log = logging.getLogger(__name__)


def receive(
    lake: Lake,
    name: str,
    data: Path | BinaryIO,
    *,
    source: str,
    format: str = "auto",  # noqa: A002
    csv_map: Map | None = None,
    received_at: datetime | None = None,
    progress: Progress | None = None,
    processes: int = 1,
) -> Receipt:
    """Receives one file.

    What can be understood becomes resources of the lake; each line, row or entry that cannot is held in
    quarantine with its cause and its original bytes. The same content from the same feed, through the same
    map, adds nothing the second time; one that was broken off goes on where it stopped.

    Args:
        lake: where it goes.
        name: the name it came under; its ending tells the format.
        data: the file, or a stream of its bytes; gzip is recognised.
        source: the name of the feed.
        format: one of ``ingest.FORMATS``, where the name does not tell.
        csv_map: the map of a CSV file, or a hospital's own rows of the HL7 v2 tables.
        received_at: when it was received; now, if not given.
        progress: called with the items done, and with the items in all (0: not known).
        processes: with 2, a large file at a path is read and converted in a process of its own, where there
            is a second core for it; what comes out is the same. The program that asks for it must be one
            that can be imported (``if __name__ == "__main__"``), as :mod:`multiprocessing` wants it.

    Raises:
        UnreadableInput: the file as a whole is refused (no header, a column missing, no map, unknown format).
            Nothing of it was taken in, and the receipt says why.
        Conflict: someone else is receiving the same file at this moment.
        Unavailable: the second process was killed; what came before it has landed.
    """
    with opened(data) as file:
        asked = Receipt(
            id=0,
            source=source,
            name=name,
            sha256=sha256(file),
            format=format,
            received_at=received_at or datetime.now(UTC),
            status=RECEIVING,
        )
        digest = csv_map.digest if csv_map else ""
        known = _receipts.find(lake.engine, asked.sha256, source, digest)
        if known and known.status == COMPLETE:
            return _repeated(known)
        if known and known.status == REFUSED:
            # It left nothing behind, and we may have been mended since, or told its format.
            known = msgspec.structs.replace(known, name=name, format=format)
        receipt = known or _receipts.begin(lake.engine, asked, csv_map)
        run = _Run(lake, receipt, progress)
        return _received(run, file, csv_map, data if processes > 1 and isinstance(data, Path) else None)


def _repeated(known: Receipt) -> Receipt:
    unchanged = known.written + known.unchanged
    return msgspec.structs.replace(known, written=0, unchanged=unchanged, repeated=True)


def _received(run: _Run, file: BinaryIO, csv_map: Map | None, path: Path | None) -> Receipt:
    try:
        run.format = _format(run.receipt, file, csv_map)
        reader = format_of(run.format, csv_map)
        if path and ahead.worth(file, run.format):
            with ahead.reading(file, path, run.format, csv_map) as items, seldom_collecting():
                run.take(items)
        else:
            run.take(reader.read(unpacked(file)))
    except UnreadableInput as error:
        run.end(REFUSED, str(error))
        raise
    except FaultError as fault:  # the file breaks off; what came before has landed
        run.take([Item(f"after {run.passed} items", b"", fault=fault)])
    run.end(COMPLETE)
    _log.info(
        "receipt %d: %d read, %d quarantined", run.receipt.id, run.receipt.read, run.receipt.quarantined
    )
    return run.receipt


def _format(receipt: Receipt, file: BinaryIO, csv_map: Map | None) -> str:
    if receipt.format != "auto":
        return receipt.format
    return detect(receipt.name, lambda: beginning(file), mapped=isinstance(csv_map, CsvMap))


class _Run:
    """One file on its way in.

    Attributes:
        receipt: how far it has come.
        format: of the file, once it is known.
        passed: how many items were read; more than the receipt says while a batch is open.
    """

    def __init__(self, lake: Lake, receipt: Receipt, progress: Progress | None) -> None:
        self.lake = lake
        self.receipt = receipt
        self.format = receipt.format
        self.passed = 0
        self._progress = progress
        self._judge = Judge(lake, receipt.received_at)
        self._arrivals: list[Arrival] = []
        self._faults: list[Fault] = []
        self._bytes = 0

    def take(self, items: Iterable[Item]) -> None:
        """Takes in every item, batch by batch, but for those that an earlier attempt has taken in."""
        self._judge.unique = self.format in TABLES
        try:
            for item in items:
                self._take(item)
                if self.passed - self.receipt.read >= BATCH or self._bytes >= BATCH_BYTES:
                    self._write()
        except FaultError:  # of the reader: the file breaks off here
            self._flush()
            raise
        self._flush()

    def end(self, status: str, words: str = "") -> None:
        """Writes that the file has come to its end."""
        after = msgspec.structs.replace(self.receipt, status=status, words=words, format=self.format)
        with writing(self.lake.engine) as connection:
            _receipts.progress(connection, self.receipt, after)
        self.receipt = after

    def _take(self, item: Item) -> None:
        self.passed += 1
        done = self.passed <= self.receipt.read
        if done and not self._judge.unique:
            return
        try:
            arrivals = self._judge.arrivals(item)  # of a done row too: later rows must not contradict it
        except FaultError as fault:
            if not done:
                self._faults.append(Fault(self.passed, item, fault))
                self._bytes += len(item.raw)
            return
        if not done:
            self._arrivals += arrivals
            self._bytes += sum(len(arrival.body) for arrival in arrivals)

    def _flush(self) -> None:
        if self.passed > self.receipt.read:
            self._write()

    def _write(self) -> None:
        before = self.receipt
        with writing(self.lake.engine) as connection:
            written = finishing.written(
                self.lake, self._arrivals, before.source, before.received_at, connection
            )
            hold(connection, before, self._faults)
            after = msgspec.structs.replace(
                before,
                format=self.format,
                read=self.passed,
                written=before.written + written.written,
                unchanged=before.unchanged + written.unchanged,
                quarantined=before.quarantined + len(self._faults),
            )
            _receipts.progress(connection, before, after)
        self.receipt = after
        self._arrivals, self._faults, self._bytes = [], [], 0
        identity.resume(self.lake)
        if self._progress:
            self._progress(self.passed, 0)
        self._judge.renew()
