"""Logistic regression with an L2 penalty, by Newton's method.

Written out because a validation run fits thousands of small ones: it is some ten times faster than a general
solver, and it converges to the last digits, so that the points rounded to the grid do not depend on the
machine. A test holds it equal to scikit-learn's.
"""

from __future__ import annotations

import numpy as np

from vesalius.modelling._arithmetic import Floats

_STEPS = 60
_CLOSE = 1e-6  # the error after such a step is of the order of its square


def fit(
    columns: Floats,
    outcomes: Floats,
    strength: float,
    weights: Floats | None = None,
    start: Floats | None = None,
) -> Floats:
    """The coefficients that minimise the penalised log loss.

    Source: le Cessie & van Houwelingen, Ridge estimators in logistic regression, Appl Stat 1992;41:191-201.

    Args:
        columns: N × P design; a column of ones for the intercept is added here.
        outcomes: N values, 0 or 1.
        strength: of the penalty ``strength / 2 · Σ w²``; the intercept is not penalised.
        weights: N counts of each row (of a bootstrap sample), or all 1.
        start: P + 1 coefficients near the answer, to save time.

    Returns:
        P + 1 coefficients, the intercept first.
    """
    weights = np.ones(len(outcomes)) if weights is None else weights
    design = np.hstack([np.ones((len(outcomes), 1)), columns])
    penalty = np.full(design.shape[1], strength)
    penalty[0] = 1e-6  # keeps the intercept finite should a sample hold one class only
    beta = np.zeros(design.shape[1]) if start is None else start
    loss = _loss(design, outcomes, weights, penalty, beta)
    for _ in range(_STEPS):
        risk = 1 / (1 + np.exp(-np.clip(design @ beta, -35, 35)))
        gradient = design.T @ (weights * (outcomes - risk)) - penalty * beta
        curvature = (design.T * (weights * risk * (1 - risk))) @ design
        curvature.flat[:: len(beta) + 1] += penalty
        step = np.linalg.solve(curvature, gradient)
        beta, loss = _descend(design, outcomes, weights, penalty, beta, step, loss)
        if np.abs(step).max() < _CLOSE:
            break
    return beta


def _descend(
    design: Floats,
    outcomes: Floats,
    weights: Floats,
    penalty: Floats,
    beta: Floats,
    step: Floats,
    loss: float,
) -> tuple[Floats, float]:
    """A whole step, or the largest halving of it that does not increase the loss."""
    size = 1.0
    while True:
        tried = beta + size * step
        reached = _loss(design, outcomes, weights, penalty, tried)
        if reached <= loss + 1e-9 or size < 1e-3:
            return tried, reached
        size /= 2


def _loss(design: Floats, outcomes: Floats, weights: Floats, penalty: Floats, beta: Floats) -> float:
    logits = design @ beta
    return float(weights @ (np.logaddexp(0, logits) - outcomes * logits) + penalty @ beta**2 / 2)


def recalibration(logits: Floats, outcomes: Floats) -> tuple[float, float]:
    """The intercept and slope that make held-out log odds honest.

    Source: Platt, Probabilistic outputs for support vector machines, 1999; Cox, Biometrika 1958;45:562-565.
    The slope is held between 0.05 and 5: a model must not be turned upside down by a small sample.
    """
    intercept, slope = fit(logits[:, None], outcomes, 1e-3).tolist()
    if 0.05 <= slope <= 5:
        return intercept, slope
    slope = min(max(slope, 0.05), 5.0)
    offset = float(np.mean(outcomes))
    return float(np.log(offset / (1 - offset)) - slope * np.mean(logits)), slope
