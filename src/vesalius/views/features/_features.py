"""Features that are ready to run: beside their view, checked, from rows to one row per moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import pyarrow as pa

from vesalius.errors import InvalidView
from vesalius.views._view import View
from vesalius.views.features._declaration import Feature, read
from vesalius.views.features._guard import check, check_kind
from vesalius.views.features._known import Flags, Floats, Index, Rows, Stream
from vesalius.views.features._moments import Asked, Ints, Moments
from vesalius.views.features._windows import Window

if TYPE_CHECKING:
    from vesalius.lake import Lake

MOST = 100
"""Up to this many references are given for one value: of those that went into it, the newest."""

_MICROSECOND = timedelta(microseconds=1)
_ORIGIN = ("_reference", "_resource", "_subject", "_recorded_at", "_seq")


class Features:
    """Some features and the view whose rows they are made of.

    Of each resource the version in force at the moment counts: of those recorded by then, the one with the
    greatest ``(_recorded_at, _seq)``. If it is not withdrawn (:data:`WITHDRAWN`, column ``status``), is about
    the patient, has one of the codes and was recorded in the window, its value counts, once. Values are in
    the order of ``_recorded_at``, then ``effective``, then the resource. Nothing recorded after the moment
    has any influence.

    Args:
        view: what gives the rows: columns ``code_system`` and ``code`` if a feature has codes, columns of
            values, and where they are of use ``status``, ``effective`` and references. Every version must
            give a row, at least as far as its elements can change.
        features: the columns to make.
        outcome: columns that hold the answer; no feature may be made of them.
        added: columns that the caller adds to the rows of the view before :meth:`of`.

    Raises:
        Leak: a feature could see past its moment or know the answer; the error names the place.
        InvalidView: a column is not there, or a feature cannot be made of it.
    """

    def __init__(
        self,
        view: View,
        features: Sequence[Feature],
        *,
        outcome: Sequence[str] = (),
        added: Sequence[str] = (),
    ) -> None:
        check(view.definition, view.schema, features, outcome, added)
        self.view = view
        self.features = tuple(features)

    @classmethod
    def load(cls, source: Path | str | Mapping[str, Any]) -> Features:
        """Features from a JSON file, or from one that is decoded; its ``view`` lies beside it.

        Raises:
            Leak: a feature could see past its moment or know the answer; the error names the place.
            InvalidView: the declaration or its view is wrong; the error names the place.
        """
        said, folder = read(source)
        view = View.load(folder / said.view if isinstance(said.view, str) else said.view)
        return cls(view, said.features, outcome=said.outcome, added=said.added)

    def table(self, lake: Lake, asked: Sequence[Asked] | pa.Table) -> Found:
        """The features at each moment, from a lake.

        Args:
            lake: the lake, pinned or not.
            asked: N candidates, each with ``subject`` (``Patient/ID``), ``focus`` (``Type/ID``) and
                ``as_of``; or a table with such columns, in which ``focus`` may be missing.
        """
        moments = Moments.of(asked)
        subjects = sorted(moments.subject.drop_null().unique().to_pylist())
        return self._found(self.view.table(lake, subjects), moments)

    def of(self, rows: pa.Table, asked: Sequence[Asked] | pa.Table) -> Found:
        """The features at each moment, from the rows that :meth:`View.table` gave, in any order.

        Raises:
            InvalidView: the rows lack a column, or the moments cannot be read.
        """
        return self._found(rows, Moments.of(asked))

    def _found(self, table: pa.Table, moments: Moments) -> Found:
        self._check(table, moments)
        rows = Rows(table)
        streams = [Stream.of(feature) for feature in self.features]
        index = Index(rows, moments, dict.fromkeys(streams))
        windows: dict[tuple[Stream, int | None, int], Window] = {}
        columns, made = [], {}
        for feature, stream in zip(self.features, streams, strict=True):
            within, ending = _micros(feature.within), _micros(feature.ending)
            span = (stream, within, ending or 0)
            if span not in windows:
                windows[span] = Window(index, index.known[stream], within, ending or 0)
            column, made[feature.name] = _Maker(index, windows[span], feature).make()
            columns.append(column)
        names = [feature.name for feature in self.features]
        return Found(pa.Table.from_arrays(columns, names=names), Sources(index, made))

    def _check(self, table: pa.Table, moments: Moments) -> None:
        wanted = set(_ORIGIN)
        for at, feature in enumerate(self.features):
            wanted.add(feature.column)
            wanted.update(filter(None, (feature.link,)))
            wanted.update(("code", "code_system") if feature.codes else ())
            if feature.column in table.column_names:
                check_kind(feature, table.schema.field(feature.column).type, f"features[{at}]")
        missing = sorted(wanted - set(table.column_names))
        if missing:
            raise InvalidView(f"the rows lack the columns {', '.join(missing)}", hint="add them to the view")
        if moments.focus is None and any(feature.link for feature in self.features):
            raise InvalidView("the moments lack the column focus, which a link needs")


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
class _Made:
    """Where the values of one feature came from.

    Attributes:
        window: its windows.
        places: where the values lie in the stream, one array for each that a feature takes (-1 for none);
            None if all of the window went into it.
        known: whether there is a value; sorted as the moments of the index.
    """

    window: Window
    places: tuple[Ints, ...] | None
    known: Flags


class Sources(Sequence[Mapping[str, tuple[str, ...]]]):
    """For each moment, the versioned references (``Observation/1/_history/2``) of each value, found when asked.

    Names of features without a value are not there. Of a value to which many versions contributed the newest
    :data:`MOST` are given, oldest first; :meth:`many` says how many there were.
    """

    def __init__(self, index: Index, made: Mapping[str, _Made]) -> None:
        self._references = index.rows.column("_reference")
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
        return {name: self._of(made, moment) for name, made in self._made.items() if made.known[moment]}

    def __iter__(self) -> Iterator[Mapping[str, tuple[str, ...]]]:
        return (self[at] for at in range(len(self)))

    def many(self, at: int, name: str) -> int:
        """How many versions contributed to the value of the feature ``name`` at moment ``at``."""
        made, moment = self._made[name], int(self._place[at])
        return len(self._rows(made, moment)) if made.known[moment] else 0

    def _of(self, made: _Made, moment: int) -> tuple[str, ...]:
        rows = self._rows(made, moment)[-MOST:]
        return tuple(self._references[row].as_py() for row in rows.tolist())

    @staticmethod
    def _rows(made: _Made, moment: int) -> Ints:
        if made.places is None:
            return made.window.known.row[made.window.places(moment)]
        return made.window.known.row[[each[moment] for each in made.places]]


class _Maker:
    """Makes the column of one feature; arrays are sorted as the moments of the index until the end."""

    def __init__(self, index: Index, window: Window, feature: Feature) -> None:
        self.index = index
        self.window = window
        self.feature = feature
        self.column = index.rows.column(feature.column)

    def make(self) -> tuple[pa.Array[Any], _Made]:
        """The column, in the order of the moments that were asked about, and where its values came from."""
        makers: dict[str, Callable[[], tuple[pa.Array[Any], _Made]]] = {
            "last": lambda: self._taken(self.window.last),
            "first": lambda: self._taken(self.window.first),
            "min": lambda: self._taken(self.window.extreme(self._values())),
            "max": lambda: self._taken(self.window.extreme(-self._values())),
            "count": self._count,
            "ever": self._ever,
            "since": self._since,
            "sum": self._sum,
            "mean": self._mean,
            "delta": self._delta,
            "slope": self._slope,
        }
        return makers[self.feature.take]()

    def _values(self) -> Floats:
        """The values of the stream, as numbers."""
        numbers = self.column.take(pa.array(self.window.known.row)).cast(pa.float64(), safe=False)
        found: Floats = numbers.to_numpy(zero_copy_only=False)
        return found

    def _taken(self, places: Ints) -> tuple[pa.Array[Any], _Made]:
        known = places >= 0
        rows = self._asked(np.where(known, self._rows(places), -1))
        taken = self.column.take(pa.array(rows, mask=rows < 0))
        return taken, _Made(self.window, (places,), known)

    def _rows(self, places: Ints) -> Ints:
        row = self.window.known.row
        return row[places] if len(row) else places

    def _asked(self, values: Any) -> Any:
        """In the order of the moments that were asked about."""
        found = np.empty_like(values)
        found[self.index.places.order] = values
        return found

    def _array(self, values: Any, known: Flags | None = None) -> pa.Array[Any]:
        return pa.array(self._asked(values), mask=None if known is None else ~self._asked(known))

    def _count(self) -> tuple[pa.Array[Any], _Made]:
        count = self.window.count
        return self._array(count), _Made(self.window, None, count > 0)

    def _ever(self) -> tuple[pa.Array[Any], _Made]:
        known = self.window.last >= 0
        return self._array(known), _Made(self.window, (self.window.last,), known)

    def _since(self) -> tuple[pa.Array[Any], _Made]:
        last = self.window.last
        start = self.window.known.start
        elapsed = self.window.at - (start[last] if len(start) else 0)
        known = last >= 0
        made = _Made(self.window, (last,), known)
        return self._array(elapsed / (self.feature.per // _MICROSECOND), known), made

    def _sum(self) -> tuple[pa.Array[Any], _Made]:
        values, known = self._values(), self.window.count > 0
        total = self.window.total(lambda place, _: values[place])
        return self._array(total, known), _Made(self.window, None, known)

    def _mean(self) -> tuple[pa.Array[Any], _Made]:
        values, count = self._values(), self.window.count
        mean = self.window.total(lambda place, _: values[place]) / np.maximum(count, 1)
        return self._array(mean, count > 0), _Made(self.window, None, count > 0)

    def _delta(self) -> tuple[pa.Array[Any], _Made]:
        values, first, last = self._values(), self.window.first, self.window.last
        known = (last >= 0) & (first != last)
        delta = values[last] - values[first] if len(values) else np.zeros(len(last))
        return self._array(delta, known), _Made(self.window, (first, last), known)

    def _slope(self) -> tuple[pa.Array[Any], _Made]:
        values = self._values()
        slope, known = self.window.slope(values, self.feature.per // _MICROSECOND)
        return self._array(slope, known), _Made(self.window, None, known)


def _micros(length: timedelta | None) -> int | None:
    return None if length is None else length // _MICROSECOND
