"""What a generalisation loses: the measures that the search makes least, and their lower bounds.

Each measure bounds itself in three ways, so that most of the lattice is never looked at: from the levels
alone (``floor``), from what a coarser node already had to leave out (``beneath``), and from the classes of
a finer node (``above``).
"""

from __future__ import annotations

from functools import reduce
from typing import Protocol

import numpy as np

from vesalius.privacy import plan as plans
from vesalius.privacy._cells import Bools, Cells, Classes, Floats, Node


class Criterion(Protocol):
    """A measure of what is lost; less is better."""

    def floor(self) -> Floats:
        """A lower bound for each node of the lattice, from its levels alone."""
        ...

    def value(self, classes: Classes, kept: Bools) -> float:
        """What the node loses if the classes that are not ``kept`` are left out."""
        ...

    def beneath(self, classes: Classes, kept: Bools) -> Floats | float:
        """A lower bound for the nodes that are finer in no column coarser, which leave out no less.

        Args:
            classes: of this node.
            kept: what every finer node would keep at most.
        """
        ...

    def above(self, classes: Classes) -> float:
        """A lower bound for every node that is coarser, or the same, in every column."""
        ...


class Loss:
    """The mean share of the values that a published cell could be; 1 for a cell left out (Iyengar 2002).

    As ARX's ``Loss`` with equal weight for generalisation and suppression: per column scaled so that the
    table as it is loses 0 and one that says nothing loses 1, and over the columns the geometric mean of ``1
    + loss``, less 1.
    """

    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        self.records = cells.records
        counted = [
            np.bincount(codes, weights=cells.count, minlength=axis.shares.shape[1])
            for axis, codes in zip(cells.axes, cells.codes, strict=True)
        ]
        self.covered = [axis.shares @ each for axis, each in zip(cells.axes, counted, strict=True)]
        self.least = [float(axis.alone @ each) for axis, each in zip(cells.axes, counted, strict=True)]

    def floor(self) -> Floats:
        """What the levels lose, with nothing left out."""
        return self._grid([np.zeros(axis.depth) for axis in self.cells.axes])

    def value(self, classes: Classes, kept: Bools) -> float:
        """The loss, from 0 to 1."""
        out = self._left_out(classes, kept)
        parts = [
            self._scaled(column, covered[level : level + 1] + added[level : level + 1])
            for column, (covered, added, level) in enumerate(
                zip(self.covered, out, classes.node, strict=True)
            )
        ]
        return float(np.expm1(np.mean([np.log1p(part[0]) for part in parts])))

    def beneath(self, classes: Classes, kept: Bools) -> Floats:
        """A finer node leaves out what this one leaves out, at its own levels."""
        out = self._left_out(classes, kept)
        return self._grid([added[: level + 1] for added, level in zip(out, classes.node, strict=True)])

    def above(self, classes: Classes) -> float:  # noqa: ARG002
        """The levels say it already."""
        return 0.0

    def _left_out(self, classes: Classes, kept: Bools) -> list[Floats]:
        """For each column and level, how much more is lost because some cells are left out."""
        gone = np.flatnonzero(~kept[classes.of])
        weights = self.cells.count[gone]
        return [
            (1 - axis.shares) @ np.bincount(codes[gone], weights=weights, minlength=axis.shares.shape[1])
            for axis, codes in zip(self.cells.axes, self.cells.codes, strict=True)
        ]

    def _scaled(self, column: int, covered: Floats) -> Floats:
        room = self.records - self.least[column]
        return (covered - self.least[column]) / room if room > 0 else np.zeros_like(covered)

    def _grid(self, added: list[Floats]) -> Floats:
        parts = [
            np.log1p(self._scaled(column, self.covered[column][: len(more)] + more))
            for column, more in enumerate(added)
        ]
        return np.expm1(reduce(np.add.outer, parts) / len(parts))


class Discernibility:
    """For each record, how many look like it; all of them for one left out (Bayardo and Agrawal 2005)."""

    def __init__(self, cells: Cells, smallest: int) -> None:
        self.cells = cells
        self.records = cells.records
        self.smallest = smallest

    def floor(self) -> Floats:
        """No class is smaller than the models allow, and there are no more than the names can make."""
        even = self.records**2 / possible_classes(self.cells)
        return np.maximum(even, float(self.records * self.smallest))

    def value(self, classes: Classes, kept: Bools) -> float:
        """The sum of the squares of the classes, and of the records left out times all."""
        size = classes.size
        out = int(size[~kept].sum())
        return float((size[kept] ** 2).sum() + out * self.records)

    def beneath(self, classes: Classes, kept: Bools) -> float:
        """What is left out here is left out there."""
        out = int(classes.size[~kept].sum())
        return float(out * self.records + (self.records - out) * self.smallest)

    def above(self, classes: Classes) -> float:
        """Classes only grow, and one left out costs no less than one kept."""
        return float((classes.size**2).sum())


class AverageClassSize:
    """Records for each class, those left out as one class (LeFevre et al. 2006, not divided by k)."""

    def __init__(self, cells: Cells, smallest: int) -> None:
        self.cells = cells
        self.records = cells.records
        self.smallest = smallest

    def floor(self) -> Floats:
        """No class is smaller than the models allow, and there are no more than the names can make."""
        return np.maximum(self.records / (possible_classes(self.cells) + 1), self._most(0))

    def value(self, classes: Classes, kept: Bools) -> float:
        """Records by classes."""
        seen = classes.size > 0
        number = int((kept & seen).sum()) + bool((seen & ~kept).any())
        return self.records / max(number, 1)

    def beneath(self, classes: Classes, kept: Bools) -> float:
        """What is kept makes no more classes than of the smallest size allowed."""
        return self._most(int(classes.size[~kept].sum()))

    def above(self, classes: Classes) -> float:
        """Classes only become fewer."""
        return self.records / max(int((classes.size > 0).sum()), 1)

    def _most(self, out: int) -> float:
        return self.records / ((self.records - out) // self.smallest + 1)


class Entropy:
    """How much the published names say less than the values, in bits (De Waal and Willenborg 1999).

    For each cell of the table the negative logarithm of the chance to guess the value from its name; for
    those left out, also to guess the name among those left out, as ARX's non-uniform entropy.
    """

    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        self.levels = [self._lost(column) for column in range(len(cells.axes))]

    def floor(self) -> Floats:
        """What the levels lose, with nothing left out."""
        return np.asarray(reduce(np.add.outer, self.levels))

    def value(self, classes: Classes, kept: Bools) -> float:
        """Bits lost."""
        lost = sum(levels[level] for levels, level in zip(self.levels, classes.node, strict=True))
        gone = np.flatnonzero(~kept[classes.of])
        weights = self.cells.count[gone]
        for axis, codes, level in zip(self.cells.axes, self.cells.codes, classes.node, strict=True):
            named = np.bincount(axis.codes[level][codes[gone]], weights=weights)
            named = named[named > 0]
            lost += float((named * np.log2(named.sum() / named)).sum())
        return float(lost)

    def beneath(self, classes: Classes, kept: Bools) -> float:  # noqa: ARG002
        """The levels say all that is sure."""
        return 0.0

    def above(self, classes: Classes) -> float:  # noqa: ARG002
        """The levels say it already."""
        return 0.0

    def _lost(self, column: int) -> Floats:
        axis = self.cells.axes[column]
        counted = np.bincount(
            self.cells.codes[column], weights=self.cells.count, minlength=axis.shares.shape[1]
        )
        there = counted > 0
        lost = []
        for codes in axis.codes:
            named = np.bincount(codes, weights=counted)[codes]
            lost.append(float((counted[there] * np.log2(named[there] / counted[there])).sum()))
        return np.array(lost)


def possible_classes(cells: Cells) -> Floats:
    """For each node, how many classes there can be: one for each combination of names."""
    names = [np.array([len(each) for each in axis.names], float) for axis in cells.axes]
    return np.asarray(reduce(np.multiply.outer, names))


def criterion(name: plans.Criterion, cells: Cells, smallest: int = 1) -> Criterion:
    """The measure that a plan names.

    Args:
        name: of the plan.
        cells: of the table.
        smallest: the records that every published class has at least, by the models.
    """
    match name:
        case "loss":
            return Loss(cells)
        case "discernibility":
            return Discernibility(cells, smallest)
        case "average-class-size":
            return AverageClassSize(cells, smallest)
        case "entropy":
            return Entropy(cells)


def granularity(cells: Cells, node: Node) -> dict[str, float]:
    """Per column, the mean share of all values that a published name covers, nothing left out."""
    return {
        axis.name: float(axis.shares[level][codes] @ cells.count / cells.records)
        for axis, codes, level in zip(cells.axes, cells.codes, node, strict=True)
    }
