"""Silent trials."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Silent trials."""
    op.create_table(
        "trial_plan",
        sa.Column("usecase", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("usecase", "number", name=op.f("pk_trial_plan")),
    )
    op.create_table(
        "trial_look",
        sa.Column("usecase", sa.String(length=64), nullable=False),
        sa.Column("plan", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["usecase", "plan"],
            ["trial_plan.usecase", "trial_plan.number"],
            name=op.f("fk_trial_look_usecase_plan"),
        ),
        sa.PrimaryKeyConstraint("usecase", "plan", "number", name=op.f("pk_trial_look")),
    )
