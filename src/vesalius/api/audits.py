"""The hospital's own audit as FHIR AuditEvents (IHE BALP): read and searched, written by nobody.

AuditEvents that other systems handed in are in the lake, as any resource, and are not mixed with these.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import Response

from vesalius.api.answers import answer, bundle
from vesalius.api.calls import FORM, Call, check_content, read_query
from vesalius.api.outcomes import Refusal
from vesalius.api.searching import moments, patient, size
from vesalius.governance import audit
from vesalius.governance.audit import Action, balp, chain

PARAMETERS = {"patient": "reference", "date": "date", "agent": "string"}
"""What it can be searched by: a patient, moments, and the account or client that acted."""

_RESULT = ("_count", "_page", "_format", "_pretty")
_ID = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,6}))?", re.ASCII)


def search_form(call: Call) -> Response:
    """A search whose parameters come in the body, so that no patient stands in a log of addresses."""
    check_content(call, FORM)
    try:
        form = read_query(call.body.decode())
    except UnicodeDecodeError:
        raise Refusal(400, "value", "the parameters are not UTF-8") from None
    return search(replace(call, query=[*call.query, *form]))


def search(call: Call) -> Response:
    """One page of events, the oldest first; it ends with a whole event, however many patients that names."""
    unknown = {name for name, _ in call.query} - {*PARAMETERS, *_RESULT}
    if unknown:
        raise Refusal(400, "not-supported", f"the audit is searched by {', '.join(PARAMETERS)}")
    named = {name: call.parameter(name) for name in PARAMETERS}
    subject = patient(named["patient"]) if named["patient"] else ""
    since, until = _span(call)
    last, after = _page(call)
    detail = {"fhir": True} | ({"subject": subject} if subject else {})
    most, engine, site = size(call), call.hospital.engine, call.hospital.settings.hospital
    call.note(Action.AUDIT_READ, "audit", detail)
    found: list[dict[str, Any]] = []
    more = False
    events = chain.oldest_first(
        engine, patient=subject, actor=named["agent"], since=since, until=until, after=after, last=last
    )
    for event in events:
        made = list(balp.resources(event, site, patient=subject))
        if most == 0 or (found and len(found) + len(made) > most):
            more = most > 0
            break
        found += made
        after = event.seq
    events.close()
    entries = [
        {"fullUrl": f"{call.base}/AuditEvent/{each['id']}", "resource": each, "search": {"mode": "match"}}
        for each in found
    ]
    return answer(bundle("searchset", entries, link=_links(call, f"{last}-{after}" if more else "")))


def read(call: Call) -> Response:
    """One event by its number; of one that names several patients, by its number and theirs."""
    found = _ID.fullmatch(call.request.path_params["id"])
    if not found:
        raise Refusal(404, "not-found", "there is no such event")
    seq = int(found[1])
    for event in chain.oldest_first(call.hospital.engine, after=seq - 1, last=seq):
        for made in balp.resources(event, call.hospital.settings.hospital):
            if made["id"] == found[0]:
                call.note(Action.AUDIT_READ, f"event {seq}", _subjects(made))
                return answer(made)
    raise Refusal(404, "not-found", "there is no such event")


def _subjects(made: dict[str, Any]) -> dict[str, str]:
    named = [each["what"].get("reference", "") for each in made["entity"] if "what" in each]
    return {"subject": next(filter(None, named), "")}


def _span(call: Call) -> tuple[datetime | None, datetime | None]:
    """After and before which moments, when ``date`` is given once or twice."""
    since: list[datetime] = []
    until: list[datetime] = []
    for name, value in call.query:
        if name == "date":
            first, last = moments(value)
            since += [first] if first else []
            until += [last] if last else []
    return max(since, default=None), min(until, default=None)


def _page(call: Call) -> tuple[int, int]:
    """Up to which event a search sees, and after which its next page begins."""
    end = audit.head(call.hospital.engine).seq
    if not (text := call.parameter("_page")):
        return end, 0
    found = re.fullmatch(r"([0-9]{1,15})-([0-9]{1,15})", text, re.ASCII)
    if not found or int(found[1]) > end:
        raise Refusal(400, "value", "_page is what a link of this server says, unchanged")
    return int(found[1]), int(found[2])


def _links(call: Call, page: str) -> list[dict[str, str]]:
    """Where this page is, and the next one."""
    at = f"{call.base}/AuditEvent"
    kept = [(name, value) for name, value in call.query if name != "_page"]

    def link(relation: str, number: str) -> dict[str, str]:
        query = urlencode([*kept, *([("_page", number)] if number else [])], quote_via=quote, safe="/,:|")
        return {"relation": relation, "url": f"{at}?{query}" if query else at}

    here = link("self", call.parameter("_page"))
    return [here, link("next", page)] if page else [here]
