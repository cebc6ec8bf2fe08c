"""The tables beside the audit: whether each row is what its event says, and whether each has an event.

An event claims a row by a key and says what it must hold (:class:`Claim`); each table gives its rows with the
same keys (:class:`Row`). What is claimed and not there, or there with other words, is laid to the event; what
nobody claims was put there by somebody who wrote no event.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from vesalius.governance._register import Change
from vesalius.governance.audit import Action, Event
from vesalius.governance.literacy import Taken, course_of
from vesalius.monitoring import alarms
from vesalius.store import metadata
from vesalius.trial.records import Look, Plan
from vesalius.usecase import encode

ANY = ""
"""A claim that holds whatever the row holds: words erased on request, or an event without a hash."""

_CHANGE = ("usecase", "at", "by", "role", "kind", "before", "after", "reason", "on")


class Claim(NamedTuple):
    """What an event says of a row: the table, the key, what the row holds."""

    table: str
    key: str
    content: str = ANY


class Row(NamedTuple):
    """What a table holds: the key, the content, and how people call it; empty for what needs no event."""

    key: str
    content: str
    words: str


class Found(NamedTuple):
    """What is wrong: the events whose row is gone or altered, and the rows without an event."""

    events: tuple[int, ...]
    extra: tuple[str, ...]


def compare(connection: sa.Connection, name: str, claims: Iterable[tuple[int, Claim]]) -> Found:
    """Holds the tables beside the audit against what the events of a use say of them.

    Args:
        connection: a connection that reads.
        name: the use.
        claims: with the place of its event each, in the order of the events, those after the dossier too.
    """
    kept: dict[str, dict[str, tuple[str, int]]] = defaultdict(dict)
    for seq, (table, key, content) in claims:
        kept[table][_free(kept[table], table, key)] = (content, seq)
    wrong: set[int] = set()
    extra: list[str] = []
    for table, read in TABLES.items():
        seen: Counter[str] = Counter()
        unclaimed: list[str] = []
        for row in read(connection, name):
            key = f"{row.key}#{seen[row.key]}" if seen[row.key] else row.key
            seen[row.key] += 1
            claim = kept[table].pop(key, None)
            if claim is None:
                unclaimed += [row.words] if row.words else []
            elif claim[0] not in (ANY, row.content):
                wrong.add(claim[1])
        gone = {seq for content, seq in kept[table].values() if content != _NONE}
        wrong |= gone
        extra += unclaimed[len(gone) :]  # the others are what was altered in a row whose key is its content
    return Found(tuple(sorted(wrong)), tuple(extra))


def _free(taken: Mapping[str, object], table: str, key: str) -> str:
    """The key under which a claim is kept: the last word counts, but each line of a history counts."""
    if table not in _HISTORIES or key not in taken:
        return key
    return next(each for number in range(1, len(taken) + 2) if (each := f"{key}#{number}") not in taken)


def claimed(connection: sa.Connection, event: Event) -> Iterator[Claim]:
    """The rows that an event speaks of."""
    yield from CLAIMS.get(event.action, _nothing)(connection, event)


# What events claim ------------------------------------------------------------------------------------------

_NONE = "-"
"""A claim that nothing is there any more."""


def _nothing(connection: sa.Connection, event: Event) -> Iterator[Claim]:  # noqa: ARG001
    return iter(())


def _said(event: Event) -> str:
    """What an event keeps of the row, with who and when."""
    content = event.detail.get("content")
    return f"{content}|{event.actor}|{event.at}" if content else ANY


def _change(connection: sa.Connection, event: Event) -> Iterator[Claim]:  # noqa: ARG001
    """A signature, a refusal, a move, a model or settings: its line of the history with its reason."""
    if wanted := event.detail.get("content"):
        yield Claim("use_change", wanted, wanted)


def _state(connection: sa.Connection, event: Event) -> Iterator[Claim]:
    yield from _change(connection, event)
    said = event.detail.get("to", "")
    field = {Action.USE_MOVED: "state", Action.USE_MODEL_CHANGED: "model"}.get(
        Action(event.action), "settings"
    )
    yield Claim("use_state", field, f"={said}")


def _settings(connection: sa.Connection, event: Event) -> Iterator[Claim]:
    yield from _state(connection, event)
    yield Claim("use_settings", str(event.detail.get("to")), "whole")


def _rules(connection: sa.Connection, event: Event) -> Iterator[Claim]:
    yield from _change(connection, event)
    yield Claim("use_watch", f"{event.detail.get('to')}|{event.at}", f"whole|{event.actor}")


def _entry(connection: sa.Connection, event: Event) -> Iterator[Claim]:  # noqa: ARG001
    yield Claim("system_entry", str(event.detail.get("version")), _said(event))


def _answers(connection: sa.Connection, event: Event) -> Iterator[Claim]:  # noqa: ARG001
    yield Claim("system_answers", str(event.detail.get("version")), _said(event))


def _duty(connection: sa.Connection, event: Event) -> Iterator[Claim]:  # noqa: ARG001
    said = event.detail
    yield Claim(
        "system_obligation", f"{said.get('obligation')}|{said.get('version')}", str(said.get("content", ANY))
    )


def _report(connection: sa.Connection, event: Event) -> Iterator[Claim]:  # noqa: ARG001
    said = event.detail
    yield Claim("report_answer", f"{said.get('question')}|{said.get('version')}", _said(event))


def _rulebook(connection: sa.Connection, event: Event) -> Iterator[Claim]:  # noqa: ARG001
    said = str(event.detail.get("content"))
    yield Claim("rulebook", f"{event.object}|{said}", said)


def _plan(connection: sa.Connection, event: Event) -> Iterator[Claim]:  # noqa: ARG001
    said = event.detail
    yield Claim("trial_plan", str(said.get("number")), f"{said.get('hash')}|{event.actor}|{event.at}")


def _look(connection: sa.Connection, event: Event) -> Iterator[Claim]:  # noqa: ARG001
    said = event.detail
    yield Claim("trial_look", f"{said.get('plan')}|{said.get('number')}", f"{said.get('hash')}|{event.at}")


def _raised(connection: sa.Connection, event: Event) -> Iterator[Claim]:  # noqa: ARG001
    number = str(event.detail.get("alarm"))
    yield Claim("monitoring_alarm", number, str(event.detail.get("content", ANY)))
    yield Claim("acknowledgement", number, _NONE)


def _looked(connection: sa.Connection, event: Event) -> Iterator[Claim]:  # noqa: ARG001
    yield Claim("acknowledgement", str(event.detail.get("alarm")), str(event.detail.get("content", ANY)))


def _unlooked(connection: sa.Connection, event: Event) -> Iterator[Claim]:  # noqa: ARG001
    yield Claim("acknowledgement", str(event.detail.get("alarm")), _NONE)


def _decided(connection: sa.Connection, event: Event) -> Iterator[Claim]:
    said, number = event.detail, str(event.detail.get("decision"))
    suggestion = metadata.tables["suggestion"].c
    erased = connection.execute(sa.select(suggestion.erased).where(suggestion.id == event.object)).scalar()
    who = f"{event.object}|{said.get('action')}|{event.actor}|{said.get('role')}|{event.at}"
    yield Claim("decision", number, who)
    if erased is None:  # on request the words go: an event of its own says so
        yield Claim("words", number, str(said.get("content", ANY)))
    else:
        yield Claim("words", number, ANY)
    yield Claim("undone", number, _NONE)


def _undone(connection: sa.Connection, event: Event) -> Iterator[Claim]:  # noqa: ARG001
    yield Claim("undone", str(event.detail.get("decision")), f"{event.actor}|{event.at}")


def _course(connection: sa.Connection, event: Event) -> Iterator[Claim]:  # noqa: ARG001
    if wanted := event.detail.get("content"):
        yield Claim("academy_record", wanted, wanted)


def _validated(connection: sa.Connection, event: Event) -> Iterator[Claim]:  # noqa: ARG001
    yield Claim("validation_run", str(event.detail.get("run")), str(event.detail.get("content", ANY)))


Claims = Callable[[sa.Connection, Event], Iterator[Claim]]

CLAIMS: Mapping[str, Claims] = {
    Action.USE_SIGNED: _change,
    Action.USE_REFUSED: _change,
    Action.USE_MOVED: _state,
    Action.USE_MODEL_CHANGED: _state,
    Action.USE_SETTINGS_CHANGED: _settings,
    Action.USE_RULES_CHANGED: _rules,
    Action.SYSTEM_ADDED: _entry,
    Action.SYSTEM_CHANGED: _entry,
    Action.SYSTEM_ANSWERED: _answers,
    Action.OBLIGATION_CHANGED: _duty,
    Action.REPORT_ANSWERED: _report,
    Action.REPORT_UNDONE: _report,
    Action.RULES_ADOPTED: _rulebook,
    Action.TRIAL_REGISTERED: _plan,
    Action.TRIAL_LOOKED: _look,
    Action.VALIDATION_KEPT: _validated,
    Action.ALARM_RAISED: _raised,
    Action.ALARM_ACKNOWLEDGED: _looked,
    Action.ALARM_UNDONE: _unlooked,
    Action.SUGGESTION_DECIDED: _decided,
    Action.SUGGESTION_UNDONE: _undone,
    Action.COURSE_PASSED: _course,
    Action.COURSE_FAILED: _course,
}

_HISTORIES = frozenset({"use_change", "academy_record"})
"""Where each event has a line of its own, also one that says the same as another."""


# What the tables hold ---------------------------------------------------------------------------------------


def _rows(connection: sa.Connection, table: str, **where: Any) -> list[Any]:
    """The rows of a table, in the order of its key."""
    found = metadata.tables[table]
    asked = sa.select(found).where(*(found.c[name] == value for name, value in where.items()))
    return list(connection.execute(asked.order_by(*found.primary_key.columns)))


def _changes(connection: sa.Connection, name: str) -> list[Row]:
    found = []
    for row in _rows(connection, "use_change", usecase=name):
        content = Change(*(getattr(row, field) for field in _CHANGE)).content
        found.append(
            Row(content, content, f"a line of the history ({row.kind} by {row.by}, {row.at:%Y-%m-%d})")
        )
    return found


def _use(connection: sa.Connection, name: str) -> list[Row]:
    """Where the use stands, as a quick table says it; a field that no event ever set is at its beginning."""
    found = []
    for row in _rows(connection, "use_state", usecase=name):
        for field, begin in (("state", "idea"), ("model", ""), ("settings", "")):
            value = getattr(row, field)
            words = f"the {field} in force ({value[:12]})" if value != begin else ""
            found.append(Row(field, f"={value}", words))
    return found


def _kept_settings(connection: sa.Connection, name: str) -> list[Row]:
    """Settings that a person put in force; those that the platform noted are held whole."""
    reasons = {
        (row.by, row.reason)
        for row in _rows(connection, "use_change", usecase=name)
        if row.kind == "settings"
    }
    found = []
    for row in _rows(connection, "use_settings", usecase=name):
        own = row.by == "system"
        whole = _sha(row.body) == row.hash and (own or (row.by, row.reason) in reasons)
        # Those that the platform noted have no event: the dossier seals them row by row.
        words = "" if own else f"settings {row.hash[:12]} by {row.by}"
        found.append(Row(row.hash, "whole" if whole else "altered", words))
    return found


def _watches(connection: sa.Connection, name: str) -> list[Row]:
    reasons = {
        (row.at, row.reason) for row in _rows(connection, "use_change", usecase=name) if row.kind == "rules"
    }
    found = []
    for row in _rows(connection, "use_watch", usecase=name):
        whole = _sha(row.body) == row.hash and (row.at, row.reason) in reasons
        content = f"{'whole' if whole else ''}|{row.by}"
        found.append(Row(f"{row.hash}|{row.at}", content, f"rules of monitoring {row.hash[:12]} by {row.by}"))
    return found


def _entries(connection: sa.Connection, name: str) -> list[Row]:
    return [
        Row(str(row.version), f"{_sha(row.body)}|{row.by}|{row.at}", f"entry {row.version} of the register")
        for row in _rows(connection, "system_entry", system=name)
    ]


def _questionnaire(connection: sa.Connection, name: str) -> list[Row]:
    return [
        Row(
            str(row.version),
            f"{_digest([row.body, row.rules, row.reason])}|{row.by}|{row.at}",
            f"answers {row.version} to the questionnaire",
        )
        for row in _rows(connection, "system_answers", system=name)
    ]


def _duties(connection: sa.Connection, name: str) -> list[Row]:
    return [
        Row(
            f"{row.obligation}|{row.version}",
            _sha(row.body),
            f"version {row.version} of what was said of {row.obligation}",
        )
        for row in _rows(connection, "system_obligation", system=name)
    ]


def _reports(connection: sa.Connection, name: str) -> list[Row]:
    return [
        Row(
            f"{row.question}|{row.version}",
            f"{_digest([row.text, row.run, row.by, row.role])}|{row.by}|{row.at}",
            f"answer {row.version} to the question {row.question}",
        )
        for row in _rows(connection, "report_answer", usecase=name)
    ]


def _rulebooks(connection: sa.Connection, name: str) -> list[Row]:  # noqa: ARG001 -- they bind every use
    return [
        Row(f"{row.kind}|{row.hash}", _sha(row.body), f"rules of {row.kind} {row.hash[:12]}")
        for row in _rows(connection, "rulebook")
    ]


def _plans(connection: sa.Connection, name: str) -> list[Row]:
    return [
        Row(
            str(row.number), f"{_hash(row, Plan)}|{row.by}|{row.at}", f"plan {row.number} of the silent trial"
        )
        for row in _rows(connection, "trial_plan", usecase=name)
    ]


def _looks(connection: sa.Connection, name: str) -> list[Row]:
    """Each look, by the hash of its plan, as its event names it."""
    plans = {row.number: row.hash for row in _rows(connection, "trial_plan", usecase=name)}
    return [
        Row(
            f"{plans.get(row.plan, row.plan)}|{row.number}",
            f"{_hash(row, Look)}|{row.at}",
            f"look {row.number} at plan {row.plan}",
        )
        for row in _rows(connection, "trial_look", usecase=name)
    ]


def _hash(row: Any, kind: type[Plan] | type[Look]) -> str:
    """The hash of what the row holds; of nothing where it does not fit the hash beside it."""
    try:
        found = msgspec.json.decode(row.body, type=kind).hash
    except msgspec.MsgspecError:
        return ""
    return found if found == row.hash else ""


def _runs(connection: sa.Connection, name: str) -> list[Row]:
    return [
        Row(row.run, _sha(row.body), f"validation run {row.run}")
        for row in _rows(connection, "validation_run", usecase=name)
    ]


def _alarms(connection: sa.Connection, name: str) -> list[Row]:
    return [
        Row(str(each.id), each.content, f"alarm {each.id} ({each.monitor})")
        for each in alarms.every(connection, name)
    ]


def _acknowledged(connection: sa.Connection, name: str) -> list[Row]:
    return [Row(str(each.id), each.said or _NONE, "") for each in alarms.every(connection, name)]


def _decisions(connection: sa.Connection, name: str) -> list[Any]:
    decision, suggestion = metadata.tables["decision"], metadata.tables["suggestion"].c
    asked = sa.select(decision).join_from(decision, metadata.tables["suggestion"])
    return list(connection.execute(asked.where(suggestion.usecase == name).order_by(decision.c.id)))


def _taken(connection: sa.Connection, name: str) -> list[Row]:
    return [
        Row(
            str(row.id),
            f"{row.suggestion}|{row.action}|{row.by}|{row.role}|{row.at}",
            f"decision {row.id} ({row.action} by {row.by}, {row.at:%Y-%m-%d})",
        )
        for row in _decisions(connection, name)
    ]


def _words(connection: sa.Connection, name: str) -> list[Row]:
    return [
        Row(
            str(row.id),
            _digest([row.action, row.by, row.role, row.reason, row.words, row.option]),
            "",
        )
        for row in _decisions(connection, name)
    ]


def _taken_back(connection: sa.Connection, name: str) -> list[Row]:
    return [
        Row(
            str(row.id),
            f"{row.undone_by}|{row.undone_at}" if row.undone_at else _NONE,
            "",
        )
        for row in _decisions(connection, name)
    ]


def _courses(connection: sa.Connection, name: str) -> list[Row]:
    fields = Taken.__dataclass_fields__
    found = []
    for row in _rows(connection, "academy_record", course=course_of(name)):
        content = Taken(*(getattr(row, field) for field in fields)).content
        found.append(Row(content, content, f"a course ({row.course} by {row.person}, {row.at:%Y-%m-%d})"))
    return found


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(content: Any) -> str:
    return hashlib.sha256(encode(content)).hexdigest()


TABLES: Mapping[str, Callable[[sa.Connection, str], list[Row]]] = {
    "use_change": _changes,
    "use_state": _use,
    "use_settings": _kept_settings,
    "use_watch": _watches,
    "system_entry": _entries,
    "system_answers": _questionnaire,
    "system_obligation": _duties,
    "report_answer": _reports,
    "rulebook": _rulebooks,
    "trial_plan": _plans,
    "trial_look": _looks,
    "validation_run": _runs,
    "monitoring_alarm": _alarms,
    "acknowledgement": _acknowledged,
    "decision": _taken,
    "words": _words,
    "undone": _taken_back,
    "academy_record": _courses,
}
