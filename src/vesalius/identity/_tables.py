"""The tables of identity: what was merged and moved, the index of patients, pairs that people look at."""

from __future__ import annotations

import sqlalchemy as sa

from vesalius.store import Instant, metadata

SOURCE = "identity"
"""The source of the versions that this room writes; every other version is one that somebody sent."""

merge = sa.Table(
    "identity_merge",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("source", sa.String(64), nullable=False, index=True),
    sa.Column("target", sa.String(64), nullable=False, index=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("origin", sa.String(8), nullable=False),
    sa.Column("by", sa.String(255), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("undone_at", Instant),
    sa.Column("undone_origin", sa.String(8)),
    sa.Column("undone_by", sa.String(255)),
    sa.Column("undone_reason", sa.Text),
    # the last resource that was looked at while a long move is under way, as TYPE/ID; none when it is done
    sa.Column("todo", sa.String(160), index=True),
)

moved = sa.Table(
    "identity_moved",
    metadata,
    sa.Column("type", sa.String(64), primary_key=True),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("merge", sa.ForeignKey("identity_merge.id"), nullable=False),
    sa.Column("back", sa.Boolean, nullable=False),
    sa.Index("ix_identity_moved_merge", "merge"),
)

patient = sa.Table(
    "identity_patient",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("flags", sa.String(255), nullable=False),
)

key = sa.Table(
    "identity_key",
    metadata,
    sa.Column("key", sa.String(160), primary_key=True),
    sa.Column("patient", sa.String(64), primary_key=True),
    sa.Index("ix_identity_key_patient", "patient"),
)

number = sa.Table(
    "identity_number",
    metadata,
    sa.Column("patient", sa.String(64), primary_key=True),
    sa.Column("system", sa.String(255), primary_key=True),
    sa.Column("value", sa.String(160), primary_key=True),
    sa.Column("since", Instant, nullable=False),
    sa.Column("until", Instant),
    sa.Index("ix_identity_number_value", "value"),
)

progress = sa.Table(
    "identity_progress",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
)

pair = sa.Table(
    "identity_pair",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("one", sa.String(64), nullable=False),
    sa.Column("other", sa.String(64), nullable=False, index=True),
    sa.Column("rule", sa.String(8), nullable=False),
    sa.Column("strength", sa.SmallInteger, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("found_at", Instant, nullable=False),
    sa.Column("decided_at", Instant),
    sa.Column("decided_by", sa.String(64)),
    sa.Column("reason", sa.Text),
    sa.UniqueConstraint("one", "other"),
    sa.Index("ix_identity_pair_status_strength_id", "status", "strength", "id"),
)
