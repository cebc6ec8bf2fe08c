"""The two tables of this room: what was received, and what of it is held."""

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
