"""The tables of this room: references, tallies, states, weeks, alarms. They hold counts, and no patient."""

from __future__ import annotations

import sqlalchemy as sa

from vesalius.store import Instant, metadata

# What a use and model are compared with: a validation run's own counts, or those of the first silent weeks.
reference = sa.Table(
    "monitoring_reference",
    metadata,
    sa.Column("usecase", sa.String(64), primary_key=True),
    sa.Column("model", sa.String(64), primary_key=True),
    sa.Column("hash", sa.String(64), nullable=False),
    # a validation run's name, or "first" for the first weeks
    sa.Column("origin", sa.String(128), nullable=False),
    sa.Column("set_at", Instant, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

# What was counted of one day (UTC, days since 1970) of the suggestions' own moments. Kind "filed" counts all
# of them, "known" those whose outcome is known.
tally = sa.Table(
    "monitoring_tally",
    metadata,
    sa.Column("usecase", sa.String(64), primary_key=True),
    sa.Column("model", sa.String(64), primary_key=True),
    sa.Column("settings", sa.String(64), primary_key=True),
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(8), primary_key=True),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

# What people did with the suggestions of one day: shown, decided, why, how long it took.
people = sa.Table(
    "monitoring_people",
    metadata,
    sa.Column("usecase", sa.String(64), primary_key=True),
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("body", sa.Text, nullable=False),
)

# Where each sequential test stands, since the use last changed its state.
state = sa.Table(
    "monitoring_state",
    metadata,
    sa.Column("usecase", sa.String(64), primary_key=True),
    sa.Column("model", sa.String(64), primary_key=True),
    sa.Column("monitor", sa.String(64), primary_key=True),
    sa.Column("since", Instant, nullable=False),
    sa.Column("cases", sa.Integer, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

# What one week (by the day of its Monday) came to, once made: only weeks that changed are made again.
week = sa.Table(
    "monitoring_week",
    metadata,
    sa.Column("usecase", sa.String(64), primary_key=True),
    sa.Column("model", sa.String(64), primary_key=True),
    sa.Column("monday", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("body", sa.Text, nullable=False),
)

# One row per use: how it does now, and up to where its decisions were counted. Whoever counts locks it.
use = sa.Table(
    "monitoring_use",
    metadata,
    sa.Column("usecase", sa.String(64), primary_key=True),
    sa.Column("refreshed_at", Instant, nullable=False),
    sa.Column("decided_until", Instant),
    sa.Column("body", sa.Text, nullable=False),
)

alarm = sa.Table(
    "monitoring_alarm",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("usecase", sa.String(64), nullable=False, index=True),
    sa.Column("model", sa.String(64), nullable=False),
    # what watches, and which input, group or reason it is about (empty: the whole use)
    sa.Column("monitor", sa.String(32), nullable=False),
    sa.Column("about", sa.String(128), nullable=False),
    # notice, alarm, or stop: the use was silenced
    sa.Column("level", sa.String(8), nullable=False),
    sa.Column("figures", sa.JSON, nullable=False),
    sa.Column("first_seen", Instant, nullable=False),
    sa.Column("last_seen", Instant, nullable=False),
    sa.Column("resolved_at", Instant),
    sa.Column("acknowledged_at", Instant),
    sa.Column("acknowledged_by", sa.String(64)),
    sa.Column("words", sa.Text, nullable=False),
)
