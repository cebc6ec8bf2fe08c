"""Tables in files: CSV and Parquet, read whole, written whole or not at all."""

from __future__ import annotations

import csv
import gzip
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from vesalius.errors import UnreadableInput

_HEAD = 65_536
"""Bytes in which the header of a CSV file is looked for."""


def read_table(path: Path) -> pa.Table:
    """A table from a CSV (``.csv``, ``.csv.gz``) or Parquet file.

    In a CSV all values are text, as written: ``007`` stays so. Its separator is the one of ``;``, ``,`` and
        tab
    that the header has most of. An empty cell is missing.

    Raises:
        UnreadableInput: it is not such a file.
    """
    try:
        if path.suffix == ".parquet":
            return pq.read_table(path)
        return _read_csv(path)
    except pa.ArrowException as error:
        raise UnreadableInput(f"{path.name} cannot be read as a table: {_cause(error)}") from None
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableInput(f"{path.name} cannot be read: {_cause(error)}") from None


def _read_csv(path: Path) -> pa.Table:
    separator, names = _header(path)
    if len(set(names)) != len(names):
        raise UnreadableInput(f"{path.name} has two columns of one name")
    return pacsv.read_csv(
        path,
        parse_options=pacsv.ParseOptions(delimiter=separator, newlines_in_values=True),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=True,
            null_values=[""],
            quoted_strings_can_be_null=True,
        ),
    )


def _header(path: Path) -> tuple[str, list[str]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as file:
        head = file.read(_HEAD)
    try:
        line = head.decode("utf-8-sig", errors="strict" if len(head) < _HEAD else "ignore")
    except UnicodeDecodeError:
        raise UnreadableInput(f"{path.name} is not UTF-8") from None
    line = line.lstrip("\r\n").splitlines()[0] if line.strip() else ""
    if not line:
        raise UnreadableInput(f"{path.name} is empty")
    separator = max(";,\t", key=line.count)
    return separator, next(csv.reader([line], delimiter=separator))


def write_table(table: pa.Table, path: Path, separator: str = ";") -> None:
    """Writes a table as CSV or Parquet, by the name of the file; whole, or not at all.

    Args:
        table: the records.
        path: ``.parquet``, or else CSV.
        separator: between the cells of a CSV.

    Raises:
        UnreadableInput: it cannot be written there.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        if path.suffix == ".parquet":
            pq.write_table(table, partial)
        else:
            with (
                pa.CompressedOutputStream(partial, "gzip")
                if path.suffix == ".gz"
                else partial.open("wb") as out
            ):
                pacsv.write_csv(
                    _plain(table), out, pacsv.WriteOptions(delimiter=separator, quoting_style="needed")
                )
        partial.replace(path)
    except (OSError, pa.ArrowException) as error:
        partial.unlink(missing_ok=True)
        raise UnreadableInput(f"{path.name} cannot be written: {_cause(error)}") from None


def _plain(table: pa.Table) -> pa.Table:
    """Dictionaries as their values, which CSV can hold."""
    for at, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(at, field.name, table[field.name].cast(field.type.value_type))
    return table


def _cause(error: BaseException) -> str:
    """What went wrong, without the words of a row, which may be a patient's."""
    return getattr(error, "strerror", None) or type(error).__name__.removeprefix("Arrow")
