"""Verifying: whether the chain still holds what was recorded, and if not, where it breaks."""

from __future__ import annotations

from contextlib import closing

import sqlalchemy as sa

from vesalius.errors import Tampered
from vesalius.governance.audit import _tables
from vesalius.governance.audit.chain import START, Event, Head, kept_head, read
from vesalius.store import reading


def verify(engine: sa.Engine, noted: Head | None = None) -> int:
    """Walks the whole chain.

    Args:
        engine: the hospital's database.
        noted: an earlier ``head`` that was kept elsewhere; the chain must still hold it.

    Returns:
        How many events there are.

    Raises:
        Tampered: an event was altered, removed or reordered; the message names the first that does not fit.
    """
    last = Head(0, START)
    with reading(engine) as connection:
        with closing(read(connection, sa.select(_tables.event).order_by(_tables.event.c.seq))) as items:
            for item in items:
                _fits(item, last, noted)
                last = Head(item.seq, item.hash)
        kept = kept_head(connection)
    if kept != last or (noted and noted.seq > last.seq):
        raise Tampered(f"events after {last.seq} were removed")
    return last.seq


def _fits(item: Event, last: Head, noted: Head | None) -> None:
    if item.seq != last.seq + 1:
        raise Tampered(f"event {last.seq + 1} was removed")
    if item.previous != last.hash or item.hash != item.expected():
        raise Tampered(f"event {item.seq} was altered")
    if noted and noted.seq == item.seq and noted.hash != item.hash:
        raise Tampered(f"event {item.seq} is not the one that was noted")
