"""One scenario, many times over: which monitor sees it and when, and how often one cries wolf."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from vesalius.card import StopRule
from vesalius.evaluation.monitoring.tally import Rows
from vesalius.simulation.pool import Pool
from vesalius.simulation.replay import Days, Seeing, Watched, seeing, watch
from vesalius.simulation.scenarios import Change, Scenario

Progress = Callable[[int, int], None]

MONITORS = (
    "volume",
    "missing",
    "unit",
    "drift",
    "together",
    "estimated",
    "auroc",
    "calibration",
    "subgroup",
    "cusum",
    "sprt",
)
"""Every monitor, in the order in which it can know."""

REFERENCE = 5000
"""The most rows of a reference: so many a validation run usually has."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a simulation goes.

    Attributes:
        repeats: how many times.
        a_day: patients a day, by the mean.
        delay: days until an outcome is known.
        before: days of history before anybody looks.
        calm: days that are looked at before the change.
        after: days after it.
        seed: same seed, same result.
    """

    repeats: int = 10
    a_day: float = 40.0
    delay: int = 30
    before: int = 125
    calm: int = 28
    after: int = 180
    seed: int = 1514


class Drifted(msgspec.Struct, frozen=True, kw_only=True):
    """What a scenario came to.

    Attributes:
        scenario, words, about: which one; the input that it is about.
        usecase, origin: of which use, on which patients.
        plan: how it was done.
        monitors: every monitor, and whether and when it saw it.
        rules: the stop rules that fired in any repeat, likewise.
        stopped: in how many of the repeats a stop rule fired after the change.
        should_stop: whether one should.
        years: how many years without a change were looked at.
        false_alarms: how many alarms began in them; per year, with the exact 95 % interval of Poisson.
        false_stops: how many times a stop rule began to fire in them.
    """

    scenario: str
    words: str
    about: str
    usecase: str
    origin: str
    plan: Plan
    monitors: tuple[Seeing, ...]
    rules: tuple[Seeing, ...]
    stopped: float
    should_stop: bool
    years: float
    false_alarms: int
    a_year: tuple[float, float, float]
    false_stops: int


def simulate(
    pool: Pool,
    scenario: Scenario,
    rules: Sequence[StopRule] = (),
    plan: Plan | None = None,
    progress: Progress | None = None,
) -> Drifted:
    """Goes through a scenario ``plan.repeats`` times, each with other patients.

    Args:
        pool: the population.
        scenario: what happens to it.
        rules: the stop rules of the use.
        plan: how.
        progress: called with the repeats done, and all.
    """
    plan = plan or Plan()
    seen, about = [], ""
    for repeat in range(plan.repeats):
        rng = np.random.Generator(np.random.PCG64([plan.seed, repeat]))
        change = scenario.change(pool, rng)
        about = change.about
        seen.append(_once(pool, change, plan, rules, rng, calm=scenario.name == "nothing"))
        if progress:
            progress(repeat + 1, plan.repeats)
    return _told(pool, scenario, about, plan, seen)


def _once(
    pool: Pool, change: Change, plan: Plan, rules: Sequence[StopRule], rng: np.random.Generator, *, calm: bool
) -> Watched:
    start, at = plan.before, plan.before + plan.calm
    end = at + plan.after
    reference = pool.reference(rng, min(len(pool), REFERENCE))
    days = Days(reference, plan.delay, plan.a_day * 365)
    for first, last, how in ((0, at, Change(pool)), (at, end, change)):
        _draw(days, how, plan, rng, first, last)
    return watch(days, start, end if calm else at, end, rules)


def _draw(days: Days, how: Change, plan: Plan, rng: np.random.Generator, first: int, last: int) -> None:
    """The patients of some days, all drawn at once."""
    pool = how.pool
    counts = rng.poisson(plan.a_day * how.volume, last - first)
    weights = None if how.weights is None else how.weights / how.weights.sum()
    rows = rng.choice(len(pool), int(counts.sum()), p=weights)
    said = pool.probability[rows]
    drawn = Rows(pool.table.take(rows), said, said >= pool.act, pool.outcomes[rows], pool.groups(rows))
    days.add(first, counts, drawn)


def _told(pool: Pool, scenario: Scenario, about: str, plan: Plan, seen: Sequence[Watched]) -> Drifted:
    at = plan.before + plan.calm
    calm = scenario.name == "nothing"
    fired = dict.fromkeys(name for each in seen for name in each.stopped)
    days = sum(each.days for each in seen) if calm else plan.calm * plan.repeats
    false = sum(each.false for each in seen)
    years = days / 365

    def line(name: str, where: str) -> Seeing:
        firsts = [getattr(each, where).get(name) for each in seen]
        return seeing(name, [None if day is None else day - at for day in firsts], plan.a_day)

    return Drifted(
        scenario=scenario.name,
        words=scenario.words,
        about=about,
        usecase=pool.card.name,
        origin=pool.origin,
        plan=plan,
        monitors=tuple(line(name, "first") for name in MONITORS),
        rules=tuple(line(name, "stopped") for name in fired),
        stopped=sum(bool(each.stopped) for each in seen) / len(seen),
        should_stop=scenario.stops,
        years=years,
        false_alarms=false,
        a_year=_rate(false, years),
        false_stops=sum(each.stops for each in seen) if calm else 0,
    )


def _rate(count: int, years: float) -> tuple[float, float, float]:
    """Per year, with the exact interval (Garwood, Biometrika 1936;28:437-442)."""
    from scipy.stats import chi2

    low = float(chi2.ppf(0.025, 2 * count)) / 2 if count else 0.0
    high = float(chi2.ppf(0.975, 2 * (count + 1))) / 2
    return round(count / years, 3), round(low / years, 3), round(high / years, 3)
