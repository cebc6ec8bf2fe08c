"""One version of one FHIR resource, as it was received: readable, and raw."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from starlette.responses import Response

from vesalius.console.contexts import Link, ResourcePage
from vesalius.console.sources import page_of, type_name
from vesalius.console.visit import Visit, render
from vesalius.errors import NotAllowed, NotFound
from vesalius.governance import Right, audit
from vesalius.lake import Version

MOST_FIELDS = 200
"""How many fields the readable table shows; the raw JSON has them all."""


IMPERSONAL = ("Location", "Organization", "Medication", "Substance", "Device")
"""What may be shown although it names no patient; anything else without one may still be about somebody."""


def show(visit: Visit) -> Response:
    """The page. Only resources about patients whom a tool has spoken about are shown: that is its purpose."""
    reference = f"{visit.path('type')}/{visit.path('id')}/_history/{visit.number('version')}"
    version = visit.hospital.lake.read(reference)
    if version is None:
        raise NotFound("there is no such version of a resource")
    grant = _check_purpose(visit, version)
    visit.note(audit.Action.RESOURCE_READ, reference[:128], {"subject": version.subject} | grant)
    return render(visit, "resource.html", _page(visit, version))


def _check_purpose(visit: Visit, version: Version) -> dict[str, Any]:
    subject = f"Patient/{version.id}" if version.type == "Patient" else version.subject
    if not (_spoken_about(visit, subject) if subject else version.type in IMPERSONAL):
        visit.refused({"purpose": "no suggestion"})
        raise NotAllowed("no suggestion speaks about this patient, so this console does not show their data")
    if not subject:
        return {}
    return visit.hospital.access.require(visit.who, Right.SEE_WORKLIST, subject, at=visit.now).detail


def _spoken_about(visit: Visit, subject: str) -> bool:
    found = visit.hospital.review.worklist(subject=subject, status="all", limit=1, now=visit.now)
    return found.total > 0


def _page(visit: Visit, version: Version) -> ResourcePage:
    resource = version.resource
    rows = list(_fields(resource))
    others = visit.hospital.lake.history(f"{version.type}/{version.id}")
    return ResourcePage(
        reference=version.reference,
        name=type_name(version.reference),
        title=_title(resource),
        fields=tuple(rows[:MOST_FIELDS]),
        raw=json.dumps(resource, indent=2, ensure_ascii=False, default=str),
        recorded_at=version.recorded_at,
        received_at=version.received_at,
        source=version.source,
        versions=tuple(
            Link(page_of(each.reference), str(each.version), each.version == version.version)
            for each in others
        ),
        size=len(version.body),
    )


def _title(resource: dict[str, Any]) -> str:
    for name in ("code", "type", "medicationCodeableConcept"):
        concept = resource.get(name)
        if isinstance(concept, dict):
            displays = [coding.get("display", "") for coding in concept.get("coding", [])]
            return str(concept.get("text") or next(filter(None, displays), ""))
    return ""


def _fields(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _fields(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _fields(inner, f"{path}[{index}]")
    else:
        yield path, str(value)
