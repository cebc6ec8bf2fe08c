"""What synthetic patients refuse: a register of opt-outs that sends FHIR Consents, some of them hard to read.

Each patient draws from a stream of their own, so that nothing else in the hospital changes with them. The
register is connected when the use begins to speak: what was learnt before was learnt from everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

import msgspec

from vesalius.demo.records import Resource, concept, instant, meta
from vesalius.fhir import codes
from vesalius.governance import purposes
from vesalius.governance.consent import OURS

FILE = "oppositions.ndjson"
SOURCE = "oppositions"

SECONDARY, SUGGESTIONS = 0.03, 0.01
"""The share of patients who refuse secondary use, and of those who object to suggestions."""

ODD = 0.15
"""The share of refusals of secondary use that say it in a way that cannot be honoured as it is said."""

BACK = 0.1
"""The share of refusals that are taken back while the use speaks."""

SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
LOCAL = "https://vesalius.example/fhir/CodeSystem/opt-outs"
BUT_CARE = ("HRESCH", "PUBHLTH", "HQUALIMP")

Told = tuple[str, Resource]


def refusals(patients: Iterable[str], seed: int, at: datetime) -> Iterator[Told]:
    """What some patients refuse, each with the id of the patient.

    Args:
        patients: the ids of the patients who are in the hospital.
        seed: of the demo.
        at: when the register sends them; each was said some time before.
    """
    for patient in patients:
        rng = Random(f"{seed}/refuses/{patient}")  # noqa: S311 - repeatable, not secret
        drawn, odd, place = rng.random(), rng.random(), rng.randrange(len(ODD_PROVISIONS))
        said = at - timedelta(days=rng.randrange(1, 300), minutes=rng.randrange(600))
        if drawn < SECONDARY:
            whole = _deny(purposes.SYSTEM, *BUT_CARE)
            provision = ODD_PROVISIONS[place] if odd < ODD else whole
            yield patient, _consent(patient, "research", "Research", provision, said)
        elif drawn < SECONDARY + SUGGESTIONS:
            provision = _deny(OURS, "suggestions")
            yield patient, _consent(patient, "patient-privacy", "Privacy Consent", provision, said)


def lines(told: Iterable[Told]) -> bytes:
    """The file of the register; its last line is cut off, as a broken connection leaves it."""
    made = [msgspec.json.encode(resource) for _, resource in told]
    return b"\n".join([*made, made[-1][:60]]) + b"\n" if made else b""


def taken_back(told: Iterable[Told], seed: int, at: datetime) -> list[Told]:
    """The next version of the refusals that are taken back."""
    found = []
    for patient, resource in told:
        rng = Random(f"{seed}/takes-back/{patient}")  # noqa: S311 - repeatable, not secret
        if rng.random() < BACK:
            found.append((patient, resource | {"status": "inactive", "meta": meta(at)}))
    return found


def _deny(system: str, *named: str) -> Resource:
    return {"type": "deny", "purpose": [{"system": system, "code": code} for code in named]}


ODD_PROVISIONS: tuple[dict[str, Any], ...] = (
    # one class of documents only: it counts as all
    {"type": "deny", "class": [{"system": "urn:ietf:bcp:13", "code": "application/hl7-cda+xml"}]},
    # a purpose that is the register's own
    {"type": "deny", "purpose": [{"system": LOCAL, "code": "X7"}]},
    # a period that ends before it begins
    {"type": "deny", "period": {"start": "2026-05-01", "end": "2025-05-01"}},
    # nothing at all: it says only that a policy holds
    {},
)
"""Provisions that cannot be honoured as they are said."""


def _consent(patient: str, scope: str, words: str, provision: Resource, said: datetime) -> Resource:
    return {
        "resourceType": "Consent",
        "id": f"{patient}-{scope}",
        "meta": meta(said),
        "status": "active",
        "scope": concept(SCOPE, scope, words),
        "category": [concept(codes.LOINC, "59284-0", "Patient Consent")],
        "patient": {"reference": f"Patient/{patient}"},
        "dateTime": instant(said),
        "policy": [{"uri": "https://eur-lex.europa.eu/eli/reg/2025/327/oj"}],
    } | ({"provision": provision} if provision else {})
