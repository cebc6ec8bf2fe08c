"""Resources of the usual form, read once: checked, identified and digested without a dictionary of them.

The quick form of a type (:mod:`vesalius.fhir._structs`) holds all that the canonical JSON is made of, except
for whole resources inside others. What is not of that form is None here, and goes the long way.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import UNSET

from vesalius.errors import InvalidResource
from vesalius.fhir._structs import attribute, may_hold_blank, quick
from vesalius.fhir.definitions import compartment, elements, resource_types
from vesalius.fhir.json import UNREADABLE, written_sorted
from vesalius.fhir.references import patient_of
from vesalius.fhir.times import KNOWN_AT, known_at, stay

_HOLDERS = {"Binary", "Bundle", "Parameters"}  # they hold whole resources, or have no "contained"
_BEGINS = re.compile(rb'\s*\{\s*"resourceType"\s*:\s*"([A-Za-z]{1,64})"').match


class Usual(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a resource that is right says of itself: as ``subject``, ``recorded`` and ``digest`` say it."""

    type: str
    id: str
    subject: str | None
    recorded_at: datetime | None
    digest: str


def usual(raw: bytes) -> Usual | None:
    """What a resource of the usual form says of itself; None if it has another form, or is wrong."""
    begins = _BEGINS(raw)
    if begins is None or may_hold_blank(raw):
        return None
    kind = begins[1].decode()
    about = _about(kind) if kind in resource_types() else None
    if about is None:
        return None
    try:
        shape = quick(kind)(raw)
        if shape.at_id is UNSET or shape.at_contained is not UNSET:
            return None
        subject = about(shape)
        if subject is UNSET:
            return None
        digest = hashlib.sha256(written_sorted(shape)).hexdigest()
        return Usual(kind, shape.at_id, subject, _recorded(kind, shape), digest)
    except (*UNREADABLE, InvalidResource):
        return None


def _recorded(kind: str, shape: Any) -> datetime | None:
    for name, its in _moments(kind):
        text = getattr(shape, its)
        if text is not UNSET:
            return known_at(kind, name, text, True)
    if shape.at_meta is not UNSET and shape.at_meta.at_lastUpdated is not UNSET:
        return known_at(kind, "meta.lastUpdated", shape.at_meta.at_lastUpdated, True)
    if kind == "Encounter" and shape.at_period is not UNSET:
        ends = {"start": shape.at_period.at_start, "end": shape.at_period.at_end}
        period = {name: text for name, text in ends.items() if text is not UNSET}
        return stay({"status": shape.at_status, "period": period}, True)
    return None


@cache
def _moments(kind: str) -> tuple[tuple[str, str], ...]:
    """The elements that say when a type became known, each with its attribute."""
    return tuple((name, attribute(name)) for name in KNOWN_AT.get(kind, ()))


@cache
def _about(kind: str) -> Callable[[Any], Any] | None:
    """What finds the patient of a type: a reference, None, or UNSET where it takes a longer look.

    None for a type that has no usual form: its digest would need more than its struct.
    """
    if kind in _HOLDERS:
        return None
    if kind == "Patient":
        return lambda shape: f"Patient/{shape.at_id}"
    names = compartment(kind)
    if not names:
        return lambda _: None
    element = next((each for each in elements(kind) if each.name == names[0]), None)
    if element is None or element.many or element.types != ("Reference",):
        return None
    reference = attrgetter(attribute(element.name))

    def patient(shape: Any) -> Any:
        value = reference(shape)
        if value is UNSET or value.at_reference is UNSET:
            return UNSET
        return patient_of(value.at_reference) or UNSET

    return patient
