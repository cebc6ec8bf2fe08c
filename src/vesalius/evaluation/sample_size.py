"""How many patients are needed: to learn a model of so many parameters, and to validate it.

Sources: Riley et al., Calculating the sample size required for developing a clinical prediction model, BMJ
2020;368:m441 (development); Riley et al., Minimum sample size for external validation of a clinical
prediction model with a binary outcome, Stat Med 2021;40:4230-4251 (validation).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

import numpy as np

from vesalius.evaluation.metrics import Floats, log_odds
from vesalius.evaluation.run import Need, SampleSize

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vesalius.card import Input

SHRINKAGE = 0.9
"""Of the predictor effects, at least: an overfitting of at most a tenth (Riley 2020, criterion 1)."""

OPTIMISM = 0.05
"""In Nagelkerke's R², at most (Riley 2020, criterion 2)."""

MARGIN = 0.05
"""Of the overall risk, at most (Riley 2020, criterion 3)."""

WIDTHS = {"ratio": 0.2, "slope": 0.2, "auroc": 0.1}
"""Of the 95 % intervals of observed/expected, calibration slope and AUROC (the defaults of pmvalsampsize)."""

BENT = 3
"""The parameters of a number whose effect may bend: as many as a restricted cubic spline of four knots has,
the usual choice (Harrell, Regression Modeling Strategies, 2015, section 2.4.6); steps that boosting finds are
not free parameters each.
"""

_Z = 1.959963984540054
_MOST = 10**9


class Tabled(Protocol):
    """A term of an additive model, as far as its parameters are counted."""

    @property
    def shape(self) -> str:
        """``steps`` or ``line`` for a number."""

    @property
    def points(self) -> Sequence[float]:
        """One per level, step or knot."""


def shrinkage(parameters: int, r_squared: float, target: float = SHRINKAGE) -> int | None:
    """Rows so that the expected uniform shrinkage is ``target``: P / ((S - 1) ln(1 - R² / S)).

    Args:
        parameters: P candidate predictor parameters.
        r_squared: the Cox-Snell R² that is expected of the model.
        target: S.
    """
    if not 0 < r_squared < target:
        return None
    return math.ceil(parameters / ((target - 1) * math.log(1 - r_squared / target)))


def optimism(parameters: int, r_squared: float, prevalence: float, target: float = OPTIMISM) -> int | None:
    """Rows so that Nagelkerke's R² is at most ``target`` too good."""
    if not 0 < r_squared <= (most := greatest(prevalence)):
        return None
    return shrinkage(parameters, r_squared, r_squared / (r_squared + target * most))


def risk(prevalence: float, margin: float = MARGIN) -> int:
    """Rows so that the overall risk is known within ``margin``."""
    return math.ceil((1.96 / margin) ** 2 * prevalence * (1 - prevalence))


def greatest(prevalence: float) -> float:
    """The greatest Cox-Snell R² that a binary outcome of this prevalence allows (Riley 2020, box 2)."""
    share = prevalence * math.log(prevalence) + (1 - prevalence) * math.log(1 - prevalence)
    return 1 - math.exp(2 * share)


def ratio(prevalence: float, width: float = WIDTHS["ratio"]) -> int:
    """Rows so that the interval of observed/expected is ``width`` wide around 1 (Riley 2021)."""
    error = math.asinh(width / 2) / _Z
    return math.ceil((1 - prevalence) / (prevalence * error**2))


def slope(logits: Floats, width: float = WIDTHS["slope"]) -> int | None:
    """Rows so that the interval of the calibration slope is ``width`` wide around 1 (Riley 2021).

    Args:
        logits: the log odds of the predictions, as they are spread in the patients meant.
        width: of the interval.
    """
    chance = 1 / (1 + np.exp(-logits))
    weight = chance * (1 - chance)
    first, both, second = (float(np.mean(weight * logits**power)) for power in (0, 1, 2))
    information = first * second - both**2
    if information <= 1e-12:
        return None
    error = width / (2 * _Z)
    return math.ceil(first / (information * error**2))


def auroc(prevalence: float, area: float, width: float = WIDTHS["auroc"]) -> int | None:
    """Rows so that the interval of the AUROC is ``width`` wide (Riley 2021)."""
    if not 0.5 < area < 1:
        return None
    wanted = (width / (2 * _Z)) ** 2

    def variance(rows: float) -> float:
        half = rows / 2 - 1
        more = half * (1 - area) / (2 - area) + half * area / (1 + area)
        return area * (1 - area) * (1 + more) / (rows**2 * prevalence * (1 - prevalence))

    return _least(lambda rows: variance(rows) <= wanted)


def _least(enough: Callable[[float], bool]) -> int:
    low, high = 1, 2
    while not enough(high) and high < _MOST:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def cox_snell(outcomes: Floats, probability: Floats) -> float:
    """The R² of Cox and Snell of predictions: 1 - exp(2 (ll0 - ll) / n); it may be below 0."""
    share = float(outcomes.mean())
    logits = log_odds(probability)
    own = float(np.mean(outcomes * logits - np.logaddexp(0, logits)))
    none = share * math.log(share) + (1 - share) * math.log(1 - share)
    return 1 - math.exp(2 * (none - own))


def parameters(terms: Sequence[Tabled]) -> int:
    """How many parameters an additive model could use: of each term, its points less one."""
    return sum(min(len(term.points) - 1, BENT if term.shape == "steps" else _MOST) for term in terms)


def freely(inputs: Sequence[Input]) -> int:
    """How many parameters a model without tables could use, at the least: its inputs, no products."""
    return sum(BENT if item.kind == "number" else max(len(item.levels) - 1, 1) for item in inputs)


def needed(
    used: int, learned: tuple[int, int], outcomes: Floats, probability: Floats, area: float | None
) -> SampleSize:
    """What sample is needed, by predictions that were held out: they say how good the model really is.

    Args:
        used: parameters that the model could use.
        learned: rows that were learned from, and those of them with the outcome.
        outcomes: N outcomes of the rows held out.
        probability: N.
        area: their AUROC.
    """
    prevalence, rows = float(outcomes.mean()), len(outcomes)
    explained = cox_snell(outcomes, probability)
    wanted = {
        "development.shrinkage": (shrinkage(used, explained), learned[0]),
        "development.optimism": (optimism(used, explained, prevalence), learned[0]),
        "development.risk": (risk(prevalence), learned[0]),
        "validation.ratio": (ratio(prevalence), rows),
        "validation.slope": (slope(log_odds(probability)), rows),
        "validation.auroc": (auroc(prevalence, area) if area else None, rows),
    }
    return SampleSize(
        parameters=used,
        events_per_parameter=round(learned[1] / used, 3) if used else 0.0,
        r_squared=round(explained, 6),
        needs=tuple(Need(criterion=name, rows=size, given=given) for name, (size, given) in wanted.items()),
    )
