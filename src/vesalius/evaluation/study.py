"""Validating a use case on history, by patient, beside simple rules and the clinicians."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from vesalius.errors import NotEnoughData
from vesalius.evaluation import metrics, tables
from vesalius.evaluation.metrics import Estimate, Floats
from vesalius.evaluation.run import Curve, Performance, Proposed, Run
from vesalius.evaluation.splits import check_single, repeated
from vesalius.modelling import one_thread

if TYPE_CHECKING:
    from vesalius.modelling import AnyModel
    from vesalius.usecase import Evidence, UseCase

Progress = Callable[[int, int], None]
"""Called with the models learned so far, and how many there are to learn."""

REPEATS = 10
FOLDS = 10

_ROC_GRID = np.linspace(0, 1, 51)
_CURVE_GRID = 60
_CURVE_DRAWS = 300

_CALIBRATION: dict[str, metrics.Metric] = {
    "brier": metrics.brier,
    "scaled_brier": metrics.scaled_brier,
    "intercept": metrics.calibration_intercept,
    "slope": metrics.calibration_slope,
    "ici": metrics.ici,
}


@dataclass(frozen=True)
class HeldOut:
    """What models said about rows that they had not seen.

    Attributes:
        probability: repeats × N.
        sets: repeats × N × 2, whether False and True are in the prediction set.
        options: of the first repeat, the option that the use case would have proposed to each row.
    """

    probability: Floats
    sets: npt.NDArray[np.bool_]
    options: tuple[str, ...]


def study(
    usecase: type[UseCase],
    evidence: Evidence,
    outcomes: Any,
    practice: Sequence[bool | None],
    seed: int = 0,
    progress: Progress | None = None,
    *,
    repeats: int = REPEATS,
    folds: int = FOLDS,
    draws: int = metrics.DRAWS,
    settings: Mapping[str, Any] | None = None,
) -> Run:
    """Validates a use case honestly: whatever is learned, is learned inside each fold by ``usecase.learn``.

    Args:
        usecase: the class.
        evidence: N rows, as known at each candidate's moment.
        outcomes: N booleans.
        practice: N answers: whether the clinicians acted; None where it is not known.
        seed: of every random choice; the same rows and seed give the same run.
        progress: called after each model.
        repeats: of the cross-validation; ``repeats × folds + 1`` models are learned.
        folds: of each repeat.
        draws: bootstrap samples of patients behind each interval.
        settings: the hospital's own, for what would have been proposed.

    Raises:
        NotEnoughData: too few patients with the outcome, or without.
        Leak: a row is there twice.
    """
    truth = np.asarray(outcomes, dtype=bool)
    if len(truth) != len(evidence) or len(practice) != len(evidence):
        raise NotEnoughData("evidence, outcomes and practice do not have the same number of rows")
    check_single(evidence.candidates)
    with one_thread():
        return _study(
            usecase, evidence, truth, tuple(practice), seed, progress, (repeats, folds, draws), settings
        )


def _study(
    usecase: type[UseCase],
    evidence: Evidence,
    truth: npt.NDArray[np.bool_],
    practice: tuple[bool | None, ...],
    seed: int,
    progress: Progress | None,
    plan: tuple[int, int, int],
    settings: Mapping[str, Any] | None,
) -> Run:
    repeats, folds, draws = plan
    patients = [candidate.subject for candidate in evidence.candidates]
    split = repeated(truth, patients, folds, repeats, seed)
    tick = _ticking(progress, repeats * folds + 1)
    held_out = hold_out(usecase, evidence, truth, split, seed, tick, settings)
    model = usecase().learn(evidence, truth, seed)
    tick()
    rng = np.random.Generator(np.random.PCG64(seed + 1))
    counts = metrics.resamples(patients, draws, rng)
    rules = {
        name: np.asarray(scores, dtype=np.float64) for name, scores in usecase().baselines(evidence).items()
    }
    real = truth.astype(np.float64)
    found = tables.Found(evidence, real, held_out.probability, counts, practice)
    moments = sorted(candidate.as_of for candidate in evidence.candidates)
    return Run(
        usecase=usecase.card.name,
        version=usecase.card.version,
        model=model.hash,
        data=model.facts.data,
        kind=model.facts.kind,
        position=evidence.position,
        first=moments[0].date().isoformat(),
        last=moments[-1].date().isoformat(),
        rows=len(truth),
        patients=len(set(patients)),
        events=int(truth.sum()),
        seed=seed,
        repeats=repeats,
        folds=folds,
        draws=draws,
        performances=performances(real, held_out.probability, rules, counts),
        calibration=_calibration(real, held_out.probability, counts),
        histogram=tables.histogram(found),
        thresholds=tables.thresholds(found),
        reference="practice" if tables.practised(found) else "all",
        benefits=tables.benefits(found, rules),
        subgroups=tables.subgroups(found, usecase.card),
        missing=tables.missing(found, usecase.card),
        coverage=tables.coverage(real, held_out.sets, model.conformal.level),
        decided=tables.decided(found),
        proposed=_proposed(held_out.options, truth, practice),
        importance=_importance(model, evidence),
    )


def hold_out(
    usecase: type[UseCase],
    evidence: Evidence,
    outcomes: npt.NDArray[np.bool_],
    split: npt.NDArray[np.intp],
    seed: int,
    tick: Callable[[], None],
    settings: Mapping[str, Any] | None = None,
) -> HeldOut:
    """What models say about each row when its fold is held out, for each repeat of ``split``."""
    probability = np.empty(split.shape)
    sets = np.zeros((*split.shape, 2), dtype=bool)
    options = [""] * len(evidence)
    learner = usecase()
    for repeat, folds in enumerate(split):
        for fold in range(int(folds.max()) + 1):
            rows, held = np.flatnonzero(folds != fold).tolist(), np.flatnonzero(folds == fold).tolist()
            model = learner.learn(evidence.take(rows), outcomes[rows], seed)
            facts = evidence.take(held)
            scores = model.score(facts.table)
            probability[repeat, held] = scores.probability
            sets[repeat, held] = [[False in allowed, True in allowed] for allowed in scores.sets]
            if not repeat:
                for row, suggestion in zip(held, usecase(model, settings).suggest(facts), strict=True):
                    options[row] = suggestion.option
            tick()
    return HeldOut(probability, sets, tuple(options))


def performances(
    outcomes: Floats, probability: Floats, rules: Mapping[str, Floats], counts: Floats
) -> tuple[Performance, ...]:
    """The model, and each baseline beside it on the same patients.

    Args:
        outcomes: N outcomes, 0 or 1.
        probability: repeats × N.
        rules: the baselines' N scores each.
        counts: draws × N, bootstrap samples of patients.
    """
    model = Performance(
        name="model",
        auroc=metrics.estimate(metrics.auroc, outcomes, probability, counts),
        auprc=metrics.estimate(metrics.auprc, outcomes, probability, counts),
        **{
            name: metrics.estimate(metric, outcomes, probability, counts)
            for name, metric in _CALIBRATION.items()
        },
        roc=_roc(outcomes, probability, counts),
    )
    beside = [
        Performance(
            name=name,
            auroc=metrics.estimate(metrics.auroc, outcomes, scores[None, :], counts),
            auprc=metrics.estimate(metrics.auprc, outcomes, scores[None, :], counts),
            gain=compare(outcomes, scores[None, :], probability, counts),
            roc=_corners(outcomes, scores),
        )
        for name, scores in sorted(rules.items())
    ]
    return (model, *beside)


def compare(outcomes: Any, champion: Any, challenger: Any, counts: Floats) -> Estimate:
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


def _ticking(progress: Progress | None, total: int) -> Callable[[], None]:
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done, total)

    return tick


def _roc(outcomes: Floats, probability: Floats, counts: Floats) -> Curve:
    """The mean curve over the repeats on a grid of false positive rates, with its band."""
    whole = np.ones(len(outcomes))
    mean = np.mean([_at_grid(outcomes, row, whole) for row in probability], axis=0)
    drawn = [
        _at_grid(outcomes, probability[draw % len(probability)], row)
        for draw, row in enumerate(counts[:_CURVE_DRAWS])
        if 0 < row @ outcomes < row.sum()
    ]
    return curve(_ROC_GRID, mean, drawn)


def _at_grid(outcomes: Floats, scores: Floats, weights: Floats) -> Floats:
    false, true = metrics.roc(outcomes, scores, weights)
    return np.interp(_ROC_GRID, false, true)


def _corners(outcomes: Floats, scores: Floats) -> Curve:
    false, true = metrics.roc(outcomes, scores)
    return curve(false, true, [])


def _calibration(outcomes: Floats, probability: Floats, counts: Floats) -> Curve:
    """The smoothed observed share over the bulk of the probabilities, with its band."""
    first, last = np.quantile(probability, [0.01, 0.99]).tolist()
    at = np.linspace(first, last, _CURVE_GRID)
    mean = np.mean([metrics.smooth(outcomes, row, None, at) for row in probability], axis=0)
    drawn = [
        metrics.smooth(outcomes, probability[draw % len(probability)], row, at)
        for draw, row in enumerate(counts[:_CURVE_DRAWS])
    ]
    return curve(at, mean, drawn)


def curve(x: Floats, y: Floats, drawn: Sequence[Floats]) -> Curve:
    """A line with the percentile band of its bootstrap draws, rounded to 5 decimals."""
    none = np.empty(0)
    low, high = np.quantile(np.array(drawn), [0.025, 0.975], axis=0) if drawn else (none, none)
    return Curve(_five(x), _five(y), _five(low), _five(high))


def _five(values: Floats) -> tuple[float, ...]:
    return tuple(np.round(np.asarray(values, dtype=np.float64), 5).tolist())


def _proposed(
    options: Sequence[str], outcomes: npt.NDArray[np.bool_], practice: Sequence[bool | None]
) -> tuple[Proposed, ...]:
    rows = Counter(options)
    events = Counter(option for option, outcome in zip(options, outcomes, strict=True) if outcome)
    acted = Counter(option for option, act in zip(options, practice, strict=True) if act)
    known = any(act is not None for act in practice)
    return tuple(
        Proposed(option, rows[option], events[option], acted[option] if known else None)
        for option in sorted(rows)
    )


def _importance(model: AnyModel, evidence: Evidence) -> tuple[tuple[str, float], ...]:
    gains = np.abs(np.array(model.score(evidence.table).contributions)).mean(axis=0)
    pairs = [(name, round(float(gain), 6)) for name, gain in zip(model.inputs, gains, strict=True)]
    return tuple(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))
