"""Views for machines: the operations ``$sql-run`` and ``$viewdefinition-run``, and the views that are here.

They follow SQL on FHIR 3.0.0-ballot (https://build.fhir.org/ig/HL7/sql-on-fhir/OperationDefinition-SQLRun.html)
and the operation of 2.1 that came before, as far as a ViewDefinition goes: SQL of a client's own is not run.
Rows are sent as they come. An answer that breaks off, for its time or its length, has no last chunk: whoever
reads it is told by HTTP that it is not whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any

import anyio
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from vesalius import fhir
from vesalius.api.answers import answer, bundle
from vesalius.api.calls import Call, check_content
from vesalius.api.outcomes import Refusal
from vesalius.errors import InvalidResource, InvalidView, NotFound
from vesalius.governance import secondary
from vesalius.governance import views as saved
from vesalius.governance.audit import Action
from vesalius.governance.secondary import LeftOut

if TYPE_CHECKING:
    import pyarrow as pa

    from vesalius.views import View

MOST_ROWS = 1_000_000
"""How many rows an answer has at most."""

MOST_SECONDS = 300.0
"""For how long an answer is made at most."""

MOST_PATIENTS = 1_000
"""How many patients can be named."""

AT_ONCE = 4
"""How many views one process runs for machines at a time."""

LEFT_OUT = "Patients-Left-Out"
"""The header that says how many patients are not in the answer, because they refuse its use."""

TYPE = "ViewDefinition"

PARAMETERS = (
    "subjectCanonical",
    "subjectReference",
    "subjectResource",
    "viewReference",
    "viewResource",
    "resource",
    "_format",
    "header",
    "patient",
    "_since",
    "_limit",
)
"""What can be asked."""

_REFUSED = {
    "group": "groups are not kept here: name the patients",
    "source": "views read the lake of this hospital",
    "parameters": "only ViewDefinitions run here, which have no parameters",
    "context": "only ViewDefinitions run here, which depend on nothing",
}
_PLAIN = frozenset(PARAMETERS) - {"subjectResource", "viewResource", "resource"}
_turns = BoundedSemaphore(AT_ONCE)

Given = dict[str, list[Any]]
"""The parameters: each name with its values, plain ones as Python has them, references as text."""


@dataclass(frozen=True)
class _Wanted:
    """What was asked, checked."""

    name: str
    definition: Mapping[str, Any]
    form: str
    header: bool
    subjects: tuple[str, ...] | None
    since: datetime | None
    limit: int | None
    resources: tuple[dict[str, Any], ...] | None


def sql_run(call: Call) -> Response:
    """``$sql-run``: the rows of one view."""
    return _run(call, _given(call))


def run_one(call: Call) -> Response:
    """``ViewDefinition/ID/$viewdefinition-run``: the rows of the view in the address."""
    given = _given(call)
    if set(given) & {"subjectCanonical", "subjectReference", "subjectResource"}:
        raise Refusal(400, "invalid", "the view is named in the address already")
    return _run(call, given | {"subjectReference": [f"{TYPE}/{call.id}"]})


def listed(call: Call) -> Response:
    """The views that are here: those of the library, and those that people saved."""
    name, url = call.parameter("name"), call.parameter("url")
    entries = [
        {"fullUrl": f"{call.base}/{TYPE}/{found['id']}", "resource": found, "search": {"mode": "match"}}
        for found in _all(call)
        if name in ("", found.get("name")) and url in ("", found.get("url"))
    ]
    return answer(bundle("searchset", entries, total=len(entries)))


def read(call: Call) -> Response:
    """One view."""
    return answer(_by_id(call, call.id))


def _run(call: Call, given: Given) -> Response:
    from vesalius.views import View, output

    wanted = _wanted(call, given)
    try:
        view = View.load(wanted.definition)
    except InvalidView as error:
        raise _refused(error) from None
    out = _left_out(call, view, wanted)
    if not _turns.acquire(blocking=False):
        raise Refusal(503, "transient", "other views are running", headers={"Retry-After": "5"})
    pieces = _released(_pieces(call, view, wanted, out))
    # The first piece is made before the answer begins: what is wrong by then is still an OperationOutcome.
    first = next(pieces, b"")
    return _Streamed(first, pieces, output.FORMATS[wanted.form], {LEFT_OUT: out.told})


def _left_out(call: Call, view: View, wanted: _Wanted) -> LeftOut:
    """Who stays out of the rows; nobody, where they serve care, or come from resources at hand."""
    if call.who.cares or wanted.resources is not None:
        return secondary.NOBODY
    return secondary.left_out(
        call.hospital.lake, [view.definition.resource], subjects=wanted.subjects, at=call.now
    )


class _Streamed(StreamingResponse):
    """An answer that comes piece by piece, and lets go of what it holds when it ends, however it ends."""

    def __init__(
        self, first: bytes, pieces: Generator[bytes, None, None], media_type: str, headers: dict[str, str]
    ) -> None:
        super().__init__(chain([first], pieces), headers=headers, media_type=media_type)
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it; a client that goes away in the middle ends it too."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._pieces.close)


def _released(pieces: Iterator[bytes]) -> Generator[bytes, None, None]:
    try:
        yield from pieces
    except InvalidView as error:
        raise _refused(error) from None
    finally:
        _turns.release()


def _pieces(call: Call, view: View, wanted: _Wanted, out: LeftOut) -> Iterator[bytes]:
    from vesalius.views import output

    limit = wanted.limit or MOST_ROWS + 1
    if wanted.resources is not None:
        rows = output.from_resources(view, wanted.resources, limit)
    else:
        _note(call, view, wanted, out)
        asked = output.Asked(since=wanted.since, subjects=wanted.subjects, without=out.without, limit=limit)
        rows = output.batches(view, call.hospital.lake, asked)
    yield from output.encoded(_bounded(rows), view.schema, wanted.form, header=wanted.header)


def _bounded(rows: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    end, count = time.monotonic() + MOST_SECONDS, 0
    for batch in rows:
        count += batch.num_rows
        if count > MOST_ROWS:
            raise Refusal(413, "too-costly", f"more than {MOST_ROWS} rows: give _limit, or patients")
        if time.monotonic() > end:
            raise Refusal(503, "timeout", f"it takes more than {MOST_SECONDS:g} seconds")
        yield batch


def _note(call: Call, view: View, wanted: _Wanted, out: LeftOut) -> None:
    detail: dict[str, Any] = {
        "left_out": out.patients,
        "resource": view.definition.resource,
        "columns": list(view.columns[:100]),
        "digest": saved.digest(dict(wanted.definition)),
        "format": wanted.form,
    }
    if wanted.subjects is not None:
        detail["subjects"] = sorted(wanted.subjects)
    call.note(Action.VIEW_READ, wanted.name, detail)


def _refused(error: InvalidView) -> Refusal:
    place = f"{TYPE}.{error.place}" if error.place else TYPE
    words = error.message.removeprefix(f"{error.place}: ")
    return Refusal(422, "invalid", words + (f" ({error.hint})" if error.hint else ""), path=place)


def _given(call: Call) -> Given:
    """The parameters of the address, or of the body; those of 2.1 under their names of 3.0."""
    found: Given = {}
    for name, value in call.query:
        if name in _PLAIN or name in _REFUSED:
            found.setdefault(name, []).append(value.replace(" ", "+") if name == "_format" else value)
        elif name != "_pretty":
            raise Refusal(400, "not-supported", f"in an address, there is no parameter {name[:40]!r}")
    if call.request.method == "POST":
        check_content(call)
        for name, value in _body(call.body):
            found.setdefault(name, []).append(value)
    for name, words in _REFUSED.items():
        if name in found:
            raise Refusal(400, "not-supported", words, path=name)
    for old, new in (("viewReference", "subjectReference"), ("viewResource", "subjectResource")):
        if old in found:
            found[new] = found.get(new, []) + found.pop(old)
    return found


def _body(body: bytes) -> Iterator[tuple[str, Any]]:
    """The names and values of a Parameters resource."""
    wrong = Refusal(400, "structure", "the body is a Parameters resource in JSON", path="Parameters")
    try:
        resource = fhir.load(body)
    except InvalidResource:
        raise wrong from None
    parameters = resource.get("parameter", [])
    if resource.get("resourceType") != "Parameters" or not isinstance(parameters, list):
        raise wrong
    for at, each in enumerate(parameters):
        place = f"Parameters.parameter[{at}]"
        name = each.get("name") if isinstance(each, dict) else None
        if name not in PARAMETERS and name not in _REFUSED:
            raise Refusal(400, "not-supported", "there is no such parameter", path=place)
        values = [value for key, value in each.items() if key == "resource" or key.startswith("value")]
        if len(values) != 1:
            raise Refusal(400, "structure", "a parameter has one value", path=place)
        value = values[0]
        is_reference = isinstance(value, dict) and "valueReference" in each
        yield name, value.get("reference", "") if is_reference else value


def _wanted(call: Call, given: Given) -> _Wanted:
    name, definition = _subject(call, given)
    resources = _resources(given)
    wanted = _Wanted(
        name=name,
        definition=definition,
        form=_form(call, given),
        header=_flag(given, "header", default=True),
        subjects=_patients(call, given),
        since=_moment(given),
        limit=_limit(given),
        resources=resources,
    )
    if resources is not None and (wanted.subjects is not None or wanted.since):
        raise Refusal(400, "not-supported", "patient and _since narrow the lake, not resources at hand")
    return wanted


def _subject(call: Call, given: Given) -> tuple[str, Mapping[str, Any]]:
    """The view that is named, in one of three ways, with its name for the audit."""
    ways = {
        "subjectCanonical": _by_url,
        "subjectReference": _by_reference,
        "subjectResource": _at_hand,
    }
    named = [(find, value) for way, find in ways.items() for value in given.get(way, ())]
    if len(named) != 1:
        raise Refusal(
            400,
            "required",
            "name one view: subjectCanonical, subjectReference or subjectResource",
        )
    find: Callable[[Call, Any], Mapping[str, Any]] = named[0][0]
    found = find(call, named[0][1])
    if str(found.get("resourceType", TYPE)).rpartition("/")[2] != TYPE:
        raise Refusal(422, "not-supported", "only ViewDefinitions run here", path="subjectResource")
    return (str(found["name"]) if "id" in found and "name" in found else "view"), _without_id(found)


def _without_id(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name != "id"}


def _by_url(call: Call, value: Any) -> Mapping[str, Any]:
    url, _, version = str(value).partition("|")
    for each in _all(call):
        if each.get("url") == url and version in ("", each.get("version")):
            return each
    raise Refusal(404, "not-found", "there is no view of that address", path="subjectCanonical")


def _by_reference(call: Call, value: Any) -> Mapping[str, Any]:
    kind, _, name = str(value).removeprefix(f"{call.base}/").partition("/")
    if kind != TYPE:
        raise Refusal(404, "not-found", "views are ViewDefinition/ID here", path="subjectReference")
    return _by_id(call, name)


def _at_hand(_: Call, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Refusal(400, "structure", "it is a resource", path="subjectResource")
    return _without_id(value)


def _all(call: Call) -> Iterator[dict[str, Any]]:
    from vesalius.views import library

    for name in library.names():
        yield _with_id(name, library.definition(name))
    for each in saved.everyone(call.hospital.engine):
        yield _with_id(each.name, each.definition)


def _by_id(call: Call, id_: str) -> dict[str, Any]:
    from vesalius.views import library

    name = id_.replace("-", "_")
    try:
        if name in library.names():
            return _with_id(name, library.definition(name))
        return _with_id(name, saved.current(call.hospital.engine, name).definition)
    except NotFound:
        raise Refusal(404, "not-found", "there is no such view") from None


def _with_id(name: str, definition: dict[str, Any]) -> dict[str, Any]:
    """A view as a resource: FHIR's ids have no underscores."""
    return {"resourceType": TYPE, "id": name.replace("_", "-"), **_without_id(definition), "name": name}


def _form(call: Call, given: Given) -> str:
    """What to encode the rows as: as asked, else as the client takes it, else NDJSON."""
    from vesalius.views import output

    media = {kind: form for form, kind in output.FORMATS.items()}
    taken = [each.partition(";")[0].strip().lower() for each in call.header("accept").split(",")]
    if not {"", "*/*", "application/*", "text/*", "application/octet-stream", *media} & set(taken):
        raise Refusal(406, "not-supported", f"rows come as {', '.join(media)}")
    asked = _last(given, "_format")
    if asked is None:
        return next((media[kind] for kind in taken if kind in media), "ndjson")
    form = media.get(str(asked), str(asked))
    if form not in output.FORMATS:
        raise Refusal(400, "not-supported", f"_format is one of {', '.join(output.FORMATS)}", path="_format")
    return form


def _last(given: Given, name: str) -> Any:
    return given[name][-1] if given.get(name) else None


def _flag(given: Given, name: str, *, default: bool) -> bool:
    value = _last(given, name)
    known = {None: default, True: True, False: False, "true": True, "false": False}
    if not isinstance(value, str | bool | None) or value not in known:
        raise Refusal(400, "value", "it is true or false", path=name)
    return known[value]


def _limit(given: Given) -> int | None:
    value = _last(given, "_limit")
    if value is None:
        return None
    text = str(value)
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and 1 <= int(text) <= MOST_ROWS):
        raise Refusal(400, "value", f"it is a number from 1 to {MOST_ROWS}", path="_limit")
    return int(text)


def _moment(given: Given) -> datetime | None:
    value = _last(given, "_since")
    try:
        return fhir.parse_time(str(value).replace(" ", "+")) if value is not None else None
    except InvalidResource:
        raise Refusal(400, "value", "it is a moment, as 2026-05-17T09:30:00Z", path="_since") from None


def _patients(call: Call, given: Given) -> tuple[str, ...] | None:
    if "patient" not in given:
        return None
    named = [str(value).removeprefix(f"{call.base}/") for value in given["patient"]]
    named = [name if "/" in name else f"Patient/{name}" for name in named]
    if len(named) > MOST_PATIENTS:
        raise Refusal(400, "too-costly", f"at most {MOST_PATIENTS} patients can be named", path="patient")
    for name in named:
        if not name.startswith("Patient/") or name.count("/") != 1 or not _there(call, name):
            raise Refusal(400, "not-found", "there is no such patient", path="patient")
    return tuple(dict.fromkeys(named))


def _there(call: Call, name: str) -> bool:
    try:
        return call.hospital.lake.read(name) is not None
    except NotFound:
        return False


def _resources(given: Given) -> tuple[dict[str, Any], ...] | None:
    """The resources at hand; of a bundle, those inside it."""
    if "resource" not in given:
        return None
    found: list[dict[str, Any]] = []
    for each in given["resource"]:
        if not isinstance(each, dict) or not isinstance(each.get("resourceType"), str):
            raise Refusal(400, "structure", "it is a resource", path="resource")
        entries = each.get("entry", []) if each["resourceType"] == "Bundle" else [{"resource": each}]
        inside = (entry.get("resource") for entry in entries if isinstance(entry, dict))
        found += [resource for resource in inside if isinstance(resource, dict)]
    return tuple(found)
