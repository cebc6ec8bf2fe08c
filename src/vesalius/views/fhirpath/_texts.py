"""The functions of FHIRPath on text (FHIRPath N1, 5.6)."""

from __future__ import annotations

import base64
import binascii
import html
import json
from collections.abc import Callable
from typing import Any

from vesalius.errors import InvalidView
from vesalius.views.fhirpath._functions import FUNCTIONS, Function, Items, function, text, whole
from vesalius.views.fhirpath._regex import matches, matches_full, replaced
from vesalius.views.fhirpath._values import as_text, bare

_TEXT = "text"


def _of_text(name: str, result: str, run: Callable[..., Any], least: int = 0, most: int = 0) -> None:
    """Declares a function of one text and some texts; empty where any of them is."""

    def call(items: Items, *given: Items) -> Items:
        values = [text(each, f"{name}()") for each in (items, *given)]
        if any(value is None for value in values):
            return []
        found = run(*values)
        return found if isinstance(found, list) else [found]

    FUNCTIONS[name] = Function(call, least, max(least, most), result, many=result == "", chapter=_TEXT)


_of_text("upper", "string", str.upper)
_of_text("lower", "string", str.lower)
_of_text("trim", "string", str.strip)
_of_text("length", "integer", len)
_of_text("startsWith", "boolean", lambda value, start: value.startswith(start), 1)
_of_text("endsWith", "boolean", lambda value, end: value.endswith(end), 1)
_of_text("contains", "boolean", lambda value, part: part in value, 1)
_of_text("indexOf", "integer", lambda value, part: value.find(part), 1)
_of_text("lastIndexOf", "integer", lambda value, part: value.rfind(part) if part else 0, 1)
_of_text("replace", "string", lambda value, old, new: value.replace(old, new), 2)
_of_text("matches", "boolean", matches, 1, 2)
_of_text("matchesFull", "boolean", matches_full, 1, 2)
_of_text("replaceMatches", "string", replaced, 2, 3)
_of_text("split", "", lambda value, separator: value.split(separator) if separator else list(value), 1)
_of_text("toChars", "", list)


@function("substring", _TEXT, 1, 2, result="string")
def _substring(items: Items, start: Items, length: Items | None = None) -> Items:
    value = text(items, "substring()")
    if value is None or not start:
        return []
    begin = whole(start, "substring()")
    if not 0 <= begin < len(value):
        return []
    return [value[begin:] if not length else value[begin : begin + max(0, whole(length, "substring()"))]]


@function("join", _TEXT, 0, 1, result="string")
def _join(items: Items, separator: Items | None = None) -> Items:
    """No value where there is nothing to join (the test suite since 2.1.0)."""
    between = text(separator, "join()") if separator else ""
    texts = (as_text(bare(item)) for item in items)
    return [(between or "").join(each for each in texts if each is not None)] if items else []


# --- encodings (STU) ------------------------------------------------------------------------------------


def _encode(value: str, form: str) -> str:
    raw = value.encode()
    if form == "hex":
        return raw.hex()
    if form in ("base64", "urlbase64"):
        return (base64.b64encode if form == "base64" else base64.urlsafe_b64encode)(raw).decode()
    raise InvalidView(f"there is no encoding {form[:32]!r}", hint="hex, base64 or urlbase64")


def _decode(value: str, form: str) -> str | list[Any]:
    """The text again; nothing where it is not of the encoding."""
    try:
        if form == "hex":
            return bytes.fromhex(value).decode()
        if form == "base64":
            return base64.b64decode(value, validate=True).decode()
        if form == "urlbase64":
            return base64.b64decode(value, altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        return []
    raise InvalidView(f"there is no encoding {form[:32]!r}", hint="hex, base64 or urlbase64")


def _escape(value: str, form: str) -> str:
    if form == "html":
        return html.escape(value, quote=True)
    if form == "json":
        return json.dumps(value, ensure_ascii=False)[1:-1]
    raise InvalidView(f"there is no escaping for {form[:32]!r}", hint="html or json")


def _unescape(value: str, form: str) -> str | list[Any]:
    """The text again; nothing where its escapes cannot be read."""
    if form == "html":
        return html.unescape(value)
    if form == "json":
        try:
            found = json.loads(f'"{value}"')
        except ValueError:
            return []
        return found if isinstance(found, str) else []
    raise InvalidView(f"there is no escaping for {form[:32]!r}", hint="html or json")


_of_text("encode", "string", _encode, 1)
_of_text("decode", "string", _decode, 1)
_of_text("escape", "string", _escape, 1)
_of_text("unescape", "string", _unescape, 1)
