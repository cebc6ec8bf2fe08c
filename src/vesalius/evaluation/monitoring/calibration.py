"""Whether the probabilities still mean what they say, and what would mend them."""

from __future__ import annotations

import math
from typing import Literal

import msgspec
import numpy as np

from vesalius.evaluation.metrics import Estimate
from vesalius.evaluation.monitoring import _figures, _scored
from vesalius.evaluation.monitoring._columns import Floats
from vesalius.evaluation.monitoring._scored import Scored
from vesalius.evaluation.monitoring.reference import Reference
from vesalius.evaluation.monitoring.tally import Tally

Proposal = Literal["keep", "intercept", "intercept and slope"]

FEWEST = 10
"""With fewer outcomes of either kind than this nothing is proposed."""

LEVEL = 0.05
"""Of the closed test, as in its source."""


RATIO = 1.25
"""The least change of O:E, up or down, that matters. Ours, as a floor under the tests."""

SLOPE = 0.8
"""What the slope must fall to, as a share of what it was, to matter: at 0.8 one speaks of overfitting in
derivation (Steyerberg, Clinical Prediction Models, 2nd ed. 2019, ch. 13, on shrinkage).
"""


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """Calibration of what came in, and a proposal to mend it; a person decides.

    Attributes:
        known: of how many rows the outcome is known.
        intercept: calibration in the large, the slope held at 1; 0 is ideal.
        slope: of the outcome on the log odds; 1 is ideal.
        slope_before: of the reference, where it knows outcomes.
        p: of the test that the probabilities are right as they are, against any intercept and slope.
        proposal: what the closed test proposes.
        add, multiply: the proposal: new log odds are ``add + multiply × old``.
    """

    known: int
    intercept: Estimate
    slope: Estimate
    slope_before: Estimate | None = None
    p: float
    proposal: Proposal = "keep"
    add: float = 0.0
    multiply: float = 1.0


class Fit(msgspec.Struct, frozen=True):
    """A logistic regression of the outcome on the log odds, with the covariance of its coefficients."""

    intercept: float
    slope: float
    covariance: tuple[float, float, float]
    likelihood: float

    @property
    def intercept_error(self) -> float:
        """The standard error of the intercept."""
        return math.sqrt(max(self.covariance[0], 0.0))

    @property
    def slope_error(self) -> float:
        """The standard error of the slope."""
        return math.sqrt(max(self.covariance[2], 0.0))


class Moved(msgspec.Struct, frozen=True):
    """Calibration against that of the reference.

    Attributes:
        p: that intercept and slope are as they were.
        ratio, ratio_before: observed per expected, now and in the reference.
        matters: whether the ratio has changed by a quarter, or the slope fallen by a fifth.
    """

    p: float
    ratio: float
    ratio_before: float
    matters: bool


def calibration(reference: Reference, tally: Tally, level: float = LEVEL) -> Calibration:
    """Calibration with a proposal by the closed test procedure.

    The widest update (intercept and slope) is tested against none; only if it is better, against the
    intercept alone; the first that is not beaten is proposed. So the chance of proposing an update that is
    not needed is ``level``. A revision of single coefficients is not tried: tallies do not hold what it
    needs.

    Source: Vergouwe et al., Stat Med 2017;36:4529-4539.

    Args:
        reference: for its slope.
        tally: with outcomes.
        level: of each test.
    """
    events, others = _outcomes(tally.scored)
    before = _slope(reference.scored)
    if min(events.sum(), others.sum()) < FEWEST:
        return Calibration(
            known=tally.scored.known,
            intercept=Estimate(None),
            slope=Estimate(None),
            slope_before=before,
            p=1.0,
        )
    kept, moved, both = fits(events, others)
    p = _tail(both.likelihood - kept, 2)
    proposal, add, multiply = _closed(kept, moved, both, level)
    return Calibration(
        known=tally.scored.known,
        intercept=_figures.interval(moved.intercept, moved.intercept_error, -math.inf, math.inf),
        slope=_figures.interval(both.slope, both.slope_error, -math.inf, math.inf),
        slope_before=before,
        p=p,
        proposal=proposal,
        add=add,
        multiply=multiply,
    )


def recalibration(scored: Scored) -> tuple[float, float]:
    """What to add to, and multiply, the log odds by to calibrate them on ``scored``; (0, 1) if they are."""
    events, others = _outcomes(scored)
    if min(events.sum(), others.sum()) < FEWEST:
        return 0.0, 1.0
    return _closed(*fits(events, others), LEVEL)[1:]


def moved(before: Scored, now: Scored) -> Moved | None:
    """Whether calibration has changed since the reference; None with too few outcomes.

    Where the reference knows no outcomes, the probabilities are taken at their word. Else both are
    estimates, and the difference of their coefficients is tested against the sum of their covariances
    (Wald, 2 degrees of freedom).
    """
    from scipy import special

    if min(now.positives, now.known - now.positives) < FEWEST:
        return None
    fit = _fit(*_outcomes(now), slope=True)
    gap, spread = np.array([fit.intercept, fit.slope - 1]), _matrix(fit)
    ratio, ratio_before = now.positives / max(now.expected, 1e-9), 1.0
    slope_before = 1.0
    if min(before.positives, before.known - before.positives) >= FEWEST:
        old = _fit(*_outcomes(before), slope=True)
        gap, spread = gap - [old.intercept, old.slope - 1], spread + _matrix(old)
        ratio_before, slope_before = before.positives / max(before.expected, 1e-9), old.slope
    p = float(special.chdtrc(2, max(float(gap @ _inverse(spread) @ gap), 0.0)))
    change = ratio / ratio_before
    matters = not 1 / RATIO < change < RATIO or fit.slope < SLOPE * slope_before
    return Moved(p, ratio, ratio_before, matters)


def _tail(gain: float, freedom: int) -> float:
    """Of the likelihood ratio test: the chance of so much gain when none is due."""
    from scipy import special

    return float(special.chdtrc(freedom, max(2 * gain, 0.0)))


def _inverse(two: Floats) -> Floats:
    """Of a 2 × 2 matrix, written out: a library's threads take a thousand times as long."""
    (a, b), (c, d) = two.tolist()
    determinant = max(a * d - b * c, 1e-12 * max(a * d, 1e-300))
    inverse: Floats = np.array([[d, -b], [-c, a]]) / determinant
    return inverse


def _matrix(fit: Fit) -> Floats:
    one, both, two = fit.covariance
    return np.array([[one, both], [both, two]])


def fits(events: Floats, others: Floats) -> tuple[float, Fit, Fit]:
    """On the bins: the likelihood as it is, the fit of the intercept alone, and of both."""
    kept = _likelihood(events, others, 0.0, 1.0)
    return kept, _fit(events, others, slope=False), _fit(events, others, slope=True)


def _closed(kept: float, moved: Fit, both: Fit, level: float) -> tuple[Proposal, float, float]:
    if _tail(both.likelihood - kept, 2) >= level:
        return "keep", 0.0, 1.0
    if _tail(both.likelihood - moved.likelihood, 1) >= level:
        return "intercept", moved.intercept, 1.0
    return "intercept and slope", both.intercept, both.slope


def _outcomes(scored: Scored) -> tuple[Floats, Floats]:
    counts = scored.dense().astype(np.float64)
    return counts[2], counts[3]


def _slope(scored: Scored) -> Estimate | None:
    events, others = _outcomes(scored)
    if min(events.sum(), others.sum()) < FEWEST:
        return None
    fit = _fit(events, others, slope=True)
    return _figures.interval(fit.slope, fit.slope_error, -math.inf, math.inf)


def _likelihood(events: Floats, others: Floats, intercept: float, slope: float) -> float:
    logits = intercept + slope * _scored.MIDDLES
    return float(-(events @ np.logaddexp(0, -logits)) - others @ np.logaddexp(0, logits))


def _fit(events: Floats, others: Floats, *, slope: bool) -> Fit:
    """By Newton's method, halving a step that does not help; perfect separation stops at 60 steps."""
    at, best = np.array([0.0, 1.0]), _likelihood(events, others, 0.0, 1.0)
    information = np.eye(2)
    for _ in range(60):
        gradient, information = _slopes(events, others, at)
        if not slope:
            step = np.array([gradient[0] / information[0, 0], 0.0])
        else:
            step = _inverse(information) @ gradient
        new = _likelihood(events, others, *(at + step))
        while new < best - 1e-12 and np.abs(step).max() > 1e-9:
            step = step / 2
            new = _likelihood(events, others, *(at + step))
        at, best = at + step, max(best, new)
        if np.abs(step).max() < 1e-9:
            break
    return Fit(float(at[0]), float(at[1]), _covariance(information, slope=slope), best)


def _slopes(events: Floats, others: Floats, at: Floats) -> tuple[Floats, Floats]:
    share = 1 / (1 + np.exp(-(at[0] + at[1] * _scored.MIDDLES)))
    rows = events + others
    rest, curve = events - rows * share, np.maximum(rows * share * (1 - share), 0)
    x = _scored.MIDDLES
    gradient = np.array([rest.sum(), rest @ x])
    cross = float(curve @ x)
    return gradient, np.array([[max(curve.sum(), 1e-12), cross], [cross, max(float(curve @ x**2), 1e-12)]])


def _covariance(information: Floats, *, slope: bool) -> tuple[float, float, float]:
    if not slope:
        return float(1 / information[0, 0]), 0.0, 0.0
    inverse = _inverse(information)
    return float(inverse[0, 0]), float(inverse[0, 1]), float(inverse[1, 1])
