"""What patients refuse: how many refuse what, and one patient's refusals, entered, withdrawn and taken back.

No page names a patient in its address: who is looked at stands there sealed, for the reader alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from starlette.responses import Response

from vesalius import identity
from vesalius.console import pictures
from vesalius.console.contexts import (
    Choice,
    ConsentsPage,
    ConsentStep,
    EntryRow,
    FoundRow,
    Pages,
    PatientConsentsPage,
    RefusalForm,
    RefusalRow,
    RefusedRow,
)
from vesalius.console.identity import born_of, names_of
from vesalius.console.languages import N_, ZONE
from vesalius.console.visit import ROLES, Visit, address, redirect, render
from vesalius.console.words import cards, speaker
from vesalius.errors import Conflict, InvalidDecision, NotFound
from vesalius.fhir import belgium
from vesalius.governance import Right, audit, consent, people, sealing
from vesalius.governance.audit import Action
from vesalius.governance.consent import Entry, Kind, Reason, Refused
from vesalius.lake import Wanted
from vesalius.store import reading

SIZE = 50
"""How many refusals a page has."""

AHEAD = timedelta(days=366)
"""How far ahead a refusal can begin or end: a year that was mistyped would never count."""

KINDS = {
    Kind.CARE: N_("That those who treat see their data"),
    Kind.SUGGESTIONS: N_("That AI tools speak about them"),
    Kind.SECONDARY: N_("Any use of their data but care"),
}
"""What can be refused."""

CHANGES = {
    Kind.CARE: N_("Nobody who treats sees their data here, unless they break the glass."),
    Kind.SUGGESTIONS: N_("No tool makes a suggestion about them, not even in silence."),
    Kind.SECONDARY: N_(
        "Their data is left out of research, extracts, and what tools learn from and are tested on."
    ),
}
"""What each refusal changes."""

REASONS = {
    Reason.REFUSED: "",
    Reason.PART: N_("It refuses, or permits, only a part: it counts as a refusal of all."),
    Reason.PURPOSE: N_("It names a purpose that is not known here: it counts as a refusal."),
    Reason.POLICY: N_("It says only that some policy holds: it counts as a refusal."),
    Reason.FORM: N_("It cannot be read: it counts as a refusal of all that it may mean."),
}
"""Why a Consent counts where it does not simply say so."""

SAID_BY = {
    "patient": N_("The patient"),
    "representative": N_("Somebody who may speak for the patient"),
    "register": N_("A register of opt-outs"),
}
"""Who told the hospital."""

STEPS = {
    Action.CONSENT_RECORDED: N_("Refusal entered"),
    Action.CONSENT_WITHDRAWN: N_("Refusal withdrawn"),
    Action.CONSENT_UNDONE: N_("Last step taken back"),
}
"""What can be done with an entry."""

NOBODY = N_("No patient here has that number or reference.")
INCOMPLETE = N_("Choose what is refused, and who told the hospital.")
NO_DAY = N_("Choose a day, at most a year ahead.")
ALREADY = N_("That is refused already.")
NO_ACCOUNT = N_("Nobody has that account: choose one of the list, or leave the field empty for everybody.")
CARE_ALONE = N_("One person alone can be refused for care only.")
TOO_EARLY = N_("It would end before it begins: take it back instead.")
RECORDED = N_("The refusal is kept, and counts from its first day on.")
WITHDRAWN = N_("The refusal is withdrawn.")
UNDONE = N_("The last step was taken back.")


_PATIENT = re.compile(r"Patient/[A-Za-z0-9.-]{1,64}")


def show(visit: Visit) -> Response:
    """How many refuse what, and the list of refusals; it names nobody."""
    return render(visit, "consents.html", _list(visit))


def search(visit: Visit) -> Response:
    """Looks a patient up by a number, and goes on to an address in which nobody else can read who it is."""
    text = visit.form.get("number", "").strip()[:128]
    found = _patients(visit, text)
    if len(found) == 1:
        return redirect(_path(visit, found[0]))
    rows = tuple(_found(visit, each) for each in found)
    page = _list(visit, looked_for=text, found=rows, problem="" if rows else visit.say(NOBODY))
    return render(visit, "consents.html", page, 200 if rows else 400)


def patient(visit: Visit) -> Response:
    """What one patient refuses, and who entered it."""
    subject = _opened(visit, visit.request.query_params.get("of", ""))
    return render(visit, "consents_patient.html", _patient(visit, subject))


def record(visit: Visit) -> Response:
    """Keeps a refusal; says what is missing when it is not complete."""
    subject = _opened(visit, visit.form.get("of", ""))
    problem = _record(visit, subject)
    if problem:
        page = _patient(visit, subject, visit.say(problem))
        return render(visit, "consents_patient.html", page, 400)
    visit.notice(RECORDED)
    return redirect(_path(visit, subject))


def withdraw(visit: Visit) -> Response:
    """Keeps that a refusal no longer holds, from a day on."""
    number, engine = visit.number("id"), visit.hospital.engine
    subject = consent.get(engine, number).patient
    try:
        consent.withdraw(engine, number, visit.who, ends=_day(visit, "ends"), at=visit.now)
    except (InvalidDecision, ValueError) as error:
        problem = NO_DAY if isinstance(error, ValueError) else TOO_EARLY
        return render(visit, "consents_patient.html", _patient(visit, subject, visit.say(problem)), 400)
    visit.notice(WITHDRAWN)
    return redirect(_path(visit, subject))


def undo(visit: Visit) -> Response:
    """Takes the last step back: a withdrawal, or an entry that was a mistake."""
    made = consent.undo(visit.hospital.engine, visit.number("id"), visit.who, visit.now)
    visit.notice(UNDONE)
    return redirect(_path(visit, made.patient))


# Whom ------------------------------------------------------------------------------------------------------


def _path(visit: Visit, subject: str) -> str:
    return address("/consents/patient", of=sealing.seal(visit.hospital.home, subject, visit.who.id))


def _opened(visit: Visit, sealed: str) -> str:
    subject = sealing.opened(visit.hospital.home, sealed, visit.who.id)
    if not _is_here(visit, subject):
        raise NotFound("there is no such patient")
    return subject


def _patients(visit: Visit, text: str) -> list[str]:
    """Who has a number, of their own or of a stay, or that reference; for the merged, who stands for them."""
    lake, found = visit.hospital.lake, set[str]()
    if text.startswith("Patient/"):
        found |= {text} if _is_here(visit, text) else set()
    else:
        for value in filter(None, _written(text)):
            found |= {f"Patient/{each.id}" for each in lake.identified("Patient", value)}
            found |= {each.subject for each in lake.identified("Encounter", value) if each.subject}
    return sorted(set(identity.followed(visit.hospital.engine, found).values()))


def _written(text: str) -> set[str]:
    """A number as systems may have written it: a national number with and without points."""
    if not belgium.niss_is_valid(text):
        return {text}
    digits = "".join(each for each in text if each.isdecimal())
    return {text, digits, belgium.niss_formatted(digits)}


def _is_here(visit: Visit, reference: str) -> bool:
    return bool(_PATIENT.fullmatch(reference)) and visit.hospital.lake.read(reference) is not None


def _found(visit: Visit, subject: str) -> FoundRow:
    name, born = _who(visit, subject)
    return FoundRow(_path(visit, subject), name or subject, born)


def _who(visit: Visit, subject: str) -> tuple[str, str]:
    """The name and the birth date of a patient, as far as they are known."""
    version = visit.hospital.lake.read(subject)
    resource: dict[str, Any] = version.resource if version else {}
    return " / ".join(names_of(resource)), born_of(visit, str(resource.get("birthDate", "")))


# The list --------------------------------------------------------------------------------------------------


def _list(
    visit: Visit, looked_for: str = "", found: tuple[FoundRow, ...] = (), problem: str = ""
) -> ConsentsPage:
    lake, query = visit.hospital.lake, visit.query
    kind = query.get("kind", "")
    kind = kind if kind in Kind.__members__.values() else ""
    unread = query.get("unread", "") == "yes"
    asked = query.get("page", "1")
    number = max(1, int(asked)) if asked.isdecimal() and len(asked) < 7 else 1
    rows = consent.listed(lake, kind=kind, unread=unread, limit=SIZE + 1, offset=(number - 1) * SIZE)
    kept = {"kind": kind, "unread": "yes" if unread else ""}
    before = address("/consents", **kept, page=number - 1) if number > 1 else ""
    after = address("/consents", **kept, page=number + 1) if len(rows) > SIZE else ""
    subjects = sorted({each.patient for each in rows[:SIZE]} - {"Patient/"})
    visit.note(Action.CONSENT_READ, "consents", {"page": number, "subjects": subjects})
    patients = lake.how_many(Wanted("Patient"))
    return ConsentsPage(
        counts=_counts(visit, patients),
        patients=patients,
        withheld=tuple(
            (speaker(name, visit.language).say("title") if name in cards() else name, count)
            for name, count in sorted(consent.withheld(visit.hospital.engine).items())
        ),
        rows=tuple(_row(visit, each) for each in rows[:SIZE]),
        list=Pages(number, 0, (number - 1) * SIZE + len(rows), before, after),
        kinds=tuple(Choice(each, visit.say(label), chosen=each == kind) for each, label in KINDS.items()),
        only_unread=unread,
        filtered=bool(kind or unread),
        looked_for=looked_for,
        found=found,
        problem=problem,
    )


def _counts(visit: Visit, patients: int) -> tuple[RefusedRow, ...]:
    found = consent.counts(visit.hospital.lake, visit.now)
    most = max(each.patients for each in found)
    return tuple(
        RefusedRow(
            label=KINDS[each.kind],
            changes=CHANGES[each.kind],
            patients=each.patients,
            share=each.patients / max(1, patients),
            unread=each.unread,
            nameless=each.nameless,
            picture=pictures.tally(each.patients, each.unread, most),
        )
        for each in found
    )


def _row(visit: Visit, found: Refused) -> RefusalRow:
    now, entered = visit.now, found.source.startswith("entry/")
    named = found.patient != "Patient/"
    return RefusalRow(
        patient=found.patient if named else "",
        path=_path(visit, found.patient) if named else "",
        label=KINDS[found.kind],
        begins=None if found.begins == consent.DAWN else found.begins,
        ends=found.ends,
        holds=found.begins <= now and (found.ends is None or now < found.ends),
        reason=REASONS[found.reason],
        source="" if entered else found.source,
    )


# One patient -----------------------------------------------------------------------------------------------


def _patient(visit: Visit, subject: str, problem: str = "") -> PatientConsentsPage:
    hospital = visit.hospital
    name, born = _who(visit, subject)
    id_ = subject.removeprefix("Patient/")
    with reading(hospital.engine) as connection:
        same = sorted(identity.companions(connection, [id_])[id_] - {id_})
    entered = [each for one in (id_, *same) for each in consent.entries(hospital.engine, f"Patient/{one}")]
    visit.note(Action.CONSENT_READ, subject, {"subject": subject})
    names = {person.id: person for person in people.everyone(hospital.engine)}
    standing = consent.standing(hospital.lake, [subject], visit.now).get(subject, ())
    return PatientConsentsPage(
        of=sealing.seal(hospital.home, subject, visit.who.id),
        patient=subject,
        name=name,
        born=born,
        same=tuple(f"Patient/{each}" for each in same),
        standing=tuple(KINDS[kind] for kind in standing),
        rows=tuple(
            row for each in consent.listed(hospital.lake, subject) if (row := _row(visit, each)).source
        ),
        entries=tuple(
            _entry(visit, each, names) for each in sorted(entered, key=lambda one: one.id, reverse=True)
        ),
        form=_form(visit, names.values()),
        problem=problem,
    )


def _entry(visit: Visit, made: Entry, names: dict[str, people.Person]) -> EntryRow:
    def name(login: str) -> str:
        return names[login].name if login in names else login

    events = reversed(audit.events(visit.hospital.engine, thing=f"consent/{made.id}"))
    state, tone = _state(made, visit.now)
    standing = made.undone_at is None
    return EntryRow(
        id=made.id,
        label=KINDS[made.kind],
        person=name(made.person) if made.person else "",
        said_by=SAID_BY[made.said_by],
        begins=made.begins,
        ends=made.ends,
        state=state,
        tone=tone,
        steps=tuple(
            ConsentStep(each.at, STEPS[Action(each.action)], name(each.actor))
            for each in events
            if each.action in STEPS
        ),
        withdrawable=standing and made.ends is None,
        undo=(N_("Take the withdrawal back") if made.ends else N_("It was a mistake: take it back"))
        if standing
        else "",
    )


def _state(made: Entry, now: datetime) -> tuple[str, str]:
    if made.undone_at is not None:
        return N_("Entered by mistake"), ""
    if made.holds(now):
        return N_("Holds"), "warning"
    return (N_("To come"), "info") if now < made.begins else (N_("Holds no more"), "")


def _form(visit: Visit, known: Iterable[people.Person]) -> RefusalForm:
    form, today = visit.form, visit.now.astimezone(ZONE).date()
    treating = sorted(
        (each.name, each.id, ROLES.get(each.role, each.role))
        for each in known
        if each.may(Right.SEE_WORKLIST)
    )
    return RefusalForm(
        kinds=tuple(
            Choice(kind, visit.say(label), chosen=form.get("kind") == kind) for kind, label in KINDS.items()
        ),
        said_by=tuple(
            Choice(code, visit.say(label), chosen=form.get("said_by") == code)
            for code, label in SAID_BY.items()
        ),
        begins=form.get("begins", today.isoformat()),
        person=form.get("person", ""),
        people=tuple((login, f"{name}, {visit.say(role)}") for name, login, role in treating),
        today=today.isoformat(),
        last=(today + AHEAD).isoformat(),
    )


def _record(visit: Visit, subject: str) -> str:
    """Keeps what the form says; what is wrong with it, in English, or nothing."""
    form = visit.form
    kind, said_by, person = form.get("kind", ""), form.get("said_by", ""), form.get("person", "").strip()
    if kind not in Kind.__members__.values() or said_by not in SAID_BY:
        return INCOMPLETE
    if person and kind != Kind.CARE:
        return CARE_ALONE
    if person and people.find(visit.hospital.engine, person[:64]) is None:
        return NO_ACCOUNT
    try:
        begins = _day(visit, "begins")
        consent.record(
            visit.hospital.lake, visit.who, subject, kind, said_by=said_by, begins=begins, person=person,
            at=visit.now,
        )  # fmt: skip
    except ValueError:
        return NO_DAY
    except Conflict:
        return ALREADY
    return ""


def _day(visit: Visit, field: str) -> datetime | None:
    """The first moment of the day that a form says; None for today, and where it says none.

    Raises:
        ValueError: it is no day, or too far ahead.
    """
    said, today = visit.form.get(field, ""), visit.now.astimezone(ZONE).date()
    if not said:
        return None
    day = date.fromisoformat(said)
    if not date(1900, 1, 2) <= day <= today + AHEAD:
        raise ValueError(field)
    return None if day == today else datetime.combine(day, time(), ZONE)
