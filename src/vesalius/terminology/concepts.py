"""The codes inside a resource: where they stand, which are local, and what they are called.

Nothing here trusts the shape of a resource: a step of ingest runs before the checks.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Container, Iterator
from functools import cache
from typing import Any, NamedTuple

from vesalius.terminology.standards import QUANTITY, kinds, standard_for

TEXT = "urn:vesalius:text"
"""The system of what has no code but words: the code is then the text in its :func:`plain` form."""

LONGEST = 80
"""A text longer than this, in characters, is no name of a concept: it is counted, but never kept or shown."""

MARK = "https://vesalius.example/fhir/StructureDefinition/added-by-mapping"
"""The extension that says of a coding (or quantity) which decision of this hospital added it."""

UUID = "urn:uuid:"

ANY_UNIT = "*"
"""A mapping that holds whatever the unit."""

ANY_KIND = "*"
"""A mapping that holds wherever its target is standard."""


class Key(NamedTuple):
    """What one local code is known by.

    Attributes:
        kind: of the element, as in ``standards.toml``.
        system: of the code; :data:`TEXT` when there are only words.
        code: the code, or the words in their plain form.
        unit: of the result beside it; empty where there is none or it does not matter.
    """

    kind: str
    system: str
    code: str
    unit: str


def plain(text: str) -> str:
    """Words in the one form in which they are compared: case, spaces and final marks do not count.

    >>> plain("  Ionen :"), plain("GLUCOSE  (Nüchtern)")
    ('ionen', 'glucose (nüchtern)')
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).strip(" .:;,-_*")


@cache
def places(type_: str) -> tuple[tuple[str, tuple[str, ...], bool], ...]:
    """Where a resource type holds codes: the kind, the names that lead there, whether a unit matters."""
    found = ((kind, path.split(".")) for kind in kinds().values() for path in kind.paths)
    return tuple((kind.name, tuple(path[1:]), kind.units) for kind, path in found if path[0] == type_)


@cache
def types() -> tuple[str, ...]:
    """The resource types that hold codes, in the order of ``standards.toml``."""
    return tuple(dict.fromkeys(path.split(".")[0] for kind in kinds().values() for path in kind.paths))


class Found(NamedTuple):
    """One codeable concept or quantity of a resource.

    Attributes:
        kind: of the element.
        value: the concept or quantity itself.
        unit: of the result beside it, as it was received; empty where it does not matter.
        holder: the object that holds it.
    """

    kind: str
    value: dict[str, Any]
    unit: str
    holder: dict[str, Any]


def elements(resource: dict[str, Any], own: Container[str] = ()) -> Iterator[Found]:
    """Every codeable concept and quantity of a resource; a code that one of ``own`` added is no unit."""
    type_ = resource.get("resourceType")
    if not isinstance(type_, str):
        return
    for kind, names, units in places(type_):
        for holder, value in _values(resource, names):
            yield Found(kind, value, unit_of(holder.get("valueQuantity"), own) if units else "", holder)


def _values(holder: Any, names: tuple[str, ...]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each object at the end of a path, with the object that holds it."""
    if not isinstance(holder, dict):
        return
    value = holder.get(names[0])
    for each in value if isinstance(value, list) else (value,):
        if not isinstance(each, dict):
            continue
        if len(names) == 1:
            yield holder, each
        else:
            yield from _values(each, names[1:])


def unit_of(quantity: Any, own: Container[str] = ()) -> str:
    """The unit of a quantity, as its code or else its words; empty where there is none."""
    if not isinstance(quantity, dict):
        return ""
    code = "" if "extension" in quantity and added_by(quantity) in own else quantity.get("code")
    found = code or quantity.get("unit")
    return found.strip()[:LONGEST] if isinstance(found, str) else ""


def codings(concept: dict[str, Any]) -> list[dict[str, Any]]:
    """The codings of a concept that have a code."""
    found = concept.get("coding")
    if not isinstance(found, list):
        return []
    return [each for each in found if isinstance(each, dict) and isinstance(each.get("code"), str)]


def added_by(value: dict[str, Any]) -> str:
    """The decision that added a coding or the code of a quantity; empty if it came that way."""
    found = value.get("extension")
    for each in found if isinstance(found, list) else ():
        if isinstance(each, dict) and each.get("url") == MARK:
            uri = each.get("valueUri")
            return uri.removeprefix(UUID) if isinstance(uri, str) else ""
    return ""


def received(concept: dict[str, Any], own: Container[str]) -> list[dict[str, Any]]:
    """The codings of a concept that came with it: those that no decision of ``own`` added."""
    return [each for each in codings(concept) if "extension" not in each or added_by(each) not in own]


def coded(kind: str, of: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The first of some codings that is from a system that is standard for this kind of element."""
    standard = standard_for(kind)
    return next((each for each in of if each.get("system") in standard), None)


def local_keys(kind: str, value: dict[str, Any], unit: str, own: Container[str]) -> list[Key]:
    """What a concept is known by locally: each coding with a system, else its words; the first counts.

    A code without a system means nothing by itself: the words beside it stand for it. A quantity is known by
    the words of its unit as long as it has no code.
    """
    if kind == QUANTITY:
        text = _words(value.get("unit"))
        free = "code" not in value or added_by(value) in own
        return [Key(kind, TEXT, text, "")] if text and free else []
    named = [
        Key(kind, each["system"], each["code"], unit)
        for each in received(value, own)
        if isinstance(each.get("system"), str) and each["system"] and each["code"]
    ]
    text = "" if named else plain(name_of(value, own))
    return named or ([Key(kind, TEXT, text, unit)] if text else [])


def name_of(concept: dict[str, Any], own: Container[str]) -> str:
    """What people call a concept: its text, else the display of its first coding that has one."""
    names = [concept.get("text"), *(each.get("display") for each in received(concept, own))]
    return next((name for name in (_words(each) for each in names) if name), "")


def _words(text: Any) -> str:
    return text.strip() if isinstance(text, str) else ""
