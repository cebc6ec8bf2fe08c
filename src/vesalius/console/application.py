"""The console as a web application: every route, who may use it, and how a request becomes an answer."""

from __future__ import annotations

import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from vesalius import api, logs
from vesalius.console import (
    about,
    academy,
    account,
    accounts,
    audits,
    board,
    codes,
    consents,
    decisions,
    dossiers,
    explanations,
    glass,
    identity,
    lookers,
    monitoring,
    quality,
    quarantine,
    received,
    register,
    reports,
    resources,
    runs,
    signin,
    stopping,
    suggestion,
    thresholds,
    trial,
    usecases,
    views,
    worklist,
)
from vesalius.console.failures import LastResort, broken, failed, unknown
from vesalius.console.security import MAX_BODY, Cookies, SecurityHeaders, secret
from vesalius.console.visit import STATIC, Visit, begin, check_token, fields
from vesalius.errors import InvalidSetting, NotAllowed, TooMany, VesaliusError
from vesalius.governance import Right, limits, provider
from vesalius.hospital import Hospital

Handler = Callable[[Visit], Response]


class _Number(Convertor[int]):
    """A number in an address; Starlette's own fails on one of thousands of digits."""

    regex = "[0-9]{1,40}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


register_url_convertor("number", _Number())

OPEN = None
"""Anybody may ask, signed in or not."""


@dataclass(frozen=True)
class Screen:
    """One route.

    Attributes:
        path: its address, with ``{names}``.
        handler: what answers.
        needs: the right it needs, or :data:`OPEN`.
        method: GET or POST.
        fresh: whether who they are is asked again, if it was not lately.
    """

    path: str
    handler: Handler
    needs: Right | None
    method: str = "GET"
    fresh: bool = False


SEARCH = "/worklist/search"
FIND = "/consents/search"

SCREENS = (
    Screen("/sign-in", signin.show, OPEN),
    Screen("/sign-in", signin.sign_in, OPEN, "POST"),
    Screen("/sign-in/code", signin.code, OPEN),
    Screen("/sign-in/code", signin.give_code, OPEN, "POST"),
    Screen("/sign-in/password", signin.own_password, OPEN),
    Screen("/sign-in/password", signin.choose_password, OPEN, "POST"),
    Screen("/sign-in/provider", signin.to_provider, OPEN),
    Screen("/sign-in/provider/return", signin.from_provider, OPEN),
    Screen("/second-factor", account.enrol, OPEN),
    Screen("/second-factor", account.confirm_factor, OPEN, "POST"),
    Screen("/sign-out", signin.sign_out, OPEN, "POST"),
    Screen("/preferences", signin.prefer, OPEN, "POST"),
    Screen("/", worklist.show, Right.SEE_FIGURES),
    Screen(SEARCH, worklist.search, Right.SEE_WORKLIST, "POST"),
    Screen("/worklist/fresh", worklist.fresh, Right.SEE_WORKLIST),
    Screen("/suggestions/{id}", suggestion.show, Right.SEE_WORKLIST),
    Screen("/suggestions/{id}/decision", suggestion.decide, Right.DECIDE, "POST"),
    Screen("/suggestions/{id}/glass", glass.break_, Right.BREAK_GLASS, "POST"),
    Screen("/suggestions/{id}/explanation", explanations.show, Right.EXPLAIN),
    Screen("/suggestions/{id}/explanation/{kind}", explanations.download, Right.EXPLAIN),
    Screen("/access", glass.show, Right.REVIEW_ACCESS),
    Screen("/access/{id:int}", glass.review, Right.REVIEW_ACCESS, "POST"),
    Screen("/access/{id:int}/undo", glass.undo, Right.REVIEW_ACCESS, "POST"),
    Screen("/decisions", decisions.show, Right.SEE_DECISIONS),
    Screen("/decisions/{id:int}/undo", decisions.undo, Right.DECIDE, "POST"),
    Screen("/resources/{type}/{id}/{version:int}", resources.show, Right.SEE_WORKLIST),
    Screen("/register", register.index, Right.SEE_GATES),
    Screen("/register", register.add, Right.KEEP_REGISTER, "POST"),
    Screen("/register/{name}", register.show, Right.SEE_GATES),
    Screen("/register/{name}/sign", usecases.sign, Right.SEE_GATES, "POST", fresh=True),
    Screen("/register/{name}/answers", register.answer, Right.KEEP_REGISTER, "POST", fresh=True),
    Screen("/register/{name}/duties", register.say, Right.KEEP_REGISTER, "POST"),
    Screen("/register/{name}/dossier", dossiers.show, Right.KEEP_DOSSIER),
    Screen("/register/{name}/dossier", dossiers.build, Right.KEEP_DOSSIER, "POST"),
    Screen("/register/{name}/dossier/verify", dossiers.verify, Right.KEEP_DOSSIER, "POST"),
    Screen("/register/{name}/dossier/{kind}", dossiers.download, Right.KEEP_DOSSIER),
    Screen("/usecases", usecases.index, Right.SEE_FIGURES),
    Screen("/usecases/{name}", usecases.show, Right.SEE_FIGURES),
    Screen("/usecases/{name}/sign", usecases.sign, Right.SEE_GATES, "POST", fresh=True),
    Screen("/usecases/{name}/settings", thresholds.show, Right.SEE_FIGURES),
    Screen("/usecases/{name}/settings", thresholds.change, Right.CHANGE_SETTINGS, "POST"),
    Screen("/usecases/{name}/trial", trial.show, Right.SEE_FIGURES),
    Screen("/usecases/{name}/trial", trial.plan, Right.PLAN_TRIAL, "POST"),
    Screen("/usecases/{name}/report", reports.show, Right.SEE_FIGURES),
    Screen("/usecases/{name}/report/{kind}", reports.download, Right.SEE_FIGURES),
    Screen("/usecases/{name}/notice/{kind}", explanations.notice, Right.SEE_FIGURES),
    Screen("/usecases/{name}/questions", reports.asked, Right.SEE_FIGURES),
    Screen("/usecases/{name}/questions", reports.answer, Right.ANSWER_QUESTIONS, "POST"),
    Screen("/board", board.show, Right.SEE_MONITORING),
    Screen("/usecases/{name}/monitoring", monitoring.show, Right.SEE_MONITORING),
    Screen("/usecases/{name}/monitoring/alarms/{id:int}", monitoring.look_at, Right.ACKNOWLEDGE, "POST"),
    Screen("/usecases/{name}/monitoring/rules", stopping.show, Right.SEE_MONITORING),
    Screen("/usecases/{name}/monitoring/rules", stopping.change, Right.CHANGE_SETTINGS, "POST"),
    Screen("/received", received.show, Right.SEE_RECEIVED),
    Screen("/quality", quality.show, Right.SEE_RECEIVED),
    Screen("/quality/feed", quality.feed, Right.SEE_RECEIVED),
    Screen("/quality/feed/switch", quality.switch, Right.SWITCH_FEEDS, "POST"),
    Screen("/quarantine", quarantine.show, Right.SEE_QUARANTINE),
    Screen("/quarantine/attempts/{id:int}", quarantine.attempt, Right.SEE_QUARANTINE),
    Screen("/quarantine/maps/{digest}", quarantine.kept_map, Right.SEE_QUARANTINE),
    Screen("/quarantine/{id:int}", quarantine.item, Right.SEE_QUARANTINE),
    Screen("/quarantine/{id:int}/bytes", quarantine.original, Right.SEE_QUARANTINE),
    Screen("/quarantine/{id:int}/retry", quarantine.retry, Right.RETRY_QUARANTINE, "POST"),
    Screen("/quarantine/{id:int}/mend", quarantine.mend, Right.RETRY_QUARANTINE, "POST"),
    Screen("/quarantine/{id:int}/aside", quarantine.set_aside, Right.RETRY_QUARANTINE, "POST"),
    Screen("/quarantine/{id:int}/back", quarantine.bring_back, Right.RETRY_QUARANTINE, "POST"),
    Screen("/terminology", codes.show, Right.SEE_CODES),
    Screen("/terminology/map", codes.decide, Right.MAP_CODES, "POST"),
    Screen("/terminology/withdraw", codes.withdraw, Right.MAP_CODES, "POST"),
    Screen("/terminology/apply", codes.apply, Right.MAP_CODES, "POST"),
    Screen("/views", views.show, Right.SEE_VIEWS),
    Screen("/views/write", views.write, Right.WRITE_VIEWS),
    Screen("/views/write", views.tried, Right.WRITE_VIEWS, "POST"),
    Screen("/views/library/{name}", views.of_library, Right.SEE_VIEWS),
    Screen("/views/library/{name}/csv", views.library_rows, Right.RUN_VIEWS),
    Screen("/views/saved/{name}", views.saved, Right.SEE_VIEWS),
    Screen("/views/saved/{name}/csv", views.saved_rows, Right.RUN_VIEWS),
    Screen("/views/saved/{name}/undo", views.undo, Right.WRITE_VIEWS, "POST"),
    Screen("/identity", identity.show, Right.SEE_IDENTITY),
    Screen("/identity/pairs/{id:int}", identity.pair, Right.SEE_IDENTITY),
    Screen("/identity/pairs/{id:int}/decision", identity.decide, Right.MERGE_PATIENTS, "POST"),
    Screen("/identity/pairs/{id:int}/merge", identity.confirm, Right.MERGE_PATIENTS),
    Screen("/identity/pairs/{id:int}/merge", identity.merge, Right.MERGE_PATIENTS, "POST"),
    Screen("/identity/merges/{id:int}", identity.merged, Right.SEE_IDENTITY),
    Screen("/identity/merges/{id:int}/undo", identity.undo, Right.MERGE_PATIENTS, "POST"),
    Screen("/consents", consents.show, Right.RECORD_CONSENT),
    Screen(FIND, consents.search, Right.RECORD_CONSENT, "POST"),
    Screen("/consents/patient", consents.patient, Right.RECORD_CONSENT),
    Screen("/consents/patient", consents.record, Right.RECORD_CONSENT, "POST"),
    Screen("/consents/{id:int}/withdraw", consents.withdraw, Right.RECORD_CONSENT, "POST"),
    Screen("/consents/{id:int}/undo", consents.undo, Right.RECORD_CONSENT, "POST"),
    Screen("/academy", academy.show, Right.SEE_EVIDENCE),
    Screen("/academy/courses/{name}", academy.course, Right.SEE_EVIDENCE),
    Screen("/academy/courses/{name}/quiz", academy.quiz, Right.SEE_EVIDENCE),
    Screen("/academy/courses/{name}/quiz", academy.answer, Right.SEE_EVIDENCE, "POST"),
    Screen("/audit", audits.show, Right.SEE_AUDIT),
    Screen("/audit/about", lookers.show, Right.SEE_AUDIT),
    Screen("/audit/about", lookers.ask, Right.SEE_AUDIT, "POST"),
    Screen("/audit/verify", audits.verify, Right.SEE_AUDIT, "POST"),
    Screen("/account", account.show, Right.SEE_EVIDENCE),
    Screen("/account/password", account.change_password, Right.SEE_EVIDENCE, "POST"),
    Screen("/account/codes", account.new_codes, Right.SEE_EVIDENCE, "POST", fresh=True),
    Screen("/account/second-factor", account.drop_factor, Right.SEE_EVIDENCE, "POST", fresh=True),
    Screen("/account/sessions", account.end_sessions, Right.SEE_EVIDENCE, "POST", fresh=True),
    Screen("/people", accounts.show, Right.MANAGE_PEOPLE),
    Screen("/people", accounts.invite, Right.MANAGE_PEOPLE, "POST", fresh=True),
    Screen("/people/change", accounts.change, Right.MANAGE_PEOPLE, "POST", fresh=True),
    Screen("/about", about.show, OPEN),
)
"""Every page and form of the console; docs/engineer/console.md lists them, and a test compares."""


def app(hospital: Hospital) -> Starlette:
    """The console of a hospital, as an ASGI application.

    Args:
        hospital: an open hospital; the caller closes it.
    """
    settings = hospital.settings
    made = Starlette(
        routes=[
            *_routes(),
            Route("/health", _health),
            Route(provider.LOGOUT, _ended_elsewhere, methods=["POST"]),
            Route("/static/report.css", _report_css),
            Mount("/static", StaticFiles(directory=STATIC), name="static"),
        ],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(LastResort),
            Middleware(RequestBodyLimitMiddleware, max_body_size=MAX_BODY),
            Middleware(
                Cookies, key=secret(hospital.home), seconds=int(settings.session_hours_at_most * 3600)
            ),
        ],
        exception_handlers={HTTPException: _refused},
    )
    made.state.hospital = hospital
    made.state.provider = provider.Provider(hospital.engine, settings) if settings.oidc_issuer else None
    made.state.behind = codes.Behind()
    made.state.dossiers = {}
    return made


def whole(hospital: Hospital) -> ASGIApp:
    """The console, and beside it the FHIR API: two applications that share nothing but the hospital.

    No session is read or written below ``/fhir``, so a browser that is signed in is a stranger there.
    """
    pages, machines = app(hospital), api.app(hospital)

    async def chosen(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        to_machines = path == api.PREFIX or path.startswith(f"{api.PREFIX}/")
        await (machines if to_machines else pages)(scope, receive, send)

    return chosen


def serve(hospital: Hospital, host: str, port: int) -> None:
    """Serves the console and the FHIR API until it is interrupted; says its address on standard output.

    Args:
        hospital: an open hospital.
        host: the address to listen on.
        port: the port, or 0 for one that is free.

    Raises:
        InvalidSetting: the port is taken, or the address is not this machine's.
    """
    import uvicorn

    try:
        listening = socket.create_server((host, port))
    except OSError as error:
        raise InvalidSetting(f"cannot listen on {host}:{port}", hint="choose another --port") from error
    with listening:
        # An answer is sent in two pieces; without this the second waits 40 ms for word of the first.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        shown = "localhost" if host in ("0.0.0.0", "::") else host  # noqa: S104 -- it is only compared  # nosec B104
        sys.stdout.write(
            f"The console is open at http://{shown}:{listening.getsockname()[1]} (Ctrl+C ends it)\n"
        )
        sys.stdout.flush()
        api.resume(hospital)
        config = uvicorn.Config(
            whole(hospital), log_config=None, log_level="warning", access_log=False, server_header=False
        )
        uvicorn.Server(config).run(sockets=[listening])


def _routes() -> list[Route]:
    paths = dict.fromkeys(screen.path for screen in SCREENS)
    return [
        Route(
            path.replace(":int}", ":number}"),
            _endpoint([each for each in SCREENS if each.path == path]),
            methods=[each.method for each in SCREENS if each.path == path],
        )
        for path in paths
    ]


def _endpoint(screens: list[Screen]) -> Callable[[Request], Awaitable[Response]]:
    by_method = {screen.method: screen for screen in screens}

    async def endpoint(request: Request) -> Response:
        body = await request.body() if request.method == "POST" else b""
        screen = by_method.get("GET" if request.method == "HEAD" else request.method)
        return await run_in_threadpool(_answer, request, screen, body)

    return endpoint


def _answer(request: Request, screen: Screen | None, body: bytes) -> Response:
    try:
        visit = begin(request, {})
    except Exception as error:  # without a database there is no page either
        return broken(error)
    try:
        answer = _enter(visit, screen, body)
    except Exception as error:  # every defect becomes a page, and a line in the log
        answer = failed(visit, error)
    route, who = screen.path if screen else "", visit.person.id if visit.person else ""
    logs.refused(answer.status_code, request.method, route, who)
    return answer


def _enter(visit: Visit, screen: Screen | None, body: bytes) -> Response:
    if screen is None:
        raise HTTPException(405)
    if screen.needs is not OPEN and visit.person is None:
        return unknown(visit)
    if screen.method == "POST":
        visit.form = _form(body)
        _check_form(visit)
    visit.right = screen.needs
    if screen.needs is not OPEN:
        visit.require(screen.needs)
        _slow_down(visit, screen)
    if screen.fresh and not visit.fresh and not account.asked_again(visit):
        return account.ask_again(visit)
    return screen.handler(visit)


def _check_form(visit: Visit) -> None:
    """Refuses a form without its token, and notes it of who is signed in: another site may have sent it."""
    try:
        check_token(visit)
    except NotAllowed:
        if visit.person is not None:
            visit.refused({"form": "without its token"})
        raise


def _slow_down(visit: Visit, screen: Screen) -> None:
    """Refuses one form, or one search, too many."""
    if screen.method != "POST":
        return
    limit = limits.SEARCHES if screen.path in (SEARCH, FIND) else limits.POSTS
    if not limit.take(visit.hospital.engine, visit.who.id, visit.now):
        raise TooMany("too much at once", seconds=limit.window.total_seconds())


def _form(body: bytes) -> dict[str, str]:
    try:
        return fields(body)
    except ValueError as error:
        raise HTTPException(400) from error


def _refused(request: Request, error: Exception) -> Response:
    return failed(begin(request, {}), error)


async def _ended_elsewhere(request: Request) -> Response:
    """The hospital's own sign-in says that a session has ended there; it is believed by its signature."""
    body = await request.body()
    return await run_in_threadpool(_end_elsewhere, request.app.state.provider, body)


def _end_elsewhere(known: provider.Provider | None, body: bytes) -> Response:
    try:
        if known is None:
            return PlainTextResponse("", status_code=404)
        known.ended(fields(body).get("logout_token", ""))
    except (VesaliusError, ValueError):
        return PlainTextResponse("", status_code=400)
    return PlainTextResponse("")


def _report_css(request: Request) -> Response:  # noqa: ARG001
    return Response(runs.stylesheet(), media_type="text/css")


async def _health(request: Request) -> Response:  # noqa: ARG001
    return PlainTextResponse("ok")
