"""Whether suggestions still come in as many as before: a feed that died makes no noise of its own."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from scipy import special

WEEK = 7

BASELINE = 56
"""Days that a day is compared with: the eight weeks before it, the least for a spread per weekday."""

LEAST = 14
"""Fewer days before than this say nothing."""

HALF = 0.5
"""The least fall that is an alarm: to half of what is usual. Ours, as a floor under the test."""


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """The number of one or more days against the days before.

    Attributes:
        days: over how many days, the last ones, it is summed.
        count: how many there were.
        expected: how many are usual on such weekdays.
        p_low, p_high: the chance of as few, and of as many, when nothing has changed.
        silent: far fewer than usual.
        flooded: far more than usual.
    """

    days: int
    count: int
    expected: float
    p_low: float
    p_high: float
    silent: bool = False
    flooded: bool = False


def volume(counts: Sequence[int], level: float = 1e-4, days: int = 1, gap: int = 0) -> Volume | None:
    """Whether the last ``days`` of a row of daily counts are unusual; None where too little is known.

    A count is negative binomial about the mean of its weekday in the eight weeks before: spread beyond that
        of
    Poisson is taken from those days themselves (Farrington et al., J R Stat Soc A 1996;159:547-563, the idea:
    a baseline of comparable days, overdispersion, an upper or lower limit). Days that look dead are left
    out of the baseline, so that a feed that has been dead for weeks does not become usual.

    Args:
        counts: one number per day, without holes, oldest first.
        level: of either side.
        days: how many of the last days are summed.
        gap: how many days before them are left out of the baseline.
    """
    numbers = np.asarray(counts, dtype=np.float64)
    if days < 1 or len(numbers) < days + gap + LEAST:
        return None
    before, now = numbers[: len(numbers) - days - gap][-BASELINE:], numbers[-days:]
    middle = float(np.median(before))
    alive = before > 0.1 * middle if middle >= 10 else np.ones(len(before), dtype=bool)
    if alive.sum() < LEAST:
        return None
    usual = _usual(before, alive, days, gap)
    expected = float(usual.sum())
    if expected <= 0:
        return None
    excess = _excess(before, alive)
    count = float(now.sum())
    low, high = _tails(count, expected, excess, days)
    return Volume(
        days=days,
        count=int(count),
        expected=expected,
        p_low=low,
        p_high=high,
        silent=low < level and count < HALF * expected,
        flooded=high < level and count > expected / HALF,
    )


def _phases(length: int, offset: int) -> np.ndarray:
    """The weekday of each day of a baseline, counted back from the last day looked at."""
    return (np.arange(length) - length - offset) % WEEK


def _usual(before: np.ndarray, alive: np.ndarray, days: int, gap: int) -> np.ndarray:
    """Per day looked at, the mean of its weekday, drawn towards that of all days where it is rare."""
    phases = _phases(len(before), gap)
    mean = float(before[alive].mean())
    found = []
    for day in range(days):
        same = alive & (phases == day % WEEK)
        found.append((before[same].sum() + mean) / (same.sum() + 1))
    return np.asarray(found)


def _excess(before: np.ndarray, alive: np.ndarray) -> float:
    """How much the variance of a day exceeds that of Poisson, per squared mean, weekdays apart."""
    phases = _phases(len(before), 0)
    rest, freedom, level = 0.0, 0, float(before[alive].mean())
    for phase in range(WEEK):
        same = before[alive & (phases == phase)]
        if len(same) > 1:
            rest, freedom = rest + float(((same - same.mean()) ** 2).sum()), freedom + len(same) - 1
    variance = rest / freedom if freedom else level
    return max(variance - level, 0.0) / level**2 if level > 0 else 0.0


def _tails(count: float, expected: float, excess: float, days: int) -> tuple[float, float]:
    """The baseline itself is an estimate: its own error widens the spread by one in eight weeks."""
    spread = excess / days + 1 / (8 * expected)
    if spread < 1e-9:
        return float(special.pdtr(count, expected)), float(
            special.gammainc(count, expected)
        ) if count else 1.0
    size = 1 / spread
    share = size / (size + expected)
    low = float(special.betainc(size, count + 1, share))
    return low, float(special.betainc(count, size, 1 - share)) if count else 1.0
