"""The model: a table of points per input, which add up to the log odds. Nothing in it is hidden.

A model is one JSON file. For each input it says how many log odds each value adds (a missing value has points
of its own), with the same tables learned again on bootstrap samples for the interval, and the two
thresholds of the conformal prediction set. Anyone can check a prediction with a pencil.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from vesalius.errors import InvalidModel
from vesalius.modelling._arithmetic import Floats, probability, snap

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = "vesalius-model-1"
"""The version of the file format; a reader refuses any other."""

LARGEST_FILE = 32 * 1024 * 1024
"""Bytes beyond which a file is refused unread."""

Kind = Literal["number", "category", "grade", "boolean"]
Value = str | float | bool | None


_FITS: dict[Kind, tuple[type, ...]] = {
    "number": (int, float),
    "boolean": (bool,),
    "category": (str,),
    "grade": (str,),
}


class Described(Protocol):
    """An input as a card declares it: ``vesalius.card.Input`` is one."""

    @property
    def name(self) -> str:
        """The column's name."""

    @property
    def kind(self) -> Kind:
        """How a model sees it."""

    @property
    def levels(self) -> tuple[str, ...]:
        """The possible values of a category or a grade, in order."""


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


class Conformal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Thresholds of the prediction set; None means that the class is always in it (too few cases to exclude).

    Attributes:
        level: the share of each class whose set should hold the truth, as 0.9.
        positive_from: log odds from which ``True`` is in the set.
        negative_to: log odds up to which ``False`` is in the set.
    """

    level: float
    positive_from: float | None
    negative_to: float | None


class Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the model came to be.

    Attributes:
        kind: ``logistic`` or ``ebm``.
        rows, events: how many rows it learned from, and how many of them had the outcome.
        seed: of every random choice.
        data: the SHA-256 of the rows and outcomes it learned from.
        strength: of the L2 penalty (logistic), or 0.
        slope, intercept: of the recalibration that is folded into the points.
    """

    kind: str
    rows: int
    events: int
    seed: int
    data: str
    strength: float
    slope: float
    intercept: float


@dataclass(frozen=True)
class Scores:
    """What a model says about N rows: plain Python numbers, the same bits for one row and for many.

    Attributes:
        inputs: the names of the K inputs, in the order of the columns of ``contributions``.
        base: the log odds before any fact.
        contributions: N rows of K log odds; ``base`` and a row's contributions sum to its ``logit``
            exactly, in any order.
        logit: N log odds.
        probability: N probabilities, 0 to 1.
        low, high: N times the 90 % bootstrap percentile interval of the probability.
        sets: N prediction sets: the outcomes that cannot be excluded at the conformal level.
    """

    inputs: tuple[str, ...]
    base: float
    contributions: tuple[tuple[float, ...], ...]
    logit: tuple[float, ...]
    probability: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    sets: tuple[tuple[bool, ...], ...]

    def __len__(self) -> int:
        return len(self.logit)

    def strongest(self, row: int) -> list[tuple[str, float]]:
        """The inputs of one row with what they add, the strongest first; equals keep the card's order."""
        pairs = zip(self.inputs, self.contributions[row], strict=True)
        return sorted(pairs, key=lambda pair: -abs(pair[1]))


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """A glass-box additive model, calibrated, with its uncertainty.

    Attributes:
        base: the log odds of a patient whose every input adds nothing.
        terms: one per input.
        replicates: B bootstrap replicates, for the interval.
        conformal: the thresholds of the prediction set.
        facts: how it was trained.
    """

    base: float
    terms: tuple[Term, ...]
    replicates: tuple[Replicate, ...]
    conformal: Conformal
    facts: Facts

    @cached_property
    def hash(self) -> str:
        """The SHA-256 of the model's file: its identity."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the columns it reads."""
        return tuple(term.input for term in self.terms)

    def to_bytes(self) -> bytes:
        """The file: canonical JSON (sorted keys, no spaces) that holds its own check sum."""
        body = msgspec.json.encode(self, order="sorted")
        check = hashlib.sha256(body).hexdigest()
        return b'{"model":%b,"schema":"%b","sha256":"%b"}' % (body, SCHEMA.encode(), check.encode())

    @classmethod
    def from_bytes(cls, raw: bytes) -> Model:
        """Reads a file; whatever is wrong with it, nothing is run and nothing is guessed.

        Raises:
            InvalidModel: too large, not JSON, another schema, damaged, or tables that do not fit together.
        """
        if len(raw) > LARGEST_FILE:
            raise InvalidModel(f"the model file has {len(raw)} bytes; the most allowed is {LARGEST_FILE}")
        try:
            envelope = msgspec.json.decode(raw, type=_Envelope)
            if envelope.schema != SCHEMA:
                raise InvalidModel(
                    f"model schema {envelope.schema[:40]!r} is unknown", hint=f"this version reads {SCHEMA}"
                )
            model = msgspec.json.decode(envelope.model, type=cls)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidModel(
                f"the model file cannot be read: {error}", hint="train the model again"
            ) from error
        if model.to_bytes() != raw:
            raise InvalidModel(
                "the model file is damaged: its check sum differs", hint="restore it from a backup"
            )
        _check(model)
        return model

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
        copies = len(self.replicates) + 1
        logits = np.repeat(np.array([[self.base], *([item.base] for item in self.replicates)]), rows, axis=1)
        added = np.empty((rows, len(self.terms)))
        for number, term in enumerate(self.terms):
            low, high, part = locate(term, values(table, term.input, term.kind))
            points = self._points[number]
            gain = points[:, low] + part * (points[:, high] - points[:, low])
            gain = snap(gain) if term.shape == "line" else gain
            logits += gain  # exact: every addend is on the grid
            added[:, number] = gain[0]
        spread = np.sort(logits[1:], axis=0) if copies > 1 else logits
        cut = int(spread.shape[0] * 0.05)
        low_logit = np.minimum(spread[cut], logits[0])
        high_logit = np.maximum(spread[-1 - cut], logits[0])
        return Scores(
            inputs=self.inputs,
            base=self.base,
            contributions=tuple(tuple(row) for row in added.tolist()),
            logit=tuple(logits[0].tolist()),
            probability=tuple(probability(logits[0]).tolist()),
            low=tuple(probability(low_logit).tolist()),
            high=tuple(probability(high_logit).tolist()),
            sets=tuple(self._set(logit) for logit in logits[0].tolist()),
        )

    @cached_property
    def _points(self) -> list[Floats]:
        """Per term, copies × points (missing last): the model first, then its replicates."""
        own = [(*term.points, term.missing) for term in self.terms]
        copies = [own, *(replicate.points for replicate in self.replicates)]
        return [np.array([copy[number] for copy in copies]) for number in range(len(self.terms))]

    def _set(self, logit: float) -> tuple[bool, ...]:
        bounds = self.conformal
        negative = bounds.negative_to is None or logit <= bounds.negative_to
        positive = bounds.positive_from is None or logit >= bounds.positive_from
        return (False,) * negative + (True,) * positive


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    schema: str
    model: msgspec.Raw
    sha256: str


def values(table: pa.Table, name: str, kind: Kind) -> list[Value]:
    """The column ``name`` as Python values, checked against the kind of the input.

    Raises:
        InvalidModel: the column is absent, or its type does not fit the kind.
    """
    if name not in table.column_names:
        raise InvalidModel(
            f"the evidence has no column {name!r}", hint="the use case and the model do not match"
        )
    column: list[Value] = table.column(name).to_pylist()
    fits = _FITS[kind]
    for value in column:
        wrong_boolean = isinstance(value, bool) and kind != "boolean"
        if value is not None and (wrong_boolean or not isinstance(value, fits)):
            raise InvalidModel(f"the column {name!r} holds {type(value).__name__}, not a {kind}")
    return column


def locate(term: Term, column: Sequence[Value]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Floats]:
    """Where each value falls among the points of ``term``: between which two, and how far along.

    Returns:
        Three arrays of N: the index of the lower point, of the upper one, and the part of the way, 0 to 1.
    """
    missing = len(term.points)
    part = np.zeros(len(column))
    if not term.shape:
        places: dict[Any, int] = {level: place for place, level in enumerate(levels(term.kind, term.levels))}
        low = np.array([places.get(value, missing) for value in column], dtype=np.intp)
        return low, low, part
    numbers = np.array([math.nan if value is None else float(value) for value in column], dtype=np.float64)
    known = np.isfinite(numbers)
    edges = np.array(term.edges, dtype=np.float64)
    if term.shape == "steps":
        low = np.where(known, np.searchsorted(edges, np.where(known, numbers, 0.0), side="right"), missing)
        return low, low, part
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


def _check(model: Model) -> None:
    """Refuses tables that do not fit together."""
    names = model.inputs
    if len(set(names)) != len(names) or not names:
        raise InvalidModel("the model has no input, or one twice")
    for term in model.terms:
        _check_term(term)
    shape = [len(term.points) + 1 for term in model.terms]
    for replicate in model.replicates:
        if [len(points) for points in replicate.points] != shape:
            raise InvalidModel("a bootstrap replicate does not have the tables of the model")
        _check_points("replicate", [replicate.base, *(point for row in replicate.points for point in row)])
    _check_points("base", [model.base])


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
