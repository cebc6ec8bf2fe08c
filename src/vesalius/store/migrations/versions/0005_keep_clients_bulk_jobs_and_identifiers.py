"""Keep clients, bulk jobs and identifiers."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0002"


def upgrade() -> None:
    """Keep clients, bulk jobs and identifiers."""
    op.create_table(
        "bulk_job",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("client", sa.String(length=48), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("alive_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_job")),
    )
    op.create_index(op.f("ix_bulk_job_status"), "bulk_job", ["status"], unique=False)
    op.create_table(
        "client",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("source", sa.String(length=255), nullable=False),
        sa.Column("may", sa.JSON(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client")),
        sa.UniqueConstraint("key", name=op.f("uq_client_key")),
    )
    op.create_table(
        "client_refusal",
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_client_refusal")),
    )
    op.create_table(
        "resource_identifier",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("seq", "place", name=op.f("pk_resource_identifier")),
    )
    op.create_index(
        "ix_resource_identifier_value_type", "resource_identifier", ["value", "type"], unique=False
    )
    op.create_table(
        "resource_identifier_head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource_identifier_head")),
    )
