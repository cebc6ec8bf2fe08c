"""Erasure, and feeds that are switched off."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Erasure, and feeds that are switched off."""
    op.create_table(
        "erasure",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("asked_by", sa.String(length=32), nullable=False),
        sa.Column("ground", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("cleaned_at", sa.BigInteger(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
    )
    op.create_table(
        "erasure_secret",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure_secret")),
    )
    op.create_table(
        "erased_key",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("erasure", sa.Integer(), nullable=False),
        sa.Column("about", sa.String(length=64), nullable=False),
        sa.Column("allowed_at", sa.BigInteger(), nullable=True),
        sa.Column("allowed_by", sa.String(length=64), nullable=True),
        sa.Column("allowed_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["erasure"], ["erasure.id"], name=op.f("fk_erased_key_erasure")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_erased_key")),
    )
    op.create_index(op.f("ix_erased_key_about"), "erased_key", ["about"], unique=False)
    op.create_index(op.f("ix_erased_key_erasure"), "erased_key", ["erasure"], unique=False)
    op.add_column("resource_version", sa.Column("erased", sa.Integer(), nullable=True))
    op.add_column("suggestion", sa.Column("erased", sa.Integer(), nullable=True))
    op.create_table(
        "quality_off",
        sa.Column("source", sa.String(length=255), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_quality_off")),
    )
    # what merges copied was counted as if a feed of that name had sent it
    op.execute("DELETE FROM code_seen WHERE source = 'identity'")
