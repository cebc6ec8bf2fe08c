"""The same regression as :mod:`vesalius.modelling._ridge`, for tens of thousands of rows and more.

Three things make it quick, and none changes what is minimised:

* a row is the place of each of its values among the points, not a row of a dense matrix, so that predictions
  are look-ups and gradients are counts;
* the curvature of all rows together serves every fold and every bootstrap sample (the chord method: Ortega &
  Rheinboldt, Iterative Solution of Nonlinear Equations in Several Variables, 1970, sec. 7.1), and is taken
  anew only where steps do not shrink fast enough;
* the strength of the penalty is chosen on a part of the rows: it weighs against the sum of their losses, so
  that the best one hardly depends on how many there are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vesalius.modelling._additive import Additive, Tables
from vesalius.modelling._arithmetic import Floats
from vesalius.modelling._coding import Coded
from vesalius.modelling._ridge import LEAST, STRENGTHS

_CHOSEN_ON = 20_000
"""About how many rows the strength is chosen on."""

_BLOCK = 4096
_STEPS = 200
_CLOSE = 1e-8
_ROUGH = 1e-4
"""How close is close enough to choose a strength."""

_SLOW = 0.7
"""A step longer than this part of the one before asks for a curvature of its own."""


@dataclass(frozen=True)
class Design:
    """N rows of coded inputs, as places among points.

    Attributes:
        places: N × points of all inputs, sparse: 1 at the point where a value lies, or parts at two.
        basis: points × columns, without the columns that nobody has.
        owner: per column, the input that it belongs to.
    """

    places: Any
    basis: Floats
    owner: npt.NDArray[np.intp]

    @classmethod
    def of(cls, coded: Sequence[Coded]) -> Design:
        """The design of all inputs."""
        bases = [item.basis[:, np.any(item.basis[item.share > 0] != 0, axis=0)] for item in coded]
        owner = np.repeat(np.arange(len(coded)), [basis.shape[1] for basis in bases])
        whole = np.zeros((sum(len(basis) for basis in bases), len(owner)))
        row = column = 0
        for basis in bases:
            whole[row : row + len(basis), column : column + basis.shape[1]] = basis
            row, column = row + len(basis), column + basis.shape[1]
        return cls(_places(coded), whole, owner)

    def __len__(self) -> int:
        return int(self.places.shape[0])

    def take(self, rows: npt.NDArray[np.intp]) -> Design:
        """Some of the rows."""
        return Design(self.places[rows], self.basis, self.owner)

    def times(self, beta: Floats) -> Floats:
        """N times what the columns add."""
        found: Floats = self.places @ (self.basis @ beta)
        return found

    def transposed(self, values: Floats) -> Floats:
        """Per column, the sum of its N values times those given."""
        found: Floats = self.basis.T @ (self.places.T @ values)
        return found

    def curvature(self, weights: Floats) -> Floats:
        """The sum over the rows of weight times the outer product of (1, columns) with itself."""
        points = self.places.shape[1]
        total = np.zeros((points + 1, points + 1))
        for start in range(0, len(self), _BLOCK):
            block = self.places[start : start + _BLOCK].toarray()
            dense = np.hstack([np.ones((len(block), 1)), block])
            dense *= np.sqrt(weights[start : start + _BLOCK])[:, None]
            total += dense.T @ dense
        basis = np.zeros((points + 1, self.basis.shape[1] + 1))
        basis[0, 0], basis[1:, 1:] = 1.0, self.basis
        found: Floats = basis.T @ total @ basis
        return found

    def moved(self, beta: Floats, weights: Floats) -> Floats:
        """Per input, the standard deviation of what it adds."""
        inputs = int(self.owner.max()) + 1
        parts = np.zeros((self.basis.shape[1], inputs))
        parts[np.arange(len(beta)), self.owner] = beta
        gains = self.places @ (self.basis @ parts)
        mean = weights @ gains / weights.sum()
        found: Floats = np.sqrt(weights @ (gains - mean) ** 2 / weights.sum())
        return found


def _places(coded: Sequence[Coded]) -> Any:
    """The sparse matrix of all inputs' points; a number between two points has a part at each."""
    from scipy.sparse import csr_array

    first = np.cumsum([0, *(len(item.basis) for item in coded)])
    columns, values = [], []
    for start, item in zip(first[:-1], coded, strict=True):
        columns.append(start + item.low)
        values.append(1 - item.part)
        if item.term.shape == "line":
            columns.append(start + item.high)
            values.append(item.part)
    rows = len(columns[0])
    starts = np.arange(0, rows * len(columns) + 1, len(columns))
    stacked = np.column_stack(columns).astype(np.int32).ravel()
    return csr_array((np.column_stack(values).ravel(), stacked, starts), shape=(rows, int(first[-1])))


@dataclass(frozen=True)
class Problem:
    """What is minimised: the log loss of N weighted rows and a penalty on each column.

    Attributes:
        design: N rows.
        outcomes: N values, 0 or 1.
        weights: N counts.
        strength: of the penalty.
        scale: per column, what its coefficient is multiplied by.
    """

    design: Design
    outcomes: Floats
    weights: Floats
    strength: float
    scale: Floats

    def solve(self, beta: Floats, curvature: Floats | None, close: float) -> tuple[Floats, Floats]:
        """The coefficients, the intercept first, from a start near them; and the curvature that was used.

        Args:
            beta: P + 1 coefficients to start from.
            curvature: that of these rows or of rows like them, before scale and penalty; or None.
            close: the step that is small enough to be the last.
        """
        before, loss = math.inf, math.inf
        step = np.zeros_like(beta)
        inverse: Floats | None = None
        for _ in range(_STEPS):
            logits = beta[0] + self.design.times(self.scale * beta[1:])
            reached = self._loss(logits, beta)
            if reached > loss + 1e-9 * abs(loss):  # too far: half way back
                step = step / 2
                beta = beta - step
                continue
            risk = 1 / (1 + np.exp(-np.clip(logits, -35, 35)))
            gradient = self._gradient(risk, beta)
            step = np.zeros_like(beta) if inverse is None else inverse @ gradient
            if inverse is None or close < np.abs(step).max() > _SLOW * before:
                # At the start, and where the curvature of other rows does not fit: these get their own.
                if curvature is None or inverse is not None:
                    curvature = self.design.curvature(self.weights * risk * (1 - risk))
                inverse = self._inverse(curvature)
                step, before = inverse @ gradient, math.inf
            beta, loss, before = beta + step, reached, float(np.abs(step).max())
            if before < close:
                break
        assert curvature is not None
        return beta, curvature

    @property
    def _penalty(self) -> Floats:
        penalty = np.full(len(self.scale) + 1, self.strength)
        penalty[0] = 1e-6  # keeps the intercept finite should a sample hold one class only
        return penalty

    def _inverse(self, curvature: Floats) -> Floats:
        scale = np.concatenate([[1.0], self.scale])
        whole = scale[:, None] * curvature * scale[None, :]
        whole.flat[:: len(whole) + 1] += self._penalty
        return np.linalg.inv(whole)

    def _gradient(self, risk: Floats, beta: Floats) -> Floats:
        rest = self.weights * (self.outcomes - risk)
        gradient = np.concatenate([[rest.sum()], self.scale * self.design.transposed(rest)])
        return gradient - self._penalty * beta

    def _loss(self, logits: Floats, beta: Floats) -> float:
        loss = self.weights @ (np.logaddexp(0, logits) - self.outcomes * logits)
        return float(loss + self._penalty @ beta**2 / 2)


class LargeRidge(Additive):
    """Two-step ridge regression on coded inputs of many rows."""

    def __init__(self, coded: Sequence[Coded], outcomes: Floats) -> None:
        self.coded = coded
        self.outcomes = outcomes
        self.terms = [item.term for item in coded]
        self.share = [item.share for item in coded]
        self.design = Design.of(coded)
        self.strength = STRENGTHS[0]
        self.curvature: Floats | None = None
        self.start = (np.zeros(len(self.design.owner) + 1), np.zeros(len(self.design.owner) + 1))

    def held_out(self, folds: npt.NDArray[np.intp]) -> tuple[Floats, float]:
        """Held-out log odds with the penalty whose log loss is least on a part of the rows."""
        rows = np.arange(
            0, len(folds), math.ceil(len(folds) / _CHOSEN_ON)
        )  # sorted by their facts: an even sample
        best = math.inf
        for strength in STRENGTHS:
            logits = self._held_out(rows, folds[rows], strength, _ROUGH)
            loss = float(np.mean(np.logaddexp(0, logits) - self.outcomes[rows] * logits))
            if loss < best - 1e-9:
                best, self.strength = loss, strength
        return self._held_out(np.arange(len(folds)), folds, self.strength, _CLOSE), self.strength

    def _held_out(
        self, rows: npt.NDArray[np.intp], folds: npt.NDArray[np.intp], strength: float, close: float
    ) -> Floats:
        """Held-out log odds of some rows, from models that see those rows only."""
        self._twice(rows, strength, None, _ROUGH)  # a start for all folds
        logits = np.empty(len(rows))
        for fold in range(int(folds.max()) + 1):
            held = folds == fold
            beta = self._twice(rows[~held], strength, None, close)
            logits[held] = beta[0] + self.design.take(rows[held]).times(beta[1:])
        return logits

    def fitted(self, samples: Sequence[Floats]) -> list[tuple[float, Tables]]:
        """The intercepts and, through each basis, the points."""
        every = np.arange(len(self.outcomes))
        return [
            self._tables(self._twice(every, self.strength, weights, _CLOSE)) for weights in (None, *samples)
        ]

    def _tables(self, beta: Floats) -> tuple[float, Tables]:
        points = self.design.basis @ beta[1:]
        ends = np.cumsum([len(item.basis) for item in self.coded])[:-1]
        return float(beta[0]), np.split(points, ends)

    def _twice(
        self, rows: npt.NDArray[np.intp], strength: float, weights: Floats | None, close: float
    ) -> Floats:
        """The coefficients of the second fit; both start from those of the last."""
        design, outcomes = self.design.take(rows), self.outcomes[rows]
        weights = np.ones(len(rows)) if weights is None else weights
        total = float(weights.sum())
        known = None if self.curvature is None else self.curvature * total
        first = Problem(design, outcomes, weights, strength, np.ones(len(design.owner)))
        beta, curvature = first.solve(self.start[0], known, close)
        moved = design.moved(beta[1:], weights) + LEAST
        relative = (moved / np.sqrt(np.mean(moved**2)))[design.owner]
        second = Problem(design, outcomes, weights, strength, relative)
        final, curvature = second.solve(self.start[1], curvature, close)
        if self.curvature is None:
            self.curvature = curvature / total
        self.start = (beta, final)
        return np.concatenate([final[:1], second.scale * final[1:]])
