"""Whether what comes in still looks like the reference: each input by itself, and all of them together.

An alarm needs two things: more difference than chance gives at this number of rows, and enough of it to
matter. The first is a test whose level is chosen so that false alarms stay rare over a year of looks; the
second is a least effect, without which a million rows would make every trifle an alarm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from vesalius.evaluation.monitoring._columns import Codes, Floats
from vesalius.evaluation.monitoring.reference import Field, Reference
from vesalius.evaluation.monitoring.tally import Tally
from vesalius.evaluation.monitoring.units import UnitChange, unit_change

LEVEL = 1e-4
"""The level of a test where nothing else is asked. A weekly look at 20 inputs asks about a thousand times a
year; at this level that gives one false alarm in ten years.
"""

SHIFT = 0.1
"""The least population stability index that is an alarm. Below 0.1 there is by convention no shift to speak
of (Siddiqi, Credit Risk Scorecards, 2006, p. 136). It has no meaning without the number of rows, hence the
test.
"""

MISSING = 0.05
"""The least change of the share of missing values that is an alarm: 5 points. Ours, as a floor under the
test.
"""

EXPECTED = 5.0
"""Bins where fewer rows are expected are taken together (Cochran, Biometrics 1954;10:417-451)."""


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """One input against the reference.

    Attributes:
        input: its name.
        rows: how many rows were looked at.
        psi: the population stability index of the known values.
        psi_limit: what chance alone exceeds with a probability of ``level``, or the least that matters, if
            that is more.
        distance: the Jensen-Shannon distance (base 2: 0 the same, 1 nothing in common).
        ks: of a number, the greatest difference of the two distribution functions, at the bin edges.
        p: of the chi-squared test that the known values are distributed as in the reference.
        outside: the share of the known values that the reference never saw (outside its range; unseen
            levels).
        missing, missing_before: the share that is missing, now and in the reference.
        p_missing: of the test that the two are equal.
        unit: the change of unit that explains the shift, if one does.
        drifted: whether the values have drifted.
        lost: whether more values are missing, or fewer.
    """

    input: str
    rows: int
    psi: float
    psi_limit: float
    distance: float
    ks: float | None
    p: float
    outside: float
    missing: float
    missing_before: float
    p_missing: float
    unit: UnitChange | None = None
    drifted: bool = False
    lost: bool = False


class Together(msgspec.Struct, frozen=True, kw_only=True):
    """All inputs together against the reference.

    Attributes:
        rows: how many.
        error, error_before: the mean reconstruction error, now and in the reference.
        z: its difference, in standard errors.
        limit: of the absolute value of ``z``, at ``level``.
        distance: the squared distance between the mean of the inputs and that of the reference, in standard
            errors (Hotelling's T squared).
        distance_limit: of it, at ``level``.
        strange: whether the rows lie elsewhere about the components: the inputs hang together differently.
        moved: whether their mean has moved.
    """

    rows: int
    error: float
    error_before: float
    z: float
    limit: float
    distance: float
    distance_limit: float
    strange: bool = False
    moved: bool = False


def drift(
    reference: Reference, tally: Tally, level: float = LEVEL, missing: float | None = None
) -> tuple[Drift, ...]:
    """Every input of the reference, compared.

    Sources: the population stability index and its distribution under no change, a chi-squared times
    (1/n + 1/m): Yurdakul & Naranjo, Statistical properties of the population stability index, J Risk Model
    Validation 2020;14(4):89-100; the distance: Lin, IEEE Trans Inf Theory 1991;37:145-151; the test of two
    samples: Pearson's, as in Agresti, Categorical Data Analysis, 3rd ed. 2013, ch. 3.

    Args:
        reference: how it was.
        tally: what came in since.
        level: of each test of values; :class:`vesalius.evaluation.monitoring.Plan` gives one for a year of
            looks.
        missing: of each test of missing values; the same if not given.
    """
    rows = zip(reference.fields, tally.counts, tally.logs, strict=False)
    lost = level if missing is None else missing
    return tuple(_drift(field, np.asarray(counts), logs, level, lost) for field, counts, logs in rows)


def multivariate(reference: Reference, tally: Tally, level: float = LEVEL) -> Together | None:
    """The inputs together; None where the reference has no components, or the tally no rows.

    The reconstruction error of principal components sees that inputs no longer hang together as they did,
    even where each by itself looks the same (NannyML's idea). The distance of the mean sees a small move of
    many inputs at once, each too small for a test of its own.

    Sources: Jackson & Mudholkar, Technometrics 1979;21:341-349 (residuals of principal components);
    Hotelling, Ann Math Stat 1931;2:360-378.
    """
    from scipy import special

    parts, rows = reference.components, tally.errors[0]
    if parts is None or rows < 1:
        return None
    error, spread = tally.errors[1] / rows, parts.spread * math.sqrt(1 / rows + 1 / reference.rows)
    z, limit = (error - parts.error) / spread, float(-special.ndtri(level / 2))
    mean = np.asarray(tally.means) / rows - _centre(reference)
    distance = float(mean @ np.asarray(parts.precision) @ mean) / (1 / rows + 1 / reference.rows)
    size, freedom = len(mean), max(reference.rows - len(mean), 1)
    # The covariance is an estimate, too: F rather than chi-squared (Hotelling 1931).
    most = float(special.fdtri(size, freedom, 1 - level)) * size * (freedom + size - 1) / freedom
    return Together(
        rows=int(rows),
        error=error,
        error_before=parts.error,
        z=z,
        limit=limit,
        distance=distance,
        distance_limit=most,
        strange=abs(z) > limit and abs(error - parts.error) > 0.1 * parts.spread,
        moved=distance > most and distance / rows > SHIFT,
    )


def _drift(field: Field, counts: Floats, logs: Sequence[float], level: float, lost: float) -> Drift:
    before, after = known(field, np.asarray(field.counts)), known(field, counts)
    _, freedom, p = two_samples(before, after)
    psi, distance = _index(before, after), _distance(before, after)
    limit = max(SHIFT, _chance(before, after, freedom, level))
    gone, gone_before = _missing(counts), _missing(np.asarray(field.counts))
    p_missing = _proportions(field.counts[-1], sum(field.counts), int(counts[-1]), int(counts.sum()))
    drifted = p < level and psi > SHIFT
    return Drift(
        input=field.name,
        rows=int(counts.sum()),
        psi=psi,
        psi_limit=limit,
        distance=distance,
        ks=_steps(before, after) if field.kind == "number" else None,
        p=p,
        outside=_outside(field, counts),
        missing=gone,
        missing_before=gone_before,
        p_missing=p_missing,
        unit=unit_change(field, logs) if drifted else None,
        drifted=drifted,
        lost=p_missing < lost and abs(gone - gone_before) > MISSING,
    )


def known(field: Field, counts: Floats) -> Floats:
    """Counts of the known values; of a number, what lies outside the range joins the outermost parts."""
    if field.kind != "number" or not field.edges or field.edges[0] == field.edges[-1]:
        return counts[:-1]
    inside = counts[1:-2].copy()
    inside[0] += counts[0]
    inside[-1] += counts[-2]
    return inside


def two_samples(before: Floats, after: Floats) -> tuple[float, int, float]:
    """Pearson's test that two rows of counts have one distribution: the statistic, its freedom, and p.

    Bins where fewer than five rows are expected in the smaller sample are taken together.
    """
    from scipy import special

    both, n, m = before + after, float(before.sum()), float(after.sum())
    if not n or not m:
        return 0.0, 0, 1.0
    rare = both * min(n, m) / (n + m) < EXPECTED
    if rare.any():
        before = np.append(before[~rare], before[rare].sum())
        after = np.append(after[~rare], after[rare].sum())
    full = before + after > 0
    before, after = before[full], after[full]
    if len(before) < 2:
        return 0.0, 0, 1.0
    gaps = math.sqrt(m / n) * before - math.sqrt(n / m) * after
    statistic = float((gaps**2 / (before + after)).sum())
    return statistic, len(before) - 1, float(special.chdtrc(len(before) - 1, statistic))


def _shares(before: Floats, after: Floats) -> tuple[Floats, Floats]:
    """Shares, with half a row added to each bin so that an empty one has a logarithm."""
    one, two = before + 0.5, after + 0.5
    return one / one.sum(), two / two.sum()


def _index(before: Floats, after: Floats) -> float:
    if not before.sum() or not after.sum():
        return 0.0
    one, two = _shares(before, after)
    return float(((two - one) * np.log(two / one)).sum())


def _chance(before: Floats, after: Floats, freedom: int, level: float) -> float:
    from scipy import special

    if not freedom:
        return 0.0
    return float(special.chdtri(freedom, level) * (1 / before.sum() + 1 / after.sum()))


def _distance(before: Floats, after: Floats) -> float:
    if not before.sum() or not after.sum():
        return 0.0
    one, two = before / before.sum(), after / after.sum()
    middle = (one + two) / 2
    total = 0.0
    for part in (one, two):
        full = part > 0
        total += float((part[full] * np.log2(part[full] / middle[full])).sum()) / 2
    return math.sqrt(max(total, 0.0))


def _steps(before: Floats, after: Floats) -> float:
    if not before.sum() or not after.sum():
        return 0.0
    return float(np.abs(np.cumsum(before / before.sum()) - np.cumsum(after / after.sum())).max())


def _outside(field: Field, counts: Floats) -> float:
    there = float(counts[:-1].sum())
    strange = counts[0] + counts[-2] if field.kind == "number" else counts[-2]
    return float(strange) / there if there else 0.0


def _missing(counts: Floats) -> float:
    return float(counts[-1]) / float(counts.sum()) if counts.sum() else 0.0


def _proportions(hits: int, of: int, hits_now: int, of_now: int) -> float:
    """Fisher's exact test of two proportions; Pearson's where it is as good, and a million times as fast."""
    if not of or not of_now:
        return 1.0
    both = hits + hits_now
    if abs(hits / of - hits_now / of_now) <= MISSING:  # too little to matter: an approximation will do
        return two_samples(*_pair(hits, of, hits_now, of_now))[2]
    least = min(of, of_now) * min(both, of + of_now - both) / (of + of_now)
    if least < 50:
        return fisher(hits, of, hits_now, of_now)
    return two_samples(*_pair(hits, of, hits_now, of_now))[2]


def fisher(hits: int, of: int, hits_now: int, of_now: int) -> float:
    """Fisher's exact test of two proportions, both sides: all that is no likelier than what is seen.

    Source: Fisher, J R Stat Soc 1935;98:39-82; Agresti, Categorical Data Analysis, 3rd ed. 2013, sec. 3.5.
    """
    both = hits + hits_now
    possible = np.arange(max(0, both - of_now), min(both, of) + 1)
    chance = (
        _choices(of, possible) + _choices(of_now, both - possible) - _choices(of + of_now, np.array(both))
    )
    seen = chance[hits - possible[0]]
    return min(1.0, float(np.exp(chance[chance <= seen + 1e-7]).sum()))


def _choices(of: int, hits: Codes) -> Floats:
    """The logarithm of the number of ways to choose."""
    from scipy import special

    found: Floats = special.gammaln(of + 1) - special.gammaln(hits + 1) - special.gammaln(of - hits + 1)
    return found


def _pair(hits: int, of: int, hits_now: int, of_now: int) -> tuple[Floats, Floats]:
    return np.array([hits, of - hits], float), np.array([hits_now, of_now - hits_now], float)


def _centre(reference: Reference) -> Floats:
    """The mean of the standardised inputs in the reference (0, but for what was held within bounds)."""
    return np.asarray(reference.means)
