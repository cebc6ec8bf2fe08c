"""Reads an element of decoded resources by its name, choice elements (``value[x]``) included."""

# ruff: noqa: ARG005 - every compiled step takes the items and the scope, used or not

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vesalius.views.fhirpath._functions import Items
from vesalius.views.fhirpath._types import (
    PRIMITIVES,
    SUFFIXES,
    Shape,
    derived,
    is_a,
    is_choice,
    member,
    suffix,
)
from vesalius.views.fhirpath._values import Choice, bare

Read = Callable[[Items], Items]


def members(target: Callable[..., Items], read: Read, root: bool) -> Callable[..., Items]:
    """A step of a path: ``read`` on what ``target`` gives; at the start of a path, on the focus itself."""
    if root:
        return lambda items, scope: read(items)
    return lambda items, scope: read(target(items, scope))


def read_member(name: str, shape: Shape) -> Read:
    """Reads ``.name``; where the shape does not rule out a choice, the value carries its type."""
    known = shape.types != () and len(shape.types) == 1
    plain = _plain(name)
    return plain if known else _with_choices(name, plain)


def _plain(name: str) -> Read:
    def read(items: Items) -> Items:
        if len(items) == 1 and items[0].__class__ is dict:
            value = items[0].get(name)
            if value.__class__ is not list:
                return [] if value is None else [value]
        found: Items = []
        for item in items:
            value = item.get(name) if isinstance(item, dict) else _inside(item, name)
            if isinstance(value, list):
                found += value if None not in value else [each for each in value if each is not None]
            elif value is not None:
                found.append(value)
        return found

    return read


def _inside(item: Any, name: str) -> Any:
    value = bare(item)
    return value.get(name) if isinstance(value, dict) else None


def _with_choices(name: str, plain: Read) -> Read:
    length = len(name)

    def read(items: Items) -> Items:
        return plain(items) or [choice for item in items for choice in choices(bare(item))]

    def choices(item: Any) -> Items:
        if not isinstance(item, dict):
            return []
        return [
            Choice(value, SUFFIXES[key[length:]])
            for key, value in item.items()
            if value is not None and key.startswith(name) and key[length:] in SUFFIXES
        ]

    return read


def read_choice(name: str, wanted: str, owner: Shape) -> Read:
    """Reads ``.name.ofType(wanted)``: the choice elements of that type or one derived from it."""
    kinds = derived(wanted)
    if is_choice(owner.type, name):
        allowed = member(owner, name).types
        return _together([_plain(f"{name}{suffix(kind)}") for kind in kinds if kind in allowed])
    known = member(owner, name).type
    if known and known != "Resource":
        return _plain(name) if is_a(known, wanted) else lambda items: []
    direct = _together([_plain(f"{name}{suffix(kind)}") for kind in kinds])
    plain = _plain(name)

    def read(items: Items) -> Items:
        return direct(items) or [item for item in plain(items) if is_a(_type(item, kinds), kinds[0])]

    return read


def _together(reads: list[Read]) -> Read:
    if len(reads) == 1:
        return reads[0]
    # In the order of the items, whichever type each of them has.
    return lambda items: [value for item in items for read in reads for value in read([item])]


def _type(item: Any, kinds: tuple[str, ...]) -> str:
    """The type of an element that is no choice: a resource says it, a data type is believed."""
    if isinstance(item, dict):
        return str(item.get("resourceType", kinds[0]))
    return kinds[0] if kinds[0] in PRIMITIVES else ""
