"""The gates of a system, folded from the events of the audit: which signatures hold, and why others do not.

A signature keeps the marks of what its gate is about: the version, the views, the model, the thresholds, the
regime. It holds while they are what they were, until it expires, and until something voids it: a refusal, a
stop, a move backwards. Nothing else says that a gate was passed; a table that says so is not asked.
"""

from __future__ import annotations

import calendar
import hashlib
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from vesalius.governance._chain import told
from vesalius.governance.audit import Action, Event
from vesalius.governance.lifecycle import COUNCIL, PATH, RESUMED, TOUCHES, Slot, State
from vesalius.governance.rulebook import GateRules
from vesalius.usecase import encode

RENEWAL = timedelta(days=60)
"""How long before it expires a signature can be given anew, so that nothing falls silent for that alone."""

FOLDED = (
    Action.USE_SIGNED,
    Action.USE_REFUSED,
    Action.USE_MOVED,
    Action.USE_MODEL_CHANGED,
    Action.USE_SETTINGS_CHANGED,
    Action.USE_RULES_CHANGED,
)
"""The events that say where a system stands."""

Readiness = Callable[[sa.Connection, str, str], Iterable[str]]
"""Asked with the transaction, the system and the gate: what is still lacking, each a short code."""

readiness: dict[str, Readiness] = {}
"""What else a gate asks for, by the name of who asks: the academy, that reviewers are trained."""


@dataclass(frozen=True)
class Signature:
    """One signature, as its event says.

    Attributes:
        gate, slot: where it stands.
        by, role, at: who gave it, in which role, when.
        expires: when it ends by itself, or None.
        marks: what it was given for.
        event: its place in the audit.
    """

    gate: str
    slot: str
    by: str
    role: str
    at: datetime
    expires: datetime | None
    marks: Mapping[str, str]
    event: int

    def fails(self, marks: Mapping[str, str], at: datetime) -> tuple[str, ...]:
        """Why it no longer holds at ``at``: what changed since, ``expired``, or nothing."""
        changed = [name for name in TOUCHES[self.gate] if self.marks.get(name) != marks.get(name)]
        if self.expires is not None and at >= self.expires:
            changed.append("expired")
        return tuple(changed)


@dataclass(frozen=True)
class Standing:
    """How one gate stands.

    Attributes:
        gate: its name.
        slots: the signatures that it needs.
        signed: those that hold, by slot.
        fallen: those given that hold no more, by slot, with the reasons.
    """

    gate: str
    slots: tuple[Slot, ...]
    signed: Mapping[str, Signature]
    fallen: Mapping[str, tuple[str, ...]]

    @property
    def holds(self) -> bool:
        """Whether every signature that it needs is there and holds."""
        return all(slot.name in self.signed for slot in self.slots)

    @property
    def expires(self) -> datetime | None:
        """When the first of its signatures ends, or None."""
        return min((each.expires for each in self.signed.values() if each.expires), default=None)


@dataclass
class Folded:
    """What the events of one system come to.

    Attributes:
        state: where it stands.
        since: since when; None where it never moved.
        given: the signatures that nothing voided, by gate and slot.
    """

    state: State = State.IDEA
    since: datetime | None = None
    given: dict[str, dict[str, Signature]] = field(default_factory=dict)


def fold(connection: sa.Connection, name: str) -> Folded:
    """Reads where a system stands from the audit."""
    folded = Folded()
    for event in told(connection, FOLDED, name):
        _STEPS[Action(event.action)](folded, event)
    return folded


def standings(
    folded: Folded, rules: GateRules, marks: Mapping[str, str], at: datetime, *, council: bool
) -> dict[str, Standing]:
    """How every gate stands at ``at``.

    Args:
        folded: what the events say.
        rules: who signs.
        marks: what is in force now.
        at: the moment.
        council: whether the works council must have been informed, whatever the rules say.
    """
    return {
        name: _standing(name, _slots(rules, name, council=council), folded.given.get(name, {}), marks, at)
        for name in (*PATH, RESUMED)
    }


def expiry(rules: GateRules, gate: str, at: datetime) -> datetime | None:
    """When a signature given at ``at`` ends: the same day of the month, some months on."""
    months = rules.gates[gate].months
    if months is None:
        return None
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, calendar.monthrange(year, month + 1)[1]))


@lru_cache(maxsize=256)
def views_mark(kind: Any) -> str:
    """The SHA-256 of what a use case reads: the inputs of its card, and the files of its views."""
    place = getattr(sys.modules.get(kind.__module__), "__file__", None)
    folder = Path(place).parent / "views" if place else None
    found = sorted(folder.glob("*.json")) if folder and folder.is_dir() else []
    parts = [(path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in found]
    return hashlib.sha256(encode([kind.card.inputs, parts])).hexdigest()


def _slots(rules: GateRules, gate: str, *, council: bool) -> tuple[Slot, ...]:
    slots = rules.of(gate)
    if gate == State.LIVE and council and COUNCIL not in slots:
        # A slot of that name that others may fill informs nobody.
        slots = (*(slot for slot in slots if slot.name != COUNCIL.name), COUNCIL)
    return slots


def _standing(
    name: str, slots: tuple[Slot, ...], given: Mapping[str, Signature], marks: Mapping[str, str], at: datetime
) -> Standing:
    signed: dict[str, Signature] = {}
    fallen: dict[str, tuple[str, ...]] = {}
    for slot in slots:
        each = given.get(slot.name)
        if each is None or each.role not in slot.roles:
            continue
        if why := each.fails(marks, at):
            fallen[slot.name] = why
        elif each.by not in {other.by for other in signed.values()}:  # one person, one signature
            signed[slot.name] = each
    return Standing(name, slots, signed, fallen)


def _gate_of(event: Event) -> str:
    return str(event.detail.get("gate") or event.detail.get("target", ""))


def _on_signed(folded: Folded, event: Event) -> None:
    detail, gate = event.detail, _gate_of(event)
    if gate not in TOUCHES:
        return
    until = detail.get("expires")
    made = Signature(
        gate=gate,
        slot=str(detail.get("slot", "")),
        by=event.actor,
        role=str(detail.get("role", "")),
        at=event.at,
        expires=datetime.fromisoformat(until) if until else None,
        marks=detail.get("marks", {}),
        event=event.seq,
    )
    folded.given.setdefault(gate, {})[made.slot] = made


def _on_refused(folded: Folded, event: Event) -> None:
    folded.given.pop(_gate_of(event), None)


def _on_moved(folded: Folded, event: Event) -> None:
    before, after = folded.state, State(event.detail["to"])
    folded.state, folded.since = after, event.at
    if before == State.LIVE or after == State.SUSPENDED:
        folded.given.pop(State.LIVE, None)  # whoever is silenced is signed live again by all
    if after == State.SUSPENDED:
        folded.given.pop(RESUMED, None)
    if (before, after) == (State.VALIDATED, State.DATA_APPROVED):
        folded.given.pop(State.VALIDATED, None)


def _on_changed(folded: Folded, event: Event) -> None:  # noqa: ARG001  the step that is open is begun anew
    following = {State.SUSPENDED: RESUMED}.get(folded.state) or _after(folded.state)
    if following:
        folded.given.pop(following, None)


def _after(state: State) -> str:
    ahead = (State.IDEA, *PATH)
    return ahead[ahead.index(state) + 1] if state in ahead[:-1] else ""


_STEPS: Mapping[Action, Callable[[Folded, Event], None]] = {
    Action.USE_SIGNED: _on_signed,
    Action.USE_REFUSED: _on_refused,
    Action.USE_MOVED: _on_moved,
    Action.USE_MODEL_CHANGED: _on_changed,
    Action.USE_SETTINGS_CHANGED: _on_changed,
    Action.USE_RULES_CHANGED: _on_changed,
}
