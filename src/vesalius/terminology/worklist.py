"""The work-list: the local codes by how often they come, and what mapping them would cover.

It is read from the counts of :mod:`vesalius.terminology.seen`, never from the log: it opens as fast with a
million results as with a thousand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from vesalius.store import reading
from vesalius.terminology._tables import code_seen
from vesalius.terminology.codebook import Codebook
from vesalius.terminology.concepts import TEXT, Key
from vesalius.terminology.mappings import Decision, decisions
from vesalius.terminology.seen import UNNAMED, usual

SHOWN_TWICE = 2
"""A name is shown once it came this often: a text that came once may be about one person."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One local code, in one kind of element and one unit, over all feeds.

    Attributes:
        key: the code.
        count: how often it came.
        feeds: how often from each feed, the most first.
        first_seen, last_seen: when it came first and last.
        names: what it is called, the most frequent first; only names that came more than once.
        guesses: every name of it that is kept, to suggest a target by; not to be shown.
        usual: about between which values four of five results lie; None for too few.
        decisions: what is in force about it.
    """

    key: Key
    count: int
    feeds: dict[str, int]
    first_seen: datetime
    last_seen: datetime
    names: tuple[str, ...]
    guesses: tuple[str, ...] = ()
    usual: tuple[float, float] | None = None
    decisions: tuple[Decision, ...] = ()

    @property
    def mapped(self) -> bool:
        """Whether a decision adds a standard code to it."""
        return any(each.applies for each in self.decisions)

    @property
    def name(self) -> str:
        """What to call it in a list: its most frequent name, else its code."""
        return self.names[0] if self.names else self.key.code


class Share(msgspec.Struct, frozen=True):
    """How much of what came is coded, as counts of codes.

    Attributes:
        name: of the feed, or the kind of element.
        total: all codes.
        standard: those that came with a standard code.
        mapped: those that a mapping codes.
    """

    name: str
    total: int = 0
    standard: int = 0
    mapped: int = 0

    @property
    def before(self) -> float:
        """The share that came coded, from 0 to 1."""
        return self.standard / self.total if self.total else 0.0

    @property
    def after(self) -> float:
        """The share that is coded once all decisions are applied, from 0 to 1."""
        return (self.standard + self.mapped) / self.total if self.total else 0.0


class Worklist(msgspec.Struct, frozen=True, kw_only=True):
    """The work-list.

    Attributes:
        entries: every local code that may be shown, the most frequent first.
        hidden: how often words came that are not shown: too long, or only ever about one patient.
        whole: over everything.
        feeds: by feed.
        kinds: by kind of element.
    """

    entries: tuple[Entry, ...]
    hidden: int
    whole: Share
    feeds: tuple[Share, ...]
    kinds: tuple[Share, ...]

    @property
    def open(self) -> tuple[Entry, ...]:
        """The codes about which nothing is decided."""
        return tuple(each for each in self.entries if not each.decisions)

    def curve(self) -> list[float]:
        """The share that would be coded with the first 0, 1, 2 … open codes mapped too."""
        covered = self.whole.standard + self.whole.mapped
        found = [covered]
        for each in self.open:
            covered += each.count
            found.append(covered)
        return [each / self.whole.total for each in found] if self.whole.total else [0.0]


def worklist(engine: sa.Engine, *, kind: str = "", source: str = "") -> Worklist:
    """The work-list, of one kind of element and of one feed if so asked."""
    with reading(engine) as connection:
        book = Codebook(decisions(connection))
        local = list(connection.execute(_asked(sa.select(code_seen).where(code_seen.c.local), kind, source)))
        standard = list(connection.execute(_asked(_STANDARD, kind, source)))
    entries = _entries(local, book)
    mapped = {each.key for each in entries if each.mapped}
    parts = [(row.source, row.kind, Share("", int(row.times), int(row.times))) for row in standard]
    for row in local:
        share = Share("", row.times, 0, row.times if _key(row) in mapped else 0)
        parts.append((row.source, row.kind, share))
    return Worklist(
        entries=entries,
        hidden=sum(row.times for row in local) - sum(each.count for each in entries),
        whole=_sum("", [part for *_, part in parts]),
        feeds=_by({}, ((feed, part) for feed, _, part in parts)),
        kinds=_by({}, ((name, part) for _, name, part in parts)),
    )


_STANDARD = (
    sa.select(code_seen.c.source, code_seen.c.kind, sa.func.sum(code_seen.c.times).label("times"))
    .where(~code_seen.c.local)
    .group_by(code_seen.c.source, code_seen.c.kind)
)


def _asked(statement: sa.Select[Any], kind: str, source: str) -> sa.Select[Any]:
    for column, value in ((code_seen.c.kind, kind), (code_seen.c.source, source)):
        statement = statement.where(column == value) if value else statement
    return statement


def _by(groups: dict[str, list[Share]], parts: Iterable[tuple[str, Share]]) -> tuple[Share, ...]:
    for name, part in parts:
        groups.setdefault(name, []).append(part)
    found = [_sum(name, of) for name, of in groups.items()]
    return tuple(sorted(found, key=lambda each: (-each.total, each.name)))


def _sum(name: str, of: Sequence[Share]) -> Share:
    return Share(
        name,
        sum(each.total for each in of),
        sum(each.standard for each in of),
        sum(each.mapped for each in of),
    )


def _key(row: sa.Row[Any]) -> Key:
    return Key(row.kind, row.system, row.code, row.unit)


def _entries(rows: Iterable[sa.Row[Any]], book: Codebook) -> tuple[Entry, ...]:
    by_key: dict[Key, list[sa.Row[Any]]] = {}
    for row in rows:
        by_key.setdefault(_key(row), []).append(row)
    found = (_entry(key, of, book) for key, of in by_key.items() if _may_be_shown(key, of))
    return tuple(sorted(found, key=lambda each: (-each.count, each.key)))


def _may_be_shown(key: Key, of: Sequence[sa.Row[Any]]) -> bool:
    """Words are shown only if they are no more about one person than about another."""
    if key.system != TEXT:
        return True
    subjects = {row.subject for row in of}
    many = any(row.shared for row in of) or len(subjects) > 1 or subjects == {""}
    return key.code != UNNAMED and many and sum(row.times for row in of) >= SHOWN_TWICE


def _entry(key: Key, of: Sequence[sa.Row[Any]], book: Codebook) -> Entry:
    names, sizes = _totals(row.names for row in of), _totals(row.sizes for row in of)
    feeds = {row.source: int(row.times) for row in sorted(of, key=lambda row: -row.times)}
    return Entry(
        key=key,
        count=sum(feeds.values()),
        feeds=feeds,
        first_seen=min(row.first_seen for row in of),
        last_seen=max(row.last_seen for row in of),
        names=tuple(name for name, number in names.items() if number >= SHOWN_TWICE),
        guesses=tuple(names),
        usual=usual(sizes) if sizes else None,
        decisions=tuple(book.decided(key)),
    )


def _totals(texts: Iterable[str]) -> dict[str, int]:
    """Counts added up, the greatest first."""
    found: dict[str, int] = {}
    for text in texts:
        if text != "{}":
            for word, number in msgspec.json.decode(text, type=dict[str, int]).items():
                found[word] = found.get(word, 0) + number
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
