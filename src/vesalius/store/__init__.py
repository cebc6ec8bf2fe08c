"""The relational store: one database, every table of it, and how to write to it safely.

SQLite (write-ahead log, full synchronisation) by default, PostgreSQL by a connection URL. Packages declare
their tables on :data:`metadata`; nothing above this package opens a connection of its own.
"""

from vesalius.store._copy import backup, restore
from vesalius.store._engine import (
    Instant,
    driver,
    driver_writing,
    from_microseconds,
    metadata,
    microseconds,
    open_store,
    reading,
    writing,
)
from vesalius.store._insert import add, insert, put
from vesalius.store._scrub import overwriting, scrub

__all__ = [
    "Instant",
    "add",
    "backup",
    "driver",
    "driver_writing",
    "from_microseconds",
    "insert",
    "metadata",
    "microseconds",
    "open_store",
    "overwriting",
    "put",
    "reading",
    "restore",
    "scrub",
    "writing",
]
