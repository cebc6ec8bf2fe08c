"""What the entries of a C-CDA document become, by their template (HL7 C-CDA R2.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from vesalius.ingest._resources import UNKNOWN, Resource, made, reference
from vesalius.ingest._xml import Element, text
from vesalius.ingest.ccda import _data, _observations
from vesalius.ingest.ccda._context import HL7, Context, coded, negated, related, status
from vesalius.ingest.ccda._data import TABLES

Maker = Callable[[Element, Context], list[Resource]]

_STATUS, _SEVERITY = "33999-4", "SEV"


def made_of(entry: Element, context: Context) -> list[Resource]:
    """The resources that an entry becomes; empty if it is of a kind that we do not map."""
    for template in _data.templates(entry):
        if kind := TABLES["templates"].get(template):
            return _MAKERS[kind](entry, context)
    if entry.tag == "observation" and entry.get("moodCode") == "EVN":
        return _observations.observation(entry, context)
    return []


def kind(entry: Element) -> str:
    """The name of an entry for a table of what was not mapped: its element, mood and template."""
    template = next(_data.templates(entry), "")
    return " ".join(part for part in (entry.tag, entry.get("moodCode") or "", template) if part)


def _nested(entry: Element, path: str) -> Iterator[Element]:
    yield from entry.iterfind(f"entryRelationship/{path}")


def _problems(entry: Element, context: Context) -> list[Resource]:
    """A concern: the problems in it."""
    return [one for inside in _nested(entry, "observation") for one in _concern_of(inside, entry, context)]


def _concern_of(observation: Element, concern: Element, context: Context) -> list[Resource]:
    if "4" not in set(_data.templates(observation)):
        return []
    return [_condition(observation, context, concern)]


def _problem(entry: Element, context: Context) -> list[Resource]:
    return [_condition(entry, context, None)]


def _condition(observation: Element, context: Context, concern: Element | None) -> Resource:
    when = _data.period(observation.find("effectiveTime"))
    refuted = coded(HL7 + "condition-ver-status", "refuted") if negated(observation) else None
    return context.named("Condition", observation) | made(
        clinicalStatus=_clinical(observation, concern, "condition-clinical"),
        verificationStatus=refuted,
        category=[_category(concern)],
        code=context.about(observation, "value"),
        subject=context.subject,
        onsetDateTime=when.get("start", ""),
        abatementDateTime=_ended(observation),
        recordedDate=context.recorded(observation),
        recorder=context.author(observation),
        note=context.note(observation),
    )


def _ended(entry: Element) -> str:
    """When it ended: only where an end is said, since a point in time is when it was seen."""
    return _data.time(entry.find("effectiveTime/high"))


def _category(concern: Element | None) -> dict[str, Any]:
    listed = concern is not None and "3" in set(_data.templates(concern))
    return coded(HL7 + "condition-category", "problem-list-item" if listed else "encounter-diagnosis")


def _clinical(entry: Element, concern: Element | None, system: str) -> dict[str, Any]:
    said = related(entry, template="6", code=_STATUS)
    if said is None:
        said = related(entry, template="28")
    value = None if said is None else said.find("value")
    code = "" if value is None else value.get("code") or ""
    found = TABLES["clinical"].get(code)
    if not found and concern is not None and not _ended(entry):
        found = {"active": "active"}.get(status(concern, "concerns", ""))
    if not found and _ended(entry):
        found = "resolved"
    return coded(HL7 + system, found) if found else UNKNOWN


def _allergies(entry: Element, context: Context) -> list[Resource]:
    return [_allergy(one, entry, context) for one in _nested(entry, "observation")]


def _allergy(observation: Element, concern: Element, context: Context) -> Resource:
    value = observation.find("value")
    kind = "" if value is None else value.get("code") or ""
    type_, category = TABLES["allergies"].get(kind, ["", ""])
    substance = observation.find("participant/participantRole/playingEntity/code")
    refuted = coded(HL7 + "allergyintolerance-verification", "refuted") if negated(observation) else None
    return context.named("AllergyIntolerance", observation) | made(
        clinicalStatus=_clinical(observation, concern, "allergyintolerance-clinical"),
        verificationStatus=refuted,
        type=type_,
        category=[category] if category else [],
        code=context.concept(substance) or context.about(observation, "value"),
        patient=context.subject,
        onsetDateTime=_data.period(observation.find("effectiveTime")).get("start", ""),
        recordedDate=context.recorded(observation),
        recorder=context.author(observation),
        reaction=[_reaction(one, context) for one in _reactions(observation)],
    )


def _reactions(observation: Element) -> Iterator[Element]:
    return (one for one in _nested(observation, "observation") if _is_reaction(one))


def _is_reaction(observation: Element) -> bool:
    return "9" in set(_data.templates(observation)) or (
        observation.getparent().get("typeCode") == "MFST" and observation.find("value") is not None
    )


def _reaction(observation: Element, context: Context) -> dict[str, Any]:
    severe = related(observation, template="8", code=_SEVERITY)
    value = None if severe is None else severe.find("value")
    return made(
        manifestation=[context.about(observation, "value")],
        onset=_data.time(observation.find("effectiveTime/low")),
        severity="" if value is None else TABLES["severities"].get(value.get("code") or "", ""),
    )


def _medications(entry: Element, context: Context) -> list[Resource]:
    found = (_medication(one, context) for one in _nested(entry, "substanceAdministration"))
    return [one for resources in found for one in resources]


def _medication(entry: Element, context: Context) -> list[Resource]:
    material = entry.find("consumable/manufacturedProduct/manufacturedMaterial")
    when = next((one for one in entry.iterfind("effectiveTime") if _is_course(one)), None)
    return [
        context.named("MedicationStatement", entry)
        | made(
            status="not-taken" if negated(entry) else status(entry, "medications", "unknown"),
            medicationCodeableConcept={"text": "not said"}
            if material is None
            else _material(material, context),
            subject=context.subject,
            effectivePeriod=_data.period(when),
            dateAsserted=context.recorded(entry),
            informationSource=context.author(entry),
            note=context.note(entry),
            dosage=[dosage] if (dosage := _dosage(entry, context)) else [],
        )
    ]


def _planned(entry: Element, context: Context) -> list[Resource]:
    """A medication that is only planned: its act may be active, its taking is not."""
    return [one | {"status": "intended"} for one in _medication(entry, context)]


def _is_course(time: Element) -> bool:
    """Whether a time is the course of a treatment, not its rhythm."""
    return _data.type_of(time) in {"", "IVL_TS", "TS"}


def _material(material: Element, context: Context) -> dict[str, Any]:
    found = context.concept(material.find("code"))
    name = text(material.find("name"))
    return found | ({"text": name} if name and "text" not in found else {}) or {"text": "not said"}


def _dosage(entry: Element, context: Context) -> dict[str, Any]:
    dose, rate = _data.quantity(entry.find("doseQuantity")), _data.quantity(entry.find("rateQuantity"))
    given = made(doseQuantity=dose, rateQuantity=rate)
    precondition = entry.find("precondition") is not None
    return made(
        timing=_timing(entry),
        asNeededBoolean=precondition or None,
        site=context.concept(entry.find("approachSiteCode")),
        route=context.concept(entry.find("routeCode")),
        doseAndRate=[given] if given else [],
    )


def _timing(entry: Element) -> dict[str, Any]:
    for one in entry.iterfind("effectiveTime"):
        rhythm = _data.quantity(one.find("period")) if _data.type_of(one) == "PIVL_TS" else {}
        if rhythm.get("unit") in {"s", "min", "h", "d", "wk", "mo", "a"}:
            repeat = {"frequency": 1, "period": rhythm["value"], "periodUnit": rhythm["unit"]}
            return {"repeat": repeat}
        event = one.find("event")
        if _data.type_of(one) == "EIVL_TS" and event is not None and event.get("code") in _EVENTS:
            return {"repeat": {"when": [event.get("code")]}}
    return {}


_EVENTS = {"HS", "WAKE", "C", "CM", "CD", "CV", "AC", "ACM", "ACD", "ACV", "PC", "PCM", "PCD", "PCV"}


def _immunization(entry: Element, context: Context) -> list[Resource]:
    material = entry.find("consumable/manufacturedProduct/manufacturedMaterial")
    occurred = _data.period(entry.find("effectiveTime")).get("start", "")
    performer = context.performer(entry)
    lot = None if material is None else material.find("lotNumberText")
    return [
        context.named("Immunization", entry)
        | made(
            status="not-done" if negated(entry) else "completed",
            vaccineCode={"text": "not said"} if material is None else _material(material, context),
            patient=context.subject,
            occurrenceDateTime=occurred,
            occurrenceString="" if occurred else "unknown",
            recorded=context.recorded(entry),
            lotNumber=text(lot),
            site=context.concept(entry.find("approachSiteCode")),
            route=context.concept(entry.find("routeCode")),
            doseQuantity=_data.quantity(entry.find("doseQuantity")),
            performer=[{"actor": performer}] if performer else [],
            note=context.note(entry),
        )
    ]


def _procedure(entry: Element, context: Context) -> list[Resource]:
    performer = context.performer(entry)
    when = _data.period(entry.find("effectiveTime"))
    same = when.get("start") == when.get("end")
    return [
        context.named("Procedure", entry)
        | made(
            status="not-done" if negated(entry) else status(entry, "procedures", "unknown"),
            code=context.about(entry),
            subject=context.subject,
            performedDateTime=when.get("start", "") if same else "",
            performedPeriod={} if same else when,
            performer=[{"actor": performer}] if performer else [],
            bodySite=[site] if (site := context.concept(entry.find("targetSiteCode"))) else [],
            note=context.note(entry),
        )
    ]


def _encounter(entry: Element, context: Context) -> list[Resource]:
    seen = context.performer(entry)
    conditions = [
        condition
        for act in _nested(entry, "act")
        for one in _nested(act, "observation")
        for condition in _concern_of(one, act, context)
    ]
    when = _data.period(entry.find("effectiveTime"))
    encounter = context.named("Encounter", entry) | made(
        status="finished" if when.get("end") else "unknown",
        type=[context.about(entry)],
        subject=context.subject,
        participant=[{"individual": seen}] if seen else [],
        period=when,
        diagnosis=[{"condition": reference(one)} for one in conditions],
    )
    # FHIR wants to know whether the patient stayed; C-CDA does not say it in FHIR's codes.
    return [encounter | {"class": UNKNOWN}, *conditions]


def _plan(entry: Element, context: Context) -> list[Resource]:
    if entry.get("moodCode") == "GOL":
        return _goal(entry, context)
    when = _data.period(entry.find("effectiveTime"))
    same = when.get("start") == when.get("end")
    return [
        context.named("ServiceRequest", entry)
        | made(
            status=status(entry, "requests", "unknown"),
            intent="order" if entry.get("moodCode") == "RQO" else "plan",
            code=context.about(entry),
            subject=context.subject,
            occurrenceDateTime=when.get("start", "") if same else "",
            occurrencePeriod={} if same else when,
            authoredOn=context.recorded(entry),
            requester=context.author(entry),
            note=context.note(entry),
        )
    ]


def _goal(entry: Element, context: Context) -> list[Resource]:
    return [
        context.named("Goal", entry)
        | made(
            lifecycleStatus="active" if status(entry, "requests", "") == "active" else "proposed",
            description=context.about(entry),
            subject=context.subject,
            startDate=_data.period(entry.find("effectiveTime")).get("start", "")[:10],
            note=context.note(entry),
        )
    ]


def _family(entry: Element, context: Context) -> list[Resource]:
    subject = entry.find("subject/relatedSubject")
    relation = {} if subject is None else context.concept(subject.find("code"))
    person = None if subject is None else subject.find("subject")
    conditions = [
        made(code=context.about(one, "value"), outcome=None)
        for one in entry.iterfind("component/observation")
    ]
    return [
        context.named("FamilyMemberHistory", entry)
        | made(
            status="completed" if status(entry, "requests", "") == "completed" else "health-unknown",
            patient=context.subject,
            date=context.at,
            relationship=relation or {"text": "not said"},
            sex=_sex(person),
            bornDate="" if person is None else _data.time(person.find("birthTime"))[:10],
            condition=conditions,
        )
    ]


def _sex(person: Element | None) -> dict[str, Any] | None:
    code = None if person is None else person.find("administrativeGenderCode")
    gender = "" if code is None else TABLES["genders"].get(code.get("code") or "", "")
    return coded("http://hl7.org/fhir/administrative-gender", gender) if gender else None


_MAKERS: dict[str, Maker] = {
    "allergies": _allergies,
    "encounter": _encounter,
    "family": _family,
    "goal": _goal,
    "immunization": _immunization,
    "medication": _medication,
    "medications": _medications,
    "observation": _observations.observation,
    "plan": _plan,
    "planned": _planned,
    "problem": _problem,
    "problems": _problems,
    "procedure": _procedure,
    "results": _observations.results,
    "social": _observations.social,
    "vitals": _observations.vitals,
}
