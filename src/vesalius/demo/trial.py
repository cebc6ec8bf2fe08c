"""The silent trial of a use of the demo: registered when the silence begins, looked at as planned.

The value to exceed is our own choice for a demo of a few weeks; a hospital chooses its own.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from vesalius import trial
from vesalius.demo import staff
from vesalius.evaluation import latest
from vesalius.evaluation.endpoints import Name
from vesalius.hospital import Hospital
from vesalius.usecase import find

ROOM = 0.1
"""How far below what validation found the value to exceed lies: near enough to mean something, far enough for
the few hundred patients of a demo."""

REASON = "Vastgelegd voor de eerste stille dag, na bespreking van de validatie met het antibioticacomité."


def begin(
    hospital: Hospital,
    name: str,
    at: datetime,
    *,
    endpoint: Name = "auroc",
    wait_days: int = 5,
    reason: str = REASON,
) -> trial.Plan:
    """Registers the plan of a use from its latest validation, in the name of the demo's biologist.

    Args:
        hospital: the synthetic hospital, with a validation run of the use.
        name: the use; its model and settings are in force.
        at: when its silence begins.
        endpoint: what decides.
        wait_days: how long an outcome is waited for.
        reason: why, as it is kept.
    """
    draft = trial.propose(find(name).card, latest(hospital.runs, name), endpoint)
    value = max(round(draft.aim.expected - ROOM, 2), 0.5)
    aim = msgspec.structs.replace(draft.aim, value=value)
    draft = msgspec.structs.replace(draft, aim=aim, wait_days=wait_days, longest_days=180)
    person = staff.person(hospital.engine, staff.BIOLOGIST)
    return trial.register(hospital, name, person, draft, reason=reason, at=at)


def look(hospital: Hospital, name: str, at: datetime) -> None:
    """Takes the next look if it is due at ``at``; nothing without a plan."""
    trial.turn(hospital, name, at)


def seal(hospital: Hospital, name: str, at: datetime) -> str:
    """How the trial stands at ``at``, as the signatures on the step to *live* keep it."""
    return trial.state(hospital, name, at).seal
