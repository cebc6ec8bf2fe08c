"""How the values of a column are made coarser, level by level.

A :class:`Hierarchy` says for each value what it is called at each level; level 0 is the value itself. Every
level is coarser than the one before: two values that have one name keep one name above. The share that a name
covers is counted in the values of the hierarchy, as ARX does; a file lists the values that could occur, also
those that do not.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vesalius.errors import InvalidPlan
from vesalius.privacy import plan as plans

ANYTHING = "*"
"""The name of all values together."""

_MOST_NUMBERS = 100_000
"""Whole numbers between the ends of intervals up to which each counts as a value that could occur."""


@dataclass(frozen=True)
class Hierarchy:
    """The names of values, from the finest to the coarsest.

    Attributes:
        rows: by value (None where the cell is empty), its names; the first is the value.
        column: the name of the column, for messages.
    """

    rows: dict[str | None, tuple[str | None, ...]]
    column: str = ""

    @cached_property
    def depth(self) -> int:
        """How many levels there are, level 0 included."""
        return len(next(iter(self.rows.values())))

    def check(self) -> Hierarchy:
        """Itself, if every level is coarser than the one before.

        Raises:
            InvalidPlan: a row is longer than another, or a name is split further up.
        """
        lengths = {len(names) for names in self.rows.values()}
        if len(lengths) != 1:
            raise InvalidPlan(
                f"hierarchy of {self.column!r}: rows of {min(lengths)} to {max(lengths)} levels"
            )
        for level in range(self.depth - 1):
            above: dict[str | None, str | None] = {}
            for names in self.rows.values():
                if above.setdefault(names[level], names[level + 1]) != names[level + 1]:
                    raise InvalidPlan(
                        f"hierarchy of {self.column!r}: level {level + 1} is not coarser than level {level}",
                        hint="values that have one name must keep one name on every level above",
                    )
        return self

    def codes(self, values: Sequence[str | None]) -> list[tuple[NDArray[np.int32], list[str | None]]]:
        """For each level, the number of each value's name, and the names.

        Raises:
            InvalidPlan: a value has no row; the message says how many, not which.
        """
        lacking = sum(value not in self.rows for value in values)
        if lacking:
            raise InvalidPlan(
                f"hierarchy of {self.column!r} lacks {lacking} of the column's {len(values)} values",
                hint="add a row for each value of the column",
            )
        made = []
        for level in range(self.depth):
            numbers: dict[str | None, int] = {}
            codes = [numbers.setdefault(self.rows[value][level], len(numbers)) for value in values]
            made.append((np.array(codes, np.int32), list(numbers)))
        return made

    def shares(self, values: Sequence[str | None]) -> NDArray[np.float64]:
        """Which part of all values each value's name covers; shape (levels, values)."""
        found = np.empty((self.depth, len(values)))
        for level in range(self.depth):
            covered: dict[str | None, int] = {}
            for names in self.rows.values():
                covered[names[level]] = covered.get(names[level], 0) + 1
            found[level] = [covered[self.rows[value][level]] / len(self.rows) for value in values]
        return found


def build(spec: plans.HierarchySpec, values: Iterable[str | None], column: str = "") -> Hierarchy:
    """The hierarchy that a plan describes, for the values that occur.

    An empty cell is a value of its own on every level below the one that names everything ``*``, or the last.

    Args:
        spec: of the plan.
        values: the values that occur, None for an empty cell.
        column: for messages.

    Raises:
        InvalidPlan: the description does not fit the values.
    """
    found = sorted({value for value in values if value is not None})
    match spec:
        case plans.FromFile(path=path):
            rows = _file(Path(path), column)
        case plans.Rows(rows=given):
            rows = _listed(given, column)
        case plans.Intervals():
            rows = _intervals(spec, found, column)
        case plans.Dates(steps=steps):
            rows = _dates(steps, found, column)
        case plans.Prefixes(lengths=lengths):
            rows = _prefixes(lengths, found, column)
        case plans.All():
            rows = {value: (value, ANYTHING) for value in found}
    return Hierarchy(_with_empty(rows, values), column).check()


def _with_empty(
    rows: dict[str | None, tuple[str | None, ...]], values: Iterable[str | None]
) -> dict[str | None, tuple[str | None, ...]]:
    """With a row for the empty cell, where the column has one and the hierarchy none."""
    if None not in set(values) or None in rows:
        return rows
    if "" in rows:
        return {None: (None, *rows[""][1:]), **rows}
    if not rows:
        return {None: (None, ANYTHING)}
    first, *_ = rows.values()
    tops = [name if name == ANYTHING else None for name in first[1:]]
    if len({names[-1] for names in rows.values()}) == 1 and tops:
        tops[-1] = first[-1]
    return {None: (None, *tops), **rows}


def _file(path: Path, column: str) -> dict[str | None, tuple[str | None, ...]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidPlan(f"hierarchy of {column!r}: {path.name} is not UTF-8") from None
    except OSError as error:
        raise InvalidPlan(f"hierarchy of {column!r}: {path.name} cannot be read: {error.strerror}") from None
    return _listed([row for row in csv.reader(io.StringIO(text), delimiter=";") if row], column)


def _listed(rows: Sequence[Sequence[str]], column: str) -> dict[str | None, tuple[str | None, ...]]:
    if not rows:
        raise InvalidPlan(f"hierarchy of {column!r} is empty")
    listed: dict[str | None, tuple[str | None, ...]] = {}
    for number, row in enumerate(rows, 1):
        if not row or len(row) != len(rows[0]):
            raise InvalidPlan(
                f"hierarchy of {column!r}, row {number}: {len(row)} levels; the first row has {len(rows[0])}"
            )
        if row[0] in listed:
            raise InvalidPlan(f"hierarchy of {column!r}, row {number}: its value has a row already")
        listed[row[0]] = tuple(row)
    return listed


def _intervals(
    spec: plans.Intervals, values: Sequence[str], column: str
) -> dict[str | None, tuple[str | None, ...]]:
    for finer, coarser in zip(spec.widths, spec.widths[1:], strict=False):
        if coarser <= finer or not math.isclose(coarser / finer, round(coarser / finer)):
            raise InvalidPlan(
                f"hierarchy of {column!r}: width {coarser:g} is no multiple of {finer:g}",
                hint="each width is a multiple of the one before",
            )
    if spec.high is not None and spec.high <= spec.low:
        raise InvalidPlan(f"hierarchy of {column!r}: high is not above low")
    numbers = {value: _number(value, column) for value in values}
    whole = all(number.is_integer() for number in numbers.values())
    if whole and spec.high is not None and spec.high - spec.low <= _MOST_NUMBERS:
        could = (str(number) for number in range(math.ceil(spec.low), math.ceil(spec.high)))
        numbers = {each: float(each) for each in could} | numbers
    return {
        value: (value, *(_interval(number, width, spec, whole) for width in spec.widths), ANYTHING)
        for value, number in numbers.items()
    }


def _number(value: str, column: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidPlan(f"hierarchy of {column!r}: the column holds something that is no number")
    return number


def _interval(number: float, width: float, spec: plans.Intervals, whole: bool) -> str:
    if number < spec.low:
        return f"<{spec.low:g}"
    last = None
    if spec.high is not None:
        # The last interval ends with the range, also where the width does not divide it.
        if number >= spec.high:
            return f"{spec.high:g}+"
        last = spec.high
    # Counted in the finest width, so that what is one there is one on every level above.
    steps = round(width / spec.widths[0])
    start = spec.low + math.floor((number - spec.low) / spec.widths[0]) // steps * width
    end = start + width if last is None else min(start + width, last)
    if whole and width >= 1 and float(width).is_integer() and float(spec.low).is_integer():
        return f"{start:g}" if end - start == 1 else f"{start:g}-{end - 1:g}"
    return f"[{start:g}, {end:g}["


_CALENDAR: dict[str, tuple[int, Callable[[date], str]]] = {
    "month": (0, lambda day: f"{day:%Y-%m}"),
    "quarter": (1, lambda day: f"{day.year:04}-Q{(day.month + 2) // 3}"),
    "year": (2, lambda day: f"{day.year:04}"),
    "decade": (3, lambda day: f"{day.year // 10 * 10:04}s"),
}
"""The order of the steps, and how each names a day."""


def _dates(
    steps: Sequence[plans.Step], values: Sequence[str], column: str
) -> dict[str | None, tuple[str | None, ...]]:
    order = [_CALENDAR[step][0] for step in steps]
    if order != sorted(set(order)):
        raise InvalidPlan(f"hierarchy of {column!r}: the steps go from month to decade, each once")
    rows: dict[str | None, tuple[str | None, ...]] = {}
    for value in values:
        try:
            day = date.fromisoformat(value[:10])
        except ValueError:
            raise InvalidPlan(
                f"hierarchy of {column!r}: the column holds something that is no day", hint="as in 2026-11-25"
            ) from None
        rows[value] = (value, *(_CALENDAR[step][1](day) for step in steps), ANYTHING)
    return rows


def _prefixes(
    lengths: Sequence[int], values: Sequence[str], column: str
) -> dict[str | None, tuple[str | None, ...]]:
    if list(lengths) != sorted(set(lengths), reverse=True):
        raise InvalidPlan(
            f"hierarchy of {column!r}: the lengths go from the longest to the shortest, each once"
        )
    return {value: (value, *(_prefix(value, length) for length in lengths), ANYTHING) for value in values}


def _prefix(value: str, length: int) -> str:
    return value if len(value) <= length else f"{value[:length]}{ANYTHING}"
