"""The Explainable Boosting Machine, exported to the same tables as every model here."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vesalius.modelling._additive import Additive, Tables
from vesalius.modelling._arithmetic import Floats
from vesalius.modelling._columns import Column, Described
from vesalius.modelling.model import Term, locate

_BAGS = 8
"""Outer bags of each inner model."""

_FULL_BAGS = 16
"""Outer bags of the model itself."""

_BINS = 32
"""Bins of a number: enough for a shape, few enough to read."""


class Boosted(Additive):
    """Explainable Boosting Machine without interactions (Lou, Caruana & Gehrke, KDD 2012)."""

    def __init__(
        self, inputs: Sequence[Described], columns: Sequence[Column], outcomes: Floats, seed: int
    ) -> None:
        self.inputs = list(inputs)
        self.codes = np.column_stack(
            [column.coded(item.levels) for item, column in zip(inputs, columns, strict=True)]
        )
        self.outcomes = outcomes
        self.seed = seed
        self.terms, _, _ = self._export(self._fit(self.codes, outcomes, None, 1))
        self.share = [_share(term, column) for term, column in zip(self.terms, columns, strict=True)]
        self.draws = 0

    def held_out(self, folds: npt.NDArray[np.intp]) -> tuple[Floats, float]:
        """Held-out log odds; there is no penalty to choose."""
        logits = np.empty(len(folds))
        for fold in range(int(folds.max()) + 1):
            held = folds == fold
            machine = self._fit(self.codes[~held], self.outcomes[~held], None, _BAGS)
            logits[held] = machine.decision_function(self.codes[held])
        return logits, 0.0

    def fitted(self, samples: Sequence[Floats]) -> list[tuple[float, Tables]]:
        """The intercepts and points: of all rows, and of each bootstrap sample with the rest held out."""
        return [self._fitted(weights) for weights in (None, *samples)]

    def _fitted(self, weights: Floats | None) -> tuple[float, Tables]:
        bags = None
        if weights is not None:
            self.draws += 1
            bags = np.where(weights > 0, weights, -1).astype(np.int8)[:, None]
        machine = self._fit(self.codes, self.outcomes, bags, _FULL_BAGS if bags is None else 1)
        _, base, points = self._export(machine)
        return base, points

    def _fit(self, codes: Floats, outcomes: Floats, bags: Any, count: int) -> Any:
        from interpret.glassbox import ExplainableBoostingClassifier

        ordered = [item.kind in ("number", "grade") for item in self.inputs]
        machine = ExplainableBoostingClassifier(
            feature_names=[item.name for item in self.inputs],
            feature_types=["continuous" if order else "nominal" for order in ordered],
            interactions=0,
            max_bins=_BINS,
            outer_bags=count,
            n_jobs=1,
            random_state=self.seed,
        )
        with warnings.catch_warnings():
            # An input that is never known, or a level seen once, is no surprise in a hospital.
            warnings.simplefilter("ignore")
            machine.fit(codes, outcomes.astype(int), bags=bags)
        return machine

    def _export(self, machine: Any) -> tuple[list[Term], float, list[Floats]]:
        terms, points = [], []
        scores = {
            pair[0]: table for pair, table in zip(machine.term_features_, machine.term_scores_, strict=True)
        }
        for place, item in enumerate(self.inputs):
            term, row = _table(item, machine.bins_[place][0], scores.get(place))
            terms.append(term)
            points.append(row)
        return terms, float(np.ravel(machine.intercept_)[0]), points


def _table(item: Described, bins: Any, scores: Any) -> tuple[Term, Floats]:
    """One term: interpret keeps the score of a missing value first and that of an unknown one last."""
    if item.kind == "number":
        edges = tuple(float(edge) for edge in bins)
        row = np.zeros(len(edges) + 2) if scores is None else np.concatenate([scores[1:-1], scores[:1]])
        term = Term(
            input=item.name,
            kind="number",
            shape="steps",
            edges=edges,
            points=(0.0,) * (len(edges) + 1),
            missing=0.0,
        )
        return term, row
    names = ("false", "true") if item.kind == "boolean" else tuple(item.levels)
    row = np.zeros(len(names) + 1)
    if scores is not None:
        row[:-1] = [scores[_bin(item, bins, place)] for place in range(len(names))]
        row[-1] = scores[0]
    return Term(input=item.name, kind=item.kind, levels=names, points=(0.0,) * len(names), missing=0.0), row


def _bin(item: Described, bins: Any, place: int) -> int:
    """Where interpret keeps the score of a level."""
    if item.kind == "grade":
        return 1 + int(np.searchsorted(np.asarray(bins, dtype=np.float64), place, side="right"))
    return int(bins.get(str(float(place)), bins.get(str(place), -1)))


def _share(term: Term, column: Column) -> Floats:
    low, _, _ = locate(term, column.coded(term.levels))
    return np.bincount(low, minlength=len(term.points) + 1) / len(column)
