"""Validating a use case on history, by patient, beside simple rules, a freer model and the clinicians."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import numpy.typing as npt

from vesalius.errors import NotEnoughData
from vesalius.evaluation import figures, groups, leakage, metrics, plans, sample_size, tables
from vesalius.evaluation.figures import compare
from vesalius.evaluation.holding_out import HeldOut, Learning, begun, foretold, hold_out, split
from vesalius.evaluation.metrics import Estimate
from vesalius.evaluation.monitoring import Reference
from vesalius.evaluation.monitoring.reference import FEWEST
from vesalius.evaluation.ranked import Job, Ranked, Resamples, draw
from vesalius.evaluation.run import Checked, Plan, Run, Side
from vesalius.modelling import Trees, one_thread

if TYPE_CHECKING:
    from vesalius.card import Card
    from vesalius.evaluation.cohort import Cohort
    from vesalius.evaluation.leakage import Pass
    from vesalius.lake import Lake
    from vesalius.modelling import AnyModel
    from vesalius.usecase import Evidence, UseCase

__all__ = ["Progress", "compare", "study", "validate"]

Progress = Callable[[int, int], None]
"""Called with the models learned so far, and how many there are to learn."""

FEWEST_LATER = 20
"""Rows with the outcome that a later time, or a site, must have for its figures to be told."""


MOST_EXPLAINED = 10_000
"""Rows over which the weight of each input is averaged: drawn at random, by the seed, from all held out."""


@dataclass(frozen=True)
class Rows:
    """N rows, as they were given.

    Attributes:
        evidence: the facts.
        outcomes: N booleans.
        practice: N answers, whether the clinicians acted.
        sites: N names; None where they are not known.
    """

    evidence: Evidence
    outcomes: npt.NDArray[np.bool_]
    practice: tuple[bool | None, ...]
    sites: Sequence[str] | None

    @property
    def patients(self) -> list[str]:
        """Of each row."""
        return [candidate.subject for candidate in self.evidence.candidates]

    @property
    def moments(self) -> list[datetime]:
        """Of each row."""
        return [candidate.as_of for candidate in self.evidence.candidates]

    def take(self, rows: npt.NDArray[np.intp]) -> Rows:
        """These rows alone."""
        if len(rows) == len(self.outcomes):
            return self
        return Rows(
            self.evidence.take(rows.tolist()),
            self.outcomes[rows],
            tuple(self.practice[row] for row in rows.tolist()),
            [self.sites[row] for row in rows.tolist()] if self.sites is not None else None,
        )


@dataclass(frozen=True)
class How:
    """How a study is done."""

    seed: int
    draws: int
    settings: Mapping[str, Any] | None
    tick: Callable[[], None]


def study(
    usecase: type[UseCase],
    evidence: Evidence,
    outcomes: Any,
    practice: Sequence[bool | None],
    seed: int = 0,
    progress: Progress | None = None,
    *,
    plan: Plan | None = None,
    repeats: int | None = None,
    folds: int | None = None,
    draws: int = metrics.DRAWS,
    settings: Mapping[str, Any] | None = None,
    sites: Sequence[str] | None = None,
    checks: Sequence[Checked] = (),
    allowed: Mapping[str, Pass] | None = None,
    workers: int = 1,
    refused: int = 0,
) -> Run:
    """Validates a use case honestly: whatever is learned, is learned inside each fold by ``usecase.learn``.

    Args:
        usecase: the class.
        evidence: N rows, as known at each candidate's moment.
        outcomes: N booleans.
        practice: N answers: whether the clinicians acted; None where it is not known.
        seed: of every random choice; the same rows and seed give the same run.
        progress: called after each model.
        plan: who learns and who is held out; None lets the size of the data choose.
        repeats: of the cross-validation, instead of the plan's own.
        folds: of each repeat, likewise.
        draws: bootstrap samples of patients behind each interval.
        settings: the hospital's own, for what would have been proposed.
        sites: N names of where each was seen, for the plans ``sites`` and ``external``.
        checks: what detectors saw before (in the lake), to be judged with the others.
        allowed: by detector of leaks, who lets it pass and why.
        workers: processes that learn; the run does not depend on it.
        refused: how many patients were left out before, because they refuse it.

    Raises:
        NotEnoughData: too few patients with the outcome, or without; no rows; values that are no numbers.
        Leak: a detector found something that nobody answers for.
    """
    truth = np.asarray(outcomes, dtype=bool)
    if len(truth) != len(evidence) or len(practice) != len(evidence):
        raise NotEnoughData("evidence, outcomes and practice do not have the same number of rows")
    if sites is not None and len(sites) != len(evidence):
        raise NotEnoughData("evidence and sites do not have the same number of rows")
    rows = Rows(evidence, truth, tuple(practice), sites)
    _check_enough(rows)
    plan = plan or plans.choose(len(truth))
    plan = msgspec.structs.replace(plan, repeats=repeats or plan.repeats, folds=folds or plan.folds)
    with one_thread():
        seen = leakage.stop((*checks, *leakage.inspect(evidence, truth, usecase.card)), allowed)
        plan, dealt = plans.deal_out(plan, truth, rows.patients, rows.moments, sites, seed)
        apart = leakage.stop((plans.check(plan, dealt, rows.patients),), allowed)
        later, untimed = _later(plan, rows)
        models = len(list(plans.folds_of(dealt[0]))) * len(dealt) + 1 + (later is not None)
        how = How(seed, draws, settings, _ticking(progress, models))
        with Learning(usecase, evidence, truth, seed, workers) as learning:
            run, sides = _study(usecase, rows, plan, dealt, later, learning, how)
    return msgspec.structs.replace(run, checks=apart + seen, sides=sides, untimed=untimed, refused=refused)


def validate(
    usecase: type[UseCase],
    cohort: Cohort,
    lake: Lake | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    *,
    plan: Plan | None = None,
    settings: Mapping[str, Any] | None = None,
    allowed: Mapping[str, Pass] | None = None,
    workers: int = 1,
) -> Run:
    """A :func:`study` of what was gathered from a lake, with the detectors that look into the lake.

    Args:
        usecase: the class.
        cohort: what :func:`vesalius.evaluation.gather` found.
        lake: where it was found; without it nobody looks up when the facts were recorded.
        seed: as for :func:`study`, as are the others.
        progress: called after each model.
        plan: who learns and who is held out.
        settings: the hospital's own.
        allowed: by detector, who lets it pass and why.
        workers: processes that learn.

    Raises:
        NotEnoughData: as for :func:`study`.
        Leak: a detector found something that nobody answers for.
    """
    moments = [candidate.as_of for candidate in cohort.evidence.candidates]
    checks = [leakage.outcome_known(moments, cohort.known_at)] if cohort.known_at else []
    if lake is not None:
        checks.append(leakage.known_later(lake, cohort.evidence))
    return study(
        usecase,
        cohort.evidence,
        cohort.outcomes,
        cohort.practice,
        seed,
        progress,
        plan=plan,
        settings=settings,
        sites=cohort.sites,
        checks=checks,
        allowed=allowed,
        workers=workers,
        refused=cohort.refused,
    )


def _check_enough(rows: Rows) -> None:
    if not len(rows.outcomes):
        raise NotEnoughData("there is nobody to validate on", hint="ingest the data first")
    events = int(rows.outcomes.sum())
    if events in (0, len(rows.outcomes)):
        what = "no row" if not events else "every row"
        raise NotEnoughData(f"{what} has the outcome: there is nothing to tell apart")


def _study(
    usecase: type[UseCase],
    rows: Rows,
    plan: Plan,
    dealt: npt.NDArray[np.intp],
    later: npt.NDArray[np.intp] | None,
    learning: Learning,
    how: How,
) -> tuple[Run, tuple[Side, ...]]:
    """Hands out all that is to be learned, and asks each model as soon as it is there.

    The model of all rows is the last: it is learned while the figures are drawn, which wait for the others.
    """
    waiting = begun(learning, dealt, rows.patients)
    turn = split(later[0], rows.patients) if later is not None else None
    beside = learning.begin(turn.rows, "quick") if turn is not None else None
    # What was validated elsewhere stands as it was learned; else the model is learned on all there is.
    taught = np.flatnonzero(dealt[0] == plans.LEARNS) if plan.kind == "external" else np.arange(len(dealt[0]))
    whole = learning.begin(taught.tolist(), "whole")
    held_out = hold_out(usecase, rows.evidence, waiting, dealt, how.seed, how.tick, how.settings)
    held = np.flatnonzero(dealt[0] >= 0)
    own = rows.take(held)
    made = _figures(usecase, own, held_out, held, how)
    sides = _sites(rows, plan, dealt[0], held_out, how)
    if later is not None and turn is not None and beside is not None:
        sides = (_later_side(rows, later, foretold(rows.evidence, turn, beside), how),)
    model, _ = whole()
    how.tick()
    return _run(usecase, rows, own, plan, held_out, held, model, made, how), sides


def _figures(
    usecase: type[UseCase], own: Rows, held_out: HeldOut, held: npt.NDArray[np.intp], how: How
) -> figures.Figures:
    found = tables.Found(
        own.evidence,
        own.outcomes.astype(np.float64),
        held_out.probability[:, held],
        held_out.sets[:, held],
        own.practice,
        Resamples(own.patients, how.draws, how.seed + 1),
        in_force(usecase, own.outcomes, how.settings),
    )
    rules = {
        name: np.asarray(scores, dtype=np.float64)
        for name, scores in usecase().baselines(own.evidence).items()
    }
    for name, scores in rules.items():
        if scores.shape != (len(held),) or not np.isfinite(scores).all():
            raise NotEnoughData(f"the baseline {name} does not give a number for every row")
    rival = held_out.rival[:, held] if held_out.rival is not None else None
    return figures.drawn(found, rules, rival, usecase.card)


def in_force(
    usecase: type[UseCase], outcomes: npt.NDArray[np.bool_], settings: Mapping[str, Any] | None
) -> tuple[float, ...]:
    """The thresholds of probability that the hospital has chosen; the prevalence where the use has none."""
    values = usecase.card.fill(settings or {})
    chosen = {values[item.name] for item in usecase.card.settings if not item.unit}
    inside = sorted(value for value in chosen if 0 < value < 1)
    return tuple(inside) or (min(max(round(float(outcomes.mean()), 2), 0.01), 0.99),)


def _run(
    usecase: type[UseCase],
    rows: Rows,
    own: Rows,
    plan: Plan,
    held_out: HeldOut,
    held: npt.NDArray[np.intp],
    model: AnyModel,
    made: figures.Figures,
    how: How,
) -> Run:
    found, (_, drawn), card = made.found, made.model, usecase.card
    moments = sorted(own.moments)
    options = [held_out.options[row] for row in held.tolist()]
    asked = sum(1 for option in options if option)
    taught = int(held_out.learned.sum()), int(rows.outcomes[held_out.learned].sum())
    performances = figures.performances(made)
    importance, explained = _importance(model, own.evidence, how.seed)
    return Run(
        usecase=card.name,
        version=card.version,
        model=model.hash,
        data=model.facts.data,
        kind=model.facts.kind,
        position=own.evidence.position,
        first=moments[0].date().isoformat(),
        last=moments[-1].date().isoformat(),
        rows=len(own.outcomes),
        patients=len(set(own.patients)),
        events=int(own.outcomes.sum()),
        seed=how.seed,
        repeats=plan.repeats,
        folds=plan.folds,
        draws=how.draws,
        performances=performances,
        calibration=figures.calibration(made),
        histogram=tables.histogram(found),
        thresholds=tables.thresholds(found, drawn),
        reference="practice" if tables.practised(found) else "all",
        benefits=tables.benefits(found, drawn, figures.decision_ways(made)),
        subgroups=tuple(tables.subgroup(found, group, answers) for group, answers in made.groups),
        missing=tables.missing(found, card),
        coverage=tables.coverage(found, model.conformal.level, made.held),
        decided=tables.decided(found),
        proposed=figures.proposed(options, own.outcomes, own.practice),
        proposed_rows=asked if asked < len(options) else 0,
        importance=importance,
        importance_rows=explained,
        plan=plan,
        learned=taught[0],
        learned_events=taught[1],
        left_out=int((~_held(held_out) & ~held_out.learned).sum()),
        in_force=found.in_force,
        settings=card.fill(how.settings or {}),
        errors=figures.errors(made),
        challenger=figures.challenger(made, held_out.rival_kind),
        monitoring=_monitoring(found, usecase.card, own),
        sample=sample_size.needed(
            _parameters(model, usecase),
            taught,
            found.outcomes,
            found.probability[0],
            performances[0].auroc.value,
        ),
    )


def _monitoring(found: tables.Found, card: Card, own: Rows) -> Reference | None:
    """What live use is compared with: counts of the rows held out, and of their first predictions."""
    if len(found.outcomes) < FEWEST:
        return None
    there = set(found.evidence.table.column_names)
    return Reference.of(
        [item for item in card.inputs if item.name in there],
        found.evidence.table,
        found.probability[0],
        found.outcomes.astype(bool).tolist(),
        groups.labels(card, found.evidence.table),
        acted=found.probability[0] >= found.in_force[-1],
        days=len({moment.date() for moment in own.moments}),
    )


def _parameters(model: AnyModel, usecase: type[UseCase]) -> int:
    if isinstance(model, Trees):
        return sample_size.freely([item for item in usecase.card.inputs if item.name in model.inputs])
    return sample_size.parameters(model.terms)


def _held(held_out: HeldOut) -> npt.NDArray[np.bool_]:
    known: npt.NDArray[np.bool_] = np.isfinite(held_out.probability[0])
    return known


def _later(plan: Plan, rows: Rows) -> tuple[npt.NDArray[np.intp] | None, str]:
    """A split by time to hold beside a plan by patient; or the key of why there is none."""
    if plan.kind not in ("nested", "grouped", "patient"):
        return None, ""
    try:
        timed = plans.choose(len(rows.outcomes), "time")
        _, dealt = plans.deal_out(timed, rows.outcomes, rows.patients, rows.moments, None, 0)
    except NotEnoughData:
        days = len({moment.date() for moment in rows.moments})
        return None, "days" if days < plans.DAYS else "few"
    events = int(rows.outcomes[dealt[0] == 0].sum())
    return (dealt, "") if events >= FEWEST_LATER else (None, "few")


def _later_side(rows: Rows, later: npt.NDArray[np.intp], probability: metrics.Floats, how: How) -> Side:
    """The same use on those who became due later."""
    how.tick()
    timed = Plan(kind="time", cut=plans.later_from(rows.moments).isoformat())
    return _side("", timed, rows, later[0], 0, probability, how)


def _sites(
    rows: Rows, plan: Plan, row: npt.NDArray[np.intp], held_out: HeldOut, how: How
) -> tuple[Side, ...]:
    """The same use on each of the sites, where that is the plan."""
    if plan.kind != "sites":
        return ()
    return tuple(
        _side(name, plan, rows, row, fold, held_out.probability[0][row == fold], how)
        for fold, name in enumerate(plan.held)
    )


def _side(
    name: str,
    plan: Plan,
    rows: Rows,
    row: npt.NDArray[np.intp],
    fold: int,
    probability: metrics.Floats,
    how: How,
) -> Side:
    held = np.flatnonzero(row == fold)
    teachers = plans.learners(row, fold, rows.patients)
    own = rows.take(held)
    names = ("auroc", "brier", "slope", "intercept")
    events = int(own.outcomes.sum())
    estimates: dict[str, Estimate | None] = dict.fromkeys(names)
    if min(events, len(held) - events) >= FEWEST_LATER:
        job = Job([Ranked(own.outcomes.astype(np.float64), probability)], names)
        (drawn,) = draw([job], Resamples(own.patients, how.draws, how.seed + 2))
        estimates = {each: drawn.estimate(each) for each in names}
    return Side(
        name=name,
        plan=plan,
        learned=len(teachers),
        learned_events=int(rows.outcomes[teachers].sum()),
        rows=len(held),
        patients=len(set(own.patients)),
        events=events,
        left_out=len(rows.outcomes) - len(held) - len(teachers),
        **estimates,
    )


def _ticking(progress: Progress | None, total: int) -> Callable[[], None]:
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done, total)

    return tick


def _importance(model: AnyModel, evidence: Evidence, seed: int) -> tuple[tuple[tuple[str, float], ...], int]:
    """The weight of each input, and over how many rows it was worked out; 0 for all."""
    few = len(evidence) > MOST_EXPLAINED
    if few:
        rng = np.random.Generator(np.random.PCG64(seed))
        evidence = evidence.take(np.sort(rng.choice(len(evidence), MOST_EXPLAINED, replace=False)).tolist())
    bare = msgspec.structs.replace(model, replicates=())  # intervals take long, and none is asked for
    gains = np.abs(bare.score(evidence.table).gains).mean(axis=0)
    pairs = [(name, round(float(gain), 6)) for name, gain in zip(model.inputs, gains, strict=True)]
    return tuple(sorted(pairs, key=lambda pair: (-pair[1], pair[0]))), len(evidence) if few else 0
