"""SHERPA, watched: a Belgian score of functional decline that lost its discrimination in ten years.

The score foretells, at admission, that an older patient will depend more on others three months later. It
was made on 625 patients, 550 of whom were followed; 31.5 % declined (Cornette et al., Eur J Public Health
2006;16:203-208). Ten years later, in 305 patients of 75 years and more, 34 % of whom declined, its
c-statistic had fallen from .73 to .64, and of its five facts only falls and help with instrumental
activities still told anything beyond chance (BMC Geriatr 2017;17:105).

Here patients are made up, not those of the studies: five facts, each on or off, that weigh the same; the
score is calibrated at first, with a c-statistic of .73 and 31.5 % who decline. Over ten years age, cognition
and self-rated health come to weigh less and less, as far as brings the c-statistic to .64, and the share who
decline goes to 34 %.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vesalius.card import Input
from vesalius.evaluation import metrics
from vesalius.evaluation.metrics import Estimate
from vesalius.evaluation.monitoring import Plan, Reference, estimated, realised, total
from vesalius.evaluation.monitoring.tally import Rows
from vesalius.simulation.replay import Days, Seeing, seeing, watch

FACTS = ("age", "iadl", "falls", "cognition", "health")
"""Age, help needed with instrumental activities, a fall last year, cognition, poor self-rated health."""

KEPT = (False, True, True, False, False)
"""Which facts still told something ten years later."""

SHARES = (0.4, 0.45, 0.35, 0.3, 0.3)
"""Of the made-up patients, how many have each fact. Assumed: the papers' tables are not used."""

BEFORE, AFTER = (0.73, 0.315), (0.64, 0.34)
"""The c-statistic and the share who decline, at first and ten years later: the two papers."""

FOLLOWED = 550
"""Patients of the reference: those of the first study."""

YEARS, DELAY = 10, 91

LOOKS = Plan(outcomes=(91, 365))
"""With three patients a day a month of outcomes says little; what fades over years is seen over years."""

Floats = npt.NDArray[np.float64]


class Year(msgspec.Struct, frozen=True, kw_only=True):
    """One year of the first repeat."""

    year: int
    patients: int
    truth: float
    estimated: Estimate
    realised: Estimate
    ratio: Estimate


class Sherpa(msgspec.Struct, frozen=True, kw_only=True):
    """What ten years of watching show.

    Attributes:
        a_day, repeats, seed: how it was done.
        years: year by year, of the first repeat.
        monitors: when each monitor saw it, in days from the start of the change.
        calm: alarms in a year before the change, over the repeats.
    """

    a_day: float
    repeats: int
    seed: int
    years: tuple[Year, ...]
    monitors: tuple[Seeing, ...]
    calm: int

    def lines(self) -> list[str]:
        """For a terminal."""
        lines = [
            f"{self.a_day:g} patients a day, {self.repeats} repeats; made up after two published studies",
            "year  patients  true c  estimated (CBPE)       realised               observed/expected",
        ]
        lines += [
            f"{each.year:>4}  {each.patients:>8}  {each.truth:>6.3f}  {_short(each.estimated)}  "
            f"{_short(each.realised)}  {_short(each.ratio)}"
            for each in self.years
        ]
        lines.append("seen first, by the median of the repeats:")
        for each in self.monitors:
            if each.days is not None:
                lines.append(
                    f"  {each.monitor:<12} after {each.days / 365:.1f} years, {each.patients:,.0f} patients "
                    f"({each.share:.0%} of the repeats)"
                )
        blind = [each.monitor for each in self.monitors if each.days is None]
        lines.append(f"never: {', '.join(blind) or 'none'}")
        lines.append(f"alarms in the year before anything changed: {self.calm} in {self.repeats} repeats")
        return lines


def replayed(
    repeats: int, a_day: float, seed: int, progress: Callable[[int, int], None] | None = None
) -> Sherpa:
    """Ten years, ``repeats`` times, looked at once a week."""
    score = weights()
    truths = [mixed(score, faded(score), year / YEARS) for year in range(YEARS + 1)]
    years: tuple[Year, ...] = ()
    seen, calm = [], 0
    for repeat in range(repeats):
        rng = np.random.Generator(np.random.PCG64([seed, repeat]))
        days = _days(score, truths, a_day, rng)
        years = years or _years(days, truths)
        start, change = 125 + DELAY, 365 + 125 + DELAY
        found = watch(days, start, change, change + YEARS * 365, every=7, plan=LOOKS)
        seen.append({name: day - change for name, day in found.first.items()})
        calm += found.false
        if progress:
            progress(repeat + 1, repeats)
    names = ("drift", "together", "estimated", "auroc", "calibration", "cusum", "sprt")
    monitors = tuple(seeing(name, [each.get(name) for each in seen], a_day) for name in names)
    return Sherpa(a_day=a_day, repeats=repeats, seed=seed, years=years, monitors=monitors, calm=calm)


def weights() -> Floats:
    """The intercept and five equal weights that give the first study's c-statistic and share."""
    return _solved(np.ones(len(FACTS)), *BEFORE)


def faded(score: Floats) -> Floats:
    """The truth ten years later: the facts that faded weigh as much less as brings the c-statistic to .64."""
    low, high = 0.0, 1.0
    found = score
    for _ in range(40):
        part = (low + high) / 2
        shape = np.where(KEPT, 1.0, part) * score[1:]
        found = _centred(shape, AFTER[1])
        low, high = (part, high) if discrimination(score, found) < AFTER[0] else (low, part)
    return found


def mixed(first: Floats, last: Floats, part: float) -> Floats:
    """The truth on the way from one to the other."""
    return first + part * (last - first)


def discrimination(score: Floats, truth: Floats) -> float:
    """The c-statistic of a score when another one is true, over all 32 patients that differ."""
    facts, share = _patients()
    logits, risk = score[0] + facts @ score[1:], _risk(facts, truth)
    both = np.concatenate([np.ones(len(share)), np.zeros(len(share))])
    return metrics.auroc(both, np.tile(logits, 2), np.concatenate([share * risk, share * (1 - risk)]))


def _solved(shape: Floats, auroc: float, prevalence: float) -> Floats:
    low, high = 0.0, 5.0
    found = np.zeros(len(shape) + 1)
    for _ in range(50):
        size = (low + high) / 2
        found = _centred(size * shape, prevalence)
        low, high = (size, high) if discrimination(found, found) < auroc else (low, size)
    return found


def _centred(shape: Floats, prevalence: float) -> Floats:
    """With the intercept that gives the share who decline."""
    facts, share = _patients()
    low, high = -15.0, 15.0
    for _ in range(60):
        middle = (low + high) / 2
        mean = float(share @ _risk(facts, np.concatenate([[middle], shape])))
        low, high = (middle, high) if mean < prevalence else (low, middle)
    return np.concatenate([[low], shape])


def _patients() -> tuple[Floats, Floats]:
    """All 32 patients that differ, and how usual each is."""
    facts = np.array([[number >> place & 1 for place in range(len(FACTS))] for number in range(32)], float)
    chance = np.where(facts == 1, SHARES, 1 - np.array(SHARES))
    share: Floats = chance.prod(axis=1)
    return facts, share


def _risk(facts: Floats, truth: Floats) -> Floats:
    risk: Floats = 1 / (1 + np.exp(-(truth[0] + facts @ truth[1:])))
    return risk


def _drawn(
    score: Floats, truth: Floats, count: int, rng: np.random.Generator
) -> tuple[pa.Table, Floats, npt.NDArray[np.bool_]]:
    facts = (rng.random((count, len(FACTS))) < SHARES).astype(np.float64)
    table = pa.table({name: facts[:, place] == 1 for place, name in enumerate(FACTS)})
    return table, _risk(facts, score), rng.random(count) < _risk(facts, truth)


def _days(score: Floats, truths: list[Floats], a_day: float, rng: np.random.Generator) -> Days:
    """A year and more in which nothing changes, then ten in which the truth moves on every quarter."""
    inputs = [Input(name, "boolean") for name in FACTS]
    days = Days(Reference.of(inputs, *_drawn(score, score, FOLLOWED, rng)), DELAY, a_day * 365)
    change = 365 + 125 + DELAY
    for first in range(0, change + YEARS * 365, 91):
        part = max(0.0, (first - change) / (YEARS * 365))
        counts = rng.poisson(a_day, 91)
        table, said, outcomes = _drawn(score, mixed(truths[0], truths[-1], part), int(counts.sum()), rng)
        days.add(first, counts, Rows(table, said, outcomes=outcomes))
    return days


def _years(days: Days, truths: list[Floats]) -> tuple[Year, ...]:
    change = 365 + 125 + DELAY
    found = []
    for year in range(YEARS + 1):
        here = range(change + (year - 1) * 365, change + year * 365)
        tally = total([days.tallies[day] for day in here if day in days.tallies])
        known = realised(tally)
        found.append(
            Year(
                year=year,
                patients=tally.rows,
                truth=round(
                    discrimination(truths[0], mixed(truths[0], truths[-1], max(year - 0.5, 0) / YEARS)), 3
                ),
                estimated=estimated(days.reference, tally).auroc,
                realised=known.auroc,
                ratio=known.ratio,
            )
        )
    return tuple(found)


def _short(estimate: Estimate) -> str:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return f"{'-':<21}"
    return f"{estimate.value:.3f} ({estimate.low:.3f}-{estimate.high:.3f})  "
