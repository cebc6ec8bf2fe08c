"""Conformal intervals for a number that is predicted: they hold the truth as often as they say.

Whatever the regression, its errors on patients that it did not learn from say how wide to be. The only
assumption is that new patients are like those (exchangeable).

Sources: Papadopoulos et al., Inductive confidence machines for regression, ECML 2002 (split, and normalised
by a spread); Romano, Patterson & Candès, Conformalized quantile regression, NeurIPS 2019.
"""

from __future__ import annotations

import math

import numpy as np

from vesalius.modelling._arithmetic import Floats


def margin(truth: Floats, predicted: Floats, level: float = 0.9, spread: Floats | None = None) -> float:
    """How far either side of a prediction an interval must reach.

    Args:
        truth: N values.
        predicted: N predictions by a model that did not learn from them: of a part put aside (split
            conformal), or of a cross-validation (cross-conformal).
        level: the share of new patients whose interval should hold the truth.
        spread: N positive numbers, how uncertain each prediction is thought to be; the margin is then a
            multiple of it (normalised). None: all alike.

    Returns:
        The ⌈(N + 1)·level⌉-th smallest error; infinite where N is too small to say.
    """
    errors = np.abs(truth - predicted)
    return _rank(errors if spread is None else errors / spread, level)


def quantile_margin(truth: Floats, low: Floats, high: Floats, level: float = 0.9) -> float:
    """How far beyond two predicted quantiles an interval must reach; below zero where they lie too far apart.

    Args:
        truth: N values.
        low: N predicted lower quantiles, by a model that did not learn from them.
        high: N predicted upper quantiles.
        level: the share of new patients whose interval should hold the truth.
    """
    return _rank(np.maximum(low - truth, truth - high), level)


def _rank(scores: Floats, level: float) -> float:
    place = math.ceil((len(scores) + 1) * level)
    return float(np.sort(scores)[place - 1]) if place <= len(scores) else math.inf
