"""Whether suggestions still come in as many as before: a feed that died makes no noise of its own."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from vesalius.evaluation.monitoring._columns import Codes, Floats

WEEK = 7

BASELINE = 56
"""Days that a day is compared with: the last eight weeks that were alive."""

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
    of Poisson is taken from those days themselves (Farrington et al., J R Stat Soc A 1996;159:547-563, the
    idea: a baseline of comparable days, overdispersion, an upper or lower limit). Days that look dead are
    left out of the baseline, so that a feed that has been dead for weeks does not become usual.

    Args:
        counts: one number per day, without holes, oldest first.
        level: of either side.
        days: how many of the last days are summed.
        gap: how many days before them are left out of the baseline.
    """
    numbers = np.asarray(counts, dtype=np.float64)
    if days < 1 or len(numbers) < days + gap + LEAST:
        return None
    before, now = numbers[: len(numbers) - days - gap], numbers[-days:]
    phases = (np.arange(len(before)) - len(before) - gap) % WEEK
    high = float(np.quantile(before, 0.9))
    alive = before > 0.1 * high if high >= 10 else np.ones(len(before), dtype=bool)
    before, phases = before[alive][-BASELINE:], phases[alive][-BASELINE:]
    if len(before) < LEAST:
        return None
    expected = float(sum(_usual(before, phases, day) for day in range(days)))
    if expected <= 0:
        return None
    excess = _excess(before, phases)
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


def _usual(before: Floats, phases: Codes, day: int) -> float:
    """The mean of the weekday of a day, drawn towards that of all days where it is rare."""
    same = before[phases == day % WEEK]
    return float((same.sum() + before.mean()) / (len(same) + 1))


def _excess(before: Floats, phases: Codes) -> float:
    """How much the variance of a day exceeds that of Poisson, per squared mean, weekdays apart."""
    rest, freedom, level = 0.0, 0, float(before.mean())
    for phase in range(WEEK):
        same = before[phases == phase]
        if len(same) > 1:
            rest, freedom = rest + float(((same - same.mean()) ** 2).sum()), freedom + len(same) - 1
    variance = rest / freedom if freedom else level
    return max(variance - level, 0.0) / level**2 if level > 0 else 0.0


def _tails(count: float, expected: float, excess: float, days: int) -> tuple[float, float]:
    """The baseline itself is an estimate: its own error widens the spread by one in eight weeks."""
    from scipy import special

    spread = excess / days + 1 / (8 * expected)
    if spread < 1e-9:
        return float(special.pdtr(count, expected)), float(
            special.gammainc(count, expected)
        ) if count else 1.0
    size = 1 / spread
    share = size / (size + expected)
    low = float(special.betainc(size, count + 1, share))
    return low, float(special.betainc(count, size, 1 - share)) if count else 1.0
