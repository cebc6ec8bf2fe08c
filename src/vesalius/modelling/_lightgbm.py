"""LightGBM, trained the same way every time and written as :class:`~vesalius.modelling.trees.Trees`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from vesalius.errors import NotFound
from vesalius.machine import cores
from vesalius.modelling._arithmetic import Floats, fine, snap
from vesalius.modelling._columns import Column, Described
from vesalius.modelling._tree import Field, Tree
from vesalius.modelling.scores import Conformal, Facts
from vesalius.modelling.trees import Copy, Trees

LEAVES = (4, 8, 16)
"""Sizes of a tree that are tried."""

_CHOSEN_ON = 20_000
"""About how many rows the size is chosen on."""

_ROUNDS = 600
_PATIENCE = 30
"""Rounds without a smaller loss after which no more trees are grown."""

_PARAMETERS = {
    "objective": "binary",
    "metric": "binary_logloss",
    "learning_rate": 0.05,
    "max_depth": 6,
    "min_data_in_leaf": 20,
    "feature_fraction": 0.5,
    "lambda_l2": 1.0,
    "max_bin": 63,
    "deterministic": True,
    "force_col_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}


class Grown:
    """Gradient-boosted trees (Ke et al., LightGBM, NeurIPS 2017)."""

    def __init__(
        self, inputs: Sequence[Described], columns: Sequence[Column], outcomes: Floats, seed: int
    ) -> None:
        self.library = library()
        self.fields = tuple(_field(item) for item in inputs)
        self.matrix = np.column_stack(
            [_coded(each, column) for each, column in zip(self.fields, columns, strict=True)]
        )
        self.outcomes = outcomes
        self.seed = seed
        self.leaves = LEAVES[0]
        self.rounds = 1

    def held_out(self, folds: npt.NDArray[np.intp]) -> tuple[Floats, float]:
        """Held-out log odds with the size and the number of trees whose log loss on them is least."""
        every = np.arange(len(folds))
        few = every[:: math.ceil(len(folds) / _CHOSEN_ON)]  # sorted by their facts: an even sample
        found = [(*self._tried(few, folds[few], leaves), leaves) for leaves in LEAVES]
        _, kept, self.rounds, self.leaves = min(found, key=lambda each: each[0])
        if len(few) < len(every):
            _, kept, self.rounds = self._tried(every, folds, self.leaves)
        return kept, 0.0

    def _tried(
        self, rows: npt.NDArray[np.intp], folds: npt.NDArray[np.intp], leaves: int
    ) -> tuple[float, Floats, int]:
        """The held-out loss, log odds and best number of trees of one size, on some rows."""
        numbers = range(int(folds.max()) + 1)
        pairs = [(np.flatnonzero(folds != each), np.flatnonzero(folds == each)) for each in numbers]
        found = self.library.cv(
            self._parameters(leaves),
            self._dataset(rows),
            _ROUNDS,
            folds=pairs,
            callbacks=[self.library.early_stopping(_PATIENCE, verbose=False)],
            return_cvbooster=True,
        )
        boosters = found["cvbooster"]
        logits = np.empty(len(rows))
        for (_, held), booster in zip(pairs, boosters.boosters, strict=True):
            facts = self.matrix[rows[held]]
            logits[held] = booster.predict(facts, raw_score=True, num_iteration=boosters.best_iteration)
        return float(found["valid binary_logloss-mean"][-1]), logits, boosters.best_iteration

    def written(
        self, slope: float, intercept: float, samples: Sequence[Floats], conformal: Conformal, facts: Facts
    ) -> Trees:
        """Grows the trees, and folds the recalibration in."""

        def copy(weights: Floats | None) -> Copy:
            return Copy(float(snap(intercept)), tuple(scaled(tree, slope) for tree in self._grown(weights)))

        # Each grows on one thread, as always; several at once, as LightGBM needs no Python meanwhile.
        with ThreadPoolExecutor(cores(), "growing") as growing:
            own, *copies = growing.map(copy, (None, *samples))
        chosen = {"leaves": float(self.leaves), "rounds": float(self.rounds)}
        return Trees(
            fields=self.fields,
            constant=own.constant,
            trees=own.trees,
            replicates=tuple(copies),
            conformal=conformal,
            facts=replace(facts, chosen=chosen),
        )

    def _grown(self, weights: Floats | None) -> list[Tree]:
        """The trees of all rows, or of one bootstrap sample."""
        rows = np.arange(len(self.outcomes))
        if weights is not None:
            rows = np.repeat(rows, weights.astype(np.intp))
        booster = self.library.train(self._parameters(self.leaves), self._dataset(rows), self.rounds)
        return exported(booster, self.fields, len(rows))

    def _parameters(self, leaves: int) -> dict[str, Any]:
        return {**_PARAMETERS, "num_leaves": leaves, "seed": self.seed}

    def _dataset(self, rows: npt.NDArray[np.intp]) -> Any:
        categories = [place for place, each in enumerate(self.fields) if each.kind == "category"]
        return self.library.Dataset(
            self.matrix[rows],
            self.outcomes[rows],
            categorical_feature=categories,
            params={"verbosity": -1, "max_bin": _PARAMETERS["max_bin"], "feature_pre_filter": False},
        )


def library() -> Any:
    """LightGBM, which is an extra.

    Raises:
        NotFound: it, or the system library that it needs, is not there.
    """
    try:
        import lightgbm
    except (ImportError, OSError) as error:  # OSError: libgomp is missing
        raise NotFound(
            "LightGBM cannot be loaded", hint="install vesalius[challenger], and libgomp of the system"
        ) from error
    return lightgbm


def exported(booster: Any, fields: Sequence[Field], rows: int) -> list[Tree]:
    """The trees of a booster, their leaves as they are."""
    return [_tree(each["tree_structure"], fields, rows) for each in booster.dump_model()["tree_info"]]


def scaled(tree: Tree, slope: float) -> Tree:
    """The tree with its leaves recalibrated and on their grid."""
    return replace(tree, leaf=tuple(fine(slope * np.array(tree.leaf)).tolist()))


def _field(item: Described) -> Field:
    levels = ("false", "true") if item.kind == "boolean" else item.levels
    return Field(input=item.name, kind=item.kind, levels=() if item.kind == "number" else tuple(levels))


def _coded(each: Field, column: Column) -> Floats:
    """Numbers as LightGBM takes them: a missing category is a level of its own."""
    numbers = column.coded(each.levels)
    return np.where(np.isnan(numbers), len(each.levels), numbers) if each.kind == "category" else numbers


def _tree(root: Any, fields: Sequence[Field], rows: int) -> Tree:
    """Numbers the splits and the leaves from the root down."""
    splits: list[Any] = []
    leaves: list[Any] = []
    children: list[list[int]] = []
    waiting = [(root, -1, 0)]
    while waiting:
        node, parent, side = waiting.pop()
        if "split_feature" in node:
            place = len(splits)
            splits.append(node)
            children.append([0, 0])
            waiting += [(node["right_child"], place, 1), (node["left_child"], place, 0)]
        else:
            leaves.append(node)
            place = -len(leaves)
        if parent >= 0:
            children[parent][side] = place
    asked = [_question(node, fields) for node in splits]
    return Tree(
        field=tuple(node["split_feature"] for node in splits),
        at=tuple(at for at, _, _ in asked),
        levels=tuple(levels for _, levels, _ in asked),
        missing=tuple(missing for _, _, missing in asked),
        low=tuple(low for low, _ in children),
        high=tuple(high for _, high in children),
        rows=tuple(int(node.get("leaf_count", rows)) for node in leaves),
        leaf=tuple(float(node["leaf_value"]) for node in leaves),
    )


def _question(node: Any, fields: Sequence[Field]) -> tuple[float, tuple[int, ...], bool]:
    """Where a split cuts, which levels go low, and whether a missing value does."""
    if node["decision_type"] == "==":
        places = sorted(int(place) for place in node["threshold"].split("||"))
        unknown = len(fields[node["split_feature"]].levels)
        return 0.0, tuple(place for place in places if place < unknown), unknown in places
    if node["missing_type"] == "NaN":
        return float(node["threshold"]), (), bool(node["default_left"])
    # It was never missing. LightGBM would take it for a zero; it goes where most patients go.
    left, right = (child.get("internal_count", child.get("leaf_count", 0)) for child in _children(node))
    return float(node["threshold"]), (), left >= right


def _children(node: Any) -> tuple[Any, Any]:
    return node["left_child"], node["right_child"]
