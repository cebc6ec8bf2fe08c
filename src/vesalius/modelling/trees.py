"""Boosted trees as data: the challenger, scored by our own code, each prediction taken apart exactly.

The file is JSON as that of :class:`~vesalius.modelling.model.Model`: per tree the questions that it asks,
where the answers lead, how many patients came there, and the log odds that each leaf adds. It holds no code,
and what reads it needs no boosting library.
"""

from __future__ import annotations

import hashlib
import math
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import numpy.typing as npt

from vesalius.errors import InvalidModel
from vesalius.modelling import _columns, _file
from vesalius.modelling._arithmetic import GRID, Floats, snap
from vesalius.modelling._columns import Kind, Value
from vesalius.modelling._forest import Forest
from vesalius.modelling._tree import MOST_LEAVES, Field, Tree, problem
from vesalius.modelling.model import percentiles
from vesalius.modelling.scores import Conformal, Facts, Scores

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = "vesalius-trees-1"
"""The version of the file format; a reader refuses any other."""

BLOCK = 1024
"""Rows that are scored at a time."""

_MOST_OPTIONS = 32
"""Values of a number that are tried as a change."""


class Copy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The same, learned on a bootstrap sample of the same patients."""

    constant: float
    trees: tuple[Tree, ...]


class Trees(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """Boosted trees, calibrated, with their uncertainty; scores and explains as a glass box does.

    What each input adds is its Shapley value under the path-dependent expectation (TreeSHAP: Lundberg et al.,
    Nat Mach Intell 2020;2:56-67), on the grid of 1/4096 log odds, so that they sum to the prediction exactly.

    Attributes:
        fields: the inputs.
        constant: log odds beside those of the leaves.
        trees: the trees, whose leaves add up.
        replicates: B bootstrap replicates, for the interval.
        conformal: the thresholds of the prediction set.
        facts: how it was trained.
    """

    fields: tuple[Field, ...]
    constant: float
    trees: tuple[Tree, ...]
    replicates: tuple[Copy, ...]
    conformal: Conformal
    facts: Facts

    @cached_property
    def hash(self) -> str:
        """The SHA-256 of the model's file: its identity."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the columns it reads."""
        return tuple(each.input for each in self.fields)

    @cached_property
    def base(self) -> float:
        """The log odds before any fact: the mean of the training rows."""
        return float(snap(self.constant + self._forest.expected))

    def kind_of(self, name: str) -> Kind:
        """The kind of an input."""
        return self.fields[self.inputs.index(name)].kind

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

    def to_bytes(self) -> bytes:
        """The file: canonical JSON (sorted keys, no spaces) that holds its own check sum."""
        return _file.written(self, SCHEMA)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Trees:
        """Reads a file; whatever is wrong with it, nothing is run and nothing is guessed.

        Raises:
            InvalidModel: too large, not JSON, another schema, damaged, or trees that do not hold together.
        """
        model = _file.read(raw, cls, SCHEMA)
        _check(model)
        return model

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
        columns = [_columns.read(table, each.input, each.kind).coded(each.levels) for each in self.fields]
        coded = np.stack(columns) if table.num_rows else np.empty((len(columns), 0))
        logits = self._logits(coded, self._forest, self.constant)
        return Scores(
            self.inputs,
            self.base,
            logits,
            self._bounds(coded, logits),
            self._allowed(coded, logits),
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

    def _allowed(self, coded: Floats, logits: Floats) -> npt.NDArray[np.bool_]:
        if not self.conformal.by:
            return self.conformal.allowed(logits)
        place = self.inputs.index(self.conformal.by)
        return self.conformal.allowed(logits, self.fields[place].levels, coded[place])

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


def _check(model: Trees) -> None:
    """Refuses trees that do not hold together."""
    if len(set(model.inputs)) != len(model.inputs) or not model.inputs:
        raise InvalidModel("the model has no input, or one twice")
    for each in model.fields:
        named = each.kind != "number"
        if named != bool(each.levels) or len(set(each.levels)) != len(each.levels):
            raise InvalidModel(f"the levels of {each.input!r} do not fit its kind")
    if wrong := model.conformal.wrong({each.input: each.levels for each in model.fields}):
        raise InvalidModel(f"the prediction sets do not fit the model: {wrong}")
    copies = [Copy(model.constant, model.trees), *model.replicates]
    for copy in copies:
        if not math.isfinite(copy.constant) or float(snap(copy.constant)) != copy.constant:
            raise InvalidModel("the constant is not on the grid of 1/4096 log odds")
        if sum(len(tree.leaf) for tree in copy.trees) > MOST_LEAVES:
            raise InvalidModel(f"the model has more than {MOST_LEAVES} leaves")
        for tree in copy.trees:
            if wrong := problem(tree, model.fields):
                raise InvalidModel(f"a tree does not hold together: {wrong}")
