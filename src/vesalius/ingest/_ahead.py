"""Reading a large file in a second process, while this one judges and writes what that one has read.

The second process reads and converts, which is half of the work, and sends the items in their order, in
messages of MessagePack. This process alone knows the lake and writes to it, as if it had read the items
itself. Only so much is read ahead as :data:`AHEAD` messages hold. However either process ends, the other ends
with it, and a file of which not everything came is not taken for whole.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from vesalius.errors import Unavailable, UnreadableInput
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._files import unpacked
from vesalius.ingest._formats import TABLES, format_of
from vesalius.ingest._items import Item
from vesalius.ingest._maps import Map, parse_map
from vesalius.machine import cores, seldom_collecting

CONVERTED = (*TABLES, "ndjson")
"""The formats whose reader does so much with each resource that sending it elsewhere pays."""

WORTH_BYTES = 256 * 1024
"""The smallest file, as it is stored, for which a process is worth its start."""

ITEMS, BYTES = 200, 2 * 1024 * 1024
"""What one message holds at most: items, and bytes, but for the last item."""

AHEAD = 16
"""How many messages wait here at most."""

_ENDING_SECONDS = 5.0

Stamp = tuple[int, int, int, int]


class _Job(msgspec.Struct, frozen=True):
    """What the second process has to read.

    Attributes:
        path: the file.
        stamp: which file that is; another one may have taken its name meanwhile.
        format: of the file.
        map_text, map_name: the map to read it through; no text, if there is none.
    """

    path: str
    stamp: Stamp
    format: str
    map_text: str
    map_name: str


class _Whole(msgspec.Struct, frozen=True, tag_field="kind", tag="whole"):
    """Everything was sent."""


class _Broken(msgspec.Struct, frozen=True, tag_field="kind", tag="broken"):
    """The file breaks off here."""

    cause: Cause
    words: str


class _Refused(msgspec.Struct, frozen=True, tag_field="kind", tag="refused"):
    """Nothing of the file can be understood."""

    message: str
    hint: str


class _Failed(msgspec.Struct, frozen=True, tag_field="kind", tag="failed"):
    """The process could not go on: its reason, which holds nothing of the file."""

    message: str


Ending = _Whole | _Broken | _Refused | _Failed
"""Why nothing more comes."""


def _plain(value: Any) -> Any:
    if isinstance(value, FaultError):
        return value.cause, value.words
    raise NotImplementedError(type(value).__name__)


def _fault(kind: type, value: Any) -> Any:
    assert kind is FaultError
    cause, words = value
    return FaultError(Cause(cause), words)


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_plain)
_ITEMS = msgspec.msgpack.Decoder(list[Item], dec_hook=_fault)
_ENDING = msgspec.msgpack.Decoder(Ending)
_MAP = 0x80
"""How MessagePack begins a small map, as an ending is one; items are a list, which begins otherwise."""


def worth(file: BinaryIO, name: str) -> bool:
    """Whether a second process reads an opened file of a format sooner: there is a core, and enough to do."""
    return name in CONVERTED and cores() > 1 and os.fstat(file.fileno()).st_size >= WORTH_BYTES


@contextmanager
def reading(file: BinaryIO, path: Path, name: str, given: Map | None) -> Iterator[Iterator[Item]]:
    """The items of a file, read by another process as long as the block lasts.

    Args:
        file: the opened file, which ``path`` must still name.
        path: where it is.
        name: of its format.
        given: its map.

    Raises:
        UnreadableInput: as of the reader, from the iterator.
        FaultError: as of the reader, from the iterator.
        Unavailable: the process was killed or failed, or another file has taken the name of this one; from
            the iterator, and what came before is right.
    """
    text, called = (given.text, given.name) if given else ("", "")
    job = _Job(str(path.resolve()), _stamp(file.fileno()), name, text, called)
    # Started afresh: a copy of this process would hold the locks of its threads for ever.
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(
        target=_read, args=(there, msgspec.msgpack.encode(job)), name="vesalius-reading", daemon=True
    )
    process.start()
    there.close()  # so that the end of that process is the end of the pipe
    waiting: queue.Queue[bytes | None] = queue.Queue(AHEAD)
    leave = threading.Event()
    receiver = threading.Thread(target=_pass_on, args=(here, waiting, leave), name="reading", daemon=True)
    receiver.start()
    try:
        yield _items(waiting)
    finally:
        leave.set()
        process.terminate()
        process.join(_ENDING_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
        receiver.join()
        here.close()
        process.close()


def _pass_on(pipe: Connection, waiting: queue.Queue[bytes | None], leave: threading.Event) -> None:
    """Takes messages from the pipe as soon as there is room; None says that no more come."""
    message: bytes | None = b""
    while message is not None and not leave.is_set():
        try:
            message = pipe.recv_bytes()
        except (EOFError, OSError):
            message = None
        while not leave.is_set():
            with suppress(queue.Full):
                waiting.put(message, timeout=0.2)
                break


def _items(waiting: queue.Queue[bytes | None]) -> Iterator[Item]:
    while (message := waiting.get()) is not None:
        if message[0] & 0xF0 != _MAP:
            yield from _ITEMS.decode(message)
            continue
        match _ENDING.decode(message):
            case _Whole():
                return
            case _Broken(cause, words):
                raise FaultError(cause, words)
            case _Refused(said, hint):
                raise UnreadableInput(said, hint=hint)
            case _Failed(said):
                raise _stopped(said)
    raise _stopped("it was ended from outside")


def _stopped(why: str) -> Unavailable:
    return Unavailable(
        f"the process that reads the file stopped: {why}",
        hint="receive the file again: it goes on after what was taken in",
    )


# In the second process ------------------------------------------------------------------------------------


def _read(pipe: Connection, job: bytes) -> None:
    """Reads the whole file and sends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both; the first process ends this one
    with seldom_collecting(), suppress(BrokenPipeError):  # nobody is there any more
        pipe.send_bytes(msgspec.msgpack.encode(_sent(pipe, msgspec.msgpack.decode(job, type=_Job))))


def _sent(pipe: Connection, job: _Job) -> Ending:
    try:
        given = parse_map(job.map_text, job.map_name) if job.map_text else None
        with Path(job.path).open("rb") as file:
            if _stamp(file.fileno()) != job.stamp:
                return _Failed("another file has its name now")
            for batch in _batches(format_of(job.format, given).read(unpacked(file))):
                pipe.send_bytes(_ENCODER.encode(batch))
    except FaultError as fault:
        return _Broken(fault.cause, fault.words)
    except UnreadableInput as error:
        return _Refused(error.message, error.hint)
    except BrokenPipeError:
        raise
    except Exception as error:
        return _Failed(type(error).__name__)
    return _Whole()


def _batches(items: Iterator[Item]) -> Iterator[Sequence[Item]]:
    batch: list[Item] = []
    size = 0
    try:
        for item in items:
            batch.append(_light(item))
            size += len(item.raw) + sum(len(one.body) for one in item.found)
            if len(batch) >= ITEMS or size >= BYTES:
                yield batch
                batch, size = [], 0
    except FaultError:  # what came before the break is sent before it
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _light(item: Item) -> Item:
    """The item without what can be made again from its JSON."""
    for one in item.found:
        one.decoded = None
    return item


def _stamp(descriptor: int) -> Stamp:
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
