"""A suggestion and its review as FHIR R4 resources, for the systems around.

- ``Device``: the use case in its version, with its model (HL7 AI Transparency on FHIR: the AI is a Device);
- ``GuidanceResponse``: that the use case answered, for whom, when;
- ``RiskAssessment``: the probability, with its basis, where there is one;
- ``Task``: where the review stands;
- ``Provenance``: what it was made from and by what; and one for each decision that stands, by whom.

What the tool made carries the security label ``AIAST`` (asserted by artificial intelligence) of the HL7 code
system ``v3-ObservationValue``. A mirror is made when it is asked for; the review's own tables are the truth.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from vesalius.card import Card
from vesalius.review.records import Decision, Filed

Resource = dict[str, Any]

AIAST = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "AIAST",
    "display": "Artificial Intelligence asserted",
}
"""The security label of what artificial intelligence asserted."""

_BASE = "https://vesalius.example/fhir"
_AGENT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"

_TASK = {
    "open": "requested",
    "deferred": "on-hold",
    "accepted": "completed",
    "modified": "completed",
    "overridden": "rejected",
    "expired": "cancelled",
}


def mirror(filed: Filed, card: Card, language: str = "en") -> list[Resource]:
    """All resources of one suggestion, each one before those that refer to it.

    Args:
        filed: from ``Review.get``, with its decisions.
        card: of its use case, for the words.
        language: of the words.
    """
    made = [_device(filed, card, language), _guidance(filed, card, language)]
    if filed.probability is not None:
        made.append(_risk(filed, card, language))
    targets = [_reference(item) for item in made[1:]]
    made.append(_task(filed, card, language))
    made.append(_made_from(filed, targets))
    if filed.decision is not None:
        made.append(_decided(filed, filed.decision, card, language))
    return made


def _device(filed: Filed, card: Card, language: str) -> Resource:
    identifiers = [{"system": f"{_BASE}/model", "value": filed.model}] if filed.model else []
    return {
        "resourceType": "Device",
        "id": _device_id(filed),
        **_listed("identifier", identifiers),
        "deviceName": [{"name": card.say("title", language), "type": "user-friendly-name"}],
        "type": {"text": "Artificial intelligence: clinical decision support"},
        "version": [{"value": filed.version}],
        "note": [{"text": card.say("not_for", language)}],
    }


def _guidance(filed: Filed, card: Card, language: str) -> Resource:
    return {
        **_labelled("GuidanceResponse", f"guidance-{filed.id}"),
        "identifier": [{"system": f"{_BASE}/suggestion", "value": filed.id}],
        "moduleUri": f"{_BASE}/use-case/{filed.usecase}|{filed.version}",
        "status": "success",
        "subject": {"reference": filed.subject},
        "occurrenceDateTime": _instant(filed.as_of),
        "performer": _device_reference(filed, card, language),
        "reasonReference": [{"reference": filed.focus}],
        "note": [{"text": card.say(filed.suggestion.summary, language)}],
    }


def _risk(filed: Filed, card: Card, language: str) -> Resource:
    suggestion = filed.suggestion
    prediction: Resource = {
        "outcome": {"text": card.say("target", language)},
        "probabilityDecimal": _decimal(filed.probability or 0.0),
    }
    if suggestion.interval:
        low, high = suggestion.interval
        prediction["rationale"] = f"90 % interval {_decimal(low)} to {_decimal(high)}"
    return {
        **_labelled("RiskAssessment", f"risk-{filed.id}"),
        "status": "final",
        "subject": {"reference": filed.subject},
        "occurrenceDateTime": _instant(filed.as_of),
        "performer": _device_reference(filed, card, language),
        **_listed("basis", _sources(filed)),
        "prediction": [prediction],
    }


def _task(filed: Filed, card: Card, language: str) -> Resource:
    decision = filed.decision
    task: Resource = {
        "resourceType": "Task",
        "id": f"review-{filed.id}",
        "status": _TASK[filed.status],
        "businessStatus": {"text": filed.status},
        "intent": "proposal",
        "priority": {"critical": "stat", "warning": "urgent"}.get(filed.indicator, "routine"),
        "description": card.say("action", language),
        "focus": {"reference": f"GuidanceResponse/guidance-{filed.id}"},
        "for": {"reference": filed.subject},
        "authoredOn": _instant(filed.created_at),
        "lastModified": _instant(decision.at if decision else filed.created_at),
    }
    if decision is not None:
        task["owner"] = _person(decision)
        for reason in _reasons(decision, card, language):
            task["statusReason"] = reason
        if decision.words:
            task["note"] = [{"time": _instant(decision.at), "text": decision.words}]
        if decision.option:
            chosen = card.say(f"option.{decision.option}", language)
            task["output"] = [{"type": {"text": "chosen"}, "valueString": chosen}]
        if decision.until:
            task["restriction"] = {"period": {"end": _instant(decision.until)}}
    return task


def _made_from(filed: Filed, targets: list[Resource]) -> Resource:
    device = {"reference": f"Device/{_device_id(filed)}"}
    return {
        **_labelled("Provenance", f"made-{filed.id}"),
        "target": targets,
        "occurredDateTime": _instant(filed.as_of),
        "recorded": _instant(filed.created_at),
        "agent": [{"type": _coded(_AGENT, "assembler"), "who": device}],
        **_listed("entity", [{"role": "source", "what": what} for what in _sources(filed)]),
    }


def _decided(filed: Filed, decision: Decision, card: Card, language: str) -> Resource:
    return {
        "resourceType": "Provenance",
        "id": f"decision-{decision.id}",
        "target": [{"reference": f"Task/review-{filed.id}"}],
        "recorded": _instant(decision.at),
        "activity": {"text": decision.action},
        **_listed("reason", _reasons(decision, card, language)),
        "agent": [
            {"type": _coded(_AGENT, "author"), "role": [{"text": decision.role}], "who": _person(decision)}
        ],
        "entity": [{"role": "source", "what": {"reference": f"GuidanceResponse/guidance-{filed.id}"}}],
    }


def _reasons(decision: Decision, card: Card, language: str) -> list[Resource]:
    return [{"text": card.say(f"reason.{decision.reason}", language)}] if decision.reason else []


def _labelled(kind: str, identifier: str) -> Resource:
    return {"resourceType": kind, "id": identifier, "meta": {"security": [AIAST]}}


def _device_id(filed: Filed) -> str:
    # A use of rules alone has no model: its version is all there is to tell it by.
    name = f"{filed.usecase}-{filed.version}-{filed.model[:12] or 'rules'}"
    return re.sub(r"[^A-Za-z0-9.-]", "-", name)[:64]


def _device_reference(filed: Filed, card: Card, language: str) -> Resource:
    return {"reference": f"Device/{_device_id(filed)}", "display": card.say("title", language)}


def _person(decision: Decision) -> Resource:
    return {"identifier": {"system": f"{_BASE}/account", "value": decision.by}}


def _sources(filed: Filed) -> list[Resource]:
    references: Iterable[str] = (source for reason in filed.suggestion.reasons for source in reason.sources)
    return [{"reference": reference} for reference in dict.fromkeys(references)]


def _listed(name: str, items: list[Resource]) -> Resource:
    """FHIR has no empty lists."""
    return {name: items} if items else {}


def _reference(resource: Resource) -> Resource:
    return {"reference": f"{resource['resourceType']}/{resource['id']}"}


def _coded(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def _decimal(value: float) -> Decimal:
    return Decimal(repr(round(value, 6)))


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
