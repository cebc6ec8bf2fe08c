"""The tables of silent trials: what was planned, and each look. They hold counts, no row about a patient."""

from __future__ import annotations

import sqlalchemy as sa

from vesalius.store import Instant, metadata

plan = sa.Table(
    "trial_plan",
    metadata,
    sa.Column("usecase", sa.String(64), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("at", Instant, nullable=False),
)

look = sa.Table(
    "trial_look",
    metadata,
    sa.Column("usecase", sa.String(64), primary_key=True),
    sa.Column("plan", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.ForeignKeyConstraint(["usecase", "plan"], ["trial_plan.usecase", "trial_plan.number"]),
)
