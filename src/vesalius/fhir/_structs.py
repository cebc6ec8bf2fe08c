"""msgspec Structs made from the R4 element tables, one per type, when the type is first needed.

Each type exists in three forms. The *quick* form refuses what is rare though right: primitives that carry an
extension (``_birthDate``) and nulls in lists. The *wide* form knows these. What both refuse is decoded again
with the *full* form, whose word is final. Whatever the others accept is valid, provided that no text in it is
blank, which their caller knows (:func:`may_hold_blank`); to match a pattern costs more than to decode the
text, so they match none that says the same of all texts, and remember the words that come again and again.
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
from msgspec.structs import astuple

from vesalius.fhir.definitions import Element, elements, primitives, resource_types, value_set

Check = Callable[[Any], None]
Form = Literal["Quick", "Wide", "Full"]


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
    "base64Binary": r"^(?=\s*\S)(?:[0-9A-Za-z+/=]{64})*+(?:\s*[0-9A-Za-z+/=]{4})*+\s*\Z",
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
def decoder(kind: str, form: Form) -> Callable[[bytes], Any]:
    """What decodes resources of one type; it raises ``msgspec.ValidationError`` for what is wrong."""
    with _building:
        return msgspec.json.Decoder(_struct(kind, form), float_hook=Decimal).decode


@cache
def quick(kind: str) -> Callable[[bytes], Any]:
    """What decodes by the quick form of a type."""
    return decoder(kind, "Quick")


@cache
def _struct(kind: str, form: Form) -> type[msgspec.Struct]:
    names, needed = [], []
    for element in elements(kind):
        for name, child in element.names.items():
            free = form != "Full" and _is_free(kind, name, child)
            names += _fields(element, name, child, form, _TEXT if free else _value(element, child, form))
            needed.append("Element" if child in primitives() else child)
    if kind in resource_types():
        names.insert(0, ("resourceType", Literal[kind]))
    name = _class_name(kind, form)
    built = msgspec.defstruct(
        name, _renamed(names), module=__name__, kw_only=True, gc=False, forbid_unknown_fields=True,
        rename={attribute(field[0]): field[0] for field in names}, namespace=_namespace(kind, form),
    )  # fmt: skip
    setattr(sys.modules[__name__], name, built)  # msgspec looks here for the types that ForwardRefs name
    for child in dict.fromkeys(needed):
        if child != "Resource" and not hasattr(sys.modules[__name__], _class_name(child, form)):
            _struct(child, form)
    return built


def _class_name(kind: str, form: Form) -> str:
    return f"{form}_{kind.replace('.', '_')}"


def attribute(name: str) -> str:
    return f"at_{name}"  # no FHIR name (class, for, import) is then a Python keyword


def _renamed(fields: Iterable[tuple[Any, ...]]) -> list[Any]:
    return [(attribute(name), *rest) for name, *rest in fields]


def _is_free(kind: str, name: str, child: str) -> bool:
    """Whether a text is right as it is, once it is not blank and no repeated word."""
    repeated = kind in _REPEATED and name in _REPEATED[kind][1]
    return repeated or _PATTERNS.get(child) == _PATTERNS["string"]


def _fields(element: Element, name: str, kind: str, form: Form, value: Any) -> list[tuple[Any, ...]]:
    extended = form != "Quick" and kind in primitives()
    if extended and element.many:
        value |= None
    if element.many:
        value = Annotated[list.__class_getitem__(value), Meta(min_length=1)]
    required = element.min and not element.choice and not extended
    found: list[tuple[Any, ...]] = [(name, value) if required else (name, value | UnsetType, UNSET)]
    if extended:
        extension: Any = ForwardRef(_class_name("Element", form))
        found.append((f"_{name}", (list[extension | None] if element.many else extension) | UnsetType, UNSET))
    return found


def _value(element: Element, kind: str, form: Form) -> Any:
    if kind == "Resource":
        return Raw  # checked by the checks below, by its own type
    if kind not in primitives():
        return ForwardRef(_class_name(kind, form))
    if kind == "decimal" and form != "Full":
        return Any  # with its digits; the type is checked below
    if kind in _NUMBERS:
        return _NUMBERS[kind]
    if element.codes and kind == "code":
        return Literal[value_set(element.codes)]
    return Annotated[str, Meta(pattern=pattern(kind))]


def _namespace(kind: str, form: Form) -> dict[str, Any]:
    checks = [check for element in elements(kind) for check in _checks(element, form)]
    if form != "Full" and kind in _REPEATED:
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


def _checks(element: Element, form: Form) -> Iterable[Check]:
    primitive = not element.choice and element.types[0] in primitives()
    extended = primitive and form != "Quick"
    decimals = [name for name, kind in element.names.items() if kind == "decimal"]
    if decimals and form != "Full":
        yield _decimal(decimals[0])
    if element.choice:
        yield _one_choice(element, form)
    if "Resource" in element.types:
        yield _whole_resources(element)
    if element.codes and element.types == ("CodeableConcept",) and not element.many:
        yield _coded(element)
    if extended and element.many:
        yield _nulls_explained(element)
    if extended and element.min:
        yield _present(element)


def _repeated(kind: str) -> Check:
    memory, names = _REPEATED[kind]
    kinds = {name: child for element in elements(kind) for name, child in element.names.items()}
    forms = [re.compile(pattern(kinds[name])).search for name in names]
    # attrgetter gives a tuple only for two names or more
    values = attrgetter(*map(attribute, names if len(names) > 1 else names * 2))

    def look(found: tuple[Any, ...]) -> None:
        for form, text in zip(forms, found, strict=False):
            if text not in memory.known:
                if form(text) is None:
                    raise ValueError("has another form")
                memory.add(text)

    def check(self: Any) -> None:
        one, other = values(self)
        if one not in memory.known or other not in memory.known:
            look((one, other))

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


def _one_choice(element: Element, form: Form) -> Check:
    names = [attribute(name) for name in element.names]
    extensions = [attribute(f"_{name}") for name, kind in element.names.items() if kind in primitives()]
    extensions = extensions if form != "Quick" else []
    required, others = bool(element.min), len(names) + len(extensions) - 1
    place: list[slice] = []

    def check(self: Any) -> None:
        if not place:  # they stand together in the struct
            first = self.__struct_fields__.index(names[0])
            place.append(slice(first, first + others + 1))
        absent = astuple(self)[place[0]].count(UNSET)
        if absent == others or (absent > others and not required):
            return
        if absent > others:
            raise ElementError(element.name, "is missing")
        if sum(getattr(self, name) is not UNSET for name in names) > 1:
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
