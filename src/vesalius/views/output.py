"""The rows of a view as they leave: those in force at a moment, encoded for a file or an answer.

:meth:`View.table` gives every version of every resource, for work that must know what was believed when. Who
only wants the table, a person or another program, wants each resource once, as it is in force: that is here.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, TYPE_CHECKING, Any, Literal

import msgspec
import pyarrow as pa

from vesalius.errors import NotFound, Unavailable
from vesalius.views import _table
from vesalius.views._duckdb import Progress
from vesalius.views._files import Files
from vesalius.views._force import Force
from vesalius.views._view import Engine, View

if TYPE_CHECKING:
    from vesalius.lake import Lake, Version

FORMATS = {
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
}
"""What rows can be encoded as, with the media type of each."""

CHUNK = 1_000
"""How many resources the Python route turns into rows at a time."""

_JSON = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True)
class Asked:
    """Which rows are wanted.

    Attributes:
        as_of: of the versions that were in force then; now, if None.
        since: only of versions that were received after this moment.
        subjects: only of resources about these patients (``Patient/ID``); all, if None.
        without: of no resource that concerns one of these patients (:meth:`vesalius.lake.Version.concerns`):
            who refuses that their data is used for anything but care. What concerns nobody stays.
        limit: at most so many rows.
        engine: what it runs on: one of those of a view, or ``spark``, on this machine.
        progress: called while DuckDB runs.
    """

    as_of: datetime | None = None
    since: datetime | None = None
    subjects: tuple[str, ...] | None = None
    without: frozenset[str] = frozenset()
    limit: int | None = None
    engine: Engine | Literal["spark"] = "auto"
    progress: Progress | None = None


def batches(view: View, source: Lake | Files, asked: Asked | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of the versions in force, each with the columns of the view and no others.

    Of a lake, few patients, and views that do not compile, are read from the log; the rest from its columns.
    The position is fixed at first: what is written meanwhile is not seen. Of files, every line counts.

    Raises:
        InvalidView: the view does not fit a resource, or does not compile and the engine is ``duckdb``.
        UnreadableInput: a file cannot be read.
        NotFound: files were asked for patients or a moment, which they do not know.
    """
    asked = asked or Asked()
    yield from _limited(_found(view, source, asked), asked.limit)


def _found(view: View, source: Lake | Files, asked: Asked) -> Iterable[pa.RecordBatch]:
    if isinstance(source, Files):
        if asked.as_of or asked.since or asked.subjects is not None or asked.without:
            raise NotFound("files know neither moments nor patients", hint="take them into a lake first")
        if asked.engine == "spark":
            return _by_spark(view, source)
        return view.batches(source, engine=asked.engine, progress=asked.progress)
    slow = view.route != "duckdb" or asked.subjects is not None
    if asked.engine == "python" or (asked.engine == "auto" and slow):
        return _from_log(view, source.pinned(), asked)
    return _from_columns(view, source.pinned(), asked)


def _by_spark(view: View, source: Lake | Files) -> list[pa.RecordBatch]:
    from vesalius.views import spark

    with spark.session() as session:
        return spark.table(view, session, source).to_batches()


def from_resources(
    view: View, resources: Iterable[Mapping[str, Any]], limit: int | None = None
) -> Iterator[pa.RecordBatch]:
    """The rows of decoded resources, in their order.

    Raises:
        InvalidView: the view does not fit a resource.
    """
    yield from _limited(_rows(view, resources), limit)


def _from_log(view: View, lake: Lake, asked: Asked) -> Iterator[pa.RecordBatch]:
    return _rows(view, (version.resource for version in versions(view, lake, asked)))


def versions(view: View, lake: Lake, asked: Asked) -> Iterator[Version]:
    """The versions in force that the rows come from, read from the log."""
    kind, since = view.definition.resource, asked.since
    if asked.subjects is None:
        found: Iterable[Version] = lake.resources(kind, asked.as_of)
    else:
        about = (lake.patient(subject, asked.as_of, [kind]) for subject in dict.fromkeys(asked.subjects))
        found = (version for some in about for version in some)
    return (
        version
        for version in found
        if (since is None or version.received_at > since) and not version.concerns(asked.without)
    )


def _from_columns(view: View, lake: Lake, asked: Asked) -> Iterator[pa.RecordBatch]:
    columns = lake.columns(view.definition.resource)
    force = Force(columns, asked.as_of, asked.since, asked.subjects, asked.without)
    if asked.engine == "spark":
        found: Iterable[pa.RecordBatch] = _by_spark(view, lake)
    else:
        origin = () if force.whole else ("_seq",)
        found = view.batches(lake, engine="duckdb", origin=origin, progress=asked.progress)
    for batch in found:
        kept = force.keep(batch)
        if kept.num_rows:
            yield kept.select(view.schema.names)


def _rows(view: View, resources: Iterable[Mapping[str, Any]]) -> Iterator[pa.RecordBatch]:
    left = iter(resources)
    while some := list(islice(left, CHUNK)):
        rows = [tuple(row.values()) for row in view.rows(some)]
        if rows:
            yield from _table.arrow(rows, view.schema).to_batches()


def _limited(found: Iterable[pa.RecordBatch], limit: int | None) -> Iterator[pa.RecordBatch]:
    left = limit
    for batch in found:
        if left is not None and batch.num_rows >= left:
            if left:
                yield batch.slice(0, left)
            return
        left = None if left is None else left - batch.num_rows
        yield batch


def encoded(
    found: Iterable[pa.RecordBatch], schema: pa.Schema, form: str, *, header: bool = True
) -> Iterator[bytes]:
    """The rows as bytes, piece by piece as they come; Parquet as a whole, at the end.

    Args:
        found: the rows.
        schema: of the rows, also where there are none.
        form: one of :data:`FORMATS`.
        header: whether CSV starts with the names of the columns.
    """
    if form == "csv":
        yield from _csv(found, schema, header)
    elif form == "ndjson":
        yield from (b"".join(_JSON.encode(row) + b"\n" for row in batch.to_pylist()) for batch in found)
    elif form == "json":
        yield from _array(found)
    else:
        with _parquet(found, schema) as file:
            while piece := file.read(1 << 20):
                yield piece


def _csv(found: Iterable[pa.RecordBatch], schema: pa.Schema, header: bool) -> Iterator[bytes]:
    from pyarrow.csv import WriteOptions, write_csv

    flat = pa.schema([pa.field(field.name, _flat_type(field.type)) for field in schema])
    before = _line(schema.names) if header else b""
    for batch in found:
        buffer = io.BytesIO()
        columns = [_flat(column) for column in batch.columns]
        write_csv(
            pa.RecordBatch.from_arrays(columns, schema=flat),
            buffer,
            WriteOptions(include_header=False, quoting_style="needed"),
        )
        # Together with the first rows: whoever asks for the first piece hears what is wrong with them.
        yield before + buffer.getvalue()
        before = b""
    if before:
        yield before


def _line(names: Sequence[str]) -> bytes:
    """The names of the columns; they are letters, digits and underscores, so nothing needs quotes."""
    return ",".join(names).encode() + b"\n"


def _flat_type(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_list(kind) else kind


def _flat(column: pa.Array[Any]) -> pa.Array[Any]:
    """A list as the text of a JSON array: CSV has no lists."""
    if not pa.types.is_list(column.type):
        return column
    texts = [None if cell is None else _JSON.encode(cell).decode() for cell in column.to_pylist()]
    return pa.array(texts, pa.string())


def _array(found: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    before = b"["
    for batch in found:
        yield before + b",\n".join(_JSON.encode(row) for row in batch.to_pylist())
        before = b",\n"
    yield b"[]\n" if before == b"[" else b"]\n"


@contextmanager
def _parquet(found: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[IO[bytes]]:
    import tempfile

    from pyarrow.parquet import ParquetWriter

    with tempfile.SpooledTemporaryFile(max_size=16 * 2**20) as file:
        with ParquetWriter(file, schema, compression="zstd") as writer:
            for batch in found:
                writer.write_batch(batch)
        file.seek(0)
        yield file


def write(pieces: Iterable[bytes], target: Path) -> int:
    """Writes a file, whole or not at all, for its owner alone; gives its size in bytes.

    Raises:
        Unavailable: it cannot be written.
    """
    size = 0
    try:
        with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            partial = Path(file.name)
            try:
                for piece in pieces:
                    size += file.write(piece)
                file.flush()
                os.fsync(file.fileno())
                partial.replace(target)
            finally:
                partial.unlink(missing_ok=True)
    except OSError as error:
        raise Unavailable(f"{target} cannot be written: {error.strerror}") from None
    return size


def counted(found: Iterable[pa.RecordBatch], tell: Callable[[int], None]) -> Iterator[pa.RecordBatch]:
    """The same batches; ``tell`` hears after each how many rows there were."""
    rows = 0
    for batch in found:
        rows += batch.num_rows
        yield batch
        tell(rows)
