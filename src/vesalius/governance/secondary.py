"""Uses other than a patient's own care: whose data stays out of them, wherever data is drawn.

What is drawn after a patient refused holds nothing that concerns them; what was drawn before stays as it is
(Regulation (EU) 2025/327, article 71(3)). We know no permits that outlast a refusal, so it counts at once and
for everybody; a law that makes an exception (article 71(4)) is for the hospital's lawyer, and none is built
in. ``docs/governance/consent.md`` says which uses are secondary.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from vesalius import fhir
from vesalius.errors import InvalidResource
from vesalius.governance import consent
from vesalius.governance._provisions import Kind, refusals
from vesalius.lake import Lake
from vesalius.privacy.counts import told

__all__ = ["NOBODY", "LeftOut", "left_out", "numbers", "said"]


@dataclass(frozen=True)
class LeftOut:
    """Who stays out of what is drawn.

    Attributes:
        without: everybody who refuses, as ``Patient/ID``.
        patients: how many of them something of what is drawn concerns, whatever it is narrowed to: a count
            that does not change with a criterion says of nobody whether it fits them.
    """

    without: frozenset[str] = frozenset()
    patients: int = 0

    @property
    def told(self) -> str:
        """How many, as it may leave the hospital."""
        return told(self.patients)


NOBODY = LeftOut()
"""For the patients' own care: nobody stays out."""


def left_out(
    lake: Lake, types: Iterable[str], *, subjects: Iterable[str] | None = None, at: datetime | None = None
) -> LeftOut:
    """Who stays out of something that is drawn from a lake.

    Args:
        lake: whose patients.
        types: the resource types that it is drawn from.
        subjects: the patients (``Patient/ID``) that are asked for; all, if not given.
        at: when it is drawn; now, if not given.

    Raises:
        Unavailable: the index of refusals is far behind the log; asking again brings it further.
    """
    without = consent.excluded(lake, Kind.SECONDARY, at)
    asked = without if subjects is None else without.intersection(subjects)
    return LeftOut(without, len(lake.concerned(asked, types)))


def said(bodies: Iterable[bytes], at: datetime | None = None) -> frozenset[str]:
    """Everybody who refuses by Consents that lie beside the data, in files, rather than in a lake.

    Args:
        bodies: resources in JSON, of any type, bundles too; what cannot be read says nothing.
        at: the moment; now, if not given.

    Returns:
        The patients, as ``Patient/ID``.
    """
    at, found = at or datetime.now(UTC), set[str | None]()
    for body in bodies:
        if b"Consent" not in body:
            continue
        found.update(fhir.subject(each) for each in _consents(body) if _refuses(each, at))
    return frozenset(each for each in found if each)


def _consents(body: bytes) -> list[dict[str, Any]]:
    """The Consents in a file, or a line of one."""
    try:
        resource = fhir.load(body)
    except InvalidResource:
        return []
    entries = resource.get("entry") if resource.get("resourceType") == "Bundle" else [{"resource": resource}]
    inside = [each.get("resource") for each in entries or () if isinstance(each, dict)]
    return [each for each in inside if isinstance(each, dict) and each.get("resourceType") == "Consent"]


def _refuses(resource: dict[str, Any], at: datetime) -> bool:
    said = refusals(fhir.dump(resource))
    return any(each.kind == Kind.SECONDARY and each.begins <= at < each.ends for each in said)


def numbers(lake: Lake, patients: Iterable[str]) -> dict[str, str]:
    """By each number, of any system, of one of some patients (``Patient/ID``): whose it is."""
    found: dict[str, str] = {}
    for patient in sorted(patients):
        known = lake.read(patient)
        for identifier in known.resource.get("identifier", ()) if known else ():
            if value := str(identifier.get("value") or "").strip():
                found[value] = patient
    return found
