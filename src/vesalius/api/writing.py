"""Creating and updating one resource; what else is written passes the same judge."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from typing import Any, TypeVar

from starlette.responses import Response

from vesalius import fhir
from vesalius.api import answers
from vesalius.api.calls import Call, check_content, version_of
from vesalius.api.commits import Change, commit
from vesalius.api.conditions import AgainError, Condition, met
from vesalius.api.outcomes import Refusal, refusal, said
from vesalius.errors import Conflict, InvalidResource
from vesalius.governance.audit import Action
from vesalius.ingest import Reception

Made = TypeVar("Made")

ATTEMPTS = 10
"""How often a request is tried whose condition changes while it is carried out."""

SHOWN = 20
"""How many wrong elements of one resource are named at most."""


def create(call: Call) -> Response:
    """A new resource, under an id that the server makes."""
    check_content(call)
    resource = loaded(call.body, call.kind)
    change = change_of(reception(call), resource, new_id())
    if not (asked := call.header("if-none-exist")):
        return _written(call, change)
    change.unless = Condition.read(call.kind, asked.lstrip("?"))
    return persistently(lambda: _unless(call, change))


def _unless(call: Call, change: Change) -> Response:
    assert change.unless is not None
    if found := met(call, change.unless):
        call.note(Action.RESOURCE_READ, found.reference, {"subject": found.subject})
        headers = answers.headers(found.version, found.received_at)
        headers |= {"Location": f"{call.base}/{found.reference}"}
        wanted = call.prefers("return") != "minimal"
        return answers.answer(answers.shown(found) if wanted else None, 200, headers)
    return _written(call, change)


def persistently(attempt: Callable[[], Made]) -> Made:
    """Carries out what depends on a condition; again, where the condition changed on the way.

    Raises:
        Conflict: it changes all the time.
    """
    for _ in range(ATTEMPTS):
        try:
            return attempt()
        except AgainError:
            continue
    raise Conflict("others create the same resources at this moment", hint="try again")


def update(call: Call) -> Response:
    """A resource under the id that the client names: a new one, or a new version."""
    check_content(call)
    kind, name = call.kind, call.id
    resource = loaded(call.body, kind)
    check_id(resource, name, needed=True)
    change = change_of(reception(call), resource, "")
    change.if_match, change.if_absent = conditions(call.header("if-match"), call.header("if-none-match"))
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


def conditions(match: str, none: str) -> tuple[int | None, bool]:
    """The version that must be in force for an update, and whether there must be none.

    Raises:
        Refusal: a condition that an update cannot have.
    """
    if none.strip() not in {"", "*"}:
        raise Refusal(400, "value", "If-None-Match of an update can only be *")
    return version_of(match, "If-Match"), bool(none.strip())


def reception(call: Call) -> Reception:
    """Who judges the resources of this request."""
    return Reception(call.hospital.lake, call.now)


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
    kept = ready if mine.body == body else fhir.load(mine.body)  # the hospital may have added standard codes
    return Change(mine, [each for each in arrivals if each is not mine], kept, fresh=bool(id_))


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
