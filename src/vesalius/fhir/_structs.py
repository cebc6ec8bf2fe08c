"""msgspec Structs made from the R4 element tables, one per type, when the type is first needed.

Each type exists twice. The *quick* form refuses what is rare though right: primitives that carry an extension
(``_birthDate``) and nulls in lists. Whatever it accepts is valid, and it is half the size, hence fast; only
what it refuses is decoded again with the *full* form, whose word is final.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, ForwardRef, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from vesalius.fhir.definitions import Element, elements, primitives, resource_types, value_set

Check = Callable[[Any], None]


class ElementError(ValueError):
    """A check that a type alone cannot express has failed; ``path`` is relative to the struct."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


# Where we leave the letter of the specification's patterns: its pattern of a string refuses the no-break
# spaces of French typography, and its pattern of base64 takes exponential time on a text made for that.
_PATTERNS = {
    "string": r"\S",
    "markdown": r"\S",
    "base64Binary": r"^(?:\s*[0-9A-Za-z+/=]{4})+\s*\Z",
    "xhtml": r"^\s*<div[\s>/]",
}
_NUMBERS: dict[str, Any] = {
    "boolean": bool,
    "decimal": float,
    "integer": Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)],
    "unsignedInt": Annotated[int, Meta(ge=0, le=2**31 - 1)],
    "positiveInt": Annotated[int, Meta(ge=1, le=2**31 - 1)],
}


@cache
def pattern(kind: str) -> str:
    """The anchored regular expression of a primitive type that is written as a string."""
    return _PATTERNS.get(kind) or rf"^(?:{primitives()[kind]})\Z"


_building = threading.RLock()
# A type and those inside it are made together: another thread must not use them half made.


@cache
def decoder(kind: str, *, full: bool) -> msgspec.json.Decoder[Any]:
    """The decoder of resources of one type; it raises ``msgspec.ValidationError`` for what is wrong."""
    with _building:
        return msgspec.json.Decoder(_struct(kind, full))


@cache
def _struct(kind: str, full: bool) -> type[msgspec.Struct]:
    names, needed = [], []
    for element in elements(kind):
        for name, child in element.names.items():
            names += _fields(element, name, child, full)
            needed.append("Element" if child in primitives() else child)
    if kind in resource_types():
        names.insert(0, ("resourceType", Literal[kind]))
    name = _class_name(kind, full)
    built = msgspec.defstruct(
        name, _renamed(names), module=__name__, kw_only=True, gc=False, forbid_unknown_fields=True,
        rename={_attribute(field[0]): field[0] for field in names}, namespace=_namespace(kind, full),
    )  # fmt: skip
    setattr(sys.modules[__name__], name, built)  # msgspec looks here for the types that ForwardRefs name
    for child in dict.fromkeys(needed):
        if child != "Resource" and not hasattr(sys.modules[__name__], _class_name(child, full)):
            _struct(child, full)
    return built


def _class_name(kind: str, full: bool) -> str:
    return f"{'Full' if full else 'Quick'}_{kind.replace('.', '_')}"


def _attribute(name: str) -> str:
    return f"at_{name}"  # no FHIR name (class, for, import) is then a Python keyword


def _renamed(fields: Iterable[tuple[Any, ...]]) -> list[Any]:
    return [(_attribute(name), *rest) for name, *rest in fields]


def _fields(element: Element, name: str, kind: str, full: bool) -> list[tuple[Any, ...]]:
    primitive = kind in primitives()
    value = _value(element, kind, full)
    if full and primitive and element.many:
        value |= None
    if element.many:
        value = Annotated[list.__class_getitem__(value), Meta(min_length=1)]
    required = element.min and not element.choice and not (full and primitive)
    found: list[tuple[Any, ...]] = [(name, value) if required else (name, value | UnsetType, UNSET)]
    if full and primitive:
        extension: Any = ForwardRef(_class_name("Element", full))
        found.append((f"_{name}", (list[extension | None] if element.many else extension) | UnsetType, UNSET))
    return found


def _value(element: Element, kind: str, full: bool) -> Any:
    if kind == "Resource":
        return Raw  # checked by the checks below, by its own type
    if kind not in primitives():
        return ForwardRef(_class_name(kind, full))
    if kind in _NUMBERS:
        return _NUMBERS[kind]
    if element.codes and kind == "code":
        return Literal[value_set(element.codes)]
    return Annotated[str, Meta(pattern=pattern(kind))]


def _namespace(kind: str, full: bool) -> dict[str, Any]:
    checks = [check for element in elements(kind) for check in _checks(element, full)]
    if not checks:
        return {}
    if len(checks) == 1:
        return {"__post_init__": lambda self, only=checks[0]: only(self)}

    def run(self: Any) -> None:
        for check in checks:
            check(self)

    return {"__post_init__": run}


def _checks(element: Element, full: bool) -> Iterable[Check]:
    primitive = not element.choice and element.types[0] in primitives()
    if element.choice:
        yield _one_choice(element, full)
    if "Resource" in element.types:
        yield _whole_resources(element)
    if element.codes and element.types == ("CodeableConcept",) and not element.many:
        yield _coded(element)
    if full and primitive and element.many:
        yield _nulls_explained(element)
    if full and primitive and element.min:
        yield _present(element)


def _one_choice(element: Element, full: bool) -> Check:
    names = [_attribute(name) for name in element.names]
    values, required = attrgetter(*names), bool(element.min)
    extensions = [_attribute(f"_{name}") for name, kind in element.names.items() if kind in primitives()]
    absent = (UNSET,) * len(names)

    def check(self: Any) -> None:
        given = values(self)
        if given == absent:
            if required and not (full and any(getattr(self, name) is not UNSET for name in extensions)):
                raise ElementError(element.name, "is missing")
        elif given.count(UNSET) < len(names) - 1:
            raise ElementError(element.name, "has more than one value")

    return check


def _whole_resources(element: Element) -> Check:
    value = attrgetter(_attribute(element.name))

    def check(self: Any) -> None:
        found = value(self)
        if found is not UNSET:
            from vesalius.fhir.validation import check_nested

            check_nested(element.name, found)

    return check


def _coded(element: Element) -> Check:
    value, codes = attrgetter(_attribute(element.name)), frozenset(value_set(element.codes))

    def check(self: Any) -> None:
        codings = UNSET if value(self) is UNSET else value(self).at_coding
        if codings is not UNSET and not any(coding.at_code in codes for coding in codings):
            raise ElementError(element.name, f"has no code of {element.codes}")

    return check


def _nulls_explained(element: Element) -> Check:
    values, extensions = attrgetter(_attribute(element.name)), attrgetter(_attribute(f"_{element.name}"))

    def check(self: Any) -> None:
        found, said = values(self), extensions(self)
        if found is UNSET or None not in found:
            return
        if (
            said is UNSET
            or len(said) != len(found)
            or any(v is None and e is None for v, e in zip(found, said, strict=True))
        ):
            raise ElementError(element.name, "holds a null without an extension that says why")

    return check


def _present(element: Element) -> Check:
    both = attrgetter(_attribute(element.name), _attribute(f"_{element.name}"))

    def check(self: Any) -> None:
        if both(self) == (UNSET, UNSET):
            raise ElementError(element.name, "is missing")

    return check
