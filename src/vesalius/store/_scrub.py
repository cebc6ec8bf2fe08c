"""Cleaning the files of a database of what was deleted or replaced in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import sqlalchemy as sa

from vesalius.errors import Unavailable
from vesalius.store._answers import answering
from vesalius.store._engine import writing


@contextmanager
def overwriting(engine: sa.Engine) -> Iterator[sa.Connection]:
    """As ``store.writing``; SQLite overwrites with zeros what is deleted or replaced meanwhile.

    Raises:
        Unavailable: the database does not answer, or cannot be written.
    """
    with writing(engine) as connection:
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            connection.exec_driver_sql("PRAGMA secure_delete=ON").close()
        yield connection
        if sqlite:  # the connection goes back to the others, whose work this would slow down
            connection.exec_driver_sql("PRAGMA secure_delete=OFF").close()


def scrub(engine: sa.Engine, tables: Iterable[str]) -> None:
    """Writes the files of a database anew, without what was deleted or replaced in them.

    SQLite: the whole file, and its journal is emptied; needs room for one more copy. PostgreSQL: the files of
    some tables; its own write-ahead log and its archives are the hospital's to let expire.

    Args:
        engine: the database.
        tables: the tables that held what was erased.

    Raises:
        Unavailable: another process keeps the journal in use, or there is no room; ask again.
    """
    with answering():
        _scrub_sqlite(engine) if engine.dialect.name == "sqlite" else _scrub_postgres(engine, tables)


def _scrub_sqlite(engine: sa.Engine) -> None:
    with closing(engine.raw_connection()) as pooled:
        connection: Any = pooled.driver_connection
        try:
            connection.execute("PRAGMA secure_delete=ON")
            connection.execute("VACUUM")
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            connection.execute("PRAGMA secure_delete=OFF")
        except engine.dialect.dbapi.Error as error:  # type: ignore[union-attr]
            raise sa.exc.OperationalError("VACUUM", None, error) from None
    if busy:
        hint = "stop what is reading it, and run vesalius lake forget --resume"
        raise Unavailable("the journal of the database is in use, and may hold the old bytes", hint=hint)


def _scrub_postgres(engine: sa.Engine, tables: Iterable[str]) -> None:
    quote = engine.dialect.identifier_preparer.quote
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in dict.fromkeys(tables):
            connection.exec_driver_sql(f"VACUUM FULL {quote(table)}")
