"""HL7 v3 data types as FHIR has them: identifiers, codes, times, amounts, names, addresses."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from vesalius.ingest._resources import local_time, made
from vesalius.ingest._xml import Element, text

TABLES: Mapping[str, Mapping[str, Any]] = tomllib.loads(
    files(__package__).joinpath("tables.toml").read_text(encoding="utf-8")
)
"""The tables of ``tables.toml``, by name."""

_OID = re.compile(r"[0-2](?:\.(?:0|[1-9]\d*))+", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_TIME = re.compile(
    r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d+))?)?)?)?)?)?(?:([+-]\d\d):?(\d\d))?",
    re.ASCII,
)
_UCUM = "http://unitsofmeasure.org"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}type"
_SCHEMES = {"tel": "phone", "mailto": "email", "fax": "fax", "http": "url", "https": "url"}


def system(root: str) -> str:
    """The URI of an OID (or UUID), as FHIR names the system.

    >>> system("2.16.840.1.113883.6.1"), system("1.2.3")
    ('http://loinc.org', 'urn:oid:1.2.3')
    """
    if known := TABLES["systems"].get(root):
        return str(known)
    if _OID.fullmatch(root):
        return f"urn:oid:{root}"
    return f"urn:uuid:{root.lower()}" if _UUID.fullmatch(root) else f"urn:ccda:root:{quote(root, safe='')}"


def identifiers(element: Element) -> list[dict[str, str]]:
    """The identifiers among the children of an element."""
    found = []
    for child in element.iterfind("id"):
        root, extension = _attribute(child, "root"), _attribute(child, "extension")
        if child.get("nullFlavor") or not (root or extension):
            continue
        if root and extension:
            found.append({"system": system(root), "value": extension})
        elif root:
            found.append({"system": "urn:ietf:rfc:3986", "value": system(root)})
        else:
            found.append({"value": extension})
    return found


def _attribute(element: Element, name: str) -> str:
    return " ".join((element.get(name) or "").split())


def concept(element: Element | None, words: Mapping[str, str]) -> dict[str, Any]:
    """A coded value: its code, its translations, and the words that it stands for.

    Args:
        element: the value.
        words: what stands in the readable text of the section, by its ID.
    """
    if element is None:
        return {}
    codings = [one for child in (element, *element.iterfind("translation")) if (one := coding(child))]
    said = original(element, words) or _attribute(element, "displayName")
    if not said and element.get(_XSI, "").rpartition(":")[2] in {"ST", "ED"}:
        said = text(element)
    return made(coding=codings, text=said)


def coding(element: Element) -> dict[str, str]:
    """The code of a coded value; empty if it has none."""
    code = _attribute(element, "code")
    if not code:
        return {}
    root = _attribute(element, "codeSystem")
    return made(system=system(root) if root else "", code=code, display=_attribute(element, "displayName"))


def original(element: Element, words: Mapping[str, str]) -> str:
    """The words that a coded value stands for."""
    return referred(element.find("originalText"), words)


def referred(element: Element | None, words: Mapping[str, str]) -> str:
    """The words of a text: its own, or those that it refers to."""
    if element is None:
        return ""
    link = element.find("reference")
    found = words.get((link.get("value") or "").removeprefix("#"), "") if link is not None else ""
    return found or text(element)


def time(element: Element | None) -> str:
    """A FHIR dateTime from a point in time; empty if it has none, or one that does not exist."""
    if element is None:
        return ""
    form = _TIME.fullmatch((element.get("value") or "").strip())
    if form is None:
        return ""
    day = "-".join(part for part in form.group(1, 2, 3) if part)
    if not form[5]:
        return local_time(day, "")
    fraction = f".{form[7][:6].ljust(6, '0')}" if form[7] else ""
    zone = f"{form[8]}:{form[9]}" if form[8] else ""
    return local_time(day, f"{form[4]}:{form[5]}:{form[6] or '00'}{fraction}{zone}")


def instant(written: str) -> str:
    """A dateTime, if it is a moment and not a day."""
    return written if "T" in written else ""


def period(element: Element | None) -> dict[str, str]:
    """From low to high; a point in time begins and ends with itself."""
    if element is None:
        return {}
    point = time(element)
    return made(start=time(element.find("low")) or point, end=time(element.find("high")) or point)


def quantity(element: Element | None) -> dict[str, Any]:
    """An amount with its unit, its digits kept; empty if it has none."""
    value = None if element is None else number(element.get("value"))
    if element is None or value is None:
        return {}
    unit = _attribute(element, "unit")
    if not unit or unit == "1":
        return {"value": value}
    # Units are meant to be UCUM; what has a space or letters outside ASCII is not.
    ucum = unit.isascii() and " " not in unit
    return {"value": value, "unit": unit} | ({"system": _UCUM, "code": unit} if ucum else {})


def number(written: str | None) -> int | Decimal | None:
    """A number, its digits kept; None if it is not one."""
    try:
        value = Decimal((written or "").strip())
    except InvalidOperation:
        return None
    if not value.is_finite() or abs(value) >= 10**12:
        return None
    return int(value) if value == value.to_integral_value() and "." not in str(value) else value


def type_of(element: Element) -> str:
    """The data type that a value says it has."""
    return str(element.get(_XSI, "")).rpartition(":")[2]


def templates(element: Element) -> Iterator[str]:
    """The last part of each of the template ids of C-CDA that an entry has."""
    for child in element.iterfind("templateId"):
        root = child.get("root") or ""
        if root.startswith("2.16.840.1.113883.10.20.22.4."):
            yield root.rpartition(".")[2]


def names(element: Element) -> list[dict[str, Any]]:
    """The names of a person."""
    found = []
    for name in element.iterfind("name"):
        parts = {kind: [said for one in name.iterfind(kind) if (said := text(one))] for kind in _PARTS}
        one = made(
            family=" ".join(parts["family"]),
            given=parts["given"],
            prefix=parts["prefix"],
            suffix=parts["suffix"],
        )
        if one or text(name):
            found.append(one or {"text": text(name)})
    return found


_PARTS = ("family", "given", "prefix", "suffix")


def telecoms(element: Element) -> list[dict[str, Any]]:
    """Telephone, fax, mail and addresses on the web."""
    found = []
    for telecom in element.iterfind("telecom"):
        scheme, colon, rest = _attribute(telecom, "value").partition(":")
        value = rest if colon and scheme.lower() in _SCHEMES else _attribute(telecom, "value")
        kind = _SCHEMES.get(scheme.lower(), "other")
        if value:
            shown = f"{scheme}:{rest}" if kind == "url" else value
            found.append(
                made(system=kind, value=shown, use=_use(telecom, ("home", "work", "mobile", "temp")))
            )
    return found


def addresses(element: Element) -> list[dict[str, Any]]:
    """The postal addresses of an element."""
    found = []
    for address in element.iterfind("addr"):
        one = made(
            use=_use(address, ("home", "work", "temp")),
            line=[said for line in address.iterfind("streetAddressLine") if (said := text(line))],
            city=text(address.find("city")),
            state=text(address.find("state")),
            postalCode=text(address.find("postalCode")),
            country=text(address.find("country")),
        )
        if one.keys() - {"use"}:
            found.append(one)
    return found


def _use(element: Element, allowed: tuple[str, ...]) -> str:
    uses = (TABLES["uses"].get(one, "") for one in (element.get("use") or "").split())
    return next((use for use in uses if use in allowed), "")
