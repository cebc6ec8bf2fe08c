"""The tables of a validation run: thresholds, decision curve, subgroups, missing facts, clinicians."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from vesalius.evaluation import metrics
from vesalius.evaluation.metrics import Floats
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

BANDS = (0, 18, 40, 65, 80)
"""Where the bands of an age in years begin."""

GROUPED = ("sex", "age")
"""The inputs by which fairness is looked at, where the card has them."""


@dataclass(frozen=True)
class Found:
    """What the tables are made of: N rows.

    Attributes:
        evidence: the facts.
        outcomes: N outcomes, 0 or 1.
        probability: repeats × N, by models that had not seen the row.
        counts: draws × N, bootstrap samples of patients.
        practice: N answers, whether the clinicians acted.
    """

    evidence: Evidence
    outcomes: Floats
    probability: Floats
    counts: Floats
    practice: tuple[bool | None, ...]


def practised(found: Found) -> bool:
    """Whether it is known of anyone what the clinicians did."""
    return any(act is not None for act in found.practice)


def thresholds(found: Found) -> tuple[Threshold, ...]:
    """What acting from each threshold on would mean: acts avoided beside positives missed."""
    acts = (
        np.array([act is True for act in found.practice])
        if practised(found)
        else np.ones(len(found.outcomes))
    )
    drawn = _drawn(found)
    rows = []
    for place, threshold in enumerate(THRESHOLDS):
        flags = (found.probability >= threshold).astype(np.float64)
        acted, caught = flags.sum(axis=1).mean(), (flags @ found.outcomes).mean()
        avoided = (1 - flags) * acts
        true, false, events, others = (part[:, place] for part in drawn)
        count = len(found.outcomes)
        total = found.outcomes.sum()
        rows.append(
            Threshold(
                probability=threshold,
                acted=_short(acted),
                caught=_short(caught),
                missed=_short(total - caught),
                avoided=_short(avoided.sum(axis=1).mean()),
                avoided_with_outcome=_short((avoided @ found.outcomes).mean()),
                sensitivity=_ratio(caught, total, true, events),
                specificity=_ratio(count - total - (acted - caught), count - total, others - false, others),
                ppv=_ratio(caught, acted, true, true + false),
                npv=_ratio(
                    count - total - (acted - caught),
                    count - acted,
                    others - false,
                    events + others - true - false,
                ),
            )
        )
    return tuple(rows)


def _drawn(found: Found) -> tuple[Floats, Floats, Floats, Floats]:
    """Per draw and threshold: true positives, false positives, all positives, all negatives."""
    repeats, draws = len(found.probability), len(found.counts)
    shape = (draws, len(THRESHOLDS))
    true, false = np.empty(shape), np.empty(shape)
    for repeat, scores in enumerate(found.probability):
        flags = (scores[:, None] >= np.array(THRESHOLDS)).astype(np.float64)
        counts = found.counts[repeat::repeats]
        true[repeat::repeats] = (counts * found.outcomes) @ flags
        false[repeat::repeats] = (counts * (1 - found.outcomes)) @ flags
    events = np.broadcast_to((found.counts @ found.outcomes)[:, None], shape)
    others = np.broadcast_to((found.counts @ (1 - found.outcomes))[:, None], shape)
    return true, false, events, others


def _ratio(part: float, whole: float, parts: Floats, wholes: Floats) -> metrics.Estimate:
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = (parts / wholes).tolist()
    return metrics.around(float(part / whole) if whole else float("nan"), drawn)


def _short(value: Any) -> float:
    return round(float(value), 3)


def benefits(found: Found, rules: Mapping[str, Floats]) -> tuple[Benefit, ...]:
    """The decision curve: the model, acting on all, the clinicians, and each rule that says yes or no."""
    everyone = np.ones(len(found.outcomes))
    ways: list[tuple[str, Floats, Floats]] = [("all", everyone, found.outcomes)]
    known = np.array([act is not None for act in found.practice])
    if known.any():
        acts = np.array([float(act is True) for act in found.practice])
        ways.append(("practice", acts[known], found.outcomes[known]))
    ways += [
        (name, scores, found.outcomes)
        for name, scores in sorted(rules.items())
        if set(scores.tolist()) <= {0.0, 1.0}
    ]
    curves = [
        Benefit(name, CURVE, tuple(round(metrics.net_benefit(truth, acts, at), 6) for at in CURVE))
        for name, acts, truth in ways
    ]
    model = [
        round(
            float(np.mean([metrics.net_benefit(found.outcomes, row >= at, at) for row in found.probability])),
            6,
        )
        for at in CURVE
    ]
    return (Benefit("model", CURVE, tuple(model)), *curves)


def histogram(found: Found) -> Histogram:
    """How the probabilities are spread, by outcome."""
    place = np.minimum((found.probability * BINS).astype(np.intp), BINS - 1)

    def counted(weights: Floats) -> tuple[float, ...]:
        rows = [np.bincount(row, weights, BINS) for row in place]
        return tuple(_short(value) for value in np.mean(rows, axis=0))

    return Histogram(counted(found.outcomes), counted(1 - found.outcomes))


def subgroups(found: Found, card: Card) -> tuple[Subgroup, ...]:
    """How the model does by sex and by band of age, where the card has them."""
    rows = []
    for name in GROUPED:
        for item in card.inputs:
            if item.name == name:
                column = found.evidence.table.column(name).to_pylist()
                groups = _bands(column) if item.kind == "number" else _levels(column, item.levels)
                rows += [_subgroup(found, name, level, member) for level, member in groups if member.any()]
    return tuple(rows)


def _levels(column: list[Any], levels: tuple[str, ...]) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    for level in levels:
        yield level, np.array([value == level for value in column], dtype=bool)


def _bands(column: list[Any]) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    for low, high in zip(BANDS, (*BANDS[1:], None), strict=True):
        member = [value is not None and value >= low and (high is None or value < high) for value in column]
        yield (f"{low}+" if high is None else f"{low}-{high - 1}"), np.array(member, dtype=bool)


def _subgroup(found: Found, name: str, level: str, member: npt.NDArray[np.bool_]) -> Subgroup:
    truth = found.outcomes[member]
    events = int(truth.sum())
    enough = len(truth) >= SMALLEST[0] and min(events, len(truth) - events) >= SMALLEST[1]
    probability = found.probability[:, member]
    return Subgroup(
        input=name,
        level=level,
        rows=len(truth),
        events=events,
        auroc=metrics.estimate(metrics.auroc, truth, probability, found.counts[:, member])
        if enough
        else None,
        expected=round(float(probability.mean()), 6),
        observed=metrics.exact(events, len(truth)),
    )


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


def coverage(outcomes: Floats, sets: npt.NDArray[np.bool_], level: float) -> Coverage:
    """How often the sets (repeats × N × {False, True}) hold the truth, over all and in each class."""
    truth = outcomes.astype(bool)
    held = np.where(truth, sets[:, :, 1], sets[:, :, 0])
    size = sets.sum(axis=2)

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
