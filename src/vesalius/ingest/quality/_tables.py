"""The tables of this room: what was counted of each feed, and up to where."""

from __future__ import annotations

import sqlalchemy as sa

from vesalius.store import Instant, metadata

# What the versions of one type that one feed brought on one day (UTC, days since 1970) are like.
day = sa.Table(
    "quality_day",
    metadata,
    sa.Column("source", sa.String(255), primary_key=True),
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("type", sa.String(64), primary_key=True),
    sa.Column("counts", sa.JSON, nullable=False),
)

# One row: the position of the log up to which everything was counted.
position = sa.Table(
    "quality_position",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
)

# The feeds that a person switched off on purpose: their silence is no alarm.
off = sa.Table(
    "quality_off",
    metadata,
    sa.Column("source", sa.String(255), primary_key=True),
    sa.Column("since", Instant, nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)
