"""The audit: who did what, and whether the chain of events still holds."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from vesalius.console.contexts import AuditPage, Choice, EventRow, Pages
from vesalius.console.languages import N_
from vesalius.console.visit import Visit, address, render
from vesalius.errors import Tampered
from vesalius.governance import audit, people
from vesalius.governance.audit import Action, Event

SIZE = 100
"""How many lines a page has."""

HASH = 64
"""How many characters a SHA-256 has; twelve of them tell it from others."""

LABELS = {
    Action.PERSON_ADDED: N_("Account added"),
    Action.PERSON_CHANGED: N_("Account changed"),
    Action.PERSON_SIGNED_IN: N_("Signed in"),
    Action.PERSON_REFUSED: N_("Sign-in refused"),
    Action.PERSON_LOCKED: N_("Account locked"),
    Action.PERSON_SIGNED_OUT: N_("Signed out"),
    Action.PERSON_CONFIRMED: N_("Showed again who they are"),
    Action.SECOND_FACTOR_ADDED: N_("Set up a second factor"),
    Action.SECOND_FACTOR_RESET: N_("Took a second factor away"),
    Action.RECOVERY_USED: N_("Used a recovery code"),
    Action.SESSION_ENDED: N_("Session ended"),
    Action.CLIENT_ADDED: N_("Machine added"),
    Action.CLIENT_REVOKED: N_("Machine’s access revoked"),
    Action.CLIENT_REFUSED: N_("Machine refused"),
    Action.WORKLIST_READ: N_("Read a list"),
    Action.SUGGESTION_READ: N_("Read a suggestion"),
    Action.SUGGESTION_DECIDED: N_("Decided on a suggestion"),
    Action.SUGGESTION_UNDONE: N_("Took a decision back"),
    Action.SUGGESTION_REPLAYED: N_("Replayed a suggestion"),
    Action.SUGGESTION_WITHHELD: N_("Took a suggestion off, for the patient objects"),
    Action.SUGGESTION_RETURNED: N_("Put a suggestion back, for the patient objects no more"),
    Action.SUGGESTION_EXPLAINED: N_("Made the patient’s sheet"),
    Action.RESOURCE_READ: N_("Read a patient’s data"),
    Action.RESOURCE_SEARCHED: N_("Searched patients’ data"),
    Action.RESOURCE_WRITTEN: N_("Wrote patients’ data"),
    Action.EXPORT_ASKED: N_("Asked for an export"),
    Action.EXPORT_READ: N_("Fetched an export"),
    Action.EXPORT_ENDED: N_("Ended an export or import"),
    Action.SYSTEM_ADDED: N_("Registered a bought system"),
    Action.SYSTEM_CHANGED: N_("Changed a bought system"),
    Action.SYSTEM_ANSWERED: N_("Answered the questionnaire of a system"),
    Action.OBLIGATION_CHANGED: N_("Said how an obligation stands"),
    Action.RULES_ADOPTED: N_("Rules of the hospital put in force"),
    Action.USE_REOPENED: N_("Gates open again"),
    Action.USE_SIGNED: N_("Signed a gate"),
    Action.USE_REFUSED: N_("Refused a gate"),
    Action.USE_MOVED: N_("Use changed state"),
    Action.USE_MODEL_CHANGED: N_("Model changed"),
    Action.USE_SETTINGS_CHANGED: N_("Thresholds changed"),
    Action.USE_RULES_CHANGED: N_("Changed what stops a use"),
    Action.USE_TURNED: N_("Loop turned"),
    Action.USE_HISTORY_READ: N_("Read past patients’ data"),
    Action.VALIDATION_KEPT: N_("Kept a validation run as evidence"),
    Action.TRIAL_REGISTERED: N_("Registered a silent trial"),
    Action.TRIAL_LOOKED: N_("Looked at a silent trial"),
    Action.DATA_RECEIVED: N_("Data received"),
    Action.LAKE_BACKED_UP: N_("Took a backup"),
    Action.LAKE_EXPORTED: N_("Wrote resources into a folder"),
    Action.LAKE_RESTORED: N_("Restored a backup"),
    Action.LAKE_FORGOTTEN: N_("Erased on request"),
    Action.LAKE_ALLOWED: N_("Let erased data come back"),
    Action.FEED_SWITCHED: N_("Feed switched off or on"),
    Action.QUARANTINE_READ: N_("Read the quarantine"),
    Action.QUARANTINE_RETRIED: N_("Tried the quarantine again"),
    Action.QUARANTINE_MENDED: N_("Mended a map"),
    Action.QUARANTINE_MOVED: N_("Set aside, or brought back"),
    Action.CODE_MAPPED: N_("Said what a code means"),
    Action.CODE_WITHDRAWN: N_("Took back what a code means"),
    Action.CODES_APPLIED: N_("Applied codes to the past"),
    Action.VIEW_READ: N_("Read the rows of a view"),
    Action.VIEW_SAVED: N_("Saved a view"),
    Action.VIEW_UNDONE: N_("Took back a change of a view"),
    Action.REPORT_ANSWERED: N_("Answered a question of a report"),
    Action.REPORT_UNDONE: N_("Took back an answer of a report"),
    Action.DOSSIER_BUILT: N_("Dossier built"),
    Action.DOSSIER_VERIFIED: N_("Dossier verified"),
    Action.DOSSIER_READ: N_("Dossier read"),
    Action.IDENTITY_READ: N_("Read who is who"),
    Action.PATIENTS_MERGED: N_("Merged two patients"),
    Action.PATIENTS_UNMERGED: N_("Took a merge back"),
    Action.PATIENTS_SET_APART: N_("Called two patients different"),
    Action.PATIENTS_PUT_OFF: N_("Put a pair off"),
    Action.ALARM_RAISED: N_("Raised an alarm"),
    Action.ALARM_ACKNOWLEDGED: N_("Acknowledged an alarm"),
    Action.ALARM_UNDONE: N_("Took back the acknowledgement of an alarm"),
    Action.RELATION_TAKEN: N_("Took a patient on"),
    Action.RELATION_ENDED: N_("Ended a care relation"),
    Action.GLASS_BROKEN: N_("Broke the glass"),
    Action.GLASS_CLOSED: N_("Closed a patient again"),
    Action.GLASS_REVIEWED: N_("Reviewed a broken glass"),
    Action.GLASS_REVIEW_UNDONE: N_("Took a verdict back"),
    Action.ACCESS_READ: N_("Read who broke the glass"),
    Action.CONSENT_RECORDED: N_("Recorded a refusal of a patient"),
    Action.CONSENT_WITHDRAWN: N_("Recorded that a patient refuses no more"),
    Action.CONSENT_UNDONE: N_("Took back a step about a refusal"),
    Action.CONSENT_READ: N_("Read what patients refuse"),
    Action.COURSE_PASSED: N_("Passed a course"),
    Action.COURSE_FAILED: N_("Did not pass a course"),
    Action.AUDIT_ALGORITHM: N_("Hashes the audit with a later algorithm from here on"),
    Action.KEY_REPLACED: N_("Replaced a key"),
    Action.AUDIT_READ: N_("Read the audit"),
    Action.ACCESS_REFUSED: N_("Access refused"),
}
"""What each action is called."""


def show(visit: Visit) -> Response:
    """The page."""
    visit.note(
        Action.AUDIT_READ,
        "audit",
        {name: visit.query[name] for name in ("actor", "action", "thing") if visit.query.get(name)},
    )
    return render(visit, "audit.html", _page(visit))


def verify(visit: Visit) -> Response:
    """The page, once the whole chain has been walked."""
    visit.note(Action.AUDIT_READ, "audit", {"verified": True})
    try:
        count, broken = audit.verify(visit.hospital.engine, keys=visit.hospital.keys), ""
    except Tampered as error:
        count, broken = 0, str(error)
    return render(visit, "audit.html", _page(visit, count, broken))


def _page(visit: Visit, verified: int | None = None, broken: str = "") -> AuditPage:
    engine, query = visit.hospital.engine, visit.query
    asked = {name: query.get(name, "")[:128] for name in ("actor", "action", "thing")}
    page = query.get("page", "1")
    number = max(1, int(page)) if page.isdecimal() and len(page) < 7 else 1
    found = audit.events(engine, **asked, limit=SIZE + 1, offset=(number - 1) * SIZE)
    names = {person.id: person.name for person in people.everyone(engine)}
    head = audit.head(engine)
    before = address("/audit", **asked, page=number - 1) if number > 1 else ""
    after = address("/audit", **asked, page=number + 1) if len(found) > SIZE else ""
    return AuditPage(
        rows=tuple(_row(event, names) for event in found[:SIZE]),
        list=Pages(number, 0, head.seq, before, after),
        actors=tuple(Choice(login, name, chosen=login == asked["actor"]) for login, name in names.items()),
        actions=tuple(
            Choice(action, visit.say(label), chosen=action == asked["action"])
            for action, label in LABELS.items()
        ),
        thing=asked["thing"],
        filtered=any(asked.values()),
        verified=verified,
        broken=broken,
        head=f"{head.seq} {head.hash}",
    )


def _row(event: Event, names: dict[str, str]) -> EventRow:
    label = (
        LABELS.get(Action(event.action), event.action)
        if event.action in Action.__members__.values()
        else event.action
    )
    detail = " · ".join(
        _said(name, value)
        for name, value in event.detail.items()
        if value is not False and value not in ("", None) and name != "subject"
    )
    actor = names.get(event.actor, event.actor)
    return EventRow(
        event.seq,
        event.at,
        actor,
        label,
        event.action,
        event.object,
        str(event.detail.get("subject") or ""),
        detail[:300],
        event.hash[:12],
    )


def _said(name: str, value: object) -> str:
    """One detail as it stands in the event, without the brackets of a program."""
    if value is True:
        return name
    if isinstance(value, Mapping):
        value = ", ".join(f"{key} {each}" for key, each in value.items())
    elif isinstance(value, list):
        value = ", ".join(map(str, value))
    elif isinstance(value, str) and len(value) == HASH:
        value = value[:12]
    return f"{name}: {value}"
