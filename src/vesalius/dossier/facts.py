"""What the platform knows of a use, each fact in every language with the events that say it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from vesalius.card import LANGUAGES, Card
from vesalius.dossier.document import Words
from vesalius.dossier.words import same, say
from vesalius.errors import NotFound
from vesalius.governance import register
from vesalius.governance.audit import Action, Event
from vesalius.usecase import find

if TYPE_CHECKING:
    from vesalius.hospital import Hospital

Fact = tuple[Words, tuple[int, ...]]
KEYS = (
    "title", "maker", "version", "purpose", "population", "not_for", "target", "users", "inputs", "limits",
    "regime", "answers", "state", "signatures", "changes", "trial", "answered", "decisions", "alarms", "log",
)  # fmt: skip
MOST = 12
"""How many events a line names; the annex lists all."""


def gather(hospital: Hospital, name: str, events: list[Event], size: int) -> dict[str, Fact]:
    """Every fact of :data:`KEYS` that is known."""
    known = register.facts(hospital.engine, name)
    found = _of_entry(known.entry) if known.entry else _of_card(_card(name))
    found |= _of_register(known, events)
    found |= {key: _counted(events, actions) for key, actions in COUNTED.items()}
    first, last = events[0].at if events else None, events[-1].at if events else None
    if first and last:
        words = say("say_log", size=size, first=f"{first:%Y-%m-%d}", last=f"{last:%Y-%m-%d}", own=len(events))
        found["log"] = (words, (events[0].seq, events[-1].seq))
    return {key: fact for key, fact in found.items() if fact[0]}


COUNTED: Mapping[str, tuple[Action, ...]] = {
    "changes": (Action.USE_MODEL_CHANGED, Action.USE_SETTINGS_CHANGED, Action.USE_RULES_CHANGED),
    "trial": (Action.TRIAL_REGISTERED, Action.TRIAL_LOOKED),
    "answered": (Action.REPORT_ANSWERED, Action.REPORT_UNDONE),
    "decisions": (Action.SUGGESTION_DECIDED, Action.SUGGESTION_UNDONE),
    "alarms": (Action.ALARM_RAISED, Action.ALARM_ACKNOWLEDGED, Action.USE_REOPENED),
}


def _counted(events: Iterable[Event], actions: tuple[Action, ...]) -> Fact:
    own = [each for each in events if each.action in actions]
    if not own:
        return say("say_none"), ()
    counts = Counter(str(each.action) for each in own)
    words = same(", ".join(f"{action} × {count}" for action, count in sorted(counts.items())))
    return words, tuple(each.seq for each in own[-MOST:])


def _card(name: str) -> Card | None:
    try:
        return find(name).card
    except NotFound:
        return None


def _of_card(card: Card | None) -> dict[str, Fact]:
    if card is None or not card.texts:
        return {}
    made: dict[str, Fact] = {"version": (same(card.version), ())}
    for key in ("title", "purpose", "population", "not_for", "target"):
        made[key] = ({code: card.say(key, code) for code in LANGUAGES}, ())
    made["users"] = (same(", ".join(card.reviewers)), ())
    made["inputs"] = (_every(lambda code: "; ".join(_inputs(card, code))), ())
    made["limits"] = (
        _every(lambda code: " ".join(card.say(f"limit.{key}", code) for key in card.limits)),
        (),
    )
    return made


def _inputs(card: Card, code: str) -> list[str]:
    """The names of what it reads; what is measured again and again has one name for all its figures."""
    texts = card.texts[code]
    found = (texts.get(f"input.{each.name}", "") for each in card.inputs)
    return list(dict.fromkeys(each for each in found if each and "{" not in each))


def _every(words: Callable[[str], str]) -> Words:
    found = {code: words(code) for code in LANGUAGES}
    return found if all(found.values()) else {}


def _of_entry(entry: register.Entry) -> dict[str, Fact]:
    values = {
        "title": entry.title,
        "maker": entry.maker,
        "purpose": entry.purpose,
        "version": f"{entry.version} (CE {entry.ce_class})",
        "inputs": entry.device,
    }
    return {key: (same(text), ()) for key, text in values.items()}


def _of_register(known: register.Facts, events: list[Event]) -> dict[str, Fact]:
    moved = [each.seq for each in events if each.action == Action.USE_MOVED]
    made: dict[str, Fact] = {"state": (same(known.state), tuple(moved[-1:]))}
    if known.classification:
        said, event = known.classification, (known.classification.event,)
        regime = {code: f"{text} ({said.regime.article})" for code, text in said.regime.text.items()}
        made["regime"] = (regime, event)
        made["answers"] = (same("; ".join(f"{key}: {value}" for key, value in said.answers.items())), event)
    signed = [each for slots in known.signatures.values() for each in slots.values()]
    if signed:
        lines = (f"{each.gate}: {each.by} ({each.role}), {each.at:%Y-%m-%d}" for each in signed)
        made["signatures"] = (same("; ".join(lines)), tuple(sorted(each.event for each in signed)))
    return made
