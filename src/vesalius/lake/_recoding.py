"""Giving what is known already a new translation: the content was known then, only its codes are new.

A re-coded version takes the ``recorded_at`` of the one that it translates. So, by the as-of rule, readings of
the past show it from the moment at which the content was known, and readings pinned at an earlier position
stay as they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
import sqlalchemy as sa

from vesalius import fhir
from vesalius.lake import _log as log
from vesalius.lake._append import Row, writer_of
from vesalius.lake._version import Version, Written
from vesalius.store import microseconds


class Recoding(msgspec.Struct, frozen=True):
    """A version of a resource, and the JSON that says the same in other codes."""

    of: Version
    body: bytes


def append(
    connection: sa.Connection, recodings: Iterable[Recoding], source: str, received_at: datetime
) -> Written:
    """Adds the translations, within the transaction of ``connection``.

    One is left out if a later version of the same moment has come between (it may be a correction, which must
    not be hidden), or if it changes nothing.
    """
    received = microseconds(received_at)
    with writer_of(connection) as writer:
        seq = first = writer.end()
        total = 0
        for batch in log.batched(recodings, log.CHUNK):
            rows = _new_rows(batch, _known(connection, batch), seq, received, source)
            if rows:
                writer.insert(rows)
            total, seq = total + len(batch), seq + len(rows)
    return Written(seq - first, total - (seq - first))


def _new_rows(
    batch: list[Recoding], known: dict[tuple[str, str], _Known], seq: int, received: int, source: str
) -> list[Row]:
    rows: list[Row] = []
    for each in batch:
        of, body = each.of, each.body
        past, digest, moment = known[of.type, of.id], fhir.digest(body), microseconds(of.recorded_at)
        newest, content = past.last[moment]
        if newest != of.seq or content == digest:
            continue
        seq, past.version = seq + 1, past.version + 1
        past.last[moment] = (seq, digest)
        about = fhir.subject(fhir.load(body))
        rows.append((seq, of.type, of.id, past.version, moment, received, source, about, digest, body))
    return rows


def holding(
    connection: sa.Connection, type_: str, after: int, until: int, needles: Sequence[bytes], size: int
) -> list[Version]:
    """The next versions of one type, between two positions, whose JSON holds one of some bytes.

    The database looks for them itself: it reads a million bodies in the time in which we decode ten thousand.
    """
    where = "instr(body, :n{}) > 0" if connection.dialect.name == "sqlite" else "position(:n{} in body) > 0"
    found = sa.text("(" + " OR ".join(where.format(number) for number in range(len(needles))) + ")")
    bound = [sa.bindparam(f"n{number}", needle, sa.LargeBinary) for number, needle in enumerate(needles)]
    asked = (
        sa.select(*(_c[name] for name in _FIELDS))
        .where(_c.type == type_, _c.seq > after, _c.seq <= until, found.bindparams(*bound))
        .order_by(_c.seq)
        .limit(size)
    )
    return [Version(*row) for row in connection.execute(asked)]


@dataclass
class _Known:
    """What the log holds of one resource: its last version, and the last (seq, digest) of each moment."""

    version: int = 0
    last: dict[int, tuple[int, str]] = field(default_factory=dict)


_c = log.resource_version.c
_FIELDS = ("type", "id", "version", "seq", "recorded_at", "received_at", "source", "subject", "body")
_KNOWN = (
    sa.select(
        _c.id, _c.seq, _c.version, sa.type_coerce(_c.recorded_at, sa.BigInteger).label("moment"), _c.digest
    )
    .where(_c.type == sa.bindparam("type"), _c.id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(_c.seq + 0)
)


def _known(connection: sa.Connection, batch: list[Recoding]) -> dict[tuple[str, str], _Known]:
    ids: dict[str, set[str]] = {}
    for each in batch:
        ids.setdefault(each.of.type, set()).add(each.of.id)
    known: dict[tuple[str, str], _Known] = {}
    for type_, names in ids.items():
        for row in connection.execute(_KNOWN, {"type": type_, "ids": sorted(names)}):
            past = known.setdefault((type_, row.id), _Known())
            past.version = max(past.version, row.version)
            past.last[row.moment] = (row.seq, row.digest)
    return known
