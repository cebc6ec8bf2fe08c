"""The lines of a file, in constant memory whatever their length."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

import msgspec

from vesalius.ingest._causes import Cause, FaultError

LIMIT = 8 * 1024 * 1024
"""The longest line that is read, in bytes."""

KEPT = 64 * 1024
"""How much of a longer line is kept, in bytes."""

_CHUNK = 1024 * 1024


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line.

    Attributes:
        number: from 1.
        raw: its bytes, the end of the line included; of a line that is too long, the beginning.
        length: its length in bytes.
    """

    number: int
    raw: bytes
    length: int

    @property
    def too_long(self) -> FaultError | None:
        """The fault of a line that is too long."""
        if self.length <= LIMIT:
            return None
        words = f"the line has {self.length} bytes, more than {LIMIT}; its first {KEPT} are kept"
        return FaultError(Cause.TOO_LONG, words)


def lines(stream: BinaryIO) -> Iterator[Line]:
    """The lines of a stream.

    Raises:
        FaultError: the compressed stream breaks off or is damaged; the lines before were yielded.
    """
    number = 0
    with _unbroken():
        while raw := stream.readline(LIMIT + 1):
            number += 1
            length = len(raw)
            if length > LIMIT:
                raw, length = raw[:KEPT], length + (0 if raw.endswith(b"\n") else _skip_line(stream))
            yield Line(number, raw, length)


def _skip_line(stream: BinaryIO) -> int:
    skipped = 0
    while chunk := readline(stream, _CHUNK):
        skipped += len(chunk)
        if chunk.endswith(b"\n"):
            break
    return skipped


def readline(stream: BinaryIO, size: int) -> bytes:
    """The next line, or its first ``size`` bytes.

    Raises:
        FaultError: the compressed stream breaks off or is damaged.
    """
    with _unbroken():
        return stream.readline(size)


def readblock(stream: BinaryIO, size: int) -> bytes:
    """The next bytes, at most ``size`` and at most a mebibyte of them; empty at the end.

    Raises:
        FaultError: the compressed stream breaks off or is damaged.
    """
    with _unbroken():
        return stream.read(min(size, _CHUNK))


def readsome(stream: BinaryIO, size: int) -> bytes:
    """The next bytes, at most ``size``, as soon as there are some; empty at the end.

    Of a compressed stream that breaks off, it gives all that came before; :func:`readblock` may not.

    Raises:
        FaultError: the compressed stream breaks off or is damaged.
    """
    with _unbroken():
        return cast("bytes", getattr(stream, "read1", stream.read)(size))


@contextmanager
def _unbroken() -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise FaultError(Cause.TRUNCATED, "the compressed file breaks off or is damaged here") from None
