"""The life of a use: its states, the steps between them, and who signs each one. All of it is data.

::

    idea → data_approved → validated → silent → live
                                         ↑        │ silenced (a stop rule, or a changed model)
                                         ├────────┘
                     suspended ──────────┘        any state but retired → suspended, retired
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from vesalius.governance.roles import Role


class State(StrEnum):
    """Where a use stands."""

    IDEA = "idea"
    DATA_APPROVED = "data_approved"
    VALIDATED = "validated"
    SILENT = "silent"
    LIVE = "live"
    SUSPENDED = "suspended"
    RETIRED = "retired"


@dataclass(frozen=True)
class Slot:
    """One signature that a gate needs.

    Attributes:
        name: what it stands for.
        roles: any of these roles can give it.
    """

    name: str
    roles: tuple[Role, ...]


_CLINICAL = Slot("clinical", (Role.DOCTOR, Role.BIOLOGIST))
_DIRECTOR = Slot("director", (Role.DIRECTOR,))
_DPO = Slot("dpo", (Role.DPO,))
_ENGINEER = Slot("engineer", (Role.ENGINEER,))

NEXT: Mapping[State, State] = {
    State.IDEA: State.DATA_APPROVED,
    State.DATA_APPROVED: State.VALIDATED,
    State.VALIDATED: State.SILENT,
    State.SILENT: State.LIVE,
    State.SUSPENDED: State.SILENT,
}
"""The step that is open in each state; what is not here has none."""

GATES: Mapping[tuple[State, State], tuple[Slot, ...]] = {
    (State.IDEA, State.DATA_APPROVED): (_DPO,),
    (State.DATA_APPROVED, State.VALIDATED): (_ENGINEER, _CLINICAL),
    (State.VALIDATED, State.SILENT): (_DIRECTOR,),
    (State.SILENT, State.LIVE): (_DIRECTOR, _DPO, _CLINICAL),
    (State.SUSPENDED, State.SILENT): (_DIRECTOR, _DPO, _CLINICAL),
}
"""Who signs each step. Each signature comes from another person."""

RUNS = frozenset({State.SILENT, State.LIVE})
"""The states in which the loop turns for a use. In all others it reads no patient at all."""

AFTER_MODEL_CHANGE: Mapping[State, State] = {State.VALIDATED: State.DATA_APPROVED, State.LIVE: State.SILENT}
"""Where a use falls back when its model changes: what was signed was signed for another model."""
