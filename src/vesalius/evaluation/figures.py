"""From predictions that were held out to the figures of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from vesalius.evaluation import metrics, tables
from vesalius.evaluation.metrics import Floats
from vesalius.evaluation.ranked import DISCRIMINATION, FIGURES, Drawn, Job, Ranked, draw
from vesalius.evaluation.run import Challenger, Curve, Errors, Performance, Proposed
from vesalius.evaluation.tables import Found, Group

if TYPE_CHECKING:
    from vesalius.card import Card

_ROC_GRID = np.linspace(0, 1, 51)
_CURVE_GRID = 60
_CURVE_DRAWS = 300
_CORNERS = 200
"""A rule with more different scores than this gets its curve on the grid."""

_CALIBRATION = ("brier", "scaled_brier", "intercept", "slope", "ici")


@dataclass(frozen=True)
class Figures:
    """Everything that was drawn about the rows held out.

    Attributes:
        found: the rows.
        model: the repeats of the model, and what was drawn.
        rules: of each baseline, by name.
        practice: of what the clinicians did, where it is known.
        rival: of the challenger, where there is one.
        groups: each subgroup, with its scores and its prediction sets.
        held: whether the prediction sets hold the truth.
    """

    found: Found
    model: tuple[Job, Drawn]
    rules: dict[str, tuple[Job, Drawn]]
    practice: tuple[Job, Drawn] | None
    rival: tuple[Job, Drawn] | None
    groups: list[tuple[Group, tuple[Drawn, Drawn]]]
    held: Drawn


def drawn(found: Found, rules: Mapping[str, Floats], rival: Floats | None, card: Card) -> Figures:
    """Draws every bootstrap sample once, and asks it everything.

    Args:
        found: the rows, with the model's probabilities.
        rules: the baselines' N scores each.
        rival: the challenger's probabilities, repeats × N.
        card: for its subgroups.
    """
    truth, groups = found.outcomes, tables.subgroups(found, card)
    jobs: dict[str, Job | None] = {
        "model": Job([Ranked(truth, row) for row in found.probability], FIGURES, found.thresholds),
        "rival": Job([Ranked(truth, row) for row in rival], FIGURES, found.in_force)
        if rival is not None
        else None,
        "practice": tables.way_of(found),
        "held": Job([Ranked(row, np.zeros(len(truth))) for row in found.held]),
    }
    jobs |= {f"rule {name}": Job([Ranked(truth, rules[name])], DISCRIMINATION, (0.5,)) for name in rules}
    for number, group in enumerate(groups):
        jobs |= {f"group {number}": group.jobs[0], f"sets {number}": group.jobs[1]}
    asked = {name: job for name, job in jobs.items() if job is not None}
    answers = dict(zip(asked, draw(list(asked.values()), found.samples), strict=True))

    def both(name: str) -> tuple[Job, Drawn] | None:
        return (asked[name], answers[name]) if name in asked else None

    model = asked["model"], answers["model"]
    return Figures(
        found=found,
        model=model,
        rules={name: (asked[f"rule {name}"], answers[f"rule {name}"]) for name in sorted(rules)},
        practice=both("practice"),
        rival=both("rival"),
        groups=[
            (group, (answers[f"group {number}"], answers[f"sets {number}"]))
            for number, group in enumerate(groups)
        ],
        held=answers["held"],
    )


def performances(figures: Figures) -> tuple[Performance, ...]:
    """The model, and each baseline beside it on the same patients."""
    _, model = figures.model
    beside = [
        Performance(
            name=name,
            auroc=way.estimate("auroc"),
            auprc=way.estimate("auprc"),
            gain=model.less(way, "auroc"),
            roc=_corners(job),
        )
        for name, (job, way) in figures.rules.items()
    ]
    return (_performance("model", figures, figures.model), *beside)


def _performance(name: str, figures: Figures, way: tuple[Job, Drawn]) -> Performance:
    job, answer = way
    return Performance(
        name=name,
        auroc=answer.estimate("auroc"),
        auprc=answer.estimate("auprc"),
        **{each: answer.estimate(each) for each in _CALIBRATION},
        roc=_roc(figures, job),
    )


def errors(figures: Figures) -> Errors:
    """How far the probabilities are from what was observed."""
    _, model = figures.model
    return Errors(e50=model.estimate("e50"), e90=model.estimate("e90"), most=model.estimate("most"))


def challenger(figures: Figures, kind: str) -> Challenger | None:
    """The freer model, and what it gains over the one in question; None where there is none."""
    if figures.rival is None:
        return None
    (job, rival), (own, model) = figures.rival, figures.model
    first = len(figures.found.thresholds) - len(figures.found.in_force)
    theirs = tables.net_benefits(rival, job.ways, figures.found, 0)
    ours = tables.net_benefits(model, own.ways, figures.found, first)
    gain = rival.less(model, "auroc")
    return Challenger(
        kind=kind,
        performance=_performance("challenger", figures, figures.rival),
        auroc=gain,
        brier=rival.less(model, "brier"),
        benefits=tuple(
            metrics.around(more - less, each - other)
            for (more, each), (less, other) in zip(theirs, ours, strict=True)
        ),
        better=gain.low is not None and gain.low > 0,
    )


def decision_ways(figures: Figures) -> dict[str, tuple[Job, Drawn]]:
    """The clinicians, where they are known, and each rule that says yes or no."""
    ways = {} if figures.practice is None else {"practice": figures.practice}
    return ways | {
        name: (job, way) for name, (job, way) in figures.rules.items() if set(job.ways[0].score) <= {0.0, 1.0}
    }


def _roc(figures: Figures, job: Job) -> Curve:
    """The mean curve over the repeats on a grid of false positive rates, with its band."""
    mean = np.mean([_at_grid(way, None) for way in job.ways], axis=0)
    lines = []
    for number, weights in _first(figures):
        line = _at_grid(job.ways[number % len(job.ways)], weights)
        lines += [line] if np.isfinite(line).all() else []
    return curve(_ROC_GRID, mean, lines)


def _first(figures: Figures) -> Iterator[tuple[int, Floats]]:
    return zip(range(_CURVE_DRAWS), figures.found.samples, strict=False)


def _at_grid(way: Ranked, weights: Floats | None) -> Floats:
    false, true = _rates(way, weights)
    return np.interp(_ROC_GRID, false, true)


def _rates(way: Ranked, weights: Floats | None) -> tuple[Floats, Floats]:
    steps = way.steps(weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        false = np.concatenate([[0.0], steps.false / steps.others])
        true = np.concatenate([[0.0], steps.true / steps.events])
    return false, true


def _corners(job: Job) -> Curve:
    (way,) = job.ways
    false, true = _rates(way, None)
    if len(false) > _CORNERS:
        return curve(_ROC_GRID, np.interp(_ROC_GRID, false, true), [])
    return curve(false, true, [])


def calibration(figures: Figures) -> Curve:
    """The smoothed observed share over the bulk of the probabilities, with its band."""
    job, probability = figures.model[0], figures.found.probability
    first, last = np.quantile(probability, [0.01, 0.99]).tolist()
    at = np.linspace(first, last, _CURVE_GRID)
    smoothers = [way.smoother_at(at) for way in job.ways]

    def line(turn: int, weights: Floats | None) -> Floats:
        way = job.ways[turn]
        steps = way.steps(weights)
        return smoothers[turn].curve(way.grouped(steps.positive), way.grouped(steps.negative))

    mean = np.mean([line(turn, None) for turn in range(len(job.ways))], axis=0)
    lines = [line(number % len(job.ways), weights) for number, weights in _first(figures)]
    return curve(at, mean, lines)


def curve(x: Floats, y: Floats, lines: Sequence[Floats]) -> Curve:
    """A line with the percentile band of its bootstrap draws, rounded to 5 decimals."""
    none = np.empty(0)
    low, high = np.quantile(np.array(lines), [0.025, 0.975], axis=0) if lines else (none, none)
    return Curve(_five(x), _five(y), _five(low), _five(high))


def _five(values: Floats) -> tuple[float, ...]:
    return tuple(np.round(np.asarray(values, dtype=np.float64), 5).tolist())


def proposed(
    options: Sequence[str], outcomes: npt.NDArray[np.bool_], practice: Sequence[bool | None]
) -> tuple[Proposed, ...]:
    """How often each option was proposed; rows without one were not asked."""
    asked = [row for row, option in enumerate(options) if option]
    rows = Counter(options[row] for row in asked)
    events = Counter(options[row] for row in asked if outcomes[row])
    acted = Counter(options[row] for row in asked if practice[row])
    known = any(act is not None for act in practice)
    return tuple(
        Proposed(option, rows[option], events[option], acted[option] if known else None)
        for option in sorted(rows)
    )


def compare(outcomes: Any, champion: Any, challenger: Any, counts: Floats) -> metrics.Estimate:
    """How much the AUROC of a challenger exceeds that of a champion: paired, on the same patients and draws.

    Source: the bootstrap of paired differences, Efron & Tibshirani, An Introduction to the Bootstrap, 1993,
    ch. 13; it needs no normality, unlike DeLong et al., Biometrics 1988;44:837-845.

    Args:
        outcomes: N outcomes.
        champion: repeats × N scores (or N, for one repeat).
        challenger: as many.
        counts: draws × N, from :func:`vesalius.evaluation.metrics.resamples`.
    """
    truth = np.asarray(outcomes, dtype=np.float64)
    first, second = np.atleast_2d(np.asarray(champion, float)), np.atleast_2d(np.asarray(challenger, float))
    whole = np.ones(len(truth))

    def mean(scores: Floats) -> float:
        return float(np.mean([metrics.auroc(truth, row, whole) for row in scores]))

    def gap(draw: int, weights: Floats) -> float:
        ahead = metrics.auroc(truth, second[draw % len(second)], weights)
        return ahead - metrics.auroc(truth, first[draw % len(first)], weights)

    return metrics.around(mean(second) - mean(first), [gap(draw, row) for draw, row in enumerate(counts)])
