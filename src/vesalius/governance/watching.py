"""What stops a use by itself, and what its hospital declares about it: kept, signed and audited."""

from __future__ import annotations

import sqlalchemy as sa

from vesalius.store import Instant, metadata

# Every version, by its number; the newest of a use is in force.
_watch = sa.Table(
    "use_watch",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("usecase", sa.String(64), nullable=False, index=True),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
)
