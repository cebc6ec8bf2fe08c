"""The rows of a table as whole numbers, and their grouping at any node of the lattice.

Rows that are alike in every quasi-identifying column are one *cell*, with how many there are: the search
looks at cells, never at rows again. A *class* is the cells that look alike at a node (one level per
column). Grouping goes by halves: the numbers of the first columns at their levels and those of the last
ones are kept, so that a node beside one already seen costs one multiplication and one sort.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Node = tuple[int, ...]
"""A level for each quasi-identifying column."""

_KEPT = 256 * 2**20
"""Bytes of numbers kept from one node to the next."""

_SPARSE = 8
"""Numbers per cell up to which counting into a table is cheaper than sorting."""


@dataclass(frozen=True)
class Axis:
    """A quasi-identifying column.

    Attributes:
        name: of the column.
        codes: for each level, the number of the name of each value that occurs; shape (values,).
        names: for each level, the names by number.
        shares: which part of all values a value's name covers; shape (levels, values).
        alone: which part of all values each value is.
        first: the level of the hierarchy that is level 0 here.
    """

    name: str
    codes: list[Codes]
    names: list[list[str | None]]
    shares: Floats
    alone: Floats
    first: int = 0

    @property
    def depth(self) -> int:
        """How many levels there are."""
        return len(self.codes)


@dataclass(frozen=True)
class Sensitive:
    """A sensitive column: how often each of its values occurs in each cell.

    Attributes:
        values: how many values there are.
        cell, value, count: one entry for each pair that occurs.
        ranks: the place of each value, from the smallest; for the ordered distance.
        tree: for each level, the number of each value's name; for the hierarchical distance.
    """

    values: int
    cell: Ints
    value: Ints
    count: Ints
    ranks: Ints | None = None
    tree: list[Codes] | None = None

    def spread(self) -> Floats:
        """The share of each value in the whole table."""
        counted = np.bincount(self.value, weights=self.count, minlength=self.values)
        return np.asarray(counted / max(counted.sum(), 1))


@dataclass(frozen=True)
class Classes:
    """The cells as one node shows them.

    Attributes:
        node: the levels.
        of: the class of each cell.
        size: the records of each class; a number that no cell has is a class of none.
        population: the persons of the population in each class, where the population is known.
    """

    node: Node
    of: Ints
    size: Ints
    population: Ints | None = None


@dataclass
class Cells:
    """The different rows of a table.

    Attributes:
        axes: the quasi-identifying columns.
        codes: for each of them, the number of the value in each cell.
        count: the records of each cell.
        population: the persons of the population in each cell.
        sensitive: by column.
    """

    axes: Sequence[Axis]
    codes: Sequence[Codes]
    count: Ints
    population: Ints | None = None
    sensitive: dict[str, Sensitive] = field(default_factory=dict)
    _kept: OrderedDict[tuple[int, Node], tuple[Ints, int]] = field(default_factory=OrderedDict)
    _size: int = 0

    @property
    def records(self) -> int:
        """The records of the table."""
        return int(self.count.sum())

    def classes(self, node: Node) -> Classes:
        """The cells as a node shows them."""
        of, number = self._numbers(0, node, top=True)
        return Classes(node, of, self._sum(of, number, self.count), self._people(of, number))

    def _people(self, of: Ints, number: int) -> Ints | None:
        return None if self.population is None else self._sum(of, number, self.population)

    def _sum(self, of: Ints, number: int, weights: Ints) -> Ints:
        # Sums of whole numbers below 2**53 are exact as floats.
        return np.bincount(of, weights=weights, minlength=number).astype(np.int64)

    def _numbers(self, first: int, node: Node, *, top: bool = False) -> tuple[Ints, int]:
        """A number for each cell that says what it looks like in some columns, and how many there may be.

        Args:
            first: the first of the columns.
            node: their levels.
            top: whether it is for one node only, and not worth keeping.
        """
        if len(node) == 1:
            codes, names = self.axes[first].codes[node[0]], self.axes[first].names[node[0]]
            return codes[self.codes[first]].astype(np.int64), len(names)
        key = (first, node)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        half = len(node) // 2
        left, lefts = self._numbers(first, node[:half])
        right, rights = self._numbers(first + half, node[half:])
        made = dense(left * rights + right, lefts * rights) if rights > 1 else (left, lefts)
        if not top:
            self._keep(key, made)
        return made

    def _keep(self, key: tuple[int, Node], made: tuple[Ints, int]) -> None:
        self._kept[key] = made
        self._size += made[0].nbytes
        while self._size > _KEPT and len(self._kept) > 1:
            _, (old, _) = self._kept.popitem(last=False)
            self._size -= old.nbytes


def dense(keys: Ints, number: int) -> tuple[Ints, int]:
    """The same keys by smaller numbers, in the same order, where that is worth it; and how many there may be.

    Args:
        keys: from 0 to ``number`` - 1.
        number: how many keys there may be.
    """
    if number <= _SPARSE * len(keys):
        return keys, number
    bits = max(len(keys) - 1, 1).bit_length()
    if number.bit_length() + bits < 63:
        # The place rides in the lowest bits, so that one plain sort does what a sort by index would.
        packed = (keys << bits) | np.arange(len(keys))
        packed.sort()
        order = packed & ((1 << bits) - 1)
        ordered = packed >> bits
    else:
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
    ranks = np.zeros(len(keys), np.int64)
    np.cumsum(ordered[1:] != ordered[:-1], out=ranks[1:])
    numbers = np.empty(len(keys), np.int64)
    numbers[order] = ranks
    return numbers, int(ranks[-1]) + 1 if len(keys) else 0
