"""The life of each use: where it stands, who signed for it, its model and its settings.

A use speaks only while it is live and every gate on the way there holds **at the moment of asking**: each is
signed by its named roles, each signature from another person, for the version, the views, the model, the
thresholds and the regime that are in force, and none has expired. This is read from the events of the audit
(:mod:`vesalius.governance.gates`); the table that says "live" is a copy for lists, and is not asked.

- A changed **model**, **view** or **threshold**, or another **regime**, re-opens the gates that are about it
  (:data:`vesalius.governance.lifecycle.TOUCHES`); a live use falls silent until they are signed again.
- A refusal voids the signatures of its gate; whatever takes a use out of *live* voids those of *live*.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from vesalius.errors import Conflict, InvalidSetting, NotAllowed, NotFound
from vesalius.governance import audit, classifying, evidence, gates, roles, rulebook
from vesalius.governance._life import Fall as Fall
from vesalius.governance._life import Gate as Gate
from vesalius.governance._life import Life as Life
from vesalius.governance._life import Use as Use
from vesalius.governance._life import current as current
from vesalius.governance._life import fallen as fallen
from vesalius.governance._life import falls as falls
from vesalius.governance._life import gate as gate
from vesalius.governance._life import gate_of as gate_of
from vesalius.governance._life import known
from vesalius.governance._life import life as life
from vesalius.governance._register import (
    Change,
    add_change,
    changes,
    keep_settings,
    read_settings,
    read_use,
    write_use,
)
from vesalius.governance.audit import Action
from vesalius.governance.evidence import Evidence
from vesalius.governance.lifecycle import AFTER_MODEL_CHANGE, NEXT, State
from vesalius.governance.people import Person
from vesalius.governance.roles import Right
from vesalius.review import withdraw
from vesalius.store import reading, writing
from vesalius.usecase import find, installed

REOPENED = "the gate"
"""How the words begin that are kept where a gate re-opened and no person said why."""


def speaks(where: sa.Engine | sa.Connection, name: str, at: datetime | None = None) -> bool:
    """Whether suggestions of the use ``name`` may be shown to people at ``at`` (now, if not given)."""
    return current(where, name, at).speaks


def register(engine: sa.Engine) -> list[Use]:
    """Every use case installed here, as it stands."""
    with reading(engine) as connection:
        return [current(connection, name) for name in installed()]


def history(engine: sa.Engine, name: str) -> list[Change]:
    """All that happened to the use ``name``, latest first."""
    with reading(engine) as connection:
        return changes(connection, name)


def evidence_of(
    where: sa.Engine | sa.Connection, name: str, opened: Gate, at: datetime | None = None
) -> Evidence:
    """What there is for the gate that is open, looked up; ``lacks`` says what is not there."""
    if isinstance(where, sa.Engine):
        with reading(where) as connection:
            return evidence_of(connection, name, opened, at)
    return evidence.gathered(where, life(where, name, at), opened)


def sign(
    engine: sa.Engine,
    name: str,
    person: Person,
    *,
    reason: str,
    on: str | None = None,
    trial: str | None = None,
    despite: str = "",
    at: datetime | None = None,
    seen: str | None = None,
) -> Use:
    """Signs the open gate of the use ``name``; the last signature moves the use to its next state.

    The evidence is looked up here (:mod:`vesalius.governance.evidence`), and the signature keeps it, so that
    one that was given without it, or against it, is marked for good.

    Args:
        engine: the hospital's database.
        name: the use case.
        person: who signs.
        reason: why, in their words; never empty.
        on: the validation run that they read, empty for none; nothing is signed where it is another.
        trial: the seal of the silent trial that they read; nothing is signed where it stands otherwise.
        despite: why it is signed although evidence lacks.
        at: when.
        seen: the ``code`` of the gate that they saw; nothing is signed when another one is open now.

    Raises:
        NotAllowed: no missing signature is theirs to give, they have signed this gate already, or its regime
            lets nobody use it.
        Conflict: no gate is open, or not the one that they saw, or the evidence is not what they read.
        InvalidSetting: the reason is empty, or evidence lacks and nothing says why it is signed all the same.
    """
    at = _moment(at, reason)
    with writing(engine) as connection:
        known(connection, name)
        opened = _open_gate(connection, name, seen, at)
        slot = opened.slot_for(person)
        if slot is None:
            missing = ", ".join("/".join(item.roles) for item in opened.open_slots)
            raise NotAllowed(f"{person.id} cannot sign for {opened.target}", hint=f"it still needs {missing}")
        found = life(connection, name, at)
        if found.classification and found.classification.regime.blocked:
            raise NotAllowed(f"{name} may not be used", hint=found.classification.regime.article)
        gathered = evidence.gathered(connection, found, opened)
        evidence.check_seen(gathered, on, trial)
        if gathered.lacks and not despite.strip():
            words = ", ".join(gathered.lacks)
            raise InvalidSetting(f"the evidence lacks {words}: say why it is signed all the same")
        if gathered.lacks:
            reason = f"{reason} — {despite.strip()}"
        role = person.role_among(slot.roles)
        change = Change(name, at, person.id, role, "signed", slot.name, opened.target, reason, gathered.on)
        _record_signature(connection, change, opened, found.marks, gathered)
        stands = life(connection, name, at)
        if (
            not opened.renewal
            and NEXT.get(stands.use.state) == opened.target
            and stands.gates[opened.name].holds
        ):
            _move(connection, name, opened.target, person.id, reason, at)
        return current(connection, name, at)


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
    at = _moment(at, reason)
    with writing(engine) as connection:
        known(connection, name)
        opened = _open_gate(connection, name, seen, at)
        slot = next((item for item in opened.slots if person.role_among(item.roles)), None)
        if slot is None:
            raise NotAllowed(f"{person.id} has no part in the gate to {opened.target}")
        role = person.role_among(slot.roles)
        change = Change(name, at, person.id, role, "refused", slot.name, opened.target, reason)
        add_change(connection, change)
        detail = {
            "gate": opened.name, "slot": slot.name, "target": opened.target, "role": role,
            "content": change.content,
        }  # fmt: skip
        audit.record(connection, person.id, Action.USE_REFUSED, name, detail, at)
        enforce(connection, name, at, by=person.id)
        return current(connection, name, at)


def enforce(
    where: sa.Connection, name: str, at: datetime | None = None, *, by: str = audit.SYSTEM, reason: str = ""
) -> dict[str, tuple[str, ...]]:
    """Takes a live use whose gates no longer hold back to silence: nothing it said stays on the worklist.

    It does not speak in any case (:func:`speaks`); this makes it known, with an event.

    Args:
        where: a connection that writes.
        name: the use.
        at: the moment; now, if not given.
        by: who brought it about.
        reason: why, in words; made of the gates where there are none.

    Returns:
        The gates that re-opened, with the reasons; empty where nothing had to be done.
    """
    at = at or datetime.now(UTC)
    use = current(where, name, at)
    if use.state != State.LIVE or use.speaks:
        return {}
    gone = dict(use.reopened)
    detail = {"gates": {each: list(why) for each, why in gone.items()}}
    audit.record(where, by, Action.USE_REOPENED, name, detail, at)
    words = "; ".join(f"{REOPENED} {each} is open again: {', '.join(why)}" for each, why in gone.items())
    _move(where, name, State.SILENT, by, reason or words, at)
    return gone


def answer(
    engine: sa.Engine,
    name: str,
    answers: Mapping[str, str],
    person: Person,
    *,
    reason: str,
    at: datetime | None = None,
) -> classifying.Classification:
    """Answers the questionnaire of a system; another regime re-opens the gates that are about it.

    Raises:
        NotFound: there is no such system.
        NotAllowed: the person does not keep the register.
        InvalidSetting: an answer is missing or wrong, or the reason is empty.
        Conflict: it is answered like that already.
    """
    at = _moment(at, reason)
    with writing(engine) as connection:
        known(connection, name)
        made = classifying.keep(connection, name, answers, person, reason, at)
        enforce(connection, name, at, by=person.id)
        return made


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
    if current(where, name, at).state != State.LIVE:
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
        change = Change(name, at, person.id, role, "model", use.model, model, reason)
        add_change(connection, change)
        detail = {"from": use.model, "to": model, "content": change.content}
        audit.record(connection, person.id, Action.USE_MODEL_CHANGED, name, detail, at)
        if use.state == State.VALIDATED:
            _move(connection, name, AFTER_MODEL_CHANGE[use.state], person.id, reason, at)
        enforce(connection, name, at, by=person.id, reason=reason)
        return current(connection, name, at)


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
        change = Change(name, at, person.id, role, "settings", before, after, reason)
        add_change(connection, change)
        detail = {"from": before, "to": after, "values": filled, "content": change.content}
        audit.record(connection, person.id, Action.USE_SETTINGS_CHANGED, name, detail, at)
        enforce(connection, name, at, by=person.id, reason=reason)
        return current(connection, name, at)


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


def _open_gate(connection: sa.Connection, name: str, seen: str | None, at: datetime) -> Gate:
    opened = gate(connection, name, at)
    if opened is None:
        raise Conflict(f"{name} is {current(connection, name, at).state}: no gate is open")
    if seen not in (None, opened.code):
        raise Conflict(
            "the step, the model or the settings changed after the page was opened", hint="read it again"
        )
    return opened


def _record_signature(
    connection: sa.Connection, change: Change, opened: Gate, marks: Mapping[str, str], gathered: Evidence
) -> None:
    add_change(connection, change)
    until = gates.expiry(rulebook.gate_rules(connection), opened.name, change.at)
    detail: dict[str, Any] = {
        "gate": opened.name,
        "slot": change.before,
        "target": opened.target,
        "role": change.role,
        "on": change.on,
        "marks": dict(marks),
        "expires": until.isoformat() if until else "",
        "evidence": gathered.told(),
        "content": change.content,
    }
    if gathered.lacks:
        detail["despite"] = list(gathered.lacks)
    audit.record(connection, change.by, Action.USE_SIGNED, change.usecase, detail, change.at)


def _stop(engine: sa.Engine, name: str, target: State, by: str, reason: str, at: datetime | None) -> Use:
    at = _moment(at, reason)
    with writing(engine) as connection:
        known(connection, name)
        state = current(connection, name, at).state
        if state in (target, State.RETIRED):
            raise Conflict(f"{name} is {state} already")
        _move(connection, name, target, by, reason, at)
        return current(connection, name, at)


def _move(connection: sa.Connection, name: str, target: State, by: str, reason: str, at: datetime) -> None:
    use = current(connection, name, at)
    write_use(connection, name, target, at, use.model, _settings_of(connection, name))
    change = Change(name, at, by, "", "moved", use.state, target, reason)
    add_change(connection, change)
    detail: dict[str, Any] = {"from": use.state, "to": target, "content": change.content}
    if use.state == State.LIVE:
        # A tool that stopped speaking must not go on speaking from the worklist.
        detail["withdrawn"] = withdraw(connection, name, at)
    audit.record(connection, by, Action.USE_MOVED, name, detail, at)


def _settings_of(connection: sa.Connection, name: str) -> str:
    row = read_use(connection, name)
    return row.settings if row is not None else ""
