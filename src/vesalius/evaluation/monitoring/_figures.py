"""Figures of performance from counts, with their intervals: of what is estimated and what is realised."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from vesalius.evaluation.metrics import LEVEL, Estimate
from vesalius.evaluation.monitoring._columns import Floats

Z = NormalDist().inv_cdf((1 + LEVEL) / 2)
"""How many standard errors an interval reaches to either side."""

DECISIONS: dict[str, tuple[tuple[int, int, int, int], tuple[int, int, int, int]]] = {
    "accuracy": ((1, 0, 0, 1), (1, 1, 1, 1)),
    "sensitivity": ((1, 0, 0, 0), (1, 0, 1, 0)),
    "specificity": ((0, 0, 0, 1), (0, 1, 0, 1)),
    "ppv": ((1, 0, 0, 0), (1, 1, 0, 0)),
    "npv": ((0, 0, 0, 1), (0, 0, 1, 1)),
    "f1": ((2, 0, 0, 0), (2, 1, 1, 0)),
}
"""What follows from acting on some: a ratio of two sums of true and false positives, false and true
negatives.
"""


def interval(value: float, error: float, low: float = 0.0, high: float = 1.0) -> Estimate:
    """A figure with its 95 % interval, held within ``low`` and ``high``; none where it is not defined."""
    if not math.isfinite(value):
        return Estimate(None)
    if not math.isfinite(error):
        return Estimate(round(value, 6))
    ends = max(value - Z * error, low), min(value + Z * error, high)
    return Estimate(round(value, 6), round(ends[0], 6), round(ends[1], 6))


def auroc(events: Floats, others: Floats) -> tuple[float, float]:
    """The AUROC of counts in ascending bins, a tie counting half, and its standard error.

    Source of the error: DeLong, DeLong & Clarke-Pearson, Biometrics 1988;44:837-845, on counts.
    """
    positives, negatives = float(events.sum()), float(others.sum())
    if not positives or not negatives:
        return math.nan, math.nan
    below = (np.cumsum(others) - others / 2) / negatives  # of each event: the share of others it beats
    above = 1 - (np.cumsum(events) - events / 2) / positives  # of each other: the share of events beating it
    value = float(events @ below) / positives
    spread_events = float(events @ (below - value) ** 2) / max(positives - 1, 1)
    spread_others = float(others @ (above - value) ** 2) / max(negatives - 1, 1)
    return value, math.sqrt(spread_events / positives + spread_others / negatives)


def tied(events: Floats, others: Floats) -> float:
    """The most that binning can have moved the AUROC: half of the share of the pairs that share a bin."""
    pairs = float(events.sum() * others.sum())
    return float(events @ others) / pairs / 2 if pairs else 0.0


def decisions(
    acted: tuple[float, float], left: tuple[float, float], spread: tuple[float, float]
) -> dict[str, Estimate]:
    """The figures of acting, by the delta method.

    Args:
        acted: of those acted on, how many with and without the outcome.
        left: of the others, how many with and without.
        spread: the variance of the first count of each.
    """
    counts = np.array([*acted, *left])
    found = {}
    for name, (part, whole) in DECISIONS.items():
        of = float(np.dot(whole, counts))
        if not of:
            found[name] = Estimate(None)
            continue
        value = float(np.dot(part, counts)) / of
        # An outcome more among those acted on makes a false positive a true one; among the others likewise.
        slopes = [
            ((part[hit] - part[miss]) - value * (whole[hit] - whole[miss])) / of
            for hit, miss in ((0, 1), (2, 3))
        ]
        found[name] = interval(value, math.sqrt(sum(s**2 * v for s, v in zip(slopes, spread, strict=True))))
    return found
