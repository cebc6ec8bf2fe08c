"""Giving what is known already a new translation: the content was known then, only its codes are new.

A re-coded version takes the ``recorded_at`` of the one that it translates. So, by the as-of rule, readings of
the past show it from the moment at which the content was known, and readings pinned at an earlier position
stay as they were.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from vesalius import fhir
from vesalius.lake import _log as log
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
    log.wait_for_turn(connection)
    seq = first = log.head(connection)
    total, received = 0, microseconds(received_at)
    for batch in log.batched(recodings, log.CHUNK):
        known = _known(connection, batch)
        rows: list[dict[str, Any]] = []
        for each in batch:
            past, digest = known[each.of.type, each.of.id], fhir.digest(each.body)
            moment = microseconds(each.of.recorded_at)
            newest, content = past.last[moment]
            if newest != each.of.seq or content == digest:
                continue
            seq, past.version = seq + 1, past.version + 1
            past.last[moment] = (seq, digest)
            rows.append(_row(each, seq, past.version, digest, source) | {"received_at": received})
        if rows:
            connection.execute(log.INSERT, rows)
        total += len(batch)
    return Written(seq - first, total - (seq - first))


@dataclass
class _Known:
    """What the log holds of one resource: its last version, and the last (seq, digest) of each moment."""

    version: int = 0
    last: dict[int, tuple[int, str]] = field(default_factory=dict)


_c = log.resource_version.c
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


def _row(each: Recoding, seq: int, version: int, digest: str, source: str) -> dict[str, Any]:
    return {
        "seq": seq, "type": each.of.type, "id": each.of.id, "version": version,
        "recorded_at": microseconds(each.of.recorded_at), "source": source,
        "subject": fhir.subject(fhir.load(each.body)), "digest": digest, "body": each.body,
    }  # fmt: skip
