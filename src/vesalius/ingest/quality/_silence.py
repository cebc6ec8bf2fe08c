"""Has a feed fallen silent? Judged by what the same hours of the weeks before brought, and by its longest gap.

Two rules, because feeds come in two kinds:

- A *busy* feed (messages all day, fewer at night and on Sundays) is compared with the same hours of the four
  weeks before. If at least :data:`SILENT` arrivals came then, and none now, it is silent: a feed of random
  arrivals (Poisson) at that rate is silent as long by chance in one of e^7, about 1,100, such windows. Of the
  weeks the second poorest counts, so that neither a holiday nor an earlier outage decides.
- A *scheduled* feed (a file each night) brings too few arrivals for that. It is silent once its silence is
  longer than :data:`MARGIN` times its longest gap in the four weeks before.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

WEEKS = 4
"""How many weeks are looked back."""

LATE, SILENT = 3, 7
"""From how many expected arrivals on a feed that brings none is late (1 in 20 by chance), and silent."""

MARGIN = 1.25
"""How much longer than its longest gap the silence of a scheduled feed must be."""

FEWEST = 8
"""Fewer arrivals than this tell nothing about a rhythm."""

_WEEK, _DAY = timedelta(days=7), timedelta(days=1)


class Alarm(StrEnum):
    """The state of a feed."""

    FINE = "fine"
    LATE = "late"
    SILENT = "silent"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Silence:
    """How long a feed has been silent, and whether that is unusual.

    Attributes:
        alarm: what it comes to.
        last: when something last came; None if nothing ever did.
        since: how long ago that is.
        expected: how many arrivals the same hours of the weeks before brought (the second poorest week).
        longest: the longest gap of the last weeks.
    """

    alarm: Alarm
    last: datetime | None
    since: timedelta
    expected: float
    longest: timedelta


def assess(arrivals: Sequence[datetime], now: datetime) -> Silence:
    """Judges the silence of a feed.

    Args:
        arrivals: when something came, whatever became of it, in order; those of the last five weeks are enough.
        now: the moment of the question.
    """
    known = arrivals[: bisect_right(arrivals, now)]
    if not known:
        return Silence(Alarm.UNKNOWN, None, timedelta(0), 0.0, timedelta(0))
    last = known[-1]
    since, expected = now - last, _expected(known, now)
    recent = [moment for moment in known if moment > last - WEEKS * _WEEK]
    longest = max((b - a for a, b in zip(recent, recent[1:], strict=False)), default=timedelta(0))
    return Silence(_alarm(len(recent), since, expected, longest), last, since, expected, longest)


def _alarm(count: int, since: timedelta, expected: float, longest: timedelta) -> Alarm:
    if count < FEWEST:
        return Alarm.UNKNOWN
    if expected >= SILENT or since > longest * MARGIN:
        return Alarm.SILENT
    if expected >= LATE or since > longest:
        return Alarm.LATE
    return Alarm.FINE


def _expected(known: Sequence[datetime], now: datetime) -> float:
    """How many arrivals the window since the last one brought in earlier weeks; days, while there are none."""
    last, first = known[-1], known[0]
    for step, most in ((_WEEK, WEEKS), (_DAY, 6)):
        back = [step * n for n in range(1, most + 1) if first <= last - step * n and now - last <= step]
        if len(back) >= 2:
            counts = sorted(
                bisect_right(known, now - shift) - bisect_right(known, last - shift) for shift in back
            )
            return float(counts[1] if len(counts) >= 3 else counts[0])
    return 0.0
