"""The Explainable Boosting Machine, exported to the same tables as every model here.

All that is needed is learned in two runs of the library: one whose bags leave out a fold each, for the
held-out predictions, and one with the bags of the model itself and those of the bootstrap samples. A bag says
of each row how often it counts, or that it only tells when to stop, or that it is not seen at all.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vesalius.modelling._additive import Additive, Tables
from vesalius.modelling._arithmetic import Floats
from vesalius.modelling._columns import Column, Described
from vesalius.modelling.model import Term, locate

_BAGS, _FULL_BAGS = 8, 16
"""Bags of each fold, and of the model itself."""

_MANY = 20_000
_BAGS_OF_MANY, _FULL_BAGS_OF_MANY = 2, 8
"""The same above so many rows: what a bag leaves out matters less."""

_STOPPING = 0.15
"""Of the patients of a bag, those that only tell when to stop."""

_BINS = 32
"""Bins of a number: enough for a shape, few enough to read."""

_QUICK = {"learning_rate": 0.04, "early_stopping_rounds": 30, "smoothing_rounds": 25}
"""Two to three times as quick as the library's own settings, and no worse (docs/engineer/models.md)."""

Bag = npt.NDArray[np.int8]


class Boosted(Additive):
    """Explainable Boosting Machine without interactions (Lou, Caruana & Gehrke, KDD 2012)."""

    def __init__(
        self,
        inputs: Sequence[Described],
        columns: Sequence[Column],
        outcomes: Floats,
        names: Sequence[Hashable],
        seed: int,
    ) -> None:
        self.inputs = list(inputs)
        self.codes = np.column_stack(
            [column.coded(item.levels) for item, column in zip(inputs, columns, strict=True)]
        )
        self.outcomes = outcomes
        place = {name: number for number, name in enumerate(dict.fromkeys(names))}
        self.patients = np.array([place[name] for name in names])
        self.many = len(outcomes) > _MANY
        self.rng = np.random.Generator(np.random.PCG64(seed))
        self.seed = seed

    def held_out(self, folds: npt.NDArray[np.intp]) -> tuple[Floats, float]:
        """Held-out log odds; there is no penalty to choose."""
        count = _BAGS_OF_MANY if self.many else _BAGS
        numbers = range(int(folds.max()) + 1)
        found = self._learned([self._bag(folds != fold) for fold in numbers for _ in range(count)])
        logits = np.empty(len(folds))
        for fold in numbers:
            held = folds == fold
            base, tables = _mean(found[fold * count : (fold + 1) * count])
            logits[held] = base + sum(
                row[locate(term, codes[held])[0]]
                for term, row, codes in zip(self.terms, tables, self.codes.T, strict=True)
            )
        return logits, 0.0

    def fitted(self, samples: Sequence[Floats]) -> list[tuple[float, Tables]]:
        """The intercepts and points: of all rows, and of each bootstrap sample with the rest held out."""
        count = _FULL_BAGS_OF_MANY if self.many else _FULL_BAGS
        every = np.ones(len(self.outcomes), dtype=bool)
        drawn = [np.where(weights > 0, weights, -1).astype(np.int8) for weights in samples]
        found = self._learned([*(self._bag(every) for _ in range(count)), *drawn])
        return [_mean(found[:count]), *found[count:]]

    def _bag(self, rows: npt.NDArray[np.bool_]) -> Bag:
        """The rows with part of their patients put aside, of those with and without the outcome alike."""
        bag = rows.astype(np.int8)
        sick = np.bincount(self.patients, self.outcomes * rows) > 0
        seen = np.bincount(self.patients, rows) > 0
        for members in (np.flatnonzero(seen & sick), np.flatnonzero(seen & ~sick)):
            aside = self.rng.permutation(members)[: math.ceil(_STOPPING * len(members))]
            bag[np.isin(self.patients, aside) & rows] = -1
        return bag

    def _learned(self, bags: Sequence[Bag]) -> list[tuple[float, Tables]]:
        """The intercept and tables of each bag."""
        machine = self._fit(np.column_stack(bags))
        scores = dict(zip([pair[0] for pair in machine.term_features_], machine.bagged_scores_, strict=True))
        found: list[tuple[float, Tables]] = [
            (float(base), []) for base in np.ravel(machine.bagged_intercept_)
        ]
        self.terms = []
        for place, item in enumerate(self.inputs):
            bins = machine.bins_[place][0]
            self.terms.append(_term(item, bins))
            for number, (_, tables) in enumerate(found):
                own = scores.get(place)
                tables.append(_row(item, bins, None if own is None else own[number]))
        self.share = [_share(term, codes) for term, codes in zip(self.terms, self.codes.T, strict=True)]
        return found

    def _fit(self, bags: npt.NDArray[np.int8]) -> Any:
        from interpret.glassbox import ExplainableBoostingClassifier

        ordered = [item.kind in ("number", "grade") for item in self.inputs]
        machine = ExplainableBoostingClassifier(
            feature_names=[item.name for item in self.inputs],
            feature_types=["continuous" if order else "nominal" for order in ordered],
            interactions=0,
            max_bins=_BINS,
            outer_bags=bags.shape[1],
            n_jobs=1,
            random_state=self.seed,
            **_QUICK,
        )
        with warnings.catch_warnings():
            # An input that is never known, or a level seen once, is no surprise in a hospital.
            warnings.simplefilter("ignore")
            machine.fit(self.codes, self.outcomes.astype(int), bags=bags)
        return machine


def _mean(found: Sequence[tuple[float, Tables]]) -> tuple[float, Tables]:
    """The average of some bags."""
    rows = zip(*(tables for _, tables in found), strict=True)
    return float(np.mean([base for base, _ in found])), [np.mean(each, axis=0) for each in rows]


def _term(item: Described, bins: Any) -> Term:
    """One term, its points still zero."""
    if item.kind == "number":
        edges = tuple(float(edge) for edge in bins)
        points = (0.0,) * (len(edges) + 1)
        return Term(input=item.name, kind="number", shape="steps", edges=edges, points=points, missing=0.0)
    names = ("false", "true") if item.kind == "boolean" else tuple(item.levels)
    return Term(input=item.name, kind=item.kind, levels=names, points=(0.0,) * len(names), missing=0.0)


def _row(item: Described, bins: Any, scores: Any) -> Floats:
    """The points, missing last: interpret keeps that of a missing value first and of an unknown one last."""
    if item.kind == "number":
        return np.zeros(len(bins) + 2) if scores is None else np.concatenate([scores[1:-1], scores[:1]])
    levels = 2 if item.kind == "boolean" else len(item.levels)
    row = np.zeros(levels + 1)
    if scores is not None:
        row[:-1] = [scores[_bin(item, bins, place)] for place in range(levels)]
        row[-1] = scores[0]
    return row


def _bin(item: Described, bins: Any, place: int) -> int:
    """Where interpret keeps the score of a level."""
    if item.kind == "grade":
        return 1 + int(np.searchsorted(np.asarray(bins, dtype=np.float64), place, side="right"))
    return int(bins.get(str(float(place)), bins.get(str(place), -1)))


def _share(term: Term, codes: Floats) -> Floats:
    low, _, _ = locate(term, codes)
    return np.bincount(low, minlength=len(term.points) + 1) / len(codes)
