"""How well the use did, as outcomes come in; in all, and per group."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from vesalius.evaluation.metrics import Estimate
from vesalius.evaluation.monitoring import _figures, _scored
from vesalius.evaluation.monitoring._columns import Floats
from vesalius.evaluation.monitoring._scored import Scored
from vesalius.evaluation.monitoring.calibration import FEWEST, RATIO, fits
from vesalius.evaluation.monitoring.reference import Reference
from vesalius.evaluation.monitoring.tally import Tally


class Realised(msgspec.Struct, frozen=True, kw_only=True):
    """What outcomes say, each figure with its 95 % interval.

    Attributes:
        rows: how many predictions.
        known: of how many the outcome is known; all figures but ``alert_rate`` are of these.
        events: how many have it.
        auroc: discrimination, from bins; ``binning`` is the most by which they can have moved it.
        brier: mean squared error.
        intercept, slope: calibration; None with fewer than ten outcomes of either kind.
        ratio: observed outcomes per expected one (O:E).
        alert_rate: the share that the use proposed to act on.
    """

    rows: int
    known: int
    events: int
    auroc: Estimate
    brier: Estimate
    intercept: Estimate
    slope: Estimate
    ratio: Estimate
    alert_rate: Estimate
    binning: float


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """One group against all others.

    Attributes:
        group: as ``NAME=LABEL``.
        rows, known, events: how many.
        auroc: within the group; None where it has fewer than ten outcomes of either kind.
        auroc_gap: that of all others less that of the group.
        auroc_before: of the group in the reference; None where it is too small there.
        ratio: observed per expected in the group.
        ratio_before: in the reference.
        alert_rate, alert_rate_others: the share proposed to act on, in the group and elsewhere.
        p: that chance alone makes the group this much worse calibrated or discriminated than it was in the
            reference, or than the others where the reference knows too little of it, adjusted for the number
            of groups (Holm).
        gap: whether it is less than ``level``, and large enough to matter.
    """

    group: str
    rows: int
    known: int
    events: int
    auroc: Estimate | None
    auroc_gap: Estimate | None
    auroc_before: float | None
    ratio: Estimate
    ratio_before: float | None
    alert_rate: float
    alert_rate_others: float
    p: float
    gap: bool = False


AUROC = 0.05
"""The least loss of AUROC that is a gap, or an alarm. Ours, as a floor under the test."""

LEAST = 5.0
"""Outcomes expected, with fewer of which a group is not held against anything."""


def realised(tally: Tally) -> Realised:
    """What the outcomes of a tally say.

    Sources: DeLong et al., Biometrics 1988 (interval of the AUROC); Cox, Biometrika 1958;45:562-565 (slope
    and intercept); Debray et al., BMJ 2017;356:i6460, appendix (interval of O:E on the logarithm).
    """
    counts = tally.scored.dense().astype(np.float64)
    events, others = counts[2], counts[3]
    value, error = _figures.auroc(events, others)
    intercept = slope = Estimate(None)
    if min(events.sum(), others.sum()) >= FEWEST:
        _, moved, both = fits(events, others)
        intercept = _figures.interval(moved.intercept, moved.intercept_error, -math.inf, math.inf)
        slope = _figures.interval(both.slope, both.slope_error, -math.inf, math.inf)
    rows, acts = tally.scored.count, sum(tally.scored.acted)
    rate = acts / rows if rows else math.nan
    return Realised(
        rows=rows,
        known=tally.scored.known,
        events=tally.scored.positives,
        auroc=_figures.interval(value, error),
        brier=_brier(tally.scored),
        intercept=intercept,
        slope=slope,
        ratio=ratio(tally.scored),
        alert_rate=_figures.interval(rate, math.sqrt(rate * (1 - rate) / rows) if rows else math.nan),
        binning=_figures.tied(events, others),
    )


def subgroups(reference: Reference, tally: Tally, level: float = 0.05) -> tuple[Gap, ...]:
    """Each group against itself as it was in the reference, worst first.

    Two things are looked at, O:E and the AUROC, each against the group's own in the reference: a gap that was
    there when the use was validated stands in its report, and is no news. Where the reference has too few of
    the group it is held against all others. The lesser p of a group counts twice, and those of G groups are
    adjusted by Holm (Scand J Stat 1979;6:65-70), so that the chance of any false gap is at most ``level``.

    Args:
        reference: for the gaps that were there before.
        tally: with groups and outcomes.
        level: of all groups together.
    """
    raw = [(name, _group(reference, tally, name)) for name in sorted(tally.groups)]
    adjusted = holm([p for _, (_, p) in raw])
    found = []
    for (_, (gap, _)), p in zip(raw, adjusted, strict=True):
        found.append(msgspec.structs.replace(gap, p=p, gap=p < level and _matters(gap)))
    return tuple(sorted(found, key=lambda gap: gap.p))


def holm(values: Sequence[float]) -> list[float]:
    """p-values adjusted for how many there are (Holm 1979)."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    adjusted, most = [1.0] * len(values), 0.0
    for rank, place in enumerate(order):
        most = max(most, min(1.0, values[place] * (len(values) - rank)))
        adjusted[place] = most
    return adjusted


def ratio(scored: Scored) -> Estimate:
    """Observed per expected, with its interval."""
    observed, known = scored.positives, scored.known
    if not scored.expected or not observed:
        return Estimate(0.0 if scored.expected else None)
    value, error = observed / scored.expected, math.sqrt((1 - observed / known) / observed)
    tail = _figures.Z * error
    return Estimate(round(value, 6), round(value * math.exp(-tail), 6), round(value * math.exp(tail), 6))


def _group(reference: Reference, tally: Tally, name: str) -> tuple[Gap, float]:
    here, whole = tally.groups[name], tally.scored
    counts, rest = here.dense().astype(float), whole.dense().astype(float)
    rest = np.maximum(rest - counts, 0)
    before = reference.groups.get(name)
    was = before.dense().astype(float) if before is not None and before.known else None
    auroc, auroc_gap, p_others = _discrimination(counts, rest)
    _, _, p_before = (None, None, None) if was is None else _discrimination(counts, was)
    old = (
        None if was is None or min(was[2].sum(), was[3].sum()) < FEWEST else _figures.auroc(was[2], was[3])[0]
    )
    own = here.positives, here.expected
    others = whole.positives - here.positives, whole.expected - here.expected
    known = before is not None and before.expected >= LEAST
    beside = (before.positives, before.expected) if before is not None and known else others
    tests = [_ratio_p(own, beside), p_others if old is None or p_before is None else p_before]
    gap = Gap(
        group=name,
        rows=here.count,
        known=here.known,
        events=here.positives,
        auroc=auroc,
        auroc_gap=auroc_gap,
        auroc_before=old,
        ratio=ratio(here),
        ratio_before=ratio(before).value if before is not None and known else None,
        alert_rate=float(counts[1].sum() / max(counts[0].sum(), 1)),
        alert_rate_others=float(rest[1].sum() / max(rest[0].sum(), 1)),
        p=1.0,
    )
    return gap, min(1.0, len(tests) * min(tests))


def _discrimination(counts: Floats, rest: Floats) -> tuple[Estimate | None, Estimate | None, float]:
    from scipy import special

    if min(counts[2].sum(), counts[3].sum(), rest[2].sum(), rest[3].sum()) < FEWEST:
        return None, None, 1.0
    value, error = _figures.auroc(counts[2], counts[3])
    other, other_error = _figures.auroc(rest[2], rest[3])
    both = math.hypot(error, other_error)
    p = float(special.ndtr((value - other) / both)) if both else 1.0  # one side: only a worse group is a gap
    return _figures.interval(value, error), _figures.interval(other - value, both, -1.0, 1.0), p


def _ratio_p(one: tuple[float, float], two: tuple[float, float]) -> float:
    """That two O:E are the same, two-sided and exact: given all outcomes, those of one are binomial.

    Source: Przyborowski & Wilenski, Biometrika 1940;31:313-323. Outcomes are taken as Poisson, whose spread
    is more than theirs: the test is careful.

    Args:
        one: outcomes observed, and expected.
        two: the same of what it is held against.
    """
    from scipy import special

    if min(one[1], two[1]) < LEAST:
        return 1.0
    hits, every, share = one[0], one[0] + two[0], one[1] / (one[1] + two[1])
    low = float(special.bdtr(hits, every, share))
    high = float(special.bdtrc(hits - 1, every, share)) if hits else 1.0
    return min(1.0, 2 * min(low, high))


def _matters(gap: Gap) -> bool:
    far = not 1 / RATIO < (gap.ratio.value or 0.0) / (gap.ratio_before or 1.0) < RATIO
    if gap.auroc is None or gap.auroc_before is None:
        return far or (gap.auroc_gap is not None and (gap.auroc_gap.value or 0.0) > AUROC)
    return far or gap.auroc_before - (gap.auroc.value or 0.0) > AUROC


def _brier(scored: Scored) -> Estimate:
    known = scored.known
    if not known:
        return Estimate(None)
    value = scored.squares / known
    counts, share = scored.dense().astype(float), _scored.SHARES
    fourth = float(counts[2] @ (1 - share) ** 4 + counts[3] @ share**4) / known
    return _figures.interval(value, math.sqrt(max(fourth - value**2, 0) / known))
