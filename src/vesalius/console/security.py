"""What protects the console: headers, the session's key, tokens against forged forms, sign-in limits."""

from __future__ import annotations

import hmac
import os
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vesalius.errors import InvalidSetting

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
SHORTEST_KEY = 32
"""The fewest characters of a key that signs sessions."""

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
    """The key that signs session cookies; made once, readable by the owner alone.

    Raises:
        InvalidSetting: the file is there, and holds none.
    """
    path = home / KEY_FILE
    if not path.exists():
        _write_key(path)
    kept = path.read_text(encoding="ascii").strip()
    if len(kept) < SHORTEST_KEY:  # with an empty key anybody could write themselves a session
        raise InvalidSetting(f"{KEY_FILE} holds no key", hint="delete it: a new one is made")
    return kept


def _write_key(path: Path) -> None:
    """Writes a new key whole, so that no other process ever reads half of one; the first one stays."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(partial, path)
    finally:
        partial.unlink(missing_ok=True)


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


@dataclass
class SignInLimit:
    """At most ``attempts`` failed sign-ins per name, and ten times as many per address, in ``seconds``.

    It is kept in memory, per process: enough to make guessing passwords hopeless. An attempt counts from
    the moment it begins: of many that are sent at once, no more pass than of those sent one by one.

    Attributes:
        attempts: failures allowed.
        seconds: the window they are counted in.
        clock: seconds, growing.
    """

    attempts: int = 5
    seconds: float = 300.0
    clock: Callable[[], float] = time.monotonic
    failures: dict[str, list[float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def begin(self, login: str, address: str) -> bool:
        """Counts an attempt as failed until :meth:`succeeded`; False when it may not even be made."""
        with self._lock:
            if self.blocked(login, address):
                return False
            self.failed(login, address)
            return True

    def blocked(self, login: str, address: str) -> bool:
        """Whether this name or this address must wait."""
        return (
            self._count(f"login:{login}") >= self.attempts
            or self._count(f"from:{address}") >= 10 * self.attempts
        )

    def failed(self, login: str, address: str) -> None:
        """Counts a failure."""
        if len(self.failures) > 10_000:  # a flood of made-up names must not fill the memory
            self.failures = {key: times for key, times in self.failures.items() if self._count(key)}
        for key in (f"login:{login}", f"from:{address}"):
            self.failures.setdefault(key, []).append(self.clock())

    def succeeded(self, login: str, address: str) -> None:
        """Forgets the failures of a name that has signed in, and that this attempt was counted as one."""
        with self._lock:
            self.failures.pop(f"login:{login}", None)
            if self.failures.get(f"from:{address}"):
                self.failures[f"from:{address}"].pop()

    def _count(self, key: str) -> int:
        recent = [at for at in self.failures.get(key, ()) if at > self.clock() - self.seconds]
        if key in self.failures:
            self.failures[key] = recent
        return len(recent)
