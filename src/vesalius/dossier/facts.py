"""What the platform knows of a use, each fact in every language with the events that say it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vesalius.card import LANGUAGES, Card
from vesalius.dossier.document import Words
from vesalius.dossier.words import count, day, law, listed, named, number, paired, same, say
from vesalius.errors import InvalidCard, NotFound
from vesalius.governance import people, register, uses
from vesalius.governance.audit import SYSTEM, Action, Event
from vesalius.governance.classifying import Questions
from vesalius.usecase import find

if TYPE_CHECKING:
    from vesalius.evaluation import Estimate, Run
    from vesalius.hospital import Hospital

Fact = tuple[Words, tuple[int, ...]]
MOST = 12
"""How many events a line names; the annex lists all."""


@dataclass(frozen=True)
class World:
    """All that the facts are made from.

    Attributes:
        hospital: whose.
        name: the use.
        known: what the register says.
        events: its own, in order.
        size: how many events the whole audit has.
        questions: the questionnaire in force.
        run: the validation run, or None.
        people: the names of the accounts.
    """

    hospital: Hospital
    name: str
    known: register.Facts
    events: list[Event]
    size: int
    questions: Questions
    run: Run | None
    people: Mapping[str, str] = field(default_factory=dict)

    def who(self, account: str) -> Words:
        """Whom an account belongs to, with the account beside the name."""
        if account == SYSTEM:
            return say("system")
        name = self.people.get(account, "")
        return same(f"{name} ({account})" if name and name != account else account)

    def of(self, *actions: Action) -> list[Event]:
        """Its events of some kinds, in order."""
        return [each for each in self.events if each.action in actions]


def everyone(hospital: Hospital) -> dict[str, str]:
    """The name of each account."""
    return {each.id: each.name for each in people.everyone(hospital.engine)}


def gather(world: World) -> dict[str, Fact]:
    """Every fact that is known."""
    known, events = world.known, world.events
    found = _of_entry(known.entry) if known.entry else _of_card(world, _card(world.name))
    found |= _of_register(world)
    found |= {key: _counted(events, actions) for key, actions in COUNTED.items()}
    found["decisions"] = _decisions(world)
    found["trained"] = _trained(world)
    found["validation"] = _validation(world)
    if events:
        first, last = day(events[0].at), day(events[-1].at)
        words = say("say_log", size=world.size, first=first, last=last, own=count("events_of", len(events)))
        found["log"] = (words, (events[0].seq, events[-1].seq))
    return {key: fact for key, fact in found.items() if fact[0]}


COUNTED: Mapping[str, tuple[Action, ...]] = {
    "changes": (Action.USE_MODEL_CHANGED, Action.USE_SETTINGS_CHANGED, Action.USE_RULES_CHANGED),
    "trial": (Action.TRIAL_REGISTERED, Action.TRIAL_LOOKED),
    "answered": (Action.REPORT_ANSWERED, Action.REPORT_UNDONE),
    "alarms": (Action.ALARM_RAISED, Action.ALARM_ACKNOWLEDGED, Action.USE_REOPENED),
}


def times(counts: Mapping[str, int], kind: str = "action") -> Words:
    """How often each thing happened, in words: ``Decided on a suggestion: 61``."""
    return listed(paired(named(kind, each), same(str(many))) for each, many in counts.items())


def _counted(events: Iterable[Event], actions: tuple[Action, ...]) -> Fact:
    own = [each for each in events if each.action in actions]
    if not own:
        return say("say_none"), ()
    counts = Counter(str(each.action) for each in own)
    return times(dict(sorted(counts.items()))), tuple(each.seq for each in own[-MOST:])


def _decisions(world: World) -> Fact:
    decided, undone = world.of(Action.SUGGESTION_DECIDED), world.of(Action.SUGGESTION_UNDONE)
    if not decided:
        return say("say_none"), ()
    counts = dict(Counter(str(each.detail.get("action")) for each in decided).most_common())
    words = [times(counts, "decision")]
    if undone:
        words.append(paired(named("action", Action.SUGGESTION_UNDONE), same(str(len(undone)))))
    return listed(words), tuple(each.seq for each in (*decided, *undone)[-MOST:])


def _trained(world: World) -> Fact:
    passed = world.of(Action.COURSE_PASSED)
    if not passed:
        return say("say_untrained"), ()
    who = sorted({each.actor for each in passed})
    return (
        paired(count("say_trained", len(who)), listed(map(world.who, who), "comma")),
        tuple(each.seq for each in passed[-MOST:]),
    )


def _validation(world: World) -> Fact:
    """The figures of the stored run: what it was measured on, and how well it did."""
    run = world.run
    if run is None:
        return say("say_no_run"), ()
    first = run.performances[0]
    words = say(
        "say_run", run=run.id, digest=hashlib.sha256(run.to_bytes()).hexdigest(),
        patients=run.patients, rows=run.rows, outcomes=run.events,
        first=run.first[:10], last=run.last[:10], auroc=ranged(first.auroc), slope=ranged(first.slope),
    )  # fmt: skip
    cited = [
        each.seq
        for each in world.of(Action.VALIDATION_KEPT, Action.USE_SIGNED)
        if run.id in (each.detail.get("run"), *str(each.detail.get("on", "")).split())
    ]
    return words, tuple(cited[-MOST:]) or tuple(each.seq for each in world.of(Action.USE_HISTORY_READ)[-1:])


def ranged(estimate: Estimate | None) -> Words:
    """A figure with its 95 % interval; a dash where there is none."""
    if estimate is None or estimate.value is None:
        return same("–")
    value = number(estimate.value)
    if estimate.low is None or estimate.high is None:
        return value
    return say("ranged", value=value, low=number(estimate.low), high=number(estimate.high))


def _card(name: str) -> Card | None:
    try:
        return find(name).card
    except NotFound:
        return None


def _of_card(world: World, card: Card | None) -> dict[str, Fact]:
    if card is None or not card.texts:
        return {}
    use = uses.current(world.hospital.engine, world.name)
    shipped = shipped_model(world.name)
    own = bool(use.model) and use.model != shipped
    changed = [each for each in world.of(Action.USE_MODEL_CHANGED) if each.detail.get("to") == use.model]
    made: dict[str, Fact] = {}
    model = use.model or shipped
    words = say("say_version", version=card.version, model=model or "–")
    if changed and own:
        last = changed[-1]
        words = say("say_own", words=words, day=day(last.at), who=world.who(last.actor))
    made["version"] = (words, tuple(each.seq for each in changed[-1:]))
    for key in ("title", "purpose", "population", "not_for", "target"):
        made[key] = ({code: card.say(key, code) for code in LANGUAGES}, ())
    made["users"] = (listed((named("role", each) for each in card.reviewers), "comma"), ())
    made["inputs"] = (_every(lambda code: "; ".join(_inputs(card, code))), ())
    limits = card.limits_of(own=own)
    made["limits"] = (_every(lambda code: " ".join(card.say(f"limit.{key}", code) for key in limits)), ())
    return made


def shipped_model(name: str) -> str:
    """The SHA-256 of the model that a use ships; empty where it ships none."""
    try:
        model: Any = find(name)().model
    except (NotFound, InvalidCard):
        return ""
    return model.hash if model is not None else ""


def _inputs(card: Card, code: str) -> list[str]:
    """The names of what it reads; what is measured again and again has one name for all its figures."""
    texts = card.texts[code]
    found = (texts.get(f"input.{each.name}", "") for each in card.inputs)
    return list(dict.fromkeys(each for each in found if each and "{" not in each))


def _every(words: Callable[[str], str]) -> Words:
    found = {code: words(code) for code in LANGUAGES}
    return found if all(found.values()) else {}


def _of_entry(entry: register.Entry) -> dict[str, Fact]:
    values = {"title": entry.title, "maker": entry.maker, "purpose": entry.purpose, "inputs": entry.device}
    made: dict[str, Fact] = {key: (same(text), ()) for key, text in values.items()}
    made["version"] = (say("say_marked", version=entry.version, ce=entry.ce_class), ())
    return made


def _of_register(world: World) -> dict[str, Fact]:
    known = world.known
    moved = [each.seq for each in world.of(Action.USE_MOVED)]
    since = uses.current(world.hospital.engine, world.name).since
    state = named("state", known.state)
    words = say("say_state", state=state, day=day(since)) if since else state
    made: dict[str, Fact] = {"state": (words, tuple(moved[-1:]))}
    if known.entry:
        told = tuple(each.seq for each in world.of(Action.SYSTEM_ADDED, Action.SYSTEM_CHANGED)[-1:])
        made |= {key: (fact, told) for key, (fact, _) in _of_entry(known.entry).items()}
    if known.classification:
        said, event = known.classification, (known.classification.event,)
        article = law(said.regime.article)
        made["regime"] = (
            {code: f"{text} ({article[code]})" for code, text in said.regime.text.items()},
            event,
        )
        asked = {each.key: each.text for each in world.questions.questions}
        pairs = (
            paired(_unasked(asked.get(key, same(key))), _choice(world.questions, value))
            for key, value in said.answers.items()
        )
        made["answers"] = (listed(pairs), event)
    signed = [each for slots in known.signatures.values() for each in slots.values()]
    if signed:
        lines = (
            say(
                "say_signed", gate=named("state", str(each.gate)), who=world.who(each.by),
                role=named("role", each.role), day=day(each.at),
            )
            for each in signed
        )  # fmt: skip
        made["signatures"] = (listed(lines), tuple(sorted(each.event for each in signed)))
    return made


def _unasked(question: Words) -> Words:
    """A question as the name of its answer."""
    return {code: text.removesuffix("?").rstrip() for code, text in question.items()}


def _choice(questions: Questions, value: str) -> Words:
    return {code: questions.choice(value, code) for code in LANGUAGES}
