"""The API as an OpenAPI 3.1 document: made from its routes, so that it cannot say more than there is.

The server does not answer with it (it does with ``/fhir/metadata``, as FHIR asks). It is for tools that read
OpenAPI: the tests hold the whole API against it, with requests that nobody thought of.
"""

from __future__ import annotations

import re
from typing import Any

from vesalius import __version__
from vesalius.api.answers import MEDIA_TYPE
from vesalius.api.application import OPEN, OPERATIONS, Operation

ERRORS = (400, 401, 403, 404, 405, 406, 408, 409, 410, 412, 413, 415, 422, 429, 503)
"""How any request can be refused; each with an OperationOutcome. There is no 500 among them."""

_TABLES = ("application/x-ndjson", "application/json", "text/csv", "application/vnd.apache.parquet")
_NDJSON = "application/fhir+ndjson"
_FORM = "application/x-www-form-urlencoded"
_REFERENCE = "#/components/schemas"


def document() -> dict[str, Any]:
    """The document, as JSON values."""
    paths: dict[str, dict[str, Any]] = {}
    for each in OPERATIONS:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Vesalius: the FHIR API",
            "version": __version__,
            "description": "FHIR R4 (4.0.1), JSON.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
            "responses": {"Refused": _content(MEDIA_TYPE, "OperationOutcome", "why it was refused")},
        },
    }


def _operation(each: Operation) -> dict[str, Any]:
    named = re.findall(r"{(\w+)}", each.path)
    made: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{each.method.lower()} {each.path}"),
        "parameters": [_parameter(name) for name in named] + _query(each),
        "responses": _responses(each),
    }
    if each.needs == OPEN:
        made["security"] = []
    else:
        made["description"] = f"Needs the right: {each.needs}."
    body = _body(each)
    return made | ({"requestBody": body} if body else {})


def _parameter(name: str) -> dict[str, Any]:
    schemas: dict[str, dict[str, Any]] = {
        "type": {"type": "string", "enum": ["Patient", "Observation", "Encounter"]},
        "id": {"type": "string", "pattern": "^[A-Za-z0-9.-]{1,64}$"},
        "version": {"type": "string", "pattern": "^[1-9][0-9]{0,8}$"},
        "job": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "file": {"type": "string", "pattern": "^[A-Za-z]{1,40}\\.ndjson$"},
    }
    return {"name": name, "in": "path", "required": True, "schema": schemas[name]}


def _query(each: Operation) -> list[dict[str, Any]]:
    names: dict[str, dict[str, Any]] = {}
    if each.path == "/fhir/{type}" and each.method == "GET":
        names = {"_count": {"type": "integer", "minimum": 0}, "_id": {"type": "string"}}
        names |= {"identifier": {"type": "string"}, "_lastUpdated": {"type": "string"}}
    elif each.path.endswith("-run") and each.method == "GET":
        names = {"viewReference": {"type": "string"}, "_limit": {"type": "string"}}
        names |= {"_format": {"enum": ["ndjson", "json", "csv", "parquet"]}}
    elif each.path.startswith("/fhir/$suggestion"):
        names = {"person": {"type": "string"}}
    elif each.path.endswith("$export"):
        names = {"_type": {"type": "string"}, "_since": {"type": "string", "format": "date-time"}}
    return [{"name": name, "in": "query", "schema": schema} for name, schema in names.items()]


def _body(each: Operation) -> dict[str, Any]:
    if each.method in ("GET", "DELETE"):
        return {}
    if each.path.endswith("_search"):
        return {
            "content": {_FORM: {"schema": {"type": "object", "additionalProperties": {"type": "string"}}}}
        }
    if each.streams:
        return {"content": {_NDJSON: {"schema": {"type": "string"}}}}
    name = "Parameters" if each.gives_tables else "Bundle" if each.path.count("/") == 1 else "Resource"
    schema = {"$ref": f"{_REFERENCE}/{'Bundle' if 'message' in each.path else name}"}
    return {"required": True, "content": {MEDIA_TYPE: {"schema": schema}}}


def _responses(each: Operation) -> dict[str, Any]:
    refused = {"$ref": "#/components/responses/Refused"}
    made: dict[str, Any] = {str(status): refused for status in ERRORS}
    if each.gives_tables:
        made["200"] = {"description": "rows", "content": {kind: {} for kind in _TABLES}}
    elif each.path.endswith("{file}"):
        made["200"] = {"description": "resources, one a line", "content": {_NDJSON: {}}}
    elif each.path.endswith("{job}") and each.method == "GET":
        made["200"] = {"description": "the manifest", "content": {"application/json": {}}}
    elif each.method not in ("DELETE", "PATCH"):
        name = "Bundle" if _lists(each) else "Resource"
        made |= {status: _content(MEDIA_TYPE, name, "done") for status in ("200", "201")}
        made["304"] = {"description": "it has not changed"}
    if each.path.endswith(("$export", "$import", "{job}")):
        made["202"] = {"description": "begun, or ended"}
    return made


def _lists(each: Operation) -> bool:
    ends = ("_search", "_history", "/ViewDefinition", "$process-message", "/fhir")
    return each.path.endswith(ends) or (each.path == "/fhir/{type}" and each.method == "GET")


def _content(kind: str, name: str, words: str) -> dict[str, Any]:
    return {"description": words, "content": {kind: {"schema": {"$ref": f"{_REFERENCE}/{name}"}}}}


def _schemas() -> dict[str, Any]:
    text = {"type": "string"}
    issue = {
        "type": "object",
        "required": ["severity", "code", "diagnostics"],
        "properties": {
            "severity": {"enum": ["fatal", "error", "warning", "information"]},
            "code": text,
            "diagnostics": text,
            "expression": {"type": "array", "items": text},
        },
        "additionalProperties": False,
    }
    entry = {"type": "object", "properties": {"resource": {"type": "object"}, "fullUrl": text}}
    return {
        "Resource": _resource({"id": text, "meta": {"type": "object"}}),
        "Parameters": _resource({"parameter": {"type": "array", "items": {"type": "object"}}}, "Parameters"),
        "Bundle": _resource({"type": text, "entry": {"type": "array", "items": entry}}, "Bundle"),
        "OperationOutcome": _resource(
            {"issue": {"type": "array", "minItems": 1, "items": issue}}, "OperationOutcome"
        )
        | {"additionalProperties": False},
    }


def _resource(properties: dict[str, Any], kind: str = "") -> dict[str, Any]:
    named = {"resourceType": {"const": kind} if kind else {"type": "string"}}
    return {"type": "object", "required": ["resourceType"], "properties": named | properties}
