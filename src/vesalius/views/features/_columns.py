"""From windows to columns: each way to take a feature, made for many features and moments at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from vesalius.views.features._declaration import Feature
from vesalius.views.features._found import Made
from vesalius.views.features._known import Flags, Index, Stream
from vesalius.views.features._moments import Array, Ints
from vesalius.views.features._windows import Window

Pair = tuple[Feature, Stream]
_TOGETHER = 2_000_000
"""How many windows are made at once."""

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class _Values:
    """The values of a batch.

    Attributes:
        values: one for each window; None if they are the cells at the first of the places.
        places: where they lie, if single values of a window were taken.
        known: whether there is a value.
        never_null: whether a window without one has a value too: none.
    """

    values: Any
    places: tuple[Ints, ...]
    known: Flags
    never_null: bool = False


def batches(pairs: Sequence[Pair], moments: int) -> Iterator[list[Pair]]:
    """Features that differ in their codes and links only are made together, as far as memory allows."""
    alike: dict[tuple[Any, ...], list[Pair]] = {}
    for pair in pairs:
        feature = pair[0]
        key = (feature.take, feature.within, feature.ending, feature.per, feature.column)
        alike.setdefault(key, []).append(pair)
    most = max(1, _TOGETHER // max(1, moments))
    for each in alike.values():
        yield from (each[at : at + most] for at in range(0, len(each), most))


def columns(index: Index, batch: Sequence[Pair]) -> Iterator[tuple[Array, Made]]:
    """The columns of a batch, in the order of the moments that were asked about."""
    feature, moments = batch[0][0], len(index.places.at)
    window = Window(
        index, [stream for _, stream in batch], _micros(feature.within), _micros(feature.ending) or 0
    )
    made = _TAKES[feature.take](window, _micros(feature.per) or 1)
    if made.values is None:
        column = _taken(index, feature.column, made.places)
    else:
        mask = None if made.never_null else ~_asked(index, made.known)
        column = pa.array(_asked(index, made.values), mask=mask)
    span = None if made.places else (window.low, window.high)
    for at in range(len(batch)):
        offset = at * moments
        yield column.slice(offset, moments), Made(index, offset, made.known, made.places, span)


def _asked(index: Index, values: Any) -> Any:
    """From the order of the index to that of the moments that were asked about."""
    found = np.empty_like(values)
    order = index.places.order
    if len(order):
        found.reshape(-1, len(order))[:, order] = values.reshape(-1, len(order))
    return found


def _taken(index: Index, column: str, places: tuple[Ints, ...]) -> Array:
    """The cells of a column at the first of the places; null where there is none."""
    rows = np.append(index.row, -1)[_asked(index, places[0])]
    taken: Array = index.rows.column(column).take(pa.array(rows, mask=rows < 0))
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
    return _Values(window.sum() / np.maximum(count, 1), (), count > 0)


def _delta(window: Window) -> _Values:
    first, last = window.first, window.last
    values = np.append(window.known.values, 0.0)
    return _Values(values[last] - values[first], (first, last), first != last)


def _slope(window: Window, per: int) -> _Values:
    slope, known = window.slope(per)
    return _Values(slope, (), known)


_TAKES: dict[str, Callable[[Window, int], _Values]] = {
    "last": lambda window, _: _picked(window.last),
    "first": lambda window, _: _picked(window.first),
    "min": lambda window, _: _picked(window.extreme(1)),
    "max": lambda window, _: _picked(window.extreme(-1)),
    "count": lambda window, _: _Values(window.count, (), window.count > 0, never_null=True),
    "ever": lambda window, _: _ever(window),
    "since": _since,
    "sum": lambda window, _: _Values(window.sum(), (), window.count > 0),
    "mean": lambda window, _: _mean(window),
    "delta": lambda window, _: _delta(window),
    "slope": _slope,
}


def _micros(length: timedelta | None) -> int | None:
    return None if length is None else length // _MICROSECOND
