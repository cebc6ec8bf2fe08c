"""When a look is due and what follows from it: from the plan and the look's own figures alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from vesalius.errors import VesaliusError
from vesalius.evaluation.endpoints import Measured
from vesalius.evaluation.sequential import Bounds, at_looks
from vesalius.trial.planning import drafted
from vesalius.trial.records import ENDED, Accrual, Group, Look, Plan, Verdict

LEAST = 0.001
"""The share of the information by which a look must go beyond the one before, for the arithmetic."""

_CLOSE = 1e-9


def reached(looks: Sequence[Look]) -> float:
    """The share of the information that has been looked at: as counted then, and as measured then."""
    return max((max(each.accrual.fraction, each.bounds.fractions[-1]) for each in looks), default=0.0)


def ahead(plan: Plan, looks: Sequence[Look]) -> float:
    """The share of the information at which the look after these is planned."""
    return next((each for each in plan.fractions if each > reached(looks) + _CLOSE), 1.0)


def end(plan: Plan) -> datetime:
    """When the last look is taken at the latest."""
    return plan.at + timedelta(days=plan.draft.longest_days)


def due(plan: Plan, looks: Sequence[Look], seen: Accrual, at: datetime) -> bool:
    """Whether the look after these is to be taken at ``at``, with what has been seen by then."""
    return seen.fraction >= ahead(plan, looks) - _CLOSE or at >= end(plan)


def ends(plan: Plan, seen: Accrual, at: datetime) -> bool:
    """Whether a look taken at ``at`` is the last: all that was planned is seen, or the time is over."""
    return seen.fraction >= 1 - _CLOSE or at >= end(plan)


def bounds(plan: Plan, before: Sequence[Look], measured: Measured, *, last: bool) -> Bounds:
    """The bounds of the look after ``before``, at the information that was measured."""
    fractions = before[-1].bounds.fractions if before else ()
    least = (fractions[-1] if fractions else 0.0) + LEAST
    here = max(measured.information / plan.information, least)
    return at_looks(drafted(plan), (*fractions, here), last=last)


def verdict(measured: Measured, within: Bounds, rows: Sequence[Group], *, last: bool) -> Verdict:
    """What follows from a figure, the bounds of its look and the subgroups."""
    if measured.value is not None and measured.z >= within.upper[-1]:
        return "uneven" if any(row.worse for row in rows) else "success"
    if last:
        return "maximum"
    return "futile" if measured.value is not None and measured.z <= within.lower[-1] else "go_on"


def follows(plan: Plan, looks: Sequence[Look]) -> bool:
    """Whether every look was taken as it was planned, and its verdict follows again from its own figures."""
    for place, look in enumerate(looks):
        before = looks[:place]
        earlier = before[-1].at if before else plan.at
        if (look.plan, look.number) != (plan.hash, place + 1) or look.at < earlier:
            return False
        if any(each.verdict in ENDED for each in before) or not due(plan, before, look.accrual, look.at):
            return False
        if look.last != ends(plan, look.accrual, look.at):
            return False
        try:
            within = bounds(plan, before, look.measured, last=look.last)
        except (VesaliusError, ArithmeticError, ValueError):  # no design gives such figures
            return False
        if look.verdict != verdict(look.measured, within, look.groups, last=look.last):
            return False
    return True
