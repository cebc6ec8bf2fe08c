"""Has a feed fallen silent? Judged by what the same hours of the weeks before brought, and by its usual gaps.

Three rules, because feeds come in several kinds:

- A *busy* feed (messages all day, fewer at night and on Sundays) is compared with the same hours of the four
  weeks before. If at least :data:`SILENT` arrivals came then, and none now, it is silent: a feed of random
  arrivals (Poisson) at half that rate, as on a holiday, is silent as long by chance in one of e^6, about 400,
  such windows. Of the weeks the second poorest counts, so that an earlier outage does not decide.
- A *scheduled* feed (a file each night, or each working day) brings too few arrivals for that. It is silent
  once its silence is longer than :data:`MARGIN` times the gaps that began at this time of the week, if these
  are all alike.
- Any feed is silent once its silence is longer than :data:`TWICE` times its longest gap in four weeks.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import accumulate, pairwise

WEEKS = 4
"""How many weeks are looked back."""

LATE, SILENT = 6, 12
"""From how many expected arrivals on a feed that brings none is late, and silent."""

MARGIN = 1.25
"""How much longer than its usual gap the silence of a scheduled feed must be; its gaps differ by less."""

TWICE = 2.0
"""How much longer than its longest gap the silence of any feed must be."""

FEWEST = 8
"""Fewer arrivals than this tell nothing about a rhythm."""

_WEEK, _DAY = timedelta(days=7), timedelta(days=1)
_NEAR = timedelta(hours=6)


class Alarm(StrEnum):
    """The state of a feed."""

    FINE = "fine"
    LATE = "late"
    SILENT = "silent"
    UNKNOWN = "unknown"
    OFF = "off"
    """A person switched it off on purpose."""


@dataclass(frozen=True)
class Silence:
    """How long a feed has been silent, and whether that is unusual.

    Attributes:
        alarm: what it comes to.
        last: when something last came; None if nothing ever did.
        since: how long ago that is.
        expected: how many arrivals the same hours of the weeks before brought (the second poorest week).
        usual: the usual gap at this time of the week of a scheduled feed, else the longest of four weeks.
    """

    alarm: Alarm
    last: datetime | None
    since: timedelta
    expected: float
    usual: timedelta


QUARTER = timedelta(minutes=15)
"""Arrivals are counted by the quarter of an hour: a busy feed has too many to look at one by one."""


def assess(last: datetime | None, quarters: Sequence[tuple[datetime, int]], now: datetime) -> Silence:
    """Judges the silence of a feed.

    Args:
        last: when something last came; None if nothing ever did.
        quarters: the start of each quarter of an hour in which something came, in order, and how much came in
            it, whatever became of it; those of five weeks are enough.
        now: the moment of the question, not before ``last``.
    """
    if last is None:
        return Silence(Alarm.UNKNOWN, None, timedelta(0), 0.0, timedelta(0))
    rhythm = _Rhythm(quarters)
    since, expected = now - last, rhythm.expected(last, now)
    month = last - WEEKS * _WEEK
    usual, margin = _usual([start for start, _ in quarters if start > month])
    if rhythm.until(now) - rhythm.until(month) < FEWEST:
        alarm = Alarm.UNKNOWN
    elif expected >= SILENT or since > usual * margin:
        alarm = Alarm.SILENT
    elif expected >= LATE or since > usual * (1 + margin) / 2:
        alarm = Alarm.LATE
    else:
        alarm = Alarm.FINE
    return Silence(alarm, last, since, expected, usual)


class _Rhythm:
    """How much came until any moment; within a quarter of an hour, evenly."""

    def __init__(self, quarters: Sequence[tuple[datetime, int]]) -> None:
        self._starts = [start for start, _ in quarters]
        self._counts = [count for _, count in quarters]
        self._totals = [0, *accumulate(self._counts)]

    def until(self, moment: datetime) -> float:
        place = bisect_right(self._starts, moment) - 1
        if place < 0:
            return 0.0
        part = min(1.0, (moment - self._starts[place]) / QUARTER)
        return self._totals[place] + part * self._counts[place]

    def expected(self, last: datetime, now: datetime) -> float:
        """How much the window since the last arrival brought in earlier weeks; or days, for a young feed."""
        for step, most in ((_WEEK, WEEKS), (_DAY, 6)):
            back = [step * n for n in range(1, most + 1)]
            back = [shift for shift in back if self._starts[0] <= last - shift and now - last <= step]
            if len(back) >= 2:
                counts = sorted(self.until(now - shift) - self.until(last - shift) for shift in back)
                return counts[1] if len(counts) >= 3 else counts[0]
        return 0.0


def _usual(recent: Sequence[datetime]) -> tuple[timedelta, float]:
    """The gap that is usual after the last arrival, and how much longer a silence must be."""
    gaps = [(start, end - start) for start, end in pairwise(recent)]
    similar = [gap for start, gap in gaps if _same_time_of_week(start, recent[-1])]
    if len(similar) >= 3 and max(similar) <= min(similar) * MARGIN:
        return max(similar), MARGIN
    return max((gap for _, gap in gaps), default=timedelta(0)), TWICE


def _same_time_of_week(one: datetime, other: datetime) -> bool:
    apart = (other - one) % _WEEK
    return min(apart, _WEEK - apart) <= _NEAR
