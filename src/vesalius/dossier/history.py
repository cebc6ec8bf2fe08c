"""What happened to a use, gate by gate: one line for each event that governs it, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

import msgspec
import sqlalchemy as sa

from vesalius.card import LANGUAGES, Card
from vesalius.dossier.document import Moment, Words
from vesalius.dossier.facts import World
from vesalius.dossier.words import law, listed, named, number, paired, same, say
from vesalius.errors import NotFound
from vesalius.governance import uses
from vesalius.governance.audit import Action, Event
from vesalius.monitoring import alarms
from vesalius.store import metadata, reading
from vesalius.usecase import find

_DUTY = "duty:"
"""How the code of a duty begins among what a signature was given in spite of."""


def moments(world: World) -> tuple[Moment, ...]:
    """Each event that governs the use, in order."""
    why = _reasons(world)
    return tuple(
        Moment(each.seq, each.at, told(world, each), _who(world, each), why.get(_content(each), ""))
        for each in world.events
        if each.action in TELLS
    )


def _content(event: Event) -> str:
    return str(event.detail.get("content") or event.detail.get("hash") or event.seq)


def _reasons(world: World) -> dict[str, str]:
    """The words that people left, by the hash that their event keeps."""
    name, found = world.name, {}
    for change in uses.history(world.hospital.engine, name):
        if change.by != "system":
            found[change.content] = change.reason
    plan, answers = metadata.tables["trial_plan"], metadata.tables["system_answers"]
    with reading(world.hospital.engine) as connection:
        for row in connection.execute(sa.select(plan).where(plan.c.usecase == name)):
            found[row.hash] = str(msgspec.json.decode(row.body).get("reason", ""))
        asked = sa.select(answers.c.version, answers.c.reason).where(answers.c.system == name)
        versions = {row.version: row.reason for row in connection.execute(asked)}
        for alarm in alarms.every(connection, name):
            found[alarm.said or "-"] = alarm.words
    for each in world.of(Action.SYSTEM_ANSWERED):
        found[_content(each)] = versions.get(each.detail.get("version"), "")
    return found


def _who(world: World, event: Event) -> Words:
    role = str(event.detail.get("role", ""))
    who = world.who(event.actor)
    return listed((who, named("role", role)), "comma") if role else who


def told(world: World, event: Event) -> Words:
    """What an event says, in words."""
    label = named("action", event.action)
    more = TELLS.get(event.action, _nothing)(world, event)
    return paired(label, more) if more else label


def _nothing(world: World, event: Event) -> Words:  # noqa: ARG001
    return {}


def _gate(world: World, event: Event) -> Words:
    gate = named("state", str(event.detail.get("target", "")))
    lacks = _lacking(world, [str(each) for each in event.detail.get("despite", ())])
    return say("despite", words=gate, why=lacks) if lacks else gate


def _lacking(world: World, codes: list[str]) -> Words:
    """What lacked when a gate was signed; the duties that were open by their articles."""
    articles = {each.duty.id: law(f"{each.duty.law} {each.duty.article}") for each in world.known.obligations}
    found = [named("lacking", each) for each in codes if not each.startswith(_DUTY)]
    ids = [each.removeprefix(_DUTY) for each in codes if each.startswith(_DUTY)]
    if ids:
        open_ = listed((articles.get(each) or same(each) for each in ids), "comma")
        found.append(paired(named("lacking", "duties"), open_))
    return listed(found, "comma")


def _moved(world: World, event: Event) -> Words:  # noqa: ARG001
    before, after = (named("state", str(event.detail.get(key, ""))) for key in ("from", "to"))
    return say("arrow", before=before, after=after)


def _reopened(world: World, event: Event) -> Words:  # noqa: ARG001
    return listed(
        paired(named("state", gate), listed((named("why", str(each)) for each in why), "comma"))
        for gate, why in dict(event.detail.get("gates", {})).items()
    )


def _model(world: World, event: Event) -> Words:  # noqa: ARG001
    before, after = (same(str(event.detail.get(key, ""))[:12] or "–") for key in ("from", "to"))
    return say("arrow", before=before, after=after)


def _settings(world: World, event: Event) -> Words:
    """Each threshold that changed, from what to what."""
    card, before = _card(world.name), {}
    with suppress(NotFound):  # nothing was in force before but the card's own
        before = uses.use_settings(world.hospital.engine, world.name, str(event.detail.get("from", "")))
    after = dict(event.detail.get("values", {}))
    before = card.fill(before) if card and not set(before) - {each.name for each in card.settings} else before
    found = []
    for key, value in after.items():
        if before.get(key) == value:
            continue
        label = {code: card.say(f"setting.{key}", code) for code in LANGUAGES} if card else same(key)
        old = number(before[key]) if key in before else same("–")
        found.append(paired(label, say("arrow", before=old, after=number(float(value)))))
    return listed(found)


def _card(name: str) -> Card | None:
    try:
        return find(name).card
    except NotFound:
        return None


def _regime(world: World, event: Event) -> Words:
    key = str(event.detail.get("regime", ""))
    return next((each.text for each in world.questions.regimes if each.key == key), same(key))


def _version(world: World, event: Event) -> Words:  # noqa: ARG001
    return say("say_number", number=event.detail.get("version", event.detail.get("number", "")))


def _run(world: World, event: Event) -> Words:  # noqa: ARG001
    return same(str(event.detail.get("run", "")))


def _looked(world: World, event: Event) -> Words:  # noqa: ARG001
    return named("verdict", str(event.detail.get("verdict", "")))


def _alarm(world: World, event: Event) -> Words:
    """Which rule or monitor, and of a stop its figures."""
    monitor, about = str(event.detail.get("monitor", "")), str(event.detail.get("about", ""))
    words = named("rule", monitor.removeprefix("stop."))
    if about:
        words = say("about", words=words, about=about)
    if event.detail.get("level") != "stop":
        return words
    table = metadata.tables["monitoring_alarm"].c
    with reading(world.hospital.engine) as connection:
        asked = sa.select(table.figures).where(table.id == event.detail.get("alarm"))
        figures = connection.execute(asked).scalar() or {}
    if not {"value", "limit", "cases"} <= figures.keys():
        return say("stopped", words=words)
    shown = {key: number(float(figures[key])) for key in ("value", "limit", "cases")}
    return say("stopped_at", words=words, **shown)


TELLS: Mapping[str, Callable[[World, Event], Words]] = {
    Action.SYSTEM_ADDED: _version,
    Action.SYSTEM_CHANGED: _version,
    Action.SYSTEM_ANSWERED: _regime,
    Action.USE_SIGNED: _gate,
    Action.USE_REFUSED: _gate,
    Action.USE_REOPENED: _reopened,
    Action.USE_MOVED: _moved,
    Action.USE_MODEL_CHANGED: _model,
    Action.USE_SETTINGS_CHANGED: _settings,
    Action.USE_RULES_CHANGED: _nothing,
    Action.VALIDATION_KEPT: _run,
    Action.TRIAL_REGISTERED: _version,
    Action.TRIAL_LOOKED: _looked,
    Action.ALARM_RAISED: _alarm,
    Action.ALARM_ACKNOWLEDGED: _alarm,
    Action.ALARM_UNDONE: _alarm,
}
"""The events that the history tells, and what each says beside its name."""
