"""The tables beside the audit: whether a row is still what its event says that it was."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from vesalius.governance._register import Change
from vesalius.governance.audit import Action, Event
from vesalius.store import metadata
from vesalius.trial.records import Look, Plan
from vesalius.usecase import encode

_CHANGE = ("usecase", "at", "by", "role", "kind", "before", "after", "reason", "on")

Check = Callable[[sa.Connection, Event], bool]


def holds(connection: sa.Connection, event: Event) -> bool:
    """Whether what lies beside the event is there and unchanged; true for an event with nothing beside it."""
    check = CHECKS.get(event.action)
    return check is None or check(connection, event)


def _row(connection: sa.Connection, table: str, **where: Any) -> Any:
    columns = metadata.tables[table].c
    asked = sa.select(*columns).where(*(columns[name] == value for name, value in where.items()))
    return connection.execute(asked.limit(1)).one_or_none()


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _change(connection: sa.Connection, event: Event) -> bool:
    """A signature, a refusal, a move, a model or settings: its line of the history with its reason."""
    change = metadata.tables["use_change"].c
    asked = sa.select(*(change[name] for name in _CHANGE)).where(change.usecase == event.object)
    kept = {Change(*row).content for row in connection.execute(asked)}
    wanted = event.detail.get("content")
    if wanted is None:  # rules of monitoring, before their event kept it
        return True
    return wanted in kept


def _settings(connection: sa.Connection, event: Event) -> bool:
    row = _row(connection, "use_settings", usecase=event.object, hash=event.detail.get("to"))
    return row is not None and _sha(row.body) == row.hash and _change(connection, event)


def _rules(connection: sa.Connection, event: Event) -> bool:
    row = _row(connection, "use_watch", usecase=event.object, hash=event.detail.get("to"))
    return row is not None and _sha(row.body) == row.hash and _change(connection, event)


def _entry(connection: sa.Connection, event: Event) -> bool:
    row = _row(connection, "system_entry", system=event.object, version=event.detail.get("version"))
    return row is not None and _sha(row.body) == event.detail.get("content")


def _answers(connection: sa.Connection, event: Event) -> bool:
    row = _row(connection, "system_answers", system=event.object, version=event.detail.get("version"))
    return row is not None and _digest([row.body, row.rules, row.reason]) == event.detail.get("content")


def _duty(connection: sa.Connection, event: Event) -> bool:
    said = event.detail
    row = _row(
        connection,
        "system_obligation",
        system=event.object,
        obligation=said.get("obligation"),
        version=said.get("version"),
    )
    return row is not None and _sha(row.body) == said.get("content")


def _answer(connection: sa.Connection, event: Event) -> bool:
    said = event.detail
    row = _row(
        connection,
        "report_answer",
        usecase=event.object,
        question=said.get("question"),
        version=said.get("version"),
    )
    return row is not None and said.get("content", "") in ("", _digest([row.text, row.run, row.by, row.role]))


def _rulebook(connection: sa.Connection, event: Event) -> bool:
    if event.detail.get("own"):  # the platform's own file: its hash is in the event, its text in the release
        return True
    row = _row(connection, "rulebook", kind=event.object, hash=event.detail.get("content"))
    return row is not None and _sha(row.body) == row.hash


def _plan(connection: sa.Connection, event: Event) -> bool:
    row = _row(connection, "trial_plan", usecase=event.object, number=event.detail.get("number"))
    return row is not None and _hash(row, Plan) == row.hash == event.detail.get("hash")


def _look(connection: sa.Connection, event: Event) -> bool:
    row = _row(connection, "trial_look", usecase=event.object, hash=event.detail.get("hash"))
    return row is not None and _hash(row, Look) == row.hash


def _run(connection: sa.Connection, event: Event) -> bool:
    row = _row(connection, "validation_run", usecase=event.object, run=event.detail.get("run"))
    return row is not None and _sha(row.body) == event.detail.get("content")


def _alarm(connection: sa.Connection, event: Event) -> bool:
    row = _row(connection, "monitoring_alarm", id=event.detail.get("alarm"))
    return row is not None and (row.usecase, row.monitor) == (event.object, event.detail.get("monitor"))


def _decision(connection: sa.Connection, event: Event) -> bool:
    row = _row(connection, "decision", id=event.detail.get("decision"))
    if row is None or row.suggestion != event.object or row.action != event.detail.get("action"):
        return False
    if event.action == Action.SUGGESTION_UNDONE:
        return row.undone_at is not None and row.undone_by == event.actor
    if (row.by, row.role) != (event.actor, event.detail.get("role")):
        return False
    erased = _row(connection, "suggestion", id=event.object)
    if erased is None or erased.erased is not None:  # on request: an event of its own says so
        return erased is not None
    words = _digest([row.action, row.by, row.role, row.reason, row.words, row.option])
    return bool(event.detail.get("content", words) == words)


def _hash(row: Any, kind: type[Plan] | type[Look]) -> str:
    try:
        return msgspec.json.decode(row.body, type=kind).hash
    except msgspec.MsgspecError:
        return ""


def _digest(content: Any) -> str:
    return hashlib.sha256(encode(content)).hexdigest()


CHECKS: Mapping[str, Check] = {
    Action.USE_SIGNED: _change,
    Action.USE_REFUSED: _change,
    Action.USE_MOVED: _change,
    Action.USE_MODEL_CHANGED: _change,
    Action.USE_SETTINGS_CHANGED: _settings,
    Action.USE_RULES_CHANGED: _rules,
    Action.SYSTEM_ADDED: _entry,
    Action.SYSTEM_CHANGED: _entry,
    Action.SYSTEM_ANSWERED: _answers,
    Action.OBLIGATION_CHANGED: _duty,
    Action.REPORT_ANSWERED: _answer,
    Action.REPORT_UNDONE: _answer,
    Action.RULES_ADOPTED: _rulebook,
    Action.VALIDATION_KEPT: _run,
    Action.TRIAL_REGISTERED: _plan,
    Action.TRIAL_LOOKED: _look,
    Action.ALARM_RAISED: _alarm,
    Action.SUGGESTION_DECIDED: _decision,
    Action.SUGGESTION_UNDONE: _decision,
}
