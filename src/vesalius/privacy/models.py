"""The privacy models: which classes may be published.

Each model has two answers about a class. One is the definition. The other, the *weak* one, follows from
it and has a property that the definition may lack: a class that has it keeps it, whatever it is merged
with. k-anonymity and distinct l-diversity are weak themselves; the others are not, because a class that
holds may be merged with one that does not, which was to be left out. Only what is weak lets the search
skip whole parts of the lattice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from vesalius.errors import InvalidPlan
from vesalius.privacy import plan as plans
from vesalius.privacy._cells import Bools, Cells, Classes, Codes, Floats, Ints, Sensitive

T = TypeVar("T")

_BLOCK = 4_000_000
"""Counts of values by class held at a time."""

_EPSILON = 1e-9
"""Where a share meets its limit exactly, arithmetic must not decide."""


@dataclass(frozen=True)
class Judged:
    """What the models say of the classes of a node.

    Attributes:
        kept: which classes may be published.
        weak: those that keep what is weak; the others are left out in every finer node too.
        possible: whether the node may be published at all.
    """

    kept: Bools
    weak: Bools
    possible: bool = True


class Rules:
    """The models of a plan, on one table.

    Args:
        models: of the plan.
        cells: of the table.

    Raises:
        InvalidPlan: a model needs the population, or an order of values, that is not there.
    """

    def __init__(self, models: Sequence[plans.Model], cells: Cells) -> None:
        self.cells = cells
        self.records = cells.records
        self.sizes = [model for model in models if isinstance(model, plans.KAnonymity)]
        self.maps = [model for model in models if isinstance(model, plans.KMap)]
        self.presences = [model for model in models if isinstance(model, plans.Presence)]
        apart = (plans.KAnonymity, plans.KMap, plans.Presence)
        self.columns: dict[str, list[plans.Model]] = {}
        for model in models:
            if not isinstance(model, apart):
                self.columns.setdefault(model.column, []).append(model)
        if (self.maps or self.presences) and cells.population is None:
            raise InvalidPlan(
                "k-map and delta-presence need the population's table", hint="give --population"
            )

    @property
    def smallest(self) -> int:
        """The records that every published class has at least."""
        needed = [model.k for model in self.sizes]
        needed += [_values(model) for models in self.columns.values() for model in models]
        return max(needed, default=1)

    def judge(self, classes: Classes, limit: int) -> Judged:
        """Which classes may be published.

        Args:
            classes: of a node.
            limit: the most records that may be left out. Where the sizes alone ask for more, nothing else
                is asked.
        """
        weak = self._by_size(classes)
        if self.records - int(classes.size[weak].sum()) > limit:
            return Judged(weak, weak, possible=False)
        kept = weak.copy()
        possible = True
        people = classes.population
        for presence in self.presences:
            assert people is not None
            chance = classes.size / np.maximum(people, 1)
            fits = (chance >= presence.low - _EPSILON) & (chance <= presence.high + _EPSILON)
            kept &= fits
        for column, models in self.columns.items():
            for model, held in self._by_column(column, models, classes, weak):
                kept &= held
                if isinstance(model, plans.DistinctDiversity):
                    weak = weak & held
        if people is not None and any(model.low for model in self.presences):
            # Whoever is in no published class has no chance at all to be in it.
            possible = bool((kept | (people == 0)).all())
        return Judged(kept, weak, possible)

    def _by_size(self, classes: Classes) -> Bools:
        fits = classes.size > 0
        for size in self.sizes:
            fits &= classes.size >= size.k
        people = classes.population
        for model in self.maps:
            assert people is not None
            fits &= people >= model.k
        return fits

    def _by_column(
        self, column: str, models: Sequence[plans.Model], classes: Classes, asked: Bools
    ) -> Iterator[tuple[plans.Model, Bools]]:
        """What the models on a column say of the classes that are ``asked`` for; the others do not hold."""
        sensitive = self.cells.sensitive[column]
        spread = sensitive.spread()
        held = [np.zeros(len(asked), bool) for _ in models]
        for some, counts in histograms(sensitive, classes, asked):
            for each, model in zip(held, models, strict=True):
                each[some] = holds(model, counts, sensitive, spread)
        yield from zip(models, held, strict=True)


def histograms(sensitive: Sensitive, classes: Classes, asked: Bools) -> Iterator[tuple[Ints, Floats]]:
    """The classes that are asked for, some at a time, and how often each value occurs in them.

    Yields:
        The numbers of the classes, and the counts; shape (classes, values).
    """
    numbers = np.flatnonzero(asked)
    place = np.full(len(asked), -1, np.int64)
    place[numbers] = np.arange(len(numbers))
    at = place[classes.of[sensitive.cell]]
    there = at >= 0
    key = at[there] * sensitive.values + sensitive.value[there]
    weights = sensitive.count[there]
    step = max(_BLOCK // sensitive.values, 1)
    if len(numbers) > step:
        order = np.argsort(key, kind="stable")
        key, weights = key[order], weights[order]
    for start in range(0, len(numbers), step):
        some = numbers[start : start + step]
        low, high = start * sensitive.values, (start + len(some)) * sensitive.values
        inside = slice(None) if len(numbers) <= step else slice(*np.searchsorted(key, (low, high)))
        counts = np.bincount(key[inside] - low, weights=weights[inside], minlength=high - low)
        yield some, counts.reshape(len(some), sensitive.values).astype(np.float64, copy=False)


def holds(model: plans.Model, counts: Floats, sensitive: Sensitive, spread: Floats) -> Bools:
    """Whether a model on a sensitive column holds in each class.

    Args:
        model: of the plan.
        counts: of each value in each class; shape (classes, values).
        sensitive: the column.
        spread: the share of each value in the whole table.
    """
    match model:
        case plans.DistinctDiversity(l=l):
            return distinct(counts) >= l
        case plans.EntropyDiversity(l=l):
            return entropy(counts) >= math.log(l) - _EPSILON
        case plans.RecursiveDiversity(c=c, l=l):
            top, tail = recursive(counts, l)
            return top < c * tail
        case plans.Closeness(t=t, distance=distance):
            return closeness(counts, spread, distance, sensitive) <= t + _EPSILON
        case plans.Disclosure(delta=delta):
            return disclosure(counts, spread) <= delta + _EPSILON
    raise AssertionError(model)


def distinct(counts: Floats) -> Ints:
    """How many values each class has."""
    return np.asarray((counts > 0).sum(axis=1))


def entropy(counts: Floats) -> Floats:
    """The entropy of each class, in nats."""
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return np.asarray(-(share * np.log(np.where(share > 0, share, 1))).sum(axis=1))


def recursive(counts: Floats, l: int) -> tuple[Floats, Floats]:  # noqa: E741 -- as the paper calls it
    """How often the most frequent value of each class occurs, and those from the ``l``-th on together."""
    if counts.shape[1] < l:
        return counts.max(axis=1), np.zeros(len(counts))
    ordered = -np.sort(-counts, axis=1)
    return ordered[:, 0], ordered[:, l - 1 :].sum(axis=1)


def closeness(counts: Floats, spread: Floats, distance: plans.Distance, sensitive: Sensitive) -> Floats:
    """How far each class is from the whole table: the earth mover's distance, from 0 to 1.

    Li, Li and Venkatasubramanian 2007, section 5. ``equal``: any two values are 1 apart. ``ordered``: the
    first and the last are, the others in proportion to their places. ``hierarchical``: as high as their
    first common name, in levels of all.
    """
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    extra = share - spread
    if distance == "equal":
        return np.asarray(np.abs(extra).sum(axis=1) / 2)
    if distance == "ordered":
        order = np.argsort(_given(sensitive.ranks), kind="stable")
        return np.asarray(np.abs(np.cumsum(extra[:, order], axis=1)).sum(axis=1) / max(len(order) - 1, 1))
    return _up_the_tree(extra, _given(sensitive.tree))


def _up_the_tree(extra: Floats, tree: Sequence[Codes]) -> Floats:
    moved = np.zeros(len(extra))
    below: Codes = np.arange(extra.shape[1], dtype=np.int32)
    for height, codes in enumerate(tree[1:], 1):
        # The values' names on this level, seen from the names of the one below.
        _, first = np.unique(below, return_index=True)
        above = codes[first]
        size = int(codes.max()) + 1
        short, over = (np.zeros((len(extra), size)) for _ in range(2))
        for child, parent in enumerate(above):
            short[:, parent] += np.maximum(-extra[:, child], 0)
            over[:, parent] += np.maximum(extra[:, child], 0)
        moved += np.minimum(short, over).sum(axis=1) * height / (len(tree) - 1)
        extra, below = over - short, codes
    return moved


def _given(value: T | None) -> T:
    if value is None:
        raise InvalidPlan(
            "the distance needs an order or a hierarchy of the sensitive values",
            hint="numbers have an order; otherwise give the column a hierarchy",
        )
    return value


def disclosure(counts: Floats, spread: Floats) -> Floats:
    """How far a value's share in each class is from that in the table, at most, in doublings."""
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    there = share > 0
    ratio = np.where(there, share, 1) / np.where(there & (spread > 0), spread, 1)
    return np.asarray(np.abs(np.log2(ratio)).max(axis=1, initial=0.0))


def _values(model: plans.Model) -> int:
    """How many different values a class has at least where the model holds."""
    match model:
        case plans.DistinctDiversity(l=l) | plans.RecursiveDiversity(l=l):
            return l
        case plans.EntropyDiversity(l=l):
            return math.ceil(l - _EPSILON)
    return 1
