"""A patient who is not in the reader's care, breaking the glass, and the review of it."""

from __future__ import annotations

from datetime import datetime

from starlette.responses import Response

from vesalius.console.contexts import AccessPage, Choice, GlassCount, GlassPage, GlassRow, Pages
from vesalius.console.languages import N_
from vesalius.console.visit import ROLES, Visit, address, redirect, render
from vesalius.errors import InvalidDecision, OutsideCare
from vesalius.governance import Right, audit, people
from vesalius.governance import glass as broken
from vesalius.governance.access import Grant
from vesalius.review import Filed

SIZE = 50
"""How many lines a page has."""

REASONS = {
    "vital": N_("Life or health is in danger now"),
    "covering": N_("I am on call, or stand in for a colleague"),
    "advice": N_("The team that treats the patient asked me for advice"),
    "arriving": N_("The patient is on the way, and not yet registered with us"),
    "other": N_("Something else"),
}
VERDICTS = {
    "justified": N_("Justified"),
    "not_justified": N_("Not justified"),
    "talked_to": N_("Talked to the person"),
}
INCOMPLETE = N_("Choose a reason, and say why in at least ten characters.")


def refused(visit: Visit, filed: Filed, error: OutsideCare, problem: str = "") -> Response:
    """The page in the place of a patient's; the audit notes that the person was refused."""
    visit.refused({"relation": "refused" if error.refused else "none", "breakable": error.breakable})
    page = GlassPage(
        id=filed.id,
        refused=error.refused,
        breakable=error.breakable,
        reasons=tuple(
            Choice(code, visit.say(label), chosen=visit.form.get("code") == code)
            for code, label in REASONS.items()
        ),
        words=visit.form.get("words", ""),
        hours=visit.hospital.settings.glass_hours,
        problem=problem,
    )
    return render(visit, "glass.html", page, 400 if problem else 403)


def break_(visit: Visit) -> Response:
    """Breaks the glass, and shows the suggestion; says what is missing when the reason is not complete."""
    filed = visit.hospital.review.get(visit.path("id"))
    code, words = visit.form.get("code", ""), visit.form.get("words", "")
    try:
        visit.hospital.access.break_glass(visit.who, filed.subject, code=code, words=words, at=visit.now)
    except InvalidDecision:
        return refused(visit, filed, _outside(visit, filed), visit.say(INCOMPLETE))
    return redirect(f"/suggestions/{filed.id}")


def _outside(visit: Visit, filed: Filed) -> OutsideCare:
    """Why the patient is not open to the reader."""
    try:
        visit.hospital.access.require(visit.who, Right.SEE_WORKLIST, filed.subject, at=visit.now)
    except OutsideCare as error:
        return error
    return OutsideCare("", breakable=True)


def until(visit: Visit, filed: Filed, grant: Grant) -> datetime | None:
    """Until when the patient is open, where the glass is broken."""
    if not grant.emergency:
        return None
    found = broken.listed(visit.hospital.engine, person=visit.who.id, open_at=visit.now)
    mine = [each.until for each in found if each.patient == filed.subject]
    return max(mine or [each.until for each in found], default=None)


def show(visit: Visit) -> Response:
    """What was broken, what waits for its review first."""
    visit.note(audit.Action.ACCESS_READ, "access", {})
    return render(visit, "access.html", _page(visit))


def review(visit: Visit) -> Response:
    """Keeps a verdict, and goes back to the list."""
    number, found = visit.number("id"), visit.form.get("verdict", "")
    broken.review(visit.hospital.engine, number, visit.who, found, visit.form.get("words", ""), visit.now)
    return redirect("/access")


def undo(visit: Visit) -> Response:
    """Takes the reader's own verdict back."""
    broken.undo_review(visit.hospital.engine, visit.number("id"), visit.who, visit.now)
    return redirect("/access")


def _page(visit: Visit) -> AccessPage:
    engine, asked = visit.hospital.engine, visit.query.get("page", "1")
    number = max(1, int(asked)) if asked.isdecimal() and len(asked) < 7 else 1
    found = broken.listed(engine, limit=SIZE + 1, offset=(number - 1) * SIZE)
    names = {person.id: person.name for person in people.everyone(engine)}
    before = address("/access", page=number - 1) if number > 1 else ""
    after = address("/access", page=number + 1) if len(found) > SIZE else ""
    return AccessPage(
        rows=tuple(_row(visit, each, names) for each in found[:SIZE]),
        list=Pages(number, 0, (number - 1) * SIZE + len(found), before, after),
        waiting=broken.waiting(engine),
        wards=_counts(visit, "ward"),
        roles=_counts(visit, "role"),
        verdicts=tuple(Choice(code, visit.say(label)) for code, label in VERDICTS.items()),
    )


def _row(visit: Visit, item: broken.Broken, names: dict[str, str]) -> GlassRow:
    found = item.verdict
    return GlassRow(
        id=item.id,
        by=names.get(item.person, item.person),
        role=ROLES.get(item.role, item.role),
        ward=item.ward,
        reason=REASONS[item.code],
        words=item.words,
        at=item.at,
        until=item.closed_at or item.until,
        open=item.holds(visit.now),
        verdict=VERDICTS[found.verdict] if found else "",
        verdict_words=found.words if found else "",
        verdict_by=names.get(found.by, found.by) if found else "",
        own=item.person == visit.who.id,
        undoable=found is not None and found.by == visit.who.id and visit.may(Right.REVIEW_ACCESS),
    )


def _counts(visit: Visit, by: str) -> tuple[GlassCount, ...]:
    return tuple(
        GlassCount(
            ROLES.get(each.value, each.value), each.broken, each.waiting, each.verdicts["not_justified"]
        )
        for each in broken.counts(visit.hospital.engine, by)
    )
