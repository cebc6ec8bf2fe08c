"""Adding to the log: what is new of some arrivals, numbered, under the one write lock.

These few statements run for each message, thousands of times a second, so SQLite is spoken to directly:
SQLAlchemy takes longer to prepare such a statement than SQLite to carry it out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa

from vesalius.lake._log import CHUNK, batched, head, resource_version
from vesalius.lake._version import Arrival, Written
from vesalius.store import driver, driver_writing, microseconds, writing

if TYPE_CHECKING:
    import sqlite3

Row = tuple[Any, ...]
"""In the order of :data:`_INTO`; moments in microseconds."""

_INTO = (
    "INSERT INTO resource_version"
    " (seq, type, id, version, recorded_at, received_at, source, subject, digest, body) VALUES "
)
_ADVISORY_KEY = 0x7665_7361  # "vesa": any number, the same in every process of this database


class Writer(Protocol):
    """The three questions and the one act of adding to the log, on one kind of database."""

    def end(self) -> int:
        """The seq of the last row, 0 when there is none; until the transaction ends nobody else adds one."""

    def past(self, type_: str, ids: list[str]) -> Iterable[Sequence[Any]]:
        """Id, moment, digest and number of every version of some resources of a type, in order of arrival."""

    def insert(self, rows: list[Row]) -> None:
        """Adds rows."""


def append(
    connection: sa.Connection, arrivals: Iterable[Arrival], source: str, received_at: datetime
) -> Written:
    """Adds what is new, within the transaction of ``connection``."""
    with writer_of(connection) as writer:
        return _append(writer, arrivals, source, received_at)


@contextmanager
def writer_of(connection: sa.Connection) -> Iterator[Writer]:
    """What adds rows to the log, within the transaction of ``connection``."""
    if connection.dialect.name == "sqlite":
        with driver(connection) as sqlite:
            yield _Sqlite(sqlite)
    else:
        yield _Postgres(connection)


def append_alone(
    engine: sa.Engine, arrivals: Iterable[Arrival], source: str, received_at: datetime
) -> Written:
    """Adds what is new, in a durable transaction of its own."""
    if engine.dialect.name == "sqlite":
        with driver_writing(engine) as sqlite:
            return _append(_Sqlite(sqlite), arrivals, source, received_at)
    with writing(engine) as connection:
        return _append(_Postgres(connection), arrivals, source, received_at)


def wait_for_turn(connection: sa.Connection) -> None:
    """Waits until no other transaction is writing to the log; the turn ends with the transaction."""
    # SQLite: BEGIN IMMEDIATE (store.writing) already admits one writer at a time. PostgreSQL admits many, and
    # a transaction that took a lower seq could commit after one that took a higher: a reader pinned between
    # the two would see rows appear under its position, and the columns would step over them for good. So the
    # writers of the log queue here; the lock ends with the transaction, once its rows are visible.
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_KEY)))


@dataclass(slots=True)
class _Past:
    """What the log already holds of one resource; moments in microseconds.

    Attributes:
        version: the highest number.
        newest: moment and digest of what is in force.
        others: those of all that is not; None as long as there is only one version, as of most resources.
    """

    version: int
    newest: tuple[int, str]
    others: set[tuple[int, str]] | None = None

    def add(self, recorded_at: int, digest: str, version: int) -> None:
        """One that follows in order of arrival: the later of two of one moment is in force."""
        said = (recorded_at, digest)
        if recorded_at >= self.newest[0]:
            said, self.newest = self.newest, said
        self.others = self.others or set()
        self.others.add(said)
        self.version = max(self.version, version)

    def holds(self, recorded_at: int, received: int, digest: str) -> bool:
        """Whether it says nothing new."""
        # A resource that does not say when it was recorded is new only if it differs from what is in force;
        # it may well go back to an earlier content (A, B, A), and that is news.
        # So it is when all three come in one transaction, at one moment.
        if recorded_at == received:
            return self.newest[1] == digest
        said = (recorded_at, digest)
        return said == self.newest or (self.others is not None and said in self.others)


def _append(writer: Writer, arrivals: Iterable[Arrival], source: str, received_at: datetime) -> Written:
    seq = first = writer.end()
    total, received = 0, microseconds(received_at)
    for batch in batched(arrivals, CHUNK):
        rows = _new_rows(batch, _past(writer, batch), seq, received, source)
        if rows:
            writer.insert(rows)
        total, seq = total + len(batch), seq + len(rows)
    return Written(seq - first, total - (seq - first))


def _past(writer: Writer, batch: Sequence[Arrival]) -> dict[tuple[str, str], _Past]:
    ids: dict[str, set[str]] = {}
    for arrival in batch:
        ids.setdefault(arrival.type, set()).add(arrival.id)
    past: dict[tuple[str, str], _Past] = {}
    for type_, names in ids.items():
        for id_, recorded_at, digest, version in writer.past(type_, sorted(names)):
            known = past.get((type_, id_))
            if known is None:
                past[type_, id_] = _Past(version, (recorded_at, digest))
            else:
                known.add(recorded_at, digest, version)
    return past


def _new_rows(
    batch: Sequence[Arrival], past: dict[tuple[str, str], _Past], seq: int, received: int, source: str
) -> list[Row]:
    rows: list[Row] = []
    moments = {each.recorded_at for each in batch}  # much of it was recorded at the same few
    known_at = {each: received if each is None else microseconds(each) for each in moments}
    for arrival in batch:
        key, digest, recorded = (arrival.type, arrival.id), arrival.digest, known_at[arrival.recorded_at]
        known = past.get(key)
        if known is None:
            past[key], version = _Past(1, (recorded, digest)), 1
        elif known.holds(recorded, received, digest):
            continue
        else:
            version = known.version + 1
            known.add(recorded, digest, version)
        seq += 1
        about = arrival.subject
        rows.append((seq, *key, version, recorded, received, source, about, digest, arrival.body))
    return rows


class _Sqlite:
    _PAST = (
        "SELECT id, recorded_at, digest, version FROM resource_version"
        " WHERE type = ? AND id {} ORDER BY seq + 0"
    )
    _PAST_OF_ONE = _PAST.format("= ?")
    _PAST_OF_MANY = _PAST.format("IN (SELECT value FROM json_each(?))")
    _INSERT = _INTO + "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute, self._executemany = connection.execute, connection.executemany

    def end(self) -> int:
        return int(self._execute("SELECT max(seq) FROM resource_version").fetchone()[0] or 0)

    def past(self, type_: str, ids: list[str]) -> Iterable[Sequence[Any]]:
        if len(ids) == 1:
            return self._execute(self._PAST_OF_ONE, (type_, ids[0]))
        return self._execute(self._PAST_OF_MANY, (type_, json.dumps(ids)))

    def insert(self, rows: list[Row]) -> None:
        self._executemany(self._INSERT, rows)


class _Postgres:
    _c = resource_version.c
    _PAST = (
        sa.select(_c.id, sa.type_coerce(_c.recorded_at, sa.BigInteger), _c.digest, _c.version)
        .where(
            _c.type == sa.bindparam("type"), _c.id == sa.any_(sa.bindparam("ids", type_=sa.ARRAY(sa.Text)))
        )
        .order_by(_c.seq + 0)
    )
    _INSERT = _INTO + "(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def end(self) -> int:
        wait_for_turn(self._connection)
        return head(self._connection)

    def past(self, type_: str, ids: list[str]) -> Iterable[Sequence[Any]]:
        return self._connection.execute(self._PAST, {"type": type_, "ids": ids})

    def insert(self, rows: list[Row]) -> None:
        self._connection.exec_driver_sql(self._INSERT, rows)
