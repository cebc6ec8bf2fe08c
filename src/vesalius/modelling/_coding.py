"""From values to the columns of a design matrix, and from coefficients back to points.

Each input gets a basis, a small matrix that says how each of its points (levels or knots) is coded:

* a *grade* or a *number* by thermometer: one column per step, so that the penalty draws neighbours together
  and order helps (Gertheiss & Tutz, Penalized regression with ordinal predictors, Int Stat Rev
  2009;77:345-365);
* a *category* by one column per level, so that sparse levels shrink to the average;
* a missing value by one column more; all else is coded relative to the average, so that the points of a
  missing value shrink to those of an average patient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vesalius.modelling._arithmetic import Floats
from vesalius.modelling._columns import Column, Described
from vesalius.modelling.model import Term, locate

_QUANTILES = (0.05, 0.275, 0.5, 0.725, 0.95)
"""Where the five knots of a number lie: Harrell, Regression Modeling Strategies, 2nd ed. 2015, table 2.3."""


_MISSING = 0.5
"""How a missing value is coded: a half, so that it takes four times the penalty to say something. Why a
fact is missing differs between wards, so that its points should rest on much.
"""


@dataclass(frozen=True)
class Coded:
    """One input, coded.

    Attributes:
        term: the term with its edges and levels, its points still zero.
        basis: (points + 1) × columns; the last row codes a missing value.
        low, high, part: where each of the N values lies among the points: between which two, how far along.
        share: how much of the rows lies at each point, missing last; sums to 1.
    """

    term: Term
    basis: Floats
    low: npt.NDArray[np.intp]
    high: npt.NDArray[np.intp]
    part: Floats
    share: Floats

    @property
    def columns(self) -> Floats:
        """N × columns of the design."""
        return self.basis[self.low] * (1 - self.part)[:, None] + self.basis[self.high] * self.part[:, None]


def code(item: Described, column: Column) -> Coded:
    """Codes the N values of one input."""
    term = _empty(item, column)
    low, high, part = locate(term, column.coded(term.levels))
    size = len(term.points) + 1
    share = np.bincount(low, 1 - part, size) + np.bincount(high, part, size)
    raw = _basis(item.kind, len(term.points))
    present = share[:-1] / max(share[:-1].sum(), 1.0)
    basis = np.zeros((size, raw.shape[1] + 1))
    basis[:-1, :-1] = raw - present @ raw
    basis[-1, -1] = _MISSING
    return Coded(term, basis, low, high, part, share / len(column))


def _basis(kind: str, points: int) -> Floats:
    """How the points of an input are coded, before centring: points × columns."""
    if kind == "category":
        return np.eye(points)
    return np.tril(np.ones((points, points - 1)), -1)


def _empty(item: Described, column: Column) -> Term:
    if item.kind != "number":
        names = ("false", "true") if item.kind == "boolean" else tuple(item.levels)
        return Term(input=item.name, kind=item.kind, levels=names, points=(0.0,) * len(names), missing=0.0)
    edges = knots(column.numbers[np.isfinite(column.numbers)])
    points = (0.0,) * len(edges)
    return Term(input=item.name, kind="number", shape="line", edges=edges, points=points, missing=0.0)


def knots(numbers: Sequence[float] | Floats) -> tuple[float, ...]:
    """Up to five knots at quantiles of the known values; a single 0 where none is known."""
    if not len(numbers):
        return (0.0,)
    chosen = np.quantile(np.array(numbers), _QUANTILES, method="nearest")
    return tuple(sorted({float(value) for value in chosen}))
