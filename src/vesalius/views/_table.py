"""Rows as Arrow: one explicit type per column, and where each row came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from vesalius.views._definition import Column
from vesalius.views._rows import Plan
from vesalius.views.fhirpath._types import PRIMITIVES, Shape
from vesalius.views.fhirpath._values import Choice

if TYPE_CHECKING:
    from datetime import datetime

_ARROW: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "decimal": pa.float64(),
    **dict.fromkeys(("integer", "integer64", "positiveInt", "unsignedInt"), pa.int64()),
}
_ORIGIN: list[pa.Field[Any]] = [
    pa.field("_reference", pa.string()),
    pa.field("_resource", pa.string()),
    pa.field("_subject", pa.string()),
    pa.field("_recorded_at", pa.timestamp("us", tz="UTC")),
    pa.field("_seq", pa.int64()),
]
ORIGIN: pa.Schema = pa.schema(_ORIGIN)
"""Where a row came from: the version (``Type/ID/_history/N``), the resource, its patient, when it was known
and its place in the lake's log."""
_JSON = msgspec.json.Encoder(order="sorted", decimal_format="number")


class Known(Protocol):
    """What a row's origin is read from: a version of the lake."""

    @property
    def type(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def seq(self) -> int: ...
    @property
    def recorded_at(self) -> datetime: ...
    @property
    def subject(self) -> str | None: ...
    @property
    def reference(self) -> str: ...
    @property
    def resource(self) -> dict[str, Any]: ...


def kind(column: Column, shape: Shape) -> str:
    """The primitive type of a column: the one it declares, else the one its path has; else empty."""
    declared = column.type.rpartition("/")[2]
    return declared if declared in PRIMITIVES else shape.type if shape.type in PRIMITIVES else ""


def schema(columns: Sequence[Column], shapes: dict[str, Shape]) -> pa.Schema:
    """The Arrow schema: Booleans, whole numbers and decimals (as float64) as such, all else as text.

    A structure (a Coding, a Quantity) is written as JSON.
    """
    fields = []
    for column in columns:
        cell = _ARROW.get(kind(column, shapes[column.name]), pa.string())
        fields.append(pa.field(column.name, pa.list_(cell) if column.collection else cell))
    return pa.schema(fields)


def table(plan: Plan, names: pa.Schema, versions: Iterable[Known]) -> pa.Table:
    """The rows of every version given, in the order given, with their origin."""
    return arrow([*with_origin(plan, versions)], pa.schema([*names, *ORIGIN]))


def with_origin(plan: Plan, versions: Iterable[Known]) -> Iterator[tuple[Any, ...]]:
    """The rows of every version given, in the order given, each with its origin."""
    for version in versions:
        origin: tuple[Any, ...] | None = None
        for row in plan.rows(version.resource):
            origin = origin or _origin(version)
            yield row + origin


def batches(rows: Iterable[tuple[Any, ...]], names: pa.Schema, size: int) -> Iterator[pa.RecordBatch]:
    """Rows as record batches of at most ``size`` rows."""
    rows = iter(rows)
    while found := list(islice(rows, size)):
        yield from arrow(found, names).to_batches()


def in_order(rows: pa.Table) -> pa.Table:
    """The rows in the order of the log; they nearly always are already."""
    place = rows.column("_seq")
    if rows.num_rows < 2 or pc.all(pc.greater_equal(place[1:], place[:-1])).as_py():
        return rows
    return rows.take(pc.sort_indices(rows.select(["_seq"]), [("_seq", "ascending")]))


def _origin(version: Known) -> tuple[Any, ...]:
    resource = f"{version.type}/{version.id}"
    return version.reference, resource, version.subject, version.recorded_at, version.seq


def arrow(rows: Sequence[tuple[Any, ...]], names: pa.Schema) -> pa.Table:
    """Rows as a table of these columns."""
    values = zip(*rows, strict=True) if rows else ([] for _ in names)
    arrays = [
        pa.array(_cells(cells, field.type), field.type) for field, cells in zip(names, values, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=names)


def _cells(cells: Iterable[Any], wanted: pa.DataType) -> list[Any]:
    if pa.types.is_list(wanted):
        cast = _cast(wanted.value_type)
        return [None if cell is None else [cast(each) for each in cell] for cell in cells]
    if pa.types.is_timestamp(wanted):
        return list(cells)
    cast = _cast(wanted)
    return [None if cell is None else cast(cell) for cell in cells]


def _cast(wanted: pa.DataType) -> Callable[[Any], Any]:
    if pa.types.is_floating(wanted):
        return _float
    if pa.types.is_integer(wanted):
        return _integer
    return _boolean if pa.types.is_boolean(wanted) else text


def _float(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _integer(value: Any) -> int | None:
    number = _float(value)
    return int(value) if number is not None and number == int(number) else None


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def text(value: Any) -> str:
    """A value as text: as FHIR writes it, and a structure as JSON with sorted keys."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Choice):
        return text(value.value)
    return _JSON.encode(value).decode() if isinstance(value, dict | list) else str(value)
