"""The register of AI systems: each with its regime, its duties and its gates, bought or made here."""

from __future__ import annotations

from datetime import date

from starlette.responses import Response

from vesalius.console.contexts import (
    Asked,
    DutyRow,
    Fallen,
    GatePicture,
    Past,
    RegisterPage,
    SystemLine,
    SystemPage,
)
from vesalius.console.languages import N_
from vesalius.console.runs import latest_run
from vesalius.console.silenced import fallen, reasons, title_of, waits
from vesalius.console.suggestion import name_of
from vesalius.console.usecases import open_gate, past, signatures
from vesalius.console.visit import ROLES, Visit, redirect, render
from vesalius.console.words import STATES, cards, speaker
from vesalius.errors import Conflict, InvalidSetting
from vesalius.governance import Right, classifying, gates, register, uses
from vesalius.governance.lifecycle import PATH, RESUMED, State
from vesalius.governance.register import Entry, System
from vesalius.governance.register.obligations import Obligation
from vesalius.store import reading

HOLDERS = {
    "all": N_("everybody"),
    "provider": N_("provider"),
    "provider+deployer": N_("provider and deployer"),
    "deployer": N_("deployer"),
    "deployer as employer": N_("deployer, as employer"),
    "public-law bodies and private entities providing public services, Annex III only": N_(
        "bodies governed by public law and private entities providing public services, Annex III only"
    ),
    "provider; public-authority deployer": N_("provider; deployer that is a public authority"),
    "provider (deployer if provider unreachable)": N_(
        "provider (the deployer, if the provider cannot be reached)"
    ),
    "operators": N_("operators"),
    "manufacturer": N_("manufacturer"),
    "health institution making a device in-house": N_("health institution that makes a device in-house"),
    "manufacturer; health institution contact point for materiovigilance": N_(
        "manufacturer; the health institution’s contact point for vigilance"
    ),
    "controller": N_("controller"),
    "controller of health data": N_("controller of health data"),
    "health data holder": N_("health data holder"),
    "trusted health data holder": N_("trusted health data holder"),
    "health data holder / HDAB": N_("health data holder / health data access body"),
    "health data user": N_("health data user"),
    "applicant": N_("applicant for health data"),
    "HDAB": N_("health data access body"),
    "HDAB / SPE": N_("health data access body / secure processing environment"),
    "natural person / HDAB": N_("natural person / health data access body"),
    "holder of publicly funded dataset": N_("holder of a publicly funded dataset"),
    "HDA": N_("Belgian health data agency"),
    "sender/receiver of health data": N_("sender and receiver of health data"),
    "care professional": N_("care professional"),
    "employer >= 50 workers": N_("employer of 50 workers or more"),
    "essential/important entity (health)": N_("essential or important entity (health)"),
}
"""Whom a duty binds, by the words of the rules; a hospital's own words are shown as they are."""

TAKEN = N_("This code is taken: open that system to register another version of it.")
ALIKE = N_("It is registered like that already.")
WRONG = {
    "name": N_("The code has 2 to 63 small letters, digits, - or _, and begins with a letter."),
    "ce_class": N_("Choose the class of its CE mark."),
    "instructions": N_("The address of the instructions for use begins with https://."),
}
"""What is wrong with a field of the form; of every other field:"""

EMPTY = N_("A field is empty, or longer than 500 characters.")
FIELDS = ("name", "title", "maker", "purpose", "ce_class", "version", "device", "instructions")
ADDED = N_("Registered. Answer its questionnaire next.")
ANOTHER = N_("Registered. The gates that it touches are open again.")
ANSWERED = N_("Answered. Its duties follow from it.")
SAID = N_("Kept, with your name.")


def index(visit: Visit) -> Response:
    """Every system."""
    return render(visit, "register.html", _index(visit))


def add(visit: Visit) -> Response:
    """Registers a bought system, or another version of one, or says what is wrong."""
    typed = {name: visit.form.get(name, "").strip()[:500] for name in FIELDS}
    before = register.bought(visit.hospital.engine, typed["name"])
    if before and visit.form.get("again") != before.name:
        return render(visit, "register.html", _index(visit, typed, TAKEN), 409)
    owner = before.owner if before else visit.who.id
    try:
        made = register.keep_bought(
            visit.hospital.engine, Entry(**typed, owner=owner), visit.who, at=visit.now
        )
    except Conflict:
        return render(visit, "register.html", _index(visit, typed, ALIKE if before else TAKEN), 409)
    except InvalidSetting as error:
        problem = WRONG.get(error.message.partition(":")[0], EMPTY)
        return render(visit, "register.html", _index(visit, typed, problem, again=bool(before)), 400)
    visit.notice(ANOTHER if before else ADDED)
    return redirect(f"/register/{made.name}" + ("" if before else "#questions"))


def show(visit: Visit) -> Response:
    """One system."""
    return render(visit, "system.html", _page(visit, _system(visit)))


def answer(visit: Visit) -> Response:
    """Answers the questionnaire."""
    name = _system(visit).name
    with reading(visit.hospital.engine) as connection:
        asked = classifying.questions(connection).questions
    given = {each.key: visit.form.get(each.key, "")[:64] for each in asked}
    reason = visit.form.get("reason", "").strip()[:2000]
    uses.answer(visit.hospital.engine, name, given, visit.who, reason=reason, at=visit.now)
    visit.notice(ANSWERED)
    return redirect(f"/register/{name}")


def say(visit: Visit) -> Response:
    """Says how a duty stands."""
    name, form = _system(visit).name, visit.form
    try:
        due = date.fromisoformat(form["due"]) if form.get("due") else None
    except ValueError:
        raise InvalidSetting("the day is not a date", hint="write it as 2027-12-02") from None
    register.obligations.say(
        visit.hospital.engine,
        name,
        form.get("duty", "")[:32],
        visit.who,
        state=form.get("state", ""),  # type: ignore[arg-type]  # what is no state is refused there
        note=form.get("note", "")[: register.obligations.LONGEST],
        document=form.get("document", "")[:64],
        owner=form.get("owner", "")[:64],
        due=due,
        at=visit.now,
    )
    visit.notice(SAID)
    return redirect(f"/register/{name}#duties")


def _system(visit: Visit) -> System:
    return register.system(visit.hospital.engine, visit.path("name"), visit.now)


def _index(
    visit: Visit, typed: dict[str, str] | None = None, problem: str = "", *, again: bool = False
) -> RegisterPage:
    systems = register.systems(visit.hospital.engine, visit.now)
    return RegisterPage(
        rows=tuple(_line(visit, each) for each in systems),
        may_add=visit.may(Right.KEEP_REGISTER),
        classes=register.CLASSES,
        typed=dict.fromkeys(FIELDS, "") | (typed or {}),
        again=again,
        problem=problem,
        waits=waits(visit, systems),
    )


def _line(visit: Visit, system: System) -> SystemLine:
    known, use = system.classification, system.life.use
    end = system.expires
    return SystemLine(
        name=system.name,
        title=title_of(visit, system),
        bought=system.bought,
        maker=system.entry.maker if system.entry else "",
        regime=known.regime.text[visit.language.code] if known else "",
        high_risk=bool(known and known.regime.high_risk),
        blocked=bool(known and known.regime.blocked),
        state=STATES[use.state],
        speaks=use.speaks,
        gate=STATES[system.gate.target] if system.gate else "",
        missing=tuple(tuple(ROLES[role] for role in slot.roles) for slot in system.gate.open_slots)
        if system.gate
        else (),
        expires=end,
        soon=bool(end and end - visit.now <= gates.RENEWAL),
        duties=len(system.obligations),
        undone=len(system.open_obligations),
    )


def _page(visit: Visit, system: System) -> SystemPage:
    known, use, run = system.classification, system.life.use, latest_run(visit.hospital, system.name)
    keep = visit.may(Right.KEEP_REGISTER)
    down = fallen(visit, system.name) if use.state == State.SILENT else None
    return SystemPage(
        name=system.name,
        title=title_of(visit, system),
        lines=_lines(visit, system),
        instructions=system.entry.instructions if system.entry else "",
        bought=system.bought,
        regime=known.regime.text[visit.language.code] if known else "",
        article=known.regime.article if known else "",
        high_risk=bool(known and known.regime.high_risk),
        blocked=bool(known and known.regime.blocked),
        state=STATES[use.state],
        speaks=use.speaks,
        reopened=bool(use.reopened),
        fallen=down,
        classes=register.CLASSES,
        typed={each: getattr(system.entry, each) for each in FIELDS} if system.entry else {},
        may_monitor=visit.may(Right.SEE_MONITORING),
        gates=_pictures(visit, system, down),
        gate=open_gate(visit, system.name, system.gate),
        run=run.id if run else "",
        questions=_questions(visit, known),
        answered=(name_of(visit, known.by), known.at) if known else None,
        duties=tuple(_duty(visit, each) for each in system.obligations),
        may_keep=keep,
        may_dossier=visit.may(Right.KEEP_DOSSIER),
        may_stop=visit.may(Right.SUSPEND) and use.runs,
        past=_past(visit, system),
    )


def _lines(visit: Visit, system: System) -> tuple[tuple[str, str], ...]:
    entry = system.entry
    if entry is None:
        card = speaker(system.name, visit.language)
        return (
            (N_("Purpose"), card.say("purpose")),
            (N_("Version"), card.card.version),
        )
    return (
        (N_("Maker"), entry.maker),
        (N_("Purpose"), entry.purpose),
        (N_("Class of its CE mark"), entry.ce_class),
        (N_("Version"), entry.version),
        (N_("How its results are recognised"), entry.device),
        (N_("Answers for it"), name_of(visit, entry.owner) if entry.owner else "–"),
    )


def _pictures(visit: Visit, system: System, down: Fallen | None) -> tuple[GatePicture, ...]:
    use, opened = system.life.use, system.gate
    told = uses.history(visit.hospital.engine, system.name)
    names = (*PATH, RESUMED) if use.state == State.SUSPENDED else PATH
    found = []
    for name in names:
        stands = system.life.gates[name]
        current = opened is not None and opened.name == name and not opened.renewal
        fallen = name in use.reopened or (down is not None and name == State.LIVE)
        waiting = "open" if current else "ahead"
        why = reasons(system.name, (each for codes in stands.fallen.values() for each in codes))
        found.append(
            GatePicture(
                label=STATES[State.SILENT if name == RESUMED else State(name)],
                mark="holds" if stands.holds else "fallen" if fallen else waiting,
                signatures=signatures(visit, told, stands.slots, stands.signed),
                why=why,
                expires=stands.expires,
            )
        )
    return tuple(found)


def _questions(visit: Visit, known: classifying.Classification | None) -> tuple[Asked, ...]:
    code = visit.language.code
    with reading(visit.hospital.engine) as connection:
        asked = classifying.questions(connection)
    given = known.answers if known else {}
    return tuple(
        Asked(
            key=each.key,
            text=each.text[code],
            article=each.article,
            choices=tuple(
                (choice, asked.choice(choice, code), given.get(each.key) == choice) for choice in each.choices
            ),
            given=asked.choice(given[each.key], code) if each.key in given else "",
        )
        for each in asked.questions
    )


def _duty(visit: Visit, each: Obligation) -> DutyRow:
    duty, said = each.duty, each.said
    return DutyRow(
        id=duty.id,
        law=duty.law,
        article=duty.article,
        text=duty.text[visit.language.code],
        holder=HOLDERS.get(duty.holder, duty.holder),
        record=duty.kept(visit.language.code),
        filled=duty.filled,
        owner=ROLES.get(each.owner) or name_of(visit, each.owner),
        state=each.state,
        due=each.due,
        late=bool(each.state == "open" and each.due and each.due < visit.now.date()),
        note=said.note if said else "",
        document=said.document if said else "",
        by=name_of(visit, said.by) if said else "",
    )


def _past(visit: Visit, system: System) -> tuple[Past, ...]:
    said = speaker(system.name, visit.language) if system.name in cards() else None
    return tuple(past(visit, each, said) for each in uses.history(visit.hospital.engine, system.name)[:50])
