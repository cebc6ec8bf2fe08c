"""FHIR resources that are proposed for the record once a person has accepted: drafts, never orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from vesalius.fhir.codes import SNOMED
from vesalius.usecase import Candidate

CALL_WITHIN = timedelta(hours=72)
"""Calls of trials were made 2 to 4 days after discharge (Jack et al., Ann Intern Med 2009;150:178-187)."""

VISIT_WITHIN = timedelta(days=7)
"""A visit within 7 days (Jackson et al., Ann Fam Med 2015;13:115-122)."""

ACTIVITIES = {
    "transition": "One named contact for the transition, a visit within 7 days and a call within 72 hours",
    "visit": "Visit within 7 days of discharge",
    "reconcile": "Reconciliation of the medicines with a pharmacist before discharge",
    "diabetes": "Diabetes follow-up within a month, education on self-management",
    "hba1c": "HbA1c, if none is known of the last 3 months",
    "heart_failure": "Visit at the heart failure clinic within 1 to 2 weeks",
    "copd": "Check of the inhaler technique, review within 1 to 4 weeks",
    "kidney": "Kidney function and potassium soon after discharge",
    "mental": "Mental health follow-up within 7 days",
    "handover": "Handover to the receiving team by word and in writing",
    "against_advice": "Contact within days after leaving against advice",
    "teach_back": "Discharge teaching with teach-back",
    "planning": "Individual discharge plan, home nursing where needed",
}
"""What a care plan says of each advice; the record's language is English, as its displays are."""


def drafts(candidate: Candidate, advice: Sequence[str], *, bundle: bool) -> tuple[dict[str, Any], ...]:
    """A call; for a bundle a visit and a care plan, too.

    Args:
        candidate: whose discharge it is.
        advice: what was advised, in order.
        bundle: whether a bundle is proposed.
    """
    call = _call(candidate)
    return (_plan(candidate, advice), _visit(candidate), call) if bundle else (call,)


def _call(candidate: Candidate) -> dict[str, Any]:
    return {
        "resourceType": "Task",
        "status": "draft",
        "intent": "proposal",
        "code": {"text": "Follow-up call after discharge"},
        "for": {"reference": candidate.subject},
        "encounter": {"reference": candidate.focus},
        "authoredOn": candidate.as_of.isoformat(),
        "restriction": {"period": {"end": (candidate.as_of + CALL_WITHIN).isoformat()}},
    }


def _visit(candidate: Candidate) -> dict[str, Any]:
    code = {"system": SNOMED, "code": "390906007", "display": "Follow-up encounter"}
    until = candidate.as_of + VISIT_WITHIN
    return {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "proposal",
        "code": {"coding": [code], "text": "Visit within 7 days of discharge"},
        "subject": {"reference": candidate.subject},
        "encounter": {"reference": candidate.focus},
        "authoredOn": candidate.as_of.isoformat(),
        "occurrencePeriod": {"start": candidate.as_of.isoformat(), "end": until.isoformat()},
    }


def _plan(candidate: Candidate, advice: Sequence[str]) -> dict[str, Any]:
    chosen = [ACTIVITIES[name] for name in advice] or [ACTIVITIES["transition"]]
    return {
        "resourceType": "CarePlan",
        "status": "draft",
        "intent": "proposal",
        "title": "Transition bundle after discharge",
        "subject": {"reference": candidate.subject},
        "encounter": {"reference": candidate.focus},
        "created": candidate.as_of.isoformat(),
        "activity": [{"detail": {"status": "not-started", "description": words}} for words in chosen],
    }
