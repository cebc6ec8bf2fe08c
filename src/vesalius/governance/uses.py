"""The register of uses: where each one stands in its life, who signed for it, its model and its settings.

A use speaks only while it is live. Each step of its life is a gate that named roles sign, each signature from
another person, for the model and the settings in force at that moment. A refusal, or a change of the model or
the settings, voids the signatures that the open gate has collected.

- A changed **model** takes a live use back to silence until its gate is signed again, and a validated one
  back to be validated again.
- Changed **settings** (thresholds within the bounds of the card) leave a live use live: an allowed person
  signs the change with a reason, and each version is kept by its hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from vesalius.errors import Conflict, InvalidSetting, NotAllowed, NotFound
from vesalius.governance import audit, roles
from vesalius.governance._register import (
    Change,
    add_change,
    changes,
    keep_settings,
    read_settings,
    read_use,
    signatures,
    write_use,
)
from vesalius.governance.audit import Action
from vesalius.governance.lifecycle import AFTER_MODEL_CHANGE, GATES, NEXT, RUNS, Slot, State
from vesalius.governance.people import Person
from vesalius.governance.roles import Right
from vesalius.review import withdraw
from vesalius.store import reading, writing
from vesalius.usecase import encode, find, installed

NO_TRIAL = "trial:none"
"""What a signature on the step to *live* keeps where no silent trial was registered."""


@dataclass(frozen=True)
class Use:
    """A use as it stands.

    Attributes:
        name: the use case.
        state: where it stands in its life.
        since: since when; None for one that nobody has touched.
        model: the SHA-256 of the model in force; empty for the one that the use case ships.
        settings: the hospital's values of the card's settings; what is missing has the card's default.
    """

    name: str
    state: State
    since: datetime | None
    model: str
    settings: dict[str, float]

    @property
    def speaks(self) -> bool:
        """Whether its suggestions are shown to people."""
        return self.state == State.LIVE

    @property
    def runs(self) -> bool:
        """Whether the loop turns for it, aloud or in silence."""
        return self.state in RUNS


@dataclass(frozen=True)
class Gate:
    """The step that is open for a use.

    Attributes:
        source, target: from which state to which.
        slots: the signatures it needs, in order.
        signed: those it has, by the slot's name.
        code: changes with the step, the model or the settings: what a person had before their eyes.
    """

    source: State
    target: State
    slots: tuple[Slot, ...]
    signed: Mapping[str, Change]
    code: str = ""

    @property
    def open_slots(self) -> tuple[Slot, ...]:
        """The signatures still missing."""
        return tuple(slot for slot in self.slots if slot.name not in self.signed)

    def slot_for(self, person: Person) -> Slot | None:
        """The signature that this person can still give, if any."""
        if any(change.by == person.id for change in self.signed.values()):
            return None
        return next((slot for slot in self.open_slots if person.role_among(slot.roles)), None)


def current(where: sa.Engine | sa.Connection, name: str) -> Use:
    """The use ``name`` as it stands; one that nobody has touched is an idea with the card's own settings."""
    if isinstance(where, sa.Engine):
        with reading(where) as connection:
            return current(connection, name)
    row = read_use(where, name)
    if row is None:
        return Use(name, State.IDEA, None, "", {})
    return Use(name, State(row.state), row.since, row.model, read_settings(where, name, row.settings) or {})


def speaks(where: sa.Engine | sa.Connection, name: str) -> bool:
    """Whether suggestions of the use ``name`` may be shown to people."""
    return current(where, name).speaks


def register(engine: sa.Engine) -> list[Use]:
    """Every use case installed here, as it stands."""
    with reading(engine) as connection:
        return [current(connection, name) for name in installed()]


def gate(where: sa.Engine | sa.Connection, name: str) -> Gate | None:
    """The step that is open for the use ``name``; None when it is live or retired."""
    if isinstance(where, sa.Engine):
        with reading(where) as connection:
            return gate(connection, name)
    state = current(where, name).state
    if state not in NEXT:
        return None
    target = NEXT[state]
    row = read_use(where, name)
    seen = (state, target, row.model if row else "", row.settings if row else "")
    code = hashlib.sha256(encode(seen)).hexdigest()[:16]
    return Gate(state, target, GATES[state, target], signatures(where, name), code)


def history(engine: sa.Engine, name: str) -> list[Change]:
    """All that happened to the use ``name``, latest first."""
    with reading(engine) as connection:
        return changes(connection, name)


def sign(
    engine: sa.Engine,
    name: str,
    person: Person,
    *,
    reason: str,
    on: str = "",
    trial: str = NO_TRIAL,
    at: datetime | None = None,
    seen: str | None = None,
) -> Use:
    """Signs the open gate of the use ``name``; the last signature moves the use to its next state.

    Args:
        engine: the hospital's database.
        name: the use case.
        person: who signs.
        reason: why, in their words; never empty.
        on: the hash of what they signed on: a validation run, a report.
        trial: how the silent trial stands, with its hash; every signature on the step from silence to *live*
            keeps it, so that one that was given without a trial, or against it, is marked for good.
        at: when.
        seen: the ``code`` of the gate that they saw; nothing is signed when another one is open now.

    Raises:
        NotAllowed: no missing signature is theirs to give, or they have signed this gate already.
        Conflict: no gate is open, or not the one that they saw.
        InvalidSetting: the reason is empty.
    """
    find(name)
    at = _moment(at, reason)
    with writing(engine) as connection:
        opened = _open_gate(connection, name, seen)
        slot = opened.slot_for(person)
        if slot is None:
            missing = ", ".join("/".join(item.roles) for item in opened.open_slots)
            raise NotAllowed(f"{person.id} cannot sign for {opened.target}", hint=f"it still needs {missing}")
        if (opened.source, opened.target) == (State.SILENT, State.LIVE):
            on = f"{on} {trial}".strip()
        change = Change(
            name, at, person.id, person.role_among(slot.roles), "signed", slot.name, opened.target, reason, on
        )
        add_change(connection, change)
        detail = {"slot": slot.name, "target": opened.target, "role": change.role, "on": on}
        audit.record(connection, person.id, Action.USE_SIGNED, name, detail, at)
        if len(opened.open_slots) == 1:
            _move(connection, name, opened.target, person.id, reason, at)
        return current(connection, name)


def refuse(
    engine: sa.Engine,
    name: str,
    person: Person,
    *,
    reason: str,
    at: datetime | None = None,
    seen: str | None = None,
) -> Use:
    """Refuses the open gate: its signatures are void, and it is signed anew when the reason is mended.

    Raises:
        NotAllowed: the person has no part in this gate.
        Conflict: no gate is open, or not the one whose code is ``seen``.
        InvalidSetting: the reason is empty.
    """
    find(name)
    at = _moment(at, reason)
    with writing(engine) as connection:
        opened = _open_gate(connection, name, seen)
        slot = next((item for item in opened.slots if person.role_among(item.roles)), None)
        if slot is None:
            raise NotAllowed(f"{person.id} has no part in the gate to {opened.target}")
        role = person.role_among(slot.roles)
        add_change(connection, Change(name, at, person.id, role, "refused", slot.name, opened.target, reason))
        detail = {"slot": slot.name, "target": opened.target, "role": role}
        audit.record(connection, person.id, Action.USE_REFUSED, name, detail, at)
        return current(connection, name)


def suspend(engine: sa.Engine, name: str, person: Person, *, reason: str, at: datetime | None = None) -> Use:
    """Stops the use at once: nothing is suggested, shown or read for it until its gate is signed again."""
    roles.require(person.roles, Right.SUSPEND)
    return _stop(engine, name, State.SUSPENDED, person.id, reason, at)


def retire(engine: sa.Engine, name: str, person: Person, *, reason: str, at: datetime | None = None) -> Use:
    """Ends the use for good; its suggestions and decisions stay, and can be replayed."""
    roles.require(person.roles, Right.RETIRE)
    return _stop(engine, name, State.RETIRED, person.id, reason, at)


def silence(
    where: sa.Engine | sa.Connection,
    name: str,
    *,
    reason: str,
    by: str = audit.SYSTEM,
    at: datetime | None = None,
) -> Use:
    """Takes a live use back to silence, as a stop rule does by itself; it goes on being measured.

    ``where`` may be a connection that writes: then it is part of that transaction.

    Raises:
        Conflict: it is not live.
    """
    if isinstance(where, sa.Engine):
        with writing(where) as connection:
            return silence(connection, name, reason=reason, by=by, at=at)
    at = _moment(at, reason)
    if not current(where, name).speaks:
        raise Conflict(f"{name} is not live")
    _move(where, name, State.SILENT, by, reason, at)
    return current(where, name)


def set_model(
    engine: sa.Engine, name: str, model: str, person: Person, *, reason: str, at: datetime | None = None
) -> Use:
    """Puts another model in force; a live use falls silent until its gate is signed again.

    Args:
        engine: the hospital's database.
        name: the use case.
        model: the SHA-256 of a model in the store; empty for the one that the use case ships.
        person: who changes it.
        reason: why.
        at: when.
    """
    roles.require(person.roles, Right.CHANGE_MODEL)
    find(name)
    at = _moment(at, reason)
    with writing(engine) as connection:
        use = current(connection, name)
        if use.state == State.RETIRED or use.model == model:
            raise Conflict(
                f"{name} is retired" if use.state == State.RETIRED else f"{name} has that model already"
            )
        write_use(connection, name, use.state, use.since or at, model, _settings_of(connection, name))
        role = person.role_among(tuple(roles.MATRIX[Right.CHANGE_MODEL]))
        add_change(connection, Change(name, at, person.id, role, "model", use.model, model, reason))
        audit.record(
            connection, person.id, Action.USE_MODEL_CHANGED, name, {"from": use.model, "to": model}, at
        )
        if use.state in AFTER_MODEL_CHANGE:
            _move(connection, name, AFTER_MODEL_CHANGE[use.state], person.id, reason, at)
        return current(connection, name)


def set_use_settings(
    engine: sa.Engine,
    name: str,
    settings: Mapping[str, float],
    person: Person,
    *,
    reason: str,
    at: datetime | None = None,
) -> Use:
    """Puts other settings in force; the use keeps its state, and the change is signed by ``person``.

    Raises:
        NotAllowed: the person may not change settings.
        InvalidCard: an unknown setting, or a value outside the card's bounds.
        Conflict: they are in force already, or the use is retired.
    """
    roles.require(person.roles, Right.CHANGE_SETTINGS)
    kind, at = find(name), _moment(at, reason)
    filled = kind.card.fill(settings)
    with writing(engine) as connection:
        use = current(connection, name)
        if use.state == State.RETIRED or kind.card.fill(use.settings) == filled:
            raise Conflict(
                f"{name} is retired" if use.state == State.RETIRED else "these settings are in force already"
            )
        before, after = (
            _settings_of(connection, name),
            keep_settings(connection, name, filled, person.id, reason, at),
        )
        write_use(connection, name, use.state, use.since or at, use.model, after)
        role = person.role_among(tuple(roles.MATRIX[Right.CHANGE_SETTINGS]))
        add_change(connection, Change(name, at, person.id, role, "settings", before, after, reason))
        detail = {"from": before, "to": after, "values": filled}
        audit.record(connection, person.id, Action.USE_SETTINGS_CHANGED, name, detail, at)
        return current(connection, name)


def use_settings(engine: sa.Engine, name: str, digest: str) -> dict[str, float]:
    """The settings of the use ``name`` whose hash is ``digest``, as they were kept.

    Raises:
        NotFound: no such version was ever in force here.
    """
    with reading(engine) as connection:
        found = read_settings(connection, name, digest)
    if found is None:
        raise NotFound(f"{name} never had settings {digest[:12]}…")
    return found


def remember_settings(where: sa.Connection, name: str, settings: Mapping[str, float], at: datetime) -> str:
    """Keeps settings by their hash, so that what was made with them can be made again; returns the hash."""
    return keep_settings(where, name, settings, audit.SYSTEM, "in force when a suggestion was made", at)


def _moment(at: datetime | None, reason: str) -> datetime:
    if not reason.strip():
        raise InvalidSetting("say why: the reason is kept with the signature")
    return at or datetime.now(UTC)


def _open_gate(connection: sa.Connection, name: str, seen: str | None) -> Gate:
    opened = gate(connection, name)
    if opened is None:
        raise Conflict(f"{name} is {current(connection, name).state}: no gate is open")
    if seen not in (None, opened.code):
        raise Conflict(
            "the step, the model or the settings changed after the page was opened", hint="read it again"
        )
    return opened


def _stop(engine: sa.Engine, name: str, target: State, by: str, reason: str, at: datetime | None) -> Use:
    find(name)
    at = _moment(at, reason)
    with writing(engine) as connection:
        state = current(connection, name).state
        if state in (target, State.RETIRED):
            raise Conflict(f"{name} is {state} already")
        _move(connection, name, target, by, reason, at)
        return current(connection, name)


def _move(connection: sa.Connection, name: str, target: State, by: str, reason: str, at: datetime) -> None:
    use = current(connection, name)
    write_use(connection, name, target, at, use.model, _settings_of(connection, name))
    add_change(connection, Change(name, at, by, "", "moved", use.state, target, reason))
    detail: dict[str, Any] = {"from": use.state, "to": target}
    if use.speaks:
        # A tool that stopped speaking must not go on speaking from the worklist.
        detail["withdrawn"] = withdraw(connection, name, at)
    audit.record(connection, by, Action.USE_MOVED, name, detail, at)


def _settings_of(connection: sa.Connection, name: str) -> str:
    row = read_use(connection, name)
    return row.settings if row is not None else ""
