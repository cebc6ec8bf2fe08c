"""The pages about the quality of the feeds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from markupsafe import Markup


@dataclass(frozen=True)
class WorseLine:
    """A share that has become worse.

    Attributes:
        what: in English, or an element as ``Type.element``.
        element: whether it is an element, which is not translated.
        before: of the weeks before, a fraction of one.
        now: of the last seven days.
    """

    what: str
    element: bool
    before: float
    now: float


@dataclass(frozen=True)
class FeedLine:
    """One feed. A share is a fraction of one, or None where there is nothing to count.

    Attributes:
        source: its name.
        alarm: ``fine``, ``late``, ``silent``, ``off`` or ``unknown``.
        last: when something last came.
        since: how long ago that is, in the reader's language.
        expected: how many arrivals the same hours of earlier weeks brought.
        usual: the gap that is usual, in the reader's language.
        rate: how many items a day.
        picture: items of each day.
        understood, complete, coded, ucum, plausible, unchanged: shares.
        median, ninth: the delays, in the reader's language, or empty.
        worse: what has become worse.
        off: who switched it off on purpose and since when, in the reader's language, or empty.
        why_off: the reason that person gave, or empty.
    """

    source: str
    alarm: str
    last: datetime
    since: str
    expected: float
    usual: str
    rate: float
    picture: Markup
    understood: float | None
    complete: float | None
    coded: float | None
    ucum: float | None
    plausible: float | None
    unchanged: float | None
    median: str
    ninth: str
    worse: tuple[WorseLine, ...]
    off: str
    why_off: str


@dataclass(frozen=True)
class QualityPage:
    """``/quality``: every feed, those that need a look first.

    Attributes:
        feeds: the feeds.
        silent: how many of them are silent.
        behind: how many versions are not counted yet.
    """

    feeds: tuple[FeedLine, ...]
    silent: int
    behind: int


@dataclass(frozen=True)
class Trend:
    """One measure, day by day.

    Attributes:
        label: what it is, in English.
        picture: its picture.
        now: its value over all the days, in words.
    """

    label: str
    picture: Markup
    now: str


@dataclass(frozen=True)
class TypeLine:
    """One resource type of a feed.

    Attributes:
        name: what it is called, in English.
        versions: how many came.
        corrected: the share that corrects an earlier version.
        elements: for each expected element, the share that gives it, and its bar.
    """

    name: str
    versions: int
    corrected: float
    elements: tuple[tuple[str, float, Markup], ...]


@dataclass(frozen=True)
class DayLine:
    """One day of a feed, for those who read rather than look.

    Attributes:
        day: itself.
        items, held, unchanged, versions: how many.
        complete, coded: shares, or None.
        delay: the median, in the reader's language, or empty.
    """

    day: date
    items: int
    held: int
    unchanged: int
    versions: int
    complete: float | None
    coded: float | None
    delay: str


@dataclass(frozen=True)
class FeedPage:
    """``/quality/feed``: one feed, day by day.

    Attributes:
        feed: itself.
        trends: its measures.
        types: its resource types.
        days: the same in figures, the newest first.
        may_switch: whether the reader may say that the feed is off, or on again.
        problem: what was missing of what the reader said, or empty.
    """

    feed: FeedLine
    trends: tuple[Trend, ...]
    types: tuple[TypeLine, ...]
    days: tuple[DayLine, ...]
    may_switch: bool
    problem: str
