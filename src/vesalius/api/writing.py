"""Writing: what a client hands in becomes a version of the lake, in one transaction with its audit event.

Two rules meet here. FHIR's: what was written last is what is read next. The lake's: of two versions, the one
whose content was known later is in force. So a version that a client writes over HTTP counts as known no
earlier than the one it replaces.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from starlette.responses import Response

from vesalius import fhir
from vesalius.api import answers
from vesalius.api.calls import Call, check_content, version_of
from vesalius.api.outcomes import Refusal, refusal, said
from vesalius.errors import Conflict, InvalidResource
from vesalius.governance.audit import Action
from vesalius.ingest import Reception
from vesalius.lake import Arrival, Known
from vesalius.store import writing

SHOWN = 20
"""How many wrong elements of one resource are named at most."""


@dataclass
class Change:
    """One resource that is to be written.

    Attributes:
        arrival: it, judged.
        besides: what the hospital adds to it.
        resource: it, decoded.
        fresh: whether the server has just made its id, so that nothing can be known of it.
        if_match: the version that must be in force.
        if_absent: whether there must be none.
        place: of the entry in a bundle, for the words of a refusal.
    """

    arrival: Arrival
    besides: list[Arrival]
    resource: dict[str, Any]
    fresh: bool = False
    if_match: int | None = None
    if_absent: bool = False
    place: str = ""

    @property
    def name(self) -> tuple[str, str]:
        """Its type and id."""
        return self.arrival.type, self.arrival.id


@dataclass(frozen=True)
class Done:
    """What became of one change: its version, when that was received, and whether it is new."""

    change: Change
    version: int
    received_at: datetime
    created: bool
    written: bool

    @property
    def status(self) -> str:
        """The HTTP status, with its word."""
        return "201 Created" if self.created else "200 OK"

    def location(self, base: str) -> str:
        """Where the version is."""
        return f"{base}/{'/'.join(self.change.name)}/_history/{self.version}"


def create(call: Call) -> Response:
    """A new resource, under an id that the server makes."""
    check_content(call)
    refuse_condition(call.header("if-none-exist"))
    resource = loaded(call.body, call.kind)
    return _written(call, change_of(reception(call), resource, new_id()))


def update(call: Call) -> Response:
    """A resource under the id that the client names: a new one, or a new version."""
    check_content(call)
    kind, name = call.kind, call.id
    resource = loaded(call.body, kind)
    check_id(resource, name, needed=True)
    change = change_of(reception(call), resource, "")
    change.if_match = version_of(call.header("if-match"), "If-Match")
    if absent := call.header("if-none-match").strip():
        if absent != "*":
            raise Refusal(400, "value", "If-None-Match of an update can only be *")
        change.if_absent = True
    return _written(call, change)


def _written(call: Call, change: Change) -> Response:
    (done,) = commit(call, [change])
    headers = answers.headers(done.version, done.received_at) | {"Location": done.location(call.base)}
    status = 201 if done.created else 200
    wanted = call.prefers("return")
    if wanted == "minimal":
        return answers.answer(None, status, headers)
    if wanted == "OperationOutcome":
        return answers.answer(said("a new version" if done.written else "nothing changed"), status, headers)
    shown = answers.stamped(change.resource, done.version, done.received_at)
    return answers.answer(shown, status, headers)


def reception(call: Call) -> Reception:
    """Who judges the resources of this request."""
    return Reception(call.hospital.lake, call.now)


def refuse_condition(text: str) -> None:
    """Conditional creates are not carried out; doing as if they were would make doubles.

    Raises:
        Refusal: there is a condition.
    """
    if text:
        raise Refusal(
            412, "not-supported", "conditional creates are not supported: PUT under an id of your own"
        )


def loaded(raw: bytes, kind: str = "") -> dict[str, Any]:
    """The resource in a body.

    Raises:
        Refusal: it is not JSON, or not of the type in the address.
    """
    try:
        resource = fhir.load(raw)
    except InvalidResource as error:
        raise Refusal(400, "structure", f"the body {error.message}") from None
    found = resource.get("resourceType")
    if kind and found != kind:
        raise Refusal(400, "value", "the type is not the one in the address", path="resourceType")
    return resource


def check_id(resource: dict[str, Any], id_: str, *, needed: bool = False) -> None:
    """Whether a resource has the id that the request names.

    Raises:
        Refusal: it has another, or none though one is needed.
    """
    if resource.get("id", None if needed else id_) != id_:
        words = "the id of the resource is not the one that the request names"
        raise Refusal(400, "value", words, path=f"{resource['resourceType']}.id")


def new_id() -> str:
    """An id that grows with time, so that what comes together lies together (UUID version 7, RFC 9562)."""
    text = f"{time.time_ns() // 1_000_000:012x}{os.urandom(10).hex()}"
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-7{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"


def change_of(judge: Reception, resource: dict[str, Any], id_: str, raw: bytes = b"") -> Change:
    """Judges one resource.

    Args:
        judge: of this request.
        resource: the resource, decoded.
        id_: the id that it is to have, or nothing where it has its own.
        raw: its JSON, which is kept byte for byte where nothing of it has to change.

    Raises:
        Refusal: it cannot be taken in; each wrong element is named.
    """
    ready = answers.unstamped(resource)
    if id_:
        ready = {"resourceType": ready.get("resourceType"), "id": id_} | {
            name: value for name, value in ready.items() if name not in {"resourceType", "id"}
        }
    body = raw if raw and ready is resource else fhir.dump(ready)
    try:
        arrivals = judge.arrivals(ready, body)
    except InvalidResource as error:
        found = refusal(error)
        raise Refusal(422, found.code, found.words, path=found.path, more=_others(ready, error)) from None
    name = (ready["resourceType"], ready["id"])
    mine = next(each for each in arrivals if (each.type, each.id) == name)
    return Change(mine, [each for each in arrivals if each is not mine], ready, fresh=bool(id_))


def _others(resource: dict[str, Any], first: InvalidResource) -> list[tuple[str, str]]:
    """What else is wrong: each wrong element is taken away, and the rest is looked at again."""
    left, path, found = dict(resource), first.path, list[tuple[str, str]]()
    while len(found) < SHOWN - 1:
        named = re.match(r"[A-Za-z]+\.(\w+)", path)
        if not named or named[1] == "resourceType" or left.pop(named[1], None) is None:
            return found
        try:
            fhir.check(left)
        except InvalidResource as error:
            path = error.path
            found.append((path, error.message))
        else:
            return found
    return found


def commit(call: Call, changes: Sequence[Change]) -> list[Done]:
    """Writes all of it, with its audit event, or nothing; when it returns, it is on disk.

    Raises:
        Refusal: a condition does not hold, or the same resource is named twice.
    """
    lake, source = call.hospital.lake, call.who.source
    check_unique(changes)
    with writing(call.hospital.engine) as connection:
        known = lake.known([each.name for each in changes if not each.fresh], connection)
        done = [_decided(each, known.get(each.name), call.now) for each in changes]
        new = [each.change.arrival for each in done if each.written]
        besides = [arrival for each in changes for arrival in each.besides]
        written = lake.write(new, source, call.now, connection)
        if written.written != len(new):  # what we answer would not be what is there
            raise Conflict("the resources changed meanwhile", hint="try again")
        lake.write(besides, source, call.now, connection)
        _note(call, done, connection)
    return done


def check_unique(changes: Sequence[Change]) -> None:
    """Whether every resource is named once.

    Raises:
        Refusal: one is named twice.
    """
    seen: set[tuple[str, str]] = set()
    for each in changes:
        if each.name in seen:
            raise Refusal(400, "duplicate", "the same resource is written twice", path=each.place)
        seen.add(each.name)


def _decided(change: Change, known: Known | None, now: datetime) -> Done:
    if change.if_absent and known:
        raise Refusal(412, "conflict", "the resource is already there", path=change.place)
    if change.if_match is not None and (known is None or known.version != change.if_match):
        raise Refusal(412, "conflict", "another version is in force than If-Match names", path=change.place)
    if known is None:
        return Done(change, 1, now, created=True, written=True)
    if known.digest == change.arrival.digest:
        return Done(change, known.version, known.received_at, created=False, written=False)
    moment = _moment(change.arrival, known, now)
    change.arrival = msgspec.structs.replace(change.arrival, recorded_at=moment)
    return Done(change, known.versions + 1, now, created=False, written=True)


def _moment(arrival: Arrival, known: Known, now: datetime) -> datetime:
    """When an update counts as known: as it says, but not before what it replaces."""
    moment = max(arrival.recorded_at or now, known.recorded_at)
    if (moment, arrival.digest) in known.seen:  # back to an earlier content, which is news
        moment = max(now, known.recorded_at + timedelta(microseconds=1))
    return moment


def _note(call: Call, done: Sequence[Done], connection: sa.Connection) -> None:
    if len(done) == 1:
        name = "/".join(done[0].change.name)
        detail: dict[str, Any] = {"subject": done[0].change.arrival.subject, "version": done[0].version}
        call.note(Action.RESOURCE_WRITTEN, name, detail, connection)
    elif done:
        subjects = sorted({each.change.arrival.subject for each in done if each.change.arrival.subject})
        detail = {"resources": len(done), "written": sum(each.written for each in done), "subjects": subjects}
        call.note(Action.RESOURCE_WRITTEN, "Bundle", detail, connection)
