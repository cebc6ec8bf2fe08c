"""The API as a web application: every route, the right it needs, and how a request becomes an answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import anyio
from anyio import CapacityLimiter
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from vesalius import logs
from vesalius.api import (
    answers,
    audits,
    bundles,
    capability,
    exports,
    following,
    imports,
    messages,
    reading,
    searching,
    views,
    writing,
)
from vesalius.api.calls import Call, check_answer, read_body, read_query, sign_in
from vesalius.api.commits import Writer
from vesalius.api.outcomes import Refusal, refusal
from vesalius.governance.clients import May
from vesalius.hospital import Hospital

Handler = Callable[[Call], Response]

OPEN = "open"
"""Anybody may ask, with a token or without."""

KNOWN = "known"
"""Any client may ask; the handler finds out whether it is theirs."""

AT_ONCE = 8
"""How many requests one process works on at a time; the others wait for their turn."""

SMALL = 64 * 1024
"""A body up to this size, in bytes, is read before its sender is known; a larger one only after."""

HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": (
        "default-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""On every answer: nothing is cached, nothing is run, nothing is shown inside another page."""


STRICT = "max-age=31536000; includeSubDomains"
"""For a year this host, and those below it, are asked for over https alone (RFC 6797)."""


@dataclass(frozen=True)
class Operation:
    """One route.

    Attributes:
        method: GET, POST, PUT …
        path: its address, with ``{names}``.
        handler: what answers.
        needs: the right it needs, or :data:`OPEN`, or :data:`KNOWN`.
        streams: whether the handler reads the body itself, as it comes.
        gives_tables: whether it answers in other formats than FHIR's, and looks itself at what is accepted.
    """

    method: str
    path: str
    handler: Handler
    needs: str
    streams: bool = False
    gives_tables: bool = False


def _never(words: str) -> Handler:
    def refuse(call: Call) -> Response:  # noqa: ARG001
        raise Refusal(405, "not-supported", words)

    return refuse


_KEPT = _never("nothing is deleted: write what is true now; every version is kept")
_WHOLE = _never("patches are not carried out: send the resource whole, with If-Match")

OPERATIONS = (
    Operation("GET", "/fhir/metadata", capability.show, OPEN),
    Operation("POST", "/fhir", bundles.process, May.WRITE),
    Operation("POST", "/fhir/$process-message", messages.process_message, May.WRITE),
    Operation("GET", "/fhir/$export", exports.export_all, May.EXPORT),
    Operation("GET", "/fhir/Patient/$export", exports.export_patients, May.EXPORT),
    Operation("POST", "/fhir/$import", imports.begin, May.WRITE, streams=True),
    Operation("GET", "/fhir/$jobs/{job}", following.show, KNOWN),
    Operation("DELETE", "/fhir/$jobs/{job}", following.end, KNOWN),
    Operation("GET", "/fhir/$jobs/{job}/{file}", following.file, KNOWN),
    Operation("GET", "/fhir/$sql-run", views.sql_run, May.VIEW, gives_tables=True),
    Operation("POST", "/fhir/$sql-run", views.sql_run, May.VIEW, gives_tables=True),
    Operation("GET", "/fhir/$viewdefinition-run", views.sql_run, May.VIEW, gives_tables=True),
    Operation("POST", "/fhir/$viewdefinition-run", views.sql_run, May.VIEW, gives_tables=True),
    Operation("GET", "/fhir/ViewDefinition", views.listed, May.VIEW),
    Operation("GET", "/fhir/ViewDefinition/{id}", views.read, May.VIEW),
    Operation(
        "GET", "/fhir/ViewDefinition/{id}/$viewdefinition-run", views.run_one, May.VIEW, gives_tables=True
    ),
    Operation("GET", "/fhir/AuditEvent", audits.search, May.AUDIT),
    Operation("POST", "/fhir/AuditEvent/_search", audits.search_form, May.AUDIT),
    Operation("GET", "/fhir/AuditEvent/{id}", audits.read, May.AUDIT),
    Operation("GET", "/fhir/{type}", searching.search, May.READ),
    Operation("POST", "/fhir/{type}", writing.create, May.WRITE),
    Operation("POST", "/fhir/{type}/_search", searching.search_form, May.READ),
    Operation("GET", "/fhir/{type}/{id}", reading.read, May.READ),
    Operation("PUT", "/fhir/{type}/{id}", writing.update, May.WRITE),
    Operation("DELETE", "/fhir/{type}/{id}", _KEPT, May.WRITE),
    Operation("PATCH", "/fhir/{type}/{id}", _WHOLE, May.WRITE),
    Operation("GET", "/fhir/{type}/{id}/_history", reading.history, May.READ),
    Operation("GET", "/fhir/{type}/{id}/_history/{version}", reading.vread, May.READ),
)
"""Every route of the API; docs/engineer/fhir-api.md lists them, and a test compares."""


def app(hospital: Hospital) -> Starlette:
    """The FHIR API of a hospital, as an ASGI application; its routes begin with ``/fhir``.

    Args:
        hospital: an open hospital; the caller closes it.
    """
    made = Starlette(
        routes=[Route(path, endpoint, methods=methods) for path, endpoint, methods in _routes()],
        middleware=[Middleware(_Slashless), Middleware(GZipMiddleware, minimum_size=1024, compresslevel=4)],
        exception_handlers={HTTPException: _unrouted},
    )
    made.state.hospital = hospital
    made.state.writer = Writer(hospital)
    made.state.turns = CapacityLimiter(AT_ONCE)
    return made


class _Slashless:
    """Takes a slash at the end of an address away: clients write it, and FHIR means the same."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].endswith("/"):
            scope = dict(scope) | {"path": scope["path"].rstrip("/")}
        await self._app(scope, receive, send)


def _routes() -> list[tuple[str, Callable[[Request], Awaitable[Response]], list[str]]]:
    by_path: dict[str, dict[str, Operation]] = defaultdict(dict)
    for each in OPERATIONS:
        by_path[each.path][each.method] = each
    return [(path, _endpoint(by_method), list(by_method)) for path, by_method in by_path.items()]


def _endpoint(by_method: dict[str, Operation]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        asked = by_method["GET" if request.method == "HEAD" else request.method]
        call = Call(request.app.state.hospital, request)
        try:
            response = await _answered(call, asked)
        except Exception as error:  # every defect becomes an answer, and a line in the log
            response = answers.refused(refusal(error))
        logs.refused(response.status_code, request.method, asked.path, call.client.id if call.client else "")
        for name, value in HEADERS.items():
            response.headers[name] = value
        if request.url.scheme == "https":
            response.headers["Strict-Transport-Security"] = STRICT
        return response

    return endpoint


async def _answered(call: Call, asked: Operation) -> Response:
    turns: CapacityLimiter = call.request.app.state.turns
    call.query = read_query(call.request.url.query)
    if not asked.gives_tables:
        check_answer(call)
    if call.request.method in {"POST", "PUT"}:
        if not _small(call) or asked.streams:
            await anyio.to_thread.run_sync(_enter, call, asked, limiter=turns)
        if asked.streams:
            return await _uploaded(call, asked, turns)
        call.body = await read_body(call.request)
    call.now = datetime.now(UTC)
    return await anyio.to_thread.run_sync(_work, call, asked, limiter=turns)


async def _uploaded(call: Call, asked: Operation, turns: CapacityLimiter) -> Response:
    try:
        await imports.upload(call)
        call.now = datetime.now(UTC)
        return await anyio.to_thread.run_sync(_work, call, asked, limiter=turns)
    except BaseException:
        if call.upload:
            imports.discard(call)
        raise


def _small(call: Call) -> bool:
    """Whether the body can be read before we know whose it is."""
    text = call.header("content-length")
    return text.isascii() and text.isdecimal() and len(text) < 12 and int(text) <= SMALL


def _enter(call: Call, asked: Operation) -> None:
    if asked.needs != OPEN:
        sign_in(call, "" if asked.needs == KNOWN else asked.needs)


def _work(call: Call, asked: Operation) -> Response:
    if call.client is None:
        _enter(call, asked)
    return asked.handler(call)


async def _unrouted(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    words = "this server has no such method here" if status == 405 else "this server has no such address"
    response = answers.refused(Refusal(status, "not-supported" if status == 405 else "not-found", words))
    response.headers.update(HEADERS | dict(getattr(error, "headers", None) or {}))
    if request.url.scheme == "https":
        response.headers["Strict-Transport-Security"] = STRICT
    return response
