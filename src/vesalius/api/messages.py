"""Documents, messages and collections: received as files are, entry by entry, with a receipt.

Their sender has moved on: what they hold has already happened. So an entry that cannot be taken in is held in
quarantine, and does not keep the others out.
"""

from __future__ import annotations

import io
from typing import Any

from starlette.responses import Response

from vesalius import errors, fhir
from vesalius.api import answers, writing
from vesalius.api.calls import Call, check_content
from vesalius.api.outcomes import Refusal, issue, said
from vesalius.governance.audit import Action
from vesalius.ingest import Receipt, receive


def take_in(call: Call) -> Response:
    """A bundle of what has happened; the answer says what became of it."""
    return answers.answer(_outcome(received(call)))


def process_message(call: Call) -> Response:
    """A message; the answer is one too, and says whether all of it was taken in."""
    check_content(call)
    bundle = writing.loaded(call.body, "Bundle")
    header = _header(bundle)
    receipt = received(call)
    code = "ok" if not receipt.quarantined else "fatal-error"
    outcome = _outcome(receipt) | {"id": "outcome"}
    reply: dict[str, Any] = {"resourceType": "MessageHeader", "id": writing.new_id()}
    reply |= {name: value for name, value in header.items() if name in {"eventCoding", "eventUri"}}
    reply |= {"source": {"name": "Vesalius", "endpoint": f"{call.base}/$process-message"}}
    told = {"identifier": header.get("id", "unknown"), "code": code, "details": {"reference": "#outcome"}}
    reply |= {"response": told, "contained": [outcome]}
    entry = {"fullUrl": f"urn:uuid:{reply['id']}", "resource": reply}
    return answers.answer(answers.bundle("message", [entry], timestamp=answers.instant(call.now)))


def received(call: Call) -> Receipt:
    """Takes in the body as a file of this client's feed, and notes it."""
    name = f"HTTP {call.request.url.path.rpartition('/')[2]}"
    data = io.BytesIO(call.body)
    receipt = receive(
        call.hospital.lake, name, data, source=call.who.source, format="bundle", received_at=call.now
    )
    detail = {"written": receipt.written, "quarantined": receipt.quarantined, "repeated": receipt.repeated}
    call.note(Action.DATA_RECEIVED, str(receipt.id), detail)
    return receipt


def _outcome(receipt: Receipt) -> dict[str, Any]:
    words = f"{receipt.read} entries read, {receipt.written} written, {receipt.unchanged} unchanged"
    made = said(f"receipt {receipt.id}: {words}")
    if receipt.quarantined:
        held = f"{receipt.quarantined} entries are held in quarantine and will be looked at"
        made["issue"].append(issue("warning", "processing", held))
    return made


def _header(bundle: dict[str, Any]) -> dict[str, Any]:
    entries = bundle.get("entry")
    first = entries[0] if isinstance(entries, list) and entries else None
    header = first.get("resource") if isinstance(first, dict) else None
    if bundle.get("type") != "message" or not isinstance(header, dict):
        raise Refusal(
            422,
            "value",
            "a message is a Bundle of that type whose first entry is its header",
            path="Bundle.type",
        )
    try:
        fhir.check(header, "MessageHeader")
    except errors.InvalidResource as error:
        raise Refusal(
            422, "structure", error.message, path=f"Bundle.entry[0].resource{error.path[13:]}"
        ) from None
    return header
