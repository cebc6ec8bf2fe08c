"""What features give: a table, and where each value came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import pyarrow as pa

from vesalius.views.features._known import Flags, Index
from vesalius.views.features._moments import Ints

MOST = 100
"""Up to this many references are given for one value: of those that went into it, the newest."""


@dataclass(frozen=True)
class Found:
    """Features of N moments.

    Attributes:
        table: N rows, a column per feature, null where nothing was known.
        sources: for each moment, where its values came from.
    """

    table: pa.Table
    sources: Sources


@dataclass(frozen=True)
class Made:
    """Where the values of one feature came from; of all features that were made with it, from ``offset`` on.

    Attributes:
        index: what was known.
        offset: where its own part of the arrays begins.
        known: whether there is a value.
        places: where the values lie, one array for each that a feature takes (-1 for none).
        span: from where until before where they lie, if all of a window went into it.
    """

    index: Index
    offset: int
    known: Flags
    places: tuple[Ints, ...]
    span: tuple[Ints, Ints] | None

    def rows(self, moment: int) -> Ints:
        """The rows of the view that went into the value of a moment, in order."""
        at = self.offset + moment
        if not self.known[at]:
            return np.empty(0, np.int64)
        if self.span is None:
            return self.index.row[[each[at] for each in self.places]]
        low, high = self.span
        part = slice(low[at], high[at])
        alive: Flags = self.index.end[part] > self.index.places.at[moment]
        return self.index.row[part][alive]


class Sources(Sequence[Mapping[str, tuple[str, ...]]]):
    """For each moment, the versioned references (``Observation/1/_history/2``) of each value.

    They are looked up when asked for. Names of features without a value are not there. Of a value to which
    many versions contributed the newest :data:`MOST` are given, oldest first; :meth:`many` says how many
    there were.
    """

    def __init__(self, index: Index, made: Mapping[str, Made]) -> None:
        self._references = index.rows.table["_reference"]
        self._made = made
        self._place = np.empty(len(index.places.order), np.int64)
        self._place[index.places.order] = np.arange(len(self._place))

    def __len__(self) -> int:
        return len(self._place)

    @overload
    def __getitem__(self, at: int) -> Mapping[str, tuple[str, ...]]: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Mapping[str, tuple[str, ...]]]: ...
    def __getitem__(
        self, at: int | slice
    ) -> Mapping[str, tuple[str, ...]] | Sequence[Mapping[str, tuple[str, ...]]]:
        if isinstance(at, slice):
            return [self[each] for each in range(*at.indices(len(self)))]
        moment = int(self._place[at])
        found = ((name, made.rows(moment)[-MOST:]) for name, made in self._made.items())
        return {name: self._of(rows) for name, rows in found if len(rows)}

    def many(self, at: int, name: str) -> int:
        """How many versions went into the value of the feature ``name`` at moment ``at``."""
        return len(self._made[name].rows(int(self._place[at])))

    def _of(self, rows: Ints) -> tuple[str, ...]:
        return tuple(self._references[row].as_py() for row in rows.tolist())
