"""The tables of the audit; the database itself refuses to change or remove a row of those that only grow."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from vesalius.store import Instant, metadata

event = sa.Table(
    "audit_event",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.Column("action", sa.String(64), nullable=False, index=True),
    sa.Column("object", sa.String(128), nullable=False, index=True),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Index("ix_audit_event_actor_seq", "actor", "seq"),
)

# One row: the last event. Appending locks it, so events queue up; a chain cut short no longer ends with it.
head = sa.Table(
    "audit_head",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)

# Which events concern which patient: read from the events themselves when they are written.
subject = sa.Table(
    "audit_subject",
    metadata,
    sa.Column("subject", sa.String(80), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# The roots of whole subtrees of 256, 65 536 … events; they follow from the events and only spare time.
tile = sa.Table(
    "audit_tile",
    metadata,
    sa.Column("level", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sqlite_with_rowid=False,
)

# What the hospital signed of the tree, and when.
signed = sa.Table(
    "audit_signed_head",
    metadata,
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("token", sa.Text, nullable=False),
)

_FUNCTION = """CREATE OR REPLACE FUNCTION audit_event_append_only() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN RAISE EXCEPTION ''audit events are append-only''; END'"""


def guards(table: str, dialect: str) -> list[str]:
    """The statements that make a table one that only grows."""
    if dialect == "postgresql":
        return [
            _FUNCTION,
            f"""CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION audit_event_append_only()""",
        ]
    return [
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        "BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ]


@sa.event.listens_for(event, "after_create")
@sa.event.listens_for(subject, "after_create")
@sa.event.listens_for(signed, "after_create")
def _append_only(target: sa.Table, connection: sa.Connection, **_: Any) -> None:
    for statement in guards(target.name, connection.dialect.name):
        connection.exec_driver_sql(statement)
