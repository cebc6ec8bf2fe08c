"""Bundles that are posted to the server itself: what each type asks for, and batches.

A batch is a pile of requests, each for itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from vesalius import fhir
from vesalius.api import answers, messages, reading, searching, transactions, writing
from vesalius.api.calls import PREFIX, Call, check_content, read_query
from vesalius.api.outcomes import Refusal, refusal
from vesalius.api.requests import Asked, Entry
from vesalius.governance.clients import May

MAX_ENTRIES = 20_000
"""The most entries of one transaction or batch."""


class _Bundle(msgspec.Struct):
    resourceType: str  # noqa: N815
    type: str
    entry: list[msgspec.Raw] = []


class _Requests(msgspec.Struct, forbid_unknown_fields=True):
    resourceType: str  # noqa: N815
    type: str
    entry: list[Entry] = []
    id: str = ""
    meta: msgspec.Raw = msgspec.Raw()
    implicitRules: str = ""  # noqa: N815
    language: str = ""
    identifier: msgspec.Raw = msgspec.Raw()
    timestamp: str = ""
    link: list[msgspec.Raw] = []
    signature: msgspec.Raw = msgspec.Raw()


_HEAD = msgspec.json.Decoder(_Bundle)
_REQUESTS = msgspec.json.Decoder(_Requests)


def process(call: Call) -> Response:
    """Takes in a bundle that was posted to the server itself, as its type says."""
    check_content(call)
    try:
        head = _HEAD.decode(call.body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise _malformed(error) from None
    if head.resourceType != "Bundle":
        raise Refusal(
            400, "value", "only a Bundle can be posted here; a resource goes to its type", path="resourceType"
        )
    if head.type in {"document", "message", "collection"}:
        return messages.take_in(call)
    if head.type not in {"transaction", "batch"}:
        raise Refusal(400, "value", "a bundle of this type cannot be carried out", path="Bundle.type")
    entries = _entries(call.body)
    # What writes comes first; what is read then, is as that left it.
    done = transactions.carry_out(call, entries) if head.type == "transaction" else {}
    said = [done[number] if number in done else _asked(call, entry) for number, entry in enumerate(entries)]
    return answers.answer(answers.bundle(f"{head.type}-response", said))


def _entries(body: bytes) -> list[Entry]:
    try:
        found = _REQUESTS.decode(body).entry
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise _malformed(error) from None
    if len(found) > MAX_ENTRIES:
        raise Refusal(413, "too-costly", f"a bundle of requests has at most {MAX_ENTRIES} entries")
    return found


def _malformed(error: Exception) -> Refusal:
    if not isinstance(error, msgspec.ValidationError):
        return Refusal(400, "structure", "the body is not JSON in UTF-8")
    place = re.search(r" - at `\$([^`]*)`$", str(error))  # the rest of the words may quote a value
    return Refusal(
        422, "structure", "is not as FHIR R4 wants it", path="Bundle" + (place[1] if place else "")
    )


# Batches ---------------------------------------------------------------------------------------------------


def _asked(call: Call, entry: Entry) -> dict[str, Any]:
    """Carries out one entry by itself; what goes wrong is its own answer."""
    try:
        handler, right, inner = _inner(call, entry.request, bytes(entry.resource))
        call.who.require(right)
        response = handler(inner)
    except Exception as error:
        response = answers.refused(refusal(error))
    return _wrapped(response)


def _wrapped(response: Response) -> dict[str, Any]:
    named = {"location": "location", "etag": "etag"}
    said: dict[str, Any] = {"status": str(response.status_code)}
    said |= {name: response.headers[header] for name, header in named.items() if header in response.headers}
    if not response.body:
        return {"response": said}
    resource = fhir.load(bytes(response.body))
    if resource["resourceType"] == "OperationOutcome":
        return {"response": said | {"outcome": resource}}
    return {"resource": resource, "response": said}


def _inner(call: Call, asked: Asked | None, body: bytes) -> tuple[Callable[[Call], Response], May, Call]:
    if asked is None:
        raise Refusal(400, "required", "an entry of a batch needs a request")
    path, _, query = asked.url.partition("?")
    parts = path.removeprefix(f"{call.base}/").strip("/").split("/")
    handler, right = _handler(asked.method, parts)
    names = {
        "if-match": asked.ifMatch,
        "if-none-match": asked.ifNoneMatch,
        "if-none-exist": asked.ifNoneExist,
    }
    headers = [(b"content-type", answers.MEDIA_TYPE.encode())]
    headers += [(name.encode(), value.encode("latin-1", "replace")) for name, value in names.items() if value]
    headers += [(b"host", call.header("host").encode("latin-1"))]
    named = dict(zip(("type", "id", "_", "version"), parts, strict=False))
    scope = dict(call.request.scope) | {
        "method": asked.method, "path": f"{PREFIX}/{'/'.join(parts)}", "path_params": named,
        "headers": headers, "query_string": query.encode(),
    }  # fmt: skip
    return handler, right, replace(call, request=Request(scope), query=read_query(query), body=body)


def _handler(method: str, parts: list[str]) -> tuple[Callable[[Call], Response], May]:
    shape = (method, len(parts))
    history = len(parts) > 2 and parts[2] == "_history"
    if shape == ("POST", 1):
        return writing.create, May.WRITE
    if shape == ("PUT", 2):
        return writing.update, May.WRITE
    if shape == ("GET", 1):
        return searching.search, May.READ
    if shape == ("GET", 2):
        return reading.read, May.READ
    if history and shape == ("GET", 3):
        return reading.history, May.READ
    if history and shape == ("GET", 4):
        return reading.vread, May.READ
    raise Refusal(405, "not-supported", "the request cannot be carried out in a batch")
