"""Whom a suggestion is about, in words people recognise: name, birth date, ward, stay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from vesalius import fhir
from vesalius.errors import VesaliusError
from vesalius.review.records import Display
from vesalius.usecase import Candidate

if TYPE_CHECKING:
    from vesalius.lake import Lake, Version


def displays(lake: Lake, candidates: Sequence[Candidate]) -> list[Display]:
    """How people recognise each candidate's patient, from the Patient and the Encounters.

    What was known at the candidate's moment counts; where nothing was yet (history that was received later),
    what became known after. It is for people to recognise the patient, and is no evidence.
    """
    about: dict[str, list[Version]] = defaultdict(list)
    subjects = sorted({candidate.subject for candidate in candidates})
    for version in lake.patients(subjects, ["Patient", "Encounter"]):
        about[version.subject or f"{version.type}/{version.id}"].append(version)
    return [_display(about[candidate.subject], candidate.as_of) for candidate in candidates]


def _display(versions: Sequence[Version], as_of: datetime) -> Display:
    known = _in_force(versions, as_of)
    patient = next((item for item in known if item["resourceType"] == "Patient"), {})
    stay = _stay([item for item in known if item["resourceType"] == "Encounter"], as_of)
    return Display(
        patient=_name(patient.get("name", [])),
        birth_date=patient.get("birthDate", ""),
        ward=_ward(stay.get("location", [])),
        stay=stay.get("id", ""),
    )


def _in_force(versions: Sequence[Version], as_of: datetime) -> list[dict[str, Any]]:
    known: dict[tuple[str, str], Version] = {}
    for version in sorted(versions, key=lambda item: (item.recorded_at, item.seq)):
        place = (version.type, version.id)
        if version.recorded_at <= as_of or place not in known:
            known[place] = version
    return [version.resource for version in known.values()]


def _name(names: Sequence[dict[str, Any]]) -> str:
    preferred = sorted(names, key=lambda name: {"official": 0, "usual": 1}.get(name.get("use", ""), 2))
    if not preferred:
        return ""
    family, given = preferred[0].get("family", ""), " ".join(preferred[0].get("given", []))
    return ", ".join(part for part in (family, given) if part) or preferred[0].get("text", "")


def _stay(encounters: Sequence[dict[str, Any]], as_of: datetime) -> dict[str, Any]:
    """The stay at ``as_of``: of those that had begun, one that had not ended, else the latest begun."""
    begun = []
    for encounter in encounters:
        start, end = (_moment(encounter.get("period", {}).get(name)) for name in ("start", "end"))
        if start is not None and start <= as_of:
            begun.append((end is None or end >= as_of, start, encounter["id"], encounter))
    return max(begun, key=lambda item: item[:3])[3] if begun else {}


def _ward(locations: Sequence[dict[str, Any]]) -> str:
    present = [item for item in locations if item.get("status") in (None, "active")] or locations
    return str(present[-1].get("location", {}).get("display", "")) if present else ""


def _moment(text: str | None) -> datetime | None:
    try:
        return fhir.parse_time(text) if text else None
    except (VesaliusError, ValueError):
        return None
