"""One suggestion: what, why, how sure, from which data, what would change it; and the reader's decision."""

from __future__ import annotations

import json
from datetime import datetime, time, timedelta

from starlette.responses import Response

from vesalius import identity, loop, trial
from vesalius.console import glass
from vesalius.console.contexts import (
    Advice,
    Choice,
    DecisionForm,
    Ending,
    Fact,
    Rule,
    Similar,
    SourceLink,
    SuggestionPage,
    Taken,
    Turn,
)
from vesalius.console.languages import N_, NAMED, ZONE
from vesalius.console.runs import latest_run, similar
from vesalius.console.sources import links
from vesalius.console.traces import traces_of
from vesalius.console.visit import ROLES, Visit, redirect, render
from vesalius.console.words import STATUSES, Speaker, cards, chance, is_bought, patients, speaker
from vesalius.errors import InvalidDecision, NotAllowed, NotFound, OutsideCare, Untrained
from vesalius.governance import Right, audit, consent, people, uses
from vesalius.governance.access import Grant, Relation
from vesalius.governance.literacy import ADDRESS
from vesalius.governance.purposes import Purpose
from vesalius.review import ACTIONS, WAITING, Decision, Filed
from vesalius.usecase import Reason

DELAYS = (
    ("30m", N_("30 minutes")),
    ("1h", N_("1 hour")),
    ("4h", N_("4 hours")),
    ("morning", N_("08:00 tomorrow")),
)
"""For how long a suggestion can be deferred."""

UNTRAINED = N_("Nothing was written: this hospital asks you to pass this course before you decide.")
PROBLEM = N_(
    "That decision is not complete: choose one of the reasons or options, or write it in your words."
)
NO_ROLE = N_("Your role reads this suggestion; it does not decide on it.")
REPLACED = N_(
    "This patient was merged into another record, %(patient)s, on %(day)s. The suggestion stays as it was"
    " filed; what arrives now is about that record."
)
JOINED = N_(
    "Since this suggestion was made, another record, %(patient)s, was merged into this patient: what it holds"
    " was not known to the tool."
)
ERASED = N_(
    "What this suggestion was made from was erased on request on %(day)s. Only what was proposed and decided"
    " is kept."
)
OBJECTS = N_("Nothing is left to decide: the patient objects to AI suggestions.")
CLOSED = N_("Nothing is left to decide: the outcome is known, or the tool was stopped.")

UNKNOWN = N_("not known")

LITTLE = 0.05
"""A fact that changes the log odds by less than this (one percentage point at most) is not drawn."""

Links = dict[str, SourceLink]


def show(visit: Visit) -> Response:
    """The page."""
    filed = _read(visit)
    try:
        grant = _grant(visit, filed)
    except OutsideCare as error:
        return glass.refused(visit, filed, error)
    visit.note(audit.Action.SUGGESTION_READ, filed.id, {"subject": filed.subject} | grant.detail)
    return render(visit, "suggestion.html", _page(visit, filed, until=glass.until(visit, filed, grant)))


def _grant(visit: Visit, filed: Filed) -> Grant:
    """For what, and by which relation, the reader sees it; a silent one is read to judge the tool."""
    if filed.erased is not None:  # nothing in it says whom it was about
        return Grant(Purpose.TREAT, Relation.NOT_ASKED)
    right = Right.SEE_SILENT if filed.mode == "silent" else Right.SEE_WORKLIST
    return visit.hospital.access.require(visit.who, right, filed.subject, at=visit.now)


def decide(visit: Visit) -> Response:
    """Takes the reader's decision, and shows the page again; says what is missing when it is not complete."""
    filed = _read(visit)
    grant = visit.hospital.access.require(visit.who, Right.DECIDE, filed.subject, at=visit.now)
    action, words = visit.form.get("action", ""), visit.form.get("words", "")
    try:
        _take(visit, filed, action, words, grant)
    except Untrained as error:
        visit.notice(UNTRAINED, "warning")
        return redirect(f"{ADDRESS}{error.course}")
    except InvalidDecision:
        visit.note(audit.Action.SUGGESTION_READ, filed.id, {"subject": filed.subject} | grant.detail)
        return render(visit, "suggestion.html", _page(visit, filed, action, words, visit.say(PROBLEM)), 400)
    return redirect(f"/suggestions/{filed.id}")


def _take(visit: Visit, filed: Filed, action: str, words: str, grant: Grant) -> None:
    known = next((each for each in ACTIONS if each == action), None)
    if known is None:
        raise InvalidDecision("there is no such action")
    reviewers = speaker(filed.usecase, visit.language).card.reviewers
    seen = visit.form.get("seen", "")
    visit.hospital.review.decide(
        filed.id,
        known,
        by=visit.who.id,
        role=visit.who.role_among(reviewers) or visit.who.role,
        reason=visit.form.get("reason", "") if known == "overridden" else "",
        words=words,
        option=visit.form.get("option", "") if known == "modified" else "",
        until=_until(visit.form.get("delay", ""), visit.now) if known == "deferred" else None,
        at=visit.now,
        seen=int(seen) if seen.isdecimal() and len(seen) < 9 else -1,
        grant=grant.detail,
    )


def _read(visit: Visit) -> Filed:
    filed = visit.hospital.review.get(visit.path("id"))
    hushed = filed.usecase in cards() and loop.hush(visit.hospital, filed.usecase, visit.now)
    if loop.spare(visit.hospital, visit.now) or hushed:
        filed = visit.hospital.review.get(filed.id)
    if filed.mode == "silent" and not _closed(visit, filed):
        # nobody who treats may be swayed by a tool that has not earned it
        raise NotAllowed(
            "this suggestion was made in silence: it is kept to compare, and shown to nobody who treats"
        )
    return filed


def _closed(visit: Visit, filed: Filed) -> bool:
    """Whether a silent one is a closed case of a look that was taken, and the reader may judge such cases."""
    reviewers = speaker(filed.usecase, visit.language).card.reviewers
    if not visit.may(Right.SEE_SILENT) or not visit.who.role_among(reviewers):
        return False
    stands = trial.state(visit.hospital, filed.usecase, visit.now)
    return trial.shown(filed, stands.plan, stands.looks[-1].at if stands.looks else None)


def _until(delay: str, now: datetime) -> datetime | None:
    if delay == "morning":
        local = now.astimezone(ZONE)
        return datetime.combine(local.date() + timedelta(days=1), time(8), ZONE)
    spans = {"30m": timedelta(minutes=30), "1h": timedelta(hours=1), "4h": timedelta(hours=4)}
    return now + spans[delay] if delay in spans else None


def _merged(visit: Visit, filed: Filed) -> str:
    """Whether it was erased, or the patient was merged with another after what the suggestion knew."""
    if filed.erased is not None:
        made_at = getattr(visit.hospital.lake.erasure(filed.erased), "at", filed.as_of)
        return visit.say(ERASED, day=visit.language.day(made_at))
    patient = filed.subject.removeprefix("Patient/")
    for made in identity.merges(visit.hospital.engine, patient):
        if not made.active or made.at <= filed.as_of:
            continue
        words, other = (REPLACED, made.target) if made.source == patient else (JOINED, made.source)
        return visit.say(words, patient=f"Patient/{other}", day=visit.language.day(made.at))
    return ""


def _objects(visit: Visit, filed: Filed) -> bool:
    standing = consent.standing(visit.hospital.lake, [filed.subject], visit.now)
    return consent.Kind.SUGGESTIONS in standing.get(filed.subject, ())


def _page(
    visit: Visit,
    filed: Filed,
    action: str = "",
    words: str = "",
    problem: str = "",
    until: datetime | None = None,
) -> SuggestionPage:
    said, item = speaker(filed.usecase, visit.language), filed.suggestion
    found = links(visit.hospital.lake, _about(said, filed))
    facts = _facts(said, filed, found)
    taken = tuple(taken_of(visit, said, filed, decision) for decision in reversed(filed.decisions))
    label, tone = STATUSES[filed.status]
    form, objects = _form(visit, said, filed, action, words, problem), _objects(visit, filed)
    return SuggestionPage(
        id=filed.id,
        usecase=filed.usecase,
        title=said.say("title"),
        target=said.say("target"),
        patient=patients(visit.hospital, [filed], visit.language, visit.now)[filed.id],
        merged=_merged(visit, filed),
        objects=objects,
        indicator=item.indicator,
        option=said.option(item.option),
        summary=said.say(item.summary),
        chance=chance(filed, _settings(visit, filed)),
        rules=_rules(said, filed, found),
        advice=_advice(said, filed),
        facts=tuple(fact for fact in facts if abs(fact.contribution) >= LITTLE),
        light_facts=tuple(fact for fact in facts if abs(fact.contribution) < LITTLE),
        base=item.base,
        heaviest=max((abs(fact.contribution) for fact in facts), default=0.0),
        missing=tuple(said.input(name) for name in item.missing),
        traces=traces_of(visit, said, filed),
        turns=tuple(
            Turn(said.input(change.input), said.value(change.input, change.value), said.option(change.option))
            for change in item.changes
        ),
        limits=tuple(said.say(f"limit.{key}") for key in item.limits),
        not_for=said.say("not_for"),
        sources=tuple(
            sorted(found.values(), key=lambda link: (link.recorded_at or filed.as_of, link.reference))
        ),
        proposed=tuple(json.dumps(resource, indent=2, ensure_ascii=False) for resource in item.resources),
        similar=_similar(visit, filed),
        as_of=filed.as_of,
        filed_at=filed.created_at,
        position=filed.position,
        version=filed.version,
        model=filed.model,
        settings=filed.settings,
        status=label,
        tone=tone,
        deferred_until=filed.deferred_until,
        taken=taken,
        standing=next((each for each in taken if each.undone_at is None), None),
        ending=ending_of(filed),
        form=form,
        why_not=_why_not(form, filed, objects=objects),
        glass_until=until,
        asks_audit=visit.may(Right.SEE_AUDIT),
        bought=is_bought(filed.usecase),
    )


def _why_not(form: DecisionForm | None, filed: Filed, *, objects: bool) -> str:
    if filed.status == "expired":
        return OBJECTS if objects and filed.outcome is None else CLOSED
    return NO_ROLE if form is None and filed.status in WAITING else ""


def _about(said: Speaker, filed: Filed) -> dict[str, tuple[str, ...]]:
    """For each resource that was read, the names of the inputs it gave."""
    names: dict[str, dict[str, None]] = {}
    for reason in filed.suggestion.reasons:
        for source in reason.sources:
            given = names.setdefault(source, {})
            if reason.rule is None:
                given[said.input(reason.input)] = None
    return {source: tuple(given) for source, given in names.items()}


def _facts(said: Speaker, filed: Filed, found: Links) -> list[Fact]:
    return [
        Fact(
            said.input(reason.input),
            said.value(reason.input, reason.value),
            reason.contribution,
            _known(found, reason.sources),
        )
        for reason in filed.suggestion.reasons
        if reason.rule is None
    ]


def _rules(said: Speaker, filed: Filed, found: Links) -> tuple[Rule, ...]:
    return tuple(
        Rule(said.say(reason.rule), _known(found, reason.sources))
        for reason in filed.suggestion.reasons
        if reason.rule is not None
    )


def _advice(said: Speaker, filed: Filed) -> tuple[Advice, ...]:
    """What the ward can do about each reason of which the use case knows something."""
    return tuple(
        Advice(_fact(said, reason), said.say(reason.advice))
        for reason in filed.suggestion.reasons
        if reason.advice is not None
    )


def _fact(said: Speaker, reason: Reason) -> str:
    """A fact with its value, as in a sentence; a diagnosis that is there needs no "yes"."""
    name = said.input(reason.input)
    value = said.value(reason.input, reason.value) or said.language.say(UNKNOWN)
    return name if reason.value is True else said.language.say(NAMED, name=name, value=value)


def _known(found: Links, references: tuple[str, ...]) -> tuple[SourceLink, ...]:
    return tuple(found[reference] for reference in references if reference in found)


def _settings(visit: Visit, filed: Filed) -> dict[str, float]:
    """The thresholds when the suggestion was made, not those of today."""
    try:
        return uses.use_settings(visit.hospital.engine, filed.usecase, filed.settings)
    except NotFound:
        return visit.hospital.usecase(filed.usecase).settings


def _form(
    visit: Visit, said: Speaker, filed: Filed, action: str, words: str, problem: str
) -> DecisionForm | None:
    allowed = visit.may(Right.DECIDE) and visit.who.role_among(said.card.reviewers)
    if filed.status not in WAITING or not allowed:
        return None
    options = [option.code for option in said.card.options if option.code != filed.option]
    return DecisionForm(
        token=filed.revision,
        options=tuple(
            Choice(code, said.option(code), chosen=visit.form.get("option") == code) for code in options
        ),
        reasons=tuple(
            Choice(code, said.say(f"reason.{code}"), chosen=visit.form.get("reason") == code)
            for code in said.card.override_reasons
        ),
        delays=tuple(Choice(code, visit.say(label)) for code, label in DELAYS),
        action=action,
        words=words,
        problem=problem,
    )


def taken_of(visit: Visit, said: Speaker, filed: Filed, decision: Decision) -> Taken:
    """A decision, in the reader's words, with until when the reader can take it back."""
    label, tone = STATUSES[decision.action]
    limit = decision.at + timedelta(minutes=visit.hospital.settings.undo_minutes)
    mine = decision.by == visit.who.id and decision.undone_at is None
    return Taken(
        id=decision.id,
        label=label,
        tone=tone,
        by=name_of(visit, decision.by),
        role=ROLES.get(decision.role, decision.role),
        at=decision.at,
        option=said.option(decision.option) if decision.option else "",
        reason=said.say(f"reason.{decision.reason}") if decision.reason else "",
        words=decision.words,
        until=decision.until,
        undone_at=decision.undone_at,
        undo_until=limit if mine and limit > visit.now and _last(filed, decision) else None,
    )


def _last(filed: Filed, decision: Decision) -> bool:
    return not filed.decisions or (filed.decision is not None and filed.decision.id == decision.id)


def name_of(visit: Visit, login: str) -> str:
    """The name of an account, or the account itself when it was closed."""
    if login not in visit.names:
        found = people.find(visit.hospital.engine, login)
        visit.names[login] = found.name if found else login
    return visit.names[login]


def ending_of(filed: Filed) -> Ending | None:
    """What really happened, as far as it is known."""
    known = filed.outcome
    return Ending(known.value, known.label, known.known_at) if known else None


def _similar(visit: Visit, filed: Filed) -> Similar | None:
    run = latest_run(visit.hospital, filed.usecase)
    if (
        run is None or filed.probability is None or run.model != filed.model
    ):  # other figures speak for another model
        return None
    return similar(run, filed.probability)
