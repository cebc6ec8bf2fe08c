"""Is a resource well formed by R4: elements, types, cardinality, choices, patterns, required codes?"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from vesalius.errors import InvalidResource
from vesalius.fhir._structs import ElementError, decoder, may_hold_blank, pattern
from vesalius.fhir.definitions import elements, primitives, resource_types, value_set
from vesalius.fhir.json import UNREADABLE, dump, unreadable


class _Head(msgspec.Struct, gc=False):
    resourceType: str  # noqa: N815 - the name is FHIR's


_HEAD = msgspec.json.Decoder(_Head)


def check(resource: dict[str, Any] | bytes, kind: str = "") -> None:
    """Checks the structure of a resource against FHIR R4 (4.0.1).

    It refuses unknown elements, wrong types, a missing element of minimum 1, several values of one choice,
    empty lists, values that are not of the form of their primitive type, and codes outside a required value
    set (those whose codes HL7 defines itself). It does not evaluate invariants, profiles or terminology.

    Args:
        resource: the resource, decoded or as JSON.
        kind: its ``resourceType``, where the caller has already read it (saves a reading).

    Raises:
        InvalidResource: it is not well formed; ``path`` names the element, and no value of it is repeated.
    """
    raw = resource if isinstance(resource, bytes) else dump(resource)
    if kind not in resource_types():
        path, message = _problem(raw, kind)
    elif _right(raw, kind):
        return
    else:
        path, message = _problem_of(raw, kind)
    if message:
        raise InvalidResource(message, path=path)


def check_nested(name: str, found: Any) -> None:
    """Checks the whole resources that the element ``name`` of another resource holds (one, or a list).

    Raises:
        ElementError: one of them is wrong; the outer :func:`check` turns it into its own error.
    """
    for place, raw in enumerate(found) if isinstance(found, list) else [(None, found)]:
        inside = name if place is None else f"{name}[{place}]"
        path, message = _problem(bytes(raw))
        if message:
            _, dot, rest = path.partition(".")
            raise ElementError(f"{inside}{dot}{rest}", message)


def _problem(raw: bytes, kind: str = "") -> tuple[str, str]:
    """The path and the words of what is wrong; no words when nothing is."""
    try:
        kind = kind or _HEAD.decode(raw).resourceType
    except msgspec.ValidationError:
        return "", "is not a FHIR resource: it has no resourceType"
    except UNREADABLE as error:
        return "", unreadable(error)
    if kind not in resource_types():
        return "resourceType", "is not a resource type of FHIR R4"
    return ("", "") if _right(raw, kind) else _problem_of(raw, kind)


def _right(raw: bytes, kind: str) -> bool:
    """Whether a look of the shorter kind tells that it is right; if not, a longer one must tell."""
    if may_hold_blank(raw):
        return False
    try:
        # the quick form knows no extension of a primitive
        decoder(kind, "Wide" if b"_" in raw and b'"_' in raw else "Quick")(raw)
    except UNREADABLE:
        return False
    return True


def _problem_of(raw: bytes, kind: str) -> tuple[str, str]:
    try:
        decoder(kind, "Full")(raw)
    except msgspec.ValidationError as error:
        return _said(kind, error)
    except UNREADABLE as error:
        return kind, unreadable(error)
    return "", ""


def _said(kind: str, error: msgspec.ValidationError) -> tuple[str, str]:
    """The path and the words for an error of msgspec, whose own may repeat a value of the patient."""
    words, _, place = str(error).partition(" - at `$")
    path = kind + place.rstrip("`")
    if isinstance(error.__cause__, ElementError):
        return f"{path}.{error.__cause__.path}", words
    if named := re.fullmatch(r"Object missing required field `(\w+)`", words):
        return f"{path}.{named[1]}", "is missing"
    if named := re.fullmatch(r"Object contains unknown field `(.*)`", words, re.DOTALL):
        # A name may itself be data that slipped: only what looks like an element's name is repeated.
        known = re.fullmatch(r"_?[A-Za-z]{1,64}", named[1])
        return (
            f"{path}.{named[1]}" if known else path
        ), "is not an element of this type" if known else "has an unknown element"
    if words.startswith("Invalid enum value"):
        return path, _codes_of(path)
    if words.startswith("Expected `str` matching regex"):
        return path, f"does not have the form of {_form(words)}"
    return path, re.sub(r"`(\w+)`", r"\1", words[:1].lower() + words[1:])


def _codes_of(path: str) -> str:
    kind, *names = re.sub(r"\[\d+\]", "", path).split(".")
    codes = ""
    for name in names:
        if name == "resourceType":
            return "is another type"
        element = next(element for element in elements(kind) if name in element.names)
        kind, codes = element.names[name], element.codes
    allowed = value_set(codes)
    return f"is not one of {', '.join(allowed)}" if len(allowed) <= 12 else f"is not a code of {codes}"


def _form(words: str) -> str:
    if words == f"Expected `str` matching regex {pattern('string')!r}":
        return "a text: it is empty"
    matching = (kind for kind in primitives() if words == f"Expected `str` matching regex {pattern(kind)!r}")
    return f"a FHIR {next(matching, 'value')}"
