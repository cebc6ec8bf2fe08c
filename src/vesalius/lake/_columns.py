"""The columns: per resource type one Delta table of typed Parquet, made from the log in micro-batches.

Each commit of a table names the last ``seq`` that it took (a Delta application transaction), in the same
atomic step as its rows: after a crash the next refresh goes on where the last whole commit ended, so that no
row is lost or doubled. Whatever else is wrong with a table (made by another version of the schema, or from
another log, damaged, incomplete) is mended by making it again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

import pyarrow as pa
import sqlalchemy as sa

from vesalius.errors import Conflict, Unavailable
from vesalius.lake import _log as log
from vesalius.lake._convert import body_at, typed
from vesalius.lake._export import Progress
from vesalius.lake._log import Stored
from vesalius.lake._schema import resource_schema
from vesalius.store import reading

if TYPE_CHECKING:
    from deltalake import DeltaTable, WriterProperties

BATCH_ROWS, BATCH_BYTES = 60_000, 64 * 2**20
"""What one commit takes at most: rows, and bytes of JSON.

Each commit has its price, and past :data:`MANY_FILES` all is written again; what is held grows with them
(docs/engineer/speed.md, Memory of a rebuild).
"""

GROUP_ROWS = 100_000
"""Rows of a Parquet row group, which is written from memory: a million, as is usual, would be too many."""

MANY_FILES = 24
"""A table of more files than this is compacted."""

KEPT_HOURS = 24
"""For how long replaced files stay, for those who are still reading them."""

Made = TypeVar("Made")

INDEXED = "_seq,_id,_version,_recorded_at,_received_at,_subject"


@dataclass(frozen=True)
class ColumnFiles:
    """The typed columns of one resource type, all versions, in no order.

    Attributes:
        type: the resource type.
        schema: their Arrow schema, :func:`vesalius.lake.resource_schema`.
        files: the Parquet files; none if the lake holds no such resource.
        position: read only the rows with ``_seq <= position``: the files can hold later ones.
    """

    type: str
    schema: pa.Schema
    files: tuple[str, ...]
    position: int


class Columns:
    """The folder of all typed columns of one log."""

    def __init__(self, engine: sa.Engine, folder: Path) -> None:
        self._engine = engine
        self._folder = folder
        self._verified: set[str] = set()
        self._seen: dict[str, _Seen] = {}

    def files(self, type_: str, position: int) -> ColumnFiles:
        """The files that hold every version of a type up to ``position``, brought up to date first."""
        schema = resource_schema(type_)
        self._refresh(type_, position)
        return ColumnFiles(type_, schema, self._state(type_).files, position)

    def refresh(self, types: list[str], position: int) -> None:
        """Takes from the log what is new up to ``position``."""
        for type_ in types:
            self._refresh(type_, position)

    def rebuild(self, types: list[str], progress: Progress | None = None) -> None:
        """Makes the tables again from the log, and removes those of types that the log does not hold."""
        for folder in self._folder.glob("[A-Z]*/"):
            if folder.name not in types:
                with self._locked(folder.name):
                    shutil.rmtree(folder)
        for type_ in types:
            with self._locked(type_):
                self._take(type_, 0, progress)

    def compact(self, types: list[str]) -> None:
        """Makes the many small files of each table into few."""
        for type_ in types:
            with self._locked(type_):
                self._compact(type_, 1)

    def clear(self) -> None:
        """Removes all tables, whose log is no longer there."""
        for folder in self._folder.glob("[A-Z]*/"):
            with self._locked(folder.name):
                shutil.rmtree(folder)
        self._verified.clear()

    def drop(self, types: Iterable[str]) -> None:
        """Removes the tables of some types, old files too; whoever asks next makes them again."""
        for type_ in types:
            with self._locked(type_):
                shutil.rmtree(self._folder / type_, ignore_errors=True)
            self._verified.discard(type_)

    def taken(self, type_: str) -> int:
        """The last ``seq`` that the table of a type has taken from the log; 0 if there is none."""
        return self._state(type_).taken

    def sizes(self, type_: str) -> tuple[int, int]:
        """How many files the table of a type has, and their bytes."""
        files = self._state(type_).files
        return len(files), sum(Path(file).stat().st_size for file in files if Path(file).exists())

    def _state(self, type_: str) -> _Seen:
        """The table as its last commit left it; opening it takes some 10 ms, so only if there was another."""
        commit = _last_commit(self._folder / type_)
        seen = self._seen.get(type_)
        if seen is None or commit is None or seen.commit != commit:
            table = self._open(type_)
            taken = (table.transaction_version(_application(type_)) or 0) if table else 0
            files = () if table is None else _files(table, self._folder / type_)
            seen = self._seen[type_] = _Seen(commit, taken, files)
        return seen

    def _refresh(self, type_: str, position: int) -> None:
        last = self._last(type_, position)
        if self._up_to_date(type_, last):
            return
        with self._locked(type_):
            if not self._up_to_date(type_, last):  # another process may have done it while we waited
                self._take(type_, self._start(type_))
                self._verified.add(type_)
                self._compact(type_, MANY_FILES)

    def _up_to_date(self, type_: str, last: int) -> bool:
        if last == 0 and not (self._folder / type_).exists():
            return True
        return type_ in self._verified and self.taken(type_) >= last

    def _start(self, type_: str) -> int:
        """The position to go on from; 0, to begin anew, if the table is not what this log would have made."""
        taken = self.taken(type_)
        return taken if type_ in self._verified or self._holds(type_, taken) else 0

    def _holds(self, type_: str, taken: int) -> bool:
        table = self._open(type_)
        if table is None or not taken:
            return False
        files = _files(table, self._folder / type_)
        if not all(Path(file).exists() for file in files):
            return False
        with reading(self._engine) as connection:
            version = next(iter(log.slice_of(connection, type_, taken - 1, taken, 1)), None)
        return version is not None and body_at(files, taken) == version.body.decode()

    def _last(self, type_: str, position: int) -> int:
        with reading(self._engine) as connection:
            return log.last(connection, type_, position)

    def _take(self, type_: str, start: int, progress: Progress | None = None) -> None:
        # Always to the end of the log, whatever the asker needs: a table that was seen never goes back.
        end = self._last(type_, log.END)
        table = self._open(type_)
        if table is None or end == 0:  # nothing, or nothing that can be read, or what another log held
            shutil.rmtree(self._folder / type_, ignore_errors=True)
        if table is not None and start == 0 < end:
            self._replace(type_, end, progress)
            return
        for last, rows in _ahead(self._tables(type_, start, end, progress)):
            self._commit(type_, rows, last, mode="append")

    def _replace(self, type_: str, end: int, progress: Progress | None) -> None:
        """Makes the whole table again in one commit, so that readers see the old one or the new one."""
        tables = _ahead(self._tables(type_, 0, end, progress))
        parts = (part for _, table in tables for part in table.to_batches())
        whole = pa.RecordBatchReader.from_batches(resource_schema(type_), parts)
        self._commit(type_, whole, end, mode="overwrite", schema_mode="overwrite")

    def _tables(
        self, type_: str, start: int, position: int, progress: Progress | None
    ) -> Iterator[tuple[int, pa.Table]]:
        """The columns batch by batch, each with its last ``seq``."""
        for batch in _ahead(self._batches(type_, start, position, progress)):
            yield batch[-1].seq, typed(type_, batch)

    def _batches(
        self, type_: str, start: int, position: int, progress: Progress | None
    ) -> Iterator[list[Stored]]:
        batch: list[Stored] = []
        size = count = 0
        while True:
            with reading(self._engine) as connection:
                found = log.stored(connection, type_, start, position, 1_000)
            count += len(found)
            if progress and found:
                progress(type_, count)
            for version in found:
                batch.append(version)
                start, size = version.seq, size + len(version.body)
                if len(batch) >= BATCH_ROWS or size >= BATCH_BYTES:
                    yield batch
                    batch, size = [], 0
            if not found:
                break
        if batch:
            yield batch

    def _commit(self, type_: str, rows: pa.Table | pa.RecordBatchReader, seq: int, **how: Any) -> None:
        from deltalake import CommitProperties, Transaction, write_deltalake

        taken = Transaction(_application(type_), seq)
        with _own_errors(type_):
            write_deltalake(
                str(self._folder / type_),
                rows,
                configuration={"delta.dataSkippingStatsColumns": INDEXED},
                writer_properties=_writing(),
                commit_properties=CommitProperties(app_transactions=[taken]),
                **how,
            )

    def _open(self, type_: str) -> DeltaTable | None:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError

        folder = self._folder / type_
        if not folder.exists():
            return None
        try:
            return DeltaTable(str(folder))
        except DeltaError:
            return None  # unreadable: it will be made again

    def _compact(self, type_: str, most: int) -> None:
        table = self._open(type_)
        if table is not None and len(table.file_uris()) > most:
            with _own_errors(type_):
                table.optimize.compact(writer_properties=_writing())
                table.vacuum(retention_hours=KEPT_HOURS, dry_run=False, enforce_retention_duration=False)

    @contextmanager
    def _locked(self, type_: str) -> Iterator[None]:
        """One process at a time makes the table of a type; a process that dies lets go of the lock."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = (self._folder / f".{type_}.lock").open("w")
        except OSError as error:
            raise _unwritable(error) from None
        with lock as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


@dataclass(frozen=True)
class _Seen:
    """A table when it was last looked at: its newest commit, the last ``seq`` taken, and its files."""

    commit: tuple[str, int, int] | None
    taken: int
    files: tuple[str, ...]


def _ahead(made: Iterator[Made]) -> Iterator[Made]:
    """The same; each is made while the one before is used: converting and writing need no Python."""
    with ThreadPoolExecutor(1, "columns") as maker:
        coming = maker.submit(next, made, None)
        while (one := coming.result()) is not None:
            coming = maker.submit(next, made, None)
            yield one


def _last_commit(folder: Path) -> tuple[str, int, int] | None:
    """What tells the newest commit of a table from any other, also of a table made again in its place."""
    try:
        with os.scandir(folder / "_delta_log") as found:
            name, path = max((entry.name, entry.path) for entry in found if entry.name.endswith(".json"))
        stat = Path(path).stat()
    except (OSError, ValueError):
        return None
    return name, stat.st_ino, stat.st_mtime_ns


def _writing() -> WriterProperties:
    from deltalake import WriterProperties

    return WriterProperties(compression="ZSTD", max_row_group_size=GROUP_ROWS)


@cache
def _application(type_: str) -> str:
    """Who took the rows: the log, by this very schema; a table of another schema has taken nothing for us."""
    return f"vesalius-log:{hashlib.sha256(str(resource_schema(type_)).encode()).hexdigest()[:16]}"


@contextmanager
def _own_errors(type_: str) -> Iterator[None]:
    from deltalake.exceptions import DeltaError

    try:
        yield
    except DeltaError as error:
        cause = type(error).__name__
        hint = "does another machine write them, or is there a % in the name of their folder?"
        raise Conflict(f"the columns of {type_} could not be written: {cause}", hint=hint) from None
    except OSError as error:
        raise _unwritable(error) from None


def _unwritable(error: OSError) -> Unavailable:
    cause = error.strerror or type(error).__name__
    return Unavailable(
        f"the columns cannot be written: {cause}", hint="is there room, and may we write there?"
    )


def _files(table: DeltaTable, folder: Path) -> tuple[str, ...]:
    """The files in the order of the log, as far as each says which rows it holds."""
    added = pa.table(table.get_add_actions(flatten=True))
    if "min._seq" in added.column_names:
        added = added.sort_by("min._seq")
    return tuple(str(folder / unquote(str(path))) for path in added.column("path").to_pylist())
