"""HL7 AI Transparency on FHIR: what a machine made says so, by which machine, from what, and who judged it.

The implementation guide (``http://hl7.org/fhir/uv/aitransparency``, continuous build of STU 1 as read in
2026; its source is ``HL7/aitransparency-ig``) has two levels:

- *the label*: a resource that AI influenced in any way SHALL carry ``AIAST`` in ``meta.security``
  (page "Requirements", Resource label): :func:`mark`;
- *the provenance*: a ``Provenance`` whose reason is ``AIAST``, with the AI as an agent (a ``Device``), the
  person as another, and as entities what was read and the model card (profiles ``AI-Provenance``,
  ``AI-Device``, ``AI-ModelCard``): :func:`provenance`, :func:`device`, :func:`model_card`.

The guide has no label of its own for what a person took over (its ballot had some, and they were withdrawn):
that is told by the provenance. ``CLINAST`` of the same HL7 code system stands beside ``AIAST`` there.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from vesalius.card import Card

Resource = dict[str, Any]

GUIDE = "http://hl7.org/fhir/uv/aitransparency"
"""The canonical address of the guide."""

BASE = "https://vesalius.example/fhir"
"""The name space of our own identifiers."""

_VALUES = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
_AGENT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_TYPES = f"{GUIDE}/CodeSystem/AIdeviceTypeCS"
_INPUTS = f"{GUIDE}/CodeSystem/AIinputsCS"

AIAST = {"system": _VALUES, "code": "AIAST", "display": "Artificial Intelligence asserted"}
"""The security label of what artificial intelligence asserted."""

CLINAST = {"system": _VALUES, "code": "CLINAST", "display": "clinician asserted"}
"""The security label of what a clinician asserted."""

TAKEN_OVER = ("accepted", "modified")
"""The decisions by which a person asserts what the machine proposed, as it was or changed."""


@dataclass(frozen=True)
class Machine:
    """The AI that made something, as a ``Device`` names it.

    Attributes:
        usecase, version: which use, in which version.
        model: the SHA-256 of its model; empty for rules alone.
        title: its name for people.
        not_for: what it must not be used for.
        card: its model card as markdown.
        chai: its model card in the XML of CHAI, where a validation has made one.
        manufacturer: who made it; empty where the hospital did not say.
        udi: the device identifier of its UDI, where it was bought.
    """

    usecase: str
    version: str
    model: str
    title: str
    not_for: str
    card: str
    chai: bytes = b""
    manufacturer: str = ""
    udi: str = ""

    @property
    def id(self) -> str:
        """A name that is the same for the same use, version and model."""
        return name(f"{self.usecase}-{self.version}-{self.model[:12] or 'rules'}")


def machine(
    card: Card,
    version: str,
    model: str,
    language: str,
    *,
    manufacturer: str = "",
    udi: str = "",
    chai: bytes = b"",
) -> Machine:
    """The AI that a card describes; the same arguments give the same resources."""
    return Machine(
        card.name,
        version,
        model,
        card.say("title", language),
        card.say("not_for", language),
        _markdown(card, version, model, language),
        chai,
        manufacturer,
        udi,
    )


def mark(resource: Mapping[str, Any], decided: str = "") -> Resource:
    """A resource with the label of what AI influenced; marking it again changes nothing.

    Args:
        resource: anything that leaves: a suggestion, a proposal, a draft. It is not changed.
        decided: what a person decided about it; ``CLINAST`` is added where they took it over.
    """
    wanted = [AIAST, CLINAST] if decided in TAKEN_OVER else [AIAST]
    meta = dict(resource.get("meta", {}))
    there = list(meta.get("security", []))
    known = {(each.get("system"), each.get("code")) for each in there}
    meta["security"] = there + [each for each in wanted if (each["system"], each["code"]) not in known]
    head = {key: resource[key] for key in ("resourceType", "id") if key in resource}
    return {
        **head,
        "meta": meta,
        **{key: value for key, value in resource.items() if key not in (*head, "meta")},
    }


def device(by: Machine) -> Resource:
    """The profile ``AI-Device``: its type is ``Artificial-Intelligence``, and its model card hangs on it."""
    identifiers = [{"system": f"{BASE}/model", "value": by.model}] if by.model else []
    kind = "Machine-Learning-Models" if by.model else "Rule-Based-Systems"
    model = [{"type": {"text": "model SHA-256"}, "value": by.model}] if by.model else []
    made: Resource = {
        "resourceType": "Device",
        "id": by.id,
        "extension": [
            {"url": _extension("AIKind"), "valueCodeableConcept": _coded(_TYPES, kind)},
            {"url": _extension("modelCardDescription"), "valueReference": _card_reference(by)},
        ],
        "identifier": identifiers,
        "udiCarrier": [{"deviceIdentifier": by.udi}] if by.udi else [],
        "manufacturer": by.manufacturer,
        "deviceName": [{"name": by.title, "type": "user-friendly-name"}],
        "type": _coded(_TYPES, "Artificial-Intelligence"),
        "version": [{"value": by.version}, *model],
        "note": [{"text": by.not_for}],
    }
    return {key: value for key, value in made.items() if value}  # FHIR has no empty lists and texts


def model_card(by: Machine) -> Resource:
    """The profile ``AI-ModelCard``: the card as markdown, and in the format of CHAI where there is one."""
    formats = [("AIModelCardMarkdownFormat", "text/markdown", by.card.encode())]
    if by.chai:
        formats.append(("AImodelCardCHAIformat", "application/xml", by.chai))
    return {
        "resourceType": "DocumentReference",
        "id": _card_id(by),
        "identifier": [{"system": f"{BASE}/model-card", "value": by.id}],
        "status": "current",
        "type": _coded(_INPUTS, "AIModelCard"),
        "category": [_coded(_INPUTS, code) for code, _, _ in formats],
        "description": by.title,
        "content": [{"attachment": _attachment(kind, body)} for _, kind, body in formats],
    }


def provenance(
    identifier: str,
    by: Machine,
    targets: Sequence[Resource],
    *,
    occurred: datetime | None = None,
    recorded: datetime,
    sources: Iterable[str] = (),
    reasons: Sequence[Resource] = (),
    activity: str = "",
    person: Resource | None = None,
    role: str = "",
    decided: str = "",
) -> Resource:
    """The profile ``AI-Provenance``: how AI took part in something, and who judged it.

    Args:
        identifier: the id of the resource.
        by: the AI.
        targets: references to what it made, one at least.
        occurred: when it was made.
        recorded: when that was written down.
        sources: the versioned references of what it was given to read.
        reasons: further reasons beside ``AIAST``.
        activity: what was done, in a word.
        person: a reference to the person who judged it.
        role: in which role.
        decided: what they decided, for the labels.
    """
    agents: list[Resource] = [
        {
            "type": _coded(_AGENT, "assembler"),
            "role": [_coded(_TYPES, "Artificial-Intelligence")],
            "who": device_reference(by),
        }
    ]
    if person is not None:
        agents.append({"type": _coded(_AGENT, "verifier"), "role": [{"text": role}], "who": person})
    made: Resource = {
        "resourceType": "Provenance",
        "id": identifier,
        "target": list(targets),
        "occurredDateTime": instant(occurred) if occurred else "",
        "recorded": instant(recorded),
        "reason": [{"coding": [AIAST]}, *reasons],
        "activity": {"text": activity} if activity else {},
        "agent": agents,
        "entity": [
            *({"role": "source", "what": {"reference": each}} for each in dict.fromkeys(sources)),
            {"role": "derivation", "what": _card_reference(by)},
        ],
    }
    return mark({key: value for key, value in made.items() if value}, decided)


def device_reference(by: Machine) -> Resource:
    """A reference to the AI, with its name."""
    return {"reference": f"Device/{by.id}", "display": by.title}


def instant(moment: datetime) -> str:
    """A moment as FHIR writes it, in UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def name(words: str) -> str:
    """An id that FHIR takes: letters, digits, hyphens and points, 64 at most."""
    return re.sub(r"[^A-Za-z0-9.-]", "-", words)[:64]


def _card_id(by: Machine) -> str:
    return name(f"card-{hashlib.sha256(by.card.encode() + by.chai).hexdigest()[:20]}-{by.id}")


def _card_reference(by: Machine) -> Resource:
    return {"reference": f"DocumentReference/{_card_id(by)}"}


def _extension(what: str) -> str:
    return f"{GUIDE}/StructureDefinition/aitransparency.{what}"


def _attachment(kind: str, body: bytes) -> Resource:
    # FHIR R4 Attachment.hash is SHA-1 by definition: it finds a slip in copying, and protects nothing.
    digest = hashlib.sha1(body, usedforsecurity=False).digest()
    return {
        "contentType": kind,
        "data": base64.b64encode(body).decode(),
        "size": len(body),
        "hash": base64.b64encode(digest).decode(),
    }


def _coded(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def _markdown(card: Card, version: str, model: str, language: str) -> str:
    """The model card in the words of the use's own card: nothing that is not in it, and all that is."""
    lines = [
        f"# {card.say('title', language)}",
        f"`{card.name}` {version}" + (f", model SHA-256 `{model}`" if model else ""),
        card.say("purpose", language),
        card.say("population", language),
        card.say("not_for", language),
        card.risk_class,
        "\n".join(f"- {card.say(f'limit.{key}', language)}" for key in card.limits),
        "\n".join(f"- {card.say(f'input.{item.name}', language)}" for item in card.inputs),
        "\n".join(f"- {source.citation}" for source in card.sources),
    ]
    return "\n\n".join(line for line in lines if line) + "\n"
