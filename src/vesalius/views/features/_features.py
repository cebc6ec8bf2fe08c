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
from vesalius.views.features._declaration import NUMBERS, Feature, read
from vesalius.views.features._guard import check, check_kind
from vesalius.views.features._known import Flags, Index, Rows, Stream
from vesalius.views.features._moments import Asked, Ints, Moments
from vesalius.views.features._windows import Window

if TYPE_CHECKING:
    from vesalius.lake import Lake

MOST = 100
"""Up to this many references are given for one value: of those that went into it, the newest."""

_TOGETHER = 2_000_000
"""How many windows are made at once."""

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
        index = Index(Rows(table), moments, dict.fromkeys(Stream.of(feature) for feature in self.features))
        columns: dict[str, pa.Array[Any]] = {}
        made: dict[str, _Made] = {}
        for batch in _batches(self.features, len(moments.at)):
            for feature, column, origin in _make(index, batch):
                columns[feature.name], made[feature.name] = column, origin
        names = [feature.name for feature in self.features]
        return Found(pa.table([columns[name] for name in names], names=names), Sources(index, made, names))

    def _check(self, table: pa.Table, moments: Moments) -> None:
        wanted, names = set(_ORIGIN), frozenset(table.column_names)
        for at, feature in enumerate(self.features):
            wanted.add(feature.column)
            wanted.update(filter(None, (feature.link,)))
            wanted.update(("code", "code_system") if feature.codes else ())
            if feature.take in NUMBERS and feature.column in names:
                check_kind(feature, table.schema.field(feature.column).type, f"features[{at}]")
        missing = sorted(wanted - names)
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
        window: the windows of its batch.
        offset: where its own windows begin.
        places: where the values lie, one array for each that a feature takes (-1 for none); None if all of
            the window went into it.
        known: whether there is a value.
    """

    window: Window
    offset: int
    places: tuple[Ints, ...] | None
    known: Flags

    def rows(self, moment: int) -> Ints:
        """The rows of the view that went into the value of a moment, in order."""
        at = self.offset + moment
        if not self.known[at]:
            return np.empty(0, np.int64)
        if self.places is None:
            return self.window.known.row[self.window.places(at)]
        return self.window.known.row[[each[at] for each in self.places]]


class Sources(Sequence[Mapping[str, tuple[str, ...]]]):
    """For each moment, the versioned references (``Observation/1/_history/2``) of each value; found when asked.

    Names of features without a value are not there. Of a value to which many versions contributed the newest
    :data:`MOST` are given, oldest first; :meth:`many` says how many there were.
    """

    def __init__(self, index: Index, made: Mapping[str, _Made], names: Sequence[str]) -> None:
        self._references = index.rows.column("_reference")
        self._made = {name: made[name] for name in names}
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


# --- from windows to columns --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Values:
    """The values of a batch, and where they came from: as in :class:`_Made`, for all its windows."""

    values: Any
    places: tuple[Ints, ...] | None
    known: Flags
    never_null: bool = False


def _batches(features: Sequence[Feature], moments: int) -> Iterator[list[Feature]]:
    """Features that differ in their codes and links only are made together, as far as memory allows."""
    alike: dict[tuple[Any, ...], list[Feature]] = {}
    for feature in features:
        key = (feature.take, feature.within, feature.ending, feature.per, feature.column)
        alike.setdefault(key, []).append(feature)
    most = max(1, _TOGETHER // max(1, moments))
    for each in alike.values():
        yield from (each[at : at + most] for at in range(0, len(each), most))


def _make(index: Index, batch: Sequence[Feature]) -> Iterator[tuple[Feature, pa.Array[Any], _Made]]:
    """The columns of a batch, in the order of the moments that were asked about."""
    one, moments = batch[0], len(index.places.at)
    streams = [Stream.of(feature) for feature in batch]
    window = Window(index, streams, _micros(one.within), _micros(one.ending) or 0)
    made = _TAKES[one.take](window, _micros(one.per) or 1)
    if made.values is None:
        column = _taken(index, one.column, made.places[0] if made.places else made.known)
    else:
        mask = None if made.never_null else ~_asked(index, made.known)
        column = pa.array(_asked(index, made.values), mask=mask)
    for at, feature in enumerate(batch):
        offset = at * moments
        yield feature, column.slice(offset, moments), _Made(window, offset, made.places, made.known)


def _asked(index: Index, values: Any) -> Any:
    """From the order of the index to that of the moments that were asked about."""
    found = np.empty_like(values)
    order = index.places.order
    if len(order):
        found.reshape(-1, len(order))[:, order] = values.reshape(-1, len(order))
    return found


def _taken(index: Index, column: str, places: Ints) -> pa.Array[Any]:
    """The cells of a column at some places; null where there is none."""
    rows = np.append(index.row, -1)[_asked(index, places)]
    taken: pa.Array[Any] = index.rows.column(column).take(pa.array(rows, mask=rows < 0))
    return taken


def _picked(places: Ints) -> _Values:
    return _Values(None, (places,), places >= 0)


def _ever(window: Window) -> _Values:
    known: Flags = window.last >= 0
    return _Values(known, (window.last,), known, never_null=True)


def _since(window: Window, per: int) -> _Values:
    start = np.append(window.known.start, 0)[window.last]
    return _Values((window.at - start) / per, (window.last,), window.last >= 0)


def _mean(window: Window) -> _Values:
    count = window.count
    return _Values(window.sum() / np.maximum(count, 1), None, count > 0)


def _delta(window: Window) -> _Values:
    first, last = window.first, window.last
    values = np.append(window.known.values, 0.0)
    return _Values(values[last] - values[first], (first, last), first != last)


def _slope(window: Window, per: int) -> _Values:
    slope, known = window.slope(per)
    return _Values(slope, None, known)


_TAKES: dict[str, Callable[[Window, int], _Values]] = {
    "last": lambda window, _: _picked(window.last),
    "first": lambda window, _: _picked(window.first),
    "min": lambda window, _: _picked(window.extreme(1)),
    "max": lambda window, _: _picked(window.extreme(-1)),
    "count": lambda window, _: _Values(window.count, None, window.count > 0, never_null=True),
    "ever": lambda window, _: _ever(window),
    "since": _since,
    "sum": lambda window, _: _Values(window.sum(), None, window.count > 0),
    "mean": lambda window, _: _mean(window),
    "delta": lambda window, _: _delta(window),
    "slope": _slope,
}


def _micros(length: timedelta | None) -> int | None:
    return None if length is None else length // _MICROSECOND
