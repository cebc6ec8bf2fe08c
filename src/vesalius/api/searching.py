"""Searching one type: by id, patient, moment of receipt. Few parameters, and each does what it says."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import Response

from vesalius import fhir
from vesalius.api.answers import answer, bundle, shown
from vesalius.api.calls import FORM, ID, Call, check_content, read_query
from vesalius.api.outcomes import Refusal, issue
from vesalius.errors import InvalidResource
from vesalius.governance import secondary
from vesalius.governance.audit import Action
from vesalius.governance.secondary import LeftOut
from vesalius.lake import Version, Wanted

PAGE = 50
"""How many resources one page holds, unless the client asks for another number."""

MAX_PAGE = 1000
"""The most resources of one page."""

RESULT = ("_count", "_summary", "_total", "_format", "_pretty", "_page")
"""What says how to show a result, not what to look for."""

_PREFIXES = ("eq", "gt", "ge", "lt", "le", "sa", "eb")
_TICK = timedelta(microseconds=1)


def parameters(kind: str) -> dict[str, str]:
    """What resources of a type can be searched by, each with FHIR's type of parameter."""
    found = {"_id": "token", "_lastUpdated": "date"}
    names = {element.name for element in fhir.elements(kind)}
    if "identifier" in names:
        found["identifier"] = "token"
    if kind != "Patient" and fhir.compartment(kind):
        found["patient"] = "reference"
        if "subject" in names:
            found["subject"] = "reference"
    return found


@dataclass
class _Search:
    """What is looked for, from where in the log to where."""

    wanted: Wanted
    pin: int
    size: int
    ignored: list[str]
    links: list[tuple[str, str]]


def search_form(call: Call) -> Response:
    """A search whose parameters come in the body, so that they stand in no log of addresses."""
    check_content(call, FORM)
    try:
        form = read_query(call.body.decode())
    except UnicodeDecodeError:
        raise Refusal(400, "value", "the parameters are not UTF-8") from None
    return search(replace(call, query=[*call.query, *form]))


def search(call: Call) -> Response:
    """One page of the resources of a type that are in force and wanted."""
    kind = call.kind
    asked = _asked(call, kind)
    out = _left_out(call, asked)
    asked.wanted = replace(asked.wanted, without=out.without)
    lake = call.hospital.lake.pinned(asked.pin)
    total = None
    if call.parameter("_summary") == "count" or asked.size == 0:
        found, total = [], lake.how_many(asked.wanted)
    else:
        found = lake.search(asked.wanted, asked.size + 1)
        if call.parameter("_total") == "accurate":
            total = lake.how_many(replace(asked.wanted, after=0))
    page = found[: asked.size]
    subjects = sorted({each.subject for each in page if each.subject})
    call.note(
        Action.RESOURCE_SEARCHED,
        kind,
        {"resources": len(page), "subjects": subjects, "left_out": out.patients},
    )
    entries = [_entry(f"{call.base}/{kind}/{each.id}", shown(each), "match") for each in page]
    if asked.ignored:
        words = f"ignored, for it is not a parameter of this server: {_names(asked.ignored)}"
        entries.append(_told("warning", "not-supported", words))
    if out.patients:
        words = f"left out, for they refuse any use but their care: {out.told} patients"
        entries.append(_told("information", "suppressed", words))
    after = page[-1].seq if len(found) > asked.size and page else None
    more = {} if total is None else {"total": total}
    return answer(bundle("searchset", entries, **more, link=_pages(call, asked, after)))


def _left_out(call: Call, asked: _Search) -> LeftOut:
    """Who stays out of a search: whoever refuses, where it names nobody and does not serve care.

    What is asked for by its patient, id or identifier is read for that patient's care. How many stay out is
    said once, on the first page.
    """
    wanted = asked.wanted
    if call.who.cares or wanted.ids is not None or wanted.subjects is not None:
        return secondary.NOBODY
    first = not call.parameter("_page")
    return secondary.left_out(call.hospital.lake, [wanted.type] if first else [], at=call.now)


def _told(severity: str, code: str, words: str) -> dict[str, Any]:
    outcome = {"resourceType": "OperationOutcome", "issue": [issue(severity, code, words)]}
    return _entry("", outcome, "outcome")


def _entry(url: str, resource: dict[str, Any], mode: str) -> dict[str, Any]:
    made: dict[str, Any] = {"fullUrl": url} if url else {}
    return made | {"resource": resource, "search": {"mode": mode}}


def _pages(call: Call, asked: _Search, after: int | None) -> list[dict[str, str]]:
    kept = asked.links
    at = f"{call.base}/{call.kind}"

    def link(relation: str, more: list[tuple[str, str]]) -> dict[str, str]:
        query = urlencode([*kept, *more], quote_via=quote, safe="/,:|")
        return {"relation": relation, "url": f"{at}?{query}" if query else at}

    here = [("_page", call.parameter("_page"))] if call.parameter("_page") else []
    links = [link("self", here)]
    return links if after is None else [*links, link("next", [("_page", f"{asked.pin}-{after}")])]


def _asked(call: Call, kind: str) -> _Search:
    known = parameters(kind)
    ignored = _unknown(call, known)
    wanted, links = Wanted(kind), []
    for name, value in call.query:
        if name not in ignored and name != "_page":
            links.append((name, value))
        if name in known and name not in ignored:
            ids = _identified(call, kind, value) if name == "identifier" else None
            wanted = (
                _narrowed(wanted, name, value) if ids is None else replace(wanted, ids=_both(wanted.ids, ids))
            )
            if ids is not None and call.request.method == "POST":
                # What came in a body, to stand in no log, is not put into an address: these are its ids.
                links[-1] = ("_id", ",".join(ids))
    pin, after = _page(call)
    return _Search(replace(wanted, after=after), pin, size(call), ignored, links)


def _unknown(call: Call, known: Iterable[str]) -> list[str]:
    """The parameters that we do not know: an error if the client is strict, else ignored, and told."""
    unknown = list(dict.fromkeys(name for name, _ in call.query if name not in known and name not in RESULT))
    if any(":" in name for name in unknown):  # a modifier changes the meaning: never to be ignored
        raise Refusal(400, "not-supported", "no modifiers of parameters are known to this server")
    if unknown and call.prefers("handling") == "strict":
        raise Refusal(400, "not-supported", f"not parameters of this server: {_names(unknown)}")
    return unknown


def _names(unknown: Iterable[str]) -> str:
    """Names of parameters, as far as they look like some: a value that slipped into one is not repeated."""
    return ", ".join(name for name in unknown if re.fullmatch(r"[_A-Za-z\-]{1,64}", name)) or "one of them"


def _narrowed(wanted: Wanted, name: str, value: str) -> Wanted:
    if name == "_id":
        ids = _both(wanted.ids, [each for each in value.split(",") if ID.fullmatch(each)])
        return replace(wanted, ids=ids)
    if name == "_lastUpdated":
        since, until = moments(value)
        return replace(
            wanted,
            since=max(filter(None, (wanted.since, since)), default=None),
            until=min(filter(None, (wanted.until, until)), default=None),
        )
    return replace(wanted, subjects=_both(wanted.subjects, [patient(each) for each in value.split(",")]))


def _identified(call: Call, kind: str, text: str) -> list[str]:
    """The ids of the resources in force that have one of some identifiers."""
    found = [version.id for token in text.split(",") for version in identified(call, kind, token)]
    return sorted(set(found))


def identified(call: Call, kind: str, token: str) -> list[Version]:
    """The resources in force that have the identifier of a token: ``value``, ``|value``, ``system|value``.

    Raises:
        Refusal: the token names no value.
    """
    system, bar, value = token.rpartition("|")
    if not value:
        raise Refusal(400, "value", "an identifier is searched by its value: value, |value or system|value")
    return call.hospital.lake.identified(kind, value, system if bar else None)


def _both(before: tuple[str, ...] | None, found: list[str]) -> tuple[str, ...]:
    """A parameter given twice means both."""
    if len(found) > MAX_PAGE:
        raise Refusal(400, "too-costly", f"a parameter has at most {MAX_PAGE} values")
    return tuple(found if before is None else [each for each in found if each in before])


def patient(text: str) -> str:
    """The reference of a patient, from a parameter.

    Raises:
        Refusal: it is none.
    """
    id_ = text.rpartition("Patient/")[2]
    if not ID.fullmatch(id_):
        raise Refusal(400, "value", "a patient is named as Patient/id, or by the id alone")
    return f"Patient/{id_}"


def moments(text: str) -> tuple[datetime | None, datetime | None]:
    """After and before which moments a date with its prefix lies; both are left out themselves."""
    prefix, value = (text[:2], text[2:]) if text[:2].isalpha() else ("eq", text)
    if prefix not in _PREFIXES:
        raise Refusal(400, "value", f"a date has one of the prefixes {', '.join(_PREFIXES)}")
    try:
        first, last = _span(value.replace(" ", "+"))  # a "+" that nobody encoded comes as a space
        before, after = first - _TICK, last + _TICK
    except (InvalidResource, OverflowError):
        raise Refusal(400, "value", "a parameter is not a date or time that exists") from None
    since = {"eq": before, "gt": last, "sa": last, "ge": before}.get(prefix)
    until = {"eq": after, "lt": first, "eb": first, "le": after}.get(prefix)
    return since, until


def _span(text: str) -> tuple[datetime, datetime]:
    """The first and the last moment that a date or time can mean."""
    first, last = fhir.parse_time(text), fhir.parse_time(text, latest=True)
    if "T" in text:
        digits = len((re.search(r"\.(\d{1,6})", text) or [".", ""])[1])
        last = first + timedelta(seconds=10.0**-digits) - _TICK
    return first, max(first, last)


def size(call: Call) -> int:
    """How many resources a page holds.

    Raises:
        Refusal: ``_count`` is no number.
    """
    text = call.parameter("_count", str(PAGE))
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise Refusal(400, "value", "_count is a number")
    return min(int(text), MAX_PAGE)


def _page(call: Call) -> tuple[int, int]:
    """The position up to which a search sees, and the one after which its next page begins."""
    end = call.hospital.lake.position()
    if not (text := call.parameter("_page")):
        return end, 0
    found = re.fullmatch(r"([0-9]{1,15})-([0-9]{1,15})", text, re.ASCII)
    if not found or int(found[1]) > end:
        raise Refusal(400, "value", "_page is what a link of this server says, unchanged")
    return int(found[1]), int(found[2])
