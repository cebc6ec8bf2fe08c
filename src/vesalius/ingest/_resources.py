"""What the readers of documents share: resources without empty elements, and moments in Brussels."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from vesalius import fhir
from vesalius.errors import InvalidResource
from vesalius.ingest._items import Found

Resource = dict[str, Any]

ZONE = ZoneInfo("Europe/Brussels")
"""Where the clocks of Belgian senders stand; KMEHR writes times without a zone."""

UNKNOWN: dict[str, Any] = {
    "extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
    ]
}
"""The value of an element that FHIR wants and that the sender did not give."""

_EMPTY: tuple[Any, ...] = (None, "", [], {})


def made(**elements: Any) -> dict[str, Any]:
    """An object of those elements that have a value.

    >>> made(code="a", display="", coding=[])
    {'code': 'a'}
    """
    return {name: value for name, value in elements.items() if value not in _EMPTY}


def found(resource: Resource) -> Found:
    """A resource as the pipeline takes it."""
    return Found(resource, fhir.dump(resource))


def reference(resource: Resource) -> dict[str, str]:
    """The reference to a resource."""
    return {"reference": f"{resource['resourceType']}/{resource['id']}"}


def local_time(day: str, time: str) -> str:
    """A FHIR dateTime from a day, and a time of the day in Brussels if there is one; empty if neither fits.

    A time that carries its own zone keeps it. A day may be partial (``2016``, ``2016-05``).

    >>> local_time("2016-05-20", "00:57:59"), local_time("2016-05", ""), local_time("soon", "")
    ('2016-05-20T00:57:59+02:00', '2016-05', '')
    """
    with suppress(ValueError, OverflowError, InvalidResource):
        written = _zoned(day, time) if time else day
        fhir.parse_time(written)
        return written
    return local_time(day, "") if time else ""


def _zoned(day: str, time: str) -> str:
    moment = datetime.fromisoformat(f"{day}T{time}")
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=ZONE)
    return zoned.isoformat(timespec="milliseconds" if zoned.microsecond else "seconds")
