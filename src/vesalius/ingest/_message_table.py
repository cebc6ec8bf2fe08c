"""The table of the messages that arrived one by one, each with its original bytes.

The few statements that run for each message are spoken to SQLite directly, as those of the log are:
SQLAlchemy takes longer to prepare such a statement than SQLite to carry it out. The text is the same for both
databases, but for how a list is handed in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from vesalius.store import Instant, driver, metadata

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

Row = dict[str, Any]
"""Values by column; moments in microseconds."""

_KNOWN = """
SELECT control_id, sha256, received_at, status, cause, words, status = 'held' AND NOT EXISTS (
    SELECT 1 FROM quarantine WHERE quarantine.receipt_id = message.receipt_id
    AND quarantine.ordinal >= message.ordinal AND quarantine.ordinal < message.ordinal + message.items
    AND quarantine.status = 'held') AS released
FROM message WHERE source = :source AND sha256 IN (SELECT value FROM json_each(:digests))
"""
_COUNT = """
INSERT INTO receipt (source, name, sha256, map, format, received_at, status, words,
    read, written, unchanged, quarantined)
VALUES (:source, :name, :sha256, '', :format, :received_at, :status, '',
    :read, :written, :unchanged, :quarantined)
ON CONFLICT (sha256, source, map) DO UPDATE SET received_at = excluded.received_at,
    read = receipt.read + excluded.read, written = receipt.written + excluded.written,
    unchanged = receipt.unchanged + excluded.unchanged,
    quarantined = receipt.quarantined + excluded.quarantined
RETURNING id, read
"""
_INSERT = """
INSERT INTO message (receipt_id, ordinal, items, source, control_id, sha256, received_at,
    status, cause, words, raw)
VALUES (:receipt_id, :ordinal, :items, :source, :control_id, :sha256, :received_at,
    :status, :cause, :words, :raw)
"""
_FORGET = "DELETE FROM message WHERE source = :source AND sha256 = :sha256"

# Made once: building a statement costs more than running it.
_ANY = sa.bindparam("digests", type_=sa.ARRAY(sa.Text))
_POSTGRES_KNOWN = sa.text(
    _KNOWN.replace("IN (SELECT value FROM json_each(:digests))", "= ANY(:digests)")
).bindparams(_ANY)
_POSTGRES_COUNT, _POSTGRES_INSERT, _FORGETTING = sa.text(_COUNT), sa.text(_INSERT), sa.text(_FORGET)


def known(connection: sa.Connection, source: str, digests: Iterable[str]) -> list[Sequence[Any]]:
    """Control id, digest, moment, status, cause and words of the messages that a feed sent before.

    The last column says of one that was held whether all of it was released from quarantine since.
    """
    asked = sorted(set(digests))
    if connection.dialect.name == "sqlite":
        with driver(connection) as sqlite:
            bound = {"source": source, "digests": json.dumps(asked)}
            return list(sqlite.execute(_KNOWN, bound).fetchall())
    return list(connection.execute(_POSTGRES_KNOWN, {"source": source, "digests": asked}))


def count(connection: sa.Connection, row: Row) -> tuple[int, int]:
    """Adds counts to the receipt of a day, made if need be: its id, and how many items it has now."""
    if connection.dialect.name == "sqlite":
        with driver(connection) as sqlite:
            id_, read = sqlite.execute(_COUNT, row).fetchone()
    else:
        id_, read = connection.execute(_POSTGRES_COUNT, row).one()
    return int(id_), int(read)


def insert(connection: sa.Connection, rows: Sequence[Row]) -> None:
    """Adds messages."""
    if connection.dialect.name == "sqlite":
        with driver(connection) as sqlite:
            sqlite.executemany(_INSERT, rows)
    else:
        connection.execute(_POSTGRES_INSERT, rows)


def forget(connection: sa.Connection, source: str, sha256: str) -> None:
    """Removes a message that was refused, before it is taken in after all."""
    connection.execute(_FORGETTING, {"source": source, "sha256": sha256})
