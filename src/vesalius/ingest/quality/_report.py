"""What was counted, put together per feed: the last month day by day, and what has become worse."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from vesalius.ingest._message_table import message
from vesalius.ingest._tables import receipt
from vesalius.ingest.quality._counting import day_of
from vesalius.ingest.quality._measures import DELAYS, ELEMENTS
from vesalius.ingest.quality._silence import QUARTER, WEEKS, Alarm, Silence, assess
from vesalius.ingest.quality._switching import Off, switched_off
from vesalius.ingest.quality._tables import day as table
from vesalius.lake import Lake
from vesalius.store import from_microseconds, reading

DAYS = 30
"""How many days are shown, today included."""

RECENT = 7
"""How many of them count as *now*, when they are compared with those before."""

SHIFT, SURE, ENOUGH = 0.05, 3.29, 50
"""A share has become worse when it fell by this much, with this many standard errors of the difference of two
proportions (3.29: one in a thousand by chance), from at least this many on either side."""

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Day:
    """One day of one feed.

    Attributes:
        day: in UTC.
        items: how many lines, rows, entries or messages came.
        held: how many of them are held.
        unchanged: how many resources were there already.
        versions: how many versions were written.
        complete: the share of expected elements that are given; None where none was expected.
        coded: the share of concepts with a standard code; None where there is none.
        delay: the median delay in hours between being known and being received; None where nothing says.
    """

    day: date
    items: int
    held: int
    unchanged: int
    versions: int
    complete: float | None
    coded: float | None
    delay: float | None


@dataclass(frozen=True)
class TypeQuality:
    """One resource type of one feed, over the days that are shown.

    Attributes:
        type: the resource type.
        versions: how many were written.
        corrected: the share of them that are not the first of their resource.
        elements: for each expected element, the share of versions that give it.
    """

    type: str
    versions: int
    corrected: float
    elements: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Shift:
    """A share that has become worse.

    Attributes:
        what: ``coded``, ``ucum``, ``plausible``, ``understood``, or an element as ``Type.element``.
        before: of the days before, a fraction of one.
        now: of the last seven days.
    """

    what: str
    before: float
    now: float


@dataclass(frozen=True)
class FeedQuality:
    """One feed. A share is a fraction of one, or None where there is nothing to count.

    Attributes:
        source: its name.
        silence: whether it still comes.
        rate: how many items a day, over the last seven days.
        days: day by day, the oldest first.
        types: its resource types, the most frequent first.
        understood: the share of items that are not held.
        unchanged: the share of resources that were there already.
        complete: the share of expected elements that are given.
        coded: the share of concepts that have a standard code.
        ucum: the share of quantities with a UCUM unit.
        plausible: the share of results with a known range that lie within it.
        median, ninth: half, and nine in ten, were received within this many hours of being known.
        shifts: what has become worse.
        off: who switched it off on purpose, and when, as long as it has sent nothing since.
    """

    source: str
    silence: Silence
    rate: float
    days: tuple[Day, ...]
    types: tuple[TypeQuality, ...]
    understood: float | None
    unchanged: float | None
    complete: float | None
    coded: float | None
    ucum: float | None
    plausible: float | None
    median: float | None
    ninth: float | None
    shifts: tuple[Shift, ...]
    off: Off | None = None


Counts = Counter[str]


def feed_quality(lake: Lake, now: datetime) -> list[FeedQuality]:
    """Every feed that ever sent something, those that need a look first.

    What came since the last ``refresh`` is not among what was counted; whether a feed still comes is always
    up to date.
    """
    end = day_of(now)
    counted = _counted(lake.engine, end - DAYS + 1, end)
    items = _items(lake.engine, end - DAYS + 1, end)
    off = switched_off(lake.engine)
    found = [
        _unless_off(_feed(source, counted.get(source, {}), items.get(source, {}), silence, end), off)
        for source, silence in _silences(lake.engine, now).items()
    ]
    urgency = {"silent": 0, "late": 1, "unknown": 2, "fine": 2, "off": 3}
    return sorted(found, key=lambda feed: (urgency[feed.silence.alarm], not feed.shifts, feed.source))


def _unless_off(feed: FeedQuality, off: Mapping[str, Off]) -> FeedQuality:
    """A feed that was switched off and has sent nothing since raises no alarm."""
    known, silence = off.get(feed.source), feed.silence
    if known is None or (silence.last and silence.last > known.since):
        return feed
    return replace(feed, silence=replace(silence, alarm=Alarm.OFF), off=known)


def _feed(
    source: str,
    counted: dict[int, dict[str, Counts]],
    items: dict[int, Counts],
    silence: Silence,
    end: int,
) -> FeedQuality:
    days = range(end - DAYS + 1, end + 1)
    by_type: dict[str, Counts] = defaultdict(Counter)
    for types in counted.values():
        for type_, counts in types.items():
            by_type[type_].update(counts)
    whole, came = _sum(by_type.values()), _sum(items.values())
    given, expected = _given(by_type)
    recent = end - RECENT
    return FeedQuality(
        source=source,
        silence=silence,
        rate=sum(counts["read"] for number, counts in items.items() if number > recent) / RECENT,
        days=tuple(_day(number, counted.get(number, {}), items.get(number, Counter())) for number in days),
        types=_types(by_type),
        understood=_share(came["read"] - came["held"], came["read"]),
        unchanged=_share(came["unchanged"], came["unchanged"] + came["written"]),
        complete=_share(given, expected),
        coded=_share(whole["coded"], whole["codable"]),
        ucum=_share(whole["ucum"], whole["quantities"]),
        plausible=_share(whole["ranged"] - whole["implausible"], whole["ranged"]),
        median=_delay(whole, 0.5),
        ninth=_delay(whole, 0.9),
        shifts=tuple(_shifts(counted, items, recent)),
    )


def _day(number: int, types: dict[str, Counts], items: Counts) -> Day:
    whole = _sum(types.values())
    given, expected = _given(types)
    return Day(
        day=_EPOCH + timedelta(days=number),
        items=items["read"],
        held=items["held"],
        unchanged=items["unchanged"],
        versions=whole["versions"],
        complete=_share(given, expected),
        coded=_share(whole["coded"], whole["codable"]),
        delay=_delay(whole, 0.5),
    )


def _types(by_type: dict[str, Counts]) -> tuple[TypeQuality, ...]:
    found = [
        TypeQuality(
            type=type_,
            versions=counts["versions"],
            corrected=counts["later"] / counts["versions"],
            elements=tuple(
                (name, counts[f"has.{name}"] / counts["versions"]) for name in ELEMENTS.get(type_, ())
            ),
        )
        for type_, counts in by_type.items()
    ]
    return tuple(sorted(found, key=lambda each: (-each.versions, each.type)))


def _shifts(counted: dict[int, dict[str, Counts]], items: dict[int, Counts], recent: int) -> Iterable[Shift]:
    before = _shares(counted, items, lambda number: number <= recent)
    now = _shares(counted, items, lambda number: number > recent)
    for what, (good, of) in now.items():
        good_then, of_then = before.get(what, (0, 0))
        if min(of, of_then) < ENOUGH:
            continue
        then, today = good_then / of_then, good / of
        pooled = (good + good_then) / (of + of_then)
        error = math.sqrt(pooled * (1 - pooled) * (1 / of + 1 / of_then))
        if then - today >= SHIFT and then - today >= SURE * error:
            yield Shift(what, then, today)


def _shares(
    counted: dict[int, dict[str, Counts]], items: dict[int, Counts], chosen: Callable[[int], bool]
) -> dict[str, tuple[int, int]]:
    """What is good, of how many, over some days."""
    by_type: dict[str, Counts] = defaultdict(Counter)
    for number, types in counted.items():
        for type_, counts in types.items() if chosen(number) else ():
            by_type[type_].update(counts)
    whole = _sum(by_type.values())
    came = _sum(counts for number, counts in items.items() if chosen(number))
    shares = {
        "understood": (came["read"] - came["held"], came["read"]),
        "coded": (whole["coded"], whole["codable"]),
        "ucum": (whole["ucum"], whole["quantities"]),
        "plausible": (whole["ranged"] - whole["implausible"], whole["ranged"]),
    }
    for type_, counts in by_type.items():
        for name in ELEMENTS.get(type_, ()):
            shares[f"{type_}.{name}"] = (counts[f"has.{name}"], counts["versions"])
    return shares


def _given(by_type: Mapping[str, Counts]) -> tuple[int, int]:
    """How many of the expected elements are given, of how many."""
    given = expected = 0
    for type_, counts in by_type.items():
        names = ELEMENTS.get(type_, ())
        given += sum(counts[f"has.{name}"] for name in names)
        expected += counts["versions"] * len(names)
    return given, expected


def _delay(counts: Counts, part: float) -> float | None:
    """The hours within which this part was received: the upper end of its class, at most 30 days."""
    classes = [counts[f"delay.{number}"] for number in range(len(DELAYS) + 1)]
    wanted, seen = part * sum(classes), 0
    if not wanted:
        return None
    for delay, count in zip([*DELAYS, DELAYS[-1]], classes, strict=True):
        seen += count
        if seen >= wanted:
            return delay / timedelta(hours=1)
    return None


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _sum(counters: Iterable[Counts]) -> Counts:
    total: Counts = Counter()
    for counter in counters:
        total.update(counter)
    return total


def _counted(engine: sa.Engine, first: int, last: int) -> dict[str, dict[int, dict[str, Counts]]]:
    asked = sa.select(table).where(table.c.day >= first, table.c.day <= last)
    found: dict[str, dict[int, dict[str, Counts]]] = {}
    with reading(engine) as connection:
        for row in connection.execute(asked):
            found.setdefault(row.source, {}).setdefault(row.day, {})[row.type] = Counter(row.counts)
    return found


def _items(engine: sa.Engine, first: int, last: int) -> dict[str, dict[int, Counts]]:
    """What each feed sent on each day, by the receipts."""
    c = receipt.c
    asked = sa.select(
        c.source, c.received_at, c.read, c.written, c.unchanged, c.quarantined.label("held")
    ).where(c.received_at >= _start(first), c.received_at < _start(last + 1))
    found: dict[str, dict[int, Counts]] = {}
    with reading(engine) as connection:
        for row in connection.execute(asked):
            counts = found.setdefault(row.source, {}).setdefault(day_of(row.received_at), Counter())
            counts.update(read=row.read, written=row.written, unchanged=row.unchanged, held=row.held)
    return found


def _start(number: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=number)


def _silences(engine: sa.Engine, now: datetime) -> dict[str, Silence]:
    """Whether each feed still comes: its files, and its messages, which share one receipt per day.

    Of a receipt and the messages that share it, the messages count. Feed by feed, so that an index leads to
    the few weeks that matter, however many messages were ever kept.
    """
    found: dict[str, Silence] = {}
    since = now - timedelta(weeks=WEEKS + 1)
    with reading(engine) as connection:
        for source in connection.execute(sa.select(receipt.c.source).distinct()).scalars():
            moments, quarters = [], Counter[int]()
            for table in (receipt, message):
                at, own = table.c.received_at, table.c.source == source
                moments.append(connection.execute(_newest(at).where(own)).scalar())
                rows = connection.execute(_quarters(at).where(own, at > since))
                quarters |= Counter({int(row.quarter): int(row.items) for row in rows})
            last = max(moment for moment in moments if moment)
            found[source] = assess(last, _starts(quarters), now)
    return found


def _starts(quarters: Mapping[int, int]) -> list[tuple[datetime, int]]:
    return [(from_microseconds(number * _QUARTER), count) for number, count in sorted(quarters.items())]


_QUARTER = QUARTER // timedelta(microseconds=1)


def _newest(at: sa.Column[Any]) -> sa.Select[Any]:
    return sa.select(sa.func.max(at, type_=at.type))


def _quarters(at: sa.Column[Any]) -> sa.Select[int, int]:
    moment = sa.type_coerce(at, sa.BigInteger)
    quarter = ((moment - moment % _QUARTER) // _QUARTER).label("quarter")
    chosen: Any = sa.select(quarter, sa.func.count().label("items"))
    return cast("sa.Select[Any]", chosen.group_by(quarter))
