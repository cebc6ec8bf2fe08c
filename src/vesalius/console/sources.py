"""From a versioned reference to a link that people can follow."""

from __future__ import annotations

from collections.abc import Mapping

from vesalius.console.contexts import SourceLink
from vesalius.console.languages import N_
from vesalius.errors import NotFound
from vesalius.lake import Lake

TYPES = {
    "AllergyIntolerance": N_("Allergy"),
    "Condition": N_("Problem"),
    "DiagnosticReport": N_("Report"),
    "Encounter": N_("Stay"),
    "Location": N_("Place"),
    "MedicationRequest": N_("Prescription"),
    "Observation": N_("Result"),
    "Patient": N_("Patient"),
    "ServiceRequest": N_("Order"),
    "Specimen": N_("Sample"),
}
"""What people call the FHIR types that the uses read."""


def type_name(reference: str) -> str:
    """What people call the type of a reference, in English."""
    kind = reference.partition("/")[0]
    return TYPES.get(kind, kind)


def page_of(reference: str) -> str:
    """The page of a versioned reference."""
    kind, identifier, version = reference.replace("/_history/", "/").split("/")
    return f"/resources/{kind}/{identifier}/{version}"


def links(lake: Lake, about: Mapping[str, tuple[str, ...]]) -> dict[str, SourceLink]:
    """The link of each versioned reference, with the time at which it was known.

    Args:
        lake: where they are.
        about: for each reference, what it is about, in words.
    """
    found = {}
    for reference, names in about.items():
        try:
            version = lake.read(reference)
        except NotFound:
            continue
        at = version.recorded_at if version else None
        found[reference] = SourceLink(reference, page_of(reference), type_name(reference), names, at)
    return found
