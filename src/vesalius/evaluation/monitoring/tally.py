"""What came in, counted: small, mergeable, and without any row of a patient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from vesalius.errors import InvalidModel
from vesalius.evaluation.monitoring import _columns
from vesalius.evaluation.monitoring import reference as references
from vesalius.evaluation.monitoring._scored import Scored, together
from vesalius.evaluation.monitoring.reference import Field, Reference

_CHUNK = 8_192
"""Rows that are standardised at a time: they stay in the processor's cache."""

_NONE = (0.0, 0.0, 0.0)

Counts = tuple[tuple[int, ...], ...]
Moments = tuple[tuple[float, float, float], ...]


class Tally(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Counts of some rows (those of a day, say) in the bins of a reference. ``tally + tally`` is both.

    Attributes:
        rows: how many.
        counts: per input of the reference, rows per bin.
        logs: per input that is a number, the count, sum and sum of squares of the logarithms of its values
            above 0; zeros for others.
        scored: the probabilities and outcomes.
        groups: the same per group, as ``NAME=LABEL``.
        errors: how many rows, the sum and the sum of squares of their reconstruction errors.
        means: per input, the sum of its standardised values.
    """

    rows: int = 0
    counts: Counts = ()
    logs: Moments = ()
    scored: Scored = Scored()
    groups: dict[str, Scored] = {}
    errors: tuple[float, float, float] = (0.0, 0.0, 0.0)
    means: tuple[float, ...] = ()

    @classmethod
    def of(
        cls,
        reference: Reference,
        table: pa.Table,
        probability: Any,
        acted: Any = None,
        outcomes: Any = None,
        groups: Mapping[str, Any] | None = None,
    ) -> Tally:
        """Counts N rows.

        Args:
            reference: whose bins are used.
            table: N rows, a column per input.
            probability: N probabilities.
            acted: N, whether the use proposed to act.
            outcomes: N outcomes; None (or not a number) where not known yet.
            groups: by name of a grouping, N labels.

        Raises:
            InvalidModel: a column is absent or does not fit the reference, or the lengths differ.
        """
        everything, apart = references.scored(table.num_rows, probability, acted, outcomes, groups)
        columns = [field.read(table) for field in reference.fields]
        pairs = list(zip(reference.fields, columns, strict=True))
        errors, means = _together(reference, pairs, table.num_rows)
        return cls(
            rows=table.num_rows,
            counts=tuple(field.count(column) for field, column in pairs),
            logs=tuple(_logs(field, column) for field, column in pairs),
            scored=everything,
            groups=apart,
            errors=errors,
            means=means,
        )

    @classmethod
    def by_day(
        cls,
        reference: Reference,
        days: Sequence[str],
        table: pa.Table,
        probability: Any,
        acted: Any = None,
        outcomes: Any = None,
        groups: Mapping[str, Any] | None = None,
    ) -> dict[str, Tally]:
        """One tally per day: N days (ISO dates), and else as :meth:`of`."""
        named, number = _columns.labels(days, table.num_rows)
        order = np.argsort(number, kind="stable")
        ends = np.cumsum(np.bincount(number, minlength=len(named))).tolist()
        split = Rows(
            table.take(order) if (np.diff(number) < 0).any() else table,
            np.asarray(probability, dtype=np.float64)[order],
            None if acted is None else np.asarray(acted)[order],
            None if outcomes is None else np.asarray(outcomes)[order],
            {name: pa.array(values).take(order) for name, values in (groups or {}).items()},
        )
        parts = zip(named, [0, *ends], ends, strict=False)
        found = {day: split.part(start, end).tally(reference) for day, start, end in parts}
        return dict(sorted(found.items()))

    def __add__(self, other: Tally) -> Tally:
        """Both together.

        Raises:
            InvalidModel: they were counted in the bins of different references.
        """
        return total((self, other))

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return msgspec.json.encode(self, order="sorted")

    @classmethod
    def from_bytes(cls, body: bytes) -> Tally:
        """Reads what :meth:`to_bytes` wrote.

        Raises:
            InvalidModel: it is no tally.
        """
        try:
            return msgspec.json.decode(body, type=cls)
        except msgspec.MsgspecError as error:
            raise InvalidModel(f"not a tally of monitoring: {error}") from error


class Rows(msgspec.Struct, frozen=True):
    """Rows that wait to be counted; they are never stored."""

    table: Any
    probability: Any
    acted: Any = None
    outcomes: Any = None
    groups: dict[str, Any] = {}

    def part(self, start: int, end: int) -> Rows:
        """The rows from ``start`` up to ``end``."""
        return Rows(
            self.table.slice(start, end - start),
            self.probability[start:end],
            None if self.acted is None else self.acted[start:end],
            None if self.outcomes is None else self.outcomes[start:end],
            {name: values[start:end] for name, values in self.groups.items()},
        )

    def tally(self, reference: Reference) -> Tally:
        """Counted."""
        return Tally.of(reference, self.table, self.probability, self.acted, self.outcomes, self.groups)


def total(tallies: Iterable[Tally]) -> Tally:
    """All together, at once; an empty tally where there is none.

    Raises:
        InvalidModel: they were counted in the bins of different references.
    """
    some = [tally for tally in tallies if tally.rows or tally.scored.bins]
    if not some:
        return Tally()
    if len({tuple(map(len, tally.counts)) for tally in some}) > 1:
        raise InvalidModel("tallies of different references cannot be added")
    names = dict.fromkeys(name for tally in some for name in tally.groups)
    errors = np.sum([tally.errors for tally in some], axis=0).tolist()
    return Tally(
        rows=sum(tally.rows for tally in some),
        counts=tuple(
            _summed([tally.counts[place] for tally in some]) for place in range(len(some[0].counts))
        ),
        logs=tuple(tuple(line) for line in np.sum([tally.logs for tally in some], axis=0).tolist()),
        scored=together([tally.scored for tally in some]),
        groups={
            name: together([tally.groups[name] for tally in some if name in tally.groups]) for name in names
        },
        errors=(errors[0], errors[1], errors[2]),
        means=tuple(np.sum([tally.means for tally in some], axis=0).tolist()),
    )


def _summed(rows: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    summed: tuple[int, ...] = tuple(np.sum(rows, axis=0).tolist())
    return summed


def _together(
    reference: Reference, pairs: Sequence[tuple[Field, Any]], count: int
) -> tuple[tuple[float, float, float], tuple[float, ...]]:
    """The sums of the reconstruction errors and of the standardised inputs, some rows at a time."""
    if reference.components is None or not pairs:
        return _NONE, ()
    errors, means = np.zeros(3), np.zeros(len(pairs))
    for start in range(0, count, _CHUNK):
        columns = np.stack([field.standardise(column[start : start + _CHUNK]) for field, column in pairs])
        distances = reference.components.errors(columns)
        errors += np.array([len(distances), distances.sum(), distances @ distances])
        means += columns.sum(axis=1, dtype=np.float64)
    rows, total_, squares = errors.tolist()
    return (rows, total_, squares), tuple(means.tolist())


def _logs(field: Field, column: Any) -> tuple[float, float, float]:
    return references.logs(column) if field.kind == "number" else _NONE
