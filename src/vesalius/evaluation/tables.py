"""The tables of a validation run: thresholds, decision curve, subgroups, missing facts, clinicians."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from vesalius.evaluation import groups, metrics
from vesalius.evaluation.metrics import Floats
from vesalius.evaluation.ranked import Drawn, Job, Ranked, Resamples
from vesalius.evaluation.run import Benefit, Coverage, Decided, Histogram, Missing, Subgroup, Threshold

if TYPE_CHECKING:
    from vesalius.card import Card
    from vesalius.usecase import Evidence

THRESHOLDS = tuple(step / 100 for step in range(1, 100))
"""Every threshold a hospital can choose."""

CURVE = tuple(step / 100 for step in range(2, 81, 2))
"""The thresholds of the decision curve."""

BINS = 20
"""Of the histogram."""

SMALLEST = (20, 5)
"""A subgroup with fewer rows, or fewer with or without the outcome, gets no AUROC: it would be noise."""


@dataclass(frozen=True)
class Found:
    """What the tables are made of: N rows that were held out.

    Attributes:
        evidence: the facts.
        outcomes: N outcomes, 0 or 1.
        probability: repeats × N, by models that had not seen the row.
        sets: repeats × N × 2, whether False and True are in the prediction set.
        practice: N answers, whether the clinicians acted.
        samples: bootstrap samples of the patients.
        in_force: the thresholds that the hospital has chosen.
    """

    evidence: Evidence
    outcomes: Floats
    probability: Floats
    sets: npt.NDArray[np.bool_]
    practice: tuple[bool | None, ...]
    samples: Resamples
    in_force: tuple[float, ...]

    @property
    def thresholds(self) -> tuple[float, ...]:
        """Those of every table: all that can be chosen, then those in force."""
        return (*THRESHOLDS, *self.in_force)

    @cached_property
    def held(self) -> Floats:
        """Repeats × N, 1 where the prediction set holds the truth."""
        return np.where(self.outcomes.astype(bool), self.sets[:, :, 1], self.sets[:, :, 0]).astype(np.float64)


def practised(found: Found) -> bool:
    """Whether it is known of anyone what the clinicians did."""
    return any(act is not None for act in found.practice)


def thresholds(found: Found, drawn: Drawn) -> tuple[Threshold, ...]:
    """What acting from each threshold on would mean, for patients and in acts avoided.

    Args:
        found: the rows.
        drawn: the model's, at ``found.thresholds``.
    """
    acts = (
        np.array([act is True for act in found.practice])
        if practised(found)
        else np.ones(len(found.outcomes))
    )
    rows = []
    for place, threshold in enumerate(THRESHOLDS):
        flags = (found.probability >= threshold).astype(np.float64)
        avoided = (1 - flags) * acts
        counts = flags.sum(axis=1).mean(), (flags @ found.outcomes).mean()
        of_reference = avoided.sum(axis=1).mean(), (avoided @ found.outcomes).mean()
        rows.append(_threshold(threshold, found, counts, of_reference, (drawn, place)))
    return tuple(rows)


def _threshold(
    threshold: float,
    found: Found,
    counts: tuple[float, float],
    of_reference: tuple[float, float],
    at: tuple[Drawn, int],
) -> Threshold:
    (acted, caught), (drawn, place) = counts, at
    count, total = len(found.outcomes), found.outcomes.sum()
    true, false = drawn.true[:, place], drawn.false[:, place]
    events, others = drawn.events, drawn.others
    needless, spared = acted - caught, count - total - (acted - caught)
    everyone = (events + others) / 1000
    return Threshold(
        probability=threshold,
        acted=_short(acted),
        caught=_short(caught),
        missed=_short(total - caught),
        avoided=_short(of_reference[0]),
        avoided_with_outcome=_short(of_reference[1]),
        sensitivity=_ratio(caught, total, true, events),
        specificity=_ratio(spared, count - total, others - false, others),
        ppv=_ratio(caught, acted, true, true + false),
        npv=_ratio(spared, count - acted, others - false, events + others - true - false),
        helped=_ratio(caught, count / 1000, true, everyone),
        harmed=_ratio(needless, count / 1000, false, everyone),
        left=_ratio(total - caught, count / 1000, events - true, everyone),
        evaluate=_ratio(acted, caught, true + false, true),
    )


def _ratio(part: float, whole: float, parts: Floats, wholes: Floats) -> metrics.Estimate:
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = (parts / wholes).tolist()
    return metrics.around(float(part / whole) if whole else float("nan"), drawn)


def _short(value: Any) -> float:
    return round(float(value), 3)


def way_of(found: Found) -> Job | None:
    """What the clinicians did, as a job; None where it is not known of anyone."""
    known = np.flatnonzero(np.array([act is not None for act in found.practice]))
    if not len(known):
        return None
    acts = np.array([float(act is True) for act in found.practice])[known]
    return Job([Ranked(found.outcomes[known], acts)], thresholds=(0.5,), member=known)


def benefits(found: Found, drawn: Drawn, others: Mapping[str, tuple[Job, Drawn]]) -> tuple[Benefit, ...]:
    """The decision curve: the model, acting on all, the clinicians, and each rule that says yes or no.

    Args:
        found: the rows.
        drawn: the model's, at ``found.thresholds``.
        others: by name, each other way of deciding, with its only threshold.
    """
    places = [THRESHOLDS.index(at) for at in CURVE]
    model = [
        float(np.mean([metrics.net_benefit(found.outcomes, row >= at, at) for row in found.probability]))
        for at in CURVE
    ]
    curves = [_benefit("model", model, drawn.true[:, places], drawn.false[:, places], drawn)]
    everyone = [metrics.net_benefit(found.outcomes, np.ones(len(found.outcomes)), at) for at in CURVE]
    curves.append(_benefit("all", everyone, drawn.events[:, None], drawn.others[:, None], drawn))
    for name, (job, way) in others.items():
        (ranked,) = job.ways
        steps = ranked.steps()
        reached = (
            float(steps.positive[ranked.score >= 0.5].sum()),
            float(steps.negative[ranked.score >= 0.5].sum()),
        )
        values = [(reached[0] - reached[1] * at / (1 - at)) / ranked.rows for at in CURVE]
        curves.append(_benefit(name, values, way.true, way.false, way))
    return tuple(curves)


def _benefit(name: str, values: Sequence[float], true: Floats, false: Floats, drawn: Drawn) -> Benefit:
    odds = np.array(CURVE) / (1 - np.array(CURVE))
    with np.errstate(divide="ignore", invalid="ignore"):
        each = (true - false * odds) / (drawn.events + drawn.others)[:, None]
    each = each[np.isfinite(each).all(axis=1)]
    low, high = np.quantile(each, [0.025, 0.975], axis=0) if len(each) else (np.empty(0), np.empty(0))
    return Benefit(name, CURVE, _six(values), _six(low), _six(high))


def _six(values: Any) -> tuple[float, ...]:
    return tuple(round(float(value), 6) for value in values)


def net_benefits(
    drawn: Drawn, ways: Sequence[Ranked], found: Found, first: int
) -> list[tuple[float, Floats]]:
    """At each threshold in force, the net benefit of all rows, and of each sample.

    Args:
        drawn: with the thresholds in force from place ``first`` on.
        ways: what was drawn.
        found: for the thresholds.
        first: the place of the first of them among the thresholds that were drawn.
    """
    results = []
    for place, at in enumerate(found.in_force, first):
        odds = at / (1 - at)
        whole = []
        for way in ways:
            steps, reach = way.steps(), way.score >= at
            whole.append(float(steps.positive[reach].sum() - odds * steps.negative[reach].sum()) / way.rows)
        with np.errstate(divide="ignore", invalid="ignore"):
            each = (drawn.true[:, place] - odds * drawn.false[:, place]) / (drawn.events + drawn.others)
        results.append((float(np.mean(whole)), each))
    return results


def histogram(found: Found) -> Histogram:
    """How the probabilities are spread, by outcome."""
    place = np.minimum((found.probability * BINS).astype(np.intp), BINS - 1)

    def counted(weights: Floats) -> tuple[float, ...]:
        rows = [np.bincount(row, weights, BINS) for row in place]
        return tuple(_short(value) for value in np.mean(rows, axis=0))

    return Histogram(counted(found.outcomes), counted(1 - found.outcomes))


@dataclass(frozen=True)
class Group:
    """One subgroup and what is asked about it.

    Attributes:
        input, level: which one.
        member: the numbers of its rows.
        jobs: its discrimination and calibration, then its coverage.
    """

    input: str
    level: str
    member: npt.NDArray[np.intp]
    jobs: tuple[Job, Job]


def subgroups(found: Found, card: Card) -> list[Group]:
    """The groups by the inputs that the card names, with what is to be drawn about each."""
    made, labels = [], groups.labels(card, found.evidence.table)
    for item in groups.inputs(card):
        column = np.array(labels.get(item.name, ()), dtype=object)
        for level in groups.names(item):
            member = np.flatnonzero(column == level)
            made += [_group(found, item.name, level, member)] if len(member) else []
    return made


def _group(found: Found, name: str, level: str, member: npt.NDArray[np.intp]) -> Group:
    truth = found.outcomes[member]
    ways = [Ranked(truth, row[member]) for row in found.probability]
    sets = [Ranked(row[member], np.zeros(len(member))) for row in found.held]
    names = ("auroc", "slope", "ratio")
    return Group(name, level, member, (Job(ways, names, found.in_force, member), Job(sets, (), (), member)))


def subgroup(found: Found, group: Group, drawn: tuple[Drawn, Drawn]) -> Subgroup:
    """How the model does in one group."""
    truth = found.outcomes[group.member]
    events = int(truth.sum())
    enough = len(truth) >= SMALLEST[0] and min(events, len(truth) - events) >= SMALLEST[1]
    scores, sets = drawn
    worth = net_benefits(scores, group.jobs[0].ways, found, 0)
    return Subgroup(
        input=group.input,
        level=group.level,
        rows=len(truth),
        events=events,
        auroc=scores.estimate("auroc") if enough else None,
        expected=round(float(found.probability[:, group.member].mean()), 6),
        observed=metrics.exact(events, len(truth)),
        slope=scores.estimate("slope") if enough else None,
        ratio=scores.estimate("ratio") if enough else None,
        benefits=tuple(metrics.around(value, each) for value, each in worth) if enough else (),
        coverage=share_held(found.held[:, group.member], sets) if len(truth) >= SMALLEST[0] else None,
    )


def share_held(held: Floats, drawn: Drawn) -> metrics.Estimate:
    """The share of the rows whose prediction set holds the truth, with its interval."""
    with np.errstate(divide="ignore", invalid="ignore"):
        each = drawn.events / (drawn.events + drawn.others)
    return metrics.around(float(held.mean()), each)


def missing(found: Found, card: Card) -> tuple[Missing, ...]:
    """How often each input is not known, and whether that goes with the outcome."""
    rows = []
    for item in card.inputs:
        if item.name in found.evidence.table.column_names:
            column = found.evidence.table.column(item.name)
            gone = np.asarray(column.is_null().to_pylist(), dtype=bool)
            mean = [_mean(found.outcomes[part]) for part in (gone, ~gone)]
            rows.append(Missing(item.name, int(gone.sum()), round(float(gone.mean()), 6), *mean))
    return tuple(rows)


def _mean(values: Floats) -> float | None:
    return round(float(values.mean()), 6) if len(values) else None


def coverage(found: Found, level: float, drawn: Drawn) -> Coverage:
    """How often the sets hold the truth, over all and in each class."""
    truth, held, size = found.outcomes.astype(bool), found.held, found.sets.sum(axis=2)

    def share(part: Any) -> float:
        return round(float(np.mean(part)), 6)

    return Coverage(
        level=level,
        overall=share(held),
        with_outcome=share(held[:, truth]),
        without_outcome=share(held[:, ~truth]),
        single=share(size == 1),
        both=share(size == 2),
        empty=share(size == 0),
        interval=share_held(held, drawn),
    )


def decided(found: Found) -> tuple[Decided, ...]:
    """What the clinicians decided against what happened; and the model, at as many acts."""
    known = np.array([act is not None for act in found.practice])
    if not known.any():
        return ()
    truth = found.outcomes[known].astype(bool)
    acts = np.array([act is True for act in found.practice])[known]
    order = np.argsort(-found.probability[0][known], kind="stable")
    alike = np.zeros(len(truth), dtype=bool)
    alike[order[: int(acts.sum())]] = True
    return (decide("practice", truth, acts), decide("model", truth, alike))


def decide(name: str, outcomes: npt.NDArray[np.bool_], acts: npt.NDArray[np.bool_]) -> Decided:
    """Four counts, and the proportions that follow with their exact intervals."""
    both, needless = int((outcomes & acts).sum()), int((~outcomes & acts).sum())
    left, spared = int((outcomes & ~acts).sum()), int((~outcomes & ~acts).sum())
    return Decided(
        name=name,
        acted_with=both,
        acted_without=needless,
        left_with=left,
        left_without=spared,
        sensitivity=metrics.exact(both, both + left),
        specificity=metrics.exact(spared, spared + needless),
        needless=metrics.exact(needless, both + needless),
    )
