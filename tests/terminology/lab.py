"""A small laboratory with codes of its own, and moments to receive its results at."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from vesalius import ingest
from vesalius.terminology import Decision

LAB, LOINC, UCUM = "https://lab.example/codes", "http://loinc.org", "http://unitsofmeasure.org"
DAY = datetime(2026, 5, 4, tzinfo=UTC)
POTASSIUM = Decision(system=LAB, code="K", display="Kalium", target_system=LOINC, target_code="2823-3")


def at(hours: float) -> datetime:
    return DAY + timedelta(hours=hours)


def result(id_: str = "o1", code: str = "K", issued: float | None = 1, **more: Any) -> dict[str, Any]:
    made = {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": {"coding": [{"system": LAB, "code": code, "userSelected": True}], "text": "Kalium"},
        "subject": {"reference": f"Patient/p{sum(map(ord, id_)) % 3}"},
        "valueQuantity": {"value": 4, "unit": "mmol/L", "system": UCUM, "code": "mmol/L"},
        **more,
    }
    return made | ({"issued": at(issued).isoformat()} if issued is not None else {})


def words(id_: str, text: str, **more: Any) -> dict[str, Any]:
    return result(id_, **more) | {"code": {"text": text}}


def receive(lake, *resources, source: str = "lab", received_at: datetime | None = None):
    lines = "\n".join(json.dumps(each) for each in resources)
    return ingest.receive(
        lake, "x.ndjson", io.BytesIO(lines.encode()), source=source, received_at=received_at or at(24)
    )


def codes(version) -> list[str]:
    return [each["code"] for each in version.resource["code"].get("coding", [])]
