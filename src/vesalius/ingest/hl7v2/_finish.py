"""From drafts to resources: whom they are about, when they were known, their ids, and the message itself."""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

from vesalius import fhir
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._mentions import TAG, TYPES
from vesalius.ingest.hl7v2._complete import completed, joined
from vesalius.ingest.hl7v2._ids import COUNTED, REGISTERS, Ids, nearest
from vesalius.ingest.hl7v2._run import REFERENCE, Draft, Named, Run

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
    _about([draft for draft in run.drafts if draft.said])
    when = _known_at(run)
    mentioned = run.message.header.code not in _SNAPSHOTS
    found: Named = {}
    for one in run.since((0, 0)):
        if not isinstance(one, Draft):
            _join(found, one)
        elif one.said:
            if one.type not in COUNTED:
                ids.of(one)  # it may be by all that it says, of which completing takes away
            resource = completed(one.type, one.resource, ids)
            key = (one.type, ids.of(one))
            meta = dict(resource.pop("meta", ()))
            # A register is known from the day it is received: repeated unchanged, it makes no new version.
            if when and one.type not in REGISTERS:
                meta["lastUpdated"] = when
            if mentioned and one.type in TYPES:
                meta["tag"] = [*meta.get("tag", ()), TAG]
            whole: Resource = {"resourceType": one.type, "id": key[1]}
            if meta:
                whole["meta"] = meta
            whole |= resource
            found[key] = joined(found[key], whole) if key in found else whole
    _join(found, run.registers)
    _kept(ids, raw, when, found)
    return list(found.values())


def _join(found: Named, known: Named) -> None:
    for key, one in known.items():
        there = found.get(key, one)
        found[key] = one if there is one else joined(there, one)


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


_NOT_NAMED = REGISTERS | {"Provenance"}


def _kept(ids: Ids, raw: bytes, when: str, found: Named) -> None:
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
    named = [(key[0], {REFERENCE: f"{key[0]}/{key[1]}"}) for key in found if key[0] not in _NOT_NAMED]
    for (type_, _), each in found.items():
        if type_ == "Provenance" and each.get("entity"):
            each["target"] = [one for _, one in named]
            each["entity"][0]["what"] = {REFERENCE: f"DocumentReference/{document}"}
        elif type_ == "MessageHeader":
            each["focus"] = [one for kind, one in named if kind != "MessageHeader"]
    found["DocumentReference", document] = resource
