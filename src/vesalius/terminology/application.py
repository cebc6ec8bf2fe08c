"""Applying decisions to the past: what is in the lake gets the codings too, and loses those withdrawn.

Each batch is one transaction, with how far it has come: killed at any point, it goes on from there, and done
twice it adds nothing. A resource is translated at the moment at which its content was known
(:meth:`vesalius.lake.Lake.recode`), so that readings of the past show it and replays do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

import msgspec
import sqlalchemy as sa

from vesalius import fhir
from vesalius.lake import Lake, Recoding, Version
from vesalius.store import reading, writing
from vesalius.terminology import _progress as progress
from vesalius.terminology._progress import APPLY, Place
from vesalius.terminology.codebook import Codebook
from vesalius.terminology.concepts import ANY_KIND, TEXT, places, types
from vesalius.terminology.mappings import Decision, decisions

SOURCE = "vesalius:terminology"
"""The source of the versions that a mapping made."""

READ, WRITTEN = 10_000, 500
"""The most versions that one transaction reads, and re-codes."""

NEEDLES = 40
"""From more newly decided codes on, the old versions are decoded instead of searched."""

Tick = Callable[[str, int, int], None]


def apply(lake: Lake, *, tick: Tick | None = None, at: datetime | None = None) -> int:
    """Applies every decision and withdrawal to all that the lake holds.

    Args:
        lake: a lake that is not pinned.
        tick: called with the resource type, the position and the last position.
        at: when; now, if not given.

    Returns:
        How many versions were given anew with other codings.

    Raises:
        Conflict: somebody else is applying them at this moment.
    """
    total = 0
    for type_ in types():
        while True:
            with reading(lake.engine) as connection:
                place, every = progress.read(connection, APPLY, type_), decisions(connection)
            book = Codebook(every)
            start = _start(type_, place, every, book.newest, lake.position())
            total += _run(lake, type_, start, place, _Changed(book, every, place.base), tick, at)
            if (
                start.target == book.newest
            ):  # else one began with fewer decisions was brought to its end first
                break
    return total


def waiting(engine: sa.Engine) -> int:
    """How many decisions and withdrawals are not yet applied to all of the past."""
    with reading(engine) as connection:
        base = min(progress.read(connection, APPLY, type_).base for type_ in types())
        every = decisions(connection)
    return sum((each.id > base) + bool(each.withdrawn and each.withdrawn.id > base) for each in every)


def _start(type_: str, place: Place, every: list[Decision], newest: int, end: int) -> Place:
    """Where to go on: in the middle of an application, at the end of the last, or anew for new decisions."""
    if place.target != place.base or newest == place.base:
        return place
    fresh = [each for each in every if _since(each, place.base)]
    first = 0 if any(_concerns(each, type_) for each in fresh) else place.settled
    settled = place.settled if place.base else end  # before the first decision there was nothing to miss
    return msgspec.structs.replace(place, seq=first, settled=settled, target=newest)


def _since(each: Decision, base: int) -> bool:
    return each.id > base or bool(each.withdrawn and each.withdrawn.id > base)


def _concerns(each: Decision, type_: str) -> bool:
    return each.kind == ANY_KIND or any(kind == each.kind for kind, *_ in places(type_))


class _Changed:
    """Which versions may have to change: of the old ones only those that hold a code newly decided on."""

    def __init__(self, book: Codebook, every: Iterable[Decision], base: int) -> None:
        fresh = [each for each in every if _since(each, base)]
        self._book = book
        # JSON can write any character as \uXXXX and a slash as \/: behind a backslash anything may stand
        self._needles = [b"\\", *sorted({each.code.encode() for each in fresh})]
        self._any = len(self._needles) > NEEDLES or any(
            each.system == TEXT or not _literal(each.code) for each in fresh
        )

    def versions(self, lake: Lake, type_: str, place: Place) -> Iterator[Version]:
        """The versions to look at, in order of arrival: some of the old ones, and all new ones."""
        first = place.seq
        if not self._any and first < place.settled:
            yield from lake.holding(type_, self._needles, first, place.settled)
            first = place.settled
        yield from lake.versions(type_, first)

    def recoding(self, version: Version) -> Recoding | None:
        """The translation of a version, or None if it stays as it is."""
        new = self._book.recoded(version.resource) if self._book.own else None
        return Recoding(version, fhir.dump(new)) if new else None


def _literal(code: str) -> bool:
    return code.isascii() and code.isprintable() and not set('"\\') & set(code)


def _run(
    lake: Lake,
    type_: str,
    start: Place,
    before: Place,
    changed: _Changed,
    tick: Tick | None,
    at: datetime | None,
) -> int:
    """Brings one application of one type to its end."""
    end = lake.position()
    place, recoded = start, 0
    for seq, new in _batches(changed.versions(lake.pinned(end), type_, start), changed):
        after = msgspec.structs.replace(place, seq=seq)
        with writing(lake.engine) as connection:
            progress.move(connection, APPLY, type_, before, after)
            recoded += lake.recode(new, SOURCE, at or datetime.now(UTC), connection).written if new else 0
        place = before = after
        if tick:
            tick(type_, seq, end)
    last = msgspec.structs.replace(place, seq=end, settled=end, base=place.target)
    if last != before:
        with writing(lake.engine) as connection:
            progress.move(connection, APPLY, type_, before, last)
    return recoded


def _batches(versions: Iterator[Version], changed: _Changed) -> Iterator[tuple[int, list[Recoding]]]:
    """The translations, with the last position that they cover, in batches of one transaction each."""
    new: list[Recoding] = []
    read = 0
    for version in versions:
        read += 1
        if found := changed.recoding(version):
            new.append(found)
        if len(new) >= WRITTEN or read >= READ:
            yield version.seq, new
            new, read = [], 0
    if new:
        yield version.seq, new
