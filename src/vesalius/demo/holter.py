"""The bought Holter system of the demo: what it reports of a day of heartbeats, and what a doctor signs.

Synthetic, with the maker's name and its own codes invented; frequencies of our own choosing.
"""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from random import Random

import msgspec

from vesalius import loop
from vesalius.demo import staff
from vesalius.demo.plan import Plan
from vesalius.demo.records import Resource, concept, instant, meta
from vesalius.demo.staff import COUNCIL, DIRECTOR, DOCTOR, DPO, ENGINEER, LEGAL, Signature
from vesalius.fhir import codes
from vesalius.hospital import Hospital
from vesalius.ingest import Receipt, receive

USECASE = "holter"
DEVICE = "Device/holter"
MAKER = "Cardioscope SA (fictif)"
UDI = "05412345000013"
CODES = "https://cardioscope.example/codes"
SOURCE = "holter"
INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"

FINDINGS = {
    "af": ("49436004", "Atrial fibrillation"),
    "pause": ("5609005", "Sinus arrest"),
    "ectopy": ("17338001", "Ventricular premature beats"),
    "normal": ("164854000", "Electrocardiogram normal"),
}
"""What a recording may hold, with its SNOMED CT code."""

SHARES = {"normal": 0.5, "af": 0.2, "ectopy": 0.2, "pause": 0.1}
CONCLUSIONS = {
    "af": "Fibrillation auriculaire paroxystique : {burden} % du temps, plus long épisode {longest} min.",
    "pause": "Pauses de plus de 3 s, la plus longue de {pause} s, la nuit.",
    "ectopy": "Extrasystolie ventriculaire : {ectopy} par 24 h.",
    "normal": "Rythme sinusal, sans anomalie significative.",
}

DATA = (Signature(DPO, "Nur die Berichte des Systems werden gelesen, keine Rohdaten; Vertrag geprüft."),)
VALIDATED = (
    Signature(ENGINEER, "Instructions for use and declaration of conformity read; we see its results only."),
    Signature(DOCTOR, "Études du fabricant lues ; nos propres relectures suivront en silence."),
)
SILENT = (Signature(DIRECTOR, "Essai silencieux autorisé en cardiologie."),)
LIVE = (
    Signature(DIRECTOR, "Désaccords de l’essai silencieux présentés ; ouverture."),
    Signature(DPO, "Keine neuen Daten; die Patienten sind informiert."),
    Signature(LEGAL, "Contract, CE-markering en plichten van de gebruiker nagekeken."),
    Signature(COUNCIL, "Le conseil d’entreprise a été informé par écrit avant toute utilisation."),
    Signature(DOCTOR, "Accord : le système propose, le cardiologue signe."),
)
CASES = 16
SPAN = timedelta(days=6)


def device(at: datetime) -> Resource:
    """The system itself, with its maker and its UDI."""
    return {
        "resourceType": "Device",
        "id": "holter",
        "meta": meta(at),
        "manufacturer": MAKER,
        "udiCarrier": [{"deviceIdentifier": UDI}],
        "deviceName": [{"name": "Cardioscope Holter 3 (fictif)", "type": "user-friendly-name"}],
    }


def finding(rng: Random) -> str:
    """What one recording holds."""
    return rng.choices(list(SHARES), list(SHARES.values()))[0]


def report(rng: Random, number: str, subject: str, found: str, at: datetime) -> list[Resource]:
    """The report of the system on one recording, its measurements first.

    Args:
        rng: the chance.
        number: of the recording.
        subject: ``Patient/ID``.
        found: a key of :data:`FINDINGS`.
        at: when it was given.
    """
    values = {
        "rate": round(rng.gauss(74, 9)),
        "burden": round(rng.uniform(2, 45), 1) if found == "af" else 0.0,
        "longest": round(rng.uniform(8, 400)) if found == "af" else 0,
        "pause": round(rng.uniform(3.1, 5.8), 1) if found == "pause" else round(rng.uniform(1.1, 1.9), 1),
        "ectopy": round(rng.uniform(1200, 14000)) if found == "ectopy" else round(rng.uniform(0, 180)),
        "confidence": round(rng.uniform(71, 99)),
    }
    measures = (
        ("rate", codes.LOINC, "8867-4", "Heart rate", "/min", "N"),
        ("burden", CODES, "af-burden", "Burden of atrial fibrillation", "%", _mark(found, "af", "A")),
        ("pause", CODES, "pause-max", "Longest pause", "s", _mark(found, "pause", "AA")),
        ("ectopy", CODES, "pvc-24h", "Ventricular ectopic beats", "/(24.h)", _mark(found, "ectopy", "H")),
        ("confidence", CODES, "confidence", "Confidence of the algorithm", "%", ""),
    )  # fmt: skip
    about: Resource = {
        "meta": meta(),
        "subject": {"reference": subject},
        "effectiveDateTime": instant(at - timedelta(hours=26)),
        "issued": instant(at),
    }
    results = [
        about
        | {
            "resourceType": "Observation",
            "id": f"{number}-{name}",
            "status": "final",
            "code": concept(system, code, title),
            "device": {"reference": DEVICE},
            "valueQuantity": {"value": values[name], "unit": unit, "system": codes.UCUM, "code": unit},
        }
        | ({"interpretation": [concept(INTERPRETATION, mark, mark)]} if mark else {})
        for name, system, code, title, unit, mark in measures
    ]
    return [
        *results,
        about
        | _report(number, found)
        | {
            "id": f"{number}-ai",
            "status": "preliminary",
            "conclusion": CONCLUSIONS[found].format(**values),
            "result": [{"reference": f"Observation/{each['id']}"} for each in results],
        },
    ]


def signed(number: str, subject: str, found: str, at: datetime) -> Resource:
    """The report on the same order, as a doctor signed it."""
    return _report(number, found) | {
        "id": f"{number}-signed",
        "meta": meta(),
        "subject": {"reference": subject},
        "issued": instant(at),
        "status": "final",
        "resultsInterpreter": [{"reference": "Practitioner/delforge"}],
        "conclusion": FINDINGS[found][1],
    }


def _mark(found: str, about: str, mark: str) -> str:
    return mark if found == about else "N"


def _report(number: str, found: str) -> Resource:
    return {
        "resourceType": "DiagnosticReport",
        "code": {"text": "Holter"},
        "basedOn": [{"reference": f"ServiceRequest/{number}"}],
        "conclusionCode": [concept(codes.SNOMED, *FINDINGS[found])],
    }


def run(hospital: Hospital, plan: Plan) -> list[Receipt]:
    """Signs the system up to *live*, receives a week of its reports, and lets the demo's doctor decide."""
    day = timedelta(days=1)
    for days, signatures in ((30, DATA), (24, VALIDATED), (18, SILENT), (7, LIVE)):
        staff.sign(hospital.engine, USECASE, signatures, plan.now - days * day)
    rng = Random(f"{plan.seed}/holter")  # noqa: S311 - repeatable, not secret
    stays = hospital.lake.resources("Encounter", as_of=plan.now)
    subjects = sorted({version.subject for version in stays if version.subject})[:CASES]
    said: list[Resource] = [device(plan.now - 40 * day)]
    later: list[Resource] = []
    for each, subject in enumerate(subjects):
        at = plan.now - SPAN + each * (SPAN - timedelta(hours=4)) / CASES
        found = finding(rng)
        said += report(rng, f"holter-{each}", subject, found, at)
        if each < CASES // 2:
            truth = found if rng.random() > 0.15 else "normal"
            later.append(signed(f"holter-{each}", subject, truth, at + 1.5 * day))
    receipts = [_receive(hospital, "holter.ndjson", said, plan.now)]
    loop.turn(hospital, USECASE, plan.now - day)
    _decide(hospital, rng, plan.now - day)
    receipts.append(_receive(hospital, "holter-signed.ndjson", later, plan.now))
    loop.turn(hospital, USECASE, plan.now)
    loop.outcomes(hospital, USECASE, plan.now)
    return receipts


def _receive(hospital: Hospital, name: str, resources: list[Resource], at: datetime) -> Receipt:
    data = b"\n".join(map(msgspec.json.encode, resources))
    return receive(hospital.lake, name, io.BytesIO(data), source=SOURCE, received_at=at)


def _decide(hospital: Hospital, rng: Random, now: datetime) -> None:
    """Half of what waits: mostly taken over, sometimes not seen in the recording."""
    for filed in hospital.review.worklist(usecase=USECASE, limit=CASES // 2, now=now).items:
        over = rng.random() < 0.2
        hospital.review.decide(
            filed.id,
            "overridden" if over else "accepted",
            by=DOCTOR.login,
            role=DOCTOR.role,
            reason="not_seen_in_tracing" if over else "",
            at=now + timedelta(minutes=rng.uniform(5, 300)),
        )
