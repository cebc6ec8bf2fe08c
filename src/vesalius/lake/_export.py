"""Writing the lake out again: one NDJSON file per resource type, each line a resource as it was received."""

from __future__ import annotations

import gzip as compression
import os
from collections.abc import Callable, Iterable, Iterator
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
    count = 0
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if target.exists():
            raise Conflict(f"{target} is there already", hint="choose an empty folder")
        # Patients' data: for its owner alone, as the database is.
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            out = cast("BinaryIO", compression.GzipFile("", "wb", 6, file, mtime=0) if gzip else file)
            for body in _lines(bodies):
                out.write(body)
                count += 1
                if progress and count % _EVERY == 0:
                    progress(type_, count)
            if gzip:
                out.close()
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError as error:
        raise Unavailable(f"{target} cannot be written: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)
    if progress:
        progress(type_, count)
    return count


def _lines(bodies: Iterable[bytes]) -> Iterator[bytes]:
    for body in bodies:
        # JSON has line ends between its tokens only; NDJSON has none inside a line.
        yield body.translate(_ONE_LINE) + b"\n" if b"\n" in body or b"\r" in body else body + b"\n"
