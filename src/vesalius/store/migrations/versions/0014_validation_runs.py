"""Validation runs, kept as evidence of the gates."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Validation runs, kept as evidence of the gates."""
    op.create_table(
        "validation_run",
        sa.Column("usecase", sa.String(length=64), nullable=False),
        sa.Column("run", sa.String(length=96), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("usecase", "run", name=op.f("pk_validation_run")),
    )
