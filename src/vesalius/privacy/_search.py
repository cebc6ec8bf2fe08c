"""The search through the lattice: the node that loses least, proven so.

A node is a level for each quasi-identifying column; finer nodes lie beneath it, coarser ones above. The
search looks at one node at a time and from each learns about many:

- a node that must leave out more than it may says so for all beneath it: what is weak there is weak here;
- a node that may be published gives a loss to beat: whatever cannot lose less is done with;
- what a node leaves out, all beneath it leave out too, which raises their lower bounds;
- the classes of a node bound what the nodes above it lose, where the measure depends on classes.

The next one is the open node with the most open nodes beneath it: an answer there settles the most. This is
exact, as ARX's Flash and Lightning (Kohlmayer et al. 2012, Prasser et al. 2016); the order and the bound by
what is left out are ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vesalius.privacy._cells import Bools, Cells, Classes, Floats, Node
from vesalius.privacy.losses import Criterion
from vesalius.privacy.models import Judged, Rules

Progress = Callable[[int, int], None]
"""Called now and then with the nodes that are settled and those of the lattice."""

_MARGIN = 1e-10
"""What two orders of one sum may differ by, relative to it."""

_STALE = 200_000
"""Nodes of a lattice up to which the open ones are counted anew for every look."""


@dataclass(frozen=True)
class Found:
    """The best node.

    Attributes:
        classes: of the node.
        kept: the classes that are published.
        loss: by the criterion.
        optimal: whether no other node can lose less.
        checked: how many nodes were looked at.
        nodes: of the lattice.
    """

    classes: Classes
    kept: Bools
    loss: float
    optimal: bool
    checked: int
    nodes: int


class Search:
    """A search under way.

    Args:
        cells: of the table.
        rules: the models.
        criterion: what is to be lost least.
        limit: the most records that may be left out.
        checks: the most nodes to look at; none for no end.
    """

    def __init__(
        self, cells: Cells, rules: Rules, criterion: Criterion, limit: int, checks: int | None = None
    ) -> None:
        self.cells = cells
        self.rules = rules
        self.criterion = criterion
        self.limit = limit
        self.checks = checks
        self.shape = tuple(axis.depth for axis in cells.axes)
        self.bound: Floats = criterion.floor()
        self.open: Bools = np.ones(self.shape, bool)
        self.best: Found | None = None
        self.checked = 0
        self._spans: NDArray[np.int32] | None = None
        self._left = 0

    def run(self, progress: Progress | None = None) -> Found | None:
        """The best node, or none where no node may be published."""
        while (node := self._next()) is not None:
            if self.checks is not None and self.checked >= self.checks:
                break
            self._look(node)
            if progress and self.checked % 20 == 0:
                progress(self.open.size - int(self.open.sum()), self.open.size)
        found = self.best
        return found and Found(
            found.classes, found.kept, found.loss, node is None, self.checked, self.open.size
        )

    def _next(self) -> Node | None:
        if self.best is not None:
            self.open &= self.bound < self.best.loss - _MARGIN * max(abs(self.best.loss), 1)
        if self._spans is None or self._left <= 0:
            self._spans = _beneath(self.open)
            self._left = math.ceil(self.open.size / _STALE)
        self._left -= 1
        spans = np.where(self.open, self._spans, 0)
        place = int(spans.argmax())
        if not spans.flat[place]:
            return None
        return tuple(int(level) for level in np.unravel_index(place, self.shape))

    def _look(self, node: Node) -> None:
        self.checked += 1
        self.open[node] = False
        beneath = tuple(slice(level + 1) for level in node)
        classes = self.cells.classes(node)
        judged = self.rules.judge(classes, self.limit)
        out = self.cells.records - int(classes.size[judged.weak].sum())
        if out > self.limit:
            self.open[beneath] = False
            return
        if self._publishable(classes, judged):
            loss = self.criterion.value(classes, judged.kept)
            if self.best is None or loss < self.best.loss - _MARGIN * max(abs(loss), 1):
                self.best = Found(classes, judged.kept, loss, False, 0, 0)
        if self.open[beneath].any():
            part = self.bound[beneath]
            np.maximum(part, self.criterion.beneath(classes, judged.weak), out=part)
        if (least := self.criterion.above(classes)) > 0:
            part = self.bound[tuple(slice(level, None) for level in node)]
            np.maximum(part, least, out=part)

    def _publishable(self, classes: Classes, judged: Judged) -> bool:
        kept = int(classes.size[judged.kept].sum())
        return judged.possible and kept > 0 and self.cells.records - kept <= self.limit


def _beneath(open_: Bools) -> NDArray[np.int32]:
    """For each node, how many open ones are beneath it, itself included."""
    spans = open_.astype(np.int32)
    for axis, depth in enumerate(open_.shape):
        # Columns have few levels: adding whole slices is several times as fast as np.cumsum along the axis.
        slices = np.moveaxis(spans, axis, 0)
        for level in range(1, depth):
            slices[level] += slices[level - 1]
    return spans
