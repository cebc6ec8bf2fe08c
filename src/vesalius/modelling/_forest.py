"""Many trees at once, on arrays: where each row ends, what that adds, and what each input has of it.

Values are first put in bins: of a number, between which cuts of the whole forest it lies; of a level, its
place; a missing value has the last. A split is then a row of a table that says which bins go low, for numbers
and categories alike. Leaves are multiples of 2^-20 and shares of 2^-32, so that every sum is exact, in any
order, for one row and for many.

Source of the shares: Lundberg et al., From local explanations to global understanding with explainable AI for
trees, Nat Mach Intell 2020;2:56-67 (path-dependent). What an input has of a leaf depends only on which of the
inputs asked about on the way there let the row through; with D of them there are 2^D cases, worked out once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from vesalius.modelling._arithmetic import Floats
from vesalius.modelling._tree import Field, Tree

Ints = npt.NDArray[np.intp]

_SHARE = 2.0**32


@dataclass(frozen=True)
class Paths:
    """All leaves whose paths ask about D inputs.

    Attributes:
        steps: places of the steps of all paths in the forest's splits, sorted by leaf, then by input.
        lows: per step, whether the path goes low there.
        starts: where the steps of each pair of leaf and input start: L · D.
        inputs: L × D, which inputs.
        table: L × 2^D × D: what each input has of the leaf, by the inputs that let the row through.
    """

    steps: Ints
    lows: npt.NDArray[np.bool_]
    starts: Ints
    inputs: Ints
    table: Floats


class Forest:
    """Trees laid out in arrays.

    Args:
        fields: K inputs.
        trees: the trees, sound.
    """

    def __init__(self, fields: Sequence[Field], trees: Sequence[Tree]) -> None:
        self.fields = fields
        self.trees = trees
        counts = [len(tree.field) for tree in trees]
        self.first = np.cumsum([0, *counts])  # of the splits of each tree
        self.asked = np.array([place for tree in trees for place in tree.field], dtype=np.intp)
        self.cuts = [self._cuts(place) for place in range(len(fields))]
        self.bins = [
            len(cuts) + 1 if each.kind != "category" else len(each.levels)
            for each, cuts in zip(fields, self.cuts, strict=True)
        ]
        self._lay_out()

    def _cuts(self, place: int) -> Floats:
        """The numbers at which any tree splits an input."""
        found = {
            at
            for tree in self.trees
            for asked, at in zip(tree.field, tree.at, strict=True)
            if asked == place and self.fields[place].kind != "category"
        }
        return np.array(sorted(found), dtype=np.float64)

    def _lay_out(self) -> None:
        rows: list[list[bool]] = []
        lows: list[int] = []
        highs: list[int] = []
        leaves: list[float] = []
        leaf = 0
        for start, tree in zip(self.first.tolist(), self.trees, strict=False):
            rows += [self._goes_low(tree, split) for split in range(len(tree.field))]
            # A leaf is told by its place among all leaves, below zero.
            for children, into in ((tree.low, lows), (tree.high, highs)):
                into += [start + child if child >= 0 else child - leaf for child in children]
            leaf += len(tree.leaf)
            leaves += tree.leaf
        sizes = np.array([len(row) for row in rows], dtype=np.intp)
        self.start = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
        self.goes_low = np.array([bit for row in rows for bit in row], dtype=bool)
        self.children = np.array([highs, lows], dtype=np.intp).reshape(2, -1)
        self.leaves = np.array(leaves, dtype=np.float64)
        first_leaf = np.cumsum([0, *(len(tree.leaf) for tree in self.trees)])
        self.roots = np.array(
            [
                start if tree.field else -1 - leaf
                for start, leaf, tree in zip(self.first, first_leaf, self.trees, strict=False)
            ],
            dtype=np.intp,
        )

    def _goes_low(self, tree: Tree, split: int) -> list[bool]:
        """Of each bin of the split's input, missing last, whether it goes low."""
        place = tree.field[split]
        if self.fields[place].kind == "category":
            low = set(tree.levels[split])
            return [*(level in low for level in range(self.bins[place])), tree.missing[split]]
        upto = int(np.searchsorted(self.cuts[place], tree.at[split]))
        return [*(number <= upto for number in range(self.bins[place])), tree.missing[split]]

    def binned(self, coded: Floats) -> Ints:
        """K × N bins of K × N values."""
        bins = np.empty(coded.shape, dtype=np.intp)
        for place, (each, cuts) in enumerate(zip(self.fields, self.cuts, strict=True)):
            missing = np.isnan(coded[place])
            filled = np.where(missing, 0.0, coded[place])
            found = filled if each.kind == "category" else np.searchsorted(cuts, filled, side="left")
            bins[place] = np.where(missing, self.bins[place], found)
        return bins

    def sums(self, coded: Floats) -> Floats:
        """What the leaves of N rows add up to, of K × N values."""
        bins = self.binned(coded)
        rows = np.arange(coded.shape[1])[None, :]
        at = np.repeat(self.roots[:, None], coded.shape[1], axis=1)
        while len(self.asked):
            inside = at >= 0
            if not inside.any():
                break
            split = np.where(inside, at, 0)
            low = self.goes_low[self.start[split] + bins[self.asked[split], rows]]
            at = np.where(inside, self.children[low.astype(np.intp), split], at)
        total: Floats = self.leaves[-1 - at].sum(axis=0) if len(self.trees) else np.zeros(coded.shape[1])
        return total

    @cached_property
    def expected(self) -> float:
        """The mean over the training rows of what the leaves add up to."""
        means = []
        for tree in self.trees:
            total = sum(tree.rows)
            means.append(
                math.fsum(leaf * (rows / total) for leaf, rows in zip(tree.leaf, tree.rows, strict=True))
            )
        return math.fsum(means)

    def shares(self, coded: Floats) -> Floats:
        """N × K: what each input has of the sums, beside the expected one."""
        bins = self.binned(coded)
        total = np.zeros((len(self.fields), coded.shape[1]))
        if not len(self.asked):
            return total.T
        low = self.goes_low[self.start[:, None] + bins[self.asked]]
        for paths in self.paths:
            for start in range(0, len(paths.inputs), _AT_ONCE):
                self._add(paths, start, low, total)
        return total.T

    def _add(self, paths: Paths, start: int, low: npt.NDArray[np.bool_], total: Floats) -> None:
        """Adds what the inputs have of some leaves."""
        inputs = paths.inputs[start : start + _AT_ONCE]
        leaves, asked = inputs.shape
        starts = paths.starts[start * asked : (start + leaves) * asked]
        after = (start + leaves) * asked
        end = paths.starts[after] if after < len(paths.starts) else len(paths.steps)
        steps = slice(int(starts[0]), int(end))
        passed = low[paths.steps[steps]] == paths.lows[steps, None]
        through = np.logical_and.reduceat(passed, starts - starts[0], axis=0)
        weights = (1 << np.arange(asked))[None, :, None]
        case = (through.reshape(leaves, asked, -1) * weights).sum(axis=1)
        found = paths.table[start : start + leaves][np.arange(leaves)[:, None], case]
        flat = np.moveaxis(found, 2, 1).reshape(leaves * asked, -1)
        owner = inputs.ravel()
        order = np.argsort(owner, kind="stable")
        first = np.flatnonzero(np.diff(owner[order], prepend=-1))
        total[owner[order][first]] += np.add.reduceat(flat[order], first, axis=0)

    @cached_property
    def paths(self) -> list[Paths]:
        """The leaves, by how many inputs their paths ask about."""
        groups: dict[int, list[tuple[float, list[tuple[int, float, list[tuple[int, bool]]]]]]] = {}
        for start, tree in zip(self.first.tolist(), self.trees, strict=False):
            for value, path in _walk(tree, start):
                groups.setdefault(len(path), []).append((value, path))
        return [_paths(members) for asked, members in sorted(groups.items()) if asked]


_AT_ONCE = 256
"""Leaves that are explained at once."""

Path = list[tuple[int, float, list[tuple[int, bool]]]]
"""Per input: which, what part of the rows goes on at its splits, and the splits with where the path goes."""


def _walk(tree: Tree, start: int) -> list[tuple[float, Path]]:
    """Each leaf's value with its path."""
    if not tree.field:
        return []
    covers = _covers(tree)
    found = []
    waiting: list[tuple[int, list[tuple[int, bool]]]] = [(0, [])]
    while waiting:
        node, steps = waiting.pop()
        if node < 0:
            found.append((tree.leaf[-1 - node], _path(tree, steps, node, covers, start)))
            continue
        waiting.append((tree.low[node], [*steps, (node, True)]))
        waiting.append((tree.high[node], [*steps, (node, False)]))
    return found


def _covers(tree: Tree) -> list[int]:
    """How many training rows came to each split: children have greater numbers, so from the last."""
    covers = [0] * len(tree.field)
    for split in range(len(covers) - 1, -1, -1):
        for child in (tree.low[split], tree.high[split]):
            covers[split] += covers[child] if child >= 0 else tree.rows[-1 - child]
    return covers


def _path(tree: Tree, steps: list[tuple[int, bool]], leaf: int, covers: list[int], start: int) -> Path:
    """The steps to a leaf, by input."""
    after = [covers[node] for node, _ in steps[1:]] + [tree.rows[-1 - leaf]]
    parts: dict[int, tuple[float, list[tuple[int, bool]]]] = {}
    for (node, low), rows in zip(steps, after, strict=True):
        part, known = parts.get(tree.field[node], (1.0, []))
        parts[tree.field[node]] = (part * (rows / covers[node]), [*known, (start + node, low)])
    return [(place, part, known) for place, (part, known) in sorted(parts.items())]


def _paths(members: list[tuple[float, Path]]) -> Paths:
    steps = [step for _, path in members for _, _, known in path for step in known]
    lengths = [len(known) for _, path in members for _, _, known in path]
    inputs = np.array([[place for place, _, _ in path] for _, path in members], dtype=np.intp)
    parts = np.array([[part for _, part, _ in path] for _, path in members])
    values = np.array([value for value, _ in members])
    return Paths(
        steps=np.array([split for split, _ in steps], dtype=np.intp),
        lows=np.array([low for _, low in steps], dtype=bool),
        starts=np.cumsum([0, *lengths[:-1]], dtype=np.intp),
        inputs=inputs,
        table=_shapley(values, parts),
    )


def _shapley(values: Floats, parts: Floats) -> Floats:
    """What each of D inputs has of L leaves, in each of the 2^D cases.

    A leaf is a game: with a set of the inputs known, it is worth its value if all of those let the row
    through, times the part of the rows that goes on at the others. The Shapley values of such a product are
    sums over the sizes of the sets: the coefficients of a polynomial, one factor per input.

    Args:
        values: L log odds.
        parts: L × D.
    """
    leaves, asked = parts.shape
    cases = np.arange(2**asked)
    through = ((cases[:, None] >> np.arange(asked)[None, :]) & 1).astype(np.float64)
    weights = [
        math.factorial(size) * math.factorial(asked - size - 1) / math.factorial(asked)
        for size in range(asked)
    ]
    table = np.empty((leaves, len(cases), asked))
    for place in range(asked):
        sums = np.zeros((leaves, len(cases), asked))
        sums[:, :, 0] = 1.0
        for other in range(asked):
            if other != place:
                known = sums[:, :, :-1] * through[None, :, other, None]
                sums *= parts[:, None, other, None]
                sums[:, :, 1:] += known
        whole = np.zeros((leaves, len(cases)))
        for size, weight in enumerate(weights):  # in this order everywhere: no sum is left to a library
            whole += weight * sums[:, :, size]
        table[:, :, place] = values[:, None] * (through[None, :, place] - parts[:, place, None]) * whole
    rounded: Floats = np.rint(table * _SHARE) / _SHARE
    return rounded
