"""How good predictions are: each figure with the paper that defines it.

Every function takes N outcomes and N scores, and optionally N weights: the counts of each row in a bootstrap
sample. A figure that is not defined (one class only) is not a number, never a guess.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Metric = Callable[[Floats, Floats, Floats], float]
"""From outcomes (0 or 1), scores and weights to one number."""

DRAWS = 1000
"""Bootstrap samples behind an interval."""

LEVEL = 0.95
"""Of the intervals."""

SPAN = 0.75
"""Share of the patients that each point of a smoothed calibration curve looks at."""

MOST = 2000
"""Groups of like scores beyond which a curve gains nothing."""

_GRID = 100


class Estimate(msgspec.Struct, frozen=True):
    """A figure with its 95 % interval; None where it is not defined."""

    value: float | None
    low: float | None = None
    high: float | None = None


def auroc(outcomes: Any, scores: Any, weights: Any = None) -> float:
    """The chance that a random patient with the outcome scores above one without; a tie counts half.

    Source: Hanley & McNeil, Radiology 1982;143:29-36.
    """
    truth, score, weight = _arrays(outcomes, scores, weights)
    positive, negative = _steps(truth, score, weight)
    above = np.cumsum(positive) - positive  # descending scores: positives strictly above each tie
    pairs = positive.sum() * negative.sum()
    return float(negative @ (above + positive / 2) / pairs) if pairs else math.nan


def auprc(outcomes: Any, scores: Any, weights: Any = None) -> float:
    """Average precision: the precision at each score, weighted by the recall that it adds.

    Source: Davis & Goadrich, The relationship between precision-recall and ROC curves, ICML 2006; the step
    form, not the trapezium, which is optimistic.
    """
    truth, score, weight = _arrays(outcomes, scores, weights)
    positive, negative = _steps(truth, score, weight)
    hits, all_ = np.cumsum(positive), np.cumsum(positive + negative)
    if not positive.sum() or not negative.sum():
        return math.nan
    return float(positive @ np.divide(hits, all_, out=np.zeros_like(hits), where=all_ > 0) / hits[-1])


def brier(outcomes: Any, scores: Any, weights: Any = None) -> float:
    """The mean squared difference between probability and outcome (Brier, Mon Weather Rev 1950;78:1-3)."""
    truth, score, weight = _arrays(outcomes, scores, weights)
    return float(weight @ (score - truth) ** 2 / weight.sum()) if weight.sum() else math.nan


def scaled_brier(outcomes: Any, scores: Any, weights: Any = None) -> float:
    """1 less the Brier score relative to that of the prevalence: 0 says nothing new, 1 is perfect.

    Source: Steyerberg et al., Epidemiology 2010;21:128-138.
    """
    truth, score, weight = _arrays(outcomes, scores, weights)
    prevalence = float(weight @ truth / weight.sum()) if weight.sum() else math.nan
    reference = prevalence * (1 - prevalence)
    return 1 - brier(truth, score, weight) / reference if reference else math.nan


def calibration_slope(outcomes: Any, scores: Any, weights: Any = None) -> float:
    """The slope of the outcome on the log odds: 1 is ideal, below 1 the predictions are too extreme.

    Source: Cox, Biometrika 1958;45:562-565; Van Calster et al., BMC Med 2019;17:230.
    """
    truth, score, weight = _arrays(outcomes, scores, weights)
    return _logistic(truth, log_odds(score), weight, slope=True)


def calibration_intercept(outcomes: Any, scores: Any, weights: Any = None) -> float:
    """Calibration in the large: what to add to the log odds so that the mean is right; 0 is ideal.

    Source: as for :func:`calibration_slope`.
    """
    truth, score, weight = _arrays(outcomes, scores, weights)
    return _logistic(truth, log_odds(score), weight, slope=False)


def ici(outcomes: Any, scores: Any, weights: Any = None) -> float:
    """Integrated calibration index: the mean distance between probability and smoothed observed share.

    Source: Austin & Steyerberg, Stat Med 2019;38:4051-4065.
    """
    truth, score, weight = _arrays(outcomes, scores, weights)
    if not weight.sum():
        return math.nan
    at = np.quantile(score, np.linspace(0, 1, _GRID))
    observed = np.interp(score, at, smooth(truth, score, weight, at))
    return float(weight @ np.abs(observed - score) / weight.sum())


def smooth(outcomes: Any, scores: Any, weights: Any, at: Any) -> Floats:
    """The observed share of the outcome around each probability of ``at``: locally linear, tricube weights.

    It is loess of degree 1 with a span of 0.75, without its robustness steps.

    Source: Cleveland, J Am Stat Assoc 1979;74:829-836.
    """
    truth, score, weight = _few(*_arrays(outcomes, scores, weights))
    points = np.asarray(at, dtype=np.float64)
    far = np.abs(score[None, :] - points[:, None])
    reach = np.maximum(np.quantile(far, SPAN, axis=1), 1e-6)[:, None]
    kernel = weight * np.clip(1 - (far / (1.0001 * reach)) ** 3, 0, None) ** 3
    total = kernel.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        middle, level = kernel @ score / total, kernel @ truth / total
        spread = kernel @ score**2 / total - middle**2
        joint = kernel @ (score * truth) / total - middle * level
        line = level + np.where(spread > 1e-9, joint / spread, 0.0) * (points - middle)
    shares: Floats = np.clip(np.nan_to_num(line), 0, 1)
    return shares


def sensitivity(outcomes: Any, acted: Any, weights: Any = None) -> float:
    """Of those with the outcome, the share that was acted on (Altman & Bland, BMJ 1994;308:1552)."""
    truth, act, weight = _arrays(outcomes, acted, weights)
    return _share(weight * truth, act)


def specificity(outcomes: Any, acted: Any, weights: Any = None) -> float:
    """Of those without the outcome, the share that was left alone (Altman & Bland, BMJ 1994;308:1552)."""
    truth, act, weight = _arrays(outcomes, acted, weights)
    return _share(weight * (1 - truth), 1 - act)


def ppv(outcomes: Any, acted: Any, weights: Any = None) -> float:
    """Of those acted on, the share with the outcome (Altman & Bland, BMJ 1994;309:102)."""
    truth, act, weight = _arrays(outcomes, acted, weights)
    return _share(weight * act, truth)


def npv(outcomes: Any, acted: Any, weights: Any = None) -> float:
    """Of those left alone, the share without the outcome (Altman & Bland, BMJ 1994;309:102)."""
    truth, act, weight = _arrays(outcomes, acted, weights)
    return _share(weight * (1 - act), 1 - truth)


def net_benefit(outcomes: Any, acted: Any, threshold: float, weights: Any = None) -> float:
    """True positives less false positives, the latter at the odds of the threshold, per patient.

    Source: Vickers & Elkin, Med Decis Making 2006;26:565-574.
    """
    truth, act, weight = _arrays(outcomes, acted, weights)
    if not weight.sum():
        return math.nan
    odds = threshold / (1 - threshold)
    return float((weight * act) @ (truth - odds * (1 - truth)) / weight.sum())


def roc(outcomes: Any, scores: Any, weights: Any = None) -> tuple[Floats, Floats]:
    """The false and the true positive rate at every score, from (0, 0) to (1, 1) (Hanley & McNeil 1982)."""
    truth, score, weight = _arrays(outcomes, scores, weights)
    positive, negative = _steps(truth, score, weight)
    with np.errstate(divide="ignore", invalid="ignore"):
        false = np.concatenate([[0.0], np.cumsum(negative) / negative.sum()])
        true = np.concatenate([[0.0], np.cumsum(positive) / positive.sum()])
    return false, true


def log_odds(probabilities: Any) -> Floats:
    """The log odds of probabilities, kept away from 0 and 1."""
    bounded = np.clip(np.asarray(probabilities, dtype=np.float64), 1e-9, 1 - 1e-9)
    result: Floats = np.log(bounded / (1 - bounded))
    return result


def resamples(groups: Sequence[Hashable], draws: int, rng: np.random.Generator) -> Floats:
    """Bootstrap samples of patients: draws × N counts; the rows of one patient are drawn together.

    Source: Efron & Tibshirani, An Introduction to the Bootstrap, 1993, ch. 8 (clusters are the units).
    """
    place = {name: number for number, name in enumerate(dict.fromkeys(groups))}
    rows = np.array([place[name] for name in groups], dtype=np.intp)
    counts = np.empty((draws, len(rows)))
    for draw in range(draws):
        drawn = rng.integers(0, len(place), len(place))
        counts[draw] = np.bincount(drawn, minlength=len(place))[rows]
    return counts


def estimate(metric: Metric, outcomes: Floats, scores: Floats, counts: Floats) -> Estimate:
    """A figure of repeated cross-validation with its bootstrap percentile interval.

    Args:
        metric: the figure.
        outcomes: N outcomes.
        scores: R × N scores, one row per repeat.
        counts: draws × N, from :func:`resamples`; draw ``b`` uses repeat ``b`` modulo R, so that the interval
            holds both the patients' and the splits' share of chance.

    Returns:
        The mean over the repeats, and the interval.
    """
    whole = np.ones(len(outcomes))
    values = [metric(outcomes, row, whole) for row in scores]
    drawn = [metric(outcomes, scores[draw % len(scores)], row) for draw, row in enumerate(counts)]
    return around(float(np.mean(values)), drawn)


def around(value: float, drawn: Sequence[float] | Floats) -> Estimate:
    """``value`` with the percentile interval of what was drawn; draws without a value are left out.

    The ends are rounded to 6 decimals: more would only be noise, and would differ between machines.
    """
    if not math.isfinite(value):
        return Estimate(None)
    every = np.asarray(drawn, dtype=np.float64)
    known = every[np.isfinite(every)]
    if not len(known):
        return Estimate(round(value, 6))
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(known, [tail, 1 - tail]).tolist()
    return Estimate(round(value, 6), round(low, 6), round(high, 6))


def exact(hits: int, of: int) -> Estimate:
    """A proportion with its exact interval (Clopper & Pearson, Biometrika 1934;26:404-413)."""
    if not of:
        return Estimate(None)
    from scipy.stats import beta

    tail = (1 - LEVEL) / 2
    low = float(beta.ppf(tail, hits, of - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, of - hits)) if hits < of else 1.0
    return Estimate(round(hits / of, 6), round(low, 6), round(high, 6))


def _arrays(outcomes: Any, scores: Any, weights: Any) -> tuple[Floats, Floats, Floats]:
    truth = np.asarray(outcomes, dtype=np.float64)
    score = np.asarray(scores, dtype=np.float64)
    weight = np.ones(len(truth)) if weights is None else np.asarray(weights, dtype=np.float64)
    return truth, score, weight


def _steps(truth: Floats, score: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """The weight of each class at each distinct score, from the greatest down."""
    _, place = np.unique(-score, return_inverse=True)
    return _sums(place, weight * truth), _sums(place, weight * (1 - truth))


def _sums(place: Any, weight: Floats) -> Floats:
    sums: Floats = np.bincount(place, weight).astype(np.float64)
    return sums


def _share(weight: Floats, hit: Floats) -> float:
    total = float(weight.sum())
    return float(weight @ hit) / total if total else math.nan


def _few(truth: Floats, score: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Many patients as the means of at most 2,000 groups with like scores: a curve needs no more."""
    if len(score) <= MOST:
        return truth, score, weight
    part = np.argsort(np.argsort(score, kind="stable"), kind="stable") * MOST // len(score)
    total = _sums(part, weight)
    safe = np.maximum(total, 1e-12)
    return _sums(part, weight * truth) / safe, _sums(part, weight * score) / safe, total


def fitted(logits: Any, positive: Any, negative: Any, *, slope: bool) -> float:
    """The calibration slope, or the intercept, of G groups with so many with the outcome and without.

    Source: as for :func:`calibration_slope`.
    """
    x, hits, rest = (np.asarray(part, dtype=np.float64) for part in (logits, positive, negative))
    total = hits + rest
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(total > 0, hits / total, 0.0)
    return _logistic(share, x, total, slope=slope)


def _logistic(truth: Floats, logits: Floats, weight: Floats, *, slope: bool) -> float:
    """The slope of a logistic regression on log odds, or its intercept when the slope is held at 1."""
    if not 0 < weight @ truth < weight.sum():
        return math.nan
    intercept, gain = 0.0, 1.0
    for _ in range(50):
        steps = _newton(truth, logits, weight, intercept, gain, slope=slope)
        if not all(map(math.isfinite, steps)):
            return math.nan
        intercept, gain = intercept + steps[0], gain + steps[1]
        if max(map(abs, steps)) < 1e-9:
            break
    return gain if slope else intercept


def _newton(
    truth: Floats, logits: Floats, weight: Floats, intercept: float, gain: float, *, slope: bool
) -> tuple[float, float]:
    """One step of at most 2 towards the greatest likelihood; not a number where there is none."""
    risk = 1 / (1 + np.exp(-np.clip(intercept + gain * logits, -35, 35)))
    rest, curve = weight * (truth - risk), weight * risk * (1 - risk)
    first, second = float(rest.sum()), float(rest @ logits)
    a, b, c = float(curve.sum()), float(curve @ logits), float(curve @ logits**2)
    if not slope:
        return _held(first / max(a, 1e-12)), 0.0
    determinant = a * c - b * b
    if determinant <= 1e-12 * max(a * c, 1e-300):
        return math.nan, math.nan
    return _held((c * first - b * second) / determinant), _held((a * second - b * first) / determinant)


def _held(step: float) -> float:
    return min(max(step, -2.0), 2.0)
