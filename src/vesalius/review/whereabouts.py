"""Whom a suggestion is about, in words people recognise: name, birth date, ward, stay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
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
    about: dict[str, dict[tuple[str, str], list[Version]]] = defaultdict(dict)
    resources: dict[tuple[str, str], list[Version]] = defaultdict(list)
    subjects = sorted({candidate.subject for candidate in candidates})
    for version in lake.patients(subjects, ["Patient", "Encounter"]):
        place = (version.type, version.id)
        resources[place].append(version)
        about[_subject(version)][place] = resources[place]
    return [_display(about[each.subject].values(), each) for each in candidates]


def _subject(version: Version) -> str:
    return version.subject or f"{version.type}/{version.id}"


def _display(resources: Iterable[Sequence[Version]], candidate: Candidate) -> Display:
    as_of = candidate.as_of
    in_force = [_in_force(versions, as_of) for versions in resources]
    # A stay that was moved to another patient is not theirs any more.
    known = [version.resource for version in in_force if _subject(version) == candidate.subject]
    patient = next((item for item in known if item["resourceType"] == "Patient"), {})
    stay = _stay([item for item in known if item["resourceType"] == "Encounter"], as_of)
    return Display(
        patient=_name(patient.get("name", [])),
        birth_date=str(patient.get("birthDate", "")),
        ward=_ward(stay.get("location", [])),
        stay=stay.get("id", ""),
    )


def _in_force(versions: Sequence[Version], as_of: datetime) -> Version:
    """The last version known at ``as_of``; where none was yet, the first that came after."""
    known = [version for version in versions if version.recorded_at <= as_of]
    if known:
        return max(known, key=lambda version: (version.recorded_at, version.seq))
    return min(versions, key=lambda version: (version.recorded_at, version.seq))


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
