"""Opening the database, and the two ways to use it: reading and writing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from vesalius.store._answers import answering, understood

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Instant(sa.types.TypeDecorator[datetime]):
    """A moment, kept as whole microseconds since 1970-01-01T00:00:00Z, the same on every database.

    Integers order, index and compare alike on SQLite and PostgreSQL, and lose nothing.
    """

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:  # noqa: ARG002
        """Turns an aware datetime into microseconds; a naive one is refused."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """Turns microseconds into an aware datetime in UTC."""
        return None if value is None else from_microseconds(int(value))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """Whole microseconds since the epoch of an aware moment."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone is ambiguous")
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_microseconds(value: int) -> datetime:
    """The aware moment, in UTC, of whole microseconds since the epoch."""
    return datetime.fromtimestamp(value // 1_000_000, UTC).replace(microsecond=value % 1_000_000)


def open_store(url: str) -> sa.Engine:
    """Opens the database at ``url`` and brings its tables up to date.

    Args:
        url: an SQLAlchemy URL: ``sqlite:///PATH`` or ``postgresql+psycopg://…``.

    Returns:
        The engine; use it with :func:`reading` and :func:`writing`.

    Raises:
        InvalidSetting: the URL is none, or names a database that there is no driver for.
        Unavailable: the database cannot be reached, read or written.
        Conflict: it was made by a newer Vesalius.
    """
    # An error of the database quotes its parameters, and those hold patient data: they are left out.
    with understood():
        engine = sa.create_engine(url, pool_pre_ping=not url.startswith("sqlite"), hide_parameters=True)
    if engine.dialect.name == "sqlite":
        _make_private(engine.url.database)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    event.listen(engine, "handle_error", _hide_details)
    from vesalius.store._migrate import migrate  # Alembic is slow to import and needed only here

    try:
        migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection on one consistent state of the database, for reading only.

    Raises:
        Unavailable: the database does not answer.
    """
    # PostgreSQL shows each statement the newest state unless it is asked to keep one, as SQLite always does.
    postgres = engine.dialect.name == "postgresql"
    options: dict[str, Any] = {"isolation_level": "REPEATABLE READ"} if postgres else {}
    with (
        answering(),
        engine.connect().execution_options(**options) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection in one durable transaction: all of it is written when the block ends, or nothing.

    Raises:
        Unavailable: the database does not answer, or cannot be written.
    """
    with (
        answering(),
        engine.connect().execution_options(vesalius_write=True) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def driver(connection: sa.Connection) -> Iterator[Any]:
    """The driver's own connection under ``connection``, in the same transaction.

    For the few statements that run thousands of times a second: SQLAlchemy takes longer to prepare one than
    SQLite to carry it out. Errors come out as SQLAlchemy's, as from any other statement.
    """
    with _translated(connection.dialect):
        yield connection.connection.driver_connection


@contextmanager
def driver_writing(engine: sa.Engine) -> Iterator[Any]:
    """As :func:`writing` on SQLite, for the driver's own connection.

    Raises:
        Unavailable: the database does not answer, or cannot be written.
    """
    with answering(), _translated(engine.dialect):
        pooled = engine.raw_connection()
        try:
            sqlite: Any = pooled.driver_connection
            sqlite.execute("BEGIN IMMEDIATE")
            yield sqlite
            sqlite.execute("COMMIT")
        finally:
            pooled.close()  # rolls back what was not committed


@contextmanager
def _translated(dialect: sa.Dialect) -> Iterator[None]:
    base = dialect.dbapi.Error  # type: ignore[union-attr]
    try:
        yield
    except base as error:
        raise sa.exc.DBAPIError.instance(
            None, None, error, base, hide_parameters=True, dialect=dialect
        ) from error


def _make_private(path: str | None) -> None:
    """Makes a new database file its owner's alone; SQLite gives its log and index the same permissions."""
    if path and path != ":memory:" and not path.startswith("file:"):
        with suppress(OSError):  # it is there, or cannot be made: SQLite says so itself
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _hide_details(context: sa.engine.ExceptionContext) -> None:
    """Cuts off the detail of PostgreSQL's errors, which quotes the row that was refused."""
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None and error.args and "\nDETAIL:" in str(error.args[0]):
            error.args = (str(error.args[0]).partition("\nDETAIL:")[0], *error.args[1:])


# The journal is copied into the database every 32 MiB, not every 4: pages that change often, as those of
# indexes do, are then copied once instead of many times. What is committed is on disk either way. Those pages
# are looked for in memory first: up to 64 MiB for each connection, if it has use for so many.
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "busy_timeout=20000",
    "wal_autocheckpoint=8000",
    "cache_size=-65536",
)


def _prepare_sqlite(connection: Any, record: Any) -> None:  # noqa: ARG001
    connection.isolation_level = None  # we say BEGIN ourselves: the driver's own is too late for us
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A transaction that reads first and writes later can be refused half-way; one that will write takes the
    # write lock at once and waits for it instead.
    write = connection.get_execution_options().get("vesalius_write")
    with driver(connection) as sqlite:
        sqlite.execute("BEGIN IMMEDIATE" if write else "BEGIN")
