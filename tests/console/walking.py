"""The hospital of the walk: real accounts, stays to learn from, stays and recordings to speak about, a clock."""

from __future__ import annotations

import io
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from vesalius.demo import holter
from vesalius.governance import care, people
from vesalius.hospital import Hospital
from vesalius.ingest import receive
from vesalius.settings import Settings

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
PASSWORD = "quatre mots sans rapport"
STAFF = (
    ("segers", "Lotte Segers", "engineer"),
    ("theissen", "Birgit Theissen", "dpo"),
    ("marchal", "Antoine Marchal", "director"),
    ("wauters", "An Wauters", "legal"),
    ("lambrecht", "Hugo Lambrecht", "works_council"),
    ("delforge", "Dr Camille Delforge", "doctor"),
)
"""Who walks: login, name, role. Each has a password, the director a second factor too."""

V3 = "http://terminology.hl7.org/CodeSystem"
ICD10 = "http://hl7.org/fhir/sid/icd-10"
CAUSES = ("I50.9", "J44.1", "J18.9", "N17.9", "K92.2", "M17.1")
Resource = dict[str, Any]


class Clock(datetime):
    """What the console takes as now: the time of day, and as many days on as the walk has gone."""

    ahead = timedelta()

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz or UTC) + cls.ahead


def make(home: Path) -> Hospital:
    """A hospital where nothing speaks yet: people, and stays whose outcome is known."""
    settings = Settings(
        hospital="Clinique Sainte-Ode", synthetic=False, language="fr", second_factor="director"
    )
    settings.save(home)
    hospital = Hospital.open(home, settings)
    for login, name, role in STAFF:
        people.add(hospital.engine, login, name=name, role=role, language="fr", password=PASSWORD)
        care.set_units(hospital.engine, login, [care.EVERYWHERE])
    past(hospital, 120)
    return hospital


def past(hospital: Hospital, count: int) -> None:
    """Stays of the last half year, and who came back within 30 days."""
    chance, now, found = Random(1514), Clock.now(UTC), []
    for number in range(count):
        left = now - timedelta(days=50 + chance.uniform(0, 120))
        cause = chance.choice(CAUSES)
        found += stay(chance, f"o{number}", left, cause)
        if chance.random() < (0.45 if cause in ("I50.9", "J44.1") else 0.15):
            back = left + timedelta(days=chance.uniform(3, 25))
            found.append(_encounter(f"o{number}", f"o{number}-back", back, 4, "EM", ""))
    send(hospital, "stays.ndjson", found)


def discharges(hospital: Hospital, prefix: str, count: int) -> None:
    """Stays that ended in the last hour."""
    chance, now = Random(prefix), Clock.now(UTC)
    found: list[Resource] = []
    for number in range(count):
        left = now - timedelta(minutes=20 + number * 30 / count)  # it is asked a quarter of an hour later
        found += stay(chance, f"{prefix}{number}", left, CAUSES[number % len(CAUSES)])
    send(hospital, f"{prefix}.ndjson", found)


def recordings(hospital: Hospital, prefix: str, count: int) -> None:
    """Recordings of 24 hours, as the bought system reports them now."""
    now, found = Clock.now(UTC), [holter.device(Clock.now(UTC) - 90 * DAY)]
    for number in range(count):
        name = f"h-{prefix}-{number}"
        what = ("af", "pause", "ectopy", "normal")[number % 4]
        at = now - timedelta(minutes=2 + number)
        found += [
            _patient(Random(name), name, at),
            *holter.report(Random(name), name, f"Patient/{name}", what, at),
        ]
    send(hospital, f"{prefix}.ndjson", found)


def send(hospital: Hospital, name: str, resources: list[Resource]) -> None:
    """As a sender would: each is checked to be FHIR R4."""
    lines = io.BytesIO(b"\n".join(map(msgspec.json.encode, resources)))
    receipt = receive(
        hospital.lake, f"{uuid.uuid4().hex}-{name}", lines, source="admission", received_at=Clock.now(UTC)
    )
    assert receipt.quarantined == 0


def stay(chance: Random, name: str, left: datetime, cause: str) -> list[Resource]:
    """A patient who goes home, with a principal diagnosis."""
    condition = {
        "resourceType": "Condition", "id": f"{name}-d", "meta": {"lastUpdated": left.isoformat()},
        "code": _coded(ICD10, cause), "subject": {"reference": f"Patient/{name}"},
        "encounter": {"reference": f"Encounter/{name}-s"},
    }  # fmt: skip
    days = chance.choice((2, 4, 7, 12))
    return [
        _patient(chance, name, left),
        _encounter(name, f"{name}-s", left, days, "EM", f"{name}-d"),
        condition,
    ]


def _patient(chance: Random, name: str, at: datetime) -> Resource:
    return {
        "resourceType": "Patient", "id": name, "gender": chance.choice(("female", "male")),
        "birthDate": f"{chance.randint(1930, 1975)}-06-01",
        "meta": {"lastUpdated": (at - 400 * DAY).isoformat()},
        "name": [{"family": chance.choice(("Lambert", "Janssens", "Dubois", "Schmitz", "Maes")),
                  "given": [chance.choice(("Hélène", "André", "Rita", "Jean", "Josiane"))]}],
    }  # fmt: skip


def _encounter(name: str, id_: str, left: datetime, days: int, priority: str, condition: str) -> Resource:
    body: Resource = {
        "resourceType": "Encounter", "id": id_, "status": "finished",
        "meta": {"lastUpdated": left.isoformat()},
        "class": {"system": f"{V3}/v3-ActCode", "code": "IMP"},
        "subject": {"reference": f"Patient/{name}"},
        "period": {"start": (left - days * DAY).isoformat(), "end": left.isoformat()},
        "priority": _coded(f"{V3}/v3-ActPriority", priority),
        "hospitalization": {"dischargeDisposition": _coded(f"{V3}/discharge-disposition", "home")},
    }  # fmt: skip
    if condition:
        body["diagnosis"] = [{"condition": {"reference": f"Condition/{condition}"}, "rank": 1}]
    return body


def _coded(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}
