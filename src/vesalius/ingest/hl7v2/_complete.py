"""The last step to a resource: what says nothing goes, references get their ids, what R4 requires is there.

What a message leaves out and R4 requires gets what FHIR has for it: the code ``unknown`` where the value set
has it, else the extension ``data-absent-reason``. Nothing clinical is made up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, NamedTuple

from vesalius import fhir
from vesalius.ingest.hl7v2._ids import Ids
from vesalius.ingest.hl7v2._run import REFERENCE, Draft
from vesalius.ingest.hl7v2._shared import Known, own

_ABSENT_URL = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_HOLLOW = {
    "Extension": frozenset({"url"}),
    "Coding": frozenset({"system", "version"}),
    "Identifier": frozenset({"system", "type", "use"}),
}
# What is in force where a code is required and neither the message nor the value set says "unknown".
_CHOICES = {"occurrence[x]": "occurrenceDateTime", "medication[x]": "medicationCodeableConcept"}


def _absent() -> list[dict[str, str]]:
    return [{"url": _ABSENT_URL, "valueCode": "unknown"}]


@cache
def _choices(kind: str) -> dict[str, frozenset[str]]:
    """The names of each choice, by each of them."""
    kind = "Extension" if kind == "Element" else kind
    names = (frozenset(each.names) for each in fhir.elements(kind) if each.choice)
    return {name: group for group in names for name in group}


class _Need(NamedTuple):
    """An element that R4 requires: the names under which it may be there, and what it is added as."""

    names: frozenset[str]
    name: str
    type: str
    many: bool
    primitive: bool
    unknown: bool

    @classmethod
    def of(cls, element: fhir.Element) -> _Need:
        """What is added of an element."""
        names = element.names
        name = _CHOICES.get(element.name) or next(iter(names))
        primitive = names[name] in fhir.primitives()
        unknown = primitive and bool(element.codes) and "unknown" in fhir.value_set(element.codes)
        given = frozenset([*names, *(f"_{each}" for each in names)])
        return cls(given, name, names[name], element.many, primitive, unknown)


class _Form:
    """What is asked again and again of one type.

    Attributes:
        kind: the type; ``Element`` of the extensions of a primitive.
        inner: the forms of its elements, primitives left out, by name; the names of choices too.
        rivals: the names of each choice, by each of them.
        hollow: the elements that alone say nothing.
        named: whether it is an extension, which says nothing without the URL that names it.
        refers: whether it is a reference.
        fills: whether R4 requires something of it that is added.
        required: the elements that R4 requires.
    """

    __slots__ = ("fills", "hollow", "inner", "kind", "named", "refers", "required", "rivals")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.refers = kind == "Reference"
        elements = fhir.elements("Extension" if kind == "Element" else kind)
        self.rivals = _choices(kind)
        self.hollow = _HOLLOW.get(kind)
        self.named = kind == "Extension"
        self.required = [
            _Need.of(element) for element in elements if element.min and kind not in {"Extension", "Element"}
        ]
        self.fills = bool(self.required) and (kind in _BACKBONES or "." in kind)
        primitive = fhir.primitives()
        self.inner = _Inner(
            (name, type_)
            for element in elements
            for name, type_ in element.names.items()
            if type_ not in primitive
        )


class _Inner(dict[str, _Form]):
    """The forms of the elements of a type, made when they are first asked for, as types hold themselves."""

    __slots__ = ("_types",)

    def __init__(self, types: Iterable[tuple[str, str]]) -> None:
        self._types = dict(types)

    def __missing__(self, name: str) -> _Form:
        found = self[name] = _form(self._types.get(name, "Element"))
        return found


@cache
def _form(kind: str) -> _Form:
    return _Form(kind)


def completed(kind: str, resource: dict[str, Any], ids: Ids) -> dict[str, Any]:
    """A resource without what says nothing, with its references, and with what R4 requires."""
    form = _form(kind)
    found = _cleaned(form, resource, ids) or {}
    if form.required:
        _fill(form, found)
    return found


def joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Two resources of a message that are the same thing: what either says; of two values the later."""
    both = dict(one)
    for name, value in other.items():
        there = both.get(name)
        if isinstance(there, list) and isinstance(value, list):
            both[name] = [*there, *(each for each in value if each not in there)]
        else:
            for rival in _choices(one["resourceType"]).get(name, ()):
                both.pop(rival, None)
            both[name] = value
    return both


def _cleaned(form: _Form, value: dict[str, Any], ids: Ids) -> dict[str, Any] | None:
    """A value without what is empty, which is taken out of it; None if nothing is left."""
    inner, rivals, gone = form.inner, form.rivals, []
    plain = not rivals or (form.named and len(value) == 2 and "url" in value)
    if plain and _TEXT.issuperset(map(type, value.values())) and "" not in value.values():
        return _sufficient(form, value)
    for name, one in value.items():
        kind = type(one)
        if kind is str:
            if one:
                continue
        elif kind in _SAID:
            if said := _SAID[kind](inner[name], one, ids):
                if said is not one:
                    value[name] = said
                continue
        elif one is not None:
            continue
        gone.append(name)
    for name in gone:
        del value[name]
    if rivals and len(value) > 1:
        _choose(rivals, value)
    return _sufficient(form, value)


def _choose(rivals: dict[str, frozenset[str]], value: dict[str, Any]) -> None:
    """Leaves of several values of one choice the last that was said."""
    given = [name for name in value if name in rivals]
    for place, name in enumerate(given[:-1]):
        if not rivals[name].isdisjoint(given[place + 1 :]):
            del value[name]


def _sufficient(form: _Form, value: dict[str, Any]) -> dict[str, Any] | None:
    """A value with what R4 requires of it; None if what it holds says nothing."""
    hollow = form.hollow
    if not value or (hollow and value.keys() <= hollow) or (form.named and "url" not in value):
        return None
    if form.fills:
        _fill(form, value)
    return value


def _whole(form: _Form, value: dict[str, Any], ids: Ids) -> dict[str, Any] | None:
    """What is left of an element, or of a reference."""
    if form.refers and len(value) == 1 and type(draft := value.get(REFERENCE)) is Draft:
        return {REFERENCE: ids.reference(draft)} if draft.said else None
    return _cleaned(form, value, ids)


def _shared(form: _Form, value: Known, ids: Ids) -> dict[str, Any] | None:
    kind = form.kind
    if kind not in value.kept:
        value.kept[kind] = _cleaned(form, own(value), ids)
    return value.kept[kind]


# So many are compared each with each; more are compared by what they are written as.
_FEW = 12
_TEXT = frozenset({str})


def _list(form: _Form, values: list[Any], ids: Ids) -> list[Any]:
    """The items that say something, each once."""
    if len(values) == 1:
        only = values[0]
        said = _SAID[type(only)](form, only, ids) if type(only) in _SAID else only
        return values if said is only and said else [said] if said else []
    kept = [_SAID[type(one)](form, one, ids) if type(one) in _SAID else one for one in values]
    said = [one for one in kept if one]
    if len(said) < _FEW and not any(one in said[:place] for place, one in enumerate(said)):
        return said
    return list({repr(one): one for one in said}.values())


def _named(form: _Form, draft: Draft, ids: Ids) -> str | None:  # noqa: ARG001 -- the form of them all
    return ids.reference(draft) if draft.said else None


_SAID: dict[type, Callable[[_Form, Any, Ids], Any]] = {
    dict: _whole,
    list: _list,
    Known: _shared,
    Draft: _named,
}
"""What is left of a value that is no primitive, by its kind; nothing, or what is empty, if nothing is."""

_BACKBONES = frozenset({"Extension", "Annotation", "SampledData", "Attachment"})


def _fill(form: _Form, value: dict[str, Any]) -> None:
    """Adds what R4 requires of a type."""
    for need in form.required:
        if need.names.isdisjoint(value):
            name = need.name
            if need.unknown:
                value[name] = "unknown"
            elif need.primitive:
                value[f"_{name}"] = {"extension": _absent()}
            else:
                one: dict[str, Any] = {}
                if "." in need.type:
                    _fill(_form(need.type), one)
                if not one:
                    one = {"extension": _absent()}
                value[name] = [one] if need.many else one
