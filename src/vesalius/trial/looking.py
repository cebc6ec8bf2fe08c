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
from vesalius.evaluation.sequential import Bounds, repeated
from vesalius.evaluation.tables import SMALLEST
from vesalius.governance import audit, uses
from vesalius.governance.lifecycle import State as Life
from vesalius.hospital import Hospital
from vesalius.store import reading, writing
from vesalius.trial import _keeping, cases, sealing, verdicts
from vesalius.trial.cases import Cases
from vesalius.trial.records import ENDED, Accrual, Group, Look, Plan, State


def state(hospital: Hospital, name: str, now: datetime) -> State:
    """Where the trial of a use stands at ``now``: the plan, the looks taken, how much has been seen.

    It computes nothing that says how the tool does: anybody may read it at any time.

    Raises:
        NotFound: no such use case is installed, or its model is missing.
        Tampered: the plan or a look was altered.
    """
    hospital.usecase(name)
    with reading(hospital.engine) as connection:
        found = uses.life(connection, name, now)
        vouched = _keeping.vouched(connection, name)
        plans = _keeping.plans(connection, name, vouched)
        looks = _keeping.looks(connection, plans[0], vouched) if plans else []
    if not plans:
        return State(name)
    plan, last = plans[0], looks[-1] if looks else None
    seen = cases.accrual(plan, cases.gather(hospital, plan, now))
    said, changed = sealing.verdict(found.use, last), sealing.changes(found, plan, last, vouched)
    stands = State(name, plan, tuple(plans), tuple(looks), seen, said, changed)
    if said in ENDED or changed:
        return stands
    share = verdicts.ahead(plan, looks)
    return replace(
        stands,
        next_fraction=share,
        next_at=_projected(plan, seen, share, now),
        due=found.use.state == Life.SILENT and verdicts.due(plan, looks, seen, now),
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


def _projected(plan: Plan, seen: Accrual, ahead: float, now: datetime) -> datetime | None:
    """When the next look will be due if patients go on coming as they have; the end at the latest."""
    lasted = now - plan.at - timedelta(days=plan.draft.wait_days)
    if seen.fraction <= 0 or lasted <= timedelta(0):
        return None
    more = max(ahead - seen.fraction, 0.0) / seen.fraction
    return verdicts.end(plan) if more > 1e4 else min(now + lasted * more, verdicts.end(plan))


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
    last = verdicts.ends(plan, seen, now)
    bounds = verdicts.bounds(plan, before, measured, last=last)
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
        verdict=verdicts.verdict(measured, bounds, rows, last=last),
    )


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
