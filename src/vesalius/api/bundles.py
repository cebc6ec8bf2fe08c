"""Transactions and batches: many requests in one bundle.

A transaction is carried out whole, in one durable transaction of the database, or not at all: its sender gets
the answer and can mend it. (A file of bundles is another matter: ``ingest.bundle`` takes its entries one by
one, for there is nobody to answer to.) A batch is a pile of requests, each for itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from vesalius import fhir
from vesalius.api import answers, commits, messages, reading, searching, writing
from vesalius.api.calls import PREFIX, Call, check_content, known_id, known_type, read_query
from vesalius.api.outcomes import Refusal, refusal
from vesalius.governance.clients import May
from vesalius.ingest import Reception

MAX_ENTRIES = 20_000
"""The most entries of one transaction or batch."""


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    method: str
    url: str
    ifMatch: str = ""  # noqa: N815 - the names are FHIR's
    ifNoneMatch: str = ""  # noqa: N815
    ifNoneExist: str = ""  # noqa: N815
    ifModifiedSince: str = ""  # noqa: N815
    id: str = ""
    extension: list[msgspec.Raw] = []


class Entry(msgspec.Struct, forbid_unknown_fields=True):
    """One entry of a bundle of requests."""

    request: _Request | None = None
    fullUrl: str = ""  # noqa: N815
    resource: msgspec.Raw = msgspec.Raw()
    id: str = ""
    extension: list[msgspec.Raw] = []
    modifierExtension: list[msgspec.Raw] = []  # noqa: N815
    link: list[msgspec.Raw] = []


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
# In JSON, a quoted word before a colon is a name, never a value: what follows it can be replaced in place,
# and all else stays byte for byte. Those are the names under which R4 puts links to resources.
_LINK = re.compile(rb'"(reference|url|valueUri|valueUrl|valueUuid|valueOid)"(\s*:\s*)"([^"\\]*)"')


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
    return _transaction(call, entries) if head.type == "transaction" else _batch(call, entries)


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


# Transactions ----------------------------------------------------------------------------------------------


def _transaction(call: Call, entries: list[Entry]) -> Response:
    wanted = [_wanted(entry, f"Bundle.entry[{number}]") for number, entry in enumerate(entries)]
    ids = [writing.new_id() if request.method == "POST" else "" for request in wanted]
    links = _links(entries, wanted, ids)
    judge = writing.reception(call)
    changes: dict[int, commits.Change] = {}
    for number, (entry, request) in enumerate(zip(entries, wanted, strict=True)):
        if request.method in {"POST", "PUT"}:
            changes[number] = _change(judge, entry, request, ids[number], links, f"Bundle.entry[{number}]")
    done = dict(zip(changes, commits.commit(call, list(changes.values())), strict=True))
    full = call.prefers("return") == "representation"
    made = [
        _said(call.base, done[number], full) if number in done else _asked(call, entry)
        for number, entry in enumerate(entries)
    ]
    return answers.answer(answers.bundle("transaction-response", made))


def _wanted(entry: Entry, place: str) -> _Request:
    """The request of an entry, if it can be part of a transaction."""
    request = entry.request
    if request is None:
        raise Refusal(400, "required", "an entry of a transaction needs a request", path=f"{place}.request")
    if request.method not in {"POST", "PUT", "GET"}:
        raise Refusal(
            422,
            "not-supported",
            "only POST, PUT and GET are carried out: nothing here is deleted or patched",
            path=f"{place}.request.method",
        )
    if "?" in request.url and request.method != "GET":
        raise Refusal(
            412, "not-supported", "conditional updates are not supported", path=f"{place}.request.url"
        )
    if request.method != "GET" and not bytes(entry.resource):
        raise Refusal(400, "required", "the entry holds no resource", path=f"{place}.resource")
    return request


def _links(entries: list[Entry], wanted: list[_Request], ids: list[str]) -> dict[bytes, bytes]:
    """What a link to an entry becomes: ``Type/id``."""
    links: dict[bytes, bytes] = {}
    for entry, request, made in zip(entries, wanted, ids, strict=True):
        if entry.fullUrl and request.method != "GET":
            name = f"{request.url}/{made}" if made else request.url
            links[entry.fullUrl.encode()] = name.encode()
            if made and not entry.fullUrl.startswith("urn:"):  # known to the others by its old relative name
                links["/".join(entry.fullUrl.split("/")[-2:]).encode()] = name.encode()
    return links


def _change(
    judge: Reception, entry: Entry, request: _Request, made: str, links: Mapping[bytes, bytes], place: str
) -> commits.Change:
    try:
        writing.refuse_condition(request.ifNoneExist)
        kind, id_ = _target(request)
        raw = _linked(bytes(entry.resource), links)
        resource = writing.loaded(raw, kind)
        if id_:
            writing.check_id(resource, id_)
        change = writing.change_of(judge, resource, made or ("" if "id" in resource else id_), raw)
        change.if_match, change.if_absent = writing.conditions(request.ifMatch, request.ifNoneMatch)
    except Refusal as error:
        raise error.within(f"{place}.resource") from None
    change.fresh, change.place = bool(made), place
    return change


def _target(request: _Request) -> tuple[str, str]:
    parts = request.url.split("/")
    if len(parts) != (1 if request.method == "POST" else 2):
        form = "Type" if request.method == "POST" else "Type/id"
        raise Refusal(400, "value", f"the url of a {request.method} has the form {form}")
    return known_type(parts[0]), known_id(parts[1]) if len(parts) > 1 else ""


def _linked(raw: bytes, links: Mapping[bytes, bytes]) -> bytes:
    def replaced(found: re.Match[bytes]) -> bytes:
        name = links.get(found[3])
        if name is not None:
            return b'"%b"%b"%b"' % (found[1], found[2], name)
        if found[1] == b"reference" and (found[3].startswith(b"urn:") or b"?" in found[3]):
            raise Refusal(
                422,
                "not-found",
                "a reference leads to no entry of this bundle (conditional ones are not supported)",
            )
        return found[0]

    return _LINK.sub(replaced, raw)


def _said(base: str, done: commits.Done, full: bool) -> dict[str, Any]:
    response = {
        "status": done.status,
        "location": done.location(base),
        "etag": answers.etag(done.version),
        "lastModified": answers.instant(done.received_at),
    }
    url = f"{base}/{'/'.join(done.change.name)}"
    if not full:
        return {"fullUrl": url, "response": response}
    shown = answers.stamped(done.change.resource, done.version, done.received_at)
    return {"fullUrl": url, "resource": shown, "response": response}


# Batches ---------------------------------------------------------------------------------------------------


def _batch(call: Call, entries: list[Entry]) -> Response:
    return answers.answer(answers.bundle("batch-response", [_asked(call, entry) for entry in entries]))


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


def _inner(call: Call, asked: _Request | None, body: bytes) -> tuple[Callable[[Call], Response], May, Call]:
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
