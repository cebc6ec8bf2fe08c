"""Keep who was merged with whom."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0001"


def upgrade() -> None:
    """Keep who was merged with whom."""
    op.create_table(
        "identity_key",
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("patient", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("key", "patient", name=op.f("pk_identity_key")),
    )
    op.create_index("ix_identity_key_patient", "identity_key", ["patient"], unique=False)
    op.create_table(
        "identity_merge",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.String(length=8), nullable=False),
        sa.Column("by", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        sa.Column("undone_origin", sa.String(length=8), nullable=True),
        sa.Column("undone_by", sa.String(length=255), nullable=True),
        sa.Column("undone_reason", sa.Text(), nullable=True),
        sa.Column("todo", sa.String(length=160), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_merge")),
    )
    op.create_index(op.f("ix_identity_merge_source"), "identity_merge", ["source"], unique=False)
    op.create_index(op.f("ix_identity_merge_target"), "identity_merge", ["target"], unique=False)
    op.create_index(op.f("ix_identity_merge_todo"), "identity_merge", ["todo"], unique=False)
    op.create_table(
        "identity_number",
        sa.Column("patient", sa.String(length=64), nullable=False),
        sa.Column("system", sa.String(length=255), nullable=False),
        sa.Column("value", sa.String(length=160), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("patient", "system", "value", name=op.f("pk_identity_number")),
    )
    op.create_index("ix_identity_number_value", "identity_number", ["value"], unique=False)
    op.create_table(
        "identity_pair",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("one", sa.String(length=64), nullable=False),
        sa.Column("other", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.String(length=8), nullable=False),
        sa.Column("strength", sa.SmallInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_pair")),
        sa.UniqueConstraint("one", "other", name=op.f("uq_identity_pair_one_other")),
    )
    op.create_index(op.f("ix_identity_pair_other"), "identity_pair", ["other"], unique=False)
    op.create_index(
        "ix_identity_pair_status_strength_id", "identity_pair", ["status", "strength", "id"], unique=False
    )
    op.create_table(
        "identity_patient",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("flags", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_patient")),
    )
    op.create_table(
        "identity_progress",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_progress")),
    )
    op.create_table(
        "identity_moved",
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("merge", sa.Integer(), nullable=False),
        sa.Column("back", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["merge"], ["identity_merge.id"], name=op.f("fk_identity_moved_merge")),
        sa.PrimaryKeyConstraint("type", "id", "seq", name=op.f("pk_identity_moved")),
    )
    op.create_index("ix_identity_moved_merge", "identity_moved", ["merge"], unique=False)
