"""Who looked at one patient, and which tools spoke about them: a page that can be printed for the patient."""

from __future__ import annotations

from datetime import date

from starlette.responses import Response

from vesalius.console.audits import LABELS
from vesalius.console.contexts import LookersPage, LookRow, SpokenRow, WideRow
from vesalius.console.languages import N_, ZONE
from vesalius.console.visit import ROLES, Visit, render
from vesalius.console.words import STATUSES, cards, speaker
from vesalius.errors import NotFound
from vesalius.governance import audit
from vesalius.governance.audit import About, Action, Look
from vesalius.governance.purposes import Purpose

PURPOSES = {
    Purpose.TREAT: N_("Treatment"),
    Purpose.ETREAT: N_("Emergency treatment"),
    Purpose.HQUALIMP: N_("Improving the quality of care"),
    Purpose.HOPERAT: N_("Running the hospital"),
    Purpose.HSYSADMIN: N_("Looking after the system"),
    Purpose.RECORDMGT: N_("Keeping the records"),
    Purpose.HCOMPL: N_("Checking that rules are kept"),
    Purpose.PATRQT: N_("The patient asked"),
    Purpose.HRESCH: N_("Research"),
    Purpose.PUBHLTH: N_("Public health"),
    Purpose.HPAYMT: N_("Payment"),
}
"""What each purpose is called."""

SYSTEM = N_("A computer system")
NOBODY = N_("That is no reference of a patient. Write it as in the audit: Patient/ and the number.")


def show(visit: Visit) -> Response:
    """The page of the patient of a suggestion, or the form alone."""
    if not (suggestion := visit.query.get("suggestion", "")):
        return render(visit, "lookers.html", LookersPage())
    return _told(visit, visit.hospital.review.get(suggestion).subject)


def ask(visit: Visit) -> Response:
    """The page of a patient whose reference is in the form, so that it stands in no address."""
    patient = visit.form.get("patient", "").strip()[:80]
    try:
        return _told(visit, patient)
    except NotFound:
        return render(visit, "lookers.html", LookersPage(problem=visit.say(NOBODY)), 400)


def _told(visit: Visit, patient: str) -> Response:
    found = audit.about(visit.hospital.engine, patient)
    visit.note(Action.AUDIT_READ, "audit", {"subject": patient, "purpose": str(Purpose.PATRQT)})
    named = visit.form.get("names") == "yes"
    page = LookersPage(
        patient=patient,
        named=named,
        total=found.total,
        shown=len(found.looks),
        rows=_rows(found, named),
        spoken=_spoken(visit, found),
        wide=tuple(
            WideRow(
                LABELS.get(Action(each.action), each.action),
                _who(each.actor, each.name, (), named)[0],
                each.count,
                each.last,
            )
            for each in found.wide
        ),
    )
    return render(visit, "lookers.html", page)


def _rows(found: About, named: bool) -> tuple[LookRow, ...]:
    """One line for what one person did on one day for one purpose, however often."""
    groups: dict[tuple[date, str, str, str], list[Look]] = {}
    for look in found.looks:
        day = look.at.astimezone(ZONE).date()
        groups.setdefault((day, look.actor, look.action, look.purpose), []).append(look)
    rows = []
    for looks in groups.values():
        last = looks[0]
        name, role = _who(last.actor, last.name, last.roles, named)
        known = last.purpose in Purpose.__members__.values()
        rows.append(
            LookRow(
                at=last.at,
                name=name,
                role=role,
                purpose=PURPOSES[Purpose(last.purpose)] if known else "",
                what=LABELS[Action(last.action)] if last.action in LABELS else last.action,
                count=len(looks),
                emergency=any(each.emergency for each in looks),
                looked=last.looked,
            )
        )
    return tuple(rows)


def _who(actor: str, name: str, roles: tuple[str, ...], named: bool) -> tuple[str, str]:
    """The name, where names are shown or it is a machine's; and the role."""
    if actor == audit.SYSTEM or actor.startswith(("client:", audit.FEED)):
        return ("" if actor == audit.SYSTEM else actor.partition(":")[2]), SYSTEM
    return (name if named else ""), ROLES.get(roles[0], roles[0]) if roles else ""


def _spoken(visit: Visit, found: About) -> tuple[SpokenRow, ...]:
    return tuple(
        SpokenRow(
            at=each.at,
            tool=speaker(each.usecase, visit.language).say("title")
            if each.usecase in cards()
            else each.usecase,
            version=each.version,
            silent=each.mode == "silent",
            status=STATUSES[each.status][0] if each.status in STATUSES else each.status,
            role=ROLES.get(each.role, each.role),
        )
        for each in found.spoken
    )
