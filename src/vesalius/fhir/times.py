"""FHIR's dates and times as moments, and when the content of a resource was known."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from vesalius.errors import InvalidResource

_FORM = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:\.(\d+))?(Z|[+-]\d\d:\d\d))?)?)?",
    re.ASCII,
)

# When each type says that its content became known; never when a sample was taken or a state began. For a
# stay, that is its start while it lasts and its end once it is over: the end date and the discharge are part
# of it.
KNOWN_AT: dict[str, tuple[str, ...]] = {
    "AllergyIntolerance": ("recordedDate",),
    "AuditEvent": ("recorded",),
    "Composition": ("date",),
    "Condition": ("recordedDate",),
    "DiagnosticReport": ("issued",),
    "DocumentReference": ("date",),
    "Immunization": ("recorded",),
    "MedicationRequest": ("authoredOn",),
    "MedicationStatement": ("dateAsserted",),
    "Observation": ("issued",),
    "Provenance": ("recorded",),
    "QuestionnaireResponse": ("authored",),
    "ServiceRequest": ("authoredOn",),
    "Specimen": ("receivedTime",),
    "Task": ("lastModified", "authoredOn"),
}
_OVER = {"finished", "cancelled", "entered-in-error"}


def parse_time(text: str, *, latest: bool = False) -> datetime:
    """The moment, in UTC, of a FHIR date, dateTime or instant.

    Args:
        text: such as ``2024``, ``2024-05``, ``2024-05-17`` or ``2024-05-17T09:30:00+02:00``. A date alone has
            no time zone and is taken in UTC; digits after the microsecond are dropped; a leap second is the
            next one.
        latest: take the last instant of a partial date, not its first.

    Raises:
        InvalidResource: it has another form, or no calendar has that day.

    Examples:
        >>> parse_time("2024-05-17T09:30:00+02:00").isoformat()
        '2024-05-17T07:30:00+00:00'
        >>> parse_time("2024-02", latest=True).isoformat()
        '2024-02-29T23:59:59.999999+00:00'
    """
    return _parsed(text, latest)


@lru_cache(4096)  # what is sent together shares its moments
def _parsed(text: str, latest: bool) -> datetime:
    if form := _FORM.fullmatch(text):
        try:
            return _moment(form) if form[4] else _partial(form, latest)
        except (ValueError, OverflowError):
            pass  # no calendar has that day
    raise InvalidResource("is not a date or time that exists")


def _moment(form: re.Match[str]) -> datetime:
    if form[6] != "60":  # Python knows no leap second
        moment = datetime.fromisoformat(form[0])
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    minute = datetime.fromisoformat(f"{form[1]}-{form[2]}-{form[3]}T{form[4]}:{form[5]}+00:00")
    fraction = int((form[7] or "0")[:6].ljust(6, "0"))
    moment = minute + timedelta(seconds=int(form[6]), microseconds=fraction)
    if form[8] == "Z":
        return moment
    offset = timedelta(hours=int(form[8][1:3]), minutes=int(form[8][4:6]))
    return moment - offset if form[8][0] == "+" else moment + offset


def _partial(form: re.Match[str], latest: bool) -> datetime:
    first = datetime(int(form[1]), int(form[2] or 1), int(form[3] or 1), tzinfo=UTC)
    if not latest:
        return first
    if form[3]:
        last = first
    elif form[2]:
        last = first.replace(day=monthrange(first.year, first.month)[1])
    else:
        last = first.replace(month=12, day=31)
    return last + timedelta(hours=24, microseconds=-1)


def recorded(resource: dict[str, Any], *, latest: bool = True) -> datetime | None:
    """When the content of a resource was known, as far as it says so itself.

    That is when it was issued, recorded, authored or received, by its type; else when it was last updated
    (``meta.lastUpdated``). It is never when a sample was taken or a state began: what is known later must not
    be seen earlier. For the same reason a date without a time counts as its last instant.

    Args:
        resource: a valid resource.
        latest: whether a partial date is its last instant (else its first).

    Returns:
        The moment, or None: then it was known when it was received.

    Raises:
        InvalidResource: the element that says it holds a day that does not exist.
    """
    kind = resource["resourceType"]
    for name in KNOWN_AT.get(kind, ()):
        if text := resource.get(name):
            return known_at(kind, name, text, latest)
    if text := resource.get("meta", {}).get("lastUpdated"):
        return known_at(kind, "meta.lastUpdated", text, latest)
    return stay(resource, latest) if kind == "Encounter" else None


def stay(resource: dict[str, Any], latest: bool) -> datetime | None:
    """When the content of an Encounter was known, by its status and period."""
    period = resource.get("period", {})
    end = "end" if resource["status"] in _OVER and "end" in period else "start"
    return known_at("Encounter", f"period.{end}", period[end], latest) if end in period else None


def known_at(kind: str, name: str, text: str, latest: bool) -> datetime:
    """The moment that an element of a type holds; as :func:`parse_time`, but its error names the element."""
    try:
        return _parsed(text, latest)
    except InvalidResource as error:
        raise InvalidResource(error.message, path=f"{kind}.{name}") from None
