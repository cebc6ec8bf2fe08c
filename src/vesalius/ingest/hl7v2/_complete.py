"""The last step to a resource: what says nothing goes, references get their ids, what R4 requires is there.

What a message leaves out and R4 requires gets what FHIR has for it: the code ``unknown`` where the value set
has it, else the extension ``data-absent-reason``. Nothing clinical is made up.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from vesalius import fhir
from vesalius.ingest.hl7v2._ids import Ids
from vesalius.ingest.hl7v2._run import Draft

_ABSENT_URL = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_HOLLOW = {
    "Extension": frozenset({"url"}),
    "Coding": frozenset({"system", "version"}),
    "Identifier": frozenset({"system", "type", "use"}),
}
# What is in force where a code is required and neither the message nor the value set says "unknown".
_CHOICES = {"occurrence[x]": "occurrenceDateTime", "medication[x]": "medicationCodeableConcept"}


def _absent() -> list[dict[str, str]]:
    return [{"url": _ABSENT_URL, "valueCode": "unknown"}]


@cache
def _types(kind: str) -> dict[str, str]:
    """The type of each element, primitives left out; the names of choices too."""
    kind = "Extension" if kind == "Element" else kind
    primitive = fhir.primitives()
    return {
        name: type_
        for each in fhir.elements(kind)
        for name, type_ in each.names.items()
        if type_ not in primitive
    }


@cache
def _choices(kind: str) -> dict[str, frozenset[str]]:
    """The names of each choice, by each of them."""
    kind = "Extension" if kind == "Element" else kind
    names = (frozenset(each.names) for each in fhir.elements(kind) if each.choice)
    return {name: group for group in names for name in group}


@cache
def _required(kind: str) -> tuple[fhir.Element, ...]:
    return tuple(each for each in fhir.elements(kind) if each.min)


def completed(kind: str, resource: dict[str, Any], ids: Ids) -> dict[str, Any]:
    """A resource without what says nothing, with its references, and with what R4 requires."""
    found = _cleaned(kind, resource, ids) or {}
    _fill(kind, found)
    return found


def _cleaned(kind: str, value: dict[str, Any], ids: Ids) -> dict[str, Any] | None:
    """A copy of a value without what is empty; None if nothing is left."""
    types, choices = _types(kind), _choices(kind)
    kept: dict[str, Any] = {}
    for name, one in value.items():
        said = _said(types.get(name, "Element"), one, ids) if isinstance(one, _HOLDERS) else one
        if said is None or said == "":
            continue
        if name in choices:  # of several values of one choice, the last that was said
            for other in choices[name] & kept.keys():
                del kept[other]
        kept[name] = said
    hollow = _HOLLOW.get(kind)
    if not kept or (hollow and kept.keys() <= hollow) or (kind == "Extension" and "url" not in kept):
        return None
    if kind in _BACKBONES or "." in kind:
        _fill(kind, kept)
    return kept


_HOLDERS = (dict, list, Draft)


def _said(kind: str, value: Any, ids: Ids) -> Any:
    if isinstance(value, dict):
        return _cleaned(kind, value, ids)
    if isinstance(value, list):
        return _list(kind, value, ids) or None
    return f"{value.type}/{ids.of(value)}" if value.said else None


_BACKBONES = frozenset({"Extension", "Annotation", "SampledData", "Attachment"})


def _list(kind: str, values: list[Any], ids: Ids) -> list[Any]:
    """The items that say something, each once."""
    kept: list[Any] = []
    for value in values:
        one = _cleaned(kind, value, ids) if isinstance(value, dict) else value
        if one and one not in kept:
            kept.append(one)
    return kept


def _fill(kind: str, value: dict[str, Any]) -> None:
    """Adds what R4 requires of a type."""
    for element in _required(kind):
        if kind == "Extension" or any(name in value or f"_{name}" in value for name in element.names):
            continue
        name = _CHOICES.get(element.name) or next(iter(element.names))
        type_ = element.names[name]
        if type_ in fhir.primitives():
            if element.codes and "unknown" in fhir.value_set(element.codes):
                value[name] = "unknown"
            else:
                value[f"_{name}"] = {"extension": _absent()}
            continue
        one: dict[str, Any] = {}
        if "." in type_:
            _fill(type_, one)
        if not one:
            one = {"extension": _absent()}
        value[name] = [one] if element.many else one
