"""Patients and what is about them, and moments to send them at."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from vesalius import fhir, identity
from vesalius.lake import Arrival, Lake
from vesalius.store import writing

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def at(hours: float) -> datetime:
    """The moment so many hours after the start of the test's day."""
    return DAY + timedelta(hours=hours)


def patient(id_: str, *, seen: float | None = None, **more: Any) -> dict[str, Any]:
    """A Patient, recorded so many hours after the start of the day, or not dated."""
    dated = {} if seen is None else {"meta": {"lastUpdated": at(seen).isoformat()}}
    return {"resourceType": "Patient", "id": id_, **dated, **more}


def full(id_: str, family: str = "Peeters", given: str = "Anna", **more: Any) -> dict[str, Any]:
    """A Patient with a name, a sex and a birth date that nobody has yet: nor has anybody its numbers."""
    return patient(
        id_,
        **{
            "name": [{"family": family, "given": [given]}],
            "gender": "female",
            "birthDate": "2089-03-02",
        }
        | more,
    )


def replaced(id_: str, by: str, **more: Any) -> dict[str, Any]:
    """The notice of a merge, as the conversion of an HL7 A40 makes it."""
    return patient(
        id_, active=False, link=[{"other": {"reference": f"Patient/{by}"}, "type": "replaced-by"}], **more
    )


def result(id_: str, of: str, value: Any = 1, issued: float | None = None, **more: Any) -> dict[str, Any]:
    """An Observation about a patient."""
    dated = {} if issued is None else {"issued": at(issued).isoformat()}
    return {
        "resourceType": "Observation", "id": id_, "status": "final", "code": {"text": "test"},
        "subject": {"reference": f"Patient/{of}"}, "valueQuantity": {"value": value}, **dated, **more,
    }  # fmt: skip


def send(lake: Lake, *resources: dict[str, Any], when: float, source: str = "adt") -> None:
    """Writes resources as the pipeline does: in one transaction, with what follows from merges."""
    arrivals = [Arrival.of(json.dumps(each).encode()) for each in resources]
    with writing(lake.engine) as connection:
        identity.write(lake, arrivals, source, at(when), connection)
    identity.resume(lake)


def subject(lake: Lake, reference: str, when: float | None = None) -> str | None:
    """Whom a resource is about, now or as of a moment."""
    version = lake.read(reference, at(when) if when is not None else None)
    return version.subject if version else None


def body(lake: Lake, reference: str) -> dict[str, Any]:
    """A resource as it is now."""
    version = lake.read(reference)
    assert version is not None
    return fhir.load(version.body)
