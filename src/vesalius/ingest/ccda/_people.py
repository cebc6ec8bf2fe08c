"""Who: the patient, and the people, organisations and programs that a document names."""

from __future__ import annotations

from typing import Any

from vesalius import fhir
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._resources import Resource, made, reference
from vesalius.ingest._xml import Element, text
from vesalius.ingest.ccda import _data
from vesalius.ingest.ccda._data import TABLES

_ROLE = "http://terminology.hl7.org/CodeSystem/v2-0131"
_LANGUAGE = "urn:ietf:bcp:47"


class People:
    """The people and organisations of one document, each once.

    Attributes:
        meta: the ``meta`` of each: known since the document was made.
        resources: what they became, by type and id.
    """

    def __init__(self, at: str) -> None:
        self.meta = made(lastUpdated=_data.instant(at))
        self.resources: dict[tuple[str, str], Resource] = {}

    def named(self, role: Element | None) -> dict[str, str] | None:
        """The reference to who plays an assigned role (author, performer); None if nobody is named."""
        if role is None:
            return None
        organization = role.find("representedOrganization")
        if role.find("assignedAuthoringDevice") is not None:
            return self._device(role)
        person = role.find("assignedPerson")
        found = self._practitioner(role, person)
        if organization is not None:
            return found or self.organization(organization)
        return found

    def _practitioner(self, role: Element, person: Element | None) -> dict[str, str] | None:
        identifiers, names = _data.identifiers(role), [] if person is None else _data.names(person)
        if not identifiers and not names:
            return None
        return self._kept(
            "Practitioner",
            identifiers,
            str(names),
            identifier=identifiers,
            name=names,
            telecom=_data.telecoms(role),
            address=_data.addresses(role),
            qualification=_qualification(role),
        )

    def _device(self, role: Element) -> dict[str, str]:
        device, identifiers = role.find("assignedAuthoringDevice"), _data.identifiers(role)
        names = [text(device.find(name)) for name in ("softwareName", "manufacturerModelName")]
        shown = [{"name": name, "type": "user-friendly-name"} for name in names[:1] if name]
        return self._kept("Device", identifiers, str(names), identifier=identifiers, deviceName=shown)

    def organization(self, element: Element | None) -> dict[str, str] | None:
        """The reference to an organisation; None if nothing names it."""
        if element is None:
            return None
        identifiers, name = _data.identifiers(element), text(element.find("name"))
        if not identifiers and not name:
            return None
        return self._kept(
            "Organization",
            identifiers,
            name,
            identifier=identifiers,
            name=name,
            telecom=_data.telecoms(element),
            address=_data.addresses(element),
        )

    def _kept(
        self, kind: str, identifiers: list[dict[str, str]], said: str, **elements: Any
    ) -> dict[str, str]:
        resource = made(resourceType=kind, id=_identity(kind, identifiers, said), meta=self.meta, **elements)
        return reference(self.resources.setdefault((kind, resource["id"]), resource))


def _identity(kind: str, identifiers: list[dict[str, str]], said: str) -> str:
    for one in identifiers:
        return fhir.made_id(kind, one.get("system", ""), one["value"])
    return fhir.made_id(kind, "ccda", said)


def _qualification(role: Element) -> list[dict[str, Any]]:
    code = _data.concept(role.find("code"), {})
    return [{"code": code}] if code else []


def patient(record: Element | None, people: People, at: str) -> Resource:
    """The patient of a document.

    Raises:
        FaultError: the document names none, or nothing identifies him.
    """
    role = None if record is None else record.find("patientRole")
    person = None if role is None else role.find("patient")
    if role is None or person is None:
        raise FaultError(Cause.MISSING_VALUE, "the document names no patient")
    identifiers = _data.identifiers(role)
    if not identifiers:
        raise FaultError(Cause.NO_ID, "the patient has no identifier")
    gender, organization = person.find("administrativeGenderCode"), role.find("providerOrganization")
    sex = "" if gender is None else gender.get("code") or ""
    return made(
        resourceType="Patient",
        id=_identity("Patient", identifiers, ""),
        meta=made(lastUpdated=_data.instant(at)),
        identifier=identifiers,
        name=_data.names(person),
        telecom=_data.telecoms(role),
        gender=TABLES["genders"].get(sex, "unknown" if sex else ""),
        birthDate=_data.time(person.find("birthTime"))[:10],
        **_death(person),
        address=_data.addresses(role),
        maritalStatus=_data.concept(person.find("maritalStatusCode"), {}),
        contact=[_guardian(one) for one in person.iterfind("guardian")],
        communication=_languages(person),
        managingOrganization=people.organization(organization),
    )


def _death(person: Element) -> dict[str, Any]:
    if at := _data.time(person.find("deceasedTime")):
        return {"deceasedDateTime": at}
    indicated = person.find("deceasedInd")
    return {"deceasedBoolean": True} if indicated is not None and indicated.get("value") == "true" else {}


def _languages(person: Element) -> list[dict[str, Any]]:
    found = []
    for one in person.iterfind("languageCommunication"):
        code, preferred = one.find("languageCode"), one.find("preferenceInd")
        if code is not None and code.get("code"):
            language = {"coding": [{"system": _LANGUAGE, "code": code.get("code")}]}
            told = None if preferred is None else preferred.get("value") == "true"
            found.append(made(language=language, preferred=told))
    return found


def _guardian(element: Element) -> dict[str, Any]:
    person = element.find("guardianPerson")
    name, address = [] if person is None else _data.names(person), _data.addresses(element)
    role = _data.concept(element.find("code"), {}) or {"coding": [{"system": _ROLE, "code": "N"}]}
    return made(
        relationship=[role],
        name=name[0] if name else None,
        telecom=_data.telecoms(element),
        address=address[0] if address else None,
    )
