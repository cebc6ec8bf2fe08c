"""From counts to figures: what a refresh finds of one use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from vesalius.card import Card
from vesalius.evaluation.metrics import exact
from vesalius.evaluation.monitoring import (
    Reference,
    Sign,
    Tally,
    calibration,
    estimated,
    look,
    realised,
    subgroups,
    total,
)
from vesalius.evaluation.monitoring import Seen as Looked
from vesalius.governance import watching
from vesalius.governance.uses import Use
from vesalius.governance.watching import Watch
from vesalius.monitoring import _references, _sequential, _tallies, rules
from vesalius.monitoring._findings import findings
from vesalius.monitoring._weeks import FEWEST, ranged
from vesalius.monitoring.alarms import Finding
from vesalius.monitoring.status import (
    DAYS,
    ChartLine,
    Figures,
    GapLine,
    Range,
    RuleLine,
    people_between,
)
from vesalius.review import tallying
from vesalius.review.factors import Factors, day_of, quantile
from vesalius.review.factors import total as added

QUARTER, HALF_YEAR = 91, 182
"""Days back: of performance and calibration, and of all that is read: subgroups need so much."""

SMALLEST = (50, 10)
"""A subgroup with fewer known outcomes, or fewer that came true or did not, is not shown."""


@dataclass(frozen=True)
class Judged:
    """What was found.

    Attributes:
        figures: for the pages.
        rules: the stop rules.
        findings: what is worth an alarm.
    """

    figures: Figures
    rules: tuple[RuleLine, ...]
    findings: list[Finding]


@dataclass(frozen=True)
class Windows:
    """The counts that are looked at, per day."""

    filed: Mapping[int, Tally]
    known: Mapping[int, Tally]
    people: Mapping[int, Factors]
    today: int

    def last(self, days: int, parts: Mapping[int, Any]) -> list[Any]:
        """Of the last days, today included."""
        return [part for day, part in parts.items() if day > self.today - days]


def judge(
    connection: sa.Connection,
    card: Card,
    use: Use,
    model: str,
    kept: _references.Kept | None,
    now: datetime,
) -> Judged:
    """What is found of a use at a moment."""
    today, watch = day_of(now), watching.watching(connection, card.name)
    reference = kept.reference if kept else None
    first = today - HALF_YEAR + 1
    windows = Windows(
        _tallies.between(connection, card.name, model, "filed", first, today),
        _tallies.between(connection, card.name, model, "known", first, today),
        people_between(connection, card.name, first),
        today,
    )
    charts = {name: _chart(connection, card.name, model, name, use) for name in _sequential.ODDS}
    fired = _fired(card, use, watch, reference, windows, charts[_sequential.MORE])
    figures = Figures(at=now, model=model, since=use.since, state=use.state, rules=fired)
    figures = _of_people(figures, windows, watch)
    signs: tuple[Sign, ...] = ()
    if kept is None or reference is None:
        figures = msgspec.structs.replace(figures, waiting=tallying.waiting(connection, card.name))
    else:
        # The day is not over: what has come of it so far is neither few nor many.
        signs = look(Looked(reference, windows.filed, windows.known, today - 1))
        figures = _of_reference(figures, kept, windows)
        figures = _of_inputs(figures, reference, windows, signs)
        figures = _of_outcomes(figures, reference, windows, signs)
    lines = tuple(_line(name, each) for name, each in charts.items() if each is not None)
    figures = msgspec.structs.replace(figures, charts=lines)
    fewer = charts[_sequential.FEWER]
    signalled = fewer is not None and fewer.state.signalled
    found = findings(figures, signs, fired, fewer=signalled, live=use.speaks)
    return Judged(figures, fired, found)


def _chart(
    connection: sa.Connection, name: str, model: str, monitor: str, use: Use
) -> _sequential.Kept | None:
    return None if use.since is None else _sequential.read(connection, name, model, monitor, use.since)


def _fired(
    card: Card,
    use: Use,
    watch: Watch,
    reference: Reference | None,
    windows: Windows,
    chart: _sequential.Kept | None,
) -> tuple[RuleLine, ...]:
    """The stop rules, on whole days since the use came into its state."""
    start = day_of(use.since) + 1 if use.since else 0

    def since(parts: Mapping[int, Any]) -> dict[int, Any]:
        return {day: part for day, part in parts.items() if day >= start}

    seen = rules.Seen(
        reference,
        since(windows.filed),
        since(windows.known),
        since(windows.people),
        chart,
        windows.today,
        reference is not None and scores(reference),
    )
    return rules.apply(watching.stop_rules(card, watch), seen)


def _of_reference(figures: Figures, kept: _references.Kept, windows: Windows) -> Figures:
    filed = sum(tally.rows for tally in windows.last(DAYS, windows.filed))
    truth = realised(Tally(scored=kept.reference.scored))
    return msgspec.structs.replace(
        figures,
        origin=kept.origin,
        origin_rows=kept.reference.rows,
        origin_at=kept.set_at,
        scored=scores(kept.reference),
        before=ranged(truth.auroc) if scores(kept.reference) else Range(),
        uncounted=max(0, sum(figures.daily) - filed),
    )


def scores(reference: Reference) -> bool:
    """Whether there are probabilities at all: a use that has only rules gives one half to everybody."""
    return len(reference.scored.bins) > 1


def _of_inputs(figures: Figures, reference: Reference, windows: Windows, signs: Sequence[Sign]) -> Figures:
    filed = total(windows.last(DAYS, windows.filed))
    if filed.rows < FEWEST:
        return figures

    def about(*monitors: str) -> tuple[str, ...]:
        return tuple(sign.about for sign in signs if sign.monitor in monitors)

    return msgspec.structs.replace(
        figures,
        drifted=about("drift", "unit"),
        lost=about("missing"),
        together=" ".join(about("together")),
        estimated=ranged(estimated(reference, filed).auroc) if figures.scored else Range(),
    )


def _of_outcomes(figures: Figures, reference: Reference, windows: Windows, signs: Sequence[Sign]) -> Figures:
    beyond = {sign.about for sign in signs if sign.monitor == "subgroup"}
    known = total(windows.last(QUARTER, windows.known))
    truth, fit = realised(known), calibration(reference, known)
    gaps = subgroups(reference, total(list(windows.known.values())))
    figures = msgspec.structs.replace(
        figures,
        known=truth.known,
        events=truth.events,
        gaps=tuple(
            GapLine(
                group=gap.group,
                known=gap.known,
                events=gap.events,
                auroc=ranged(gap.auroc),
                gap=ranged(gap.auroc_gap),
                ratio=ranged(gap.ratio),
                beyond=gap.group in beyond,
            )
            for gap in gaps
            if gap.known >= SMALLEST[0] and min(gap.events, gap.known - gap.events) >= SMALLEST[1]
        ),
    )
    if truth.known < FEWEST or not figures.scored:
        return figures
    return msgspec.structs.replace(
        figures,
        realised=ranged(truth.auroc),
        ratio=ranged(truth.ratio),
        slope=ranged(fit.slope),
        slope_before=ranged(fit.slope_before),
        proposal=fit.proposal,
        add=round(fit.add, 4),
        multiply=round(fit.multiply, 4),
    )


def _of_people(figures: Figures, windows: Windows, watch: Watch) -> Figures:
    first = windows.today - DAYS + 1
    people = added(windows.last(DAYS, windows.people))
    days = {day: part.live for day, part in windows.people.items() if day >= first and part.live}
    # Burden is said per day on which anything was shown: a use that went live yesterday has one day.
    span = windows.today - min(days) + 1 if days else 0
    overrides = exact(people.count("overridden"), people.decided)
    minutes = [
        quantile(people.to_suggestion, 0.5),
        quantile(people.to_decision, 0.5),
        quantile(people.to_decision, 0.9),
    ]
    hours, saved = watch.clinician_hours, watch.minutes_saved
    return msgspec.structs.replace(
        figures,
        daily=tuple(_per_day(windows.people, first, windows.today)),
        shown=people.live,
        overrides=Range(overrides.value, overrides.low, overrides.high),
        decided=people.decided,
        to_suggestion=_minutes(minutes[0]),
        to_decision=_minutes(minutes[1]),
        to_decision_p90=_minutes(minutes[2]),
        per_hour=people.live / (hours * span) if hours and span else None,
        wards={ward: count / span for ward, count in sorted(people.shown.items())} if span else {},
        returned=people.count("accepted") * saved / 60 if saved else None,
        right=people.right,
        wrong=people.wrong,
    )


def _per_day(people: Mapping[int, Factors], first: int, last: int) -> Sequence[int]:
    """How many suggestions each day, shown or silent; days before the first of all are left out."""
    counts = {day: part.live + part.silent for day, part in people.items()}
    begin = max(first, min((day for day, count in counts.items() if count), default=last + 1))
    return [counts.get(day, 0) for day in range(begin, last + 1)]


def _minutes(lasted: timedelta | None) -> float | None:
    return None if lasted is None else round(lasted.total_seconds() / 60, 1)


def _line(name: str, kept: _sequential.Kept) -> ChartLine:
    return ChartLine(
        name=name,
        cases=kept.state.cases,
        limit=kept.chart.limit,
        value=round(kept.state.value, 3),
        points=kept.trace,
    )
