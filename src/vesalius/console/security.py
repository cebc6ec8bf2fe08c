"""What protects the console: headers, the cookie and its key, tokens against forged forms."""

from __future__ import annotations

import hmac
import secrets
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.middleware.sessions import SessionMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vesalius.governance import keyfile

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
"""The Content-Security-Policy of every response: nothing from elsewhere, nothing inline."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}

KEY_FILE = "console.secret"
COOKIE = "vesalius"

MAX_BODY = 64 * 1024
"""The largest form that is read, in bytes; no page of the console needs more."""


class SecurityHeaders:
    """Puts :data:`HEADERS` on every response, and keeps pages (not static files) out of every cache.

    Behind a TLS proxy (the request's scheme is https) the cookie is also marked Secure.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                _protect(MutableHeaders(scope=message), scope, message["status"])
            await send(message)

        await self.app(scope, receive, protected)


def _protect(headers: MutableHeaders, scope: Scope, status: int) -> None:
    for name, value in HEADERS.items():
        headers[name] = value
    # The page that says "there is no such file" has the reader's name and token on it: it is no static file.
    static = scope["path"].startswith("/static/") and status in (200, 206, 304)
    headers.setdefault("Cache-Control", "public, max-age=3600" if static else "no-store")
    if scope["scheme"] == "https":
        headers["Strict-Transport-Security"] = "max-age=31536000"
        for index, (key, cookie) in enumerate(headers.raw):
            if key == b"set-cookie" and b"secure" not in cookie.lower():
                headers.raw[index] = (key, cookie + b"; secure")


def secret(home: Path) -> str:
    """The key that signs cookies; made once, readable by the owner alone.

    Raises:
        InvalidSetting: the file is there, and holds none.
    """
    return keyfile.key(home / KEY_FILE)


class Cookies:
    """The signed cookie: ``__Host-`` under https, so that no other host or path can set it (RFC 6265bis).

    It holds what people chose for their eyes, the token of their forms, and the token of their session, which
    is kept at the server.

    Args:
        app: what answers.
        key: signs it.
        seconds: for how long a browser keeps it.
    """

    def __init__(self, app: ASGIApp, key: str, seconds: int) -> None:
        kept = {"secret_key": key, "max_age": seconds, "same_site": "lax"}
        self.plain = SessionMiddleware(app, session_cookie=COOKIE, **kept)  # type: ignore[arg-type]
        self.secure = SessionMiddleware(app, session_cookie=f"__Host-{COOKIE}", https_only=True, **kept)  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        await (self.secure if scope.get("scheme") == "https" else self.plain)(scope, receive, send)


def new_token() -> str:
    """A token that a form must bring back."""
    return secrets.token_urlsafe(24)


def same(given: str, expected: str) -> bool:
    """Whether two tokens are the same, in a time that does not depend on where they differ."""
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())


def local_path(target: str, default: str = "/") -> str:
    """``target`` when it is a path of this console, else ``default``: a form never sends anyone elsewhere."""
    plain = target.isprintable() and "\\" not in target
    return target if plain and target.startswith("/") and not target.startswith("//") else default
