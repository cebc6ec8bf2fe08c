"""Resources to put into a lake, and moments to put them in at."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from vesalius.lake import Arrival

DAY = datetime(2024, 3, 1, tzinfo=UTC)


def at(hours: float) -> datetime:
    """The moment so many hours after the start of the test's day."""
    return DAY + timedelta(hours=hours)


def observation(
    id_: str = "o1", value: Any = 1, issued: float | None = None, patient: str = "p1", **more: Any
) -> Arrival:
    """An observation about a patient, recorded so many hours after the start of the day, or not dated."""
    resource = {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": {"text": "test"},
        "subject": {"reference": f"Patient/{patient}"},
        "valueQuantity": {"value": value},
        **more,
    }
    if issued is not None:
        resource["issued"] = at(issued).isoformat()
    return Arrival.of(json.dumps(resource).encode())
