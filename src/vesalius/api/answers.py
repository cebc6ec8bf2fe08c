"""What goes back: resources with their version, bundles, headers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from starlette.responses import Response

from vesalius import fhir
from vesalius.api.outcomes import Refusal
from vesalius.lake import Version

MEDIA_TYPE = "application/fhir+json"


def answer(
    resource: Mapping[str, Any] | None, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer that holds a resource, or nothing."""
    if resource is None:
        return Response(status_code=status, headers=dict(headers or {}))
    body = fhir.dump(dict(resource))
    return Response(body, status, dict(headers or {}), media_type=MEDIA_TYPE)


def refused(refusal: Refusal) -> Response:
    """The answer to a request that is not carried out."""
    return answer(refusal.outcome, refusal.status, refusal.headers)


def etag(version: int) -> str:
    """A version as HTTP names it."""
    return f'W/"{version}"'


def instant(moment: datetime) -> str:
    """A moment as FHIR writes it, in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def http_date(moment: datetime) -> str:
    """A moment as HTTP writes it, to the second."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def stamped(resource: Mapping[str, Any], version: int, received_at: datetime) -> dict[str, Any]:
    """A resource with the version and the moment that this server gives it; all else as it was received."""
    meta = {**resource.get("meta", {}), "versionId": str(version), "lastUpdated": instant(received_at)}
    first = {name: resource[name] for name in ("resourceType", "id") if name in resource}
    return {**first, "meta": meta, **{name: value for name, value in resource.items() if name != "meta"}}


def unstamped(resource: dict[str, Any]) -> dict[str, Any]:
    """A resource without a version and moment of its own: over HTTP these are the server's to give."""
    meta = resource.get("meta")
    if not isinstance(meta, dict) or not {"versionId", "lastUpdated"} & set(meta):
        return resource
    kept = {name: value for name, value in meta.items() if name not in {"versionId", "lastUpdated"}}
    return {name: value for name, value in (resource | {"meta": kept}).items() if name != "meta" or kept}


def shown(version: Version) -> dict[str, Any]:
    """One version, as a client reads it."""
    return stamped(version.resource, version.version, version.received_at)


def headers(version: int, received_at: datetime) -> dict[str, str]:
    """What says which version an answer holds."""
    return {"ETag": etag(version), "Last-Modified": http_date(received_at)}


def bundle(kind: str, entries: list[dict[str, Any]], **rest: Any) -> dict[str, Any]:
    """A bundle; an empty list of entries is left out, as FHIR wants it."""
    made = {"resourceType": "Bundle", "type": kind, **rest}
    return made | {"entry": entries} if entries else made
