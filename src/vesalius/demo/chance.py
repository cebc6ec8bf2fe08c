"""Small draws that the generator needs, each from a ``random.Random`` that the caller owns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random


def pick(rng: Random, weights: Mapping[str, float]) -> str:
    """One key, as likely as its weight."""
    return rng.choices(list(weights), list(weights.values()))[0]


def yes(rng: Random, probability: float) -> bool:
    """True with this probability."""
    return rng.random() < probability


def sigmoid(logit: float) -> float:
    """The probability of some log odds."""
    return 1 / (1 + math.exp(-logit))


def spread(rng: Random, low: float, high: float) -> float:
    """A number between two bounds, nearer the low one more often."""
    return rng.triangular(low, high, low + (high - low) / 4)


def lognormal(rng: Random, median: float, sigma: float) -> float:
    """A number whose logarithm (base e) is normal around that of ``median``."""
    return median * math.exp(rng.gauss(0, sigma))
