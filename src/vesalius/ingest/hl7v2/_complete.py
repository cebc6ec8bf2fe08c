"""The last step to a resource: what says nothing goes, references get their ids, what R4 requires is there.

What a message leaves out and R4 requires gets what FHIR has for it: the code ``unknown`` where the value set
has it, else the extension ``data-absent-reason``. Nothing clinical is made up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from vesalius import fhir
from vesalius.ingest.hl7v2._ids import Ids
from vesalius.ingest.hl7v2._run import REFERENCE, Draft
from vesalius.ingest.hl7v2._shared import Known

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


class _Form:
    """What is asked again and again of one type.

    Attributes:
        kind: the type; ``Element`` of the extensions of a primitive.
        inner: the forms of its elements, primitives left out, by name; the names of choices too.
        rivals: the names of each choice, by each of them.
        hollow: the elements that alone say nothing.
        named: whether it is an extension, which says nothing without the URL that names it.
        refers: whether it is a reference.
        flat: whether nothing more is asked of it, if all in it are texts.
        fills: whether R4 requires something of it that is added.
        required: the elements that R4 requires, each with the names under which it may be there.
    """

    __slots__ = ("fills", "flat", "hollow", "inner", "kind", "named", "refers", "required", "rivals")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.refers = kind == "Reference"
        elements = fhir.elements("Extension" if kind == "Element" else kind)
        self.rivals = _choices(kind)
        self.hollow = _HOLLOW.get(kind)
        self.named = kind == "Extension"
        self.required = [
            (element, frozenset([*element.names, *(f"_{name}" for name in element.names)]))
            for element in elements
            if element.min and kind not in {"Extension", "Element"}
        ]
        self.fills = bool(self.required) and (kind in _BACKBONES or "." in kind)
        self.flat = not (self.fills or self.rivals or self.named)
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
    """A value without what is empty, itself or a copy; None if nothing is left."""
    flat = form.flat or (form.named and len(value) == 2 and "url" in value)
    if flat and _TEXT.issuperset(map(type, value.values())) and "" not in value.values():
        hollow = form.hollow
        return None if not value or (hollow and value.keys() <= hollow) else value
    inner, rivals, hollow = form.inner, form.rivals, form.hollow
    kept: dict[str, Any] = {}
    for name, one in value.items():
        kind = type(one)
        if kind is str:
            if not one:
                continue
        elif kind in _SAID:
            one = _SAID[kind](inner[name], one, ids)
            if not one:
                continue
        elif one is None:
            continue
        if name in rivals:  # of several values of one choice, the last that was said
            group = rivals[name]
            for other in [each for each in kept if each in group]:
                del kept[other]
        kept[name] = one
    if not kept or (hollow and kept.keys() <= hollow):
        return None
    if form.named and "url" not in kept:
        return None
    if form.fills:
        _fill(form, kept)
    return kept


def _whole(form: _Form, value: dict[str, Any], ids: Ids) -> dict[str, Any] | None:
    """What is left of an element, or of a reference."""
    if form.refers and len(value) == 1 and type(draft := value.get(REFERENCE)) is Draft:
        return {REFERENCE: ids.reference(draft)} if draft.said else None
    return _cleaned(form, value, ids)


def _shared(form: _Form, value: Known, ids: Ids) -> dict[str, Any] | None:
    kind = form.kind
    if kind not in value.kept:
        value.kept[kind] = _cleaned(form, dict(value), ids)
    return value.kept[kind]


# So many are compared each with each; more are compared by what they are written as.
_FEW = 12
_TEXT = frozenset({str})


def _list(form: _Form, values: list[Any], ids: Ids) -> list[Any]:
    """The items that say something, each once."""
    if len(values) == 1:
        only = values[0]
        if type(only) in _SAID:
            only = _SAID[type(only)](form, only, ids)
        return [only] if only else []
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
    for element, names in form.required:
        if not names.isdisjoint(value):
            continue
        name = _CHOICES.get(element.name) or next(iter(element.names))
        type_ = element.names[name]
        if type_ in fhir.primitives():
            if element.codes and "unknown" in fhir.value_set(element.codes):
                value[name] = "unknown"
            else:
                value[f"_{name}"] = {"extension": _absent()}
            continue
        one: dict[str, Any] = {}
        if "." in type_:
            _fill(_form(type_), one)
        if not one:
            one = {"extension": _absent()}
        value[name] = [one] if element.many else one
