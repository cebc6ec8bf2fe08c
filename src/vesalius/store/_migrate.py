"""Bringing a database's tables up to date, with the migrations in ``migrations/versions``.

The tables are declared by the packages above; the migrations stand by themselves and import none of them. A
test holds the two equal, on SQLite and on PostgreSQL.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from vesalius.errors import Conflict
from vesalius.store._engine import reading, writing

HEAD = "0014"
"""The newest migration; when a database is already there, Alembic is not even loaded."""

FOLDER = Path(__file__).parent / "migrations"
_ADVISORY_KEY = 0x7665_7362  # any number, the same in every process


def migrate(engine: sa.Engine) -> None:
    """Brings the database to the newest migration, in one transaction.

    Raises:
        Conflict: the database was made by a newer Vesalius.
    """
    if revision(engine) == HEAD:
        return
    with writing(engine) as connection:
        if (
            connection.dialect.name == "postgresql"
        ):  # one process at a time, as BEGIN IMMEDIATE does on SQLite
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_KEY)))
        upgrade(connection)


def revision(engine: sa.Engine) -> str | None:
    """The migration that the database is at; None before the first."""
    with reading(engine) as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def upgrade(connection: sa.Connection, target: str = "head") -> None:
    """Runs the migrations that are missing, within the transaction of ``connection``."""
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    scripts = ScriptDirectory(str(FOLDER))
    missing = {"fn": lambda at, _: scripts._upgrade_revs(target, at)}
    context = MigrationContext.configure(connection, opts=missing)
    try:
        with Operations.context(context):
            context.run_migrations()
    except CommandError:
        raise Conflict("the database was made by a newer Vesalius", hint="install that version") from None
