"""Runs a query over the lake's typed columns with DuckDB, closed to everything but their files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from vesalius.errors import InvalidView
from vesalius.views._dialect import FAULT, Dialect
from vesalius.views._query import Query

if TYPE_CHECKING:
    import duckdb

    from vesalius.lake import ColumnFiles


def run(query: Query, columns: ColumnFiles, subjects: Sequence[str] | None, schema: pa.Schema) -> pa.Table:
    """The rows of a view over the typed columns of one resource type.

    Args:
        query: the compiled view.
        columns: the files; versions after their position are not read.
        subjects: only what was ever about these patients; all, if None.
        schema: of the table to give back.

    Raises:
        InvalidView: the view does not fit a resource.
    """
    if not columns.files:
        return schema.empty_table()
    source, condition = _source(columns.files), f"_seq <= {int(columns.position)}"
    if subjects is not None:
        # Every version of what was ever about them, as Lake.patients gives: one that moved a resource to
        # another patient replaces those before it.
        about = "_subject IN (SELECT subject FROM subjects)"
        condition += f" AND _id IN (SELECT _id FROM {source} WHERE {condition} AND {about})"  # noqa: S608
    with _connect(columns.files) as connection:
        if subjects is not None:
            connection.register(
                "subjects", pa.table({"subject": pa.array(sorted(set(subjects)), pa.string())})
            )
        return fetch(connection, query.text(source, condition), schema)


def fetch(connection: duckdb.DuckDBPyConnection, text: str, schema: pa.Schema) -> pa.Table:
    """The rows of a query, with the types of the schema.

    Raises:
        InvalidView: the query failed on a resource that the view does not fit.
    """
    import duckdb

    try:
        found = connection.sql(text).to_arrow_table()
    except duckdb.InvalidInputException as error:
        _, mark, message = str(error).partition(FAULT)
        if not mark:
            raise
        raise InvalidView(message.splitlines()[0], hint="use first(), join() or collection: true") from None
    table: pa.Table = found.cast(schema)
    return table


def _source(files: Sequence[str]) -> str:
    listed = ", ".join(Dialect().text(file) for file in files)
    return f"read_parquet([{listed}])"


def _connect(files: Sequence[str]) -> duckdb.DuckDBPyConnection:
    """A connection that can read these files and nothing else, and cannot be opened up again."""
    import duckdb

    connection = duckdb.connect(":memory:", config={"autoinstall_known_extensions": False})
    listed = ", ".join(Dialect().text(file) for file in files)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET allowed_paths = [{listed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection
