"""Runs the SQL of a view with DuckDB, closed to everything but the files that it reads."""

# ruff: noqa: S608 - SQL is what this module writes; every name and text is quoted by the dialect

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

import pyarrow as pa

from vesalius.errors import InvalidView, Unavailable, UnreadableInput, VesaliusError
from vesalius.lake import resource_schema
from vesalius.views._files import Files
from vesalius.views._structure import structure
from vesalius.views._table import in_order
from vesalius.views.sql._dialect import FAULT, Dialect
from vesalius.views.sql._elements import BODY
from vesalius.views.sql._query import UNREADABLE, Query

if TYPE_CHECKING:
    import duckdb

    from vesalius.lake import ColumnFiles

Progress = Callable[[float], None]
"""Called a few times a second with the share that is done, from 0 to 1."""

BATCH_ROWS = 50_000
"""About how many rows a batch has."""
_EVERY = 0.25
_ELSE = 'engine="python" can do it'
_MAKING = Lock()
_MOST_KEPT = 4
_KEPT: dict[tuple[int, tuple[str, ...], Limits], duckdb.DuckDBPyConnection] = {}
_PATTERN = re.compile(r"[\[*?]")
_MEMORY = "read it in batches, or give it more"


@dataclass(frozen=True)
class Limits:
    """What one run of a view may use.

    Attributes:
        threads: how many cores; all, if None.
        memory: how much memory DuckDB may take, in bytes; 80 % of the machine's, if None. The table or
            the batches that it gives come on top. A run that needs more fails: patients' data is never spilt
            to disk.
    """

    threads: int | None = None
    memory: int | None = None


@dataclass(frozen=True)
class Reading:
    """What a query reads.

    Attributes:
        source: what follows FROM.
        paths: the files that it may open.
        condition: which rows.
        broken: a test of the rows that could not be read.
        subjects: what the table ``subjects`` holds, which the condition may name.
        without: what the table ``refused`` holds, likewise.
        files: where a line that could not be read is looked for, to name it.
        lenient: the same source, read with null for what does not fit instead of an error; slower.
    """

    source: str
    paths: tuple[str, ...]
    condition: str = "TRUE"
    broken: str = ""
    subjects: tuple[str, ...] | None = None
    without: frozenset[str] = frozenset()
    files: Files | None = None
    lenient: str = ""


@dataclass(frozen=True)
class Run:
    """A query that is ready to run.

    Attributes:
        query: the compiled view.
        reading: what it reads.
        schema: of what it gives: the columns of the view, then those of the origin.
        origin: the names of the latter.
    """

    query: Query
    reading: Reading
    schema: pa.Schema
    origin: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    progress: Progress | None = None

    def text(self, source: str) -> str:
        """The SQL."""
        read = self.reading
        return self.query.text(source, read.condition, origin=self.origin, broken=read.broken)

    def table(self) -> pa.Table:
        """All rows.

        Raises:
            InvalidView: the view does not fit a resource.
            UnreadableInput: a file cannot be read.
        """
        if not self.reading.paths:
            return self.schema.empty_table()
        found = pa.Table.from_batches(self.batches(), self.schema)
        return in_order(found) if "_seq" in self.origin else found

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, a batch at a time; the errors of :meth:`table` come with the batch that meets them."""
        if not self.reading.paths:
            return
        given = 0
        with self._running() as connection:
            try:
                for batch in self._read(connection, self.reading.source):
                    yield batch
                    given += batch.num_rows
            except Exception as error:
                if not self.reading.lenient or not _is_about_values(error):
                    raise
                # The same rows in the same order, so those that were given already are passed over.
                for batch in self._read(connection, self.reading.lenient):
                    passed = min(given, batch.num_rows)
                    given -= passed
                    yield batch.slice(passed)

    def _read(self, connection: duckdb.DuckDBPyConnection, source: str) -> Iterator[pa.RecordBatch]:
        for batch in connection.sql(self.text(source)).to_arrow_reader(BATCH_ROWS):
            yield batch.cast(self.schema)

    @contextmanager
    def _running(self) -> Iterator[duckdb.DuckDBPyConnection]:
        read = self.reading
        with _own_errors(read.files), _cursor(read.paths, self.limits) as connection:
            for name, patients in (("subjects", read.subjects), ("refused", read.without)):
                known = pa.array(sorted(set(patients or ())), pa.string())
                connection.register(name, pa.table({"subject": known}))
            with _watched(connection, self.progress):
                yield connection


def columns(
    found: ColumnFiles, subjects: Sequence[str] | None, without: frozenset[str] = frozenset()
) -> Reading:
    """The typed columns of a lake, up to their position; no version that is about who is ``without``."""
    source, condition = parquet(found.files), f"_seq <= {int(found.position)}"
    others = f"{condition} AND NOT EXISTS (SELECT 1 FROM refused WHERE subject = _subject)"  # nosec B608
    if subjects is None:
        return Reading(source, found.files, others if without else condition, without=without)
    # Every version of what was ever about them, as Lake.patients gives: one that moved a resource to another
    # patient replaces those before it.
    about = "_subject IN (SELECT subject FROM subjects)"
    condition += f" AND _id IN (SELECT _id FROM {source} WHERE {condition} AND {about})"  # nosec B608
    return Reading(source, found.files, condition, subjects=tuple(subjects))


def files(found: Files, query: Query) -> Reading:
    """Files of resources.

    Raises:
        UnreadableInput: Parquet files are not the columns of the view's type.
    """
    paths, kind = tuple(str(path) for path in found.paths), query.definition.resource
    if found.parquet:
        found.check_columns(resource_schema(kind))
        return Reading(parquet(paths), paths)
    dialect = query.dialect
    read = {"resourceType": "VARCHAR", **structure(kind, query.compiler.used)}
    named = ", ".join(f"{dialect.text(name)}: {dialect.text(type_)}" for name, type_ in read.items())
    source = f"read_json({_read(paths)}, format = 'newline_delimited', columns = {{{named}}}"
    strict, lenient = f"{source})", f"{source}, ignore_errors = true)"
    if (kind, BODY) in query.compiler.used:
        typed = ", ".join(f"{dialect.name(name)} {type_}" for name, type_ in read.items())
        lines = f"read_ndjson_objects({_read(paths)}, ignore_errors = true)"
        strict = f"(SELECT json AS {BODY}, unnest(TRY_CAST(json AS STRUCT({typed}))) FROM {lines})"  # nosec B608
        lenient = ""
    # What is no JSON, or has a value of another type than R4 says (a resource of another type may have, too),
    # becomes null in the end; a line without a resourceType is then what could not be read.
    return Reading(
        strict,
        paths,
        f"resourceType = {dialect.text(kind)}",
        "resourceType IS NULL",
        files=found,
        lenient=lenient,
    )


def parquet(paths: Sequence[str]) -> str:
    """Parquet files as what follows FROM."""
    return f"read_parquet({_read(paths)})"


def connect(paths: Sequence[str], limits: Limits | None = None) -> duckdb.DuckDBPyConnection:
    """A connection that can read these files and nothing else, and cannot be opened up again."""
    import duckdb

    limits = limits or Limits()
    connection = duckdb.connect(":memory:", config={"autoinstall_known_extensions": False})
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET temp_directory = ''")
    connection.execute("SET parquet_metadata_cache = true")
    if limits.threads is not None:
        connection.execute(f"SET threads = {int(limits.threads)}")
    if limits.memory is not None:
        connection.execute(f"SET memory_limit = '{int(limits.memory)}B'")
    connection.execute("SET python_enable_replacements = false")
    connection.execute(f"SET allowed_paths = {_listed([*paths, *map(_pattern, paths)])}")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _cursor(paths: tuple[str, ...], limits: Limits) -> duckdb.DuckDBPyConnection:
    """A connection to run one query on, for one thread; to be closed.

    It shares the files and the limits of one that is kept: to make one takes as long as 50,000 rows.
    """
    own = os.getpid()
    with _MAKING:
        kept = _KEPT.pop((own, paths, limits), None) or connect(paths, limits)
        _KEPT[own, paths, limits] = kept  # the last used is the last in order
        # Those of a process that forked into this one are left alone: their threads are not here to be ended.
        ours = [key for key in _KEPT if key[0] == own]
        for key in ours[:-_MOST_KEPT]:
            del _KEPT[key]
        return kept.cursor()


def _listed(paths: Sequence[str | Path]) -> str:
    return f"[{', '.join(Dialect().text(str(path)) for path in paths)}]"


def _read(paths: Sequence[str | Path]) -> str:
    """The files as what a function of DuckDB reads, which takes some letters in a name for a pattern."""
    return _listed([_pattern(path) for path in paths])


def _pattern(path: str | Path) -> str:
    return _PATTERN.sub(r"[\g<0>]", str(path))


def _is_about_values(error: Exception) -> bool:
    """Whether it is a line or a value that does not fit, and nothing that the view raises itself."""
    text = _said(error)
    return text.startswith("Invalid Input Error") and FAULT not in text


def _said(error: Exception) -> str:
    """The message of an error; DuckDB cuts long ones, within a letter too, and then none can be decoded."""
    if isinstance(error, UnicodeDecodeError):
        return bytes(error.object).decode(errors="replace")
    return str(error)


@contextmanager
def _own_errors(files: Files | None) -> Iterator[None]:
    """DuckDB's errors quote the values that they meet: only what we wrote ourselves is passed on."""
    import duckdb

    try:
        yield
    except (
        duckdb.Error,
        pa.ArrowException,
        OSError,
        UnicodeDecodeError,
    ) as error:  # of a stream, pyarrow passes on the text only
        own = _own(_said(error))
        if own is None and isinstance(error, pa.ArrowInvalid):
            own = UnreadableInput("the files hold what the view cannot read")
        if own is None:
            raise
        if own.message == UNREADABLE and files is not None:
            files.check()
        raise own from None


def _own(text: str) -> VesaliusError | None:
    kind, _, _ = text.partition(":")
    if kind == "Out of Memory Error":
        return Unavailable("the view needs more memory than it may use", hint=_MEMORY)
    if kind == "IO Error":
        return UnreadableInput("a file cannot be read: it is gone, damaged or cut short")
    if kind == "Out of Range Error":
        return InvalidView("a number grows larger than SQL can hold", hint=_ELSE)
    if kind not in ("Invalid Input Error", "Conversion Error"):
        return None
    _, mark, message = text.partition(FAULT)
    if not mark:
        return UnreadableInput("the files hold what the view cannot read")
    message = message.splitlines()[0]
    if message == UNREADABLE:
        return UnreadableInput(message)
    several = "several values" in message
    return InvalidView(message, hint="use first(), join() or collection: true" if several else _ELSE)


@contextmanager
def _watched(connection: duckdb.DuckDBPyConnection, progress: Progress | None) -> Iterator[None]:
    """Tells how far a query is while it runs."""
    if progress is None:
        yield
        return
    over = Event()

    def watch(tell: Progress = progress) -> None:
        while not over.wait(_EVERY):
            done = connection.query_progress()
            if done > 0:
                tell(min(done / 100, 1.0))

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
    progress(1.0)
