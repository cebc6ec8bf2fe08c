"""Days gone through one by one by the monitors that watch live: what they see, and when."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
import numpy.typing as npt

from vesalius.card import StopRule
from vesalius.evaluation.monitoring import Chart, Plan, Reference, Seen, State, Tally, cusum, look, sprt
from vesalius.evaluation.monitoring.tally import Rows
from vesalius.monitoring import rules as stopping
from vesalius.monitoring._sequential import Kept

ALARMS = 0.1
"""False alarms a year of each chart: the platform's stop rule on outcomes has the same."""

QUIET = 28
"""An alarm that was gone for so many days and comes back is another one."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Cases:
    """The outcomes of one day, in order."""

    probability: Floats
    outcomes: npt.NDArray[np.bool_]


@dataclass
class Watched:
    """What the monitors saw.

    Attributes:
        first: by monitor, the first day on which it saw anything new since the day of the change.
        stopped: by stop rule, the first day on which it fired.
        onsets: how many alarms began, over all monitors and days.
        false: of those, how many began before the day of the change.
        stops: how many times a stop rule began to fire.
        days: how many days were looked at.
    """

    first: dict[str, int] = field(default_factory=dict)
    stopped: dict[str, int] = field(default_factory=dict)
    onsets: int = 0
    false: int = 0
    stops: int = 0
    days: int = 0


@dataclass(frozen=True)
class Days:
    """What came, day by day from 0 on.

    Attributes:
        reference: how it was before.
        delay: after how many days an outcome is known.
        a_year: how many outcomes come in a year: the charts are planned for it.
        tallies: per day, with the outcomes that will become known.
        cases: per day.
    """

    reference: Reference
    delay: int
    a_year: float
    tallies: dict[int, Tally] = field(default_factory=dict)
    cases: dict[int, Cases] = field(default_factory=dict)

    def add(self, first: int, counts: npt.NDArray[np.int64], rows: Rows) -> None:
        """The rows of ``len(counts)`` days from ``first`` on, so many a day, in order."""
        ends = np.cumsum(counts).tolist()
        for day, (start, end) in enumerate(itertools.pairwise([0, *ends]), first):
            if end > start:
                part = rows.part(start, end)
                self.tallies[day] = part.tally(self.reference)
                self.cases[day] = Cases(part.probability, part.outcomes)


def watch(
    days: Days,
    start: int,
    change: int,
    end: int,
    rules: Sequence[StopRule] = (),
    every: int = 1,
    plan: Plan | None = None,
) -> Watched:
    """Goes through the days from ``start`` up to ``end`` as a hospital that is live would.

    Args:
        days: what came.
        start: the first day that is looked at; earlier ones are history.
        change: the day from which on something is otherwise; what stood before it is no news.
        end: the day after the last.
        rules: the stop rules of the use.
        every: looks once in so many days.
        plan: how one looks.
    """
    charts = _charts(days)
    states = {name: chart.start() for name, chart in charts.items()}
    found, last = Watched(), dict[str, int]()
    plan = plan or Plan()
    for day in range(start - every, end):
        due = day - days.delay
        if due in days.cases:
            case = days.cases[due]
            states = {
                name: chart.update(states[name], case.probability, case.outcomes)
                for name, chart in charts.items()
            }
        if (day - start) % every:
            continue
        seen = _seen(days, day, plan)
        names = {f"{sign.monitor} {sign.about}".strip() for sign in look(seen, plan)}
        names |= {name for name, state in states.items() if state.last and state.cases - state.last < 200}
        fired = {f"stop: {each}" for each in _stops(days, rules, seen, charts["cusum"], states["cusum"])}
        _note(found, last, names | fired, day, start, change)
        found.days += every if day >= start else 0
    return found


def _charts(days: Days) -> dict[str, Chart]:
    mix, cases = days.reference.scored, max(days.a_year, 1.0)
    return {
        "cusum": cusum(mix, 2.0, cases, ALARMS),
        "cusum fewer": cusum(mix, 0.5, cases, ALARMS),
        "sprt": sprt(mix, 2.0, cases, ALARMS),
    }


def _seen(days: Days, day: int, plan: Plan) -> Seen:
    """What a look needs: the days before it that any window reaches, and the outcomes known by then."""
    back = max(*plan.outcomes, 70) + days.delay
    filed = {each: days.tallies[each] for each in range(day - back, day + 1) if each in days.tallies}
    known = {each: tally for each, tally in filed.items() if each <= day - days.delay}
    return Seen(days.reference, filed, known, day)


def _stops(days: Days, rules: Sequence[StopRule], seen: Seen, chart: Chart, state: State) -> list[str]:
    if not rules:
        return []
    kept = Kept(chart=chart, state=state, a_year=days.a_year, alarms=ALARMS)
    looked = stopping.Seen(days.reference, seen.filed, seen.known, {}, kept, seen.today)
    return [line.name for line in stopping.apply(tuple(rules), looked) if line.fires]


def _note(found: Watched, last: dict[str, int], names: set[str], day: int, start: int, change: int) -> None:
    """Keeps what is new: an alarm that stands, or stood within four weeks, is the same one."""
    for name in names:
        new = name not in last or day - last[name] > QUIET
        last[name] = day
        if not new or day < start:
            continue
        stop = name.startswith("stop: ")
        found.stops += stop
        found.onsets += not stop
        found.false += (not stop) and day < change
        if day >= change:
            kept = found.stopped if stop else found.first
            kept.setdefault(name.removeprefix("stop: ") if stop else name.split()[0], day)


class Seeing(msgspec.Struct, frozen=True, kw_only=True):
    """How one monitor did over the repeats.

    Attributes:
        monitor: its name.
        share: of the repeats, how many in which it saw the change.
        days, patients: after how many, by the median of those; None where it never did.
        earliest, latest: days, over the repeats that saw it.
    """

    monitor: str
    share: float
    days: float | None
    patients: float | None
    earliest: int | None = None
    latest: int | None = None


def seeing(monitor: str, days: Sequence[int | None], a_day: float) -> Seeing:
    """From the first day of each repeat, counted from the change; None where it saw nothing."""
    seen = [day for day in days if day is not None]
    middle = float(np.median(seen)) + 1 if seen else None
    return Seeing(
        monitor=monitor,
        share=len(seen) / max(len(days), 1),
        days=middle,
        patients=None if middle is None else round(middle * a_day),
        earliest=min(seen) + 1 if seen else None,
        latest=max(seen) + 1 if seen else None,
    )
