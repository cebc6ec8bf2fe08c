"""The pharmaceutical care history: what was handed out, with or without a prescription.

The messages are those of the Belgian pharmacists' association (APB, "SMOA" single message); their posology is
KMEHR's. One item is one session at the counter, with all the products that were handed out in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree

from vesalius import fhir
from vesalius.fhir import belgium
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._items import Found, Item
from vesalius.ingest._resources import Resource, found, made
from vesalius.ingest._xml import Element, text, texts
from vesalius.ingest.kmehr._dosage import dosages, number
from vesalius.ingest.kmehr._moments import whole
from vesalius.ingest.kmehr._tables import cd_system

ROOT = "single-message"

_HANDED = ("dispensedForSamePrescription", "dispensedWithoutPrescription")
_MAGISTRAL = "https://www.ehealth.fgov.be/standards/fhir/medication/CodeSystem/medication-type"


def items(raw: bytes, root: Element) -> Iterator[Item]:
    """One item per session of a message, its namespaces already removed."""
    events = [*root.iterfind("unsigned/eventFolder/events/event"), *root.iterfind("event")]
    if not events:
        words = "the message holds no session"
        yield Item("the file", raw, fault=FaultError(Cause.MISSING_VALUE, words))
    for place, event in enumerate(events):
        mine = raw if len(events) == 1 else _alone(event)
        try:
            yield Item(f"event[{place}]", mine, tuple(_found(event)))
        except FaultError as fault:
            yield Item(f"event[{place}]", mine, fault=fault)


def _alone(event: Element) -> bytes:
    written = etree.tostring(event, encoding="unicode", with_tail=False)
    return f"<{ROOT}>{written}</{ROOT}>".encode()


def _found(event: Element) -> Iterator[Found]:
    return map(found, _resources(event))


def _resources(event: Element) -> list[Resource]:
    at = whole(text(event.find("sessionDateTime")))
    known = {"lastUpdated": at} if "T" in at else {}
    who, pharmacy = _patient(event, known), _pharmacy(event, known)
    handed = [
        _dispense(product, who, pharmacy, at, known)
        for name in _HANDED
        for group in event.iterfind(name)
        for product in group.iterfind("product")
    ]
    prescribers = [one for group in event.iterfind(_HANDED[0]) for one in _prescribers(group, known)]
    unique = {(one["resourceType"], one["id"]): one for one in (who, pharmacy, *prescribers, *handed)}
    return list(unique.values())


def _patient(event: Element, known: dict[str, str]) -> Resource:
    person = event.find("max-Patient/identification")
    value = "" if person is None else text(person.find("personId/id"))
    if not value:
        raise FaultError(Cause.NO_ID, "the session names no patient")
    return made(
        resourceType="Patient",
        id=fhir.made_id("Patient", belgium.NISS, value),
        meta=known,
        identifier=[{"system": belgium.NISS, "value": value}],
        name=_name(person),
    )


def _name(person: Element) -> list[dict[str, Any]]:
    name = made(family=text(person.find("familyName")), given=list(texts(person, "name")))
    return [name] if name else []


def _pharmacy(event: Element, known: dict[str, str]) -> Resource:
    value = text(event.find("pharmacyId/nihiiPharmacyNumber"))
    if not value:
        raise FaultError(Cause.NO_ID, "the session names no pharmacy")
    return made(
        resourceType="Organization",
        id=fhir.made_id("Organization", belgium.NIHDI, value),
        meta=known,
        identifier=[{"system": belgium.NIHDI, "value": value}],
        type=[{"coding": [{"system": cd_system("CD-HCPARTY"), "code": "orgpharmacy"}]}],
    )


def _prescribers(group: Element, known: dict[str, str]) -> Iterator[Resource]:
    """Who prescribed, with his number only: his address is of no use here."""
    for party in group.iterfind("hcparty"):
        value = text(party.find("id/riziv"))
        if value:
            yield made(
                resourceType="Practitioner",
                id=fhir.made_id("Practitioner", belgium.NIHDI, value),
                meta=known,
                identifier=[{"system": belgium.NIHDI, "value": value}],
                name=_name(party),
            )


def _dispense(
    product: Element, who: Resource, pharmacy: Resource, at: str, known: dict[str, str]
) -> Resource:
    guid = text(product.find("dispensationGUID"))
    if not guid:
        raise FaultError(Cause.NO_ID, "a product that was handed out has no number")
    told = product.find("dispensation/administrationInstructions")
    units = number(product.find("dispensation/numberOfUnits"))
    return made(
        resourceType="MedicationDispense",
        id=fhir.made_id("MedicationDispense", guid),
        meta=known,
        identifier=[{"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{guid}"}],
        status="completed",
        medicationCodeableConcept=_medication(product.find("description")),
        subject={"reference": f"Patient/{who['id']}"},
        performer=[{"actor": {"reference": f"Organization/{pharmacy['id']}"}}],
        quantity=None if units is None else {"value": units},
        whenHandedOver=at,
        note=_prescriber_note(product),
        dosageInstruction=[] if told is None else dosages(told, scheme=False),
    )


def _prescriber_note(product: Element) -> list[dict[str, str]]:
    """FHIR has no place for a prescriber without a prescription: he stays in words."""
    parent = product.getparent()
    numbers = [] if parent is None else [text(one) for one in parent.iterfind("hcparty/id/riziv")]
    return [{"text": f"prescriber: NIHDI {value}"} for value in numbers if value]


def _medication(description: Element | None) -> dict[str, Any]:
    if description is None:
        raise FaultError(Cause.MISSING_VALUE, "a product that was handed out is not described")
    codes = [
        {"system": cd_system("CD-DRUG-CNK"), "code": value} for value in texts(description, "productCode/cnk")
    ]
    magistral = description.find("magistralPreparation")
    if magistral is not None:
        codes.append({"system": _MAGISTRAL, "code": "magistral"})
    return made(coding=codes, text=text(magistral) or text(description.find("unregisteredProduct")))
