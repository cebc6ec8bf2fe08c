"""Applying decisions to the past: what is in the lake gets the codings too, and loses those withdrawn.

Each batch is one transaction, with how far it has come: killed at any point, it goes on from there, and done
twice it adds nothing. A resource is translated at the moment at which its content was known
(:meth:`vesalius.lake.Lake.recode`), so that readings of the past show it and replays do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice

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
            start = _start(type_, place, every, book.newest)
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


def _start(type_: str, place: Place, every: list[Decision], newest: int) -> Place:
    """Where to go on: in the middle of an application, at the end of the last, or anew for new decisions."""
    if place.target != place.base or newest == place.base:
        return place
    fresh = [each for each in every if _since(each, place.base)]
    first = 0 if any(_concerns(each, type_) for each in fresh) else place.settled
    return msgspec.structs.replace(place, seq=first, target=newest)


def _since(each: Decision, base: int) -> bool:
    return each.id > base or bool(each.withdrawn and each.withdrawn.id > base)


def _concerns(each: Decision, type_: str) -> bool:
    return each.kind == ANY_KIND or any(kind == each.kind for kind, *_ in places(type_))


class _Changed:
    """Which versions may have to change: of the old ones only those that hold a code newly decided on."""

    def __init__(self, book: Codebook, every: Iterable[Decision], base: int) -> None:
        fresh = [each for each in every if _since(each, base)]
        self._book = book
        self._any = any(each.system == TEXT or not _literal(each.code) for each in fresh)
        self._codes = [each.code.encode() for each in fresh]

    def recoding(self, version: Version, settled: int) -> Recoding | None:
        """The translation of a version, or None if it stays as it is."""
        if not self._book.own or (version.seq <= settled and not self._holds(version.body)):
            return None
        new = self._book.recoded(version.resource)
        return Recoding(version, fhir.dump(new)) if new else None

    def _holds(self, body: bytes) -> bool:
        # JSON can write any character as \uXXXX and a slash as \/: behind a backslash anything may stand
        return self._any or b"\\" in body or any(code in body for code in self._codes)


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
    place, end, recoded = start, lake.position(), 0
    for batch, new in _batches(lake.pinned(end).versions(type_, start.seq), changed, start.settled):
        after = msgspec.structs.replace(place, seq=batch)
        with writing(lake.engine) as connection:
            progress.move(connection, APPLY, type_, before, after)
            recoded += lake.recode(new, SOURCE, at or datetime.now(UTC), connection).written if new else 0
        place = before = after
        if tick:
            tick(type_, batch, end)
    last = msgspec.structs.replace(place, settled=max(place.settled, place.seq), base=place.target)
    if last != before:
        with writing(lake.engine) as connection:
            progress.move(connection, APPLY, type_, before, last)
    return recoded


def _batches(
    versions: Iterator[Version], changed: _Changed, settled: int
) -> Iterator[tuple[int, list[Recoding]]]:
    """The translations, with the last position that they cover, in batches of one transaction each."""
    while part := list(islice(versions, READ)):
        new: list[Recoding] = []
        for version in part:
            if found := changed.recoding(version, settled):
                new.append(found)
            if len(new) >= WRITTEN:
                yield version.seq, new
                new = []
        yield part[-1].seq, new
