"""The silent trial as evidence: what the gate to *live* finds of it by itself.

A trial counts when its plan and each of its looks are what their events say, when each look was taken as it
was planned and its verdict follows again from its figures, when the last of them is a success, and when the
tool in force is the one that was tried: version, model, views and settings.
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from vesalius.errors import Tampered
from vesalius.governance import evidence
from vesalius.governance.evidence import NO_TRIAL, Trial
from vesalius.governance.lifecycle import State as Life
from vesalius.governance.uses import Life as Stands
from vesalius.governance.uses import Use
from vesalius.trial import _keeping
from vesalius.trial._keeping import Vouched
from vesalius.trial.records import ENDED, Changed, Look, Plan, Verdict, seal_of
from vesalius.trial.verdicts import follows


def found(connection: sa.Connection, stands: Stands) -> Trial:
    """How the silent trial of a use stands, for the gate that asks."""
    name = stands.use.name
    try:
        vouched = _keeping.vouched(connection, name)
        plans = _keeping.plans(connection, name, vouched)
        looks = _keeping.looks(connection, plans[0], vouched) if plans else []
    except Tampered:
        return Trial(altered=True)
    if not plans:
        return Trial(NO_TRIAL)
    plan, last = plans[0], looks[-1] if looks else None
    said, changed = verdict(stands.use, last), changes(stands, plan, last, vouched)
    altered = not follows(plan, looks)
    return Trial(
        seal=seal_of(plan, last, said, changed),
        succeeded=said == "success" and not changed and not altered,
        event=vouched[(last or plan).hash].seq,
        altered=altered,
    )


def verdict(use: Use, last: Look | None) -> Verdict:
    """How a registered trial stands in one word."""
    if last is not None:
        return last.verdict
    return "go_on" if use.state in (Life.SILENT, Life.LIVE) else "waiting"


def changes(stands: Stands, plan: Plan, last: Look | None, vouched: Vouched) -> Changed:
    """Why a trial no longer speaks for the use, or nothing."""
    use, in_force = stands.use, evidence.in_force(stands)
    tried: Mapping[str, str] = {
        "version": plan.version, "model": plan.model, "settings": plan.settings,
        "views": str(vouched[plan.hash].detail.get("views", "")),
    }  # fmt: skip
    if any(in_force.get(name) != value for name, value in tried.items()):
        return "tool"
    if use.state == Life.LIVE:
        return "live"
    if last is None or last.verdict not in ENDED or use.since is None:
        return ""
    return "silenced" if use.since > last.at else ""


evidence.trials["silent"] = found
