"""Can an item be taken in? Structure first, then what no structure can tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from vesalius import fhir
from vesalius.errors import InvalidResource
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._finishing import Step, finished, steps
from vesalius.ingest._items import Found, Item
from vesalius.lake import Arrival, Lake, Marks

CLOCKS = timedelta(minutes=5)
"""How far the clock of a sender may be ahead of ours before what it sends counts as from the future."""


ERASED = "it was erased on request, or is about a patient who was"
"""Why what comes back after an erasure is held."""


@dataclass
class Judge:
    """Decides on one item after the other of one file.

    Attributes:
        lake: what is already known.
        received_at: when the file was received.
        unique: whether a resource may have one content only in this file, as in CSV, where two rows that
            disagree have no order that could tell which is right.
    """

    lake: Lake
    received_at: datetime
    unique: bool = False
    _steps: tuple[Step, ...] = ()
    _erased: Marks = field(init=False)
    _births: dict[str, str] = field(default_factory=dict)
    _seen: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._steps = steps(self.lake)
        self._erased = self.lake.marks()

    def renew(self) -> None:
        """Looks again at what was erased: a long file may have begun before."""
        self._erased = self.lake.marks()

    def arrivals(self, item: Item) -> list[Arrival]:
        """The arrivals that one item holds: all of them, or none.

        Raises:
            FaultError: one of its resources cannot be taken in.
        """
        if item.fault:
            raise item.fault
        births: dict[str, str] = {}
        seen: dict[tuple[str, str], str] = {}
        found = [self._arrival(one, births, seen) for one in item.found]
        if births:
            self._births |= births
        if seen:
            self._seen |= seen
        return found

    def _arrival(self, found: Found, births: dict[str, str], seen: dict[tuple[str, str], str]) -> Arrival:
        try:
            found = finished(found, self._steps)
            arrival = self._usual(found, births) or self._judged(found, births)
        except InvalidResource as error:
            raise FaultError(Cause.INVALID_RESOURCE, str(error)) from None
        if self._erased and self._erased.hold(f"{arrival.type}/{arrival.id}", arrival.subject):
            raise FaultError(Cause.ERASED, ERASED)
        if self.unique:
            self._check_unique(arrival, seen)
        return arrival

    def _usual(self, found: Found, births: dict[str, str]) -> Arrival | None:
        """The arrival of a resource of which a look at its JSON told all that matters, if it did."""
        it = found.usual
        if it is None or (it.recorded_at and it.recorded_at > self.received_at):
            return None
        if it.type == "Patient":
            self._check_birth(found.resource, births)
        return Arrival(found.body, it.type, it.id, it.subject, it.recorded_at, it.digest)

    def _judged(self, found: Found, births: dict[str, str]) -> Arrival:
        resource = found.resource
        kind = resource.get("resourceType")
        fhir.check(found.body, kind if isinstance(kind, str) else "")
        if "id" not in resource:
            raise FaultError(Cause.NO_ID, "the resource has no id")
        recorded_at = self._recorded(resource)
        if kind == "Patient":
            self._check_birth(resource, births)
        return Arrival(
            found.body,
            resource["resourceType"],
            resource["id"],
            fhir.subject(resource),
            recorded_at,
            fhir.digest(resource),
        )

    def _recorded(self, resource: dict[str, Any]) -> datetime | None:
        """When it was known; a date that is today counts until now, not until midnight."""
        known = fhir.recorded(resource)
        if known is None or known <= self.received_at:
            return known
        first = fhir.recorded(resource, latest=False)
        if first is not None and first > self.received_at + CLOCKS:
            words = "it says that it was recorded later than it was received"
            raise FaultError(Cause.FUTURE_DATE, words)
        return self.received_at

    def _check_birth(self, patient: dict[str, Any], births: dict[str, str]) -> None:
        birth = patient.get("birthDate")
        if not birth:
            return
        try:
            if fhir.parse_time(birth) > self.received_at:
                raise FaultError(Cause.FUTURE_DATE, "the birth date is later than it was received")
        except InvalidResource as error:
            raise InvalidResource(error.message, path="Patient.birthDate") from None
        known = births.get(patient["id"]) or self._known_birth(patient["id"])
        # 1950 and 1950-03-02 do not contradict each other.
        if known and not (known.startswith(birth) or birth.startswith(known)):
            raise FaultError(Cause.BIRTH_DATE_CONFLICT, "the patient is known with another birth date")
        births[patient["id"]] = max(birth, known, key=len)

    def _known_birth(self, patient: str) -> str:
        if patient not in self._births:
            version = self.lake.read(f"Patient/{patient}")
            self._births[patient] = version.resource.get("birthDate", "") if version else ""
        return self._births[patient]

    def _check_unique(self, arrival: Arrival, seen: dict[tuple[str, str], str]) -> None:
        key = (arrival.type, arrival.id)
        before = self._seen.get(key) or seen.get(key)
        if before and before != arrival.digest:
            words = f"an earlier row gives this {arrival.type} another content"
            raise FaultError(Cause.CONFLICTING_ROW, words)
        seen[key] = arrival.digest
