"""A suggestion and its review as FHIR R4 resources, for the systems around.

- ``DocumentReference``: the model card; ``Device``: the use case in its version, with its model;
- ``GuidanceResponse``: that the use case answered, for whom, when;
- ``RiskAssessment``: the probability, with its basis, where there is one;
- what the use case proposes for the record, where it proposes something;
- ``Task``: where the review stands;
- ``Provenance``: what it was made from and by what; and one for the decision that stands, by whom.

All of it follows HL7 AI Transparency on FHIR (:mod:`vesalius.review.transparency`): what the tool made or
influenced carries the security label ``AIAST``, and ``CLINAST`` beside it once a person has taken it over. A
mirror is made when it is asked for, from what is kept alone: it comes out the same, byte for byte. The
review's own tables are the truth.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from vesalius.card import Card
from vesalius.review import transparency
from vesalius.review.records import Decision, Filed
from vesalius.review.transparency import BASE, Machine, instant, mark

Resource = dict[str, Any]

_TASK = {
    "open": "requested",
    "deferred": "on-hold",
    "accepted": "completed",
    "modified": "completed",
    "overridden": "rejected",
    "expired": "cancelled",
    "withheld": "cancelled",
}


def mirror(
    filed: Filed,
    card: Card,
    language: str = "en",
    *,
    manufacturer: str = "",
    udi: str = "",
    chai: bytes = b"",
) -> list[Resource]:
    """All resources of one suggestion, each one before those that refer to it.

    Args:
        filed: from ``Review.get``, with its decisions.
        card: of its use case, for the words.
        language: of the words.
        manufacturer: who made the AI, where that is known.
        udi: the device identifier of its UDI, where it was bought.
        chai: its model card in the XML of CHAI, where a validation has made one.
    """
    by = transparency.machine(
        card, filed.version, filed.model, language, manufacturer=manufacturer, udi=udi, chai=chai
    )
    decided = filed.decision.action if filed.decision else ""
    said = [_guidance(filed, by, card, language)]
    if filed.probability is not None:
        said.append(_risk(filed, by, card, language))
    said += _proposed(filed)
    targets = [_reference(item) for item in said]
    made = [transparency.model_card(by), transparency.device(by)]
    made += [mark(each, decided) for each in (*said, _task(filed, card, language))]
    made.append(
        transparency.provenance(
            f"made-{filed.id}",
            by,
            targets,
            occurred=filed.as_of,
            recorded=filed.created_at,
            sources=_sources(filed),
        )
    )
    if filed.decision is not None:
        made.append(_decided(filed, by, targets, filed.decision, card, language))
    return made


def _proposed(filed: Filed) -> list[Resource]:
    """What is proposed for the record, each with an id of its own."""
    return [
        {**resource, "id": transparency.name(f"proposal-{filed.id}-{number}")}
        for number, resource in enumerate(filed.suggestion.resources, 1)
    ]


def _guidance(filed: Filed, by: Machine, card: Card, language: str) -> Resource:
    return {
        "resourceType": "GuidanceResponse",
        "id": f"guidance-{filed.id}",
        "identifier": [{"system": f"{BASE}/suggestion", "value": filed.id}],
        "moduleUri": f"{BASE}/use-case/{filed.usecase}|{filed.version}",
        "status": "success",
        "subject": {"reference": filed.subject},
        "occurrenceDateTime": instant(filed.as_of),
        "performer": transparency.device_reference(by),
        "reasonReference": [{"reference": filed.focus}],
        "note": [{"text": card.say(filed.suggestion.summary, language)}],
    }


def _risk(filed: Filed, by: Machine, card: Card, language: str) -> Resource:
    suggestion = filed.suggestion
    prediction: Resource = {
        "outcome": {"text": card.say("target", language)},
        "probabilityDecimal": _decimal(filed.probability or 0.0),
    }
    if suggestion.interval:
        low, high = suggestion.interval
        prediction["rationale"] = f"90 % interval {_decimal(low)} to {_decimal(high)}"
    return {
        "resourceType": "RiskAssessment",
        "id": f"risk-{filed.id}",
        "status": "final",
        "subject": {"reference": filed.subject},
        "occurrenceDateTime": instant(filed.as_of),
        "performer": transparency.device_reference(by),
        **_listed("basis", [{"reference": each} for each in _sources(filed)]),
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
        "authoredOn": instant(filed.created_at),
        "lastModified": instant(decision.at if decision else filed.created_at),
    }
    if decision is not None:
        task["owner"] = _person(decision)
        for reason in _reasons(decision, card, language):
            task["statusReason"] = reason
        if decision.words:
            task["note"] = [{"time": instant(decision.at), "text": decision.words}]
        if decision.option:
            chosen = card.say(f"option.{decision.option}", language)
            task["output"] = [{"type": {"text": "chosen"}, "valueString": chosen}]
        if decision.until:
            task["restriction"] = {"period": {"end": instant(decision.until)}}
    return task


def _decided(
    filed: Filed, by: Machine, targets: list[Resource], decision: Decision, card: Card, language: str
) -> Resource:
    return transparency.provenance(
        f"decision-{decision.id}",
        by,
        [_reference({"resourceType": "Task", "id": f"review-{filed.id}"}), *targets],
        recorded=decision.at,
        reasons=_reasons(decision, card, language),
        activity=decision.action,
        person=_person(decision),
        role=decision.role,
        decided=decision.action,
    )


def _reasons(decision: Decision, card: Card, language: str) -> list[Resource]:
    return [{"text": card.say(f"reason.{decision.reason}", language)}] if decision.reason else []


def _person(decision: Decision) -> Resource:
    return {"type": "Practitioner", "identifier": {"system": f"{BASE}/account", "value": decision.by}}


def _sources(filed: Filed) -> list[str]:
    references: Iterable[str] = (source for reason in filed.suggestion.reasons for source in reason.sources)
    return list(dict.fromkeys(references))


def _listed(name: str, items: list[Resource]) -> Resource:
    """FHIR has no empty lists."""
    return {name: items} if items else {}


def _reference(resource: Resource) -> Resource:
    return {"reference": f"{resource['resourceType']}/{resource['id']}"}


def _decimal(value: float) -> Decimal:
    return Decimal(repr(round(value, 6)))
