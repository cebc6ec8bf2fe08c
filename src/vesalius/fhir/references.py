"""References between resources: whom a resource is about, what it points to, and rewriting them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import Any

from vesalius.fhir.definitions import compartment, elements

# A local name of a patient in the JSON of any resource; "/" may be written "\\/" there.
_NAMED = re.compile(rb"Patient\\?/([A-Za-z0-9\-.]{1,64})")
_PATIENT = re.compile(r"(Patient/[A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?", re.ASCII)


def subject(resource: dict[str, Any]) -> str | None:
    """The patient in whose compartment a resource lies, as ``Patient/ID``, or None.

    The element that says whom it is about comes first (``subject``, ``patient``, ``beneficiary``), then the
    others of the R4 patient compartment (a performer, a participant). Only a reference relative to this
    server counts: an absolute one names a patient of another server.

    >>> subject({"resourceType": "Observation", "subject": {"reference": "Patient/1"}})
    'Patient/1'
    """
    kind = resource["resourceType"]
    if kind == "Patient":
        return f"Patient/{resource['id']}" if "id" in resource else None
    about = resource.get(_about(kind))
    if type(about) is dict and (found := patient_of(about.get("reference", ""))):
        return found  # most resources say it at once
    for path in compartment(kind):
        for value in _values(resource, path.split(".")):
            if isinstance(value, dict) and (found := patient_of(value.get("reference", ""))):
                return found
    return None


@lru_cache(4096)  # what is sent together is about few patients
def patient_of(reference: str) -> str | None:
    """The patient whom a reference names, as ``Patient/ID``, without a version."""
    found = _PATIENT.fullmatch(reference)
    return found[1] if found else None


@cache
def _about(kind: str) -> str:
    """The first element of a type that says whom it is about; a name that no element has, if it has none."""
    return next(iter(compartment(kind)), "")


def _values(value: Any, names: list[str]) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _values(item, names)
    elif not names:
        yield value
    elif isinstance(value, dict):
        # A choice is written with its type's name; only its reference can lead to a patient.
        for name in (names[0], f"{names[0]}Reference"):
            if name in value:
                yield from _values(value[name], names[1:])


@cache
def shared(kind: str) -> bool:
    """Whether a resource of a type may concern several patients, or names them in a place of no compartment.

    An observation is about one patient. A group has many members, an appointment several participants; a
    device or a bundle lies in no compartment and can still name a patient.

    >>> [kind for kind in ("Patient", "Observation", "Group", "Device") if shared(kind)]
    ['Group', 'Device']
    """
    if kind == "Patient":
        return False
    inside = kind
    for name in _about(kind).split("."):
        found = next((each for each in elements(inside) if each.name == name), None)
        if found is None or found.many:
            return True
        inside = f"{inside}.{name}"
    return False


def named(body: bytes) -> frozenset[str]:
    """Every patient whom the JSON of a resource names anywhere, as ``Patient/ID``.

    A patient of another server counts as the one of the same id here: who may be meant is named.
    """
    return frozenset(f"Patient/{each.decode()}" for each in _NAMED.findall(body))


def references(value: Any) -> Iterator[str]:
    """Every literal reference inside a resource, in the order in which they are written."""
    if isinstance(value, dict):
        for name, child in value.items():
            if name == "reference" and isinstance(child, str):
                yield child
            else:
                yield from references(child)
    elif isinstance(value, list):
        for child in value:
            yield from references(child)


def with_references(value: Any, rewrite: Callable[[str], str]) -> Any:
    """A copy in which every literal reference is what ``rewrite`` makes of it."""
    if isinstance(value, dict):
        return {
            name: rewrite(child)
            if name == "reference" and isinstance(child, str)
            else with_references(child, rewrite)
            for name, child in value.items()
        }
    return [with_references(child, rewrite) for child in value] if isinstance(value, list) else value
