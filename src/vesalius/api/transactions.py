"""Transactions: a bundle of requests that is carried out whole, or not at all.

Its sender gets the answer and can mend it. (A file of bundles is another matter: ``ingest.bundle`` takes its
entries one by one, for there is nobody to answer to.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vesalius.api import answers, commits, writing
from vesalius.api.calls import Call, known_id, known_type
from vesalius.api.conditions import Condition, met
from vesalius.api.outcomes import Refusal
from vesalius.api.requests import Asked, Entry
from vesalius.ingest import Reception
from vesalius.lake import Version

# In JSON, a quoted word before a colon is a name, never a value: what follows it can be replaced in place,
# and all else stays byte for byte. Those are the names under which R4 puts links to resources.
_LINK = re.compile(rb'"(reference|url|valueUri|valueUrl|valueUuid|valueOid)"(\s*:\s*)"([^"\\]*)"')
_CONDITIONAL = re.compile(r"([A-Za-z]+)\?(.+)")


@dataclass
class _Step:
    """One entry that writes.

    Attributes:
        entry, asked: it, and its request.
        place: where it stands in the bundle.
        kind: the resource type.
        id: the id that it names, or that the server has made for it.
        unless: what must not be there for it to be created.
        found: what is there instead.
    """

    entry: Entry
    asked: Asked
    place: str
    kind: str
    id: str
    unless: Condition | None = None
    found: Version | None = None

    @property
    def name(self) -> str:
        """What a link to it becomes."""
        return f"{self.kind}/{self.found.id if self.found else self.id}"


@dataclass
class _Transaction:
    """One transaction on its way."""

    call: Call
    steps: dict[int, _Step]
    links: dict[bytes, bytes] = field(default_factory=dict)

    def carry_out(self) -> dict[int, dict[str, Any]]:
        """Carries out what writes; the answers, by the number of the entry."""
        self._look()
        judge, call = writing.reception(self.call), self.call
        changes = {number: self._change(judge, step) for number, step in self.steps.items() if not step.found}
        done = commits.commit(call, list(changes.values())) if changes else []
        full = call.prefers("return") == "representation"
        said = {number: _said(call.base, each, full) for number, each in zip(changes, done, strict=True)}
        there = {number: step.found for number, step in self.steps.items() if step.found}
        return said | {number: _there(call.base, each, full) for number, each in there.items()}

    def _look(self) -> None:
        """What the conditions find, and what links become by that."""
        self.links = {}
        for step in self.steps.values():
            step.found = met(self.call, step.unless) if step.unless else None
            if url := step.entry.fullUrl:
                self.links[url.encode()] = step.name.encode()
                if step.asked.method == "POST" and not url.startswith("urn:"):
                    # to the others it is known by its old relative name as well
                    self.links["/".join(url.split("/")[-2:]).encode()] = step.name.encode()

    def _change(self, judge: Reception, step: _Step) -> commits.Change:
        made = step.id if step.asked.method == "POST" else ""
        try:
            raw = _linked(self.call, bytes(step.entry.resource), self.links)
            resource = writing.loaded(raw, step.kind)
            if not made:
                writing.check_id(resource, step.id)
            change = writing.change_of(judge, resource, made or ("" if "id" in resource else step.id), raw)
            if not made:
                asked = step.asked
                change.if_match, change.if_absent = writing.conditions(asked.ifMatch, asked.ifNoneMatch)
        except Refusal as error:
            raise error.within(f"{step.place}.resource") from None
        change.fresh, change.place, change.unless = bool(made), step.place, step.unless
        return change


def carry_out(call: Call, entries: list[Entry]) -> dict[int, dict[str, Any]]:
    """Carries out the entries of a transaction that write, all of them or none.

    Returns:
        The answer to each, by its number; entries that read are not among them.

    Raises:
        Refusal: one of them cannot be carried out; its path names which.
        Conflict: others create the same resources all the time.
    """
    steps = {}
    for number, entry in enumerate(entries):
        place = f"Bundle.entry[{number}]"
        asked = _wanted(entry, place)
        if asked.method != "GET":
            steps[number] = _step(entry, asked, place)
    wanted = [step.unless for step in steps.values() if step.unless]
    if len(wanted) > len(set(wanted)):
        raise Refusal(400, "duplicate", "two entries are to be created on the same condition")
    return writing.persistently(_Transaction(call, steps).carry_out)


def _wanted(entry: Entry, place: str) -> Asked:
    """The request of an entry, if it can be part of a transaction."""
    asked = entry.request
    if asked is None:
        raise Refusal(400, "required", "an entry of a transaction needs a request", path=f"{place}.request")
    if asked.method not in {"POST", "PUT", "GET"}:
        words = "only POST, PUT and GET are carried out: nothing here is deleted or patched"
        raise Refusal(422, "not-supported", words, path=f"{place}.request.method")
    if asked.method != "GET" and not bytes(entry.resource):
        raise Refusal(400, "required", "the entry holds no resource", path=f"{place}.resource")
    return asked


def _step(entry: Entry, asked: Asked, place: str) -> _Step:
    try:
        kind, id_ = _target(asked)
        unless = Condition.read(kind, asked.ifNoneExist.lstrip("?")) if asked.ifNoneExist else None
    except Refusal as error:
        raise error.within(f"{place}.request") from None
    return _Step(entry, asked, place, kind, id_, unless)


def _target(asked: Asked) -> tuple[str, str]:
    """The type and the id that a request writes to."""
    if "?" in asked.url:
        raise Refusal(412, "not-supported", "conditional updates are not supported")
    kind, slash, id_ = asked.url.partition("/")
    if bool(slash) == (asked.method == "POST"):
        form = "Type" if asked.method == "POST" else "Type/id"
        raise Refusal(400, "value", f"the url of a {asked.method} has the form {form}")
    return known_type(kind), known_id(id_) if slash else writing.new_id()


def _linked(call: Call, raw: bytes, links: Mapping[bytes, bytes]) -> bytes:
    def replaced(found: re.Match[bytes]) -> bytes:
        name = links.get(found[3])
        if name is None and found[1] == b"reference":
            name = _resolved(call, found[3])
        return found[0] if name is None else b'"%b"%b"%b"' % (found[1], found[2], name)

    return _LINK.sub(replaced, raw)


def _resolved(call: Call, link: bytes) -> bytes | None:
    """What a reference becomes that leads to no entry; None if it stays as it is.

    Raises:
        Refusal: it can lead nowhere else, or its condition finds nothing, or several.
    """
    if link.startswith(b"urn:"):
        raise Refusal(422, "not-found", "a reference leads to no entry of this bundle")
    if b"?" not in link or not (parts := _CONDITIONAL.fullmatch(link.decode("utf-8", "replace"))):
        return None
    found = met(call, Condition.read(known_type(parts[1]), parts[2]))
    if found is None:
        raise Refusal(412, "not-found", "a conditional reference finds nothing")
    return f"{found.type}/{found.id}".encode()


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


def _there(base: str, found: Version, full: bool) -> dict[str, Any]:
    """The answer to an entry that was to be created unless it is there, and is."""
    response = {
        "status": "200 OK",
        "location": f"{base}/{found.reference}",
        "etag": answers.etag(found.version),
        "lastModified": answers.instant(found.received_at),
    }
    made: dict[str, Any] = {"fullUrl": f"{base}/{found.type}/{found.id}"}
    return made | ({"resource": answers.shown(found)} if full else {}) | {"response": response}
