"""The table of the messages that arrived one by one, each with its original bytes."""

from __future__ import annotations

import sqlalchemy as sa

from vesalius.store import Instant, metadata

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

message = sa.Table(
    "message",
    metadata,
    sa.Column("id", _KEY, primary_key=True),
    sa.Column("receipt_id", sa.ForeignKey("receipt.id"), nullable=False),
    # its first item in that receipt, and how many it has: what of it is held bears one of these numbers
    sa.Column("ordinal", sa.BigInteger, nullable=False),
    sa.Column("items", sa.Integer, nullable=False),
    sa.Column("source", sa.String(255), nullable=False),
    sa.Column("control_id", sa.String(200), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("cause", sa.String(32), nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("raw", sa.LargeBinary, nullable=False),
    # one row per content and feed: what makes sending again add nothing
    sa.UniqueConstraint("source", "sha256"),
    sa.Index("ix_message_source_received_at", "source", "received_at"),
)
