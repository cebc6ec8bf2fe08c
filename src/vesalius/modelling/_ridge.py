"""Additive logistic regression whose penalty is lighter on inputs that matter.

Ridge regression alone shrinks a strong input as hard as a useless one. So it is fitted twice: the first fit
says how much each input moves the log odds (the standard deviation of its part), and in the second the
penalty of each input is divided by the square of that. Useless inputs fade, strong ones keep their size; no
input is thrown out, and the order in which they are listed does not matter.

Sources: Grandvalet, Least absolute shrinkage is equivalent to quadratic penalization, ICANN 1998; van de Wiel
et al., Better prediction by use of co-data: adaptive group-regularized ridge regression, Stat Med
2016;35:368-381.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vesalius.modelling import _logistic
from vesalius.modelling._additive import Additive, Tables
from vesalius.modelling._arithmetic import Floats
from vesalius.modelling._coding import Coded

STRENGTHS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""The L2 penalties that are tried; one serves both fits."""

LEAST = 1e-3
"""Log odds added to what an input moves, so that its penalty stays finite."""


class Ridge(Additive):
    """Two-step ridge regression on coded inputs."""

    def __init__(self, coded: Sequence[Coded], outcomes: Floats) -> None:
        self.coded = coded
        self.outcomes = outcomes
        self.terms = [item.term for item in coded]
        self.share = [item.share for item in coded]
        whole = np.hstack([item.columns for item in coded])
        self.live = np.any(whole != 0, axis=0)  # a level that nobody has keeps a coefficient of 0
        self.design = whole[:, self.live]
        owner = np.repeat(np.arange(len(coded)), [item.basis.shape[1] for item in coded])
        self.owner = owner[self.live]
        self.strength = STRENGTHS[0]
        self.start: tuple[Floats, Floats] | None = None

    def held_out(self, folds: npt.NDArray[np.intp]) -> tuple[Floats, float]:
        """Held-out log odds with the penalty whose log loss on them is least."""
        best = math.inf
        kept = np.zeros(len(folds))
        for strength in STRENGTHS:
            logits = self._held_out(folds, strength)
            loss = float(np.mean(np.logaddexp(0, logits) - self.outcomes * logits))
            if loss < best - 1e-9:
                best, kept, self.strength = loss, logits, strength
        return kept, self.strength

    def _held_out(self, folds: npt.NDArray[np.intp], strength: float) -> Floats:
        logits = np.empty(len(folds))
        for fold in range(int(folds.max()) + 1):
            held = folds == fold
            beta, _ = self._twice(self.design[~held], self.outcomes[~held], strength, None)
            logits[held] = beta[0] + self.design[held] @ beta[1:]
        return logits

    def fitted(self, samples: Sequence[Floats]) -> list[tuple[float, Tables]]:
        """The intercepts and, through each basis, the points."""
        return [self._fitted(weights) for weights in (None, *samples)]

    def _fitted(self, weights: Floats | None) -> tuple[float, Tables]:
        beta, start = self._twice(self.design, self.outcomes, self.strength, weights)
        self.start = self.start or start
        whole = np.zeros(len(self.live))
        whole[self.live] = beta[1:]
        parts = np.split(whole, np.cumsum([item.basis.shape[1] for item in self.coded])[:-1])
        return float(beta[0]), [item.basis @ part for item, part in zip(self.coded, parts, strict=True)]

    def _twice(
        self, design: Floats, outcomes: Floats, strength: float, weights: Floats | None
    ) -> tuple[Floats, tuple[Floats, Floats]]:
        """The coefficients of the second fit, and both fits in their own units to start another from."""
        first_start, second_start = self.start or (None, None)
        first = _logistic.fit(design, outcomes, strength, weights, first_start)
        scale = self._scale(design, first[1:], weights)
        second = _logistic.fit(design * scale, outcomes, strength, weights, second_start)
        return np.concatenate([second[:1], second[1:] * scale]), (first, second)

    def _scale(self, design: Floats, beta: Floats, weights: Floats | None) -> Floats:
        """Per column, how much its input moves the log odds, relative to all inputs together."""
        parts = np.zeros((len(design), len(self.coded)))
        np.add.at(parts.T, self.owner, (design * beta).T)
        mean = np.average(parts, axis=0, weights=weights)
        moved = np.sqrt(np.average((parts - mean) ** 2, axis=0, weights=weights)) + LEAST
        relative: Floats = (moved / np.sqrt(np.mean(moved**2)))[self.owner]
        return relative
