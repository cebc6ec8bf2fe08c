"""Looking after a lake: how large it is, and whether its columns follow."""

from __future__ import annotations

from datetime import datetime

import msgspec
import sqlalchemy as sa

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
        first_received, last_received: when the first and the last of them came in.
    """

    type: str
    resources: int
    versions: int
    files: int
    bytes: int
    behind: int
    first_received: datetime
    last_received: datetime


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
