"""My decisions: what the reader decided, and what happened then."""

from __future__ import annotations

from starlette.responses import Response

from vesalius import loop
from vesalius.console.contexts import DecisionsPage, MyDecision, Pages, Patient
from vesalius.console.languages import N_
from vesalius.console.security import local_path
from vesalius.console.suggestion import ending_of, taken_of
from vesalius.console.visit import Visit, address, redirect, render
from vesalius.console.words import cards, patients, speaker
from vesalius.governance import Right, audit

AWAY = N_("no longer in your care")
SIZE = 50
"""How many lines a page has."""


def show(visit: Visit) -> Response:
    """The page."""
    asked = visit.query.get("page", "1")
    number = max(1, int(asked)) if asked.isdecimal() and len(asked) < 7 else 1
    found = visit.hospital.review.decisions(by=visit.who.id, limit=SIZE + 1, offset=(number - 1) * SIZE)
    shown, more = found[:SIZE], len(found) > SIZE
    people = patients(visit.hospital, [item.filed for item in shown], visit.language, visit.now)
    care = visit.hospital.access.allow(
        visit.who, Right.SEE_DECISIONS, {item.filed.subject for item in shown}, at=visit.now
    )
    detail = {"page": number, "shown": len(shown), "subjects": sorted(care.granted)}
    visit.note(audit.Action.WORKLIST_READ, "decisions", detail)
    rows = []
    for item in shown:
        if item.filed.usecase not in cards():  # it was uninstalled since, and its words with it
            continue
        words = speaker(item.filed.usecase, visit.language)
        taken = taken_of(visit, words, item.filed, item.decision)
        rows.append(
            MyDecision(
                suggestion=item.filed.id,
                patient=people[item.filed.id] if item.filed.subject in care.granted else _unnamed(visit),
                title=words.say("title"),
                proposed=words.option(item.filed.option),
                taken=taken,
                ending=ending_of(item.filed),
                target=words.say("target"),
            )
        )
    before = address("/decisions", page=number - 1) if number > 1 else ""
    after = address("/decisions", page=number + 1) if more else ""
    list_ = Pages(number, 0, (number - 1) * SIZE + len(found), before, after)
    return render(visit, "decisions.html", DecisionsPage(tuple(rows), list_))


def _unnamed(visit: Visit) -> Patient:
    """What stands for a patient who is no longer in the reader's care: what was decided is still theirs."""
    return Patient(visit.say(AWAY), sex="", age="", born="", ward="", stay="", reference="")


def undo(visit: Visit) -> Response:
    """Takes a decision back, and goes back to the page it was asked from."""
    number, review = visit.number("id"), visit.hospital.review
    visit.hospital.access.require(visit.who, Right.DECIDE, review.decided(number).subject, at=visit.now)
    review.undo(number, visit.who.id, visit.now, minutes=visit.hospital.settings.undo_minutes)
    loop.spare(visit.hospital, visit.now, anew=True)  # what waits again may be about who objects meanwhile
    return redirect(local_path(visit.form.get("back", ""), "/decisions"))
