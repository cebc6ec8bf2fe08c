"""Patients and stays that a message only mentions: what is known of them stands.

A laboratory names the patient and the stay of a result, often with less than the hospital knows, and a stay
that ended yesterday as if it still went on. Such a mention is marked by its reader; it makes the resource
known where nothing is, and adds what is not yet said, but takes nothing back.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import cache
from typing import Any

from vesalius import fhir
from vesalius.ingest._items import Found
from vesalius.lake import Lake

TAG = {
    "system": "urn:x-vesalius:hl7v2",
    "code": "mention",
    "display": "named in a message about something else",
}
"""The tag in ``meta`` of what was only mentioned."""

_MARK = TAG["system"].encode()
TYPES = frozenset({"Patient", "Encounter"})

# More than one batch can hold: what is not yet written is remembered here.
_REMEMBERED = 4096


class Mentions:
    """The step that lets what is known stand."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._recent: OrderedDict[str, Found] = OrderedDict()

    def passes(self, found: Found) -> bool:
        """Whether a resource of the usual form is no mention; what could be mentioned later is remembered."""
        usual = found.usual
        if usual is None or usual.type not in TYPES:
            return usual is not None
        if _MARK in found.body or b"\\" in found.body:  # a mark could be written with escapes
            return False
        self._remember(f"{usual.type}/{usual.id}", found)
        return True

    def __call__(self, resource: dict[str, Any]) -> dict[str, Any] | None:
        """What is known with what a mention adds, or None where it is no mention of something known."""
        if resource.get("resourceType") not in TYPES or "id" not in resource:
            return None
        name = f"{resource['resourceType']}/{resource['id']}"
        known = self._recent.get(name)
        made = None
        if TAG in resource.get("meta", {}).get("tag", ()):
            if known is None and (version := self._lake.read(name)):
                known = Found(version.resource, version.body)
            made = _added(known.resource, resource) if known else None
        self._remember(name, Found(made or resource, b""))
        return made

    def _remember(self, name: str, found: Found) -> None:
        self._recent[name] = found
        self._recent.move_to_end(name)
        if len(self._recent) > _REMEMBERED:
            self._recent.popitem(last=False)


@cache
def _choice(kind: str, name: str) -> frozenset[str]:
    """The names that say the same as an element: itself, and those of its choice."""
    group = next((each.names for each in fhir.elements(kind) if name in each.names), {})
    return frozenset({name, *group})


def _added(known: dict[str, Any], mention: dict[str, Any]) -> dict[str, Any]:
    """What is known, itself if the mention says nothing more; else with the elements that it adds."""
    said = {element for name in known for element in _choice(known["resourceType"], name)}
    more = {name: value for name, value in mention.items() if name not in said}
    if not more:
        return known
    meta = {**known.get("meta", {}), **{k: v for k, v in mention["meta"].items() if k == "lastUpdated"}}
    return {**known, "meta": meta, **more}
