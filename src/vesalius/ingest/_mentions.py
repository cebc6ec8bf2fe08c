"""Patients and stays that a message only mentions: what is known of them stands.

A laboratory names the patient and the stay of a result, often with less than the hospital knows, and a stay
that ended yesterday as if it still went on. Such a mention is marked by its reader; it makes the resource
known where nothing is, and adds what is not yet said, but takes nothing back.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from vesalius.lake import Lake

TAG = {
    "system": "urn:x-vesalius:hl7v2",
    "code": "mention",
    "display": "named in a message about something else",
}
"""The tag in ``meta`` of what was only mentioned."""

TYPES = frozenset({"Patient", "Encounter"})

# More than one batch can hold: what is not yet written is remembered here.
_REMEMBERED = 4096


def mentions(lake: Lake) -> Callable[[dict[str, Any]], dict[str, Any] | None]:
    """The step that lets what is known stand."""
    recent: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def step(resource: dict[str, Any]) -> dict[str, Any] | None:
        if resource.get("resourceType") not in TYPES or "id" not in resource:
            return None
        name = f"{resource['resourceType']}/{resource['id']}"
        known = recent.get(name)
        made = None
        if TAG in resource.get("meta", {}).get("tag", ()):
            if known is None and (version := lake.read(name)):
                known = version.resource
            made = _added(known, resource) if known else None
        recent[name] = made or resource
        recent.move_to_end(name)
        if len(recent) > _REMEMBERED:
            recent.popitem(last=False)
        return made

    return step


def _added(known: dict[str, Any], mention: dict[str, Any]) -> dict[str, Any]:
    """What is known, itself if the mention says nothing more; else with the elements that it adds."""
    more = {name: value for name, value in mention.items() if name not in known}
    if not more:
        return known
    meta = {**known.get("meta", {}), **{k: v for k, v in mention["meta"].items() if k == "lastUpdated"}}
    return {**known, "meta": meta, **more}
