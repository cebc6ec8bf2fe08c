"""Why a request is refused, as an OperationOutcome: a code, words, the element's path; never a value."""

from __future__ import annotations

import logging
import secrets
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

from vesalius import errors

log = logging.getLogger(__name__)

UNAUTHORIZED = {"WWW-Authenticate": 'Bearer realm="vesalius"'}


class Refusal(Exception):
    """A request that is not carried out; it never leaves this package but as an answer.

    Args:
        status: the HTTP status.
        code: one of FHIR's issue types.
        words: what is wrong, without any value.
        path: the element, as in ``Patient.contact[0].name``, or nothing.
        headers: what the answer carries besides.
        more: further issues, each a path and its words.
    """

    def __init__(
        self,
        status: int,
        code: str,
        words: str,
        *,
        path: str = "",
        headers: Mapping[str, str] | None = None,
        more: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(words)
        self.status = status
        self.code = code
        self.words = words
        self.path = path
        self.headers = dict(headers or {})
        self.more = tuple(more)

    @property
    def outcome(self) -> dict[str, Any]:
        """The OperationOutcome that says so."""
        issues = [issue("error", self.code, self.words, self.path)]
        issues += [issue("error", self.code, words, path) for path, words in self.more]
        return {"resourceType": "OperationOutcome", "issue": issues}

    def within(self, place: str) -> Refusal:
        """The same, of a resource inside a bundle: ``Bundle.entry[3].resource``."""

        def inside(path: str) -> str:
            if path.startswith("Bundle.entry"):
                return path
            return f"{place}.{path.partition('.')[2]}".rstrip(".") if path else place

        more = [(inside(path), words) for path, words in self.more]
        headers = self.headers
        return Refusal(self.status, self.code, self.words, path=inside(self.path), headers=headers, more=more)


def issue(severity: str, code: str, words: str, path: str = "") -> dict[str, Any]:
    """One issue of an OperationOutcome."""
    made: dict[str, Any] = {"severity": severity, "code": code, "diagnostics": words}
    return made | {"expression": [path]} if path else made


def said(words: str) -> dict[str, Any]:
    """An OperationOutcome that says that something went well."""
    return {"resourceType": "OperationOutcome", "issue": [issue("information", "informational", words)]}


_STATUSES: tuple[tuple[type[errors.VesaliusError], int, str], ...] = (
    (errors.NotFound, 404, "not-found"),
    (errors.Erased, 410, "deleted"),
    (errors.NotAllowed, 403, "forbidden"),
    (errors.Conflict, 409, "conflict"),
    (errors.TooMany, 429, "throttled"),
    (errors.UnreadableInput, 400, "structure"),
    (errors.Unavailable, 503, "transient"),
)


def refusal(error: Exception) -> Refusal:
    """What an error is for the client; a defect gets a number, and only its place goes to the log."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, errors.InvalidResource):
        rule = error.hint not in ("", "invalid-resource")
        words = error.message + (f" ({error.hint})" if rule else "")
        return Refusal(422, "business-rule" if rule else "structure", words, path=error.path)
    for kind, status, code in _STATUSES:
        if isinstance(error, kind):
            wait = str(int(getattr(error, "seconds", 5)))
            return Refusal(
                status, code, str(error), headers={"Retry-After": wait} if status in (429, 503) else {}
            )
    return Refusal(500, "exception", f"an error of the server, incident {_noted(error)}")


def _noted(error: Exception) -> str:
    incident = secrets.token_hex(4)
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    places = " < ".join(
        f"{each.filename.rpartition('/')[2]}:{each.lineno} {each.name}" for each in frames[::-1]
    )
    # The message is left out on purpose: it may quote what was received about a patient.
    log.error("incident %s: %s at %s", incident, type(error).__name__, places)
    return incident
