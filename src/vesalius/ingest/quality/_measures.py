"""What is counted of one version of one resource.

Names of counts: ``versions``; ``later`` (not the first version); ``has.ELEMENT``; ``codable`` and ``coded``;
``quantities`` and ``ucum``; ``ranged`` and ``implausible``; ``delay.N`` and ``undated``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import cache
from typing import Any

from vesalius.fhir import codes
from vesalius.lake import Version
from vesalius.terminology.analytes import analytes
from vesalius.terminology.standards import kinds, standard_for

ELEMENTS: dict[str, tuple[str, ...]] = {
    "Patient": ("identifier", "name", "gender", "birthDate", "address"),
    "Encounter": ("subject", "class", "period.start", "location|serviceProvider"),
    "Observation": (
        "subject",
        "code",
        "effective[x]",
        "issued",
        "value[x]|dataAbsentReason|component|hasMember",
        "referenceRange|interpretation",
    ),
    "DiagnosticReport": ("subject", "code", "effective[x]", "issued", "result|presentedForm|conclusion"),
    "Condition": ("subject", "code", "recordedDate", "onset[x]", "clinicalStatus"),
    "Procedure": ("subject", "code", "performed[x]"),
    "MedicationRequest": ("subject", "medication[x]", "authoredOn", "dosageInstruction"),
    "MedicationAdministration": ("subject", "medication[x]", "effective[x]", "dosage"),
    "MedicationStatement": ("subject", "medication[x]", "effective[x]|dateAsserted", "dosage"),
    "MedicationDispense": ("subject", "medication[x]", "whenHandedOver", "quantity"),
    "AllergyIntolerance": ("patient", "code", "recordedDate", "clinicalStatus"),
    "Immunization": ("patient", "vaccineCode", "occurrence[x]"),
    "ServiceRequest": ("subject", "code", "authoredOn", "requester"),
    "Specimen": ("subject", "type", "receivedTime", "collection"),
}
"""The elements that each type should have, for use at the bedside: of those that R4 marks as part of the
summary or that the International Patient Summary guide (HL7, hl7.fhir.uv.ips 1.1) lists as *must support*,
the ones by which a result can be told, found and dated. ``a|b`` is one of them, ``a[x]`` any choice, ``a.b``
nested."""

DELAYS: tuple[timedelta, ...] = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(hours=12),
    timedelta(days=1),
    timedelta(days=3),
    timedelta(days=7),
    timedelta(days=30),
)
"""The upper ends of the classes of delay between being known and being received; a last class has none."""

CODED: dict[str, str] = {
    "Observation": "code",
    "DiagnosticReport": "code",
    "Condition": "code",
    "Procedure": "code",
    "AllergyIntolerance": "code",
    "Immunization": "vaccineCode",
    "ServiceRequest": "code",
    "Specimen": "type",
    "Medication": "code",
    "MedicationRequest": "medicationCodeableConcept",
    "MedicationAdministration": "medicationCodeableConcept",
    "MedicationStatement": "medicationCodeableConcept",
    "MedicationDispense": "medicationCodeableConcept",
}
"""The element of each type whose meaning others need to understand."""

Present = Callable[[dict[str, Any]], bool]


def measured(version: Version) -> Counter[str]:
    """What is counted of one version."""
    resource, kind = version.resource, version.type
    found: Counter[str] = Counter(versions=1)
    if version.version > 1:
        found["later"] = 1
    for name, present in _elements(kind):
        if present(resource):
            found[f"has.{name}"] = 1
    _count_codes(found, resource, CODED.get(kind, ""))
    if kind == "Observation":
        _count_quantities(found, resource)
    found[_delay(version)] = 1
    return found


def _delay(version: Version) -> str:
    if version.recorded_at == version.received_at:
        return "undated"  # it did not say itself when it was known
    return f"delay.{bisect_left(DELAYS, version.received_at - version.recorded_at)}"


def _count_codes(found: Counter[str], resource: dict[str, Any], element: str) -> None:
    concept = resource.get(element)
    if isinstance(concept, dict):
        standard = _standard(f"{resource['resourceType']}.{element}")
        found["codable"] = 1
        found["coded"] = int(any(each.get("system") in standard for each in concept.get("coding", ())))


def _count_quantities(found: Counter[str], observation: dict[str, Any]) -> None:
    for part in (observation, *observation.get("component", ())):
        quantity = part.get("valueQuantity")
        if not quantity or "value" not in quantity:
            continue
        found["quantities"] += 1
        found["ucum"] += quantity.get("system") == codes.UCUM and "code" in quantity
        names = (each.get("code", "") for each in part.get("code", {}).get("coding", ()))
        ranges = [
            _ranges()[name, quantity.get("code", "")]
            for name in names
            if (name, quantity.get("code", "")) in _ranges()
        ]
        if ranges:
            low, high = ranges[0]
            found["ranged"] += 1
            found["implausible"] += not low <= quantity["value"] <= high


@cache
def _standard(path: str) -> frozenset[str]:
    """The code systems that others understand, for one element."""
    return frozenset().union(*(standard_for(kind.name) for kind in kinds().values() if path in kind.paths))


@cache
def _ranges() -> dict[tuple[str, str], tuple[float, float]]:
    """What can be believed of a patient, by LOINC code and UCUM unit."""
    return {
        (code.loinc, code.unit): code.range
        for analyte in analytes()
        for code in analyte.code
        if code.range is not None
    }


@cache
def _elements(kind: str) -> tuple[tuple[str, Present], ...]:
    return tuple((name, _any_of(name.split("|"))) for name in ELEMENTS.get(kind, ()))


def _any_of(names: Iterable[str]) -> Present:
    each = [_one(name) for name in names]
    return each[0] if len(each) == 1 else lambda resource: any(present(resource) for present in each)


def _one(name: str) -> Present:
    if name.endswith("[x]"):
        stem = name.removesuffix("[x]")
        return lambda resource: any(key.startswith(stem) for key in resource)
    if "." in name:
        outer, inner = name.split(".")
        return lambda resource: inner in resource.get(outer, ())
    return lambda resource: name in resource
