"""Boosted trees as data: the challenger, scored by our own code, each prediction taken apart exactly.

The file is JSON as that of :class:`~vesalius.modelling.model.Model`: per tree the questions that it asks,
where the answers lead, how many patients came there, and the log odds that each leaf adds. It holds no code,
and what reads it needs no boosting library.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from vesalius.errors import InvalidModel
from vesalius.modelling._arithmetic import GRID, Floats, snap
from vesalius.modelling._columns import Value
from vesalius.modelling._forest import Forest
from vesalius.modelling._learnt import Learnt
from vesalius.modelling._tree import MOST_LEAVES, Field, Tree, problem
from vesalius.modelling.model import percentiles
from vesalius.modelling.scores import Scores

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK = 1024
"""Rows that are scored at a time."""

_MOST_OPTIONS = 32
"""Values of a number that are tried as a change."""


class Copy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The same, learned on a bootstrap sample of the same patients."""

    constant: float
    trees: tuple[Tree, ...]


class Trees(Learnt, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """Boosted trees, calibrated, with their uncertainty; scores and explains as a glass box does.

    What each input adds is its Shapley value under the path-dependent expectation (TreeSHAP: Lundberg et al.,
    Nat Mach Intell 2020;2:56-67), on the grid of 1/4096 log odds, so that they sum to the prediction exactly.

    Attributes:
        fields: the inputs.
        constant: log odds beside those of the leaves.
        trees: the trees, whose leaves add up.
        replicates: B bootstrap replicates, for the interval.
    """

    SCHEMA = "vesalius-trees-1"

    fields: tuple[Field, ...]
    constant: float
    trees: tuple[Tree, ...]
    replicates: tuple[Copy, ...]

    @property
    def parts(self) -> tuple[Field, ...]:
        """One per input."""
        return self.fields

    @cached_property
    def base(self) -> float:
        """The log odds before any fact: the mean of the training rows."""
        return float(snap(self.constant + self._forest.expected))

    def check(self) -> None:
        """Refuses trees that do not hold together.

        Raises:
            InvalidModel: the message says what.
        """
        super().check()
        for each in self.fields:
            named = each.kind != "number"
            if named != bool(each.levels) or len(set(each.levels)) != len(each.levels):
                raise InvalidModel(f"the levels of {each.input!r} do not fit its kind")
        for copy in (Copy(self.constant, self.trees), *self.replicates):
            self._check_copy(copy)

    def _check_copy(self, copy: Copy) -> None:
        if not math.isfinite(copy.constant) or float(snap(copy.constant)) != copy.constant:
            raise InvalidModel("the constant is not on the grid of 1/4096 log odds")
        if sum(len(tree.leaf) for tree in copy.trees) > MOST_LEAVES:
            raise InvalidModel(f"the model has more than {MOST_LEAVES} leaves")
        for tree in copy.trees:
            if wrong := problem(tree, self.fields):
                raise InvalidModel(f"a tree does not hold together: {wrong}")

    def options(self, name: str) -> tuple[Value, ...]:
        """The values of an input between which predictions differ: its levels, or numbers at its splits."""
        place = self.inputs.index(name)
        each = self.fields[place]
        if each.kind != "number":
            return (False, True) if each.kind == "boolean" else each.levels
        cuts = self._forest.cuts[place]
        if not len(cuts):
            return ()
        if len(cuts) > _MOST_OPTIONS:
            cuts = np.unique(np.quantile(cuts, np.linspace(0, 1, _MOST_OPTIONS), method="nearest"))
        beyond = cuts[-1] + (cuts[-1] - cuts[-2] if len(cuts) > 1 else 1.0)
        return (*cuts.tolist(), float(beyond))

    def score(self, table: pa.Table) -> Scores:
        """What the model says about each row of ``table``; contributions are worked out when asked for.

        Args:
            table: N rows with a column per input; other columns are ignored. Null, a number that is not
                finite and a level the model does not know all count as missing.

        Returns:
            The scores; the score of a row does not depend on the rows beside it.

        Raises:
            InvalidModel: a column is absent or is not of the input's kind.
        """
        columns = self._coded(table)
        coded = np.stack(columns) if table.num_rows else np.empty((len(columns), 0))
        logits = self._logits(coded, self._forest, self.constant)
        return Scores(
            self.inputs,
            self.base,
            logits,
            self._bounds(coded, logits),
            self._allowed(logits, coded),
            lambda: self._explain(coded, logits),
        )

    def _logits(self, coded: Floats, forest: Forest, constant: float) -> Floats:
        found = np.empty(coded.shape[1])
        for start in range(0, len(found), BLOCK):
            block = slice(start, start + BLOCK)
            found[block] = forest.sums(coded[:, block])
        return snap(constant + found)

    def _bounds(self, coded: Floats, logits: Floats) -> tuple[Floats, Floats] | None:
        if not self.replicates:
            return None
        copies = [
            self._logits(coded, forest, copy.constant)
            for copy, forest in zip(self.replicates, self._copies, strict=True)
        ]
        return percentiles(np.column_stack([logits, *copies]))

    def _explain(self, coded: Floats, logits: Floats) -> Floats:
        gains = np.empty((len(logits), len(self.fields)))
        for start in range(0, len(logits), BLOCK):
            block = slice(start, start + BLOCK)
            gains[block] = self._forest.shares(coded[:, block])
        return settle(gains, logits - self.base)

    @cached_property
    def _forest(self) -> Forest:
        return Forest(self.fields, self.trees)

    @cached_property
    def _copies(self) -> list[Forest]:
        return [Forest(self.fields, copy.trees) for copy in self.replicates]


def settle(gains: Floats, sums: Floats) -> Floats:
    """The gains on the grid, so that each row sums exactly: the largest remainders take what rounding left.

    Args:
        gains: N × K log odds.
        sums: N log odds on the grid, which the rows sum to but for rounding.
    """
    scaled = gains * GRID
    whole = np.rint(scaled)
    short = np.rint(sums * GRID) - whole.sum(axis=1)
    rest = (scaled - whole) * np.sign(short)[:, None]
    # The place of each input among the remainders of its row, the largest first; equals keep their order.
    rank = np.argsort(np.argsort(-rest, axis=1, kind="stable"), axis=1, kind="stable")
    steps, left = np.divmod(np.abs(short), gains.shape[1])
    whole += np.sign(short)[:, None] * (steps[:, None] + (rank < left[:, None]))
    return whole / GRID + 0.0
