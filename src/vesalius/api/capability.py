"""What this server can do, in FHIR's own form: made from what is there, so that it cannot say more."""

from __future__ import annotations

from functools import cache
from typing import Any

from starlette.responses import Response

from vesalius import __version__, fhir
from vesalius.api import audits
from vesalius.api.answers import MEDIA_TYPE, answer
from vesalius.api.calls import Call
from vesalius.api.searching import parameters

_DATE = "2026-11-24"
_INTERACTIONS = ("read", "vread", "update", "history-instance", "create", "search-type")


def show(call: Call) -> Response:
    """The CapabilityStatement."""
    return answer(statement(call.base, call.hospital.settings.hospital))


def statement(base: str, hospital: str) -> dict[str, Any]:
    """The CapabilityStatement of a server at an address."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": _DATE,
        "kind": "instance",
        "software": {"name": "Vesalius", "version": __version__},
        "implementation": {"description": hospital, "url": base},
        "fhirVersion": "4.0.1",
        "format": [MEDIA_TYPE],
        "rest": [
            {
                "mode": "server",
                "security": {
                    "description": "A bearer token per client (vesalius client add); TLS by the proxy."
                },
                "resource": [_resource(kind) for kind in sorted(fhir.resource_types())],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
                "operation": [
                    {"name": name, "definition": url} | _TABLES.get(name, {})
                    for name, url in OPERATIONS.items()
                ],
            }
        ],
    }


OPERATIONS = {
    "export": "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export",
    "process-message": "http://hl7.org/fhir/OperationDefinition/MessageHeader-process-message",
    "sql-run": "http://hl7.org/fhir/uv/sql-on-fhir/OperationDefinition/SQLRun",
    "viewdefinition-run": "http://sql-on-fhir.org/OperationDefinition/$viewdefinition-run",
}
"""The operations of the whole server, with their definitions."""

_FORMATS = "ViewDefinitions only. Formats: ndjson (the default), json, csv, parquet; no Binary envelope."
_TABLES = {name: {"documentation": _FORMATS} for name in ("sql-run", "viewdefinition-run")}


@cache
def _resource(kind: str) -> dict[str, Any]:
    if kind == "AuditEvent":  # the audit of this hospital
        return {
            "type": kind,
            "interaction": [{"code": "read"}, {"code": "search-type"}],
            "searchParam": [{"name": name, "type": form} for name, form in audits.PARAMETERS.items()],
        }
    found = parameters(kind)
    return {
        "type": kind,
        "interaction": [{"code": code} for code in _INTERACTIONS],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": "identifier" in found,
        "conditionalRead": "not-match",
        "conditionalUpdate": False,
        "conditionalDelete": "not-supported",
        "searchParam": [{"name": name, "type": form} for name, form in found.items()],
    }
