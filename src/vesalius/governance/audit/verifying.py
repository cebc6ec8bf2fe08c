"""Verifying: whether the chain still holds what was recorded, and if not, where it breaks.

Three things are held against each other: the chain (each event follows from the one before it), the signed
heads (the tree over the first N events had this root), and what was derived from the events to spare time
(tiles, the index of patients). Somebody who writes the whole chain anew makes a sound chain, and heads that
do not fit it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import closing
from typing import TYPE_CHECKING

import sqlalchemy as sa

from vesalius.errors import Tampered
from vesalius.governance.audit import _tables, heads, tiles, tree
from vesalius.governance.audit.actions import Action
from vesalius.governance.audit.chain import START, Event, Head, algorithm, kept_head, read
from vesalius.governance.audit.heads import TreeHead
from vesalius.store import reading

if TYPE_CHECKING:
    from vesalius.modelling import Keys


def verify(
    engine: sa.Engine,
    noted: Head | None = None,
    *,
    keys: Keys | None = None,
    elsewhere: Iterable[TreeHead] = (),
) -> int:
    """Walks the whole chain.

    Args:
        engine: the hospital's database.
        noted: an earlier ``head`` that was kept elsewhere; the chain must still hold it.
        keys: the hospital's, to check each signed head too; without them only the chain is walked.
        elsewhere: signed heads that were kept elsewhere, opened; the tree must still begin with theirs.

    Returns:
        How many events there are.

    Raises:
        Tampered: an event was altered, removed or reordered, events were written anew after a head over them
            was signed, or what was derived from them does not fit; the message names the first event that
            does not fit, or between which two it lies.
    """
    with reading(engine) as connection:
        walk = _Walk(noted, _signed(connection, keys, elsewhere))
        with closing(read(connection, sa.select(_tables.event).order_by(_tables.event.c.seq))) as items:
            for item in items:
                walk.take(item)
        walk.end(kept_head(connection))
        _check_tiles(connection, walk)
        _check_subjects(connection, walk)
    return walk.last.seq


def _signed(connection: sa.Connection, keys: Keys | None, elsewhere: Iterable[TreeHead]) -> list[TreeHead]:
    found = list(elsewhere)
    if keys is not None:
        for size, token in heads.tokens(connection):
            head = heads.opened(token, keys)
            if head.size != size:
                raise Tampered(f"the signed head over {size} events was altered")
            found.append(head)
    return sorted(found, key=lambda head: head.size)


class _Walk:
    """What is known of the events that were walked so far."""

    def __init__(self, noted: Head | None, signed: list[TreeHead]) -> None:
        self.last = Head(0, START)
        self.edge = tree.Edge()
        self.tiles: dict[tuple[int, int], str] = {}
        self.subjects = 0
        self._noted, self._signed = noted, signed[::-1]
        self._held = 0

    def take(self, item: Event) -> None:
        """Takes the next event."""
        if item.seq <= self.last.seq:
            raise Tampered(f"event {item.seq} was inserted")
        if item.seq != self.last.seq + 1:
            raise Tampered(f"event {self.last.seq + 1} was removed")
        if item.previous != self.last.hash or item.hash != item.expected():
            raise Tampered(f"event {item.seq} was altered")
        if algorithm(item.hash) != algorithm(item.previous) and item.action != Action.AUDIT_ALGORITHM:
            raise Tampered(f"event {item.seq} was altered: it is hashed otherwise than the one before")
        if self._noted and self._noted.seq == item.seq and self._noted.hash != item.hash:
            raise Tampered(f"event {item.seq} is not the one that was noted")
        for level, number, hash_ in self.edge.add(tiles.leaf(item.hash)):
            self.tiles[level, number] = hash_.hex()
        for each in item.subjects:
            self.subjects = (self.subjects + _mark(each, item.seq)) % _MODULUS
        self.last = Head(item.seq, item.hash)
        while self._signed and self._signed[-1].size == item.seq:
            self._compare(self._signed.pop())

    def _compare(self, head: TreeHead) -> None:
        if head.last != self.last.hash or head.root != self.edge.root().hex():
            first = self._held + 1
            which = f"event {first}" if first == head.size else f"one of events {first} to {head.size}"
            raise Tampered(f"{which} was written anew: {_of(head)} does not fit")
        self._held = head.size

    def end(self, kept: Head) -> None:
        """Compares the end with what was noted of it."""
        last = self.last
        if self._signed:
            raise Tampered(f"events after {last.seq} were removed: {_of(self._signed[0])} covers more")
        if kept.seq < last.seq:
            raise Tampered(f"event {kept.seq + 1} was inserted: the chain ended with event {kept.seq}")
        if kept != last or (self._noted and self._noted.seq > last.seq):
            raise Tampered(f"events after {last.seq} were removed")


def _of(head: TreeHead) -> str:
    return f"the head over {head.size} events, signed on {head.at:%Y-%m-%d %H:%M} UTC,"


def _check_tiles(connection: sa.Connection, walk: _Walk) -> None:
    for level, number, hash_ in connection.execute(sa.select(*_tables.tile.c)):
        if walk.tiles.get((level, number)) != hash_:
            first, last = (number << level) + 1, (number + 1) << level
            raise Tampered(f"the tile over events {first} to {last} was altered")


_MODULUS = 1 << 128


def _mark(subject: str, seq: int) -> int:
    """A number for one line of the index of patients; their sum is the same in any order."""
    return int.from_bytes(hashlib.blake2b(f"{seq} {subject}".encode(), digest_size=16).digest())


def _check_subjects(connection: sa.Connection, walk: _Walk) -> None:
    found = 0
    asked = sa.select(*_tables.subject.c)
    with connection.execute(asked, execution_options={"yield_per": 5000}) as rows:
        for subject, seq in rows:
            found = (found + _mark(subject, seq)) % _MODULUS
    if found != walk.subjects:
        raise Tampered(f"the index of patients was altered: it does not fit event {_misfit(connection)}")


def _misfit(connection: sa.Connection) -> int:
    """The first event whose patients are not those of the index."""
    lines = _tables.subject.c
    rows = connection.execute(sa.select(lines.seq, lines.subject).order_by(lines.seq)).all()
    indexed: dict[int, set[str]] = {}
    for seq, subject in rows:
        indexed.setdefault(seq, set()).add(subject)
    with closing(read(connection, sa.select(_tables.event).order_by(_tables.event.c.seq))) as items:
        wrong = [each.seq for each in items if set(each.subjects) != indexed.pop(each.seq, set())]
    return min([*wrong, *indexed])
