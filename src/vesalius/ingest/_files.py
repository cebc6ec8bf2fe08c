"""Opening what was received: its hash, its bytes, compressed or not."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import SEEK_SET, BufferedReader, RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from vesalius.errors import UnreadableInput
from vesalius.ingest._causes import FaultError
from vesalius.ingest._lines import readblock, readline

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_GZIP = b"\x1f\x8b"
_BLANK = b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"
_PROLOG = 64 * 1024
_IN_MEMORY = 16 * 1024 * 1024
_BUFFER = 1024 * 1024


@contextmanager
def opened(data: Path | BinaryIO) -> Iterator[BinaryIO]:
    """The bytes of a file or of a stream, from the beginning, so that they can be read more than once.

    Raises:
        UnreadableInput: the file cannot be opened.
    """
    if isinstance(data, Path):
        try:
            file = data.open("rb")
        except OSError as error:
            raise UnreadableInput(f"the file cannot be opened: {error.strerror}") from None
        with file:
            yield file
        return
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spool:
        shutil.copyfileobj(data, spool)
        spool.seek(0)
        yield cast("BinaryIO", spool)


def sha256(file: BinaryIO) -> str:
    """The SHA-256 of all the bytes of a file."""
    file.seek(0)
    found = hashlib.sha256()
    while chunk := file.read(1024 * 1024):
        found.update(chunk)
    return found.hexdigest()


def unpacked(file: BinaryIO) -> BinaryIO:
    """The content of a file from its beginning, decompressed if it is a gzip file."""
    file.seek(0)
    packed = file.read(2) == _GZIP
    file.seek(0)
    # The buffer reads a line in C; GzipFile's own way to one is in Python.
    return cast("BinaryIO", BufferedReader(_Unpacked(file), _BUFFER)) if packed else file


class _Unpacked(RawIOBase):
    """The content of a gzip file, as it comes: what stands before a break is given before the break."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = gzip.GzipFile(fileobj=file, mode="rb")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        found = self._file.read1(len(view))
        view[: len(found)] = found
        return len(found)


def beginning(file: BinaryIO) -> bytes:
    """The first line of a file, decompressed, at most a mebibyte of it; of XML, some more.

    Raises:
        UnreadableInput: the compressed file is damaged at its beginning.
    """
    stream = unpacked(file)
    try:
        first = readline(stream, 1024 * 1024)
        return first + readblock(stream, _PROLOG) if first.lstrip(_BLANK).startswith(b"<") else first
    except FaultError as fault:
        raise UnreadableInput(fault.words) from None
