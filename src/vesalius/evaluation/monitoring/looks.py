"""From the tallies of days to signs: the one look that live monitoring and its simulation both take.

A year of daily looks at twenty inputs asks thousands of questions; answered at the usual level they would
cry wolf every week. So the number of false alarms a year that a hospital bears is given first, and shared
out over the monitors, their tests and the days of a year (Bonferroni, which is careful: windows overlap, so
that the looks are fewer than they seem). Each test has, besides, a least effect that matters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import msgspec

from vesalius.evaluation.monitoring import _figures, _scored
from vesalius.evaluation.monitoring._columns import Floats
from vesalius.evaluation.monitoring._scored import Scored
from vesalius.evaluation.monitoring.calibration import moved
from vesalius.evaluation.monitoring.drift import Drift, drift, multivariate
from vesalius.evaluation.monitoring.realised import AUROC, subgroups
from vesalius.evaluation.monitoring.reference import Reference
from vesalius.evaluation.monitoring.tally import Tally, total
from vesalius.evaluation.monitoring.volume import volume

YEAR = 365

MANY = 200
"""Fewer rows than this say nothing of the inputs together: standardised inputs are skewed, their mean is
    not normal
yet.
"""

RIPE = 0.5
"""Of the suggestions of a day, the share whose outcome must be known before any of them counts."""

SHARES: dict[str, float] = {
    "volume": 0.15,
    "drift": 0.2,
    "missing": 0.15,
    "together": 0.15,
    "estimated": 0.05,
    "auroc": 0.1,
    "calibration": 0.1,
    "subgroup": 0.1,
}
"""How the false alarms of a year are shared out over the monitors."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How one looks.

    Attributes:
        alarms: how many false alarms a year are borne, of all these monitors of a use together. Half of one
            leaves the other half to the stop rules.
        windows: over how many of the last days the inputs are looked at: a short one that sees a sudden
            change soon, and a long one that sees a small one.
        outcomes: over how many of the last ripe days outcomes are looked at, likewise.
        fewest: fewer rows than this say nothing of inputs.
    """

    alarms: float = 0.5
    windows: tuple[int, ...] = (7, 28)
    outcomes: tuple[int, ...] = (28, 91)
    fewest: int = 30

    def level(self, monitor: str, tests: int) -> float:
        """The level of each of ``tests`` tests that a monitor does at each daily look."""
        return self.alarms * SHARES[monitor] / YEAR / max(tests, 1)


class Sign(msgspec.Struct, frozen=True, kw_only=True):
    """What one monitor sees.

    Attributes:
        monitor: ``volume``, ``drift``, ``unit``, ``missing``, ``together``, ``estimated``, ``auroc``,
            ``calibration`` or ``subgroup``.
        about: the input or the group; ``silent`` or ``flooded``; ``strange`` or ``moved``; else empty.
        rows: on how many rows or outcomes.
        days: over how many of the last days.
        value: what it sees: the count; the stability index; the factor of the change of unit; the share
            missing; the distance or error in standard errors; the AUROC; the ratio of observed and
            expected.
        before: the same before, or what was expected.
        p: the chance of as much when nothing has changed.
        what: of a change of unit, which.
    """

    monitor: str
    about: str = ""
    rows: int
    days: int
    value: float
    before: float
    p: float
    what: str = ""


@dataclass(frozen=True)
class Seen:
    """What there is to look at, by day (days since 1970).

    Attributes:
        reference: how things were.
        filed: the tally of each day's suggestions.
        known: of those whose outcome is known by now, by the day of the suggestion.
        today: the last whole day; later days are not looked at.
    """

    reference: Reference
    filed: Mapping[int, Tally]
    known: Mapping[int, Tally]
    today: int

    def inputs(self, days: int) -> Tally:
        """The suggestions of the last ``days`` days together."""
        return self._total(self.filed, self.today, days)

    def outcomes(self, days: int) -> Tally:
        """The outcomes of the last ``days`` ripe days: those up to the newest day that is ripe."""
        ready = self._ripe
        return self._total(ready, max(ready, default=self.today), days)

    @cached_property
    def _ripe(self) -> dict[int, Tally]:
        first = self.today - YEAR
        filed = {day: tally for day, tally in self.filed.items() if first < day <= self.today}
        known = {day: tally for day, tally in self.known.items() if first < day <= self.today}
        return {day: known[day] for day in ripe(filed, known)}

    @cached_property
    def _totals(self) -> dict[tuple[bool, int], Tally]:
        return {}

    def _total(self, tallies: Mapping[int, Tally], last: int, days: int) -> Tally:
        key = tallies is self.filed, days
        if key not in self._totals:
            here = range(last - days + 1, last + 1)
            self._totals[key] = total([tallies[day] for day in here if day in tallies])
        return self._totals[key]


def ripe(filed: Mapping[int, Tally], known: Mapping[int, Tally]) -> set[int]:
    """The days whose outcomes may be counted: those of most of their suggestions are known.

    An event is known when it happens, its absence only when the time is up: a readmission after three days,
        none
    after thirty. Of recent days the known outcomes are nearly all events, and would look like a use gone
    wrong.
    """
    return {
        day
        for day, tally in known.items()
        if day in filed and tally.scored.known >= RIPE * max(filed[day].scored.count, 1)
    }


def look(seen: Seen, plan: Plan | None = None) -> tuple[Sign, ...]:
    """Everything that any monitor sees today; an empty tuple when all is as it was."""
    plan = plan or Plan()
    return tuple(sign for each in _MONITORS for sign in each(seen, plan))


def _volume(seen: Seen, plan: Plan) -> Iterator[Sign]:
    first = min(seen.filed, default=seen.today)
    days = range(max(first, seen.today - 70), seen.today + 1)
    counts = [seen.filed[day].rows if day in seen.filed else 0 for day in days]
    for span in (1, 7):
        found = volume(counts, plan.level("volume", 4), span, gap=0)
        if found is not None and (found.silent or found.flooded):
            yield Sign(
                monitor="volume",
                about="silent" if found.silent else "flooded",
                rows=found.count,
                days=span,
                value=found.count,
                before=round(found.expected, 1),
                p=min(found.p_low, found.p_high),
            )
            return


def _inputs(seen: Seen, plan: Plan) -> Iterator[Sign]:
    told: set[tuple[str, str]] = set()
    tests = max(len(seen.reference.fields), 1) * len(plan.windows)
    levels = plan.level("drift", tests), plan.level("missing", tests)
    for days in plan.windows:
        tally = seen.inputs(days)
        if tally.rows < plan.fewest:
            continue
        for each in drift(seen.reference, tally, *levels):
            for sign in _of_input(each, days):
                kind = "drift" if sign.monitor == "unit" else sign.monitor
                if (kind, sign.about) not in told:
                    told.add((kind, sign.about))
                    yield sign


def _of_input(each: Drift, days: int) -> Iterator[Sign]:
    if each.drifted:
        unit = each.unit
        yield Sign(
            monitor="unit" if unit else "drift",
            about=each.input,
            rows=each.rows,
            days=days,
            value=unit.factor if unit else each.psi,
            before=1.0 if unit else 0.0,
            p=each.p,
            what=unit.what if unit else "",
        )
    if each.lost:
        yield Sign(
            monitor="missing",
            about=each.input,
            rows=each.rows,
            days=days,
            value=each.missing,
            before=each.missing_before,
            p=each.p_missing,
        )


def _together(seen: Seen, plan: Plan) -> Iterator[Sign]:
    from scipy import special

    days = max(plan.windows)
    tally = seen.inputs(days)
    if tally.rows < MANY:
        return
    found = multivariate(seen.reference, tally, plan.level("together", 2))
    if found is not None and found.strange:
        yield Sign(
            monitor="together",
            about="strange",
            rows=found.rows,
            days=days,
            value=found.error,
            before=found.error_before,
            p=float(2 * special.ndtr(-abs(found.z))),
        )
    if found is not None and found.moved:
        yield Sign(
            monitor="together",
            about="moved",
            rows=found.rows,
            days=days,
            value=found.distance,
            before=found.distance_limit,
            p=plan.level("together", 2),
        )


def _discrimination(seen: Seen, plan: Plan) -> Iterator[Sign]:
    """The AUROC, as the probabilities expect it, and as the outcomes say."""
    now = seen.inputs(max(plan.windows))
    if now.rows >= plan.fewest:
        pairs = _expected(seen.reference.scored), _expected(now.scored)
        yield from _less("estimated", *pairs, now.rows, max(plan.windows), plan)
    if not seen.reference.scored.known:
        return
    for days in plan.outcomes:
        known = seen.outcomes(days).scored
        if min(known.positives, known.known - known.positives) >= 10:
            pairs = _observed(seen.reference.scored), _observed(known)
            signs = list(_less("auroc", *pairs, known.known, days, plan))
            yield from signs
            if signs:
                return


def _less(
    monitor: str, before: tuple[Floats, Floats], now: tuple[Floats, Floats], rows: int, days: int, plan: Plan
) -> Iterator[Sign]:
    from scipy import special

    (old, old_error), (new, new_error) = _figures.auroc(*before), _figures.auroc(*now)
    error = math.hypot(old_error, new_error)
    if not error or not math.isfinite(error):
        return
    p = float(special.ndtr((new - old) / error))
    if p < plan.level(monitor, len(plan.outcomes)) and old - new > AUROC:
        yield Sign(monitor=monitor, rows=rows, days=days, value=new, before=old, p=p)


def _calibration(seen: Seen, plan: Plan) -> Iterator[Sign]:
    for days in plan.outcomes:
        known = seen.outcomes(days).scored
        found = moved(seen.reference.scored, known)
        if found is not None and found.matters and found.p < plan.level("calibration", len(plan.outcomes)):
            yield Sign(
                monitor="calibration",
                rows=known.known,
                days=days,
                value=found.ratio,
                before=found.ratio_before,
                p=found.p,
            )
            return


def _subgroups(seen: Seen, plan: Plan) -> Iterator[Sign]:
    days = max(plan.outcomes)
    for gap in subgroups(seen.reference, seen.outcomes(days), plan.level("subgroup", 1)):
        if gap.gap:
            yield Sign(
                monitor="subgroup",
                about=gap.group,
                rows=gap.known,
                days=days,
                value=gap.ratio.value or 0.0,
                before=gap.ratio_before or 1.0,
                p=gap.p,
            )


def _expected(scored: Scored) -> tuple[Floats, Floats]:
    rows = scored.dense()[0].astype(float)
    return rows * _scored.SHARES, rows * (1 - _scored.SHARES)


def _observed(scored: Scored) -> tuple[Floats, Floats]:
    counts = scored.dense().astype(float)
    return counts[2], counts[3]


_MONITORS: Sequence[Callable[[Seen, Plan], Iterator[Sign]]] = (
    _volume,
    _inputs,
    _together,
    _discrimination,
    _calibration,
    _subgroups,
)
