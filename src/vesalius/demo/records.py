"""The patient record, as FHIR R4: patients, stays, samples, symptoms, prescriptions.

Each function gives the resources about one thing with the moment each became known, which is when it is sent.
Every resource says in ``meta.tag`` that it is test data (HTEST), so that it is never taken for a patient's.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from vesalius.demo.population import WARDS, Person
from vesalius.demo.urine import Case
from vesalius.fhir import belgium, codes

Resource = dict[str, Any]
Known = tuple[datetime, Resource]

TAG = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
    "code": "HTEST",
    "display": "test health data",
}
NUMBERS = "https://vesalius.example/fhir/NamingSystem/demo-patient-number"
LOCAL = "https://vesalius.example/fhir/CodeSystem/urine"
CONDITION = "http://terminology.hl7.org/CodeSystem/condition-"

SYMPTOMS = {
    "dysuria": (codes.SNOMED, "49650001", "Dysuria"),
    "abdominal_pain": (codes.SNOMED, "21522001", "Abdominal pain"),
    "lower_abdominal_pain": (codes.SNOMED, "54586004", "Lower abdominal pain"),
    "flank_pain": (codes.SNOMED, "247355005", "Flank pain"),
    "fever": (codes.SNOMED, "386661006", "Fever"),
    "vomiting": (codes.SNOMED, "422400008", "Vomiting"),
    "altered_mental_status": (codes.SNOMED, "419284004", "Altered mental status"),
    "cva_tenderness": (LOCAL, "cva-tenderness", "Costovertebral angle tenderness"),
    "history_uti": (LOCAL, "history-uti", "History of urinary tract infection"),
    "catheter": (LOCAL, "catheter", "Urinary catheter"),
    "history_calculi": (LOCAL, "history-calculi", "History of urinary calculi"),
    "immunocompromised": (LOCAL, "immunocompromised", "Immunocompromised"),
}
VITALS = {
    "temperature": ("8310-5", "Body temperature", "Cel", 1),
    "heart_rate": ("8867-4", "Heart rate", "/min", 0),
    "systolic_pressure": ("8480-6", "Systolic blood pressure", "mm[Hg]", 0),
    "respiratory_rate": ("9279-1", "Respiratory rate", "/min", 0),
}


def instant(moment: datetime) -> str:
    """A moment as FHIR writes it, to the second, in UTC."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def meta(moment: datetime | None = None) -> Resource:
    """The label of synthetic data, and when the resource was last changed if nothing else in it says so."""
    return {"tag": [TAG]} | ({"lastUpdated": instant(moment)} if moment else {})


def concept(system: str, code: str, display: str) -> Resource:
    """A CodeableConcept with one coding."""
    return {"coding": [{"system": system, "code": code, "display": display}]}


def wards(at: datetime) -> list[Known]:
    """The hospital's wards, as Locations."""
    return [
        (
            at,
            {
                "resourceType": "Location",
                "id": ward.code,
                "meta": meta(at),
                "status": "active",
                "name": ward.name,
                "mode": "instance",
            },
        )
        for ward in WARDS
    ]


def patient(person: Person, at: datetime) -> Known:
    """The patient, as known at the first admission."""
    born = f"{person.born:%Y}" if person.year_only else person.born.isoformat()
    return at, {
        "resourceType": "Patient",
        "id": person.number,
        "meta": meta(at),
        "identifier": [
            {"use": "usual", "system": NUMBERS, "value": person.number},
            {"use": "official", "system": belgium.NISS, "value": person.niss},
        ],
        "active": True,
        "name": [{"use": "official", "family": person.family, "given": [person.given]}],
        "gender": person.sex,
        "birthDate": born,
        "address": [
            {"use": "home", "city": person.municipality, "postalCode": person.postal, "country": "BE"}
        ],
        "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": person.language}]}}],
    }


def stay(case: Case) -> Iterator[Known]:
    """The stay: once when it begins, once more when it is over."""
    begun: Resource = {
        "resourceType": "Encounter",
        "id": f"S-{case.number}",
        "meta": meta(case.admitted),
        "status": "in-progress",
        "class": {"system": codes.ACT, "code": case.ward.kind},
        "subject": {"reference": f"Patient/{case.person.number}"},
        "period": {"start": instant(case.admitted)},
        "location": [{"location": {"reference": f"Location/{case.ward.code}", "display": case.ward.name}}],
    }
    yield case.admitted, begun
    over = {"status": "finished", "meta": meta(case.discharged)}
    yield case.discharged, begun | over | {"period": {**begun["period"], "end": instant(case.discharged)}}


def sample(case: Case) -> Known:
    """The urine sample, when the laboratory received it."""
    return case.received, {
        "resourceType": "Specimen",
        "id": case.number,
        "meta": meta(),
        "identifier": [{"value": case.number}],
        "status": "available",
        "type": concept(codes.SNOMED, "122575003", "Urine specimen"),
        "subject": {"reference": f"Patient/{case.person.number}"},
        "receivedTime": instant(case.received),
        "collection": {"collectedDateTime": instant(case.collected)},
    }


def order(case: Case) -> Iterator[Known]:
    """The order of a culture, where one was asked for: it goes to the laboratory with the sample."""
    if case.culture:
        yield (
            case.collected,
            {
                "resourceType": "ServiceRequest",
                "id": f"{case.number}-order",
                "meta": meta(),
                "status": "active",
                "intent": "order",
                "code": concept(codes.LOINC, "630-4", "Bacteria identified in Urine by Culture"),
                "subject": {"reference": f"Patient/{case.person.number}"},
                "encounter": {"reference": f"Encounter/S-{case.number}"},
                "authoredOn": instant(case.collected),
                "specimen": [{"reference": f"Specimen/{case.number}"}],
            },
        )


def observations(case: Case) -> Iterator[Known]:
    """Symptoms, context and vital signs, as the ward wrote them down."""
    for name, value in case.symptoms.items():
        yield _observed(case, name, concept(*SYMPTOMS[name]), {"valueBoolean": value})
    if case.pregnant is not None:
        code, display = ("77386006", "Pregnant") if case.pregnant else ("60001007", "Not pregnant")
        answer = {"valueCodeableConcept": concept(codes.SNOMED, code, display)}
        yield _observed(case, "pregnant", concept(codes.LOINC, "82810-3", "Pregnancy status"), answer)
    for name, measured in case.vitals.items():
        code, display, unit, digits = VITALS[name]
        number = round(measured, digits) if digits else round(measured)
        quantity = {"value": number, "unit": unit, "system": codes.UCUM, "code": unit}
        yield _observed(case, name, concept(codes.LOINC, code, display), {"valueQuantity": quantity})


def _observed(case: Case, name: str, code: Resource, value: Resource) -> Known:
    return case.noted, {
        "resourceType": "Observation",
        "id": f"{case.number}-{name.replace('_', '-')}",
        "meta": meta(),
        "status": "final",
        "code": code,
        "subject": {"reference": f"Patient/{case.person.number}"},
        "encounter": {"reference": f"Encounter/S-{case.number}"},
        "effectiveDateTime": instant(case.collected),
        "issued": instant(case.noted),
        **value,
    }


def decisions(case: Case) -> Iterator[Known]:
    """What the clinicians ordered and diagnosed by themselves."""
    for number, order in enumerate(case.prescriptions, 1):
        yield (
            order.at,
            {
                "resourceType": "MedicationRequest",
                "id": f"{case.number}-rx{number}",
                "meta": meta(),
                "status": "active",
                "intent": "order",
                "medicationCodeableConcept": concept(codes.ATC, order.atc, order.name),
                "subject": {"reference": f"Patient/{case.person.number}"},
                "encounter": {"reference": f"Encounter/S-{case.number}"},
                "authoredOn": instant(order.at),
            },
        )
    if case.diagnosed:
        yield (
            case.diagnosed,
            {
                "resourceType": "Condition",
                "id": f"{case.number}-uti",
                "meta": meta(),
                "clinicalStatus": concept(f"{CONDITION}clinical", "active", "Active"),
                "verificationStatus": concept(f"{CONDITION}ver-status", "provisional", "Provisional"),
                "code": concept(codes.SNOMED, "68566005", "Urinary tract infectious disease"),
                "subject": {"reference": f"Patient/{case.person.number}"},
                "encounter": {"reference": f"Encounter/S-{case.number}"},
                "recordedDate": instant(case.diagnosed),
            },
        )


def record(case: Case) -> Iterator[Known]:
    """Everything of one case that the patient record sends; the laboratory sends the rest."""
    yield from stay(case)
    yield from order(case)
    yield sample(case)
    yield from observations(case)
    yield from decisions(case)
