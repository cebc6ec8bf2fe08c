"""From what is kept of a suggestion to the sheet that a patient can read. Nothing here reads a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from vesalius.card import Card
from vesalius.explanation import pictures
from vesalius.explanation.document import Part, Sheet
from vesalius.explanation.words import Words, rounded
from vesalius.review import Decision, Filed
from vesalius.usecase import Reason

if TYPE_CHECKING:
    from vesalius.evaluation import Run

MOST_REASONS = 5
"""How many reasons are drawn: the main ones (AI Act, article 86(1): "the main elements of the decision")."""

MOST_FACTS = 20
MOST_MISSING = 8

LITTLE = 0.05
"""A fact that changes the log odds by less than this (one percentage point at most) is no main reason."""

FEW = 20
"""With fewer people like the patient than this, nothing is said about them."""


@dataclass(frozen=True)
class Facts:
    """All that a sheet is made from.

    Attributes:
        filed: the suggestion, with its decisions.
        card: of its use.
        hospital: the hospital's name.
        who: the name of the person who decided; empty where the hospital gives only the role.
        known_at: by versioned reference, when the hospital knew it.
        run: the latest validation, of the same model; None where there is none.
        contact: whom to ask here; empty where the hospital did not say.
        synthetic: whether the patients are made up.
    """

    filed: Filed
    card: Card
    hospital: str
    who: str = ""
    known_at: Mapping[str, datetime] = field(default_factory=dict)
    run: Run | None = None
    contact: str = ""
    synthetic: bool = False


def compose(facts: Facts, language: str) -> Sheet:
    """The sheet of one suggestion, in one language."""
    words, filed = Words(facts.card, language), facts.filed
    silent = filed.mode == "silent"
    parts = _silent(words) if silent else _spoken(words, facts)
    display = filed.display
    about = words.say("about", name=display.patient, born=words.born(display.birth_date))
    return Sheet(
        language=language,
        hospital=facts.hospital,
        day=filed.as_of.date().isoformat(),
        title=words.say("title"),
        lead=words.say("silent.lead" if silent else "lead"),
        about=about if display.patient and display.birth_date else display.patient,
        tool=words.say("tool", title=words.plain("title", "title")),
        banner=words.say("synthetic") if facts.synthetic else "",
        parts=(*parts, refusing(words), rights(words, facts.contact)),
        foot=words.say("foot", id=filed.id, version=filed.version, day=words.day(filed.as_of)),
    )


def notice(
    card: Card,
    language: str,
    hospital: str,
    *,
    run: Run | None = None,
    contact: str = "",
    day: str = "1970-01-01",
) -> Sheet:
    """The notice for all patients of a ward where a use speaks (AI Act, article 26(11))."""
    words = Words(card, language)
    return Sheet(
        language=language,
        hospital=hospital,
        day=day,
        title=words.say("notice.title", title=words.plain("title", "title")),
        lead=words.say("notice.lead"),
        parts=(
            Part(title=words.say("notice.does"), before=(words.plain("does", "purpose"),)),
            Part(title=words.say("notice.human"), before=(words.say("human.words"),)),
            Part(title=words.say("notice.data"), before=(words.say("notice.data_words"),)),
            Part(title=words.say("notice.limits"), before=_blind(words)),
            _good(words, run),
            refusing(words),
            rights(words, contact, ask=words.say("notice.ask")),
        ),
    )


def refusing(words: Words) -> Part:
    """How to refuse that a tool speaks of one, and that one's data is used for anything but care.

    GDPR, article 21(4): the right to object is told clearly and apart from other information; Regulation (EU)
    2025/327, article 71(1): without a reason, at any time, and reversible.
    """
    said = tuple(words.say(f"refuse.{key}") for key in ("tool", "research", "no_reason"))
    return Part(title=words.say("refuse.title"), before=said)


def rights(words: Words, contact: str, ask: str = "") -> Part:
    """Whom to ask, and how to contest.

    GDPR, articles 12, 15(1)(h), 16, 22(3) and 77; AI Act, articles 85 and 86; Belgian law of 22 August 2002
    on the rights of patients, article 11 (the ombudsman of the hospital).
    """
    said = [
        ask or words.say("rights.ask"),
        *(words.say(f"rights.{key}") for key in ("contest", "copy", "complain")),
    ]
    if contact:
        said.append(words.say("rights.contact", contact=contact))
    return Part(title=words.say("rights.title"), before=tuple(said))


def similar(run: Run, probability: float) -> tuple[int, float, float, float] | None:
    """Those with about this probability in a run: how many, from and to which, the share with the outcome."""
    with_, without = run.histogram.with_outcome, run.histogram.without_outcome
    bins = len(with_)
    here = min(bins - 1, int(probability * bins))
    first, last = max(0, here - 1), min(bins, here + 2)
    events, others = sum(with_[first:last]), sum(without[first:last])
    if events + others < FEW:
        return None
    return round(events + others), first / bins, last / bins, events / (events + others)


def _silent(words: Words) -> tuple[Part, ...]:
    said = (words.say("silent.words"), words.say("silent.who"))
    return (Part(title=words.say("silent.title"), before=said),)


def _spoken(words: Words, facts: Facts) -> tuple[Part, ...]:
    human = Part(
        title=words.say("human.title"), before=(words.plain("does", "purpose"), words.say("human.words"))
    )
    return (
        _decided(words, facts),
        _said(words, facts),
        _why(words, facts.filed),
        _sure(words, facts),
        _data(words, facts),
        _unknown(words, facts.filed),
        human,
        _good(words, facts.run),
    )


def _decided(words: Words, facts: Facts) -> Part:
    filed, decision = facts.filed, facts.filed.decision
    title = words.say("decided.title")
    if decision is None:
        key = "expired" if filed.status == "expired" else "open"
        return Part(title=title, before=(words.say(f"decided.{key}"),))
    said, what = words.option(filed.option), words.option(decision.option or filed.option)
    lines = [
        words.say(f"decided.{decision.action}", who=_who(words, decision, facts.who), what=what, said=said)
    ]
    if decision.reason:
        reason = words.plain(f"reason.{decision.reason}", f"reason.{decision.reason}")
        lines.append(words.say("decided.reason", reason=reason[:1].lower() + reason[1:]))
    lines.append(words.say("decided.when", day=words.day(decision.at)))
    return Part(title=title, before=tuple(lines))


def _who(words: Words, decision: Decision, name: str) -> str:
    role = decision.role if decision.role in ("doctor", "nurse", "biologist", "pharmacist") else "other"
    said = words.say(f"role.{role}")
    return words.say("role.named", name=name, role=said[:1].lower() + said[1:]) if name else said


def _said(words: Words, facts: Facts) -> Part:
    said = words.say("said.option", what=words.option(facts.filed.option))
    return Part(title=words.say("said.title"), before=(said,))


def _why(words: Words, filed: Filed) -> Part:
    reasons = filed.suggestion.reasons
    main = [each for each in reasons if each.rule is None and abs(each.contribution) >= LITTLE]
    main = sorted(main, key=lambda each: -abs(each.contribution))[:MOST_REASONS]
    rules = tuple(words.say("why.rule", source=each) for each in _rule_sources(words, reasons))
    if not main:
        return Part(title=words.say("why.title"), before=rules or (words.say("why.none"),))
    drawn = [
        (
            _fact(words, each),
            each.contribution,
            words.say("why.more" if each.contribution > 0 else "why.less"),
        )
        for each in main
    ]
    told = "; ".join(f"{fact}, {direction}" for fact, _, direction in drawn)
    return Part(
        title=words.say("why.title"),
        before=(words.say("why.intro"),),
        picture=pictures.weights(drawn, words.say("why.picture", facts=told)),
        after=rules,
    )


def _rule_sources(words: Words, reasons: tuple[Reason, ...]) -> list[str]:
    keys = [str(each.rule.values.get("source", "")) for each in reasons if each.rule is not None]
    return [words.card.say(key, words.language) for key in dict.fromkeys(keys) if key]


def _fact(words: Words, reason: Reason) -> str:
    name, value = words.input(reason.input), words.value(reason.input, reason.value)
    return words.say("data.bare", fact=name, value=value) if value else name


def _sure(words: Words, facts: Facts) -> Part:
    item, title = facts.filed.suggestion, words.say("sure.title")
    outcome = words.plain("outcome", "target")
    if item.probability is None:
        return Part(title=title, before=(words.say("sure.none"),))
    share = item.probability
    yes, no = words.of_hundred(share), words.of_hundred(1 - share)
    before, after = [words.say("sure.own", yes=yes, no=no, outcome=outcome)], []
    if item.interval is not None:
        low, high = (str(rounded(each)) for each in item.interval)
        before.append(words.say("sure.range", low=low, high=high))
    like = similar(facts.run, share) if facts.run is not None else None
    if like is not None:
        seen = words.of_hundred(like[3])
        after.append(words.say("sure.similar", count=like[0], seen=seen, outcome=outcome))
    after.append(words.say("sure.person"))
    full = rounded(share)
    picture = pictures.people(full, words.say("sure.picture", yes=full, no=100 - full))
    return Part(title=title, before=tuple(before), picture=picture, after=tuple(after))


def _data(words: Words, facts: Facts) -> Part:
    title, points = words.say("data.title"), {}
    for reason in facts.filed.suggestion.reasons:
        value = words.value(reason.input, reason.value)
        if not value or not words.knows(reason.input):
            continue
        days = [facts.known_at[each] for each in reason.sources if each in facts.known_at]
        key, more = ("data.line", {"day": words.day(max(days))}) if days else ("data.bare", {})
        points[reason.input] = words.say(key, fact=words.input(reason.input), value=value, **more)
    if not points:
        return Part(title=title, before=(words.say("data.none"), words.say("data.only")))
    return Part(
        title=title,
        before=(words.say("data.intro"),),
        points=_cut(words, list(points.values()), MOST_FACTS),
        after=(words.say("data.only"),),
    )


def _unknown(words: Words, filed: Filed) -> Part:
    missing = list(dict.fromkeys(words.input(name) for name in filed.suggestion.missing))
    return Part(
        title=words.say("unknown.title"),
        before=(words.say("unknown.intro"),) if missing else (),
        points=_cut(words, missing, MOST_MISSING),
        after=_blind(words),
    )


def _blind(words: Words) -> tuple[str, ...]:
    own = words.of_card("unknown")
    return (*((own,) if own else ()), words.say("unknown.always"))


def _cut(words: Words, points: list[str], most: int) -> tuple[str, ...]:
    more = (words.say("unknown.more", count=len(points) - most),) if len(points) > most else ()
    return (*points[:most], *more)


def _good(words: Words, run: Run | None) -> Part:
    title = words.say("good.title")
    row = None
    if run is not None and run.thresholds:
        at = max(run.in_force, default=run.events / run.rows)
        row = min(run.thresholds, key=lambda each: abs(each.probability - at))
    if run is None or row is None or row.sensitivity.value is None or row.specificity.value is None:
        return Part(title=title, before=(words.say("good.none"),))
    return Part(
        title=title,
        before=(
            words.say("good.tested", rows=run.patients),
            words.say("good.found", found=rounded(row.sensitivity.value)),
            words.say("good.wrong", wrong=rounded(1 - row.specificity.value)),
        ),
    )
