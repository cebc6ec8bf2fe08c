"""What comes with a discharge: diagnoses, medicines, last results, a destination; stays before and after.

Synthetic, with shares of our own choosing: enough for the use of readmission to run in silence, and nothing
to learn from. Only the stays that end shortly before the silent days or later have it, so that the demo
stays quick.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from vesalius.demo import records
from vesalius.demo.chance import pick, yes
from vesalius.demo.plan import Plan
from vesalius.demo.records import Known, concept, instant, meta
from vesalius.demo.urine import Case
from vesalius.fhir import codes

V3 = "http://terminology.hl7.org/CodeSystem"
ICD10 = "http://hl7.org/fhir/sid/icd-10"

BEFORE = timedelta(days=40)
"""How long before the silent days a stay must end to have what comes with a discharge."""

CHILDREN = "PED"

SPECIALTIES = {
    "GER": ("394811001", "Geriatric medicine"),
    "MED": ("419192003", "Internal medicine"),
    "URO": ("394612005", "Urology"),
    "MAT": ("394586005", "Gynecology"),
    "REV": ("394602003", "Rehabilitation"),
}

PRINCIPAL = {
    "GER": {"I50.9": 0.22, "J18.9": 0.18, "N39.0": 0.2, "S72.0": 0.14, "I63.9": 0.12, "E86": 0.14},
    "MED": {
        "I50.1": 0.18,
        "J44.1": 0.2,
        "J18.9": 0.16,
        "E11.6": 0.12,
        "N17.9": 0.12,
        "A41.9": 0.12,
        "K92.2": 0.1,
    },
    "URO": {"N20.0": 0.35, "N40": 0.35, "C67.9": 0.2, "T83.5": 0.1},
    "MAT": {"O80": 0.8, "O99.8": 0.2},
    "REV": {"Z50.1": 0.7, "I69.3": 0.3},
}
"""Principal diagnoses of a ward (ICD-10) with their shares."""

ALSO = {
    "E11.9": 0.3,
    "N18.3": 0.2,
    "I48": 0.2,
    "I25.1": 0.18,
    "I10": 0.4,
    "J44.9": 0.12,
    "F03": 0.1,
    "D64.9": 0.12,
}
"""Other diagnoses of adults over 50, each with its share."""

DESTINATIONS = {"home": 0.62, "home-care": 0.16, "snf": 0.14, "rehab": 0.05, "acute": 0.02, "exp": 0.01}
MEDICINES = {
    "A10BA02": 0.25,
    "A10AE04": 0.14,
    "C07AB07": 0.4,
    "C03CA01": 0.3,
    "B01AF02": 0.25,
    "N02BE01": 0.5,
}
RESULTS = {"718-7": (12.4, 1.8, "g/dL", 1), "2951-2": (138.5, 3.6, "mmol/L", 0)}
"""LOINC code → mean, standard deviation, UCUM unit, decimals."""


def record(plan: Plan, case: Case) -> Iterator[Known]:
    """Everything of one case that the record sends, with what comes with a discharge."""
    rng = Random(f"{plan.seed}/discharge/{case.number}")  # noqa: S311 - repeatable, not secret
    told = case.ward.kind == "IMP" and case.ward.code != CHILDREN
    begun: dict[str, Any] = {}
    for known in records.record(case):
        resource = known[1]
        if resource["resourceType"] != "Encounter" or not told or case.discharged < plan.silent_from - BEFORE:
            yield known
        elif resource["status"] == "finished":
            yield from discharge(rng, case, begun)
        else:
            begun = resource
            yield known


def discharge(rng: Random, case: Case, begun: dict[str, Any]) -> Iterator[Known]:
    """The end of a stay: the encounter as it is closed, and what is known with it.

    Args:
        rng: the chance of this stay alone.
        case: the stay.
        begun: the encounter as it was opened.
    """
    ends = case.discharged
    last = [pick(rng, PRINCIPAL.get(case.ward.code, {"R69": 1.0}))]
    if case.age >= 50:
        last += [code for code, share in ALSO.items() if yes(rng, share)]
    number, subject = begun["id"], begun["subject"]
    yield ends, begun | _closed(rng, case, begun, f"{number}-d1")
    for place, code in enumerate(last, 1):
        body = {"code": concept(ICD10, code, code), "recordedDate": instant(ends)}
        yield ends, _about("Condition", f"{number}-d{place}", number, subject, ends) | body
    for place, (atc, share) in enumerate(MEDICINES.items(), 1):
        if yes(rng, share):
            body = {
                "status": "active",
                "medicationCodeableConcept": concept(codes.ATC, atc, atc),
                "context": {"reference": f"Encounter/{number}"},
                "dateAsserted": instant(ends),
            }
            made = _about("MedicationStatement", f"{number}-m{place}", number, subject, ends) | body
            yield ends, {name: value for name, value in made.items() if name != "encounter"}
    for code, (mean, spread, unit, digits) in RESULTS.items():
        known = ends - timedelta(hours=6)
        value = round(rng.gauss(mean, spread), digits) if digits else round(rng.gauss(mean, spread))
        body = {
            "status": "final",
            "category": [concept(f"{V3}/observation-category", "laboratory", "Laboratory")],
            "code": concept(codes.LOINC, code, code),
            "issued": instant(known),
            "valueQuantity": {"value": value, "unit": unit, "system": codes.UCUM, "code": unit},
        }
        yield known, _about("Observation", f"{number}-{code}", number, subject, known) | body
    yield from _others(rng, case, begun)


def _closed(rng: Random, case: Case, begun: dict[str, Any], principal: str) -> dict[str, Any]:
    code, display = SPECIALTIES.get(case.ward.code, ("419192003", "Internal medicine"))
    to = pick(rng, DESTINATIONS)
    priority = "EL" if case.ward.code in ("URO", "MAT", "REV") and yes(rng, 0.7) else "EM"
    return {
        "status": "finished",
        "meta": meta(case.discharged),
        "priority": concept(f"{V3}/v3-ActPriority", priority, priority),
        "serviceType": concept(codes.SNOMED, code, display),
        "diagnosis": [{"condition": {"reference": f"Condition/{principal}"}, "rank": 1}],
        "period": {**begun["period"], "end": instant(case.discharged)},
        "hospitalization": {
            "admitSource": concept(f"{V3}/admit-source", "emd" if priority == "EM" else "gp", priority),
            "dischargeDisposition": concept(f"{V3}/discharge-disposition", to, to),
        },
    }


def _others(rng: Random, case: Case, begun: dict[str, Any]) -> Iterator[Known]:
    """Earlier stays of some patients, and a return of some within 30 days: likelier after earlier stays."""
    earlier = rng.choices((0, 1, 2, 4), (0.62, 0.2, 0.12, 0.06))[0]
    for number in range(earlier):
        ends = case.admitted - timedelta(days=35 + 70 * number + rng.random() * 30)
        yield _stay(begun, f"{begun['id']}-b{number}", ends - timedelta(days=2 + 6 * rng.random()), ends)
    if yes(rng, 0.07 + 0.07 * earlier):
        begins = case.discharged + timedelta(days=1 + 27 * rng.random())
        yield _stay(begun, f"{begun['id']}-r", begins, begins + timedelta(days=2 + 6 * rng.random()))


def _stay(begun: dict[str, Any], number: str, begins: datetime, ends: datetime) -> Known:
    period = {"start": instant(begins), "end": instant(ends)}
    urgent = concept(f"{V3}/v3-ActPriority", "EM", "emergency")
    home = concept(f"{V3}/discharge-disposition", "home", "home")
    return ends, begun | {
        "id": number,
        "meta": meta(ends),
        "status": "finished",
        "period": period,
        "priority": urgent,
        "hospitalization": {"dischargeDisposition": home},
    }


def _about(kind: str, number: str, stay: str, subject: dict[str, Any], at: datetime) -> dict[str, Any]:
    return {
        "resourceType": kind,
        "id": number,
        "meta": meta(at),
        "subject": subject,
        "encounter": {"reference": f"Encounter/{stay}"},
    }
