"""Who is who: pairs of patients who may be one person, side by side; merging them, and taking it back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from starlette.responses import Response

from vesalius import identity
from vesalius.console.contexts import (
    Compared,
    ConfirmPage,
    IdentityPage,
    MergePage,
    MergeRow,
    Pages,
    PairPage,
    PairRow,
    Side,
    Tab,
)
from vesalius.console.languages import N_
from vesalius.console.sources import type_name
from vesalius.console.visit import Visit, address, redirect, render
from vesalius.console.words import SEXES
from vesalius.errors import Conflict, InvalidDecision, NotFound
from vesalius.fhir import belgium
from vesalius.governance import Right, audit, people

SIZE = 50
"""How many pairs a page has."""

MERGES = 20
"""How many of the latest merges the first page shows."""

AT_ONCE = 2_000
"""The most versions of patients that opening the page takes in; for more there is a command."""

STATES = {
    "open": N_("To decide"),
    "later": N_("Later"),
    "different": N_("Different persons"),
    "merged": N_("Merged"),
}
"""The states of a pair."""

RULES = {
    "R1": N_("Same national number, birth date and first name."),
    "R2": N_("Same national number, but the birth date, the first name or the sex differs."),
    "R3": N_("Same names, birth date and sex; no national number speaks against it."),
    "R4": N_("They differ in the national number alone, and one of the two is a bis number."),
    "R5": N_("The national numbers differ by one slip; names and birth date agree."),
    "R6": N_("Same birth date and sex; the names are spelled otherwise."),
    "R7": N_("Same names and postcode; the birth dates differ by one slip."),
    "R8": N_("Same first name, birth date and postcode; another family name (marriage?)."),
    "R9": N_("Same names, birth date and address, but two national numbers."),
    "F": N_("A system of the hospital calls them one person, against what holds here."),
    "": N_("No rule proposed it: a person or a system decided."),
}
"""What proposed a pair, by the code of the rule."""

WHY = {
    "apart": N_("%(feed)s says that they are one; a person here said that they are two."),
    "other": N_("%(feed)s names another survivor than the one who stands for this patient here."),
    "circle": N_("%(feed)s would make a circle: each would stand for the other."),
}
"""Why the word of a feed was not followed."""

AGREES = {"same": N_("same"), "alike": N_("alike"), "other": N_("different"), "unknown": N_("not known")}
"""How a field agrees."""

ORIGINS = {"person": N_("a person"), "feed": N_("a system of the hospital"), "rule": N_("an automatic rule")}
"""Who decided on a merge."""

FLAGS = {
    "niss-invalid": N_("National number with wrong check digits"),
    "niss-made-up": N_("National number that no person has"),
    "niss-birth": N_("Birth date differs from the national number"),
    "niss-sex": N_("Sex differs from the national number"),
    "niss-several": N_("Several national numbers in use"),
    "nihdi-invalid": N_("NIHDI number with wrong check digits"),
    "cbe-invalid": N_("Enterprise number with wrong check digits"),
}
"""What can be odd about numbers."""

Words = tuple[str, ...]

NO_REASON = N_("Write your reason: it is kept with your name.")
MERGED = N_("Merged. It can be taken back at any time.")
UNMERGED = N_("The merge was taken back: they are two patients again.")
APART = N_("Remembered as different persons; they are not proposed again.")
PUT_OFF = N_("Put off.")


def show(visit: Visit) -> Response:
    """The list of pairs, and the latest merges; it names no patient."""
    lake, engine = visit.hospital.lake, visit.hospital.engine
    if identity.behind(lake):
        identity.refresh(lake, most=AT_ONCE, now=visit.now)
    status = visit.query.get("status", "open")
    status = status if status in STATES else "open"
    asked = visit.query.get("page", "1")
    number = max(1, int(asked)) if asked.isdecimal() and len(asked) < 7 else 1
    found = identity.pairs(engine, status, limit=SIZE + 1, offset=(number - 1) * SIZE)
    counts = identity.counts(engine)
    visit.note(audit.Action.IDENTITY_READ, "pairs", {"status": status, "shown": len(found[:SIZE])})
    before = address("/identity", status=status, page=number - 1) if number > 1 else ""
    after = address("/identity", status=status, page=number + 1) if len(found) > SIZE else ""
    page = IdentityPage(
        tabs=tuple(
            Tab(address("/identity", status=each), label, counts[each], each == status)
            for each, label in STATES.items()
        ),
        rows=tuple(_row(visit, each) for each in found[:SIZE]),
        list=Pages(number, 0, counts[status], before, after),
        merges=_merges(visit, identity.merges(engine, limit=MERGES)),
        behind=identity.behind(lake),
        flags=tuple((FLAGS.get(flag, flag), count) for flag, count in identity.flagged(engine).items()),
    )
    return render(visit, "identity.html", page)


def pair(visit: Visit) -> Response:
    """One pair, side by side."""
    found = identity.pair(visit.hospital.engine, visit.number("id"))
    _compared(visit, found.one, found.other)
    return render(visit, "pair.html", _pair(visit, found))


def decide(visit: Visit) -> Response:
    """Calls them different persons, or puts the pair off."""
    found = identity.pair(visit.hospital.engine, visit.number("id"))
    by, at, engine = visit.who.id, visit.now, visit.hospital.engine
    if visit.form.get("action") == "later":
        identity.put_off(
            engine, found.id, by=by, at=at, witness=_witness(visit, audit.Action.PATIENTS_PUT_OFF)
        )
        visit.notice(PUT_OFF)
        return redirect("/identity")
    if visit.form.get("action") != "different":
        raise InvalidDecision("there is no such action")
    try:
        identity.set_apart(
            engine, found.id, by=by, at=at, reason=visit.form.get("reason", "")[:2000],
            witness=_witness(visit, audit.Action.PATIENTS_SET_APART),
        )  # fmt: skip
    except InvalidDecision:
        _compared(visit, found.one, found.other)
        return render(visit, "pair.html", _pair(visit, found, NO_REASON), 400)
    visit.notice(APART)
    return redirect("/identity")


def confirm(visit: Visit) -> Response:
    """What a merge would move, before it is done."""
    found, source, target = _chosen(visit, visit.query.get("survivor", ""))
    _compared(visit, source, target)
    return render(visit, "confirm.html", _confirm(visit, found, source, target))


def merge(visit: Visit) -> Response:
    """Merges the two of a pair; says what is missing when it is not complete."""
    found, source, target = _chosen(visit, visit.form.get("survivor", ""))
    reason = visit.form.get("reason", "")[:2000]
    try:
        made = identity.merge(
            visit.hospital.lake, source, target, by=visit.who.id, reason=reason, at=visit.now,
            witness=lambda connection, made: audit.merged(connection, visit.who.id, made),
        )  # fmt: skip
    except InvalidDecision:
        _compared(visit, source, target)
        page = _confirm(visit, found, source, target, visit.say(NO_REASON), reason)
        return render(visit, "confirm.html", page, 400)
    visit.notice(MERGED)
    return redirect(f"/identity/merges/{made.id}")


def merged(visit: Visit) -> Response:
    """One merge: what it moved, and taking it back."""
    made = identity.get(visit.hospital.engine, visit.number("id"))
    _compared(visit, made.source, made.target)
    return render(visit, "merge.html", _merge(visit, made))


def undo(visit: Visit) -> Response:
    """Takes a merge back."""
    made = identity.get(visit.hospital.engine, visit.number("id"))
    try:
        identity.unmerge(
            visit.hospital.lake, made.id, by=visit.who.id, reason=visit.form.get("reason", "")[:2000],
            at=visit.now, witness=lambda connection, made: audit.merged(connection, visit.who.id, made),
        )  # fmt: skip
    except InvalidDecision:
        _compared(visit, made.source, made.target)
        return render(visit, "merge.html", _merge(visit, made, NO_REASON), 400)
    visit.notice(UNMERGED)
    return redirect(f"/identity/merges/{made.id}")


# What the pages hold ---------------------------------------------------------------------------------------


def _compared(visit: Visit, one: str, other: str) -> None:
    """Comparing two patients is a reading of each."""
    for mine, theirs in ((one, other), (other, one)):
        visit.note(audit.Action.IDENTITY_READ, f"Patient/{mine}", {"with": f"Patient/{theirs}"})


def _witness(visit: Visit, action: audit.Action) -> Any:
    def note(connection: Any, found: identity.Pair) -> None:
        detail = {"subject": f"Patient/{found.other}", "pair": found.id}
        audit.record(connection, visit.who.id, action, f"Patient/{found.one}", detail, visit.now)

    return note


def _chosen(visit: Visit, survivor: str) -> tuple[identity.Pair, str, str]:
    """The pair, who would be replaced, and who would stand for both."""
    found = identity.pair(visit.hospital.engine, visit.number("id"))
    if survivor not in {found.one, found.other}:
        raise NotFound("choose which of the two stands for both")
    return found, found.other if survivor == found.one else found.one, survivor


def _row(visit: Visit, found: identity.Pair) -> PairRow:
    return PairRow(
        id=found.id,
        rule=found.rule,
        words=RULES.get(found.rule, found.rule),
        found_at=found.found_at,
        decided_at=found.decided_at,
        decided_by=_name_of(visit, found.decided_by or ""),
    )


def _name_of(visit: Visit, login: str) -> str:
    """The name of an account; a feed or a rule is called what it is."""
    try:
        return people.get(visit.hospital.engine, login).name
    except NotFound:
        return login


def _merges(visit: Visit, found: Iterable[identity.Merge]) -> tuple[MergeRow, ...]:
    found = list(found)
    moved = identity.moves(visit.hospital.engine, [each.id for each in found])
    return tuple(
        MergeRow(
            id=each.id,
            source=f"Patient/{each.source}",
            target=f"Patient/{each.target}",
            at=each.at,
            origin=ORIGINS.get(each.origin, each.origin),
            by=_name_of(visit, each.by),
            moved=moved.get(each.id, 0),
            undone_at=each.undone_at,
            undone_by=_name_of(visit, each.undone_by or ""),
        )
        for each in found
    )


def _merge(visit: Visit, made: identity.Merge, problem: str = "") -> MergePage:
    return MergePage(
        merge=_merges(visit, [made])[0],
        source=_side(visit, made.source),
        target=_side(visit, made.target),
        reason=made.reason,
        undone_reason=made.undone_reason or "",
        moving=made.todo is not None,
        may_undo=made.active and visit.may(Right.MERGE_PATIENTS),
        problem=problem,
    )


def _confirm(
    visit: Visit, found: identity.Pair, source: str, target: str, problem: str = "", reason: str = ""
) -> ConfirmPage:
    try:
        ahead, possible = identity.preview(visit.hospital.lake, source, target), True
    except (Conflict, NotFound) as error:
        ahead, possible, problem = identity.Preview({}), False, str(error)
    return ConfirmPage(
        id=found.id,
        source=_side(visit, source),
        target=_side(visit, target),
        moves=tuple((type_name(kind), count) for kind, count in ahead.moves.items()),
        total=ahead.total,
        problem=problem,
        reason=reason,
        possible=possible,
    )


def _pair(visit: Visit, found: identity.Pair, problem: str = "") -> PairPage:
    one, other = (_resource(visit, each) for each in (found.one, found.other))
    why = WHY.get(found.detail.get("why", ""), "")
    return PairPage(
        id=found.id,
        rule=found.rule,
        words=RULES.get(found.rule, found.rule),
        why=visit.say(why, feed=found.detail.get("feed", "")) if why else "",
        one=_side(visit, found.one),
        other=_side(visit, found.other),
        fields=_fields(visit, one, other),
        status=STATES[found.status],
        waits=found.status in {"open", "later"},
        decided_at=found.decided_at,
        decided_by=_name_of(visit, found.decided_by or ""),
        reason=found.reason or "",
        may_decide=visit.may(Right.MERGE_PATIENTS),
        problem=problem,
    )


def _resource(visit: Visit, patient: str) -> dict[str, Any]:
    version = visit.hospital.lake.read(f"Patient/{patient}")
    return version.resource if version else {"resourceType": "Patient", "id": patient}


def _side(visit: Visit, patient: str) -> Side:
    resource = _resource(visit, patient)
    about = visit.hospital.lake.patient(f"Patient/{patient}")
    return Side(
        id=patient,
        name=" / ".join(names_of(resource)),
        born=born_of(visit, resource.get("birthDate", "")),
        resources=sum(each.type != "Patient" for each in about),
        flags=tuple(FLAGS.get(each, each) for each in identity.flags(resource)),
        merged=identity.survivor(visit.hospital.engine, patient) != patient,
    )


def _fields(visit: Visit, one: dict[str, Any], other: dict[str, Any]) -> tuple[Compared, ...]:
    found = identity.compare(identity.person(one), identity.person(other))
    engine = visit.hospital.engine
    former = [identity.periods(engine, each["id"]) for each in (one, other)]
    national, others = (_both(how, visit, former) for how in (_national, _others))
    birth, sex = (_both(how, visit, [one, other]) for how in (_birth, _sex))
    return (
        _field(N_("Family name"), _parts(one, "family"), _parts(other, "family"), found.family),
        _field(N_("First name"), _parts(one, "given"), _parts(other, "given"), found.given),
        _field(N_("Birth date"), *birth, found.birth),
        _field(N_("Sex"), *sex, found.sex),
        _field(N_("National number (NISS/INSZ)"), *national, found.niss),
        _field(N_("Postcode"), _address(one, "postalCode"), _address(other, "postalCode"), found.postcode),
        _field(N_("Street"), _address(one, "line"), _address(other, "line"), found.street),
        _field(N_("Telephone"), _telephone(one), _telephone(other)),
        _field(N_("Other numbers"), *others),
    )


def _both(how: Callable[[Visit, Any], Words], visit: Visit, two: list[Any]) -> tuple[Words, Words]:
    return how(visit, two[0]), how(visit, two[1])


def _birth(visit: Visit, resource: dict[str, Any]) -> Words:
    return (born_of(visit, resource.get("birthDate", "")),)


def _sex(visit: Visit, resource: dict[str, Any]) -> Words:
    words = SEXES.get(resource.get("gender", ""), "")
    return (visit.say(words) if words else "",)


def _field(label: str, one: tuple[str, ...], other: tuple[str, ...], agrees: str = "") -> Compared:
    mine, theirs = (tuple(filter(None, each)) for each in (one, other))
    if not agrees:
        agrees = "unknown" if not mine or not theirs else "same" if set(mine) & set(theirs) else "other"
    return Compared(label, mine, theirs, agrees, AGREES[agrees])


def names_of(resource: dict[str, Any]) -> list[str]:
    """The names of a patient, family name first, each once."""
    found = []
    for each in resource.get("name", ()):
        parts = (each.get("family", ""), " ".join(each.get("given", ())))
        found.append(", ".join(filter(None, parts)) or each.get("text", ""))
    return list(dict.fromkeys(filter(None, found)))


def _parts(resource: dict[str, Any], part: str) -> tuple[str, ...]:
    values = (each.get(part, "") for each in resource.get("name", ()))
    return tuple(dict.fromkeys(" ".join(each) if isinstance(each, list) else each for each in values))


def _address(resource: dict[str, Any], part: str) -> tuple[str, ...]:
    found = []
    for each in resource.get("address", ()):
        value = each.get(part, "")
        found.append(
            ", ".join(value) if isinstance(value, list) else f"{value} {each.get('city', '')}".strip()
        )
    return tuple(dict.fromkeys(found))


def _telephone(resource: dict[str, Any]) -> tuple[str, ...]:
    return tuple(
        "".join(each.get("value", "").split()) for each in resource.get("telecom", ()) if "value" in each
    )


def _national(visit: Visit, found: list[identity.Period]) -> tuple[str, ...]:
    return tuple(
        _until(visit, belgium.niss_formatted(each.value), each)
        for each in found
        if each.system == belgium.NISS
    )


def _others(visit: Visit, found: list[identity.Period]) -> tuple[str, ...]:
    return tuple(
        _until(visit, f"{each.value} ({each.system.rpartition('/')[2]})", each)
        for each in found
        if each.system != belgium.NISS
    )


def _until(visit: Visit, words: str, period: identity.Period) -> str:
    if period.until is None:
        return words
    return visit.say(N_("%(number)s, until %(day)s"), number=words, day=visit.language.day(period.until))


def born_of(visit: Visit, born: str) -> str:
    """A birth date in the reader's words, as far as it is known."""
    try:
        return visit.language.day(date.fromisoformat(born)) if len(born) == 10 else born
    except ValueError:
        return born
