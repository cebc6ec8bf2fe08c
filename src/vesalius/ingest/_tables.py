"""The tables of this room: what was received, what of it is held, what was done about it, and maps."""

from __future__ import annotations

import sqlalchemy as sa

from vesalius.store import Instant, metadata

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

receipt = sa.Table(
    "receipt",
    metadata,
    sa.Column("id", _KEY, primary_key=True),
    sa.Column("source", sa.String(255), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("map", sa.String(64), nullable=False),
    sa.Column("format", sa.String(16), nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("read", sa.BigInteger, nullable=False),
    sa.Column("written", sa.BigInteger, nullable=False),
    sa.Column("unchanged", sa.BigInteger, nullable=False),
    sa.Column("quarantined", sa.BigInteger, nullable=False),
    # one receipt per content, feed and map: what makes receiving again add nothing
    sa.UniqueConstraint("sha256", "source", "map"),
)

quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column("id", _KEY, primary_key=True),
    sa.Column("receipt_id", sa.ForeignKey("receipt.id"), nullable=False),
    sa.Column("ordinal", sa.BigInteger, nullable=False),
    sa.Column("place", sa.String(80), nullable=False),
    sa.Column("cause", sa.String(32), nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("raw", sa.LargeBinary, nullable=False),
    sa.Column("context", sa.LargeBinary, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("tried_at", Instant, nullable=False),
    sa.UniqueConstraint("receipt_id", "ordinal"),
    sa.Index("ix_quarantine_status_cause_id", "status", "cause", "id"),
)

# What was done about what is held: tried again, set aside, brought back.
attempt = sa.Table(
    "quarantine_attempt",
    metadata,
    sa.Column("id", _KEY, primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("map", sa.String(64), nullable=False),
    sa.Column("items", sa.BigInteger, nullable=False),
    sa.Column("released", sa.BigInteger, nullable=False),
    sa.Column("written", sa.BigInteger, nullable=False),
    sa.Column("unchanged", sa.BigInteger, nullable=False),
)

# What it did to each item.
step = sa.Table(
    "quarantine_step",
    metadata,
    sa.Column("attempt_id", sa.ForeignKey("quarantine_attempt.id"), primary_key=True),
    sa.Column("item_id", sa.ForeignKey("quarantine.id"), primary_key=True),
    sa.Column("before", sa.String(32), nullable=False),
    sa.Column("after", sa.String(32), nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("became", sa.JSON, nullable=False),
    sa.Index("ix_quarantine_step_item_id", "item_id", "attempt_id"),
)

# The text of every map that something came through, so that what it held can be read through it again.
kept_map = sa.Table(
    "kept_map",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("mends", sa.String(64), nullable=False),
)
