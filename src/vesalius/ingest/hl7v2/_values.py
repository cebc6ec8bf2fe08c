"""What a text of HL7 v2 becomes as a primitive value of FHIR, and how codes and systems are translated."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from vesalius import fhir
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest.hl7v2 import _times

if TYPE_CHECKING:
    from vesalius.ingest.hl7v2._run import Run

Reader = Callable[["Run", str], Any]

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)", re.ASCII)
_V2_TABLE = re.compile(r"(?:HL7|L|V2-|v2-)?(\d{4})")
_OID = re.compile(r"[0-2](?:\.(?:0|[1-9]\d*))+", re.ASCII)
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
_SAFE = re.compile(r"[A-Za-z0-9%/:=&?~#+!$,;'@()*.\[\]_-]+")
_URI = re.compile(r"(?:https?://|urn:)\S+")

V2_SYSTEM = "http://terminology.hl7.org/CodeSystem/v2-"


def reader(kind: str, codes: str) -> Reader:
    """What reads a text as a primitive type; ``codes`` is the value set that a code must come from."""
    if kind == "code" and codes:
        return _bound_code(codes)
    return _READERS.get(kind, string)


def _bad(run: Run, what: str) -> FaultError:
    return FaultError(Cause.BAD_VALUE, f"{run.place} is not {what}")


def string(_: Run, text: str) -> str | None:
    """A text without the characters that R4 forbids; None if nothing is left."""
    return (text if text.isprintable() else _CONTROL.sub("", text)).strip() or None


def _line(_: Run, text: str) -> str | None:
    return " ".join(text.split()) or None


def _bound_code(codes: str) -> Reader:
    allowed = {code.lower(): code for code in fhir.value_set(codes)}
    return lambda _, text: allowed.get(text.strip().lower())


def _uri(_: Run, text: str) -> str | None:
    text = text.strip()
    if _OID.fullmatch(text):
        return f"urn:oid:{text}"
    if _SAFE.fullmatch(text):
        return text
    return quote(text, safe="%/:=&?~#+!$,;'@()*[]-._") or None


def decimal(run: Run, text: str) -> Decimal:
    """A number with the digits it was written with.

    Raises:
        FaultError: it is none.
    """
    text = text.strip()
    if not _NUMBER.fullmatch(text) or len(text) > 40:
        raise _bad(run, "a number")
    return Decimal(text)


def _whole(least: int) -> Reader:
    def read(run: Run, text: str) -> int | None:
        number = decimal(run, text)
        if number != number.to_integral_value() or abs(number) > 2**31 - 1:
            raise _bad(run, "a whole number")
        return int(number) if number >= least else None

    return read


def _boolean(_: Run, text: str) -> bool | None:
    return {"y": True, "true": True, "1": True, "n": False, "false": False, "0": False}.get(
        text.strip().lower()
    )


def _date(run: Run, text: str) -> str:
    if found := run.clock.date(text.strip()):
        return found
    raise _bad(run, "a date that exists")


def _date_time(run: Run, text: str) -> str:
    if found := run.clock.date_time(text.strip()):
        return found
    raise _bad(run, "a date or time that exists")


def _instant(run: Run, text: str) -> str:
    if found := run.clock.instant(text.strip()):
        return found
    raise _bad(run, "a date or time that exists")


def _time(run: Run, text: str) -> str:
    if found := _times.time(text.strip()):
        return found
    raise _bad(run, "a time of day")


def _base64(_: Run, text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _xhtml(_: Run, text: str) -> str:
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{safe}</div>'


_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_READERS: dict[str, Reader] = {
    "code": _line,
    "uri": _uri,
    "url": _uri,
    "canonical": _uri,
    "decimal": decimal,
    "integer": _whole(-(2**31)),
    "unsignedInt": _whole(0),
    "positiveInt": _whole(1),
    "boolean": _boolean,
    "date": _date,
    "dateTime": _date_time,
    "instant": _instant,
    "time": _time,
    "base64Binary": _base64,
    "xhtml": _xhtml,
}


TIMED = frozenset({_date, _date_time, _instant})
"""What reads the same text in another way for another sender."""


def system_of(name: str, sender: str, known: dict[str, str]) -> str:
    """The URI of a code system or of an assigning authority.

    Args:
        name: what the message calls it: ``LN``, ``HL70001``, an OID, a URI, or a name of the sender's own.
        sender: who sent it; a name of his own means what he means by it, and nothing elsewhere.
        known: names that are known, in capitals, each with its URI.
    """
    name = name.strip()
    if found := known.get(name.upper()):
        return found
    if table := _V2_TABLE.fullmatch(name):
        return V2_SYSTEM + table[1]
    if _OID.fullmatch(name):
        return f"urn:oid:{name}"
    if _UUID.fullmatch(name):
        return f"urn:uuid:{name.lower()}"
    if _URI.fullmatch(name):
        return name
    return _own_name(sender, name)


@lru_cache(maxsize=4096)
def _own_name(sender: str, name: str) -> str:
    return f"urn:x-hl7v2:{quote(sender, safe='')}:{quote(name, safe='')}"


def authority(parts: list[str], run: Run) -> str:
    """The URI of an assigning authority (HD): its universal id, else its name as the sender means it."""
    name = run.text(parts[0]) if parts else ""
    universal = run.text(parts[1]) if len(parts) > 1 else ""
    kind = parts[2].upper() if len(parts) > 2 else ""
    known = run.tables.systems
    if universal and universal != '""':
        if found := known.get(universal.upper()):
            return found
        if kind in {"DNS", "L", "M", "N", "GUID", "X400", "X500", "RANDOM", "HCD"} and not _UUID.fullmatch(
            universal
        ):
            return f"urn:x-hl7v2:{kind}:{quote(universal, safe='')}"
        return system_of(universal, run.sender, known)
    return system_of(name, run.sender, known) if name and name != '""' else ""
