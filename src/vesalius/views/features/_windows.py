"""One window before each moment: which values are in it, and what is made of them.

Sums run in order, oldest first, each moment on its own, so that a value does not depend on which other
moments are asked about, on the machine, or on how many threads it has. All moments go forward together:
first the first value of each, then the second, as far as its window reaches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import numpy as np

from vesalius.views.features._known import Flags, Floats, Index, Stream
from vesalius.views.features._moments import Ints

Step = tuple[int, Ints, Flags | None]
"""How many moments have a value here, where each lies, and whether it was in force (None: all were)."""


class Window:
    """What each moment sees of some streams: recorded in [moment - within, moment - ending], in force at it.

    All arrays hold the windows of the first stream, one for each moment, then those of the second, and on.

    Args:
        index: the streams.
        streams: S of them.
        within: microseconds; None for any time.
        ending: microseconds.
    """

    def __init__(self, index: Index, streams: Sequence[Stream], within: int | None, ending: int) -> None:
        self.known = index
        at = index.places.at
        group = index.asked(streams)
        self.at: Ints = np.tile(at, len(streams))
        self.high: Ints = index.place(group, at - ending, "right")
        self.low: Ints = index.begin(group) if within is None else index.place(group, at - within, "left")

    @cached_property
    def last(self) -> Ints:
        """Where the last value of each window lies; -1 where there is none."""
        return self._end_of(self.high - 1, -1, self._from_low)

    @cached_property
    def first(self) -> Ints:
        """Where the first value of each window lies; -1 where there is none."""
        return self._end_of(self.low.copy(), 1, self._before_high)

    def _from_low(self, at: Ints, these: Ints) -> Flags:
        found: Flags = at >= self.low[these]
        return found

    def _before_high(self, at: Ints, these: Ints) -> Flags:
        found: Flags = at < self.high[these]
        return found

    def _end_of(self, found: Ints, step: int, inside: Callable[[Ints, Ints], Flags]) -> Ints:
        """Goes from one end of each window over what was replaced by the moment."""
        these = np.arange(len(found))
        these = these[inside(found, these)]
        empty = np.ones(len(found), np.bool_)
        empty[these] = False
        if self.known.replaced is not None:
            these = these[self.known.end[found[these]] <= self.at[these]]
            while len(these):
                found[these] += step
                within = inside(found[these], these)
                empty[these[~within]] = True
                these = these[within]
                these = these[self.known.end[found[these]] <= self.at[these]]
        found[empty] = -1
        return found

    @cached_property
    def count(self) -> Ints:
        """How many values each window has."""
        counted: Ints = np.maximum(self.high - self.low, 0)
        if self._some_replaced is None:
            return counted
        these = np.flatnonzero(self._some_replaced)
        order, steps = self._forward(these)
        counts = np.zeros(len(these), np.int64)
        for many, _, alive in steps:
            counts[:many] += 1 if alive is None else alive
        counted[these[order]] = counts
        return counted

    @cached_property
    def _some_replaced(self) -> Flags | None:
        """Which windows hold a value that was replaced at some time; None if none does."""
        replaced = self.known.replaced
        if replaced is None:
            return None
        found: Flags = (replaced[self.high] > replaced[self.low]) & (self.high > self.low)
        return found if found.any() else None

    def _forward(self, these: Ints | None = None) -> tuple[Ints, Iterator[Step]]:
        """The windows by length, longest first, and the steps that go through them side by side."""
        low, high, at = self.low, self.high, self.at
        if these is not None:
            low, high, at = low[these], high[these], at[these]
        order = np.argsort(low - high, kind="stable")
        return order, self._steps(low[order], high[order] - low[order], at[order])

    def _steps(self, low: Ints, size: Ints, at: Ints) -> Iterator[Step]:
        longest = int(size[0]) if len(size) else 0
        many = np.searchsorted(-size, -np.arange(longest), "left")
        for step, count in enumerate(many.tolist()):
            place = low[:count] + step
            alive = None if self._some_replaced is None else self.known.end[place] > at[:count]
            yield count, place, alive

    def total(self, part: Callable[[Ints, Ints], Floats]) -> Floats:
        """The sum of something over each window, in order.

        Args:
            part: what to add, given where a value lies and which moment it is for.
        """
        order, steps = self._forward()
        sums = np.zeros(len(order))
        for many, place, alive in steps:
            more = part(place, order[:many])
            sums[:many] += more if alive is None else np.where(alive, more, 0.0)
        found = np.empty(len(order))
        found[order] = sums
        return found

    def sum(self) -> Floats:
        """The sum of the values of each window."""
        values = self.known.values
        return self.total(lambda place, _: values[place])

    def extreme(self, sign: int) -> Ints:
        """Where the least (1) or greatest (-1) value of each window lies, the first such; -1 for none."""
        values = self.known.values * sign
        order, steps = self._forward()
        best = np.full(len(order), -1)
        least = np.zeros(len(order))
        for many, place, alive in steps:
            value = values[place]
            better = (best[:many] < 0) | (value < least[:many])
            if alive is not None:
                better &= alive
            best[:many] = np.where(better, place, best[:many])
            least[:many] = np.where(better, value, least[:many])
        found = np.empty(len(order), np.int64)
        found[order] = best
        return found

    def slope(self, per: int) -> tuple[Floats, Flags]:
        """The trend of each window by least squares, per unit of time, and where there is one.

        Source: any textbook; sums of the centred values, in order.
        """
        count, values = np.maximum(self.count, 1), self.known.values

        def age(place: Ints, which: Ints) -> Floats:
            found: Floats = (self.known.start[place] - self.at[which]) / per
            return found

        middle = self.total(age) / count
        mean = self.sum() / count
        together = self.total(
            lambda place, which: (age(place, which) - middle[which]) * (values[place] - mean[which])
        )
        spread = self.total(lambda place, which: (age(place, which) - middle[which]) ** 2)
        there: Flags = spread > 0
        return np.divide(together, spread, out=np.zeros(len(spread)), where=there), there
