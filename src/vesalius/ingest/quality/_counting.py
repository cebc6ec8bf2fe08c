"""Counting the log once: from where the last counting ended, in short transactions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import sqlalchemy as sa

from vesalius.ingest.quality._measures import measured
from vesalius.ingest.quality._tables import day as table
from vesalius.ingest.quality._tables import position as position_table
from vesalius.lake import Lake, Version
from vesalius.store import reading, writing

CHUNK = 5_000
"""How many versions are counted in one transaction."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Progress = Callable[[int, int], None]
Key = tuple[str, int, str]


def day_of(moment: datetime) -> int:
    """The day of a moment, in UTC, as days since 1970."""
    return (moment - _EPOCH).days


def behind(lake: Lake) -> int:
    """How many versions are not counted yet."""
    return max(0, lake.position() - _position(lake.engine))


def refresh(lake: Lake, progress: Progress | None = None) -> int:
    """Counts what is new in the log; killed at any point, it goes on there the next time.

    Args:
        lake: of the hospital.
        progress: called with the versions counted, and those to count in all.

    Returns:
        How many versions were counted.
    """
    end, start = lake.position(), _position(lake.engine)
    counted, total = 0, end - start
    while start < end:
        found = lake.newer(start, min(CHUNK, end - start))
        if not found:
            break
        if not _added(lake.engine, _counts(found), start, found[-1].seq):
            start = _position(lake.engine)  # another process counted meanwhile
            continue
        counted, start = counted + len(found), found[-1].seq
        if progress:
            progress(counted, total)
    return counted


def rebuild(lake: Lake, progress: Progress | None = None) -> int:
    """Counts the whole log again, as after a change of what is counted."""
    with writing(lake.engine) as connection:
        connection.execute(sa.delete(table))
        connection.execute(sa.delete(position_table))
    return refresh(lake, progress)


def _position(engine: sa.Engine) -> int:
    with reading(engine) as connection:
        return connection.execute(sa.select(position_table.c.seq)).scalar() or 0


def _counts(versions: Iterable[Version]) -> dict[Key, Counter[str]]:
    found: dict[Key, Counter[str]] = {}
    for version in versions:
        key = (version.source, day_of(version.received_at), version.type)
        found.setdefault(key, Counter()).update(measured(version))
    return found


def _added(engine: sa.Engine, counts: dict[Key, Counter[str]], start: int, end: int) -> bool:
    """Adds to what was counted, if nobody else has counted the same; all of it, or nothing."""
    with writing(engine) as connection:
        if not _moved(connection, start, end):
            return False
        for (source, number, type_), new in counts.items():
            here = sa.and_(table.c.source == source, table.c.day == number, table.c.type == type_)
            known = connection.execute(sa.select(table.c.counts).where(here)).scalar()
            if known is None:
                row = {"source": source, "day": number, "type": type_, "counts": dict(new)}
                connection.execute(sa.insert(table).values(row))
            else:
                total = dict(Counter(known) + new)
                connection.execute(sa.update(table).where(here).values(counts=total))
    return True


def _moved(connection: sa.Connection, start: int, end: int) -> bool:
    moved = connection.execute(
        sa.update(position_table).where(position_table.c.seq == start).values(seq=end)
    ).rowcount
    if moved:
        return True
    if start or connection.execute(sa.select(position_table.c.seq)).scalar() is not None:
        return False
    connection.execute(sa.insert(position_table).values(id=1, seq=end))
    return True
