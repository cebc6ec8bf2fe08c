"""What a dossier needs of a system, each line with the place of the event in the audit that says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from vesalius.governance import _chain
from vesalius.governance._bought import Entry
from vesalius.governance.audit import Action
from vesalius.governance.classifying import Classification
from vesalius.governance.gates import FOLDED, Signature
from vesalius.governance.register._systems import system
from vesalius.governance.register.obligations import Obligation
from vesalius.store import reading


@dataclass(frozen=True)
class Facts:
    """All of it.

    Attributes:
        name: the system.
        entry: of a bought one, what was registered; else None.
        state, speaks: where it stands.
        classification: the answers and the regime, with the event; or None.
        obligations: the duties that apply, each with its last event (0 where nobody touched it).
        signatures: those that hold, by gate and slot, each with its event.
        marks: what they were given for.
        events: the places in the audit of every event that governs it, in order.
    """

    name: str
    entry: Entry | None
    state: str
    speaks: bool
    classification: Classification | None
    obligations: tuple[Obligation, ...]
    signatures: Mapping[str, Mapping[str, Signature]]
    marks: Mapping[str, str]
    events: tuple[int, ...]


_GOVERNING = (
    *FOLDED,
    Action.SYSTEM_ADDED,
    Action.SYSTEM_CHANGED,
    Action.SYSTEM_ANSWERED,
    Action.OBLIGATION_CHANGED,
    Action.USE_REOPENED,
)


def facts(where: sa.Engine, name: str, at: datetime | None = None) -> Facts:
    """What is known of the system ``name`` at ``at`` (now, if not given).

    Raises:
        NotFound: there is no such system.
    """
    with reading(where) as connection:
        found = system(connection, name, at)
        events = tuple(each.seq for each in _chain.told(connection, _GOVERNING, name))
    return Facts(
        name=name,
        entry=found.entry,
        state=str(found.life.use.state),
        speaks=found.life.use.speaks,
        classification=found.classification,
        obligations=found.obligations,
        signatures={gate: dict(each.signed) for gate, each in found.life.gates.items()},
        marks=dict(found.life.marks),
        events=events,
    )
