"""Errors as pages that say what to do, and never a trace of a patient in the log."""

from __future__ import annotations

import logging
import secrets
import traceback

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vesalius import errors, logs
from vesalius.console.contexts import ErrorPage
from vesalius.console.languages import N_
from vesalius.console.visit import Visit, redirect, render, sign_in_path

log = logging.getLogger(__name__)

PAGES = {
    400: (
        N_("This could not be read"),
        N_("Something in the form or the address is missing or wrong. Go back, check it and send it again."),
    ),
    403: (
        N_("You may not do this"),
        N_("Your role does not permit it, or the form was too old. If your work needs it, ask the director."),
    ),
    404: (
        N_("There is nothing here"),
        N_(
            "The address is wrong, or what it named is not in this hospital. Start again from the first page."
        ),
    ),
    405: (N_("This cannot be done here"), N_("Start again from the first page.")),
    409: (
        N_("Somebody was faster"),
        N_("This changed after you opened it. Nothing was written. Open it again to see how it stands now."),
    ),
    413: (N_("This is too large"), N_("Shorten the text and send it again.")),
    429: (N_("This was too much at once"), N_("Wait a few minutes, then try again. Nothing was written.")),
    503: (
        N_("Something that this needs does not answer"),
        N_("Nothing was written. Try again in a few minutes; decide without this tool meanwhile."),
    ),
    500: (
        N_("Something is broken here"),
        N_("Nothing was written. Try again; decide on the patient without this tool meanwhile."),
    ),
}
"""For each HTTP status what is wrong and what to do."""

STATUSES: tuple[tuple[type[errors.VesaliusError], int], ...] = (
    (errors.NotFound, 404),
    (errors.NotAllowed, 403),
    (errors.Conflict, 409),
    (errors.InvalidDecision, 400),
    (errors.InvalidCard, 400),
    (errors.InvalidSetting, 400),
    (errors.TooMany, 429),
    (errors.Unavailable, 503),
)


def failed(visit: Visit, error: Exception) -> Response:
    """The page for an error; a defect gets a number, and only its place goes to the log."""
    if isinstance(error, HTTPException):
        return _page(visit, error.status_code)
    for kind, status in STATUSES:
        if isinstance(error, kind):
            return _page(visit, status, detail=str(error))
    return _page(visit, 500, incident=noted(error))


def broken(error: Exception) -> Response:
    """The answer when not even a page can be made."""
    status = 503 if isinstance(error, errors.Unavailable) else 500
    return PlainTextResponse(
        f"Vesalius is not available (incident {noted(error)}). Work without it.", status_code=status
    )


class LastResort:
    """Answers where everything else failed, so that no trace of an error reaches the log with its message."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            if message.get("status") == 413:  # of a body that is too large no page hears
                logs.refused(413, str(scope["method"]), "any form", "")
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except ClientDisconnect:
            return  # who asked has gone
        except Exception as error:  # every defect becomes an answer, and a line in the log
            if scope["type"] != "http":
                raise
            answer = broken(error)
            if not begun:
                await answer(scope, receive, send)


def noted(error: Exception) -> str:
    """Writes a defect's place to the log; the number under which it is there."""
    incident = secrets.token_hex(4)
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    places = " < ".join(
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in reversed(frames)
    )
    # The message is left out on purpose: it may quote what was received about a patient.
    log.error("incident %s: %s at %s", incident, type(error).__name__, places)
    return incident


def unknown(visit: Visit) -> Response:
    """The answer to somebody who has not signed in and asks for a page that needs it."""
    if visit.request.headers.get("hx-request"):  # htmx would put the sign-in page inside the old one
        return PlainTextResponse("", status_code=401, headers={"HX-Redirect": "/sign-in"})
    return redirect(sign_in_path(visit))


def _page(visit: Visit, status: int, detail: str = "", incident: str = "") -> Response:
    title, advice = PAGES.get(status, PAGES[500 if status >= 500 else 400])
    return render(visit, "error.html", ErrorPage(status, title, advice, detail, incident), status)
