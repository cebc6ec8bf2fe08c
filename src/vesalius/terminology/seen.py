"""How often each code came: counted from the log, each version once; it can be made again at any time.

Counted is what was received: codings that a mapping added, and versions that one made, do not count. So a
decision never changes the counts, and the share that it codes can be told before it is applied.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from vesalius.lake import Lake, Version
from vesalius.store import reading, writing
from vesalius.terminology import _progress as progress
from vesalius.terminology._progress import COUNT, Place
from vesalius.terminology._tables import code_progress, code_seen
from vesalius.terminology.concepts import (
    LONGEST,
    TEXT,
    Found,
    Key,
    coded,
    elements,
    local_keys,
    name_of,
    received,
    types,
)
from vesalius.terminology.mappings import decisions
from vesalius.terminology.standards import QUANTITY

BATCH = 10_000
"""The most versions that one transaction counts."""

NAMES = 6
"""How many names of a code are kept, the first that came."""

UNNAMED = ""
"""The code of what is too long or too odd to be kept; such rows are counted together."""

_PER_DECADE = 10
_IDS = 400

Tick = Callable[[str, int, int], None]


class _Row(NamedTuple):
    source: str
    kind: str
    system: str
    code: str
    unit: str
    local: bool


class Name(msgspec.Struct, frozen=True, array_like=True):
    """One name of a code: what it is called can be words about one person.

    Attributes:
        times: how often it came.
        subject: about which patient first; empty if about none.
        shared: whether it came about another one too.
    """

    times: int = 0
    subject: str = ""
    shared: bool = False

    def and_also(self, other: Name) -> Name:
        """Both together."""
        met = bool(self.subject and other.subject and self.subject != other.subject)
        shared = self.shared or other.shared or met
        return Name(self.times + other.times, self.subject or other.subject, shared)

    @property
    def public(self) -> bool:
        """Whether it may be shown: it came more than once, and about more than one patient or about none."""
        return self.times > 1 and (self.shared or not self.subject)


def names_of(text: str) -> dict[str, Name]:
    """The names that a row keeps."""
    return {} if text == "{}" else msgspec.json.decode(text, type=dict[str, Name])


@dataclass
class _Tally:
    """What is known of one row; the texts are JSON objects of counts in the table."""

    times: int = 0
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    subject: str = ""
    shared: bool = False
    names: dict[str, Name] = field(default_factory=dict)
    beside: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    def see(self, version: Version, name: str) -> None:
        self.times += 1
        self.first_seen = min(self.first_seen or version.received_at, version.received_at)
        self.last_seen = max(self.last_seen or version.received_at, version.received_at)
        self._meet(version.subject or "")
        if name and len(name) <= LONGEST and (name in self.names or len(self.names) < NAMES):
            self.names[name] = self.names.get(name, Name()).and_also(Name(1, version.subject or ""))

    def _meet(self, subject: str) -> None:
        self.shared = self.shared or bool(subject and self.subject and subject != self.subject)
        self.subject = self.subject or subject

    def add(self, row: sa.Row[Any]) -> None:
        """Adds what the table holds already."""
        self.times += row.times
        self.first_seen = min(self.first_seen or row.first_seen, row.first_seen)
        self.last_seen = max(self.last_seen or row.last_seen, row.last_seen)
        self.shared = self.shared or row.shared
        mine, self.subject = self.subject, row.subject
        self._meet(mine)
        names = names_of(row.names)
        for word, name in self.names.items():
            if word in names or len(names) < NAMES:
                names[word] = names.get(word, Name()).and_also(name)
        self.names = names
        for field_ in ("beside", "sizes"):
            kept: dict[str, int] = msgspec.json.decode(getattr(row, field_))
            for word, number in getattr(self, field_).items():
                if word in kept or field_ == "sizes" or len(kept) < NAMES:
                    kept[word] = kept.get(word, 0) + number
            setattr(self, field_, kept)

    def values(self) -> dict[str, Any]:
        texts = {
            name: msgspec.json.encode(getattr(self, name)).decode() for name in ("names", "beside", "sizes")
        }
        plain = ("times", "first_seen", "last_seen", "subject", "shared")
        return {name: getattr(self, name) for name in plain} | texts


def refresh(lake: Lake, *, limit: int | None = None, tick: Tick | None = None) -> bool:
    """Counts what the lake received since the last time.

    Args:
        lake: the lake.
        limit: the most versions to read in all; None for no end.
        tick: called with the resource type, the position and the last position.

    Returns:
        Whether everything is counted now.

    Raises:
        Conflict: somebody else is counting at this moment.
    """
    end, left = lake.position(), limit
    own = frozenset(each.uid for each in decisions(lake.engine))
    for type_ in types():
        with reading(lake.engine) as connection:
            place = progress.read(connection, COUNT, type_)
        versions = lake.versions(type_, place.seq)
        while part := list(islice(versions, BATCH if left is None else min(left, BATCH))):
            place = _count(lake.engine, type_, place, part, own)
            left = None if left is None else left - len(part)
            if tick:
                tick(type_, place.seq, end)
        if left == 0:
            return behind(lake) == 0
    return True


def behind(lake: Lake) -> int:
    """How many versions are not counted yet."""
    with reading(lake.engine) as connection:
        places = {type_: progress.read(connection, COUNT, type_).seq for type_ in types()}
    return sum(lake.behind(type_, seq) for type_, seq in places.items())


def recount(where: sa.Engine | sa.Connection) -> None:
    """Forgets every count, in a transaction or one of its own; the next refresh makes them again."""
    if isinstance(where, sa.Engine):
        with writing(where) as connection:
            recount(connection)
        return
    where.execute(sa.delete(code_progress).where(code_progress.c.task == COUNT))
    where.execute(sa.delete(code_seen))


def _count(engine: sa.Engine, type_: str, before: Place, part: list[Version], own: frozenset[str]) -> Place:
    tallies: dict[_Row, _Tally] = {}
    for version in part:
        if version.sent:  # a copy that a merge or a translation made has not come once more
            for found in elements(version.resource, own):
                _see(tallies, version, found, own)
    after = Place(seq=part[-1].seq)
    with writing(engine) as connection:
        progress.move(connection, COUNT, type_, before, after)
        _write(connection, tallies)
    return after


def _see(tallies: dict[_Row, _Tally], version: Version, found: Found, own: frozenset[str]) -> None:
    kind, value, unit, holder = found
    of = [] if kind == QUANTITY else received(value, own)
    standard = _unit(value) if kind == QUANTITY else coded(kind, of)
    if standard:
        key, name = Key(kind, str(standard["system"]), str(standard["code"]), unit), name_of(value, own)
    else:
        keys = local_keys(kind, value, unit, own)
        if not keys and not (kind == QUANTITY and "code" in value):
            return  # neither a code nor words: nothing to map
        key = keys[0] if keys else Key(kind, TEXT, UNNAMED, "")
        name = "" if kind == QUANTITY else name_of(value, own)
    row = _row(version.source, key, local=not standard)
    tally = tallies.setdefault(row, _Tally())
    tally.see(version, name.replace("\0", ""))
    if found.kind != QUANTITY and unit:
        _measure(tally, holder)
    if standard and kind != QUANTITY:
        _note(tally, [each for each in of if each is not standard])


def _unit(quantity: dict[str, Any]) -> dict[str, Any] | None:
    return coded(QUANTITY, [quantity]) if isinstance(quantity.get("code"), str) else None


def _row(source: str, key: Key, *, local: bool) -> _Row:
    odd = len(key.system) > 255 or len(key.code) > 255 or "\0" in key.code + key.system + key.unit
    if odd or (key.system == TEXT and len(key.code) > LONGEST):
        key = Key(key.kind, TEXT, UNNAMED, "")
    return _Row(source, *key, local)


def _note(tally: _Tally, others: list[dict[str, Any]]) -> None:
    """Notes which local codes stand beside a standard one: the sender's own translation."""
    for each in others:
        system, code = each.get("system"), each["code"]
        if isinstance(system, str) and len(system) + len(code) < 400 and len(tally.beside) < NAMES:
            name = f"{system}|{code}"
            tally.beside[name] = tally.beside.get(name, 0) + 1


def _measure(tally: _Tally, holder: dict[str, Any]) -> None:
    """Counts the size of a value, a tenth of a decade apart: no single value is kept."""
    try:
        value = float(holder["valueQuantity"]["value"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return
    size = str(math.floor(math.log10(value) * _PER_DECADE)) if 0 < value < math.inf else "0 or less"
    tally.sizes[size] = tally.sizes.get(size, 0) + 1


def usual(sizes: dict[str, int], least: int = 20) -> tuple[float, float] | None:
    """About between which values four of five lie; None for fewer than ``least`` of them."""
    counted = sorted((int(size), number) for size, number in sizes.items() if size != "0 or less")
    total = sum(number for _, number in counted)
    if total < least or sizes.get("0 or less", 0) > total / 10:
        return None
    return _quantile(counted, total * 0.1), _quantile(counted, total * 0.9, upper=True)


def _quantile(counted: list[tuple[int, int]], wanted: float, *, upper: bool = False) -> float:
    passed = 0
    for size, number in counted:
        passed += number
        if passed >= wanted:
            return float(10 ** ((size + upper) / _PER_DECADE))
    return math.nan


def _write(connection: sa.Connection, tallies: dict[_Row, _Tally]) -> None:
    known: dict[_Row, int] = {}
    for row in _rows_of(connection, tallies):
        key = _Row(row.source, row.kind, row.system, row.code, row.unit, bool(row.local))
        if key in tallies:
            tallies[key].add(row)
            known[key] = row.id
    new = [key._asdict() | tally.values() for key, tally in tallies.items() if key not in known]
    if new:
        connection.execute(sa.insert(code_seen), new)
    old = [{"row": number} | tallies[key].values() for key, number in known.items()]
    if old:
        columns: dict[str, Any] = {name: sa.bindparam(name) for name in old[0] if name != "row"}
        change = sa.update(code_seen).where(code_seen.c.id == sa.bindparam("row"))
        connection.execute(change.values(columns), old)


def _rows_of(connection: sa.Connection, tallies: dict[_Row, _Tally]) -> Iterator[sa.Row[Any]]:
    codes = sorted({key.code for key in tallies})
    for start in range(0, len(codes), _IDS):
        wanted = code_seen.c.code.in_(codes[start : start + _IDS])
        yield from connection.execute(sa.select(code_seen).where(wanted))
