"""What patients refuse."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """What patients refuse."""
    op.create_table(
        "consent_entry",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("patient", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("said_by", sa.String(length=16), nullable=False),
        sa.Column("begins", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=True),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        sa.Column("undone_by", sa.String(length=64), nullable=True),
        sa.Column("erased", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_entry")),
    )
    op.create_index("ix_consent_entry_kind", "consent_entry", ["kind", "begins", "patient"], unique=False)
    op.create_index(op.f("ix_consent_entry_patient"), "consent_entry", ["patient"], unique=False)
    op.create_table(
        "consent_progress",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_progress")),
    )
    op.create_table(
        "consent_refusal",
        sa.Column("consent", sa.String(length=64), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("patient", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("begins", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("consent", "place", name=op.f("pk_consent_refusal")),
    )
    op.create_index(
        "ix_consent_refusal_kind", "consent_refusal", ["kind", "begins", "ends", "patient"], unique=False
    )
    op.create_index(op.f("ix_consent_refusal_patient"), "consent_refusal", ["patient"], unique=False)
    op.create_table(
        "consent_withheld",
        sa.Column("usecase", sa.String(length=64), nullable=False),
        sa.Column("focus", sa.String(length=128), nullable=False),
        sa.Column("patient", sa.String(length=64), nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("usecase", "focus", name=op.f("pk_consent_withheld")),
    )
    op.create_index(op.f("ix_consent_withheld_patient"), "consent_withheld", ["patient"], unique=False)
