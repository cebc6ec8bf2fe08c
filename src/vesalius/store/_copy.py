"""Copying a whole database into another: the same rows, whichever of SQLite and PostgreSQL either is.

An SQLite file with the tables of the newest migration is the one form of a backup, so that a backup of either
can be restored into either.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import cast

import sqlalchemy as sa

from vesalius.errors import Conflict, Unavailable, UnreadableInput
from vesalius.store._answers import answering
from vesalius.store._engine import open_store, reading, writing
from vesalius.store._migrate import upgrade

_CHUNK = 2_000
_VERSION = "alembic_version"
_PREFIX = "vesalius-restore-"


def backup(engine: sa.Engine, target: Path) -> None:
    """Copies a running database to an SQLite file: one consistent state of it, whole or not at all.

    Raises:
        Conflict: the database holds tables that Vesalius does not know.
        Unavailable: the database does not answer, or the file cannot be written.
    """
    partial = target.with_name(f".{target.name}.partial")
    _remove(partial)
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT, 0o600))
    except OSError as error:
        raise Unavailable(f"{target} cannot be written: {error.strerror}") from None
    try:
        if engine.dialect.name == "sqlite":
            with (
                answering(),
                closing(engine.raw_connection()) as pooled,
                closing(sqlite3.connect(partial)) as copy,
            ):
                # All pages in one step: writers append to their journal meanwhile and wait for nothing.
                cast("sqlite3.Connection", pooled.driver_connection).backup(copy)
        else:
            _copy_out(engine, partial)
        _make_durable(partial)
        partial.replace(target)
        _make_durable(target.parent)
    finally:
        _remove(partial)


def restore(source: Path, engine: sa.Engine, *, replace: bool = False) -> None:
    """Puts a backup in the place of what a database holds, in one transaction: whole or not at all.

    Others may go on using the database; they see the old rows until the new ones are whole.

    Args:
        source: an SQLite file that :func:`backup` made, by this Vesalius or an older one.
        engine: the database; its tables are there.
        replace: whether to throw away the rows that it holds.

    Raises:
        Conflict: the database holds rows, and ``replace`` was not given; or a newer Vesalius made the backup.
        UnreadableInput: the file is not a whole backup.
        Unavailable: the database does not answer.
    """
    _check(source)
    if not replace and (held := _held(engine)):
        hint = "--replace throws away what it holds"
        raise Conflict(f"the database is not empty: it holds {', '.join(held)}", hint=hint)
    with _workplace(_beside(engine)) as folder:
        # A copy, so that an older backup is brought up to date and itself stays what it is.
        copy = folder / "copy.sqlite"
        with closing(_opened(source)) as original, closing(sqlite3.connect(copy)) as own:
            original.backup(own)
        newest = open_store(f"sqlite:///{copy}")
        try:
            if engine.dialect.name == "sqlite":
                _pour(newest, engine)
            else:
                _copy_in(newest, engine)
        finally:
            newest.dispose()


@contextmanager
def _workplace(parent: Path) -> Iterator[Path]:
    """A folder for us alone, as long as the block; those that killed restores left behind go too."""
    with ExitStack() as ours:
        with _locked(parent):
            for left in parent.glob(f"{_PREFIX}*"):
                with suppress(OSError), _locked(left, fcntl.LOCK_NB):  # not those at work, or another's
                    shutil.rmtree(left)
            folder = Path(ours.enter_context(tempfile.TemporaryDirectory(prefix=_PREFIX, dir=parent)))
            ours.enter_context(_locked(folder))
        yield folder


@contextmanager
def _locked(folder: Path, how: int = 0) -> Iterator[None]:
    """Holds a folder; a process that dies lets go of it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | how)
        yield
    finally:
        os.close(handle)


def _beside(engine: sa.Engine) -> Path:
    """A folder with room for another copy: that of an SQLite database; else the system's own."""
    path = engine.url.database if engine.dialect.name == "sqlite" else None
    return Path(path).absolute().parent if path else Path(tempfile.gettempdir())


def _pour(source: sa.Engine, engine: sa.Engine) -> None:
    """Page by page, in one transaction of the target."""
    with (
        answering(),
        closing(source.raw_connection()) as original,
        closing(engine.raw_connection()) as pooled,
    ):
        target = cast("sqlite3.Connection", pooled.driver_connection)
        try:
            cast("sqlite3.Connection", original.driver_connection).backup(target)
        except sqlite3.Error as error:
            raise sa.exc.OperationalError("restore", None, error) from None
    engine.dispose()


def _check(source: Path) -> None:
    try:
        with closing(_opened(source)) as connection:
            said = connection.execute("PRAGMA integrity_check").fetchone()[0]
            loose = connection.execute("PRAGMA foreign_key_check").fetchone()
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    except sqlite3.Error:
        raise UnreadableInput(f"{source.name} is not a database") from None
    if said != "ok" or loose:
        raise UnreadableInput(f"{source.name} is damaged", hint="take another backup")
    if not {_VERSION, "resource_version"} <= tables:
        raise UnreadableInput(f"{source.name} is not a backup of Vesalius")


def _opened(source: Path) -> sqlite3.Connection:
    # A backup is one file, perhaps where nothing can be written; a live database has its journal beside it.
    journal = source.with_name(f"{source.name}-wal")
    how = "mode=ro" if journal.exists() else "mode=ro&immutable=1"
    return sqlite3.connect(f"{source.absolute().as_uri()}?{how}", uri=True)


def _held(engine: sa.Engine) -> list[str]:
    with reading(engine) as connection:
        return [
            table.name
            for table in _tables(connection)
            if connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first()
        ]


def _copy_out(engine: sa.Engine, target: Path) -> None:
    with reading(engine) as connection:
        copy = open_store(f"sqlite:///{target}")
        try:
            with writing(copy) as out:
                _rows(connection, out)
        finally:
            copy.dispose()


def _copy_in(source: sa.Engine, engine: sa.Engine) -> None:
    with reading(source) as connection, writing(engine) as out:
        # The audit cannot be emptied, by design, so the tables are made again.
        old = sa.MetaData()
        old.reflect(out)
        old.drop_all(out)
        upgrade(out)
        _rows(connection, out)
        for table in _tables(out):
            _count_on(out, table)


def _tables(connection: sa.Connection) -> list[sa.Table]:
    """The tables as the database itself describes them, those that others refer to first."""
    found = sa.MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name != _VERSION]


def _rows(source: sa.Connection, target: sa.Connection) -> None:
    into = {table.name: table for table in _tables(target)}
    tables = _tables(source)
    if unknown := {table.name for table in tables} ^ set(into):
        raise Conflict(f"one of the two databases has other tables ({', '.join(sorted(unknown))})")
    for table in tables:
        found = source.execute(sa.select(table), execution_options={"yield_per": _CHUNK})
        for part in found.mappings().partitions():
            target.execute(sa.insert(into[table.name]), [dict(row) for row in part])


def _count_on(connection: sa.Connection, table: sa.Table) -> None:
    """Lets a table of PostgreSQL number its rows from where the copied ones end."""
    key, *others = table.primary_key.columns
    if others or not isinstance(key.type, sa.Integer):
        return
    sequence = sa.func.pg_get_serial_sequence(f'"{table.name}"', key.name)  # null where there is none
    last = sa.select(sa.func.max(key)).scalar_subquery()
    connection.execute(sa.select(sa.func.setval(sequence, sa.func.coalesce(last, 1), last.is_not(None))))


def _remove(path: Path) -> None:
    for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        each.unlink(missing_ok=True)


def _make_durable(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
