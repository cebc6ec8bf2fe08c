"""Writing the lake out again: one NDJSON file per resource type, each line a resource as it was received."""

from __future__ import annotations

import gzip as compression
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from vesalius.errors import Conflict, Unavailable

Progress = Callable[[str, int], None]
"""Called with a resource type and how many of it are written."""

_EVERY = 2_000
_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")


def write(folder: Path, type_: str, bodies: Iterable[bytes], *, gzip: bool, progress: Progress | None) -> int:
    """Writes the file of one type, whole or not at all; says how many lines it has.

    Raises:
        Conflict: the file is there already.
        Unavailable: it cannot be written.
    """
    target = folder / f"{type_}.ndjson{'.gz' if gzip else ''}"
    partial = target.with_name(f".{target.name}.partial")
    with _written(target):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if target.exists():
            raise Conflict(f"{target} is there already", hint="choose an empty folder")
        try:
            # Patients' data: for its owner alone, as the database is.
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                count = _fill(file, _counted(bodies, type_, progress), gzip)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    return count


def _fill(file: BinaryIO, bodies: Iterable[bytes], gzip: bool) -> int:
    count = 0
    out = cast("BinaryIO", compression.GzipFile("", "wb", 6, file, mtime=0) if gzip else file)
    for body in bodies:
        # JSON has line ends between its tokens only; NDJSON has none inside a line.
        out.write(body.translate(_ONE_LINE) if b"\n" in body or b"\r" in body else body)
        out.write(b"\n")
        count += 1
    if gzip:
        out.close()
    file.flush()
    os.fsync(file.fileno())
    return count


def _counted(bodies: Iterable[bytes], type_: str, progress: Progress | None) -> Iterator[bytes]:
    count = 0
    for count, body in enumerate(bodies, 1):
        yield body
        if progress and count % _EVERY == 0:
            progress(type_, count)
    if progress:
        progress(type_, count)


@contextmanager
def _written(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(f"{target} cannot be written: {error.strerror}") from None
