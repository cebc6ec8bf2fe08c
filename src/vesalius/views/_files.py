"""Files that a view reads where they lie: NDJSON as servers export it, and Parquet as the lake writes it."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from vesalius import fhir
from vesalius.errors import InvalidResource, NotFound, UnreadableInput

if TYPE_CHECKING:
    import pyarrow.parquet as pq

NDJSON: dict[str, Literal["gzip", "zstd"] | None] = {
    **dict.fromkeys((".ndjson", ".jsonl", ".json")),
    ".gz": "gzip",
    ".zst": "zstd",
}
"""The endings of files of NDJSON, and how they are packed."""
PARQUET = ".parquet"


class Files:
    """Resources in files, of one type or of several, to run views on without taking them into a lake.

    Args:
        paths: files, or patterns such as ``export/*.ndjson.gz``: all NDJSON (plain, ``.gz`` or ``.zst``, one
            resource a line), or all Parquet that a lake wrote for the type of the view (its columns).

    Attributes:
        paths: the files, in the order given; those of one pattern in the order of their names.
        parquet: whether they are the columns of a lake.

    Raises:
        NotFound: a file is not there, or a pattern names none.
        UnreadableInput: there are files of both kinds, or of neither.

    Examples:
        >>> Files([])
        Traceback (most recent call last):
        vesalius.errors.NotFound: no files are named
    """

    def __init__(self, paths: Path | str | Iterable[Path | str]) -> None:
        named = [paths] if isinstance(paths, Path | str) else paths
        self.paths = tuple(file for each in named for file in _found(str(each)))
        if not self.paths:
            raise NotFound("no files are named")
        kinds = {_is_parquet(path) for path in self.paths}
        if len(kinds) > 1:
            raise UnreadableInput("some files are Parquet and others are not")
        self.parquet = kinds.pop()

    def __repr__(self) -> str:
        return f"Files({[str(path) for path in self.paths]})"

    def resources(self) -> Iterator[dict[str, Any]]:
        """Every resource, decoded, in order; decimals keep their digits.

        Raises:
            UnreadableInput: a line is not a resource; the message names the file and the line.
        """
        for path in self.paths:
            for number, line in enumerate(_bodies(path) if self.parquet else _lines(path), 1):
                if line := line.strip():
                    yield _resource(line, path, number)

    def check(self) -> None:
        """Reads them through.

        Raises:
            UnreadableInput: a line is not a resource; the message names the file and the line.
        """
        for _ in self.resources():
            pass

    def check_columns(self, schema: pa.Schema) -> None:
        """Checks that Parquet files have the columns of a resource type.

        Raises:
            UnreadableInput: one has others, or cannot be read.
        """
        for path in self.paths:
            if not path.is_file() or _columns(path, path.stat().st_mtime_ns) != schema.names:
                raise UnreadableInput(f"{path.name} does not have the columns of the view's resource type")


def _found(name: str) -> list[Path]:
    if has_magic(name) and not Path(name).exists():
        named = glob(name, recursive=True)  # noqa: PTH207 - a pattern may be absolute
        found = sorted(Path(each) for each in named)
        if not found:
            raise NotFound(f"no file is named {name}")
        return found
    if not Path(name).is_file():
        raise NotFound(f"there is no file {name}")
    return [Path(name)]


def _is_parquet(path: Path) -> bool:
    ending = path.suffix.lower()
    if ending not in (PARQUET, *NDJSON):
        raise UnreadableInput(
            f"{path.name} is neither NDJSON nor Parquet by its name",
            hint=f"its name must end in {', '.join((*NDJSON, PARQUET))}",
        )
    return ending == PARQUET


def _lines(path: Path) -> Iterator[bytes]:
    packing = NDJSON[path.suffix.lower()]
    try:
        with path.open("rb") as file:
            # What pyarrow unpacks has no lines; Python's own buffer makes them.
            unpacked: Any = pa.CompressedInputStream(file, packing) if packing else None
            yield from io.BufferedReader(unpacked, 2**20) if packing else file
    except OSError as error:
        raise UnreadableInput(f"{path.name} cannot be read: {error.strerror or 'it is damaged'}") from None


def _bodies(path: Path) -> Iterator[bytes]:
    with _parquet(path) as file:
        for batch in file.iter_batches(columns=["_body"]):
            yield from (body.as_py().encode() for body in batch.column(0))


@lru_cache(64)
def _columns(path: Path, changed: int) -> list[str]:
    del changed  # another file of that name is read again
    with _parquet(path) as file:
        return list(file.schema_arrow.names)


@contextmanager
def _parquet(path: Path) -> Iterator[pq.ParquetFile]:
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (OSError, pa.ArrowException, IndexError):
        raise UnreadableInput(f"{path.name} cannot be read: damaged, or no columns of a lake") from None


def _resource(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        found = fhir.load(line)
    except InvalidResource:
        found = {}
    if "resourceType" not in found:
        raise UnreadableInput(f"{path.name}, line {number}: is not a resource in JSON")
    return found
