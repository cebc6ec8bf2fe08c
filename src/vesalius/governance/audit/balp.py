"""Events as FHIR R4 AuditEvents, by the profiles of IHE Basic Audit Log Patterns (BALP) where one fits.

A read, query, creation, update or deletion takes its BALP profile, with a patient where the event names one:
one resource for each patient, as BALP asks of queries. Sign-in, decisions, gates and the rest have no profile
there; they are plain AuditEvents with the codes of DICOM (PS3.16, CID 400 and 401) and ISO 21089.

Source: IHE ITI BALP 1.1.4 (https://profiles.ihe.net/ITI/BALP), profiles Read, Query, Create, Update, Delete
and their Patient forms; FHIR R4 AuditEvent.

Two things that the profiles ask for are not in an event: network addresses, which are said to be unknown, and
the raw text of a search, which may hold numbers of patients; what was searched stands in its place.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any, NamedTuple

from vesalius.governance.audit.actions import FEED, SYSTEM, Action
from vesalius.governance.audit.chain import Event, encode
from vesalius.governance.purposes import SYSTEM as ACT_REASON

PROFILE = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
ACTIONS = "urn:vesalius:audit-action"
"""The code system of our own actions; each resource has its action as a subtype too."""

_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_LIFECYCLE = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
_REST = "http://hl7.org/fhir/restful-interaction"
_EVENT = "http://terminology.hl7.org/CodeSystem/audit-event-type"
_ENTITY = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
_PART = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_SOURCE = "http://terminology.hl7.org/CodeSystem/security-source-type"
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

Json = dict[str, Any]


class Kind(NamedTuple):
    """How an action is said in FHIR.

    Attributes:
        type: system and code of the event's type.
        subtypes: system and code of its subtypes.
        action: C, R, U, D or E.
        profile: the BALP profile without a patient, such as ``Read``; empty where none fits.
    """

    type: tuple[str, str]
    subtypes: tuple[tuple[str, str], ...]
    action: str
    profile: str = ""


def _rest(interaction: str, action: str, profile: str) -> Kind:
    return Kind((_EVENT, "rest"), ((_REST, interaction),), action, profile)


def _dicom(code: str, action: str, *subtypes: str) -> Kind:
    return Kind((_DICOM, code), tuple((_DICOM, each) for each in subtypes), action)


def _life(code: str, action: str) -> Kind:
    return Kind((_LIFECYCLE, code), (), action)


_READ, _SEARCH = _rest("read", "R", "Read"), _rest("search", "E", "Query")
_UPDATE, _CREATE = _rest("update", "U", "Update"), _rest("create", "C", "Create")
_EXPORT, _ALERT, _ACCOUNT = _dicom("110106", "R"), _dicom("110113", "E"), _dicom("110137", "U")
_SIGN_IN, _SIGN_OUT = _dicom("110114", "E", "110122"), _dicom("110114", "E", "110123")
_GATE = _life("attest", "U")
_OTHER = _dicom("110100", "E")

KINDS: Mapping[str, Kind] = {
    Action.PERSON_SIGNED_IN: _SIGN_IN,
    Action.PERSON_CONFIRMED: _SIGN_IN,
    Action.RECOVERY_USED: _SIGN_IN,
    Action.PERSON_SIGNED_OUT: _SIGN_OUT,
    Action.SESSION_ENDED: _SIGN_OUT,
    Action.PERSON_REFUSED: _SIGN_IN,
    Action.CLIENT_REFUSED: _SIGN_IN,
    Action.PERSON_LOCKED: _ALERT,
    Action.ACCESS_REFUSED: _ALERT,
    Action.AUDIT_ALGORITHM: _dicom("110113", "E", "110129"),  # Security Configuration
    Action.KEY_REPLACED: _dicom("110113", "E", "110129"),
    Action.GLASS_BROKEN: _dicom("110113", "E", "110127"),  # Emergency Override Started
    Action.GLASS_CLOSED: _dicom("110113", "E", "110138"),  # Emergency Override Stopped
    Action.PERSON_ADDED: _ACCOUNT,
    Action.PERSON_CHANGED: _ACCOUNT,
    Action.SECOND_FACTOR_ADDED: _ACCOUNT,
    Action.SECOND_FACTOR_RESET: _ACCOUNT,
    Action.CLIENT_ADDED: _ACCOUNT,
    Action.CLIENT_REVOKED: _ACCOUNT,
    Action.WORKLIST_READ: _SEARCH,
    Action.RESOURCE_SEARCHED: _SEARCH,
    Action.VIEW_READ: _SEARCH,
    Action.USE_HISTORY_READ: _SEARCH,
    Action.AUDIT_READ: _dicom("110101", "R"),  # Audit Log Used
    Action.ACCESS_READ: _dicom("110101", "R"),
    Action.SUGGESTION_READ: _READ,
    Action.SUGGESTION_REPLAYED: _READ,
    Action.RESOURCE_READ: _READ,
    Action.IDENTITY_READ: _READ,
    Action.CONSENT_READ: _READ,
    Action.CONSENT_RECORDED: _CREATE,
    Action.CONSENT_WITHDRAWN: _UPDATE,
    Action.CONSENT_UNDONE: _UPDATE,
    Action.QUARANTINE_READ: _READ,
    Action.DOSSIER_READ: _READ,
    Action.DOSSIER_BUILT: _CREATE,
    Action.SUGGESTION_DECIDED: _UPDATE,
    Action.SUGGESTION_UNDONE: _UPDATE,
    Action.SUGGESTION_WITHHELD: _UPDATE,
    Action.SUGGESTION_RETURNED: _UPDATE,
    Action.RESOURCE_WRITTEN: _UPDATE,
    Action.DATA_RECEIVED: _CREATE,
    Action.EXPORT_ASKED: _EXPORT,
    Action.EXPORT_READ: _EXPORT,
    Action.EXPORT_ENDED: _EXPORT,
    Action.LAKE_BACKED_UP: _life("archive", "R"),
    Action.LAKE_EXPORTED: _EXPORT,
    Action.LAKE_RESTORED: _life("restore", "U"),
    Action.LAKE_FORGOTTEN: _life("destroy", "D"),
    Action.PATIENTS_MERGED: _life("merge", "U"),
    Action.PATIENTS_UNMERGED: _life("unmerge", "U"),
    Action.USE_SIGNED: _GATE,
    Action.USE_REFUSED: _GATE,
}
"""How each action is said; what is not here is DICOM's application activity."""

REFUSED = frozenset({Action.PERSON_REFUSED, Action.CLIENT_REFUSED, Action.ACCESS_REFUSED})
"""What did not succeed; the BALP profiles are for what did."""


def resources(event: Event, hospital: str = "", *, patient: str = "") -> Iterator[Json]:
    """The AuditEvents of an event: one for each patient that it names, or one.

    Args:
        event: the event.
        hospital: the name of the hospital.
        patient: only that about this ``Patient/ID``.
    """
    named = event.subjects
    if not named:
        yield _resource(event, hospital, "", str(event.seq))
    for number, each in enumerate(named, 1):
        if patient in ("", each):
            yield _resource(
                event, hospital, each, f"{event.seq}-{number}" if len(named) > 1 else str(event.seq)
            )


def kind_of(event: Event) -> Kind:
    """How an event is said; what was read and written tells itself more exactly."""
    if event.action == Action.RESOURCE_READ:
        interaction = "history-instance" if event.object.endswith("/_history") else "read"
        return (
            _rest("vread", "R", "Read") if "/_history/" in event.object else _rest(interaction, "R", "Read")
        )
    if event.action == Action.RESOURCE_WRITTEN and event.detail.get("version") == 1:
        return _CREATE
    return KINDS.get(event.action, _OTHER)


def _resource(event: Event, hospital: str, patient: str, id_: str) -> Json:
    kind = kind_of(event)
    made: Json = {"resourceType": "AuditEvent", "id": id_}
    if kind.profile and event.action not in REFUSED:
        made["meta"] = {"profile": [f"{PROFILE}{'Patient' if patient else ''}{kind.profile}"]}
    purpose = _purpose(event)
    made |= {
        "type": _coding(*kind.type),
        "subtype": [*(_coding(*each) for each in kind.subtypes), _coding(ACTIONS, event.action)],
        "action": kind.action,
        "recorded": event.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "outcome": "4" if event.action in REFUSED else "0",
    }
    if purpose:
        made["purposeOfEvent"] = purpose
    return made | {
        "agent": list(_agents(event, kind, purpose)),
        "source": {
            **({"site": hospital} if hospital.strip() else {}),
            "observer": {"display": "Vesalius"},
            "type": [_coding(_SOURCE, "4")],
        },
        "entity": list(_entities(event, kind, patient)),
    }


def _coding(system: str, code: str) -> Json:
    return {"system": system, "code": code}


def _concept(system: str, code: str) -> Json:
    return {"coding": [_coding(system, code)]}


def _purpose(event: Event) -> list[Json]:
    code = event.detail.get("purpose")
    return [_concept(ACT_REASON, code)] if isinstance(code, str) and code.isalpha() else []


def _agents(event: Event, kind: Kind, purpose: list[Json]) -> Iterator[Json]:
    """The client, this server and, where a person acted, that person; as the profiles order them."""
    machine = event.actor == SYSTEM or event.actor.startswith(("client:", FEED))
    unknown = {"extension": [{"url": _ABSENT, "valueCode": "unknown"}]}
    gives = kind.profile == "Read"  # the one case in which the server is the source role
    client, server = ("110152", "110153") if gives else ("110153", "110152")
    name = event.actor if machine else "browser"
    yield {
        "type": _concept(_DICOM, client),
        "who": {"identifier": {"value": name}} if machine else {"display": name},
        "requestor": machine,
        "network": unknown,
        **({"purposeOfUse": purpose} if machine and purpose else {}),
    }
    yield {
        "type": _concept(_DICOM, server),
        "who": {"display": "Vesalius"},
        "requestor": False,
        "network": unknown,
    }
    if not machine:
        role = event.detail.get("role")
        yield {
            "type": _concept(_PART, "AUT" if kind.action in "CUD" else "IRCP"),
            **({"role": [{"text": role}]} if isinstance(role, str) and role else {}),
            "who": {"identifier": {"value": event.actor}},
            "requestor": True,
            **({"purposeOfUse": purpose} if purpose else {}),
        }


def _entities(event: Event, kind: Kind, patient: str) -> Iterator[Json]:
    """What it was done to, whom it is about, and the event itself, by which the chain proves it."""
    if kind.profile == "Query":
        yield {
            "type": _coding(_ENTITY, "2"),
            "role": _coding(_ROLE, "24"),
            "query": base64.b64encode(event.object.encode()).decode(),
        }
    else:
        yield {
            "what": {"identifier": {"value": event.object}},
            "type": _coding(_ENTITY, "2"),
            "role": _coding(_ROLE, "4"),
        }
    if patient:
        yield {"what": {"reference": patient}, "type": _coding(_ENTITY, "1"), "role": _coding(_ROLE, "1")}
    told = {name: each for name, each in event.detail.items() if name not in ("subject", "subjects")}
    facts = {"seq": str(event.seq), "previous": event.previous} | {
        name: each if isinstance(each, str) else encode(each).decode() for name, each in told.items()
    }
    yield {
        "what": {"identifier": {"system": "urn:vesalius:audit-hash", "value": event.hash}},
        "type": _coding(_ENTITY, "4"),
        "detail": [{"type": name, "valueString": each} for name, each in facts.items() if _shown(name, each)],
    }


def _shown(name: str, text: str) -> bool:
    """Whether a fact can stand in a text of FHIR, and names no patient but the one of the resource."""
    return bool(name.strip() and text.strip()) and "Patient/" not in text
