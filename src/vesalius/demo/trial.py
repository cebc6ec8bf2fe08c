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

STAYS = (0.6, 0.67, 0.11)
"""What the demo believes of readmission: the AUROC to exceed, the one expected, the share with the outcome.

Near the stays of diabetes130 (docs/use-cases/readmission.md); on synthetic patients it means nothing."""

REASON = "Vastgelegd voor de eerste stille dag, na bespreking met de diensten."


def begin(
    hospital: Hospital,
    name: str,
    at: datetime,
    *,
    endpoint: Name = "auroc",
    believed: tuple[float, float, float] | None = None,
    wait_days: int = 5,
    reason: str = REASON,
) -> trial.Plan:
    """Registers the plan of a use in the name of the demo's biologist.

    Args:
        hospital: the synthetic hospital.
        name: the use; its model and settings are in force.
        at: when its silence begins.
        endpoint: what decides.
        believed: the value to exceed, the figure and the share with the outcome that are expected; None for
            what the validation run says.
        wait_days: how long an outcome is waited for.
        reason: why, as it is kept.
    """
    run = latest(hospital.runs, name) if hospital.runs.is_dir() else None
    draft = trial.propose(find(name).card, run, endpoint)
    value, expected, prevalence = believed or (
        max(round(draft.aim.expected - ROOM, 2), 0.5),
        draft.aim.expected,
        draft.aim.prevalence,
    )
    aim = msgspec.structs.replace(draft.aim, value=value, expected=expected, prevalence=prevalence)
    draft = msgspec.structs.replace(draft, aim=aim, wait_days=wait_days, longest_days=180)
    person = staff.person(hospital.engine, staff.BIOLOGIST)
    return trial.register(hospital, name, person, draft, reason=reason, at=at)


def look(hospital: Hospital, name: str, at: datetime) -> None:
    """Takes the next look if it is due at ``at``; nothing without a plan."""
    trial.turn(hospital, name, at)
