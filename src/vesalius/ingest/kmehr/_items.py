"""Items of a transaction that become a resource of their own, by their CD-ITEM."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vesalius import fhir
from vesalius.ingest._resources import UNKNOWN, Resource, made
from vesalius.ingest._xml import Element, text, texts
from vesalius.ingest.kmehr._dosage import number
from vesalius.ingest.kmehr._medication import notes, other_lifecycle, period, product, statement
from vesalius.ingest.kmehr._moments import moment, whole
from vesalius.ingest.kmehr._tables import TABLES, cd_system, code, coded, concept

_HL7 = "http://terminology.hl7.org/CodeSystem/"


@dataclass(frozen=True)
class Context:
    """What the items of one transaction have in common.

    Attributes:
        key: what names the transaction, for ids.
        subject: the reference to the patient.
        author: the reference to who wrote it, if anyone.
        at: when it was written, as a FHIR dateTime; empty if it does not say.
        final: whether it is complete and validated.
    """

    key: tuple[str, ...]
    subject: dict[str, str]
    author: dict[str, str] | None
    at: str
    final: bool = True

    def id(self, kind: str, item: Element, place: int) -> str:
        """The id of what an item becomes: by its own number, else by its place."""
        number = next((text(one) for one in item.iterfind("id") if one.get("S") == "ID-KMEHR"), "")
        return fhir.made_id(kind, *self.key, number or f"#{place}")

    def recorded(self, item: Element) -> str:
        """When an item was recorded: as it says, else with its transaction."""
        return whole(text(item.find("recorddatetime"))) or self.at


def kind_of(item: Element) -> str:
    """What an item becomes, by the table of CD-ITEM; ``other`` if the table does not say."""
    return str(TABLES["items"].get(code(item, "CD-ITEM"), "other"))


def made_of(item: Element, context: Context, place: int) -> list[Resource]:
    """The resources that one item becomes; the first is the one that the document refers to."""
    return _MAKERS[kind_of(item)](item, context, place)


def clinical_status(item: Element, system: str) -> dict[str, Any] | None:
    """The clinical status that its life cycle says, or None."""
    status = TABLES["lifecycles"].get(code(item.find("lifecycle"), "CD-LIFECYCLE"))
    return coded(_HL7 + system, status) if status else None


def said(item: Element) -> dict[str, Any]:
    """What an item is about: its codes and its words; of an item with nothing but its kind, that."""
    about = concept(item.iterfind("content/cd"), texts(item, "content/text"))
    return about or concept(item.iterfind("cd"), [code(item, "CD-ITEM")])


def remark(item: Element, context: Context, place: int) -> Resource:
    """A risk of the patient, of society or of the family, or a patient's will, contained in a document.

    It is an observation of that kind, so that nobody reads a risk of the family as an illness of the patient.
    """
    recorded = context.recorded(item)
    return made(
        resourceType="Observation",
        id=f"item-{place}",
        status="final" if context.final else "preliminary",
        code=coded(cd_system("CD-ITEM"), code(item, "CD-ITEM")),
        subject=context.subject,
        effectivePeriod=period(item),
        issued=recorded if "T" in recorded else "",
        valueCodeableConcept=said(item),
        note=_notes(item, ()),
    )


def _condition(item: Element, context: Context, place: int) -> Resource:
    return made(
        resourceType="Condition",
        id=context.id("Condition", item, place),
        clinicalStatus=clinical_status(item, "condition-clinical"),
        verificationStatus=_verified(item, "condition-ver-status"),
        category=[coded(cd_system("CD-ITEM"), code(item, "CD-ITEM"))],
        severity=_severity(item),
        code=said(item),
        subject=context.subject,
        onsetDateTime=moment(item.find("beginmoment")),
        abatementDateTime=moment(item.find("endmoment")),
        recordedDate=context.recorded(item),
        recorder=context.author,
        note=_notes(item, ("lifecycles", "absences")),
    )


def _verified(item: Element, system: str) -> dict[str, Any] | None:
    """How certain it is, as far as it says so: by its certainty, or a life cycle of what is not there."""
    said = TABLES["certainties"].get(code(item.find("certainty"), "CD-CERTAINTY"))
    said = TABLES["absences"].get(code(item.find("lifecycle"), "CD-LIFECYCLE")) or said
    if said == "provisional" and system.startswith("allergy"):
        said = "unconfirmed"  # FHIR has no provisional allergy
    return coded(_HL7 + system, said) if said else None


def _notes(item: Element, known: tuple[str, ...]) -> list[dict[str, str]]:
    """The words beside an item, and its life cycle if none of the tables ``known`` has it."""
    return [{"text": words} for words in (*texts(item, "text"), *other_lifecycle(item, known))]


def _severity(item: Element) -> dict[str, Any] | None:
    level = code(item.find("severity"), "CD-SEVERITY")
    return coded(cd_system("CD-SEVERITY"), level) if level else None


def _allergy(item: Element, context: Context, place: int) -> Resource:
    # FHIR wants a clinical status (ait-1); one that the sender did not give is said to be unknown.
    return made(
        resourceType="AllergyIntolerance",
        id=context.id("AllergyIntolerance", item, place),
        clinicalStatus=clinical_status(item, "allergyintolerance-clinical") or UNKNOWN,
        verificationStatus=_verified(item, "allergyintolerance-verification"),
        type=TABLES["allergies"].get(code(item, "CD-ITEM")),
        code=said(item),
        patient=context.subject,
        onsetDateTime=moment(item.find("beginmoment")),
        recordedDate=context.recorded(item),
        recorder=context.author,
        note=_notes(item, ("lifecycles", "absences")),
    )


def _immunization(item: Element, context: Context, place: int) -> Resource:
    occurred = moment(item.find("beginmoment"))
    vaccine = product(item) or said(item)
    lifecycle = code(item.find("lifecycle"), "CD-LIFECYCLE")
    given = not lifecycle or lifecycle in TABLES["vaccines"]
    return made(
        resourceType="Immunization",
        id=context.id("Immunization", item, place),
        status="completed" if given else "not-done",
        statusReason=None if given else coded(cd_system("CD-LIFECYCLE"), lifecycle),
        vaccineCode=vaccine,
        patient=context.subject,
        occurrenceDateTime=occurred,
        occurrenceString="" if occurred else "unknown",
        recorded=context.recorded(item),
        lotNumber=text(item.find("batch")),
        note=[{"text": words} for words in notes(item)],
    )


def _observation(item: Element, context: Context, place: int) -> Resource:
    (value, unit), recorded = _value(item), context.recorded(item)
    return made(
        resourceType="Observation",
        id=context.id("Observation", item, place),
        status="final" if context.final else "preliminary",
        category=[coded(_HL7 + "observation-category", "laboratory")]
        if code(item, "CD-ITEM") == "lab"
        else [],
        code=said(item),
        subject=context.subject,
        effectiveDateTime=moment(item.find("beginmoment")),
        issued=recorded if "T" in recorded else "",
        valueQuantity=made(value=value, unit=unit),
        note=_notes(item, ()),
    )


def _value(item: Element) -> tuple[Any, str]:
    for content in item.iterfind("content"):
        value = number(content.find("decimal"))
        if value is not None:
            unit = content.find("unit")
            return value, code(unit, "CD-UNIT") or text(unit)
    return None, ""


def _medication(item: Element, context: Context, place: int) -> list[Resource]:
    medication = made(
        resourceType="Medication",
        id=context.id("Medication", item, place),
        meta=made(lastUpdated=context.at if "T" in context.at else ""),
        code=product(item),
    )
    taken = made(
        resourceType="MedicationStatement",
        id=context.id("MedicationStatement", item, place),
        **statement(item, scheme=False),
        medicationReference={"reference": f"Medication/{medication['id']}"},
        subject=context.subject,
        dateAsserted=context.recorded(item),
        informationSource=context.author,
    )
    return [taken, medication]


def _single(maker: Callable[[Element, Context, int], Resource]) -> Callable[..., list[Resource]]:
    return lambda item, context, place: [maker(item, context, place)]


_MAKERS: dict[str, Callable[[Element, Context, int], list[Resource]]] = {
    "allergy": _single(_allergy),
    "condition": _single(_condition),
    "immunization": _single(_immunization),
    "medication": _medication,
    "observation": _single(_observation),
}

RESOURCES = frozenset(_MAKERS)
"""The kinds of item that become a resource of their own."""
