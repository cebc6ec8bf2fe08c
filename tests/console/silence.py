"""A hospital whose use runs in silence: a registered plan, patients with what came of them, one look taken."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import synthetic

from vesalius import trial
from vesalius.card import Text
from vesalius.governance import people, uses
from vesalius.hospital import Hospital
from vesalius.lake import Arrival
from vesalius.review import Display
from vesalius.settings import Settings
from vesalius.usecase import Outcome, Reason, Suggestion

USECASE = synthetic.USECASE
DAY = timedelta(days=1)


def make(
    home: Path,
    *,
    looks: int = 1,
    good: float = 0.8,
    endpoint: str = "sensitivity_gain",
    now: datetime | None = None,
) -> Hospital:
    """A hospital with a trial under way; none of its looks taken where ``looks`` is 0.

    ``good`` is the sensitivity of the tool; that of the clinicians is 70 %.
    """
    now = now or datetime.now(UTC).replace(microsecond=0)
    hospital = Hospital.open(home, Settings(hospital="Clinique Sainte-Ode", synthetic=True, language="fr"))
    begun = now - 60 * DAY
    synthetic.staff(hospital, begun - 10 * DAY)
    for who in ("theissen", "segers", "vermeulen", "marchal"):
        person = people.get(hospital.engine, who)
        uses.sign(
            hospital.engine, USECASE, person, reason="Read, and agreed.", despite="A test.", at=begun - DAY
        )
    synthetic.validate(hospital)
    plan = register(hospital, endpoint, begun)
    fill(hospital, plan, begun, 180 if looks else 60, good)
    for _ in range(looks):
        trial.look(hospital, USECASE, now - 2 * DAY)
    return hospital


def register(hospital: Hospital, endpoint: str, at: datetime) -> trial.Plan:
    import msgspec

    card = hospital.usecase(USECASE).card
    draft = trial.propose(card, None, endpoint)
    aim = msgspec.structs.replace(draft.aim, expected=0.15, prevalence=0.4, disagreement=0.35)
    draft = msgspec.structs.replace(draft, aim=aim, acts=("start",), wait_days=7, looks=3)
    person = people.get(hospital.engine, "vermeulen")
    return trial.register(
        hospital, USECASE, person, draft, reason="As the antibiotics committee decided.", at=at
    )


def fill(hospital: Hospital, plan: trial.Plan, begun: datetime, count: int, good: float) -> None:
    """Patients whose urine was seen in silence, what the clinicians gave them, and their cultures."""
    chance, made, shown, known, bodies = Random(7), [], [], [], []
    for number in range(count):
        at = begun + timedelta(days=1 + number * 45 / count)
        outcome = chance.random() < 0.4
        tool = chance.random() < (good if outcome else 0.12)
        clinicians = chance.random() < (0.7 if outcome else 0.2)
        probability = min(0.97, max(0.02, chance.gauss(0.72 if outcome else 0.28, 0.18)))
        item = Suggestion(
            usecase=USECASE, version=plan.version, model=plan.model, settings=plan.settings,
            subject=f"Patient/t{number}", focus=f"Specimen/t{number}", as_of=at, position=1,
            option="start" if tool else "wait", indicator="warning" if tool else "info",
            summary=Text("summary.start" if tool else "summary.wait", {"percent": 60}), probability=probability,
            interval=(probability * 0.8, min(1, probability * 1.1)),
            reasons=(Reason("nitrite", "positive", 1.4, ()),),
        )  # fmt: skip
        made.append(item)
        shown.append(Display(f"Silent, Patient {number}", "1950-01-01", "Urologie", f"26{number:04}"))
        if number % 17:
            known.append((item.id, Outcome(outcome, at + 2 * DAY, (), "E. coli" if outcome else "no growth")))
        bodies.append(
            {
                "resourceType": "Patient",
                "id": f"t{number}",
                "gender": "male" if number % 3 == 0 else "female",
                "birthDate": f"{1935 + number % 60}-04-01",
            }
        )
        if clinicians:
            bodies.append(antibiotic(number, at))
    hospital.lake.write([Arrival.of(json.dumps(body).encode()) for body in bodies], "tests", begun)
    hospital.review.file(made, "silent", begun + 50 * DAY, shown)
    hospital.review.record_outcomes(known, begun + 50 * DAY)


def antibiotic(number: int, at: datetime) -> dict:
    return {
        "resourceType": "MedicationRequest", "id": f"m{number}", "status": "active", "intent": "order",
        "subject": {"reference": f"Patient/t{number}"}, "authoredOn": at.isoformat(),
        "medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc", "code": "J01XE01"}]},
    }  # fmt: skip
