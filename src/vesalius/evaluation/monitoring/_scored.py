"""Counts of probabilities and outcomes on a fine grid of log odds: what every later figure is made from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from vesalius.errors import InvalidModel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

WIDTH = 0.025
"""Of a bin of log odds. Within it a probability moves by at most 0.025/4, 0.6 percentage points."""

END = 8.0
"""Log odds beyond these ends fall in the outermost bins (probabilities under 0.03 % and over 99.97 %)."""

BINS = round(2 * END / WIDTH)
"""How many bins there are."""

MIDDLES: Floats = np.linspace(-END + WIDTH / 2, END - WIDTH / 2, BINS, dtype=np.float64)
"""The log odds in the middle of each bin."""

SHARES: Floats = 1 / (1 + np.exp(-MIDDLES))
"""The probability there."""


class Scored(msgspec.Struct, frozen=True, omit_defaults=True):
    """Counts per bin of log odds, of the bins that hold anything. Mergeable: ``scored + scored``.

    Attributes:
        bins: the numbers of the bins, ascending.
        rows: how many predictions fell in each.
        acted: of those, how many the use proposed to act on.
        events, others: of those whose outcome is known, how many have it and how many do not.
        expected: the sum of the probabilities of those whose outcome is known.
        squares: the sum of their squared differences from the outcome.
        total: the sum of the probabilities of all.
    """

    bins: tuple[int, ...] = ()
    rows: tuple[int, ...] = ()
    acted: tuple[int, ...] = ()
    events: tuple[int, ...] = ()
    others: tuple[int, ...] = ()
    expected: float = 0.0
    squares: float = 0.0
    total: float = 0.0

    def __add__(self, other: Scored) -> Scored:
        """Both together."""
        return together((self, other))

    def dense(self) -> Ints:
        """4 × :data:`BINS` counts: rows, acted, events, others."""
        full = np.zeros((4, BINS), dtype=np.int64)
        if self.bins:
            full[:, list(self.bins)] = (self.rows, self.acted, self.events, self.others)
        return full

    @property
    def count(self) -> int:
        """How many predictions."""
        return sum(self.rows)

    @property
    def positives(self) -> int:
        """How many have the outcome."""
        return sum(self.events)

    @property
    def known(self) -> int:
        """Of how many the outcome is known."""
        return sum(self.events) + sum(self.others)


def together(some: Sequence[Scored]) -> Scored:
    """All of them."""
    counts = np.zeros((4, BINS), dtype=np.int64)
    bins = np.fromiter(chain.from_iterable(each.bins for each in some), dtype=np.int64)
    for line, name in enumerate(("rows", "acted", "events", "others")):
        values = np.fromiter(chain.from_iterable(getattr(each, name) for each in some), dtype=np.int64)
        np.add.at(counts[line], bins, values)
    return _packed(
        counts,
        float(sum(each.expected for each in some)),
        float(sum(each.squares for each in some)),
        float(sum(each.total for each in some)),
    )


def place(probability: Any) -> Ints:
    """The bin of each probability, 0 to ``BINS - 1``.

    Raises:
        InvalidModel: one is no probability.
    """
    share = np.asarray(probability, dtype=np.float64)
    if len(share) and not (share.min() >= 0 and share.max() <= 1):  # not a number fails, too
        raise InvalidModel("a probability is not between 0 and 1")
    bounded = np.clip(share, 1e-9, 1 - 1e-9)
    steps = (np.log(bounded / (1 - bounded)) + END) / WIDTH
    return np.clip(steps, 0, BINS - 1).astype(np.int64)


def score(
    bins: Ints, probability: Floats, acted: npt.NDArray[np.bool_] | None, outcomes: Floats | None
) -> Scored:
    """Counts some rows.

    Args:
        bins: N bins, from :func:`place`.
        probability: N probabilities.
        acted: N, whether the use proposed to act.
        outcomes: N outcomes, 0 or 1, not a number where not known yet.
    """
    counts = np.zeros((4, BINS), dtype=np.int64)
    counts[0] = np.bincount(bins, minlength=BINS)
    if acted is not None:
        counts[1] = np.bincount(bins[acted], minlength=BINS)
    total = float(probability.sum())
    if outcomes is None:
        return _packed(counts, 0.0, 0.0, total)
    known = ~np.isnan(outcomes)
    counts[2] = np.bincount(bins[outcomes == 1], minlength=BINS)
    counts[3] = np.bincount(bins[outcomes == 0], minlength=BINS)
    share, truth = probability[known], outcomes[known]
    return _packed(counts, float(share.sum()), float(((share - truth) ** 2).sum()), total)


def _packed(counts: Ints, expected: float, squares: float, total: float) -> Scored:
    full = np.flatnonzero(counts[0] + counts[2] + counts[3])
    rows, acted, events, others = (tuple(line[full].tolist()) for line in counts)
    return Scored(tuple(full.tolist()), rows, acted, events, others, expected, squares, total)


def truths(outcomes: Any, count: int) -> Floats | None:
    """Outcomes as N floats: 1, 0, or not a number where they are not known; None where none is given.

    Raises:
        InvalidModel: there are not as many as rows, or one is neither true, false nor unknown.
    """
    if outcomes is None:
        return None
    raw = np.asarray(outcomes)
    values = (
        np.array([np.nan if each is None else float(each) for each in raw]) if raw.dtype == object else raw
    )
    truth: Floats = values.astype(np.float64)
    if len(truth) != count:
        raise InvalidModel("there is not one outcome per row")
    if not np.isin(truth[~np.isnan(truth)], (0.0, 1.0)).all():
        raise InvalidModel("an outcome is neither true, false nor unknown")
    return truth
