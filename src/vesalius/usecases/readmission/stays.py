"""Stays: whose discharge became known when, and which earlier stays of the patient were known by then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from vesalius import fhir
from vesalius.errors import InvalidResource
from vesalius.usecase import Candidate
from vesalius.usecases.readmission.words import EMERGENCY, INPATIENT, OUTPATIENT
from vesalius.views.features import WITHDRAWN

if TYPE_CHECKING:
    import pyarrow as pa

SETTLING = timedelta(minutes=15)
"""How long after the record says that the patient left the suggestion is due, so that the diagnoses and
medicines which come with the discharge are in it. A working time of ours, not a clinical threshold."""

YEAR = timedelta(days=365)
"""How far back earlier stays and visits count (HOSPITAL: 12 months; Donzé 2013)."""

KINDS = {"previous_inpatient": INPATIENT, "previous_emergency": EMERGENCY, "previous_outpatient": OUTPATIENT}
"""Input → the classes of the encounters that it counts."""

_FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an encounter, and for how long it was the one in force.

    Attributes:
        resource, reference: ``Encounter/ID``, and with its version.
        subject: whom it is about.
        kind: its class.
        status: of the encounter.
        begins, ends: of the encounter; None where not said.
        priority: how urgent the admission was (HL7 v3 ActPriority), where it is said.
        known, until: from when and until before when it was the version in force.
    """

    resource: str
    reference: str
    subject: str
    kind: str
    status: str
    begins: str | None
    ends: str | None
    priority: str | None
    known: datetime
    until: datetime

    @property
    def is_discharge(self) -> bool:
        """Whether it says that a stay with a night in hospital is over."""
        return self.status == "finished" and self.kind in INPATIENT and self.ends is not None


_COLUMNS = (
    "_resource",
    "_recorded_at",
    "_seq",
    "_reference",
    "_subject",
    "class",
    "status",
    "begins",
    "ends",
    "priority",
)


def versions(rows: pa.Table) -> list[Version]:
    """Every version of every encounter about somebody, from the view of the stays."""
    cells = sorted(zip(*(rows[name].to_pylist() for name in _COLUMNS), strict=True), key=_place)
    found = []
    for number, (resource, known, _, reference, subject, kind, status, begins, ends, priority) in enumerate(
        cells
    ):
        after = cells[number + 1] if number + 1 < len(cells) else None
        until = after[1] if after is not None and after[0] == resource else _FOREVER
        if subject:
            said = Version(
                resource, reference, subject, kind or "", status or "", begins, ends, priority, known, until
            )
            found.append(said)
    return found


def _place(cells: tuple[object, ...]) -> tuple[object, ...]:
    return cells[:3]


def due(found: Iterable[Version], since: datetime, until: datetime) -> list[Candidate]:
    """The stays whose discharge settled in (``since``, ``until``], each once.

    A discharge that was taken back before it settled makes nobody due; one that is made again does, later.
    """
    moments: dict[tuple[str, str], datetime] = {}
    discharged: dict[tuple[str, str], datetime] = {}
    for each in found:  # in the order in which they became known
        key = (each.subject, each.resource)
        if not each.is_discharge:
            discharged.pop(key, None)
            continue
        since_when = discharged.setdefault(key, each.known)
        settles = since_when + SETTLING
        if key not in moments and each.known <= settles < each.until:
            moments[key] = settles
    asked = (Candidate(subject, stay, at) for (subject, stay), at in moments.items() if since < at <= until)
    return sorted(asked, key=lambda each: (each.as_of, each.subject, each.focus))


def earlier(found: Sequence[Version], candidates: Sequence[Candidate]) -> list[dict[str, tuple[str, ...]]]:
    """For each candidate, the references of the encounters that count as earlier, by input.

    An encounter counts if, as known at the moment, it began at most a year before the stay did, and not
    after it.
    """
    of: dict[str, list[Version]] = {}
    for each in found:
        of.setdefault(each.subject, []).append(each)
    return [_before(of.get(each.subject, ()), each) for each in candidates]


def _before(own: Sequence[Version], candidate: Candidate) -> dict[str, tuple[str, ...]]:
    if len(own) == 1:  # the stay itself
        return {}
    known = [each for each in own if each.known <= candidate.as_of < each.until]
    stay = next((each for each in known if each.resource == candidate.focus), None)
    if stay is None or (begins := moment(stay.begins)) is None:
        return {}
    counted: dict[str, tuple[str, ...]] = {}
    for name, kinds in KINDS.items():
        held = [each for each in known if each.kind in kinds and _counts(each, stay, begins)]
        if held:
            counted[name] = tuple(each.reference for each in held)
    return counted


def _counts(other: Version, stay: Version, begins: datetime) -> bool:
    if other.resource == stay.resource or other.status in WITHDRAWN or other.status in ("planned", "arrived"):
        return False
    start = moment(other.begins)
    if start is None or not begins - YEAR <= start < begins:
        return False
    # A visit to the emergency department that became this stay is not an earlier one.
    over = moment(other.ends, latest=True)
    if over is not None and over <= begins:
        return True
    return over is None or (other.kind in EMERGENCY and start < begins - timedelta(days=1))


def moment(text: str | None, *, latest: bool = False) -> datetime | None:
    """A FHIR dateTime as a moment; None where there is none or it cannot be read."""
    if not text:
        return None
    try:
        return fhir.parse_time(text, latest=latest)
    except InvalidResource:
        return None
