"""Who: the patient, and the people, organisations and programs that KMEHR calls health care parties."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vesalius import fhir
from vesalius.fhir import belgium
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._resources import Resource, made, reference
from vesalius.ingest._xml import Element, text, texts
from vesalius.ingest.kmehr._moments import day, moment
from vesalius.ingest.kmehr._tables import TABLES, cd_system, code, coded, local_system

_ROLE_CODE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
_CONTACT_ROLE = "http://terminology.hl7.org/CodeSystem/v2-0131"
_EHP = "https://www.ehealth.fgov.be/standards/fhir/core/NamingSystem/ehp"
_MANY = 100
_PERSON_IDS = ("INSS", "ID-PATIENT")


class Parties:
    """The people and organisations of one message, each once.

    Attributes:
        known_at: when the sender said it, as a FHIR instant; empty if he does not say.
        resources: what they became, in the order in which they were met.
    """

    def __init__(self, known_at: str) -> None:
        self.known_at = known_at
        self.resources: dict[str, Resource] = {}

    def named(self, holder: Element | None) -> list[dict[str, str]]:
        """The references to the parties that an element (an author, a sender) holds, most telling first."""
        parties = [] if holder is None else holder.findall("hcparty")
        found = [self._reference(party) for party in parties]
        return sorted(found, key=lambda one: not one["reference"].startswith("PractitionerRole"))

    def _reference(self, party: Element) -> dict[str, str]:
        kind = code(party, "CD-HCPARTY")
        if kind == "application":
            return self._device(party)
        if kind.startswith("pers") or party.find("familyname") is not None:
            return self._practitioner(party, kind)
        return self._organization(party, kind)

    def _practitioner(self, party: Element, kind: str) -> dict[str, str]:
        person = self._kept(
            resourceType="Practitioner",
            id=_identity("Practitioner", party),
            identifier=identifiers(party),
            name=names(party),
            telecom=telecoms(party),
            address=addresses(party),
        )
        role = self._kept(
            resourceType="PractitionerRole",
            id=fhir.made_id("PractitionerRole", person["id"], cd_system("CD-HCPARTY"), kind),
            practitioner=reference(person),
            code=[coded(cd_system("CD-HCPARTY"), kind)] if kind else [],
        )
        return reference(role)

    def _organization(self, party: Element, kind: str) -> dict[str, str]:
        return reference(
            self._kept(
                resourceType="Organization",
                id=_identity("Organization", party),
                identifier=identifiers(party),
                type=[coded(cd_system("CD-HCPARTY"), kind)] if kind else [],
                name=text(party.find("name")),
                telecom=telecoms(party),
                address=addresses(party),
            )
        )

    def _device(self, party: Element) -> dict[str, str]:
        name = text(party.find("name"))
        return reference(
            self._kept(
                resourceType="Device",
                id=_identity("Device", party),
                identifier=identifiers(party),
                deviceName=[{"name": name, "type": "user-friendly-name"}] if name else [],
            )
        )

    def _kept(self, **elements: Any) -> Resource:
        resource = made(**elements, meta=made(lastUpdated=self.known_at))
        return self.resources.setdefault(resource["id"], resource)


def patient(element: Element, known_at: str, contacts: list[Element], gp: list[dict[str, str]]) -> Resource:
    """The patient.

    Args:
        element: the ``patient`` of a folder.
        known_at: when the sender said it.
        contacts: the items of contact persons.
        gp: the references to who keeps the global medical file.

    Raises:
        FaultError: nothing identifies the patient.
    """
    sex, died = code(element.find("sex"), "CD-SEX"), moment(element.find("deathdate"))
    language = text(element.find("usuallanguage"))
    return made(
        resourceType="Patient",
        id=patient_id(element),
        meta=made(lastUpdated=known_at),
        identifier=identifiers(element),
        name=names(element),
        telecom=telecoms(element),
        gender=TABLES["sexes"].get(sex, "unknown" if sex else ""),
        birthDate=day(element.find("birthdate")),
        deceasedDateTime=died,
        address=addresses(element),
        contact=_unique([_contact(item) for item in contacts]),
        communication=[{"language": coded("urn:ietf:bcp:47", language), "preferred": True}]
        if language
        else [],
        generalPractitioner=gp,
    )


def _unique(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return (
        [one for place, one in enumerate(found) if one not in found[:place]] if len(found) < _MANY else found
    )


def patient_id(element: Element) -> str:
    """The id of a patient: of the national number, else of the sender's own number.

    Raises:
        FaultError: there is neither.
    """
    for identifier in identifiers(element):
        return fhir.made_id("Patient", identifier.get("system", "kmehr"), identifier["value"])
    raise FaultError(Cause.NO_ID, "the patient has neither a national nor a local number")


def identifiers(element: Element) -> list[dict[str, Any]]:
    """The identifiers of a person or organisation; the one that names it best comes first."""
    found = [one for child in element.iterfind("id") if (one := _identifier(child))]
    rank = (belgium.NISS,) if element.tag == "patient" else (belgium.NIHDI, belgium.NISS)
    unique = {(one.get("system"), one["value"]): one for one in found}
    return sorted(unique.values(), key=lambda one: _rank(one.get("system", ""), rank))


def _rank(system: str, order: Sequence[str]) -> int:
    return order.index(system) if system in order else len(order)


def _identifier(element: Element) -> dict[str, Any] | None:
    value, name = text(element), element.get("S") or ""
    if not value:
        return None
    digits = "".join(mark for mark in value if mark.isalnum())
    if name in _PERSON_IDS and len(digits) == 11:
        return {"system": belgium.NISS, "value": digits}
    if name == "ID-HCPARTY":
        system = belgium.NIHDI if len(digits) in {8, 11} else _EHP
        return {"system": system, "value": digits}
    label = element.get("SL") or name or "unnamed"
    return {"type": {"text": label}, "system": local_system(label), "value": value}


def _identity(kind: str, party: Element) -> str:
    for identifier in identifiers(party):
        return fhir.made_id(kind, identifier["system"], identifier["value"])
    said = [text(party.find(name)) for name in ("familyname", "firstname", "name")]
    return fhir.made_id(kind, "kmehr", *said)


def names(element: Element) -> list[dict[str, Any]]:
    """The name of a person."""
    name = made(family=text(element.find("familyname")), given=list(texts(element, "firstname")))
    return [name] if name else []


def telecoms(element: Element) -> list[dict[str, Any]]:
    """Telephone, fax and mail."""
    found = []
    for telecom in element.iterfind("telecom"):
        value = text(telecom.find("telecomnumber"))
        system = TABLES["telecoms"].get(code(telecom, "CD-TELECOM"), "other")
        if value:
            found.append(made(system=system, value=value, use=_use(telecom)))
    return found


def addresses(element: Element) -> list[dict[str, Any]]:
    """Addresses, their lines as the Belgian post writes them: street, number / box."""
    return [one for child in element.iterfind("address") if (one := _address(child))]


def _address(element: Element) -> dict[str, Any]:
    parts = [text(element.find(name)) for name in ("street", "housenumber")]
    box = text(element.find("postboxnumber"))
    line = " ".join(part for part in (*parts, f"/ {box}" if box else "") if part)
    country = code(element.find("country"), "CD-FED-COUNTRY").upper()
    return made(
        use=_use(element),
        text=text(element.find("text")),
        line=[line] if line else [],
        city=text(element.find("city")),
        district=text(element.find("district")),
        postalCode=text(element.find("zip")),
        country=country,
    )


def _use(element: Element) -> str:
    return str(TABLES["uses"].get(code(element, "CD-ADDRESS"), ""))


def _contact(item: Element) -> dict[str, Any]:
    kind = code(item, "CD-CONTACT-PERSON")
    role = TABLES["contacts"].get(kind)
    known = coded(_ROLE_CODE, role) if role else coded(cd_system("CD-CONTACT-PERSON"), kind)
    relationship = [known if kind else coded(_CONTACT_ROLE, "N")]
    person = next(item.iter("person"), item)
    name, address = names(person), addresses(person)
    return made(
        relationship=relationship,
        name=name[0] if name else None,
        telecom=telecoms(person),
        address=address[0] if address else None,
        gender=TABLES["sexes"].get(code(person.find("sex"), "CD-SEX")),
    )
