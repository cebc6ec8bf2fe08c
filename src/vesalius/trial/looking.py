"""Looking at a trial: how far it is at any time, how the tool does only when a look was planned."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from statistics import NormalDist

import numpy as np

from vesalius.errors import Conflict
from vesalius.evaluation.endpoints import Aim, Measured, Sample, extremes, measure, secondary
from vesalius.evaluation.metrics import Estimate
from vesalius.evaluation.sequential import Bounds, at_looks, repeated
from vesalius.evaluation.tables import SMALLEST
from vesalius.governance import audit, uses
from vesalius.governance.lifecycle import State as Life
from vesalius.governance.uses import Use
from vesalius.hospital import Hospital
from vesalius.store import reading, writing
from vesalius.trial import _keeping, cases
from vesalius.trial.cases import Cases
from vesalius.trial.planning import drafted
from vesalius.trial.records import ENDED, Accrual, Changed, Group, Look, Plan, State, Verdict
from vesalius.usecase import UseCase

LEAST = 0.001
"""The share of the information by which a look must go beyond the one before, for the arithmetic."""


def state(hospital: Hospital, name: str, now: datetime) -> State:
    """Where the trial of a use stands at ``now``: the plan, the looks taken, how much has been seen.

    It computes nothing that says how the tool does: anybody may read it at any time.

    Raises:
        NotFound: no such use case is installed, or its model is missing.
        Tampered: the plan or a look was altered.
    """
    usecase = hospital.usecase(name)
    with reading(hospital.engine) as connection:
        use = uses.current(connection, name, now)
        plans = _keeping.plans(connection, name)
        looks = _keeping.looks(connection, plans[0]) if plans else []
    if not plans:
        return State(name)
    return _stands(
        usecase, use, plans, looks, cases.accrual(plans[0], cases.gather(hospital, plans[0], now)), now
    )


def turn(hospital: Hospital, name: str, now: datetime) -> Look | None:
    """Takes the next look if it is due; the loop calls it after each turn.

    Nobody chooses the moment: it follows from what was planned.
    """
    use = uses.current(hospital.engine, name, now)
    if use.state != Life.SILENT:
        return None
    return look(hospital, name, now) if state(hospital, name, now).due else None


def look(hospital: Hospital, name: str, now: datetime) -> Look:
    """Takes the look that is due, and keeps it for good.

    Raises:
        Conflict: no look is due: nothing is planned, not enough has been seen, or the trial has ended.
    """
    stands = state(hospital, name, now)
    plan = stands.plan
    if plan is None:
        raise Conflict(f"no silent trial of {name} is registered", hint="register what it is to show first")
    if not stands.due:
        raise Conflict(
            "no look is due: the figures are looked at only when it was planned", hint=_when(stands)
        )
    usecase, lake = hospital.usecase(name), hospital.lake.pinned()
    found = cases.gather(hospital, plan, now)
    practice = cases.practised(usecase, lake, found, now)
    groups = cases.levels(usecase, lake, found, plan.draft.subgroups)
    made = _keeping.settled(_look(plan, stands.looks, found, practice, groups, now))
    with writing(hospital.engine) as connection:
        if _keeping.keep_look(connection, plan, made):
            detail = {"number": made.number, "plan": made.plan, "hash": made.hash, "verdict": made.verdict}
            audit.record(connection, audit.SYSTEM, audit.Action.TRIAL_LOOKED, name, detail, now)
            return made
    with reading(hospital.engine) as connection:  # another process took it at this moment: that one stays
        return _keeping.looks(connection, plan)[made.number - 1]


def _stands(
    usecase: UseCase, use: Use, plans: list[Plan], looks: list[Look], seen: Accrual, now: datetime
) -> State:
    plan, last = plans[0], looks[-1] if looks else None
    verdict: Verdict = last.verdict if last else "go_on"
    if last is None and use.state not in (Life.SILENT, Life.LIVE):
        verdict = "waiting"
    changed = _changed(usecase, use, plan, last)
    stands = State(usecase.card.name, plan, tuple(plans), tuple(looks), seen, verdict, changed)
    if verdict in ENDED or changed:
        return stands
    reached = _reached(looks)
    ahead = next((each for each in plan.fractions if each > reached + 1e-9), 1.0)
    over = now >= _end(plan)
    return replace(
        stands,
        next_fraction=ahead,
        next_at=_projected(plan, seen, ahead, now),
        due=use.state == Life.SILENT and (seen.fraction >= ahead - 1e-9 or over),
    )


def _changed(usecase: UseCase, use: Use, plan: Plan, last: Look | None) -> Changed:
    tool = (usecase.card.version, usecase.model.hash if usecase.model else "", usecase.settings_hash)
    if tool != (plan.version, plan.model, plan.settings):
        return "tool"
    if use.state == Life.LIVE:
        return "live"
    if last is None or last.verdict not in ENDED or use.since is None:
        return ""
    return "silenced" if use.since > last.at else ""


def _reached(looks: Sequence[Look]) -> float:
    """The share of the information that has been looked at: as counted then, and as measured then."""
    return max((max(each.accrual.fraction, each.bounds.fractions[-1]) for each in looks), default=0.0)


def _end(plan: Plan) -> datetime:
    return plan.at + timedelta(days=plan.draft.longest_days)


def _projected(plan: Plan, seen: Accrual, ahead: float, now: datetime) -> datetime | None:
    """When the next look will be due if patients go on coming as they have; the end at the latest."""
    lasted = now - plan.at - timedelta(days=plan.draft.wait_days)
    if seen.fraction <= 0 or lasted <= timedelta(0):
        return None
    more = max(ahead - seen.fraction, 0.0) / seen.fraction
    return _end(plan) if more > 1e4 else min(now + lasted * more, _end(plan))


def _when(stands: State) -> str:
    if stands.verdict in ENDED:
        return f"the trial has ended: {stands.verdict}"
    if stands.changed or stands.next_fraction is None:
        changed = stands.changed == "tool"
        return "the tool is no longer the one that was registered" if changed else "it has ended"
    seen = stands.accrual.fraction if stands.accrual else 0.0
    return f"{seen:.0%} of the information is there, the next look is at {stands.next_fraction:.0%}"


def _look(
    plan: Plan,
    before: Sequence[Look],
    found: Cases,
    practice: Sequence[bool | None],
    groups: dict[str, list[str]],
    now: datetime,
) -> Look:
    whole = cases.sample(plan, found, practice)
    known = whole.take(~np.isnan(whole.outcome))
    measured, seen = measure(plan.aim, known), cases.accrual(plan, found)
    last = seen.fraction >= 1 - 1e-9 or now >= _end(plan)
    bounds = _bounds(plan, before, measured, last=last)
    rows = _groups(plan.aim, known, groups, ~np.isnan(whole.outcome))
    return Look(
        plan=plan.hash,
        number=len(before) + 1,
        at=now,
        last=last,
        accrual=seen,
        measured=measured,
        bounds=bounds,
        interval=_interval(plan.aim, measured, bounds),
        extremes=extremes(plan.aim, whole),
        others=secondary(known),
        cells=cases.cells(plan, found, practice),
        groups=rows,
        hours_ahead=_median([(each.known_at - each.as_of) for each in found.counted if each.known_at], 3600),
        minutes_late=_median([each.created_at - each.as_of for each in found.counted], 60),
        verdict=_verdict(measured, bounds, rows, last=last),
    )


def _bounds(plan: Plan, before: Sequence[Look], measured: Measured, *, last: bool) -> Bounds:
    fractions = before[-1].bounds.fractions if before else ()
    least = (fractions[-1] if fractions else 0.0) + LEAST
    here = max(measured.information / plan.information, least)
    return at_looks(drafted(plan), (*fractions, here), last=last)


def _verdict(measured: Measured, bounds: Bounds, rows: Sequence[Group], *, last: bool) -> Verdict:
    if measured.value is not None and measured.z >= bounds.upper[-1]:
        return "uneven" if any(row.worse for row in rows) else "success"
    if last:
        return "maximum"
    return "futile" if measured.value is not None and measured.z <= bounds.lower[-1] else "go_on"


def _interval(aim: Aim, measured: Measured, bounds: Bounds) -> Estimate | None:
    """The repeated interval, within what the figure can be."""
    if measured.value is None:
        return None
    made = repeated(measured.value, measured.error, bounds.upper[-1])
    least, most = _range(aim)
    return Estimate(made.value, max(made.low or 0.0, least), min(made.high or 0.0, most))


def _range(aim: Aim) -> tuple[float, float]:
    if aim.endpoint in ("sensitivity_gain", "net_benefit_gain"):
        return (-float("inf") if aim.endpoint == "net_benefit_gain" else -1.0), 1.0
    return 0.0, float("inf") if aim.endpoint == "calibration" else 1.0


def _groups(aim: Aim, known: Sample, levels: dict[str, list[str]], rows: np.ndarray) -> tuple[Group, ...]:
    """The primary figure in each group; the intervals allow for how many groups there are."""
    pairs = [
        (name, level) for name, column in levels.items() for level in sorted(set(column) - {""}, key=_natural)
    ]
    wide = NormalDist().inv_cdf(1 - 0.025 / max(len(pairs), 1))
    return tuple(
        _group(aim, known.take((np.array(levels[name], dtype=object)[rows]) == level), name, level, wide)
        for name, level in pairs
    )


def _group(aim: Aim, part: Sample, name: str, level: str, wide: float) -> Group:
    events = int(part.outcome.sum())
    enough = len(part) >= SMALLEST[0] and min(events, len(part) - events) >= SMALLEST[1]
    found = measure(aim, part) if enough else None
    estimate = worse = None
    if found is not None and found.value is not None:
        least, most = _range(aim)
        low, high = found.value - wide * found.error, found.value + wide * found.error
        estimate = Estimate(found.value, max(low, least), min(high, most))
        worse = high < aim.value or (aim.endpoint == "calibration" and low > aim.upper)
    return Group(input=name, level=level, patients=len(part), events=events, estimate=estimate, worse=worse)


def _natural(level: str) -> tuple[int, str]:
    """Bands of age in the order of age."""
    start = level.split("-")[0].removesuffix("+")
    return (int(start) if start.isdecimal() else 0), level


def _median(spans: Sequence[timedelta], seconds: int) -> float | None:
    lasted = [span.total_seconds() for span in spans]
    return round(statistics.median(lasted) / seconds, 2) if lasted else None
