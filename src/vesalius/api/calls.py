"""One request: who asks, for what, in which form, with which body; all checked before it is believed."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from vesalius import fhir
from vesalius.api.outcomes import UNAUTHORIZED, Refusal
from vesalius.errors import NotAllowed
from vesalius.governance import audit, clients
from vesalius.governance.audit import Action
from vesalius.governance.clients import Client
from vesalius.hospital import Hospital

PREFIX = "/fhir"
"""Where the API lies on this server."""

JSON = ("application/fhir+json", "application/json", "text/json")
NDJSON = ("application/fhir+ndjson", "application/x-ndjson", "application/ndjson")
FORM = ("application/x-www-form-urlencoded",)

MAX_BODY = 64 * 1024 * 1024
"""The largest body that is read into memory, in bytes, decompressed."""

BODY_SECONDS = 60.0
"""For how long a client may take to send such a body."""

ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)
_ETAG = re.compile(r'(?:W/)?"([0-9]{1,9})"', re.ASCII)


@dataclass
class Call:
    """One request.

    Attributes:
        hospital: whom it is sent to.
        request: as the framework gives it.
        client: who asks; None before it is known.
        query: the parameters, in their order.
        body: the body, decompressed.
        upload: the name of the file that holds the body, where it is not read into memory.
        now: when it came.
    """

    hospital: Hospital
    request: Request
    client: Client | None = None
    query: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    upload: str = ""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def base(self) -> str:
        """The address of the API, as the client wrote it."""
        return f"{self.request.url.scheme}://{self.request.url.netloc}{PREFIX}"

    @property
    def who(self) -> Client:
        """The client that asks, once it has signed in."""
        assert self.client is not None
        return self.client

    @property
    def kind(self) -> str:
        """The resource type in the address.

        Raises:
            Refusal: R4 has no such type.
        """
        return known_type(self.request.path_params["type"])

    @property
    def id(self) -> str:
        """The id in the address.

        Raises:
            Refusal: no resource can have it.
        """
        return known_id(self.request.path_params["id"])

    def header(self, name: str) -> str:
        """A header, or nothing."""
        return self.request.headers.get(name, "")

    def prefers(self, name: str) -> str:
        """What the client prefers of ``return``, ``handling`` and the like; empty when it says nothing."""
        for part in ",".join(self.request.headers.getlist("prefer")).replace(";", ",").split(","):
            key, _, value = part.strip().partition("=")
            if key.strip().lower() == name:
                return value.strip().strip('"') or "true"
        return ""

    def parameter(self, name: str, default: str = "") -> str:
        """The value of a parameter, the last if there are several."""
        return next((value for key, value in reversed(self.query) if key == name), default)

    def note(self, action: Action, thing: str, detail: Mapping[str, Any], where: Any = None) -> None:
        """Writes an audit event, in a transaction if one is given."""
        audit.record(where or self.hospital.engine, self.who.actor, action, thing[:128], detail, self.now)


def known_type(name: str) -> str:
    """A resource type of R4.

    Raises:
        Refusal: it is none.
    """
    if name not in fhir.resource_types():
        raise Refusal(404, "not-supported", "FHIR R4 has no such resource type")
    return name


def known_id(text: str) -> str:
    """An id that a resource can have.

    Raises:
        Refusal: it has another form.
    """
    if not ID.fullmatch(text):
        raise Refusal(404, "not-found", "no resource has such an id")
    return text


def version_of(etag: str, header: str) -> int | None:
    """The version that ``If-Match`` or the like names; None when it names none.

    Raises:
        Refusal: it has another form.
    """
    if not etag:
        return None
    if not (found := _ETAG.fullmatch(etag.strip())):
        raise Refusal(400, "value", f'{header} has the form W/"3"')
    return int(found[1])


def sign_in(call: Call, right: str) -> None:
    """Finds out who asks, and whether they have a right (if one is named).

    Raises:
        Refusal: no token, or it is not right.
        NotAllowed: the client may not do this.
        TooMany: too many wrong tokens came from there.
    """
    scheme, _, token = call.header("authorization").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Refusal(401, "login", "a bearer token is needed", headers=UNAUTHORIZED)
    address = call.request.client.host if call.request.client else "unknown"
    try:
        call.client = clients.sign_in(call.hospital.engine, token.strip(), address, call.now)
    except NotAllowed as error:
        raise Refusal(401, "login", error.message, headers=UNAUTHORIZED) from None
    if right and right not in call.client.may:
        # The address may hold an id: only the kind of thing that was asked for is kept.
        call.note(Action.ACCESS_REFUSED, PREFIX, {"right": right, "method": call.request.method})
        raise Refusal(403, "forbidden", f"this client may not {right}")


def check_answer(call: Call) -> None:
    """Whether the client takes JSON.

    Raises:
        Refusal: it takes none of our formats.
    """
    # A "+" that nobody encoded comes as a space in an address.
    asked = call.parameter("_format").replace(" ", "+") or call.header("accept") or "*/*"
    kinds = [each.partition(";")[0].strip().lower() for each in asked.split(",")]
    taken = {"*/*", "application/*", "json", *JSON, *NDJSON}
    if not taken & set(kinds):
        raise Refusal(406, "not-supported", "this server answers in application/fhir+json")


def check_content(call: Call, kinds: tuple[str, ...] = JSON) -> str:
    """The media type of the body.

    Raises:
        Refusal: it is not one of ``kinds``.
    """
    kind, _, rest = call.header("content-type").partition(";")
    kind, rest = kind.strip().lower(), rest.replace(" ", "").replace('"', "").lower()
    charset = re.search(r"charset=([^;]*)", rest)
    if kind not in kinds or (charset and charset[1] not in {"utf-8", "utf8"}):
        raise Refusal(415, "not-supported", f"the body must be {kinds[0]} in UTF-8")
    version = re.search(r"fhirversion=([^;]*)", rest)
    if version and not version[1].startswith("4.0"):
        raise Refusal(415, "not-supported", "this server speaks FHIR R4 (4.0)")
    return kind


def read_query(text: str) -> list[tuple[str, str]]:
    """The parameters of an address or of a form.

    Raises:
        Refusal: they are not text, or far too many.
    """
    try:
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=200)
    except ValueError:
        raise Refusal(400, "value", "the parameters are not UTF-8, or there are more than 200") from None


async def read_body(request: Request) -> bytes:
    """The body, decompressed.

    Raises:
        Refusal: it is too large, damaged, too slow, or in an encoding that we do not read.
    """
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _received(request)
    except TimeoutError:
        raise Refusal(408, "timeout", f"the body took more than {BODY_SECONDS:g} seconds") from None
    except ClientDisconnect:
        raise Refusal(400, "incomplete", "the connection ended before the body did") from None


async def _received(request: Request) -> bytes:
    unpack = _unpacking(request)
    held = bytearray()
    async for chunk in request.stream():
        held += unpack.take(chunk, MAX_BODY + 1 - len(held))
        if len(held) > MAX_BODY:
            raise Refusal(413, "too-costly", f"the body is larger than {MAX_BODY} bytes")
    unpack.end()
    return bytes(held)


class _Plain:
    """A body that is not compressed."""

    def take(self, chunk: bytes, most: int) -> bytes:  # noqa: ARG002
        return chunk

    def end(self) -> None:
        pass


class _Gzip:
    """A compressed body, of one member or several; what swells beyond the limit is not even unpacked."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(31)

    def take(self, chunk: bytes, most: int) -> bytes:
        made = b""
        try:
            while chunk and len(made) < most:
                if self._member.eof:
                    self._member = zlib.decompressobj(31)
                made += self._member.decompress(chunk, most - len(made))
                chunk = self._member.unused_data or self._member.unconsumed_tail
        except zlib.error:
            raise Refusal(400, "structure", "the body is not gzip") from None
        return made

    def end(self) -> None:
        if not self._member.eof:
            raise Refusal(400, "incomplete", "the gzip body breaks off")


def _unpacking(request: Request) -> _Plain | _Gzip:
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip", "x-gzip"}:
        raise Refusal(415, "not-supported", "the content encoding must be gzip, or none")
    return _Plain() if encoding == "identity" else _Gzip()
