"""The patients that each event concerns, the tree over the events, and its signed heads."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_PATIENT = re.compile(r'"(Patient/[^"\\/]{1,64})"')
_REFERENCE = re.compile(r"Patient/[^/]{1,64}")
_CHUNK = 5_000


def upgrade() -> None:
    """The patients that each event concerns, the tree over the events, and its signed heads."""
    op.create_table(
        "audit_subject",
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("subject", "seq", name=op.f("pk_audit_subject")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit_tile",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", name=op.f("pk_audit_tile")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit_signed_head",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_audit_signed_head")),
    )
    _name_subjects(op.get_bind())
    for table in ("audit_subject", "audit_signed_head"):
        for statement in _guards(table):
            op.execute(statement)


def _name_subjects(connection: sa.Connection) -> None:
    """Finds the patients of the events that are there already."""
    asked = sa.text(
        "SELECT seq, object, detail FROM audit_event WHERE seq > :after ORDER BY seq LIMIT :limit"
    )
    write = sa.text("INSERT INTO audit_subject (subject, seq) VALUES (:subject, :seq)")
    after = 0
    while rows := connection.execute(asked, {"after": after, "limit": _CHUNK}).all():
        found = [
            {"subject": name, "seq": seq} for seq, thing, detail in rows for name in _named(thing, detail)
        ]
        if found:
            connection.execute(write, found)
        after = rows[-1].seq


def _named(thing: str, detail: str) -> set[str]:
    return set(_PATIENT.findall(detail)) | ({thing} if _REFERENCE.fullmatch(thing) else set())


def _guards(table: str) -> list[str]:
    if op.get_bind().dialect.name == "postgresql":
        return [
            f"""CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION audit_event_append_only()"""
        ]
    return [
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        "BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ]
