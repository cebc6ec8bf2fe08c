"""Monitoring."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Monitoring."""
    op.create_table(
        "monitoring_alarm",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("usecase", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("monitor", sa.String(length=32), nullable=False),
        sa.Column("about", sa.String(length=128), nullable=False),
        sa.Column("level", sa.String(length=8), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.Column("resolved_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=64), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_monitoring_alarm")),
    )
    op.create_index(op.f("ix_monitoring_alarm_usecase"), "monitoring_alarm", ["usecase"], unique=False)
    op.create_table(
        "monitoring_people",
        sa.Column("usecase", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("usecase", "day", name=op.f("pk_monitoring_people")),
    )
    op.create_table(
        "monitoring_reference",
        sa.Column("usecase", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("origin", sa.String(length=128), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("usecase", "model", name=op.f("pk_monitoring_reference")),
    )
    op.create_table(
        "monitoring_state",
        sa.Column("usecase", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("monitor", sa.String(length=64), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("usecase", "model", "monitor", name=op.f("pk_monitoring_state")),
    )
    op.create_table(
        "monitoring_tally",
        sa.Column("usecase", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("settings", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "usecase", "model", "settings", "day", "kind", name=op.f("pk_monitoring_tally")
        ),
    )
    op.create_table(
        "monitoring_use",
        sa.Column("usecase", sa.String(length=64), nullable=False),
        sa.Column("refreshed_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_until", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("usecase", name=op.f("pk_monitoring_use")),
    )
    op.create_table(
        "monitoring_week",
        sa.Column("usecase", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("monday", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("usecase", "model", "monday", name=op.f("pk_monitoring_week")),
    )
    op.create_table(
        "use_watch",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("usecase", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_use_watch")),
    )
    op.create_index(op.f("ix_use_watch_usecase"), "use_watch", ["usecase"], unique=False)
    op.create_index("ix_decision_at", "decision", ["at"], unique=False)
    op.create_index("ix_decision_undone_at", "decision", ["undone_at"], unique=False)
    op.add_column("outcome", sa.Column("tallied_at", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_outcome_untallied",
        "outcome",
        ["suggestion"],
        unique=False,
        sqlite_where=sa.text("tallied_at IS NULL"),
        postgresql_where=sa.text("tallied_at IS NULL"),
    )
    op.add_column("suggestion", sa.Column("tallied_at", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_suggestion_untallied",
        "suggestion",
        ["usecase"],
        unique=False,
        sqlite_where=sa.text("tallied_at IS NULL"),
        postgresql_where=sa.text("tallied_at IS NULL"),
    )
