"""The original bytes of what was released go when the hospital says so; what is held stays whole."""

from datetime import timedelta

import sqlalchemy as sa

from vesalius import ingest
from vesalius.ingest._tables import quarantine as table
from vesalius.store import reading, writing

BROKEN = b'{"resourceType":"Patient","id":"a","gender":"f"}'


def rows(lake):
    with reading(lake.engine) as connection:
        return connection.execute(
            sa.select(table.c.status, table.c.raw, table.c.cause).order_by(table.c.id)
        ).all()


def test_only_what_was_released_before_the_moment_is_emptied(lake, send):
    send(
        BROKEN + b"\n" + BROKEN.replace(b'"a"', b'"b"') + b"\n" + BROKEN.replace(b'"a"', b'"c"'),
        name="x.ndjson",
    )
    before = rows(lake)
    assert len(before) == 3
    with reading(lake.engine) as connection:
        first, second, _ = connection.execute(sa.select(table.c.id).order_by(table.c.id)).scalars()
        tried = connection.execute(sa.select(table.c.tried_at)).scalars().first()
    with writing(lake.engine) as connection:  # as a retry marks them, one now and one two days later
        for item, moment in ((first, tried), (second, tried + timedelta(days=2))):
            released = sa.update(table).where(table.c.id == item).values(status="released", tried_at=moment)
            connection.execute(released)
    assert ingest.empty_released(lake.engine, tried) == 0
    assert ingest.empty_released(lake.engine, tried + timedelta(days=1)) == 1
    assert ingest.empty_released(lake.engine, tried + timedelta(days=1)) == 0
    after = rows(lake)
    assert [row.raw for row in after] == [b"", before[1].raw, before[2].raw]
    assert [row.cause for row in after] == [row.cause for row in before]
