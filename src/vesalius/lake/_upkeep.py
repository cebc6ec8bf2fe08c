"""Looking after a lake: how large it is, whether its columns follow, and a copy of the database."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import cast

import msgspec
import sqlalchemy as sa

from vesalius.errors import NotAllowed

_SIZE = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    "postgresql": "SELECT pg_database_size(current_database())",
}


class TypeStats(msgspec.Struct, frozen=True):
    """One resource type in the lake.

    Attributes:
        type: the resource type.
        resources, versions: how many there are.
        files, bytes: of its typed columns.
        behind: how many versions its columns have not taken yet; the next question about many patients, or
            ``refresh_columns``, takes them.
    """

    type: str
    resources: int
    versions: int
    files: int
    bytes: int
    behind: int


class Stats(msgspec.Struct, frozen=True):
    """The size of a lake.

    Attributes:
        position: up to where the log was counted.
        database_bytes: the size of the whole database, log and all else.
        types: each resource type.
    """

    position: int
    database_bytes: int
    types: tuple[TypeStats, ...]


def database_bytes(connection: sa.Connection) -> int:
    """The size of the database."""
    return int(connection.execute(sa.text(_SIZE[connection.dialect.name])).scalar_one())


def backup(engine: sa.Engine, target: Path) -> None:
    """Copies a running SQLite database, one consistent state of it, whole or not at all.

    Raises:
        NotAllowed: the database is PostgreSQL, which has better tools of its own.
    """
    if engine.dialect.name != "sqlite":
        raise NotAllowed("only an SQLite database is copied from here", hint="use pg_dump or a base backup")
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)
    with closing(engine.raw_connection()) as pooled, closing(sqlite3.connect(partial)) as copy:
        # All pages in one step: writers append to their journal meanwhile and wait for nothing.
        cast("sqlite3.Connection", pooled.driver_connection).backup(copy)
    _make_durable(partial)
    partial.replace(target)
    _make_durable(target.parent)


def _make_durable(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
