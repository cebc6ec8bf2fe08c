"""Parquet files through a map: one item per row, read in batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from vesalius.errors import UnreadableInput
from vesalius.ingest import typed
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._items import Item
from vesalius.ingest._rows import check_header
from vesalius.ingest.csv_map import CsvMap
from vesalius.ingest.typed import again

__all__ = ["again", "columns", "read", "rows"]

_BATCH = 1_000

_INDEX = "__index_level_"
"""How pandas names the columns in which it keeps row numbers: they say nothing of the data."""


def read(stream: BinaryIO, csv_map: CsvMap) -> Iterator[Item]:
    """One item per row.

    Raises:
        UnreadableInput: it is no Parquet file, or lacks a column that the map reads; nothing was yielded.
        FaultError: it is damaged further on.
    """
    file = _opened(stream)
    header = columns(file)
    check_header(header, csv_map)
    for number, values in enumerate(_values(file, header), 1):
        yield typed.row(f"row {number}", values, {"header": header, "row": number}, csv_map)


def rows(stream: BinaryIO) -> Iterator[list[Any]]:
    """The names of the columns, then the values of each row."""
    file = _opened(stream)
    header = columns(file)
    yield list(header)
    yield from _values(file, header)


def columns(file: Any) -> list[str]:
    """The names of the columns of an opened file."""
    return [str(name) for name in file.schema_arrow.names if not str(name).startswith(_INDEX)]


def _opened(stream: BinaryIO) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(stream)
    except (pa.ArrowException, OSError, ValueError, EOFError) as error:
        words = f"it is not a Parquet file, or is damaged ({type(error).__name__})"
        raise UnreadableInput(words) from None


def _values(file: Any, header: list[str]) -> Iterator[list[Any]]:
    import pyarrow as pa

    try:
        for batch in file.iter_batches(batch_size=_BATCH, columns=header):
            lists = [_list(batch.column(name)) for name in header]
            yield from map(list, zip(*lists, strict=True))
    except (pa.ArrowException, OSError, ValueError) as error:
        words = f"the file is damaged here ({type(error).__name__})"
        raise FaultError(Cause.TRUNCATED, words) from None


def _list(column: Any) -> list[Any]:
    import pyarrow as pa

    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    values: list[Any] = column.to_pylist()
    return values
