"""The tables of this room: what was decided, what was seen, and how far counting and re-coding have come."""

from __future__ import annotations

import sqlalchemy as sa

from vesalius.store import Instant, metadata

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# One row per decision and per withdrawal; rows are added, never changed.
code_mapping = sa.Table(
    "code_mapping",
    metadata,
    sa.Column("id", _KEY, primary_key=True),
    sa.Column("uid", sa.String(36), nullable=False),
    sa.Column("act", sa.String(16), nullable=False),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("system", sa.String(255), nullable=False),
    sa.Column("code", sa.String(255), nullable=False),
    sa.Column("unit", sa.String(80), nullable=False),
    sa.Column("display", sa.String(255), nullable=False),
    sa.Column("target_system", sa.String(255), nullable=False),
    sa.Column("target_code", sa.String(255), nullable=False),
    sa.Column("target_display", sa.String(255), nullable=False),
    sa.Column("equivalence", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("at", Instant, nullable=False),
    # a decision is made once, and withdrawn at most once
    sa.UniqueConstraint("uid", "act"),
)

# How often each code came, counted from the log up to the position of its type in code_progress.
code_seen = sa.Table(
    "code_seen",
    metadata,
    sa.Column("id", _KEY, primary_key=True),
    sa.Column("source", sa.String(255), nullable=False),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("system", sa.String(255), nullable=False),
    sa.Column("code", sa.String(255), nullable=False),
    sa.Column("unit", sa.String(80), nullable=False),
    sa.Column("local", sa.Boolean, nullable=False),
    sa.Column("times", sa.BigInteger, nullable=False),
    sa.Column("first_seen", Instant, nullable=False),
    sa.Column("last_seen", Instant, nullable=False),
    sa.Column("subject", sa.String(80), nullable=False),
    sa.Column("shared", sa.Boolean, nullable=False),
    sa.Column("names", sa.Text, nullable=False),
    sa.Column("beside", sa.Text, nullable=False),
    sa.Column("sizes", sa.Text, nullable=False),
    sa.UniqueConstraint("source", "kind", "system", "code", "unit", "local"),
    # what the next batch adds to; the work-list
    sa.Index("ix_code_seen_code", "code"),
    sa.Index("ix_code_seen_local_times", "local", "times"),
)

# How far each task ("count", "apply") has read the versions of each resource type.
code_progress = sa.Table(
    "code_progress",
    metadata,
    sa.Column("task", sa.String(16), primary_key=True),
    sa.Column("type", sa.String(64), primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("settled", sa.BigInteger, nullable=False),
    sa.Column("base", sa.BigInteger, nullable=False),
    sa.Column("target", sa.BigInteger, nullable=False),
)
