"""Reading one resource: as it is, as it was, and its history."""

from __future__ import annotations

from starlette.responses import Response

from vesalius.api.answers import answer, bundle, etag, headers, instant, shown
from vesalius.api.calls import Call
from vesalius.api.outcomes import Refusal
from vesalius.governance.audit import Action
from vesalius.lake import Version

MAX_HISTORY = 1000
"""The most versions that one page of a history holds."""


def read(call: Call) -> Response:
    """The version in force of one resource."""
    found = call.hospital.lake.read(f"{call.kind}/{call.id}")
    if found is None:
        raise _absent(call, "there is no such resource")
    return _given(call, found)


def vread(call: Call) -> Response:
    """One version of a resource."""
    number = call.request.path_params["version"]
    found = None
    if number.isascii() and number.isdecimal() and len(number) < 10:
        found = call.hospital.lake.read(f"{call.kind}/{call.id}/_history/{int(number)}")
    if found is None:
        raise _absent(call, "there is no such version")
    return _given(call, found)


def _absent(call: Call, words: str) -> Refusal:
    """Why there is nothing to give: it was never here, or it was erased on request."""
    if call.hospital.lake.erased(f"{call.kind}/{call.id}"):
        return Refusal(410, "deleted", "the resource was erased on request")
    return Refusal(404, "not-found", words)


def _given(call: Call, found: Version) -> Response:
    known = {each.strip().removeprefix("W/") for each in call.header("if-none-match").split(",")}
    call.note(Action.RESOURCE_READ, found.reference, {"subject": found.subject})
    if known & {"*", f'"{found.version}"'}:
        return answer(None, 304, {"ETag": etag(found.version)})
    return answer(shown(found), 200, headers(found.version, found.received_at))


def history(call: Call) -> Response:
    """Every version of a resource, the last that arrived first."""
    versions = call.hospital.lake.history(f"{call.kind}/{call.id}")
    if not versions:
        raise _absent(call, "there is no such resource")
    subjects = sorted({each.subject for each in versions if each.subject})
    call.note(Action.RESOURCE_READ, f"{call.kind}/{call.id}/_history", {"subjects": subjects})
    shown_now = versions[::-1][:MAX_HISTORY]
    entries = [_entry(call.base, each) for each in shown_now]
    return answer(bundle("history", entries, total=len(versions)))


def _entry(base: str, version: Version) -> dict[str, object]:
    name = f"{version.type}/{version.id}"
    return {
        "fullUrl": f"{base}/{name}",
        "resource": shown(version),
        "request": {"method": "PUT", "url": name},
        "response": {
            "status": "201" if version.version == 1 else "200",
            "etag": etag(version.version),
            "lastModified": instant(version.received_at),
        },
    }
