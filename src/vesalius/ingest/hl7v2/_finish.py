"""From drafts to resources: whom they are about, when they were known, their ids, and the message itself."""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

from vesalius import fhir
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._mentions import TAG, TYPES
from vesalius.ingest.hl7v2._complete import completed
from vesalius.ingest.hl7v2._ids import REGISTERS, Ids, nearest
from vesalius.ingest.hl7v2._run import REFERENCE, Draft, Run

Resource = dict[str, Any]

# Messages that say all there is to say of a patient and a stay; others only mention them.
_SNAPSHOTS = frozenset({"ADT", "BAR"})
_SUBJECTS = ("subject", "patient", "beneficiary")
ER7 = "x-application/hl7-v2+er7"


def finished(run: Run, raw: bytes) -> list[Resource]:
    """The resources of a message, named, whole, and with the message itself beside them.

    Raises:
        FaultError: what names one of them is missing, or the time of the message is none.
    """
    ids = Ids(run)
    drafts = [draft for draft in run.drafts if draft.said]
    _about(drafts)
    when = _known_at(run)
    mentioned = run.message.header.code not in _SNAPSHOTS
    found: dict[tuple[str, str], Resource] = {}
    for draft in drafts:
        resource = completed(draft.type, draft.resource, ids)
        key = (draft.type, ids.of(draft))
        meta = dict(resource.pop("meta", {}))
        # A register is known from the day it is received: repeated unchanged, it makes no new version.
        if when and draft.type not in REGISTERS:
            meta["lastUpdated"] = when
        if mentioned and draft.type in TYPES:
            meta["tag"] = [*meta.get("tag", ()), TAG]
        whole = {"resourceType": draft.type, "id": key[1]} | ({"meta": meta} if meta else {}) | resource
        found[key] = _joined(found[key], whole) if key in found else whole
    for key, one in run.registers.items():
        found[key] = _joined(found[key], one) if key in found else one
    _kept(ids, raw, when, found)
    return list(found.values())


def _known_at(run: Run) -> str:
    """When the hospital knew what the message says: EVN-2, else MSH-7; empty where neither says it."""
    event = next((segment.field(2) for segment in run.message.segments if segment.name == "EVN"), "")
    head = run.message.header.sent_at
    for place, text in (("EVN-2", event.split(run.message.delimiters.component)[0]), ("MSH-7", head)):
        if text.strip() and text != '""':
            found = run.clock.instant(text.strip())
            if not found:
                raise FaultError(Cause.BAD_VALUE, f"{place} is not a date or time that exists")
            return found
    return ""


def _about(drafts: list[Draft]) -> None:
    """Says of each resource whom it is about and in which stay, where it does not say so yet."""
    for draft in drafts:
        if draft.type in {"Patient", "Device", "Group"}:
            continue
        for type_, name, many in _owners(draft.type):
            owner = nearest(draft, type_)
            if owner and owner.said and name not in draft.resource:
                one = {REFERENCE: owner}
                draft.resource[name] = [one] if many else one


@cache
def _owners(kind: str) -> tuple[tuple[str, str, bool], ...]:
    """The elements that say whom a type is about and in which stay, and whether they are lists."""
    found = {element.name: element for element in fhir.elements(kind)}
    named = [("Patient", name) for name in _SUBJECTS if name in found and "Patient" in found[name].targets][
        :1
    ]
    named += [("Encounter", "encounter")] if "encounter" in found and kind != "Encounter" else []
    return tuple((type_, name, found[name].many) for type_, name in named)


def _joined(one: Resource, other: Resource) -> Resource:
    """Two resources of a message that are the same thing: what either says; of two values the later."""
    joined = dict(one)
    for name, value in other.items():
        there = joined.get(name)
        if isinstance(there, list) and isinstance(value, list):
            joined[name] = [*there, *(each for each in value if each not in there)]
        elif isinstance(there, dict) and isinstance(value, dict):
            joined[name] = _joined(there, value)
        else:
            joined[name] = value
    return joined


def _kept(ids: Ids, raw: bytes, when: str, found: dict[tuple[str, str], Resource]) -> None:
    """Keeps the message itself, as the source that its provenance names, and names what it gave."""
    document = fhir.made_id("DocumentReference", "message", ids.message())
    patient = next((f"Patient/{id_}" for type_, id_ in found if type_ == "Patient"), None)
    attachment = {"contentType": ER7, "data": base64.b64encode(raw.strip(b"\x0b\x1c \t\r\n")).decode()}
    resource: Resource = {"resourceType": "DocumentReference", "id": document}
    resource |= {"meta": {"lastUpdated": when}} if when else {}
    resource |= {
        "status": "current",
        "subject": {"reference": patient},
        "content": [{"attachment": attachment}],
    }
    named = [
        {"reference": f"{type_}/{id_}"} for type_, id_ in found if type_ not in REGISTERS | {"Provenance"}
    ]
    for (type_, _), each in found.items():
        if type_ == "Provenance" and each.get("entity"):
            each["target"] = named
            each["entity"][0]["what"] = {"reference": f"DocumentReference/{document}"}
        if type_ == "MessageHeader":
            each["focus"] = [one for one in named if not one["reference"].startswith("MessageHeader/")]
    found["DocumentReference", document] = resource
