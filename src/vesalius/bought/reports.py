"""What a report says, and who says it: a system, by its device, or a person who signed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from vesalius.errors import NotFound

if TYPE_CHECKING:
    from datetime import datetime

    from vesalius.lake import Lake, Version

Finding = Literal["abnormal", "normal", "unclear"]

NORMAL_CODES = frozenset({"17621005", "164854000"})
"""SNOMED CT: *Normal*, and *Electrocardiogram normal*."""

CRITICAL = frozenset({"AA", "HH", "LL"})
ABNORMAL = CRITICAL | {"A", "H", "L", "HU", "LU", "POS", "DET"}
NORMAL = frozenset({"N", "NEG", "ND"})
"""Codes of HL7 v3 ObservationInterpretation, which FHIR R4 binds ``Observation.interpretation`` to."""

SIGNED = frozenset({"final", "amended", "corrected", "appended"})
"""The states of a report that a person answers for (FHIR R4, DiagnosticReport.status)."""

CONFIDENCE = "confidence"
"""The code, in the maker's own system, of the result that says how sure the system is of itself."""


@dataclass(frozen=True)
class Measure:
    """One result of a report: its name, its value with its unit, as words, and where it stands."""

    name: str
    value: str
    reference: str


@dataclass(frozen=True)
class Said:
    """What one report says.

    Attributes:
        finding: whether it found something.
        critical: whether a result is marked critical.
        conclusion: its conclusion, in its own words.
        codes: the names of its coded conclusions.
        measures: its results, in its order.
        confidence: how sure the system says that it is, 0 to 1; None where it does not say.
        sure: the versioned reference of the result that says so; empty where none does.
        sources: the versioned references of all that was read, the report first.
    """

    finding: Finding
    critical: bool
    conclusion: str
    codes: tuple[str, ...]
    measures: tuple[Measure, ...]
    confidence: float | None
    sure: str
    sources: tuple[str, ...]


def from_device(lake: Lake, report: Version, device: str) -> bool:
    """Whether a report is the system's: by its own lines, or by the device of one of its results.

    FHIR R4 gives ``Observation`` a device and ``DiagnosticReport`` none; some makers name it as a performer.
    """
    if _names(report.resource, device):
        return True
    return any(_names(each.resource, device) for each in results(lake, report, report.recorded_at))


def signed(report: Version) -> bool:
    """Whether a person answers for a report."""
    resource = report.resource
    people = [*resource.get("resultsInterpreter", ()), *resource.get("performer", ())]
    return resource.get("status") in SIGNED and any(
        str(each.get("reference", "")).startswith(("Practitioner/", "PractitionerRole/")) for each in people
    )


def orders(report: Version) -> set[str]:
    """What a report was asked by."""
    return {each["reference"] for each in report.resource.get("basedOn", ()) if each.get("reference")}


def results(lake: Lake, report: Version, as_of: datetime) -> Iterator[Version]:
    """The results of a report that are known at ``as_of``."""
    for each in report.resource.get("result", ()):
        try:
            found = lake.read(str(each.get("reference", "")), as_of)
        except NotFound:  # a reference into the report itself, or by an identifier
            continue
        if found is not None:
            yield found


def read(lake: Lake, report: Version, as_of: datetime) -> Said:
    """What a report says, with its results as known at ``as_of``."""
    resource, found = report.resource, list(results(lake, report, as_of))
    marks = {mark for each in found for part in _parts(each.resource) for mark in _marks(part)}
    codings = [_first(each) for each in resource.get("conclusionCode", ())]
    measures = tuple(
        Measure(name, value, each.reference)
        for each in found
        for part in _parts(each.resource)
        if (name := _name(part.get("code"))) and (value := _value(part)) and not _is_confidence(part)
    )
    shares = (
        (share, each.reference)
        for each in found
        for part in _parts(each.resource)
        if _is_confidence(part) and (share := _share(part)) is not None
    )
    confidence, sure = next(shares, (None, ""))
    return Said(
        finding=_finding({str(each.get("code", "")) for each in codings} - {""}, marks),
        critical=bool(marks & CRITICAL),
        conclusion=str(resource.get("conclusion", "")).strip(),
        codes=tuple(filter(None, (_name(each) for each in resource.get("conclusionCode", ())))),
        measures=measures,
        confidence=confidence,
        sure=sure,
        sources=(report.reference, *(each.reference for each in found)),
    )


def _finding(codes: set[str], marks: set[str]) -> Finding:
    """Coded conclusions speak first; without one the marks of the results do."""
    if codes:
        return "normal" if codes <= NORMAL_CODES else "abnormal"
    if marks & ABNORMAL:
        return "abnormal"
    return "normal" if marks & NORMAL else "unclear"


def _names(resource: dict[str, Any], device: str) -> bool:
    places: Iterable[Any] = (resource.get("device"), *resource.get("performer", ()))
    named = {str(each.get("reference", "")) for each in places if each}
    systems = {str(each.get("system", "")) for each in resource.get("identifier", ())}
    systems |= {str((each.get("identifier") or {}).get("system", "")) for each in places if each}
    return device in named | systems


def _parts(resource: dict[str, Any]) -> list[dict[str, Any]]:
    """An observation, and its components."""
    return [resource, *resource.get("component", ())]


def _marks(part: dict[str, Any]) -> Iterator[str]:
    for concept in part.get("interpretation", ()):
        yield from (str(each.get("code", "")) for each in concept.get("coding", ()))


def _first(concept: dict[str, Any]) -> dict[str, Any]:
    return next(iter(concept.get("coding", ())), {})


def _name(concept: dict[str, Any] | None) -> str:
    concept = concept or {}
    coding = _first(concept)
    return str(concept.get("text") or coding.get("display") or coding.get("code") or "")


def _value(part: dict[str, Any]) -> str:
    if quantity := part.get("valueQuantity"):
        return f"{quantity.get('value', '')} {quantity.get('unit') or quantity.get('code') or ''}".strip()
    for name in ("valueString", "valueInteger", "valueBoolean", "valueDateTime"):
        if name in part:
            return str(part[name])
    return _name(part.get("valueCodeableConcept"))


def _is_confidence(part: dict[str, Any]) -> bool:
    return _first(part.get("code") or {}).get("code") == CONFIDENCE


def _share(part: dict[str, Any]) -> float | None:
    quantity = part.get("valueQuantity") or {}
    if "value" not in quantity:
        return None
    percent = "%" in (quantity.get("unit"), quantity.get("code"))
    share = round(float(quantity["value"]) / (100 if percent else 1), 6)
    return share if 0 <= share <= 1 else None
