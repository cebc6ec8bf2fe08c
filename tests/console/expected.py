"""What each page and form of the console asks for: the expectation, kept apart from what the routes declare.

A new route needs one line here, or the test of every cell fails and says so. What a role may do is not said
here: it comes from the one matrix (``governance.roles``), the rule above it (``governance.access.may``), the
gates of the life cycle and the reviewers that a card names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pyotp
import synthetic
from cells import PATIENT as ABOUT
from cells import USE, World, login

from vesalius import academy, dossier
from vesalius.academy.quiz import draw
from vesalius.governance import Right, answers, classifying, codes, consent, people, register, sealing, uses
from vesalius.governance.lifecycle import State
from vesalius.governance.second_factor import SecondFactor
from vesalius.store import reading
from vesalius.terminology import ANY_KIND, ANY_UNIT, Decision
from vesalius.usecase import find

Form = Mapping[str, str] | Callable[[World, str], Mapping[str, str]]


def anything(world: World, role: str) -> bool:
    return True


@dataclass(frozen=True)
class Cell:
    """What one route asks for.

    Attributes:
        right: the right it needs; None for what anybody may ask for.
        at: what stands for the names in its address, and its query; ``{name}`` is taken from the world.
        form: its fields, for the role that sends them.
        also: what else must hold of a role: it reviews the use, it owns the question, it signs the gate.
        ready: what must be there before, as the account that asks.
        states: whether it is asked in every state of a use.
        patient: whether the care relation with the patient counts.
        settles: whether it starts work behind the page.
    """

    right: Right | None
    at: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    form: Form = field(default_factory=dict)
    also: Callable[[World, str], bool] = anything
    ready: Callable[[World, str], object] = anything
    states: bool = False
    patient: bool = False
    settles: bool = False


def a_use(right: Right, **more) -> Cell:
    return Cell(right, {"name": USE}, states=True, **more)


def reviews(world: World, role: str) -> bool:
    return role in find(USE).card.reviewers


def signs(world: World, role: str) -> bool:
    gate = uses.gate(world.hospital.engine, USE)
    return gate is not None and any(role in slot.roles for slot in gate.open_slots)


def takes_part(world: World, role: str) -> bool:
    gate = uses.gate(world.hospital.engine, USE)
    return gate is not None and any(role in slot.roles for slot in gate.slots)


def owns(world: World, role: str) -> bool:
    return role in answers._roles("context")


def decides(world: World, account: str) -> None:
    """The account has decided; nothing happens where it may not, and there is nothing to take back then."""
    person, review, asked = (
        people.get(world.hospital.engine, account),
        world.hospital.review,
        str(world.places["open"]),
    )
    world.places["decision"] = 1
    if (
        (filed := review.get(asked)).status == "open"
        and filed.mode == "live"
        and person.role in find(USE).card.reviewers
    ):
        review.decide(asked, "accepted", by=account, role=person.role, at=world.now)
        world.places["decision"] = review.get(asked).decisions[-1].id


def enrols(world: World, account: str) -> None:
    second, now = SecondFactor(world.hospital.engine, world.hospital.home), world.now
    second.confirm(account, pyotp.TOTP(second.begin(account, now)).at(now), now)


def reviewed(world: World, account: str) -> None:
    form = EXPECTED["POST /access/{id:int}"].form
    world.callers_by(account).ask("POST", f"/access/{world.places['glass']}", form)


def set_aside(world: World, account: str) -> None:
    world.callers_by(account).ask("POST", f"/quarantine/{world.places['held']}/aside", {"reason": "No use"})


def coded(world: World, account: str) -> None:
    entry, engine = world.places["entry"], world.hospital.engine
    decision = Decision(
        system=entry.key.system, code=entry.key.code, kind=ANY_KIND, unit=ANY_UNIT, display=entry.name,
        target_system="http://loinc.org", target_code="2823-3", target_display="Potassium", equivalence="equivalent",
    )  # fmt: skip
    made = codes.map_code(engine, decision, people.get(engine, "segers"), reason="Our own list")
    world.places["uid"] = made.uid


def sealed(world: World, account: str) -> None:
    """The patient as the account's own page has it in its address."""
    world.places["of"] = sealing.seal(world.hospital.home, ABOUT, account)


def refused(world: World, account: str) -> None:
    who = people.get(world.hospital.engine, login("records"))
    world.places["refusal"] = consent.record(world.hospital.lake, who, ABOUT, "secondary").id


def a_plan(world: World, account: str) -> dict[str, str]:
    """The form as it stands on the page of a use that runs in silence."""
    page = str(world.places["plan"])
    fields = dict(re.findall(r'<input id="(\w+)" name="\w+" type="number"[^>]* value="([^"]*)"', page))
    fields |= dict.fromkeys(re.findall(r'name="((?:act|group)\.\w+)"[^>]*checked', page), "on")
    fields["after"] = re.search(r'name="after" value="(\d+)"', page).group(1)
    fields["endpoint"] = re.search(r'<option value="(\w+)" selected', page).group(1)
    return fields | {"act": "register", "reason": "Agreed"}


def signature(world: World, account: str) -> dict[str, str]:
    return {"act": "sign", "reason": "Read, and agreed", "despite": "A test"}


def answered(world: World, account: str) -> dict[str, str]:
    with reading(world.hospital.engine) as connection:
        asked = classifying.questions(connection).questions
    return {each.key: each.choices[0] for each in asked} | {"reason": "As we use it"}


def classified(world: World, account: str) -> None:
    director = people.get(world.hospital.engine, login("director"))
    uses.answer(world.hospital.engine, USE, answered(world, account), director, reason="As we use it")


def with_dossier(world: World, account: str) -> None:
    """A dossier lies in the home; the same one serves every cell."""
    if dossier.kept(world.hospital, USE) is None:
        dossier.make(world.hospital, USE)


def a_duty(world: World, account: str) -> dict[str, str]:
    known = register.system(world.hospital.engine, USE, world.now).obligations
    return {"duty": known[0].duty.id if known else "", "state": "done", "note": "Kept in the file"}


def a_quiz(world: World, account: str) -> dict[str, str]:
    """Every answer wrong: the attempt is kept all the same."""
    return {"code": draw(academy.course(world.hospital, "bedside", "en"), account, 0).code}


def a_system(world: World, account: str) -> dict[str, str]:
    return BOUGHT | {"name": f"holter-{account}"}


COURSE = {"name": "bedside"}
BOUGHT = {
    "name": "holter",
    "title": "Rhythm reader",
    "maker": "Maker",
    "purpose": "Reads a Holter",
    "ce_class": "IIa",
    "version": "1",
    "device": "Device/holter",
}
SUGGESTION = {"id": "{open}"}
PATIENT = {"type": "Patient", "id": "p2", "version": "1"}
HELD, PAIR, MERGE = {"id": "{held}"}, {"id": "{pair}"}, {"id": "{merge}"}
LIBRARY, SAVED = {"name": "{library}"}, {"name": "mine"}
VIEW = '{"resource": "Patient", "select": [{"column": [{"name": "key", "path": "id"}]}]}'
WHY = "On call, called to the bed by the nurse"

EXPECTED: dict[str, Cell] = {
    "GET /sign-in": Cell(None),
    "POST /sign-in": Cell(None, form={"login": "nurse"}),
    "GET /sign-in/code": Cell(None),
    "POST /sign-in/code": Cell(None, form={"code": "000000"}),
    "GET /sign-in/password": Cell(None),
    "POST /sign-in/password": Cell(None, form={"old": "a", "new": "b", "again": "b"}),
    "GET /sign-in/provider": Cell(None),
    "GET /sign-in/provider/return": Cell(None),
    "GET /second-factor": Cell(None),
    "POST /second-factor": Cell(None, form={"code": "000000"}),
    "POST /sign-out": Cell(None),
    "POST /preferences": Cell(None, form={"theme": "dark"}),
    "GET /about": Cell(None),
    "GET /health": Cell(None),
    "GET /static/report.css": Cell(None),
    "GET /static/vesalius.css": Cell(None),
    "POST /sign-in/provider/logout": Cell(None),
    "GET /": Cell(Right.SEE_FIGURES),
    "POST /worklist/search": Cell(Right.SEE_WORKLIST, form={"text": "Dubois"}),
    "GET /worklist/fresh": Cell(Right.SEE_WORKLIST),
    "GET /suggestions/{id}": Cell(Right.SEE_WORKLIST, SUGGESTION, patient=True),
    "POST /suggestions/{id}/decision": Cell(
        Right.DECIDE, SUGGESTION, form={"action": "accepted", "seen": "0"}, also=reviews, patient=True
    ),
    "POST /suggestions/{id}/glass": Cell(
        Right.BREAK_GLASS, SUGGESTION, form={"code": "covering", "words": WHY}, patient=True
    ),
    "GET /suggestions/{id}/explanation": Cell(Right.EXPLAIN, SUGGESTION, patient=True),
    "GET /suggestions/{id}/explanation/{kind}": Cell(
        Right.EXPLAIN, {**SUGGESTION, "kind": "html"}, patient=True
    ),
    "GET /access": Cell(Right.REVIEW_ACCESS),
    "POST /access/{id:int}": Cell(
        Right.REVIEW_ACCESS, {"id": "{glass}"}, form={"verdict": "talked_to", "words": "She was on call"}
    ),
    "POST /access/{id:int}/undo": Cell(Right.REVIEW_ACCESS, {"id": "{glass}"}, ready=reviewed),
    "GET /decisions": Cell(Right.SEE_DECISIONS),
    "POST /decisions/{id:int}/undo": Cell(
        Right.DECIDE, {"id": "{decision}"}, also=reviews, ready=decides, patient=True
    ),
    "GET /resources/{type}/{id}/{version:int}": Cell(Right.SEE_WORKLIST, PATIENT, patient=True),
    "GET /usecases": Cell(Right.SEE_FIGURES),
    "GET /usecases/{name}": a_use(Right.SEE_FIGURES),
    "POST /usecases/{name}/sign": a_use(Right.SIGN_GATES, form=signature, also=signs),
    "POST /usecases/{name}/sign#refuse": a_use(
        Right.SIGN_GATES, form={"act": "refuse", "reason": "Not yet"}, also=takes_part
    ),
    "POST /usecases/{name}/sign#suspend": a_use(
        Right.SUSPEND, form={"act": "suspend", "reason": "Wrong unit"}
    ),
    "GET /usecases/{name}/notice/{kind}": Cell(Right.SEE_FIGURES, {"name": USE, "kind": "html"}),
    "GET /academy": Cell(Right.SEE_EVIDENCE),
    "GET /academy/courses/{name}": Cell(Right.SEE_EVIDENCE, COURSE),
    "GET /academy/courses/{name}/quiz": Cell(Right.SEE_EVIDENCE, COURSE),
    "POST /academy/courses/{name}/quiz": Cell(Right.SEE_EVIDENCE, COURSE, form=a_quiz),
    "GET /register": Cell(Right.SEE_GATES),
    "POST /register": Cell(Right.KEEP_REGISTER, form=a_system),
    "GET /register/{name}": a_use(Right.SEE_GATES),
    "POST /register/{name}/sign": a_use(Right.SIGN_GATES, form=signature, also=signs),
    "POST /register/{name}/answers": a_use(Right.KEEP_REGISTER, form=answered),
    "GET /register/{name}/dossier": a_use(Right.KEEP_DOSSIER),
    "POST /register/{name}/dossier": a_use(Right.KEEP_DOSSIER, settles=True),
    "POST /register/{name}/dossier/verify": a_use(Right.KEEP_DOSSIER, ready=with_dossier),
    "GET /register/{name}/dossier/{kind}": Cell(
        Right.KEEP_DOSSIER, {"name": USE, "kind": "json"}, ready=with_dossier
    ),
    "POST /register/{name}/duties": a_use(Right.KEEP_REGISTER, form=a_duty, ready=classified),
    "GET /usecases/{name}/settings": a_use(Right.SEE_FIGURES),
    "POST /usecases/{name}/settings": a_use(
        Right.CHANGE_SETTINGS, form={"start_from": "50", "withhold_below": "6", "reason": "Agreed"}
    ),
    "GET /usecases/{name}/trial": a_use(Right.SEE_FIGURES),
    "POST /usecases/{name}/trial": a_use(Right.PLAN_TRIAL, form=a_plan),
    "GET /usecases/{name}/report": a_use(Right.SEE_FIGURES),
    "GET /usecases/{name}/report/{kind}": Cell(Right.SEE_FIGURES, {"name": USE, "kind": "json"}, states=True),
    "GET /usecases/{name}/questions": a_use(Right.SEE_FIGURES),
    "POST /usecases/{name}/questions": a_use(
        Right.ANSWER_QUESTIONS,
        form={"act": "answer", "question": "context", "after": "0", "text": "Diagnosis"},
        also=owns,
    ),
    "GET /board": Cell(Right.SEE_MONITORING),
    "GET /usecases/{name}/monitoring": a_use(Right.SEE_MONITORING),
    "POST /usecases/{name}/monitoring/alarms/{id:int}": Cell(
        Right.ACKNOWLEDGE,
        {"name": USE, "id": "{alarm}"},
        form={"act": "acknowledge", "words": "Looked at the inputs of last week"},
        states=True,
    ),
    "GET /usecases/{name}/monitoring/rules": a_use(Right.SEE_MONITORING),
    "POST /usecases/{name}/monitoring/rules": a_use(
        Right.CHANGE_SETTINGS, form={"hours": "10", "hours_source": "The roster", "reason": "Agreed"}
    ),
    "GET /received": Cell(Right.SEE_RECEIVED),
    "GET /quality": Cell(Right.SEE_RECEIVED),
    "GET /quality/feed": Cell(Right.SEE_RECEIVED, query="name=admission"),
    "POST /quality/feed/switch": Cell(
        Right.SWITCH_FEEDS, form={"name": "admission", "to": "off", "reason": "Moved"}
    ),
    "GET /quarantine": Cell(Right.SEE_QUARANTINE),
    "GET /quarantine/attempts/{id:int}": Cell(Right.SEE_QUARANTINE, {"id": "1"}),
    "GET /quarantine/maps/{digest}": Cell(Right.SEE_QUARANTINE, {"digest": "{map}"}),
    "GET /quarantine/{id:int}": Cell(Right.SEE_QUARANTINE, HELD),
    "GET /quarantine/{id:int}/bytes": Cell(Right.SEE_QUARANTINE, HELD),
    "POST /quarantine/{id:int}/retry": Cell(Right.RETRY_QUARANTINE, HELD, form={"reason": "Mended"}),
    "POST /quarantine/{id:int}/mend": Cell(
        Right.RETRY_QUARANTINE,
        HELD,
        form={"map": synthetic.ROWS_MAP + 'X = "other"\n', "do": "mend", "reason": "x"},
    ),
    "POST /quarantine/{id:int}/aside": Cell(Right.RETRY_QUARANTINE, HELD, form={"reason": "No use"}),
    "POST /quarantine/{id:int}/back": Cell(
        Right.RETRY_QUARANTINE, HELD, form={"reason": "Of use"}, ready=set_aside
    ),
    "GET /terminology": Cell(Right.SEE_CODES, settles=True),
    "POST /terminology/map": Cell(
        Right.MAP_CODES,
        form=lambda world, _: {
            "row": str(world.places["row"]),
            "means": "http://loinc.org|2823-3|Potassium",
            "unit": "this",
            "equivalence": "equivalent",
            "reason": "Our own list",
        },
        settles=True,
    ),
    "POST /terminology/withdraw": Cell(
        Right.MAP_CODES,
        form=lambda world, _: {"uid": str(world.places["uid"]), "reason": "Another method"},
        ready=coded,
        settles=True,
    ),
    "POST /terminology/apply": Cell(Right.MAP_CODES, settles=True),
    "GET /views": Cell(Right.SEE_VIEWS),
    "GET /views/write": Cell(Right.WRITE_VIEWS),
    "POST /views/write": Cell(Right.WRITE_VIEWS, form={"text": VIEW, "name": "cell", "do": "save"}),
    "GET /views/library/{name}": Cell(Right.SEE_VIEWS, LIBRARY),
    "GET /views/library/{name}/csv": Cell(Right.RUN_VIEWS, LIBRARY),
    "GET /views/saved/{name}": Cell(Right.SEE_VIEWS, SAVED),
    "GET /views/saved/{name}/csv": Cell(Right.RUN_VIEWS, SAVED),
    "POST /views/saved/{name}/undo": Cell(Right.WRITE_VIEWS, SAVED, form={"after": "2"}),
    "GET /identity": Cell(Right.SEE_IDENTITY),
    "GET /identity/pairs/{id:int}": Cell(Right.SEE_IDENTITY, PAIR),
    "POST /identity/pairs/{id:int}/decision": Cell(
        Right.MERGE_PATIENTS, PAIR, form={"action": "different", "reason": "Cousins"}
    ),
    "GET /identity/pairs/{id:int}/merge": Cell(Right.MERGE_PATIENTS, PAIR, query="survivor=d2"),
    "POST /identity/pairs/{id:int}/merge": Cell(
        Right.MERGE_PATIENTS, PAIR, form={"survivor": "d2", "reason": "Same card"}
    ),
    "GET /identity/merges/{id:int}": Cell(Right.SEE_IDENTITY, MERGE),
    "POST /identity/merges/{id:int}/undo": Cell(Right.MERGE_PATIENTS, MERGE, form={"reason": "Two sisters"}),
    "GET /consents": Cell(Right.RECORD_CONSENT),
    "POST /consents/search": Cell(Right.RECORD_CONSENT, form={"number": "Patient/p2"}),
    "GET /consents/patient": Cell(Right.RECORD_CONSENT, query="of={of}", ready=sealed),
    "POST /consents/patient": Cell(
        Right.RECORD_CONSENT,
        form=lambda world, _: {"of": str(world.places["of"]), "kind": "secondary", "said_by": "patient"},
        ready=sealed,
    ),
    "POST /consents/{id:int}/withdraw": Cell(Right.RECORD_CONSENT, {"id": "{refusal}"}, ready=refused),
    "POST /consents/{id:int}/undo": Cell(Right.RECORD_CONSENT, {"id": "{refusal}"}, ready=refused),
    "GET /audit": Cell(Right.SEE_AUDIT),
    "POST /audit/verify": Cell(Right.SEE_AUDIT),
    "GET /audit/about": Cell(Right.SEE_AUDIT),
    "POST /audit/about": Cell(Right.SEE_AUDIT, form={"patient": "Patient/p2"}),
    "GET /account": Cell(Right.SEE_EVIDENCE),
    "POST /account/password": Cell(
        Right.SEE_EVIDENCE,
        form={
            "old": synthetic.PASSWORD,
            "new": "a zebra drinks green tea",
            "again": "a zebra drinks green tea",
        },
    ),
    "POST /account/codes": Cell(Right.SEE_EVIDENCE, ready=enrols),
    "POST /account/second-factor": Cell(Right.SEE_EVIDENCE, ready=enrols),
    "POST /account/sessions": Cell(Right.SEE_EVIDENCE, form={"session": "others"}),
    "GET /people": Cell(Right.MANAGE_PEOPLE),
    "POST /people": Cell(
        Right.MANAGE_PEOPLE, form={"login": "new", "name": "New Person", "language": "en", "role-nurse": "on"}
    ),
    "POST /people/change": Cell(Right.MANAGE_PEOPLE, form={"login": "nurse", "action": "lock"}),
}
"""Every page and form, by its method and address; after ``#``, one of several buttons of the same form."""

UNDECLARED = "declare it in tests/console/expected.py: which right does it need, and a form that is right?"

STATES = tuple(State)
