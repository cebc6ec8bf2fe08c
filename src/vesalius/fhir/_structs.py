"""msgspec Structs made from the R4 element tables, one per type, when the type is first needed.

Each type exists twice. The *quick* form refuses what is rare though right: primitives that carry an extension
(``_birthDate``) and nulls in lists. Only what it refuses is decoded again with the *full* form, whose word is
final. Whatever the quick form accepts is valid, provided that no text in it is blank, which its caller knows
(:func:`may_hold_blank`); to match a pattern costs more than to decode the text, so the quick form matches
none that says the same of all texts, and remembers the words that come again and again.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterable
from decimal import Decimal
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
_TEXT = Annotated[str, Meta(min_length=1)]
_NUMBERS: dict[str, Any] = {
    "boolean": bool,
    "decimal": float,
    "integer": Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)],
    "unsignedInt": Annotated[int, Meta(ge=0, le=2**31 - 1)],
    "positiveInt": Annotated[int, Meta(ge=1, le=2**31 - 1)],
}


_HUGE = 300
"""Numbers of more digits before the point are for the full form, which knows what a float can hold."""


@cache
def pattern(kind: str) -> str:
    """The anchored regular expression of a primitive type that is written as a string."""
    published = re.sub(r"(?<!\\)\((?!\?)", "(?:", primitives()[kind])  # no groups: nobody reads them, all pay
    return _PATTERNS.get(kind) or rf"^(?:{published})\Z"


# A text is blank if nothing but white space stands between its quotes, plain or escaped. In JSON no other
# place has a quote before such a run and one after it, but for quotes that are escaped themselves.
_WHITE = [chr(code) for code in range(0x3001) if chr(code).isspace()]
_BLANK = re.compile(
    rb'"(?:[ ]|\\(?:[nrtf]|u(?i:%s))|%s)*"'
    % (
        b"|".join(b"%04x" % ord(each) for each in _WHITE),
        b"|".join(each.encode() for each in _WHITE if not each.isascii()),
    )
)
_WIDE = tuple({b'"' + each.encode()[:1] for each in _WHITE if not each.isascii()})
_SPACED = re.compile(b'" ').search  # twice as fast as "in", which looks at every quote


def may_hold_blank(raw: bytes) -> bool:
    """Whether some text in this JSON may be blank: False is certain, True is rare."""
    begins = _SPACED(raw) is not None or (b"\\" in raw and b'"\\' in raw)
    if not begins and not raw.isascii():
        begins = any(each in raw for each in _WIDE)
    return begins and _BLANK.search(raw) is not None


class _Memory:
    """Texts that come again and again: to find one among those known to be right is a third of matching it.

    Args:
        kinds: what they are; a text is known only if it is right as each of them.
    """

    MOST = 20_000
    """How many are known before it begins anew."""

    def __init__(self, *kinds: str) -> None:
        self._kinds = kinds
        self.known: set[Any] = {UNSET}

    def add(self, text: str) -> None:
        """Remembers a text, if it is right."""
        if all(re.search(pattern(kind), text) for kind in self._kinds):
            if len(self.known) > self.MOST:
                self.known.intersection_update({UNSET})
            self.known.add(text)


_WORDS, _MOMENTS = _Memory("uri", "code"), _Memory("instant", "dateTime")
_REPEATED: dict[str, tuple[_Memory, tuple[str, ...]]] = {
    "Coding": (_WORDS, ("system", "code")),
    "Extension": (_WORDS, ("url",)),
    "Identifier": (_WORDS, ("system",)),
    "Quantity": (_WORDS, ("system", "code")),
    "Observation": (_MOMENTS, ("effectiveDateTime", "issued")),  # those of one sample share them
}


_building = threading.RLock()
# A type and those inside it are made together: another thread must not use them half made.


@cache
def decoder(kind: str, *, full: bool) -> msgspec.json.Decoder[Any]:
    """The decoder of resources of one type; it raises ``msgspec.ValidationError`` for what is wrong."""
    with _building:
        return msgspec.json.Decoder(_struct(kind, full), float_hook=Decimal)


@cache
def quick(kind: str) -> Callable[[bytes], Any]:
    """What decodes by the quick form of a type."""
    return decoder(kind, full=False).decode


@cache
def _struct(kind: str, full: bool) -> type[msgspec.Struct]:
    names, needed = [], []
    for element in elements(kind):
        for name, child in element.names.items():
            free = not full and _is_free(kind, name, child)
            names += _fields(element, name, child, full, _TEXT if free else _value(element, child, full))
            needed.append("Element" if child in primitives() else child)
    if kind in resource_types():
        names.insert(0, ("resourceType", Literal[kind]))
    name = _class_name(kind, full)
    built = msgspec.defstruct(
        name, _renamed(names), module=__name__, kw_only=True, gc=False, forbid_unknown_fields=True,
        rename={attribute(field[0]): field[0] for field in names}, namespace=_namespace(kind, full),
    )  # fmt: skip
    setattr(sys.modules[__name__], name, built)  # msgspec looks here for the types that ForwardRefs name
    for child in dict.fromkeys(needed):
        if child != "Resource" and not hasattr(sys.modules[__name__], _class_name(child, full)):
            _struct(child, full)
    return built


def _class_name(kind: str, full: bool) -> str:
    return f"{'Full' if full else 'Quick'}_{kind.replace('.', '_')}"


def attribute(name: str) -> str:
    return f"at_{name}"  # no FHIR name (class, for, import) is then a Python keyword


def _renamed(fields: Iterable[tuple[Any, ...]]) -> list[Any]:
    return [(attribute(name), *rest) for name, *rest in fields]


def _is_free(kind: str, name: str, child: str) -> bool:
    """Whether a text is right as it is, once it is not blank and no repeated word."""
    repeated = kind in _REPEATED and name in _REPEATED[kind][1]
    return repeated or _PATTERNS.get(child) == _PATTERNS["string"]


def _fields(element: Element, name: str, kind: str, full: bool, value: Any) -> list[tuple[Any, ...]]:
    primitive = kind in primitives()
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
    if kind == "decimal" and not full:
        return Any  # with its digits; the type is checked below
    if kind in _NUMBERS:
        return _NUMBERS[kind]
    if element.codes and kind == "code":
        return Literal[value_set(element.codes)]
    return Annotated[str, Meta(pattern=pattern(kind))]


def _namespace(kind: str, full: bool) -> dict[str, Any]:
    checks = [check for element in elements(kind) for check in _checks(element, full)]
    if not full and kind in _REPEATED:
        checks.append(_repeated(kind))
    if not checks:
        return {}
    if len(checks) == 1:
        return {"__post_init__": checks[0]}
    if len(checks) == 2:
        first, second = checks

        def both(self: Any) -> None:
            first(self)
            second(self)

        return {"__post_init__": both}

    def run(self: Any) -> None:
        for check in checks:
            check(self)

    return {"__post_init__": run}


def _checks(element: Element, full: bool) -> Iterable[Check]:
    primitive = not element.choice and element.types[0] in primitives()
    decimals = [name for name, kind in element.names.items() if kind == "decimal"]
    if decimals and not full:
        yield _decimal(decimals[0])
    if element.choice:
        yield _one_choice(element) if full else _quick_choice(element)
    if "Resource" in element.types:
        yield _whole_resources(element)
    if element.codes and element.types == ("CodeableConcept",) and not element.many:
        yield _coded(element)
    if full and primitive and element.many:
        yield _nulls_explained(element)
    if full and primitive and element.min:
        yield _present(element)


def _repeated(kind: str) -> Check:
    memory, names = _REPEATED[kind]
    all_known = memory.known.issuperset
    kinds = {name: child for element in elements(kind) for name, child in element.names.items()}
    forms = [re.compile(pattern(kinds[name])).search for name in names]
    # attrgetter gives a tuple only for two names or more
    values = attrgetter(*map(attribute, names if len(names) > 1 else names * 2))

    def check(self: Any) -> None:
        found = values(self)
        if not all_known(found):
            for form, text in zip(forms, found, strict=False):
                if text not in memory.known:
                    if form(text) is None:
                        raise ValueError("has another form")
                    memory.add(text)

    return check


def _decimal(name: str) -> Check:
    value = attrgetter(attribute(name))

    def check(self: Any) -> None:
        found = value(self)
        if found is UNSET or (type(found) is Decimal and found.adjusted() < _HUGE):
            return
        if type(found) is not int or not -(10**_HUGE) < found < 10**_HUGE:
            raise ValueError("is no number, or one that takes a longer look")

    return check


def _quick_choice(element: Element) -> Check:
    values, others = attrgetter(*map(attribute, element.names)), len(element.names) - 1
    required = bool(element.min)

    def check(self: Any) -> None:
        absent = values(self).count(UNSET)
        if absent != others and (absent < others or required):
            raise ValueError("has no value, or more than one")

    return check


def _one_choice(element: Element) -> Check:
    names = [attribute(name) for name in element.names]
    values, required = attrgetter(*names), bool(element.min)
    extensions = [attribute(f"_{name}") for name, kind in element.names.items() if kind in primitives()]
    absent = (UNSET,) * len(names)

    def check(self: Any) -> None:
        given = values(self)
        if given == absent:
            if required and all(getattr(self, name) is UNSET for name in extensions):
                raise ElementError(element.name, "is missing")
        elif given.count(UNSET) < len(names) - 1:
            raise ElementError(element.name, "has more than one value")

    return check


def _whole_resources(element: Element) -> Check:
    value = attrgetter(attribute(element.name))

    def check(self: Any) -> None:
        found = value(self)
        if found is not UNSET:
            from vesalius.fhir.validation import check_nested

            check_nested(element.name, found)

    return check


def _coded(element: Element) -> Check:
    value, codes = attrgetter(attribute(element.name)), frozenset(value_set(element.codes))

    def check(self: Any) -> None:
        concept = value(self)
        if concept is not UNSET and concept.at_coding is not UNSET:
            for coding in concept.at_coding:  # mostly one: a generator would cost more than the look
                if coding.at_code in codes:
                    return
            raise ElementError(element.name, f"has no code of {element.codes}")

    return check


def _nulls_explained(element: Element) -> Check:
    values, extensions = attrgetter(attribute(element.name)), attrgetter(attribute(f"_{element.name}"))

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
    both = attrgetter(attribute(element.name), attribute(f"_{element.name}"))

    def check(self: Any) -> None:
        if both(self) == (UNSET, UNSET):
            raise ElementError(element.name, "is missing")

    return check
