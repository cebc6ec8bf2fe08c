"""Opening what was received: its hash, its format, its bytes, compressed or not."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, cast

import msgspec

from vesalius.errors import UnreadableInput
from vesalius.ingest._causes import FaultError
from vesalius.ingest._lines import readline

Format = Literal["csv", "ndjson", "bundle"]

_GZIP = b"\x1f\x8b"
_IN_MEMORY = 16 * 1024 * 1024
_SUFFIXES: dict[str, Format] = {
    "csv": "csv",
    "tsv": "csv",
    "txt": "csv",
    "ndjson": "ndjson",
    "jsonl": "ndjson",
    "json": "bundle",
}


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
    return cast("BinaryIO", gzip.GzipFile(fileobj=file, mode="rb")) if packed else file


def detect(name: str, file: BinaryIO, *, mapped: bool) -> Format:
    """The format of a file: by its name, else by its first line.

    Raises:
        UnreadableInput: neither tells.
    """
    suffix = name.lower().removesuffix(".gz").rpartition(".")[2]
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    if mapped:
        return "csv"
    try:
        first = readline(unpacked(file), 1024 * 1024).removeprefix(b"\xef\xbb\xbf").strip()
    except FaultError as fault:
        raise UnreadableInput(fault.words) from None
    if not first.startswith(b"{"):
        raise UnreadableInput(
            "its format cannot be told from its name or its first line", hint="name the format"
        )
    try:
        msgspec.json.decode(first, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return "bundle"
    return "ndjson"
