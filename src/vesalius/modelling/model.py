"""The model: a table of points per input, which add up to the log odds. Nothing in it is hidden.

A model is one JSON file. For each input it says how many log odds each value adds (a missing value has points
of its own), with the same tables learned again on bootstrap samples for the interval, and the two
thresholds of the conformal prediction set. Anyone can check a prediction with a pencil.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from vesalius.errors import InvalidModel
from vesalius.modelling._arithmetic import Floats, snap
from vesalius.modelling._columns import Kind, Value
from vesalius.modelling._learnt import Learnt
from vesalius.modelling.scores import Scores

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK = 4096
"""Rows that are scored at a time, so that what they need stays in the processor's cache."""


class Term(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one input adds to the log odds.

    Attributes:
        input: the name of the column.
        kind: of the input.
        levels: of a category or a grade, the values; of a boolean, ``false`` and ``true``.
        shape: of a number, how the points read: ``steps`` from one edge to the next, or ``line`` between
            knots.
        edges: of a number, E ascending values; steps have E + 1 points (an edge belongs to the step above
            it), a line has E.
        points: the log odds that each level, step or knot adds.
        missing: the log odds that a missing value adds.
    """

    input: str
    kind: Kind
    levels: tuple[str, ...] = ()
    shape: Literal["", "steps", "line"] = ""
    edges: tuple[float, ...] = ()
    points: tuple[float, ...]
    missing: float

    def expected(self) -> int:
        """How many points the term must have."""
        return {"": len(self.levels), "steps": len(self.edges) + 1, "line": len(self.edges)}[self.shape]


class Replicate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The same tables, learned on a bootstrap sample of the same patients.

    Attributes:
        base: the log odds before any fact.
        points: per term, its points, and at the end those of a missing value.
    """

    base: float
    points: tuple[tuple[float, ...], ...]


class Model(Learnt, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """A glass-box additive model, calibrated, with its uncertainty.

    Attributes:
        base: the log odds of a patient whose every input adds nothing.
        terms: one per input.
        replicates: B bootstrap replicates, for the interval.
    """

    SCHEMA = "vesalius-model-1"

    base: float
    terms: tuple[Term, ...]
    replicates: tuple[Replicate, ...]

    @property
    def parts(self) -> tuple[Term, ...]:
        """One per input."""
        return self.terms

    def check(self) -> None:
        """Refuses tables that do not fit together.

        Raises:
            InvalidModel: the message says what.
        """
        super().check()
        for term in self.terms:
            _check_term(term)
        shape = [len(term.points) + 1 for term in self.terms]
        for copy in self.replicates:
            if [len(points) for points in copy.points] != shape:
                raise InvalidModel("a bootstrap replicate does not have the tables of the model")
            _check_points("replicate", [copy.base, *(point for row in copy.points for point in row)])
        _check_points("base", [self.base])

    def options(self, name: str) -> tuple[Value, ...]:
        """The values of an input that its table is written for: its levels, or its knots or edges."""
        term = self.terms[self.inputs.index(name)]
        return term.edges if term.shape else levels(term.kind, term.levels)

    def score(self, table: pa.Table) -> Scores:
        """What the model says about each row of ``table``.

        Args:
            table: N rows with a column per input; other columns are ignored. Null, a number that is not
                finite and a level the model does not know all count as missing.

        Returns:
            The scores; the score of a row does not depend on the rows beside it.

        Raises:
            InvalidModel: a column is absent or is not of the input's kind.
        """
        rows = table.num_rows
        columns = self._coded(table)
        gains = np.empty((rows, len(self.terms)))
        logits = np.empty(rows)
        low, high = np.empty(rows), np.empty(rows)
        for start in range(0, rows, BLOCK):
            block = slice(start, start + BLOCK)
            copies = self._block([column[block] for column in columns], gains[block])
            logits[block] = copies[:, 0]
            if self.replicates:
                low[block], high[block] = percentiles(copies)
        bounds = (low, high) if self.replicates else None
        return Scores(self.inputs, self.base, logits, bounds, self._allowed(logits, columns), lambda: gains)

    def _block(self, columns: Sequence[Floats], gains: Floats) -> Floats:
        """Rows × copies log odds, the model first; what each input adds to the model is put in ``gains``."""
        copies = np.repeat(self._bases[None, :], len(gains), axis=0)
        for number, term in enumerate(self.terms):
            low, high, part = locate(term, columns[number])
            points = self._points[number]
            gain = points[low]
            if term.shape == "line":
                gain = snap(gain + part[:, None] * (points[high] - gain))
            copies += gain  # exact: every addend is on the grid
            gains[:, number] = gain[:, 0]
        return copies

    @cached_property
    def _bases(self) -> Floats:
        return np.array([self.base, *(replicate.base for replicate in self.replicates)])

    @cached_property
    def _points(self) -> list[Floats]:
        """Per term, points (missing last) × copies: the model first, then its replicates."""
        own = [(*term.points, term.missing) for term in self.terms]
        copies = [own, *(replicate.points for replicate in self.replicates)]
        return [
            np.ascontiguousarray(np.array([copy[number] for copy in copies]).T)
            for number in range(len(self.terms))
        ]


def percentiles(copies: Floats) -> tuple[Floats, Floats]:
    """The ends of the 90 % interval of N rows, which hold the model's own log odds.

    Args:
        copies: N × (1 + B) log odds: the model's own, then those of its replicates.
    """
    count = copies.shape[1] - 1
    cut = int(count * 0.05)
    spread = np.partition(copies[:, 1:], (cut, count - 1 - cut), axis=1)
    return np.minimum(spread[:, cut], copies[:, 0]), np.maximum(spread[:, -1 - cut], copies[:, 0])


def locate(term: Term, numbers: Any) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Floats]:
    """Where each value falls among the points of ``term``: between which two, and how far along.

    Args:
        term: the term.
        numbers: N numbers; of a level, its place; not a number (or None) where it is missing.

    Returns:
        Three arrays of N: the index of the lower point, of the upper one, and the part of the way, 0 to 1.
    """
    numbers = np.asarray(numbers, dtype=np.float64)
    missing = len(term.points)
    known = np.isfinite(numbers)
    filled = np.where(known, numbers, 0.0)
    if not term.shape:
        low = np.where(known, filled.astype(np.intp), missing)
        return low, low, np.zeros(len(numbers))
    edges = np.array(term.edges, dtype=np.float64)
    if term.shape == "steps":
        low = np.where(known, np.searchsorted(edges, filled, side="right"), missing)
        return low, low, np.zeros(len(numbers))
    inside = np.clip(np.where(known, numbers, edges[0]), edges[0], edges[-1])
    low = np.clip(np.searchsorted(edges, inside, side="right") - 1, 0, max(len(edges) - 2, 0))
    high = np.minimum(low + 1, len(edges) - 1)
    width = np.where(high > low, edges[high] - edges[low], 1.0)
    part = np.where(known, (inside - edges[low]) / width, 0.0)
    return np.where(known, low, missing), np.where(known, high, missing), part


def levels(kind: Kind, names: Sequence[str]) -> tuple[Value, ...]:
    """The values that a level stands for: of a boolean, False and True; else the names themselves."""
    return (False, True) if kind == "boolean" else tuple(names)


def points_of(model: Model) -> Mapping[str, Mapping[str, float]]:
    """The point tables for people to read: input → what it is → log odds (``""`` is a missing value)."""
    tables = {}
    for term in model.terms:
        names = term.levels or _spans(term)
        tables[term.input] = dict(zip(names, term.points, strict=True)) | {"": term.missing}
    return tables


def _spans(term: Term) -> list[str]:
    if term.shape == "line":
        return [f"{edge:g}" for edge in term.edges]
    inner = [f"{low:g} – {high:g}" for low, high in zip(term.edges, term.edges[1:], strict=False)]
    ends = (f"< {term.edges[0]:g}", f"≥ {term.edges[-1]:g}") if term.edges else ("any",)
    return [ends[0], *inner, *ends[1:]]


def _check_term(term: Term) -> None:
    if bool(term.shape) != (term.kind == "number") or len(set(term.levels)) != len(term.levels):
        raise InvalidModel(f"the table of {term.input!r} does not fit its kind")
    if len(term.points) != term.expected() or not term.points:
        raise InvalidModel(
            f"the table of {term.input!r} has {len(term.points)} points, not {term.expected()}"
        )
    if list(term.edges) != sorted(set(term.edges)) or not all(map(math.isfinite, term.edges)):
        raise InvalidModel(f"the edges of {term.input!r} do not ascend")
    _check_points(term.input, [*term.points, term.missing])


def _check_points(what: str, points: Sequence[float]) -> None:
    array = np.array(points, dtype=np.float64)
    if not np.isfinite(array).all() or np.abs(array).max(initial=0) > 1e6 or (snap(array) != array).any():
        raise InvalidModel(f"the points of {what!r} are not on the grid of 1/4096 log odds")
