"""Scores put in order once, so that each of a thousand bootstrap samples costs a few sums.

A figure of one sample needs only how many of each class lie at each score. For N rows with U different scores
a sample is then two vectors of U, whatever is asked of it. What needs the log odds or a smoothed curve looks
at no more than 2,000 groups of neighbouring scores; with 2,000 rows or fewer every row is its own group,
so that nothing is lost.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from threading import Lock

import numpy as np
import numpy.typing as npt

from vesalius.evaluation import metrics
from vesalius.evaluation.metrics import Floats

DISCRIMINATION = ("auroc", "auprc")
CALIBRATION = ("brier", "scaled_brier", "intercept", "slope", "ici", "e50", "e90", "most")
FIGURES = (*DISCRIMINATION, *CALIBRATION, "ratio")
"""The names of the figures that :func:`draw` can give."""

_MANY = 10_000
"""From so many rows on two threads draw samples; with fewer, they would wait for each other."""

_NONE = np.empty(0)


class Resamples:
    """Bootstrap samples of patients, made one after the other: only one is in memory.

    It gives the same counts as :func:`vesalius.evaluation.metrics.resamples`, as often as it is asked.

    Args:
        groups: N patients; the rows of one are drawn together.
        draws: how many samples.
        seed: of the draws.
    """

    def __init__(self, groups: Sequence[Hashable], draws: int, seed: int) -> None:
        place = {name: number for number, name in enumerate(dict.fromkeys(groups))}
        self._rows = np.array([place[name] for name in groups], dtype=np.intp)
        self._groups = len(place)
        self._draws = draws
        self._seed = seed

    def __len__(self) -> int:
        return self._draws

    @property
    def rows(self) -> int:
        """How many rows a sample weighs."""
        return len(self._rows)

    def __iter__(self) -> Iterator[Floats]:
        rng = np.random.Generator(np.random.PCG64(self._seed))
        for _ in range(self._draws):
            drawn = rng.integers(0, self._groups, self._groups)
            yield np.bincount(drawn, minlength=self._groups).astype(np.float64)[self._rows]


class Smoother:
    """The smoothed calibration curve of :func:`vesalius.evaluation.metrics.smooth`, for many weightings.

    Its kernel depends on the scores alone, so that it is made once.

    Args:
        score: G scores, of the groups.
        every: the scores of all rows, or as many quantiles of them, by which the span is measured.
        at: the probabilities at which the curve is asked for.
    """

    def __init__(self, score: Floats, every: Floats, at: Floats) -> None:
        self.score, self.at = score, at
        reach = np.quantile(np.abs(every[None, :] - at[:, None]), metrics.SPAN, axis=1)[:, None]
        far = np.abs(score[None, :] - at[:, None]) / (1.0001 * np.maximum(reach, 1e-6))
        self._kernel = np.clip(1 - far**3, 0, None) ** 3

    def curve(self, positive: Floats, negative: Floats) -> Floats:
        """The observed share at each point, for these weights of each class in each group."""
        weight, score = positive + negative, self.score
        parts = np.stack([weight, weight * score, weight * score**2, positive, positive * score], axis=1)
        total, first, second, level, joint = (self._kernel @ parts).T
        with np.errstate(divide="ignore", invalid="ignore"):
            middle, level = first / total, level / total
            spread = second / total - middle**2
            joint = joint / total - middle * level
            line = level + np.where(spread > 1e-9, joint / spread, 0.0) * (self.at - middle)
        shares: Floats = np.clip(np.nan_to_num(line), 0, 1)
        return shares


@dataclass(frozen=True)
class Steps:
    """One weighting of the rows: the weight of each class at each different score, from the greatest down."""

    positive: Floats
    negative: Floats

    @cached_property
    def true(self) -> Floats:
        """The weight of the positives at this score and above."""
        return np.cumsum(self.positive)

    @cached_property
    def false(self) -> Floats:
        """The weight of the negatives at this score and above."""
        return np.cumsum(self.negative)

    @property
    def events(self) -> float:
        """The weight of all positives."""
        return float(self.true[-1]) if len(self.true) else 0.0

    @property
    def others(self) -> float:
        """The weight of all negatives."""
        return float(self.false[-1]) if len(self.false) else 0.0


class Ranked:
    """N scores in order.

    Args:
        outcomes: N outcomes, 0 or 1.
        scores: N scores; for calibration they are probabilities.
    """

    def __init__(self, outcomes: Floats, scores: Floats) -> None:
        unique, place = np.unique(-scores, return_inverse=True)
        self.score: Floats = -unique
        self.rows = len(scores)
        truth = outcomes > 0
        self._with, self._without = np.flatnonzero(truth), np.flatnonzero(~truth)
        self._place = place[self._with], place[self._without]
        self._base = np.bincount(place, minlength=len(unique)).astype(np.float64)

    def steps(self, weights: Floats | None = None) -> Steps:
        """The rows, each counted ``weights`` times."""
        size = len(self.score)
        if weights is None:
            parts = [np.bincount(place, minlength=size) for place in self._place]
        else:
            rows = (self._with, self._without)
            parts = [
                np.bincount(place, weights[row], size) for place, row in zip(self._place, rows, strict=True)
            ]
        return Steps(parts[0].astype(np.float64), parts[1].astype(np.float64))

    def from_(self, thresholds: Sequence[float]) -> npt.NDArray[np.intp]:
        """Per threshold, how many of the different scores reach it."""
        return np.searchsorted(-self.score, -np.asarray(thresholds, dtype=np.float64), side="right")

    @cached_property
    def _edges(self) -> npt.NDArray[np.intp] | None:
        """Where each of at most 2,000 groups of neighbouring scores begins; None where none is needed."""
        if len(self.score) <= metrics.MOST:
            return None
        part = (np.cumsum(self._base) - self._base) * metrics.MOST // self.rows
        return np.flatnonzero(np.diff(part, prepend=-1.0))

    def grouped(self, values: Floats) -> Floats:
        """Sums over the groups of neighbouring scores."""
        return values if self._edges is None else np.add.reduceat(values, self._edges)

    @cached_property
    def middle(self) -> Floats:
        """The mean score of each group."""
        return self.grouped(self.score * self._base) / self.grouped(self._base)

    @cached_property
    def logits(self) -> Floats:
        """The mean log odds of each group."""
        return self.grouped(metrics.log_odds(self.score) * self._base) / self.grouped(self._base)

    @cached_property
    def smoother(self) -> Smoother:
        """The curve at 100 quantiles of the scores."""
        return self.smoother_at(self.quantiles(np.linspace(0, 1, 100)))

    def smoother_at(self, at: Floats) -> Smoother:
        """The curve at these probabilities."""
        few = self.rows > metrics.MOST
        every = self.quantiles(np.linspace(0, 1, metrics.MOST)) if few else self._every
        return Smoother(self.middle, every, at)

    def quantiles(self, shares: Floats) -> Floats:
        """Quantiles of the scores of all rows."""
        found: Floats = np.quantile(self._every, shares)
        return found

    @property
    def _every(self) -> Floats:
        return np.repeat(self.score, self._base.astype(np.intp))


def figures(ranked: Ranked, steps: Steps, names: Sequence[str] = FIGURES) -> list[float]:
    """The figures of one weighting, in the order of ``names``; not a number where one is not defined."""
    found: dict[str, float] = {}
    if "auroc" in names or "auprc" in names:
        found |= _discrimination(steps)
    if "brier" in names:
        found |= _brier(ranked, steps)
    if "ratio" in names:
        found["ratio"] = _ratio(ranked, steps)
    if "slope" in names:
        found |= _line(ranked, steps)
    if "ici" in names:
        found |= _distances(ranked, steps)
    return [found[name] for name in names]


def _discrimination(steps: Steps) -> dict[str, float]:
    positive, negative, events, others = steps.positive, steps.negative, steps.events, steps.others
    if not events or not others:
        return {"auroc": np.nan, "auprc": np.nan}
    all_ = steps.true + steps.false
    precision = np.divide(steps.true, all_, out=np.zeros_like(all_), where=all_ > 0)
    return {
        "auroc": float(negative @ (steps.true - positive / 2)) / (events * others),
        "auprc": float(positive @ precision) / events,
    }


def _brier(ranked: Ranked, steps: Steps) -> dict[str, float]:
    total = steps.events + steps.others
    if not total:
        return {"brier": np.nan, "scaled_brier": np.nan}
    score = ranked.score
    brier = float(steps.positive @ (score - 1) ** 2 + steps.negative @ score**2) / total
    reference = steps.events * steps.others / total**2
    return {"brier": brier, "scaled_brier": 1 - brier / reference if reference else np.nan}


def _ratio(ranked: Ranked, steps: Steps) -> float:
    """Observed over expected: 1 is ideal."""
    expected = float((steps.positive + steps.negative) @ ranked.score)
    return steps.events / expected if expected > 0 else np.nan


def _line(ranked: Ranked, steps: Steps) -> dict[str, float]:
    positive, negative = ranked.grouped(steps.positive), ranked.grouped(steps.negative)
    return {
        "slope": metrics.fitted(ranked.logits, positive, negative, slope=True),
        "intercept": metrics.fitted(ranked.logits, positive, negative, slope=False),
    }


def _distances(ranked: Ranked, steps: Steps) -> dict[str, float]:
    """The mean, the median, the ninth decile and the greatest distance to the smoothed curve."""
    positive, negative = ranked.grouped(steps.positive), ranked.grouped(steps.negative)
    weight = positive + negative
    total = float(weight.sum())
    if not total:
        return dict.fromkeys(("ici", "e50", "e90", "most"), np.nan)
    smoother = ranked.smoother
    far = np.abs(np.interp(ranked.middle, smoother.at, smoother.curve(positive, negative)) - ranked.middle)
    order = np.argsort(far, kind="stable")
    reached = np.cumsum(weight[order])
    half, most = (far[order[np.searchsorted(reached, total * share - 1e-9)]] for share in (0.5, 0.9))
    return {
        "ici": float(weight @ far) / total,
        "e50": float(half),
        "e90": float(most),
        "most": float(far[weight > 0].max()),
    }


@dataclass(frozen=True)
class Drawn:
    """The figures of all rows, and of each bootstrap sample.

    Attributes:
        names: of F figures.
        whole: R × F, one row per repeat.
        drawn: draws × F.
        true, false: draws × T, the positives and negatives from each of T thresholds on.
        events, others: draws, all positives and all negatives.
    """

    names: tuple[str, ...]
    whole: Floats
    drawn: Floats
    true: Floats
    false: Floats
    events: Floats
    others: Floats

    def estimate(self, name: str) -> metrics.Estimate:
        """A figure: its mean over the repeats, with its interval."""
        place = self.names.index(name)
        return metrics.around(float(np.mean(self.whole[:, place])), self.drawn[:, place])

    def less(self, other: Drawn, name: str) -> metrics.Estimate:
        """How much more it is than that of ``other``, paired: on the same samples of the same patients."""
        ours, theirs = self.names.index(name), other.names.index(name)
        gap = float(np.mean(self.whole[:, ours]) - np.mean(other.whole[:, theirs]))
        return metrics.around(gap, self.drawn[:, ours] - other.drawn[:, theirs])


@dataclass(frozen=True)
class Job:
    """What is asked of every bootstrap sample.

    Attributes:
        ways: R repeats of the same rows.
        names: of the figures.
        thresholds: T, in any order.
        member: the numbers of the rows that ``ways`` hold, where that is not all.
    """

    ways: Sequence[Ranked]
    names: Sequence[str] = ()
    thresholds: Sequence[float] = ()
    member: npt.NDArray[np.intp] | None = None


def draw(jobs: Sequence[Job], samples: Resamples) -> list[Drawn]:
    """The figures of every job in every bootstrap sample; sample ``b`` uses repeat ``b`` modulo R.

    Of many rows, two threads share the samples: nearly all the time goes to sums that hold no lock of
    Python's. Each sample has its own place in the sheets, so that nothing depends on who took which.
    """
    sheets = [_Sheet(job, len(samples)) for job in jobs]
    numbered, turn = enumerate(samples), Lock()

    def fill() -> None:
        while True:
            with turn:
                number, weights = next(numbered, (-1, _NONE))
            if number < 0:
                return
            for sheet in sheets:
                sheet.fill(number, weights)

    threads = 2 if samples.rows >= _MANY else 1
    with ThreadPoolExecutor(threads) as pool:
        for each in [pool.submit(fill) for _ in range(threads)]:
            each.result()
    return [sheet.drawn() for sheet in sheets]


class _Sheet:
    """Where one job writes down what it found in each sample."""

    def __init__(self, job: Job, draws: int) -> None:
        self.job = job
        self.places = [way.from_(job.thresholds) for way in job.ways]
        self.figures = np.empty((draws, len(job.names)))
        self.sides = np.empty((draws, 2))
        self.reached = np.zeros((2, draws, len(job.thresholds)))

    def fill(self, number: int, weights: Floats) -> None:
        job, turn = self.job, number % len(self.job.ways)
        steps = job.ways[turn].steps(weights if job.member is None else weights[job.member])
        self.figures[number] = figures(job.ways[turn], steps, job.names)
        self.sides[number] = steps.events, steps.others
        if len(job.thresholds):
            self.reached[:, number] = _reached(steps, self.places[turn])

    def drawn(self) -> Drawn:
        job = self.job
        whole = np.array([figures(way, way.steps(), job.names) for way in job.ways])
        true, false = self.reached
        return Drawn(tuple(job.names), whole, self.figures, true, false, self.sides[:, 0], self.sides[:, 1])


def _reached(steps: Steps, places: npt.NDArray[np.intp]) -> tuple[Floats, Floats]:
    """The positives and negatives from each threshold on."""
    true, false = np.concatenate([[0.0], steps.true]), np.concatenate([[0.0], steps.false])
    return true[places], false[places]
