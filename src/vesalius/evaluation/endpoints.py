"""What a silent trial can be decided on: one figure, its test against a value fixed beforehand, and its size.

Each endpoint turns a sample of patients into an estimate, a standard error and a statistic ``z`` that grows
with the evidence that the figure lies above the value (one-sided); and says how much information a trial
needs. Information is counted in what carries it: patients with the outcome, patients acted on, patients; for
the area under the curve it is the inverse of its variance at the value.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Literal

import msgspec
import numpy as np

from vesalius.errors import InvalidSetting
from vesalius.evaluation import metrics
from vesalius.evaluation.metrics import Estimate, Floats

Name = Literal["sensitivity", "ppv", "auroc", "sensitivity_gain", "net_benefit_gain", "calibration"]

NAMES: tuple[Name, ...] = (
    "auroc",
    "sensitivity",
    "ppv",
    "sensitivity_gain",
    "net_benefit_gain",
    "calibration",
)
"""The endpoints, in the order in which people are offered them."""

PAIRED: frozenset[str] = frozenset({"sensitivity_gain", "net_benefit_gain"})
"""Those that compare with what the clinicians did."""

_NORMAL = NormalDist()


@dataclass(frozen=True)
class Sample:
    """N patients, each once.

    Attributes:
        outcome: N times 0 or 1; not a number where it is missing.
        acted: N times 0 or 1, whether the tool would act.
        probability: N probabilities; not a number where the tool gave none.
        practice: N times 0 or 1, whether the clinicians acted; not a number where nobody knows.
    """

    outcome: Floats
    acted: Floats
    probability: Floats
    practice: Floats

    def take(self, rows: Floats) -> Sample:
        """The patients that ``rows`` (N booleans) picks."""
        return Sample(self.outcome[rows], self.acted[rows], self.probability[rows], self.practice[rows])

    def __len__(self) -> int:
        return len(self.outcome)


class Aim(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be shown.

    Attributes:
        endpoint: the figure.
        value: it must lie above this; of a calibration, the lower end of the ratio observed : expected.
        upper: of a calibration, the upper end.
        expected: the figure that is believed to be true, from validation.
        prevalence: the share of patients with the outcome that is believed.
        flagged: the share of patients on whom the tool would act.
        disagreement: the share of those compared (``sensitivity_gain``: with the outcome) on whom the tool
            and the clinicians act differently.
        threshold: the probability that weighs a needless act, for the net benefit.
    """

    endpoint: Name
    value: float
    upper: float = 0.0
    expected: float
    prevalence: float
    flagged: float = 0.5
    disagreement: float = 0.3
    threshold: float = 0.5


class Measured(msgspec.Struct, frozen=True):
    """What a sample says: the figure, its standard error, z against the value, and the information it holds.

    ``value`` is None where the figure is not defined yet; then z is 0 and says nothing.
    """

    value: float | None
    error: float
    z: float
    information: float


class Needed(msgspec.Struct, frozen=True):
    """How much a trial needs: information, and about how many patients hold it."""

    information: float
    patients: int


def measure(aim: Aim, sample: Sample) -> Measured:
    """The figure of the endpoint in a sample whose outcomes are all known."""
    value, error, z = _MEASURES[aim.endpoint](aim, sample)
    held = information(aim, sample)
    if not math.isfinite(value) or not math.isfinite(z):
        return Measured(None, 0.0, 0.0, held)
    return Measured(value, error, z, held)


def information(aim: Aim, sample: Sample) -> float:
    """How much information a sample holds on the endpoint, in the endpoint's own unit."""
    if aim.endpoint in PAIRED:
        sample = sample.take(~np.isnan(sample.practice))
    if aim.endpoint in ("auroc", "calibration"):
        sample = sample.take(~np.isnan(sample.probability))
    events = float(np.nansum(sample.outcome))
    known = float(len(sample) - np.isnan(sample.outcome).sum())
    return counted(aim, events, known, float(sample.acted.sum()))


def counted(aim: Aim, events: float, patients: float, flagged: float) -> float:
    """The information that follows from counts alone: nothing in it says how the tool does.

    Args:
        aim: what is to be shown.
        events: patients with the outcome.
        patients: patients whose outcome is known.
        flagged: patients on whom the tool would act.
    """
    if aim.endpoint == "ppv":
        return flagged
    if aim.endpoint == "net_benefit_gain":
        return patients
    if aim.endpoint == "auroc":
        variance = hanley(aim.value, events, patients - events)
        return 1 / variance if math.isfinite(variance) else 0.0
    return events


def needed(aim: Aim, alpha: float, power: float, inflation: float = 1.0) -> Needed:
    """The information, and the patients, of a trial with this chance of a true success.

    Args:
        aim: what is to be shown, with what is believed.
        alpha: the chance of a false success, one-sided.
        power: the chance of a success that is true.
        inflation: what the looks in between cost (:class:`~vesalius.evaluation.sequential.Design`).

    Raises:
        InvalidSetting: what is believed does not lie above the value, or is no possible figure.
    """
    checked(aim)
    units = _UNITS[aim.endpoint](aim, _NORMAL.inv_cdf(1 - alpha), _NORMAL.inv_cdf(power)) * inflation
    if aim.endpoint == "auroc":
        return Needed(units, _patients_of_auroc(aim, units))
    share = {"ppv": aim.flagged, "net_benefit_gain": 1.0}.get(aim.endpoint, aim.prevalence)
    units = math.ceil(units - 1e-9)
    return Needed(float(units), math.ceil(units / share - 1e-9))


def checked(aim: Aim) -> None:
    """Passes an aim that can be reached.

    Raises:
        InvalidSetting: it cannot; the message says which number is wrong.
    """
    for name in ("prevalence", "flagged", "disagreement", "threshold"):
        if not 0.0 < getattr(aim, name) < 1.0:
            raise InvalidSetting(f"{name} lies between 0 and 1")
    if aim.endpoint == "calibration":
        if not 0.0 < aim.value < 1.0 < aim.upper <= 10.0:
            raise InvalidSetting("the bounds of observed : expected lie below and above 1")
        if not aim.value < aim.expected < aim.upper:
            raise InvalidSetting("the expected ratio lies between the bounds")
        return
    low = -1.0 if aim.endpoint in PAIRED else 0.5 if aim.endpoint == "auroc" else 0.0
    if not low <= aim.value < 1.0 or not low < aim.expected < 1.0:
        raise InvalidSetting("the value to exceed and the expected figure are no possible figures")
    if aim.expected - aim.value < 0.005:
        raise InvalidSetting(
            "the expected figure does not lie above the value to exceed",
            hint="no number of patients shows what is not believed: choose a lower value or another endpoint",
        )
    if aim.endpoint == "sensitivity_gain" and aim.disagreement < abs(aim.expected):
        raise InvalidSetting("tool and clinicians must disagree at least as often as the gain is large")


def extremes(aim: Aim, sample: Sample) -> tuple[float, float] | None:
    """The least and the greatest figure that the missing outcomes could make it.

    All outcomes that are missing are set, in turn, in the ways that can make the figure least or greatest; it
    is exact, because within one class of patients the figure moves one way.

    Returns:
        None where no outcome is missing, or the figure is not defined.
    """
    gap = np.isnan(sample.outcome)
    if not gap.any():
        return None
    found = []
    for order in (_order(aim, sample), -_order(aim, sample)):
        levels = np.unique(order[gap])
        for cut in [-math.inf, *levels[np.linspace(0, len(levels) - 1, min(len(levels), 200)).astype(int)]]:
            outcome = np.where(gap, (order <= cut).astype(np.float64), sample.outcome)
            value = measure(aim, replace(sample, outcome=outcome)).value
            found += [] if value is None else [value]
    return (min(found), max(found)) if found else None


def hanley(area: float, events: float, others: float) -> float:
    """The variance of an area under the curve (Hanley & McNeil, Radiology 1982;143:29-36)."""
    if events < 1 or others < 1:
        return math.inf
    first, second = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (events - 1) * (first - area**2) + (others - 1) * (second - area**2)
    return spread / (events * others)


def delong(outcomes: Floats, scores: Floats) -> tuple[float, float]:
    """An area under the curve and its variance, without a model of the scores.

    Source: DeLong, DeLong & Clarke-Pearson, Biometrics 1988;44:837-845; by ranks as in Sun & Xu, IEEE Signal
    Process Lett 2014;21:1389-1393.
    """
    high, low = scores[outcomes > 0], scores[outcomes == 0]
    if len(high) < 2 or len(low) < 2:
        return math.nan, math.nan
    above = (_midranks(np.concatenate([high, low]))[: len(high)] - _midranks(high)) / len(low)
    below = 1 - (_midranks(np.concatenate([high, low]))[len(high) :] - _midranks(low)) / len(high)
    return float(above.mean()), float(above.var(ddof=1) / len(high) + below.var(ddof=1) / len(low))


def _midranks(values: Floats) -> Floats:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    ranks: Floats = (last - (count - 1) / 2)[place]
    return ranks


def _share(hits: float, of: float, value: float) -> tuple[float, float, float]:
    """A share against a value, by the score test (the variance under the value)."""
    if not of:
        return math.nan, math.nan, math.nan
    share = hits / of
    error = math.sqrt(max(share * (1 - share), 0.25 / of) / of)
    return share, error, (share - value) / math.sqrt(max(value * (1 - value), 1e-12) / of)


def _sensitivity(aim: Aim, sample: Sample) -> tuple[float, float, float]:
    return _share(float(sample.acted @ sample.outcome), float(sample.outcome.sum()), aim.value)


def _ppv(aim: Aim, sample: Sample) -> tuple[float, float, float]:
    return _share(float(sample.acted @ sample.outcome), float(sample.acted.sum()), aim.value)


def _auroc(aim: Aim, sample: Sample) -> tuple[float, float, float]:
    """On the log odds, because near 1 the area is skew; by Student's law, because its variance is estimated.

    Without either the test is too bold with few events (``benchmarks/trial.py``).
    """
    from scipy.special import stdtr

    known = ~np.isnan(sample.probability)
    area, variance = delong(sample.outcome[known], sample.probability[known])
    if not math.isfinite(area):
        return math.nan, math.nan, math.nan
    events = float(sample.outcome[known].sum())
    fewest = min(events, float(known.sum()) - events)
    if not 0 < area < 1 or not variance:  # everyone is ordered rightly, or wrongly
        error = math.sqrt(hanley(aim.value, events, float(known.sum()) - events))
        return area, error, (area - aim.value) / error
    odds = math.log(area / (1 - area)) - math.log(aim.value / (1 - aim.value))
    tail = float(stdtr(fewest - 1, -abs(odds) * area * (1 - area) / math.sqrt(variance)))
    return area, math.sqrt(variance), math.copysign(-_NORMAL.inv_cdf(max(tail, 1e-300)), odds)


def _sensitivity_gain(aim: Aim, sample: Sample) -> tuple[float, float, float]:
    """The paired score test of a difference (Tango, Stat Med 1998;17:891-908); at 0 it is McNemar's."""
    rows = (sample.outcome > 0) & ~np.isnan(sample.practice)
    tool, people, total = sample.acted[rows], sample.practice[rows], int(rows.sum())
    alone, missed = float(tool @ (1 - people)), float((1 - tool) @ people)
    if not total:
        return math.nan, math.nan, math.nan
    gain, value = (alone - missed) / total, aim.value
    second = -alone - missed + (2 * total - alone + missed) * value
    root = math.sqrt(max(second**2 + 8 * total * missed * value * (1 - value), 0.0))
    share = (root - second) / (4 * total)
    variance = total * (2 * share + value * (1 - value))
    error = math.sqrt(max((alone + missed) / total - gain**2, 1 / total) / total)
    if variance <= 0:  # they never differ
        return gain, error, 0.0
    return gain, error, (alone - missed - total * value) / math.sqrt(variance)


def _net_benefit_gain(aim: Aim, sample: Sample) -> tuple[float, float, float]:
    rows = ~np.isnan(sample.practice)
    outcome, differs = sample.outcome[rows], sample.acted[rows] - sample.practice[rows]
    odds = aim.threshold / (1 - aim.threshold)
    each = differs * (outcome - odds * (1 - outcome))
    if len(each) < 2 or not each.any():
        return math.nan, math.nan, math.nan
    gain, error = float(each.mean()), float(each.std(ddof=1)) / math.sqrt(len(each))
    # Under the value the spread is about its own centre.
    null = math.sqrt(float(((each - aim.value) ** 2).mean()) / len(each))
    return gain, error, (gain - aim.value) / null


def _calibration(aim: Aim, sample: Sample) -> tuple[float, float, float]:
    """Both bounds must be cleared: the lesser of two statistics on the log of observed : expected.

    Source of the variance: Debray et al., BMJ 2017;356:i6460, appendix.
    """
    known = ~np.isnan(sample.probability)
    outcome, expected = sample.outcome[known], float(sample.probability[known].sum())
    observed = float(outcome.sum())
    if not observed or not expected:
        return math.nan, math.nan, math.nan
    ratio = observed / expected
    error = math.sqrt(max(1 - observed / len(outcome), 1e-9) / observed)
    low, high = math.log(ratio / aim.value) / error, math.log(aim.upper / ratio) / error
    return ratio, ratio * error, min(low, high)


_Measure = Callable[[Aim, Sample], tuple[float, float, float]]

_MEASURES: dict[str, _Measure] = {
    "sensitivity": _sensitivity,
    "ppv": _ppv,
    "auroc": _auroc,
    "sensitivity_gain": _sensitivity_gain,
    "net_benefit_gain": _net_benefit_gain,
    "calibration": _calibration,
}


def _units_of_share(aim: Aim, alpha: float, beta: float) -> float:
    """One share against a value (Fleiss, Levin & Paik, Statistical Methods for Rates and Proportions)."""
    null, there = aim.value * (1 - aim.value), aim.expected * (1 - aim.expected)
    return ((alpha * math.sqrt(null) + beta * math.sqrt(there)) / (aim.expected - aim.value)) ** 2


def _units_of_auroc(aim: Aim, alpha: float, beta: float) -> float:
    """1 / variance at the value; the variance where the expected area is true is in the same proportion."""
    many = 1e6
    events = many * aim.prevalence
    null, there = (hanley(area, events, many - events) for area in (aim.value, aim.expected))
    return ((alpha + beta * math.sqrt(there / null)) / (aim.expected - aim.value)) ** 2


def _units_of_gain(aim: Aim, alpha: float, beta: float) -> float:
    """Paired shares (Connor, Biometrics 1987;43:207-211), with a margin in place of 0."""
    null, there = aim.disagreement - aim.value**2, aim.disagreement - aim.expected**2
    spread = alpha * math.sqrt(max(null, 1e-6)) + beta * math.sqrt(max(there, 1e-6))
    return (spread / (aim.expected - aim.value)) ** 2


def _units_of_benefit(aim: Aim, alpha: float, beta: float) -> float:
    """A mean difference whose variance is that of those who are treated differently."""
    odds = aim.threshold / (1 - aim.threshold)
    variance = aim.disagreement * (aim.prevalence + (1 - aim.prevalence) * odds**2)
    return (alpha + beta) ** 2 * variance / (aim.expected - aim.value) ** 2


def _units_of_calibration(aim: Aim, alpha: float, beta: float) -> float:
    room = min(math.log(aim.expected / aim.value), math.log(aim.upper / aim.expected))
    return (1 - aim.prevalence) * ((alpha + beta) / room) ** 2


_UNITS: dict[str, Callable[[Aim, float, float], float]] = {
    "sensitivity": _units_of_share,
    "ppv": _units_of_share,
    "auroc": _units_of_auroc,
    "sensitivity_gain": _units_of_gain,
    "net_benefit_gain": _units_of_benefit,
    "calibration": _units_of_calibration,
}


def planned_power(endpoint: str, power: float) -> float:
    """The power to plan each test for: of a calibration both bounds must be cleared, so each misses half."""
    return 1 - (1 - power) / 2 if endpoint == "calibration" else power


def _patients_of_auroc(aim: Aim, units: float) -> int:
    """The fewest patients, at the prevalence believed, that hold the information."""
    low, high = 4, 8
    while counted(aim, high * aim.prevalence, high, 0) < units and high < 10**9:
        high *= 2
    while high - low > 1:
        middle = (low + high) // 2
        enough = counted(aim, middle * aim.prevalence, middle, 0) >= units
        low, high = (low, middle) if enough else (middle, high)
    return high


def _order(aim: Aim, sample: Sample) -> Floats:
    """The patients in an order along which an outcome that comes true moves the figure one way."""
    if aim.endpoint in PAIRED:
        differs: Floats = np.nan_to_num(sample.acted - sample.practice)
        return differs
    if aim.endpoint in ("auroc", "calibration"):
        score: Floats = np.nan_to_num(sample.probability, nan=-1.0)
        return score
    return sample.acted


def secondary(sample: Sample) -> dict[str, Estimate]:
    """Other figures of the same patients, each with its plain 95 % interval: to read, not to decide on."""
    truth = sample.outcome
    known = ~np.isnan(sample.probability)
    found = {
        "sensitivity": metrics.exact(int(sample.acted @ truth), int(truth.sum())),
        "specificity": metrics.exact(int((1 - sample.acted) @ (1 - truth)), int((1 - truth).sum())),
        "ppv": metrics.exact(int(sample.acted @ truth), int(sample.acted.sum())),
    }
    told = ~np.isnan(sample.practice)
    if told.any():
        acts, real = sample.practice[told], truth[told]
        found["practice_sensitivity"] = metrics.exact(int(acts @ real), int(real.sum()))
        found["practice_specificity"] = metrics.exact(int((1 - acts) @ (1 - real)), int((1 - real).sum()))
    area, variance = delong(truth[known], sample.probability[known])
    if math.isfinite(area):
        half = 1.959964 * math.sqrt(variance)
        found["auroc"] = Estimate(area, max(area - half, 0.0), min(area + half, 1.0))
    observed, expected = float(truth[known].sum()), float(sample.probability[known].sum())
    if observed and expected:
        wide = 1.959964 * math.sqrt(max(1 - observed / known.sum(), 0.0) / observed)
        ratio = observed / expected
        found["observed_expected"] = Estimate(ratio, ratio * math.exp(-wide), ratio * math.exp(wide))
    return found
