"""The life of a system: its states, the steps between them, and what each gate is about.

::

    idea → data_approved → validated → silent → live
                                         ↑        │ silenced (a stop rule, or a gate that re-opened)
                                         ├────────┘
                     suspended ──────────┘        any state but retired → suspended, retired

Who signs each step is data that a hospital may change (:mod:`vesalius.governance.rulebook`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from vesalius.governance.roles import Role


class State(StrEnum):
    """Where a system stands."""

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


RESUMED = "resumed"
"""The gate from *suspended* back to *silent*; every other gate has the name of the state that it leads to."""

PATH: tuple[State, ...] = (State.DATA_APPROVED, State.VALIDATED, State.SILENT, State.LIVE)
"""The gates of a life without accidents, in order; each must hold for a system to speak."""

NEXT: Mapping[State, State] = {
    State.IDEA: State.DATA_APPROVED,
    State.DATA_APPROVED: State.VALIDATED,
    State.VALIDATED: State.SILENT,
    State.SILENT: State.LIVE,
    State.SUSPENDED: State.SILENT,
}
"""The step that is open in each state; what is not here has none."""

GATES: tuple[str, ...] = (*PATH, RESUMED)
"""The names of all gates."""

TOUCHES: Mapping[str, tuple[str, ...]] = {
    State.DATA_APPROVED: ("views",),
    State.VALIDATED: ("version", "views", "model"),
    State.SILENT: (),
    State.LIVE: ("version", "views", "model", "settings", "regime"),
    RESUMED: (),
}
"""What each gate is about: when one of these is no longer what was signed for, the gate is open again."""

COUNCIL = Slot("works_council", (Role.WORKS_COUNCIL,))
"""Informed before use (AI Act, article 26(7)); no rules file takes it from a high-risk system."""

RUNS = frozenset({State.SILENT, State.LIVE})
"""The states in which the loop turns for a use. In all others it reads no patient at all."""

AFTER_MODEL_CHANGE: Mapping[State, State] = {State.VALIDATED: State.DATA_APPROVED, State.LIVE: State.SILENT}
"""Where a use falls back when its model changes: what was signed was signed for another model."""
