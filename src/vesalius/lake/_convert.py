"""From JSON to typed columns: DuckDB's ``from_json`` with the explicit structure of the type.

Measured on this project's test data, it reads two to four times more resources per second than building Arrow
from decoded Python objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa

from vesalius.errors import UnreadableInput
from vesalius.lake._log import Stored
from vesalius.lake._schema import SYSTEM, Field, fields, is_json, resource_schema

if TYPE_CHECKING:
    import duckdb

_NAMES = {pa.bool_(): "BOOLEAN", pa.int32(): "INTEGER", pa.float64(): "DOUBLE", pa.string(): "VARCHAR"}
_TYPED = "SELECT source.*, unnest(from_json(_body, $structure)) FROM source"


def typed(type_: str, rows: Sequence[Stored]) -> pa.Table:
    """Some versions of one resource type, at least one, as one table of its schema, in their order.

    Raises:
        UnreadableInput: a body is not JSON, which the checks before the log do not let through.
    """
    import duckdb  # heavy, and needed only here

    source = pa.table(_system(rows), schema=pa.schema(SYSTEM))
    with _connect() as connection:
        connection.register("source", source)
        try:
            query = connection.sql(_TYPED, params={"structure": structure(type_)})
            table: pa.Table = query.to_arrow_table().cast(resource_schema(type_))
        except duckdb.InvalidInputException:
            # its message quotes the body
            raise UnreadableInput(f"the log holds a {type_} that is not JSON") from None
    return table


def body_at(files: Sequence[str], seq: int) -> str | None:
    """The body of the row numbered ``seq`` in some Parquet files; None if it cannot be read there."""
    import duckdb

    query = "SELECT _body FROM read_parquet($files) WHERE _seq = $seq"
    try:
        with _connect() as connection:
            found = connection.execute(query, {"files": list(files), "seq": seq}).fetchone()
    except duckdb.Error:
        return None
    return None if found is None else str(found[0])


@cache
def structure(type_: str) -> str:
    """The structure of a resource type as DuckDB's JSON functions want it."""
    return msgspec.json.encode({field.name: _structure(field) for field in fields(type_)}).decode()


def _structure(field: Field) -> Any:
    kind = field.type
    if is_json(field):
        return "JSON"
    if pa.types.is_list(kind):
        return [_structure(kind.value_field)]
    if pa.types.is_struct(kind):
        return {kind.field(i).name: _structure(kind.field(i)) for i in range(kind.num_fields)}
    return _NAMES[kind]


def _system(rows: Sequence[Stored]) -> list[pa.Array[Any]]:
    columns = (pa.array(column) for column in zip(*rows, strict=True))
    return [column.cast(field.type) for column, field in zip(columns, SYSTEM, strict=True)]


def _connect() -> duckdb.DuckDBPyConnection:
    import duckdb

    return duckdb.connect(config={"autoinstall_known_extensions": False})
