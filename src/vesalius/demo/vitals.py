"""Vital signs on the wards: rounds of two days, some patients who get worse, and the early warning of them.

Synthetic, with spreads of our own choosing: enough to see NEWS2 at work, and nothing to learn from. On these
wards no model speaks.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

import msgspec

from vesalius import loop
from vesalius.demo import staff
from vesalius.demo.plan import Plan
from vesalius.demo.records import Resource, concept, instant, meta
from vesalius.demo.staff import BIOLOGIST, DIRECTOR, DOCTOR, DPO, ENGINEER, Signature
from vesalius.fhir import codes
from vesalius.hospital import Hospital
from vesalius.ingest import Receipt, receive

USECASE = "early-warning"
SOURCE = "moniteurs"
FILE = "parametres.ndjson"

WARDS = ("GER", "MED", "URO")
PATIENTS = 24
SPAN = timedelta(hours=48)
ROUND = timedelta(hours=6)
TURN = timedelta(hours=6)

SIGNS = {
    "9279-1": ("Respiratory rate", "/min", 16, 1.5, 0),
    "59408-5": ("Oxygen saturation in Arterial blood by Pulse oximetry", "%", 97, 0.8, 0),
    "3151-8": ("Inhaled oxygen flow rate", "L/min", 0, 0, 0),
    "8480-6": ("Systolic blood pressure", "mm[Hg]", 130, 8, 0),
    "8867-4": ("Heart rate", "/min", 76, 6, 0),
    "8310-5": ("Body temperature", "Cel", 36.8, 0.2, 1),
}
"""LOINC code → name, UCUM unit, mean, standard deviation, decimals."""

WORSE = {"9279-1": 11, "59408-5": -6, "3151-8": 3, "8480-6": -32, "8867-4": 42, "8310-5": 1.7}
"""How far each sign has gone after half a day of getting worse."""

LEFT_OUT = ("9279-1", "3151-8")
"""What some rounds leave out: breaths are counted by hand, and oxygen is written elsewhere."""

DATA = (Signature(DPO, "Zweck und Daten geprüft: nur Vitalzeichen und Aufenthalte der Stationen."),)
VALIDATED = (
    Signature(ENGINEER, "On the wards only NEWS2 speaks: every band is tested, no model is used."),
    Signature(BIOLOGIST, "Grenzen nagekeken op de kaart van het Royal College of Physicians, 2017."),
)
SILENT = (Signature(DIRECTOR, "Essai silencieux d'une semaine en gériatrie, médecine interne et urologie."),)
LIVE = (
    Signature(DIRECTOR, "Nombre d'alertes par service jugé supportable ; ouverture aux trois services."),
    Signature(DPO, "Keine neuen Daten; die Patienten sind informiert."),
    Signature(staff.LEGAL, "Regime en plichten nagekeken."),
    Signature(staff.COUNCIL, "Le conseil d’entreprise a été informé par écrit."),
    Signature(DOCTOR, "Accord des services : l'inquiétude du soignant compte toujours."),
)


def warn(hospital: Hospital, plan: Plan) -> Receipt | None:
    """Receives the rounds of two days, signs the use and turns it until now; None without stays.

    Args:
        hospital: the synthetic hospital, with its stays.
        plan: its calendar.
    """
    stays = _stays(hospital, plan.now)
    if not stays:
        return None
    lines = [line for number, stay in enumerate(stays) for line in rounds(plan, stay, number)]
    receipt = receive(hospital.lake, FILE, io.BytesIO(b"\n".join(lines)), source=SOURCE, received_at=plan.now)
    _sign(hospital, plan)
    moment = plan.now - SPAN
    while moment < plan.now:
        moment = min(moment + TURN, plan.now)
        loop.outcomes(hospital, USECASE, moment)
        loop.turn(hospital, USECASE, moment)
    return receipt


def _stays(hospital: Hospital, now: datetime) -> list[Resource]:
    """The patients who are on these wards now, and came more than two hours ago."""
    found = []
    for version in hospital.lake.resources("Encounter", as_of=now):
        stay = version.resource
        wards = [place["location"].get("reference", "") for place in stay.get("location", [])]
        here = any(ward == f"Location/{code}" for ward in wards for code in WARDS)
        begun = version.recorded_at <= now - timedelta(hours=2)
        if stay["status"] == "in-progress" and here and begun:
            found.append(stay)
    return sorted(found, key=lambda stay: str(stay["id"]))[:PATIENTS]


def rounds(plan: Plan, stay: Resource, number: int) -> Iterator[bytes]:
    """The rounds of one stay, as lines of FHIR: every fifth patient gets worse, some rounds are not whole.

    Args:
        plan: the calendar.
        stay: the encounter.
        number: which of the patients; it decides what becomes of them.
    """
    rng = Random(f"{plan.seed}/vitals/{stay['id']}")  # noqa: S311 - repeatable, not secret
    start = max(plan.now - SPAN, datetime.fromisoformat(stay["period"]["start"]))
    at = start + timedelta(minutes=rng.randrange(30, 90))
    turning = plan.now - timedelta(hours=9 + 3 * (number % 4)) if number % 5 == 0 else None
    whole = 0
    while at < plan.now:
        far = 0.0 if turning is None else max(0.0, (at - turning + timedelta(hours=6)) / timedelta(hours=12))
        left_out = LEFT_OUT if number % 3 == 0 and whole % 4 == 3 else ()
        yield from map(msgspec.json.encode, _round(rng, stay, at, min(far, 1.0), left_out))
        whole += 1
        at += ROUND + timedelta(minutes=rng.randrange(-40, 40))


def _round(
    rng: Random, stay: Resource, at: datetime, far: float, left_out: tuple[str, ...]
) -> Iterator[Resource]:
    about: Resource = {
        "resourceType": "Observation",
        "meta": meta(),
        "status": "final",
        "subject": stay["subject"],
        "encounter": {"reference": f"Encounter/{stay['id']}"},
        "effectiveDateTime": instant(at),
        "issued": instant(at + timedelta(minutes=2)),
    }
    for code, (name, unit, mean, spread, digits) in SIGNS.items():
        value = rng.gauss(mean, spread) + far * WORSE[code]
        if code not in left_out:
            yield about | _measured(f"{stay['id']}-{code}-{at:%d%H%M}", code, name, unit, value, digits)
    alert = far < 0.9
    system, said = (("248234008", "Mentally alert"), ("130987000", "Acute confusion"))[not alert]
    yield about | {
        "id": f"{stay['id']}-acvpu-{at:%d%H%M}",
        "code": concept(codes.LOINC, "67775-7", "Level of responsiveness"),
        "valueCodeableConcept": concept(codes.SNOMED, system, said),
    }


def _measured(number: str, code: str, name: str, unit: str, value: float, digits: int) -> dict[str, Any]:
    held = max(0.0, min(value, 100.0) if unit == "%" else value)
    return {
        "id": number,
        "category": [concept(codes.CATEGORY, "vital-signs", "Vital Signs")],
        "code": concept(codes.LOINC, code, name),
        "valueQuantity": {
            "value": round(held, digits) if digits else round(held),
            "unit": unit,
            "system": codes.UCUM,
            "code": unit,
        },
    }


def _sign(hospital: Hospital, plan: Plan) -> None:
    """The gates of the use, in the days before it speaks."""
    day = timedelta(days=1)
    for days, signatures in ((30, DATA), (20, VALIDATED), (10, SILENT), (3, LIVE)):
        staff.sign(hospital.engine, USECASE, signatures, plan.now - days * day)
