"""Control charts on outcomes, case by case, adjusted for each case's risk: when to stop a use.

Both charts add up the log likelihood ratio of *the odds of the outcome are ``odds`` times what the use
says* against *they are what it says*. The CUSUM starts again at 0 whenever it falls below; the resetting
SPRT runs on down to its lower limit first, accepts that all is well, and starts again. Both stop when they
reach the upper limit.

Weights are whole millionths, so that a year of daily updates gives exactly, bit for bit, what one pass gives.

Sources: Steiner, Cook, Farewell & Treasure, Biostatistics 2000;1:441-452 (CUSUM); Spiegelhalter et al., Int J
Qual Health Care 2003;15:7-13, and Grigg, Farewell & Spiegelhalter, Stat Methods Med Res 2003;12:147-170
(resetting SPRT); Brook & Evans, Biometrika 1972;59:539-549 (limits, from a Markov chain).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from vesalius.errors import InvalidModel, InvalidSetting
from vesalius.evaluation.monitoring import _scored
from vesalius.evaluation.monitoring._columns import Floats
from vesalius.evaluation.monitoring._scored import Scored
from vesalius.evaluation.monitoring.calibration import recalibration

UNIT = 1_000_000
"""Weights are kept in whole parts of this many to one."""

ACCEPT = math.log(20)
"""How far down the resetting SPRT runs before it accepts: a likelihood ratio of 20 (an error of second kind
    of
about 5 %, Grigg et al. 2003).
"""

_STATES = 240
"""Of the Markov chain between the limits."""

_MOST = 60.0
"""No limit is looked for beyond this: e to the 60th cases."""


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """The plan of a chart.

    Attributes:
        kind: ``cusum`` or ``sprt`` (resetting).
        odds: the odds ratio that it looks for: above 1 that more happens than the use says, below 1 less.
        limit: it signals when the sum reaches this.
        floor: where it starts again: 0 for a CUSUM, below 0 for an SPRT.
        add, multiply: recalibration of the log odds before a case is weighed.
    """

    kind: Literal["cusum", "sprt"]
    odds: float
    limit: float
    floor: float = 0.0
    add: float = 0.0
    multiply: float = 1.0

    def start(self) -> State:
        """Before the first case."""
        return State()

    def weights(self, probability: Any, outcomes: Any) -> npt.NDArray[np.int64]:
        """What each of N cases adds, in millionths.

        Raises:
            InvalidModel: a probability or an outcome is none, or the numbers differ.
        """
        share = np.asarray(probability, dtype=np.float64)
        truth = _scored.truths(outcomes, len(share))
        if len(share) and not (share.min() >= 0 and share.max() <= 1):
            raise InvalidModel("a probability is not between 0 and 1")
        if truth is None or np.isnan(truth).any():
            raise InvalidModel("a chart needs the outcome of every case")
        if self.add or self.multiply != 1:
            bounded = np.clip(share, 1e-9, 1 - 1e-9)
            share = 1 / (1 + np.exp(-(self.add + self.multiply * np.log(bounded / (1 - bounded)))))
        weight = truth * math.log(self.odds) - np.log1p((self.odds - 1) * share)
        return np.rint(weight * UNIT).astype(np.int64)

    def update(self, state: State, probability: Any, outcomes: Any) -> State:
        """The state after N more cases, in the order in which they are given.

        Raises:
            InvalidModel: a probability or an outcome is none, or the numbers differ.
        """
        return self.trace(state, probability, outcomes)[0]

    def trace(self, state: State, probability: Any, outcomes: Any) -> tuple[State, npt.NDArray[np.int64]]:
        """The state after N more cases, and the sum (in millionths) after each of them."""
        weights = self.weights(probability, outcomes)
        path = np.empty(len(weights), dtype=np.int64)
        total, floor, limit = state.total, round(self.floor * UNIT), round(self.limit * UNIT)
        signals: list[int] = []
        greatest = state.greatest
        line = weights.tolist()
        for place, weight in enumerate(line):  # a plain loop: 0.1 s for a million, and exact
            total += weight
            if total <= floor:
                total = 0
            path[place] = total
            if total > greatest:
                greatest = total
            if total >= limit:
                signals.append(state.cases + place + 1)
                total = 0
        after = State(
            cases=state.cases + len(line),
            total=total,
            greatest=greatest,
            signals=state.signals + len(signals),
            first=state.first or (signals[0] if signals else 0),
            last=signals[-1] if signals else state.last,
        )
        return after, path


class State(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a chart stands.

    Attributes:
        cases: how many it has seen.
        total: the sum, in millionths; it starts again at 0 after a signal.
        greatest: the greatest sum so far.
        signals: how many signals it gave.
        first, last: the numbers of the cases that gave the first and the last signal (the first case is 1);
            0 where there is none.
    """

    cases: int = 0
    total: int = 0
    greatest: int = 0
    signals: int = 0
    first: int = 0
    last: int = 0

    @property
    def value(self) -> float:
        """The sum."""
        return self.total / UNIT

    @property
    def signalled(self) -> bool:
        """Whether it ever gave a signal."""
        return self.signals > 0


def cusum(scored: Scored, odds: float, cases: float, alarms: float) -> Chart:
    """A risk-adjusted CUSUM whose limit gives ``alarms`` false alarms in ``cases`` cases.

    Args:
        scored: probabilities of the reference, whose mix of risks the limit depends on.
        odds: the odds ratio to look for.
        cases: how many cases there are in a year, say.
        alarms: how many false alarms may be expected in them.

    Where the reference knows outcomes and is not calibrated by them, its own recalibration is part of the
        chart: it
    looks for a change, not for what was so before.

    Raises:
        InvalidSetting: the odds ratio is 1 or not above 0, or a number is not above 0.
    """
    return _planned("cusum", scored, odds, cases, alarms, 0.0)


def sprt(scored: Scored, odds: float, cases: float, alarms: float, accept: float = ACCEPT) -> Chart:
    """A resetting SPRT whose limit gives ``alarms`` false alarms in ``cases`` cases.

    Args:
        scored: probabilities of the reference.
        odds: the odds ratio to look for.
        cases: how many cases there are in a year, say.
        alarms: how many false alarms may be expected in them.
        accept: how far below 0 it starts again.

    Raises:
        InvalidSetting: the odds ratio is 1 or not above 0, or a number is not above 0.
    """
    return _planned("sprt", scored, odds, cases, alarms, -abs(accept))


def run_length(chart: Chart, scored: Scored, odds: float = 1.0) -> float:
    """After how many cases, on average, a chart signals when the odds are ``odds`` times what the use says.

    From a Markov chain on the sum (Brook & Evans 1972), with 240 states between the limits.

    Args:
        chart: the plan.
        scored: the mix of risks.
        odds: the truth: 1 for the length until a false alarm.
    """
    counts = scored.dense()[0].astype(np.float64)
    full = counts > 0
    return _length(chart, _scored.MIDDLES[full], counts[full] / counts.sum(), odds)


def _planned(
    kind: Literal["cusum", "sprt"], scored: Scored, odds: float, cases: float, alarms: float, floor: float
) -> Chart:
    if odds <= 0 or odds == 1 or cases <= 0 or alarms <= 0:
        raise InvalidSetting("a chart looks for an odds ratio above 0 that is not 1, in a number of cases")
    if not scored.count:
        raise InvalidSetting("a chart needs the probabilities of a reference")
    add, multiply = (round(value, 6) for value in recalibration(scored))
    chart = Chart(kind=kind, odds=odds, limit=1.0, floor=floor, add=add, multiply=multiply)
    mix = msgspec.json.encode(_coarse(scored))
    limit = _limit(msgspec.json.encode(chart), mix, max(cases / alarms, 1.0))
    return msgspec.structs.replace(chart, limit=limit)


@lru_cache(maxsize=64)
def _limit(plan: bytes, mix: bytes, length: float) -> float:
    """The least limit, to a thousandth, with a false alarm no sooner than each ``length`` cases."""
    chart, scored = msgspec.json.decode(plan, type=Chart), msgspec.json.decode(mix, type=Scored)

    def short(limit: float) -> bool:
        return run_length(msgspec.structs.replace(chart, limit=limit), scored) < length

    low, high = 0.05, 1.0
    while short(high) and high < _MOST:
        low, high = high, high * 1.6
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (middle, high) if short(middle) else (low, middle)
    return round(high, 3)


def _coarse(scored: Scored) -> Scored:
    """The mix of risks in bins of eight, of at most a hundred thousand rows: a limit depends on no more."""
    counts = scored.dense()[0].reshape(-1, 8).sum(axis=1)
    wide = np.zeros(_scored.BINS, dtype=np.int64)
    wide[4::8] = np.rint(counts / max(counts.sum() / 100_000, 1.0)).astype(np.int64)
    full = np.flatnonzero(wide)
    none = (0,) * len(full)
    return Scored(tuple(full.tolist()), tuple(wide[full].tolist()), none, none, none)


def _length(chart: Chart, logits: Floats, mix: Floats, odds: float) -> float:
    """The mean number of cases until the sum, from 0, reaches the limit."""
    said = 1 / (1 + np.exp(-(chart.add + chart.multiply * logits)))
    chance = odds * said / (1 - said + odds * said)
    down = -np.log1p((chart.odds - 1) * said)
    steps = np.concatenate([down, down + math.log(chart.odds)])
    weight = np.concatenate([mix * (1 - chance), mix * chance])
    moves = _moves(chart, steps, weight)
    return float(np.linalg.solve(np.eye(len(moves)) - moves, np.ones(len(moves)))[0])


def _moves(chart: Chart, steps: Floats, weight: Floats) -> Floats:
    """From each state to each: state 0 is the start, the others lie evenly between floor and limit.

    A step lands between two states; it is shared between them so that its mean is right.
    """
    width = (chart.limit - chart.floor) / _STATES
    places = chart.floor + (np.arange(_STATES) + 0.5) * width
    origins = np.concatenate([[0.0], places])
    to = origins[:, None] + steps[None, :]
    share = np.broadcast_to(weight, to.shape)
    rows = np.broadcast_to(np.arange(_STATES + 1)[:, None], to.shape)
    moves = np.zeros((_STATES + 1) * (_STATES + 1))
    reset, inside = to <= chart.floor, (to > chart.floor) & (to < chart.limit)
    moves += np.bincount((rows[reset] * (_STATES + 1)).ravel(), share[reset], len(moves))
    at = np.clip((to[inside] - chart.floor) / width - 0.5, 0, _STATES - 1)
    lower = np.minimum(at.astype(np.int64), _STATES - 2)
    upper = at - lower
    base = rows[inside] * (_STATES + 1) + 1 + lower
    moves += np.bincount(base, share[inside] * (1 - upper), len(moves))
    moves += np.bincount(base + 1, share[inside] * upper, len(moves))
    return moves.reshape(_STATES + 1, _STATES + 1)
