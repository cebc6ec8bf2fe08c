"""What is written to standard error: lines of text for people, or JSON for the hospital's collector.

No line holds a word that came from outside, nor anything of a patient (``docs/governance/identifiers.md``).
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Literal

import msgspec

Form = Literal["text", "json"]

TEXT = "%(levelname)s %(name)s: %(message)s"

REFUSALS = frozenset({400, 403, 405, 409, 413, 415, 422, 429})
"""The HTTP statuses that say that somebody asked for what is not permitted, or wrongly."""

_refused = logging.getLogger("vesalius.refused")


class Json(logging.Formatter):
    """One object a line: ``time`` (RFC 3339, UTC), ``level``, ``logger``, ``message``, the kind of an error.

    The message and the trace of an error are left out: they may quote what was received about a patient.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        kind = record.exc_info[0] if record.exc_info else None
        return msgspec.json.encode(told | ({"error": kind.__name__} if kind else {})).decode()


def begin(form: Form, *, verbose: bool) -> None:
    """Sends the log of this process to standard error, unless somebody has set it up already.

    Args:
        form: how each line looks.
        verbose: whether to write more than warnings.
    """
    handler = logging.StreamHandler()
    handler.setLevel(logging.INFO if verbose else logging.WARNING)
    handler.setFormatter(Json() if form == "json" else logging.Formatter(TEXT))
    logging.basicConfig(level=handler.level, handlers=[handler])


def refused(status: int, method: str, route: str, who: str) -> None:
    """Notes a request that was answered with one of :data:`REFUSALS`; any other status is none.

    Args:
        status: of the answer.
        method: of HTTP.
        route: the pattern of the address, never the address itself.
        who: the account or the client, or nothing where it is not known.
    """
    if status in REFUSALS:
        _refused.warning("%d %s %s by %s", status, method, route, who or "nobody known")
