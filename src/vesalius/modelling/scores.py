"""What a model says about rows, and what it knows of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import msgspec
import numpy as np
import numpy.typing as npt

from vesalius.modelling._arithmetic import Floats, probability


class Bounds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Thresholds of the prediction set; None means that the class is always in it (too few cases to exclude).

    Attributes:
        positive_from: log odds from which ``True`` is in the set.
        negative_to: log odds up to which ``False`` is in the set.
    """

    positive_from: float | None
    negative_to: float | None


class Conformal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The thresholds of the prediction set of every patient, or of those of a stratum.

    Attributes:
        level: the share of each class whose set should hold the truth, as 0.9.
        positive_from, negative_to: as in :class:`Bounds`, of all patients.
        by: the input whose levels have thresholds of their own, if there is one.
        strata: the levels that have them; the other levels, and a missing value, have those of all patients.
    """

    level: float
    positive_from: float | None
    negative_to: float | None
    by: str = ""
    strata: dict[str, Bounds] = {}

    def allowed(
        self, logits: Floats, levels: Sequence[str] = (), places: Floats | None = None
    ) -> npt.NDArray[np.bool_]:
        """N × 2: whether False, and True, cannot be excluded.

        Args:
            logits: N log odds.
            levels: of the input :attr:`by`.
            places: N places among them; not a number where it is missing.
        """
        found = _allowed(Bounds(self.positive_from, self.negative_to), logits)
        for name, bounds in self.strata.items():
            if places is not None and name in levels:
                rows = places == levels.index(name)
                found[rows] = _allowed(bounds, logits[rows])
        return found

    def wrong(self, levels: Mapping[str, Sequence[str]]) -> str:
        """What does not fit a model with these levels by input, or nothing."""
        if not 0 < self.level < 1:
            return "a level that is no share"
        if bool(self.by) != bool(self.strata) or not set(self.strata) <= set(levels.get(self.by, ())):
            return "strata that are not levels of an input"
        return ""


def _allowed(bounds: Bounds, logits: Floats) -> npt.NDArray[np.bool_]:
    negative_to = np.inf if bounds.negative_to is None else bounds.negative_to
    positive_from = -np.inf if bounds.positive_from is None else bounds.positive_from
    return np.column_stack([logits <= negative_to, logits >= positive_from])


class Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the model came to be.

    Attributes:
        kind: ``logistic``, ``ebm`` or ``lightgbm``.
        rows, events: how many rows it learned from, and how many of them had the outcome.
        seed: of every random choice.
        data: the SHA-256 of the rows and outcomes it learned from.
        strength: of the L2 penalty (logistic), or 0.
        slope, intercept: of the recalibration that is folded into the points.
        chosen: what else the inner cross-validation chose, by name.
    """

    kind: str
    rows: int
    events: int
    seed: int
    data: str
    strength: float
    slope: float
    intercept: float
    chosen: dict[str, float] = {}


@dataclass(frozen=True, eq=False)
class Scores:
    """What a model says about N rows: the same bits for one row and for many.

    The arrays serve many rows; the tuples hold plain Python numbers, and are made when they are asked for.

    Attributes:
        inputs: the names of the K inputs, in the order of the columns of ``gains``.
        base: the log odds before any fact.
        logits: N log odds.
        bounds: N lowest and N highest log odds of the 90 % bootstrap percentile interval, or None for a model
            that was trained without replicates: it does not know how sure it is.
        allowed: N × 2, whether False, and True, cannot be excluded at the conformal level.
    """

    inputs: tuple[str, ...]
    base: float
    logits: Floats
    bounds: tuple[Floats, Floats] | None
    allowed: npt.NDArray[np.bool_]
    _explained: Callable[[], Floats] = field(repr=False)

    def __len__(self) -> int:
        return len(self.logits)

    @cached_property
    def gains(self) -> Floats:
        """N × K log odds that inputs add: ``base`` and a row sum to its log odds exactly, in any order."""
        return self._explained()

    @cached_property
    def probabilities(self) -> Floats:
        """N probabilities, 0 to 1."""
        return probability(self.logits)

    @cached_property
    def contributions(self) -> tuple[tuple[float, ...], ...]:
        """N rows of K log odds: :attr:`gains` in plain numbers."""
        return tuple(map(tuple, self.gains.tolist()))

    @cached_property
    def logit(self) -> tuple[float, ...]:
        """N log odds."""
        return tuple(self.logits.tolist())

    @cached_property
    def probability(self) -> tuple[float, ...]:
        """N probabilities, 0 to 1."""
        return tuple(self.probabilities.tolist())

    @cached_property
    def low(self) -> tuple[float | None, ...]:
        """N lower ends of the 90 % interval of the probability; None where the model has no replicates."""
        return self._end(0)

    @cached_property
    def high(self) -> tuple[float | None, ...]:
        """N upper ends of the 90 % interval of the probability; None where the model has no replicates."""
        return self._end(1)

    @cached_property
    def sets(self) -> tuple[tuple[bool, ...], ...]:
        """N prediction sets: the outcomes that cannot be excluded at the conformal level."""
        return tuple((False,) * negative + (True,) * positive for negative, positive in self.allowed.tolist())

    def interval(self, row: int) -> tuple[float, float] | None:
        """The 90 % interval of the probability of one row; None where the model has no replicates."""
        low, high = self.low[row], self.high[row]
        return None if low is None or high is None else (low, high)

    def strongest(self, row: int) -> list[tuple[str, float]]:
        """The inputs of one row with what they add, the strongest first; equals keep the card's order."""
        pairs = zip(self.inputs, self.contributions[row], strict=True)
        return sorted(pairs, key=lambda pair: -abs(pair[1]))

    def _end(self, which: int) -> tuple[float | None, ...]:
        if self.bounds is None:
            return (None,) * len(self)
        return tuple(probability(self.bounds[which]).tolist())
