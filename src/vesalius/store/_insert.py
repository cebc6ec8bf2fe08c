"""Writing a row where one may be already: both databases know how, each in words of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert(connection: sa.Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that can be told what to do on a conflict, with ``on_conflict_do_nothing`` and the like."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def add(connection: sa.Connection, table: sa.Table, values: Mapping[str, Any]) -> bool:
    """Writes a row; False, and nothing is changed, where one of its key is there."""
    row = insert(connection, table).values(**values).on_conflict_do_nothing()
    # What was written comes back: a count of rows is not known to every driver.
    return connection.execute(row.returning(*table.primary_key)).first() is not None


def put(
    connection: sa.Connection, table: sa.Table, key: Mapping[str, Any], values: Mapping[str, Any]
) -> None:
    """Writes a row, in the place of the one of this key if there is one.

    Args:
        connection: writes.
        table: the table.
        key: every column of its primary key.
        values: the others; one that is left out stays as it was.
    """
    row = insert(connection, table).values(**key, **values)
    connection.execute(row.on_conflict_do_update(index_elements=list(key), set_=values))
