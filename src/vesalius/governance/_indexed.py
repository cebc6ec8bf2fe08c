"""Which versions of the log an index takes in, whatever order they arrive in.

The version in force of a resource is the one that was known last to the hospital; of two known at one moment,
the one that arrived last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from vesalius.lake import Version

_CHUNK = 500
_BEFORE = datetime.min.replace(tzinfo=UTC)


def latest(versions: Iterable[Version]) -> list[Version]:
    """Of each resource, the version in force among these; all are of one type."""
    found: dict[str, Version] = {}
    for each in versions:
        before = found.get(each.id)
        if before is None or (before.recorded_at, before.seq) <= (each.recorded_at, each.seq):
            found[each.id] = each
    return list(found.values())


def newer(
    connection: sa.Connection,
    key: sa.ColumnElement[str],
    rows: sa.Table,
    versions: Sequence[Version],
    name: Callable[[Version], str] = lambda each: each.id,
) -> list[Version]:
    """Those that are in force beside what the index has.

    Args:
        connection: reads.
        key: the column of the index that names the resource.
        rows: the index, which keeps ``recorded_at`` and ``seq`` of the version it was made from.
        versions: one of each resource.
        name: what the key column holds for a version.
    """
    there: dict[str, tuple[datetime, int]] = {}
    for some in chunks([name(each) for each in versions]):
        asked = sa.select(key, rows.c.recorded_at, rows.c.seq).where(key.in_(some))
        there |= {row[0]: (row[1], row[2]) for row in connection.execute(asked)}
    return [each for each in versions if there.get(name(each), (_BEFORE, 0)) < (each.recorded_at, each.seq)]


def chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """As many at a time as one statement may name."""
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))
