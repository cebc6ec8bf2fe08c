"""Looking several times without fooling oneself: group-sequential designs, computed exactly.

A trial that is looked at K times and stopped as soon as one look pleases finds something far too often. Here
the whole chance of a false success, alpha, is spent little by little over the looks (Lan & DeMets, Biometrika
1983;70:659-663), whatever share of the information each of them happens to have. The bounds follow by
numerical integration of the joint density of the K statistics (Armitage, McPherson & Rowe, J R Stat Soc A
1969;132:235-244; Jennison & Turnbull, Group Sequential Methods, 2000, ch. 19).

Everything is on the scale of a normal statistic ``z`` whose mean is ``drift * sqrt(fraction)``: the drift is
0 where the truth is no better than the value to exceed, and its planned value where what is expected is true.
All tests are one-sided, upwards. Futility bounds are not binding: alpha is computed as if nobody heeded them,
so going on in spite of one costs no error.

Beside it, an always-valid answer for a proportion (Howard et al., Ann Stat 2021;49:1055-1080; Waudby-Smith &
Ramdas, J R Stat Soc B 2024;86:1-27): it may be looked at after each patient, and needs more of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import NormalDist
from typing import Literal

import msgspec
import numpy as np

from vesalius.errors import InvalidSetting
from vesalius.evaluation.metrics import Estimate, Floats

Spending = Literal["obrien-fleming", "pocock"] | float
"""How alpha is spent: carefully at first, evenly, or the gamma of Hwang, Shih & DeCani."""

_NORMAL = NormalDist()
_GRID = 18
"""Jennison & Turnbull's r: 12 r − 3 points at each look, errors below 1e-6."""
_FAR = 8.0
"""A bound no statistic crosses."""


class Bounds(msgspec.Struct, frozen=True):
    """The K looks of a trial.

    Attributes:
        fractions: the share of the maximum information at each look.
        upper: at this z or above, success is shown.
        lower: at this z or below, success will hardly come; equal to ``upper`` at the last look.
    """

    fractions: tuple[float, ...]
    upper: tuple[float, ...]
    lower: tuple[float, ...]


class Crossing(msgspec.Struct, frozen=True):
    """The chance, at each of K looks, to stop for success or for futility for the first time."""

    success: tuple[float, ...]
    futility: tuple[float, ...]

    @property
    def power(self) -> float:
        """The chance to end with success."""
        return sum(self.success)


class Design(msgspec.Struct, frozen=True, kw_only=True):
    """A planned group-sequential trial.

    Attributes:
        alpha: the chance of a false success, one-sided.
        power: the chance of a success that is true.
        spending: how alpha is spent.
        futility: how the chance to miss, 1 − power, is spent.
        bounds: of the planned looks.
        drift: the mean of z at full information where what is expected is true.
        inflation: the maximum information, of that of a trial with one look.
        expected: the expected information, of that of a trial with one look, at 0, half and the whole drift.
    """

    alpha: float
    power: float
    spending: Spending
    futility: Spending
    bounds: Bounds
    drift: float
    inflation: float
    expected: tuple[float, float, float]


def design(
    fractions: Sequence[float],
    *,
    alpha: float = 0.025,
    power: float = 0.9,
    spending: Spending = "obrien-fleming",
    futility: Spending = "obrien-fleming",
) -> Design:
    """The design with these looks; its futility bounds meet the upper one at the last.

    Args:
        fractions: K shares of the maximum information, rising, the last one 1.
        alpha: the chance of a false success, one-sided.
        power: the chance of a success that is true.
        spending: how alpha is spent.
        futility: how 1 − power is spent.

    Raises:
        InvalidSetting: the looks do not rise to 1, or alpha or power is no sensible chance.
    """
    from scipy.optimize import brentq

    looks = _checked(fractions)
    if looks[-1] != 1.0:
        raise InvalidSetting("the last look is at the whole information", hint="end the looks with 1")
    if not 0.0 < alpha <= 0.2 or not 0.5 <= power < 1.0:
        raise InvalidSetting("alpha lies above 0 and up to 0.2, the power from 0.5 to below 1")
    upper = efficacy(looks, alpha, spending)
    single = _NORMAL.inv_cdf(1 - alpha) + _NORMAL.inv_cdf(power)

    def gap(drift: float) -> float:
        """How far the last futility bound lies above the success bound."""
        lower = _spent_below(looks, upper, drift, 1 - power, futility)
        return lower[-1] - upper[-1]

    drift = float(brentq(gap, single * 0.9, single * 1.8, xtol=1e-9))
    bounds = Bounds(looks, upper, (*_spent_below(looks, upper, drift, 1 - power, futility)[:-1], upper[-1]))
    inflation = (drift / single) ** 2
    means = (_expected(bounds, part * drift) * inflation for part in (0.0, 0.5, 1.0))
    return Design(
        alpha=alpha,
        power=power,
        spending=spending,
        futility=futility,
        bounds=bounds,
        drift=drift,
        inflation=inflation,
        expected=(next(means), next(means), next(means)),
    )


def at_looks(plan: Design, fractions: Sequence[float], *, last: bool = False) -> Bounds:
    """The bounds of the looks that were really made, at whatever shares of the information they came.

    Args:
        plan: what was planned.
        fractions: the shares at the looks so far, rising; the last may be above 1.
        last: whether the last of them ends the trial: it spends all that is left of alpha.
    """
    looks = _checked(fractions)
    upper = efficacy(looks, plan.alpha, plan.spending, last=last)
    lower = _spent_below(looks, upper, plan.drift, 1 - plan.power, plan.futility)
    # A futility bound above the success bound would say both at once.
    held = tuple(min(pair) for pair in zip(lower, upper, strict=True))
    return Bounds(looks, upper, (*held[:-1], upper[-1]) if last else held)


def spent(spending: Spending, total: float, fraction: float) -> float:
    """How much of ``total`` is spent when this share of the information is there.

    Sources: the first two of Lan & DeMets, Biometrika 1983;70:659-663; a number is the gamma of Hwang, Shih &
    DeCani, Stat Med 1990;9:1439-1445.
    """
    if fraction >= 1:
        return total
    if fraction <= 0:
        return 0.0
    if spending == "obrien-fleming":
        return 2 * _NORMAL.cdf(-_NORMAL.inv_cdf(1 - total / 2) / math.sqrt(fraction))
    if spending == "pocock":
        return total * math.log1p((math.e - 1) * fraction)
    gamma = float(spending)
    return total * (math.expm1(-gamma * fraction) / math.expm1(-gamma) if gamma else fraction)


def efficacy(
    fractions: Sequence[float], alpha: float, spending: Spending, *, last: bool = False
) -> tuple[float, ...]:
    """The success bound of each look, on the scale of z.

    Args:
        fractions: K shares of the information, rising.
        alpha: the chance of a false success, one-sided.
        spending: how it is spent.
        last: whether the last look spends all that is left.
    """
    looks = _checked(fractions)
    totals = [spent(spending, alpha, each) for each in looks]
    if last:
        totals[-1] = alpha
    state, found = _Density(0.0), []
    for fraction, before, after in zip(looks, [0.0, *totals], totals, strict=False):
        bound = state.bound_above(fraction, after - before)
        found.append(bound)
        state = state.step(fraction, -_FAR, bound)
    return tuple(found)


def crossing(bounds: Bounds, drift: float) -> Crossing:
    """The chance at each look to cross a bound for the first time, where the drift is ``drift``."""
    state, success, futility = _Density(drift), [], []
    for fraction, upper, lower in zip(bounds.fractions, bounds.upper, bounds.lower, strict=True):
        success.append(state.above(fraction, upper))
        futility.append(state.below(fraction, lower))
        state = state.step(fraction, lower, upper)
    return Crossing(tuple(success), tuple(futility))


def repeated(value: float, error: float, bound: float) -> Estimate:
    """A repeated confidence interval: all of them together hold the truth with chance 1 − 2 alpha.

    Source: Jennison & Turnbull, J R Stat Soc B 1989;51:305-361.

    Args:
        value: the figure.
        error: its standard error.
        bound: the success bound of this look.
    """
    return Estimate(value, value - bound * error, value + bound * error)


def evidence_above(hits: int, of: int, value: float) -> float:
    """An e-value against "the share is at most ``value``": betting on every higher share at once.

    It is a nonnegative supermartingale in the number of patients, started at 1: the chance that it ever
    reaches 1/alpha is at most alpha (Ville), so it may be looked at after each patient. The mixture is
    uniform over the shares above ``value``.

    Args:
        hits: patients with the answer hoped for.
        of: patients in all.
        value: the share that must be exceeded, 0 to 1.
    """
    from scipy.special import betaincc, betaln

    above = float(betaincc(1 + hits, 1 + of - hits, value))
    if above <= 0:
        return 0.0
    log = float(betaln(1 + hits, 1 + of - hits)) + math.log(above / (1 - value))
    log -= hits * math.log(value) + (of - hits) * math.log1p(-value)
    return math.exp(min(log, 700.0))


def always_above(hits: int, of: int, alpha: float) -> float:
    """The lower end of a confidence sequence for a share: below it at all times with chance 1 − alpha."""
    low, high = 0.0, hits / of if of else 0.0
    for _ in range(60):
        middle = (low + high) / 2
        if middle > 0 and evidence_above(hits, of, middle) < 1 / alpha:
            high = middle
        else:
            low = middle
    return low


class _Density:
    """The density of z at the last look among the trials that go on, on Jennison & Turnbull's grid."""

    def __init__(self, drift: float) -> None:
        self.drift = drift
        self.fraction = 0.0
        self.points: Floats = np.zeros(1)
        self.mass: Floats = np.ones(1)

    def above(self, fraction: float, bound: float) -> float:
        """The chance to go on until now, and to lie above ``bound`` at the next look."""
        from scipy.special import ndtr

        return float(self.mass @ ndtr(-self._standard(fraction, bound)))

    def below(self, fraction: float, bound: float) -> float:
        """The chance to go on until now, and to lie below ``bound`` at the next look."""
        from scipy.special import ndtr

        return float(self.mass @ ndtr(self._standard(fraction, bound)))

    def bound_above(self, fraction: float, chance: float) -> float:
        """Where :meth:`above` is ``chance``."""
        return _solved(lambda at: self.above(fraction, at), chance)

    def bound_below(self, fraction: float, chance: float) -> float:
        """Where :meth:`below` is ``chance``."""
        return -_solved(lambda at: self.below(fraction, -at), chance)

    def step(self, fraction: float, lower: float, upper: float) -> _Density:
        """The density at the next look, between its bounds."""
        after = _Density(self.drift)
        after.fraction = fraction
        after.points, weights = _grid(self.drift * math.sqrt(fraction), lower, upper)
        if not len(after.points):
            after.points, after.mass = np.zeros(1), np.zeros(1)
            return after
        scale = math.sqrt(fraction / (fraction - self.fraction))
        far = self._standard(fraction, after.points[:, None])
        after.mass = weights * (np.exp(-(far**2) / 2) @ self.mass) * scale / math.sqrt(2 * math.pi)
        return after

    def _standard(self, fraction: float, bound: Floats | float) -> Floats:
        more = fraction - self.fraction
        start = self.points * math.sqrt(self.fraction) + self.drift * more
        standard: Floats = (bound * math.sqrt(fraction) - start) / math.sqrt(more)
        return standard


def _grid(mean: float, lower: float, upper: float) -> tuple[Floats, Floats]:
    """Points and Simpson weights between two bounds, dense around ``mean`` (Jennison & Turnbull, 19.2)."""
    r = _GRID
    near = [-3 + 3 * (place - r) / (2 * r) for place in range(r, 5 * r + 1)]
    tail = [3 + 4 * math.log(r / place) for place in range(r - 1, 0, -1)]
    marks = np.array([*(-each for each in reversed(tail)), *near, *tail]) + mean
    inside = marks[(marks > lower) & (marks < upper)]
    ends = [each for each in (lower, upper) if marks[0] <= each <= marks[-1]]
    marks = np.unique(np.concatenate([inside, ends]))
    if len(marks) < 2:
        return np.zeros(0), np.zeros(0)
    steps = np.diff(marks)
    points, weights = np.empty(2 * len(marks) - 1), np.zeros(2 * len(marks) - 1)
    points[::2], points[1::2] = marks, marks[:-1] + steps / 2
    weights[1::2] = 4 * steps / 6
    weights[:-1:2] += steps / 6
    weights[2::2] += steps / 6
    return points, weights


def _spent_below(
    fractions: Sequence[float], upper: Sequence[float], drift: float, total: float, spending: Spending
) -> tuple[float, ...]:
    """The futility bound of each look that spends ``total``, the chance to miss, at the planned drift."""
    state, found, before = _Density(drift), [], 0.0
    for fraction, bound in zip(fractions, upper, strict=True):
        after = spent(spending, total, fraction)
        at = state.bound_below(fraction, after - before)
        found.append(at)
        state, before = state.step(fraction, min(at, bound), bound), after
    return tuple(found)


def _solved(tail: Callable[[float], float], wanted: float) -> float:
    """Where a falling tail has the chance ``wanted``; a bound never crossed where it is too small."""
    from scipy.optimize import brentq

    if wanted <= tail(_FAR):
        return _FAR
    if wanted >= tail(-_FAR):
        return -_FAR
    return float(brentq(lambda at: tail(at) - wanted, -_FAR, _FAR, xtol=1e-10))


def _expected(bounds: Bounds, drift: float) -> float:
    """The expected share of the maximum information at the end."""
    chances = crossing(bounds, drift)
    stops = [sum(pair) for pair in zip(chances.success, chances.futility, strict=True)]
    early = sum(chance * at for chance, at in zip(stops[:-1], bounds.fractions[:-1], strict=True))
    return early + (1 - sum(stops[:-1])) * bounds.fractions[-1]


def _checked(fractions: Sequence[float]) -> tuple[float, ...]:
    looks = tuple(float(each) for each in fractions)
    rising = all(before < after for before, after in pairwise((0.0, *looks)))
    if not looks or not rising or not all(map(math.isfinite, looks)):
        raise InvalidSetting("the looks need rising shares of the information, above 0")
    return looks
