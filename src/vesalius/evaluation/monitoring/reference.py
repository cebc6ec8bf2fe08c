"""What monitoring compares with: how the inputs, the probabilities and the outcomes lay before go-live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from vesalius.errors import InvalidModel, NotEnoughData
from vesalius.evaluation.monitoring import _columns, _scored
from vesalius.evaluation.monitoring._columns import Codes, Described, Floats, Floats32
from vesalius.evaluation.monitoring._scored import Scored

PARTS = 10
"""Into how many parts of equal size the known values of a number are cut."""

KEPT = 0.65
"""The share of the variance that the kept components explain: NannyML's default, so that figures compare."""

FOLDS = 20
"""Of the cross-fitting of the components."""

FEWEST = 30
"""Fewer rows than this are no reference."""

FAR = 20.0
"""Standardised values are held within this many standard deviations: one typing error must not outshout
all.
"""


class Field(msgspec.Struct, frozen=True, omit_defaults=True):
    """One input of the reference.

    Attributes:
        name, kind, unit: as on the card.
        edges: of a number: its least value, the nine cuts between its tenths (fewer where values repeat), and
            its greatest; bin ``i`` holds ``edges[i-1] <= value < edges[i]``, the last but one its greatest
            too.
        levels: of any other kind.
        counts: rows per bin. Of a number: below the least, between the edges, above the greatest, missing. Of
            any other kind: each level, unseen, missing.
        logs: of the values above 0 of a number: how many, the sum of their natural logarithms, the sum of its
            squares.
        places: what each bin stands for in the standardised space of the components: per bin of a level; of a
            number the mean and the standard deviation.
    """

    name: str
    kind: str
    unit: str = ""
    edges: tuple[float, ...] = ()
    levels: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    logs: tuple[float, float, float] = (0.0, 0.0, 0.0)
    places: tuple[float, ...] = ()

    @property
    def bins(self) -> int:
        """How many bins there are, missing included."""
        return len(self.edges) + 2 if self.kind == "number" else len(self.levels) + 2

    def read(self, table: pa.Table) -> Any:
        """The N values of a number, not a number where missing; else the N bins."""
        if self.kind == "number":
            return _columns.numbers(table, self.name)
        return _columns.codes(table, self.name, self.levels)

    def count(self, column: Any) -> tuple[int, ...]:
        """Rows per bin."""
        if self.kind != "number":
            return tuple(np.bincount(column.astype(np.int64), minlength=self.bins).tolist())
        # Counting above each edge is ten times as fast as finding the bin of each row.
        above = [int(np.count_nonzero(column >= edge)) for edge in self.edges[:-1]]
        above += [int(np.count_nonzero(column > edge)) for edge in self.edges[-1:]]
        known = len(column) - int(np.count_nonzero(np.isnan(column)))
        cuts = [known, *above, 0]
        return (*(more - less for more, less in pairwise(cuts)), len(column) - known)

    def standardise(self, column: Any) -> Floats32:
        """N values of mean 0 and deviation 1 in the reference; a missing number stands at its mean."""
        if self.kind != "number":
            stands: Floats32 = np.asarray(self.places, dtype=np.float32)[column.astype(np.int64)]
            return stands
        mean, spread = self.places
        values: Floats32 = ((column - mean) * (1 / spread)).astype(np.float32)
        np.clip(values, -FAR, FAR, out=values)
        values[np.isnan(values)] = 0.0
        return values


class Components(msgspec.Struct, frozen=True):
    """The principal components of the standardised inputs, and how the reference lies about them.

    Attributes:
        axes: K × D, the kept components.
        precision: D × D, the inverse of the covariance, for the distance of a mean.
        error, spread: mean and standard deviation of the distance between a row and its image on the axes.
    """

    axes: tuple[tuple[float, ...], ...]
    precision: tuple[tuple[float, ...], ...]
    error: float
    spread: float

    def errors(self, columns: Floats32) -> Floats:
        """How far each of N rows (D × N) lies from its image on the axes: the reconstruction error."""
        # Not by the linear algebra library: its threads cost more than they save, and its sums vary.
        image = np.einsum("kd,dn->kn", np.asarray(self.axes, dtype=np.float32), columns)
        lost = np.einsum("ij,ij->j", columns, columns) - np.einsum("ij,ij->j", image, image)
        distances: Floats = np.sqrt(np.maximum(lost, 0), dtype=np.float64)
        return distances


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """How things were. It holds counts and moments only, no row of any patient.

    Attributes:
        fields: one per input.
        scored: the probabilities and outcomes.
        groups: the same per group, as ``NAME=LABEL``.
        components: of the inputs together; None where there are fewer than two inputs that vary.
        means: of the standardised inputs: about 0, but for what was held within bounds or is missing.
        rows: how many.
        days: over how many days they came, or 0 where that is not known.
    """

    fields: tuple[Field, ...]
    scored: Scored
    groups: dict[str, Scored] = {}
    components: Components | None = None
    means: tuple[float, ...] = ()
    rows: int
    days: int = 0

    @classmethod
    def of(
        cls,
        inputs: Sequence[Described],
        table: pa.Table,
        probability: Any,
        outcomes: Any = None,
        groups: Mapping[str, Any] | None = None,
        *,
        acted: Any = None,
        days: int = 0,
    ) -> Reference:
        """The reference of N rows.

        Args:
            inputs: the card's inputs.
            table: N rows, a column per input.
            probability: N probabilities, by a model that had not seen the row.
            outcomes: N outcomes (true, false, or None where not known); None where none is known.
            groups: by name of a grouping, N labels.
            acted: N, whether the use proposed to act.
            days: over how many days the rows came.

        Raises:
            NotEnoughData: there are fewer than 30 rows.
            InvalidModel: a column is absent or does not fit its input, or the lengths differ.
        """
        if table.num_rows < FEWEST:
            raise NotEnoughData(f"a reference of {table.num_rows} rows", hint=f"at least {FEWEST}")
        fields, columns = [], []
        for item in inputs:
            field, column = _field(item, table)
            fields.append(field)
            columns.append(column)
        everything, apart = scored(table.num_rows, probability, acted, outcomes, groups)
        return cls(
            fields=tuple(fields),
            scored=everything,
            groups=apart,
            components=_components(np.stack(columns)) if columns else None,
            means=tuple(float(column.mean()) for column in columns),
            rows=table.num_rows,
            days=days,
        )

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return msgspec.json.encode(self, order="sorted")

    @classmethod
    def from_bytes(cls, body: bytes) -> Reference:
        """Reads what :meth:`to_bytes` wrote.

        Raises:
            InvalidModel: it is no reference.
        """
        try:
            return msgspec.json.decode(body, type=cls)
        except msgspec.MsgspecError as error:
            raise InvalidModel(f"not a reference of monitoring: {error}") from error


def scored(
    count: int, probability: Any, acted: Any, outcomes: Any, groups: Mapping[str, Any] | None
) -> tuple[Scored, dict[str, Scored]]:
    """Counts probabilities and outcomes, of all and per group."""
    share = np.asarray(probability, dtype=np.float64)
    if len(share) != count:
        raise InvalidModel("there is not one probability per row")
    bins = _scored.place(share)
    truth = _scored.truths(outcomes, count)
    act = None if acted is None else np.asarray(acted, dtype=bool)
    if act is not None and len(act) != count:
        raise InvalidModel("there is not one act per row")
    apart = {}
    for name, values in (groups or {}).items():
        words, numbers = _columns.labels(values, count)
        for number, label in enumerate(words):
            here = np.flatnonzero(numbers == number)
            apart[f"{name}={label}"] = _scored.score(
                bins[here],
                share[here],
                None if act is None else act[here],
                None if truth is None else truth[here],
            )
    return _scored.score(bins, share, act, truth), apart


def logs(values: Floats) -> tuple[float, float, float]:
    """How many values are above 0, the sum of their logarithms and of its squares."""
    positive = values > 0
    count = int(np.count_nonzero(positive))
    some = values.astype(np.float32) if count == len(values) else values[positive].astype(np.float32)
    found = np.log(np.maximum(some, np.float32(1e-37)))
    return float(count), float(found.sum(dtype=np.float64)), float(np.dot(found, found))


def _field(item: Described, table: pa.Table) -> tuple[Field, Floats32]:
    """One input, and its standardised values."""
    if item.kind == "number":
        values = _columns.numbers(table, item.name)
        known = values[~np.isnan(values)]
        field = Field(
            item.name,
            item.kind,
            item.unit,
            edges=_edges(known),
            logs=logs(known),
            places=_moments(known),
        )
    else:
        levels = _columns.BOOLEAN if item.kind == "boolean" else tuple(item.levels)
        field = Field(item.name, item.kind, item.unit, levels=levels)
    column = field.read(table)
    counts = field.count(column)
    field = msgspec.structs.replace(field, counts=counts)
    if item.kind != "number":
        field = msgspec.structs.replace(field, places=_frequencies(np.asarray(counts)))
    return field, field.standardise(column)


def _edges(known: Floats) -> tuple[float, ...]:
    if not len(known):
        return ()
    cuts = np.quantile(known, np.linspace(0, 1, PARTS + 1), method="nearest")
    found = np.unique(cuts).tolist()
    return tuple(found) if len(found) > 1 else (found[0], found[0])  # one value: below, at and above it


def _moments(known: Floats) -> tuple[float, float]:
    if not len(known):
        return 0.0, 1.0
    low, high = np.quantile(known, [0.001, 0.999])
    held = np.clip(known, low, high)  # so that one typing error does not set the scale
    return float(held.mean()), float(held.std()) or 1.0


def _frequencies(counts: Codes) -> tuple[float, ...]:
    """A level stands for how usual it is: its share, standardised over the rows."""
    share = counts / max(counts.sum(), 1)
    mean = float(share @ share)
    spread = float(np.sqrt(share @ (share - mean) ** 2)) or 1.0
    return tuple(((share - mean) / spread).tolist())


def _components(columns: Floats32) -> Components | None:
    covariance = np.atleast_2d(np.cov(columns.astype(np.float64)))
    size = len(covariance)
    if size < 2 or np.count_nonzero(np.diag(covariance) > 1e-12) < 2:
        return None
    # A ridge of a thousandth: inputs that are copies of each other must not make noise count for much.
    precision = np.linalg.inv(covariance + 1e-3 * np.eye(size))
    axes = _axes(covariance)
    errors = Components(axes, (), 0.0, 1.0).errors(columns)
    return Components(axes, _nested(precision), _outside(columns), float(errors.std()) or 1.0)


def _outside(columns: Floats32) -> float:
    """The mean error of rows that had no part in their axes: those that had lie closer to them."""
    fold = np.arange(columns.shape[1]) % FOLDS
    held = [np.ascontiguousarray(columns[:, fold == number]) for number in range(FOLDS)]
    products = np.array([np.einsum("in,jn->ij", part, part, dtype=np.float64) for part in held])
    sums = np.array([part.sum(axis=1, dtype=np.float64) for part in held])
    error = 0.0
    for number, part in enumerate(held):
        count = columns.shape[1] - part.shape[1]
        mean = (sums.sum(axis=0) - sums[number]) / count
        rest = (products.sum(axis=0) - products[number]) / count - np.outer(mean, mean)
        error += float(Components(_axes(rest), (), 0.0, 1.0).errors(part).sum())
    return error / columns.shape[1]


def _axes(covariance: Floats) -> tuple[tuple[float, ...], ...]:
    """The components that explain most of the variance, all but one at the most."""
    values, vectors = np.linalg.eigh(covariance)
    share = np.cumsum(values[::-1]) / values.sum()
    kept = min(int(np.searchsorted(share, KEPT)) + 1, len(covariance) - 1)
    return _nested(vectors[:, ::-1][:, :kept].T)


def _nested(matrix: Any) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(round(value, 9) for value in row) for row in matrix.tolist())
