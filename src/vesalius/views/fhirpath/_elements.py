"""Elements of resources with their FHIR type: how whole FHIRPath reads them, and what type is what.

Views read bare JSON, because a column's type is known before it runs. Whole FHIRPath asks for types while it
runs (``is``, ``type()``, ``children()``), so that each element it reads carries its own.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, NamedTuple

from vesalius import fhir
from vesalius.errors import InvalidView, NotFound
from vesalius.views.fhirpath._types import COMPLEX, MOMENTS, PRIMITIVES, is_a
from vesalius.views.fhirpath._values import Element, Moment, Quantity, SeveralError

Items = list[Any]
SYSTEM = frozenset(
    {"Any", "Boolean", "String", "Integer", "Long", "Decimal", "Date", "DateTime", "Time", "Quantity"}
)
_INFO = {
    "SimpleTypeInfo": ("namespace", "name", "baseType"),
    "ClassInfo": ("namespace", "name", "baseType"),
    "Quantity": ("value", "unit"),
}
_BACKBONE = frozenset(
    [
        "Dosage",
        "ElementDefinition",
        "MarketingStatus",
        "Population",
        "ProdCharacteristic",
        "ProductShelfLife",
        "SubstanceAmount",
        "Timing",
    ]
)
"""The data types that R4 derives from BackboneElement."""
_NO_DOMAIN = frozenset({"Bundle", "Parameters", "Binary"})
"""The resources that are no DomainResource."""


class Type(NamedTuple):
    """A type with its namespace: ``FHIR`` or ``System``."""

    namespace: str
    name: str


def resource(decoded: Any) -> Element:
    """A decoded resource as an element; other JSON objects have no type that we know."""
    kind = decoded.get("resourceType", "") if isinstance(decoded, dict) else ""
    return Element(decoded, str(kind))


def type_of(item: Any) -> Type:
    """The type of an item."""
    if item.__class__ is Element:
        name: str = item.type
        return (
            Type("System", name.removeprefix("System.")) if name.startswith("System.") else Type("FHIR", name)
        )
    return Type("System", _system(item))


def shown(name: str) -> str:
    """The name that a FHIR type goes by: a part of a resource has none of its own but BackboneElement."""
    return lineage(name)[1] if "." in name else name or "Element"


def _system(item: Any) -> str:
    if isinstance(item, bool):
        return "Boolean"
    if isinstance(item, int):
        return "Integer"
    if isinstance(item, Decimal | float):
        return "Decimal"
    if isinstance(item, Moment):
        return item.kind
    return "Quantity" if isinstance(item, Quantity) else "String" if isinstance(item, str) else "Any"


def known_type(namespace: str, name: str) -> tuple[Type, ...]:
    """What a type written in an expression can mean; FHIR's types come first (FHIR R4, FHIRPath).

    Raises:
        InvalidView: there is no such type.
    """
    if namespace:
        if namespace not in ("FHIR", "System"):
            raise InvalidView(f"there is no namespace {namespace}")
        return (Type(namespace, name),)
    found = [Type("FHIR", name)] if is_fhir(name) else []
    found += [Type("System", name)] if name in SYSTEM else []
    if not found:
        raise InvalidView(f"there is no type {name}")
    return tuple(found)


@cache
def is_fhir(name: str) -> bool:
    """Whether FHIR R4 has a type of this name."""
    if name in PRIMITIVES or name in COMPLEX or name in ("Resource", "DomainResource", "Element"):
        return True
    try:
        return bool(fhir.elements(name))
    except NotFound:
        return False


def is_kind(item: Any, wanted: tuple[Type, ...]) -> bool:
    """Whether the item is of one of the types, or of one derived from it."""
    actual = type_of(item)
    return any(
        actual.namespace == each.namespace
        and (
            each.name in lineage(actual.name)
            if each.namespace == "FHIR"
            else actual.name == each.name or each.name == "Any"
        )
        for each in wanted
    )


@lru_cache(maxsize=4096)
def lineage(name: str) -> tuple[str, ...]:
    """A FHIR type and the types that it is derived from."""
    if name in fhir.resource_types():
        return (name, "Resource") if name in _NO_DOMAIN else (name, "DomainResource", "Resource")
    if "." in name:
        inside = name.split(".")[0] in fhir.resource_types()
        return (name, "BackboneElement", "Element") if inside else (name, "Element")
    if name in _BACKBONE:
        return name, "BackboneElement", "Element"
    return (*(each for each in (name, *_BASES) if is_a(name, each)), "Element")


_BASES = ("string", "uri", "integer", "Quantity")


def base_of(name: str) -> str:
    """The type that a FHIR type is derived from directly."""
    parents = [each for each in lineage(name) if each != name]
    return f"FHIR.{parents[0]}" if parents else "System.Any"


def type_info(item: Any) -> Element:
    """What ``type()`` gives."""
    found = type_of(item)
    if found.namespace == "System":
        info = {"namespace": "System", "name": found.name, "baseType": "System.Any"}
        return Element(info, "System.SimpleTypeInfo")
    simple, name = found.name in PRIMITIVES, shown(found.name)
    info = {"namespace": "FHIR", "name": name, "baseType": base_of(name)}
    return Element(info, "System.SimpleTypeInfo" if simple else "System.ClassInfo")


class _Key(NamedTuple):
    """A property of a JSON object: its name, the type of its value, and the name of what is beside it."""

    name: str
    type: str
    beside: str


@lru_cache(maxsize=8192)
def keys(owner: str, name: str) -> tuple[_Key, ...] | None:
    """The JSON properties that hold an element of a type; None where the type itself is not known."""
    children = _children(owner)
    return None if children is None else children.get(name, ())


@lru_cache(maxsize=1024)
def _children(owner: str) -> dict[str, tuple[_Key, ...]] | None:
    if owner.startswith("System."):
        return {name: (_Key(name, "", ""),) for name in _INFO.get(owner.removeprefix("System."), ())}
    if owner in PRIMITIVES:
        return {"id": (_Key("id", "string", ""),), "extension": (_Key("extension", "Extension", ""),)}
    try:
        elements = fhir.elements(owner)
    except NotFound:
        return None
    return {
        element.name.removesuffix("[x]"): tuple(
            _Key(key, kind, f"_{key}" if kind in PRIMITIVES else "") for key, kind in element.names.items()
        )
        for element in elements
    }


@lru_cache(maxsize=1024)
def _by_key(owner: str) -> dict[str, _Key] | None:
    children = _children(owner)
    if children is None:
        return None
    return {key.name: key for found in children.values() for key in found}


def reader(name: str) -> Callable[[Items], Items]:
    """Reads ``.name`` of items; how, it looks up once for each type of owner."""
    known: dict[str, tuple[_Key, ...]] = {}

    def read(items: Items) -> Items:
        found: Items = []
        for item in items:
            if item.__class__ is not Element:
                found += _of_system(item, name)
                continue
            value = item.value
            if value.__class__ is not dict:
                value = item.beside
                if value is None or name not in ("id", "extension"):
                    continue
            ways = known.get(item.type)
            if ways is None:
                ways = known[item.type] = _ways(item.type, name)
            if len(ways) == 1:
                _read(value, ways[0], found)
            elif ways:
                _read_choice(value, name, ways, found)
        return found

    return read


def chained(owner: str, path: tuple[str, ...]) -> Callable[[Items], Items] | None:
    """Reads a path whose every step has one type by R4; only what stands at its end becomes an element.

    Args:
        owner: the type of the items that it runs on; on others it goes step by step.
        path: the names of the steps.

    Returns:
        The reader; None where a step is a choice, a whole resource or not known, or goes on from a primitive.
    """
    steps: list[_Key] = []
    kind = owner
    for name in path:
        known = keys(kind, name)
        if known is None or len(known) != 1 or known[0].type in ("Resource", "") or kind in PRIMITIVES:
            return None
        steps.append(known[0])
        kind = known[0].type
    readers = [reader(name) for name in path]
    *before, last = steps

    def read(items: Items) -> Items:
        values = []
        for item in items:
            if item.__class__ is not Element or item.type != owner or item.value.__class__ is not dict:
                return _step_by_step(items, readers)
            values.append(item.value)
        for step in before:
            values = _spread(values, step.name)
        found: Items = []
        for value in values:
            _read(value, last, found)
        return found

    return read


def _step_by_step(items: Items, readers: list[Callable[[Items], Items]]) -> Items:
    for read in readers:
        items = read(items)
    return items


def _spread(values: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for value in values:
        inner = value.get(name)
        found += [each for each in (inner if inner.__class__ is list else (inner,)) if each.__class__ is dict]
    return found


def quick_value(owner: str, name: str) -> Callable[[Any, Any], Any] | None:
    """Reads the bare value of a primitive that R4 has once at most; None for all else, dates too."""
    found = keys(owner, name)
    if found is None or len(found) != 1 or found[0].type not in PRIMITIVES or found[0].type in MOMENTS:
        return None

    def value(item: Any, _scope: Any) -> Any:
        if item.__class__ is not Element or item.type != owner or item.value.__class__ is not dict:
            raise SeveralError
        inner = item.value.get(name)
        if inner.__class__ is list:
            raise SeveralError
        return inner

    return value


def _of_system(item: Any, name: str) -> Items:
    """A part of a value of FHIRPath itself: only quantities have any."""
    if item.__class__ is not Quantity or name not in _INFO["Quantity"]:
        return []
    return [item.value if name == "value" else item.unit]


def _ways(owner: str, name: str) -> tuple[_Key, ...]:
    found = keys(owner, name)
    return (_Key(name, "", f"_{name}"),) if found is None else found


def _read(value: dict[str, Any], key: _Key, found: Items) -> None:
    """Adds the values of one property."""
    inner = value.get(key.name)
    if key.beside and key.beside in value:
        _add_with(inner, value[key.beside], key.type, found)
    elif inner.__class__ is list:
        for each in inner:
            _add(each, key.type, found)
    elif inner is not None:
        _add(inner, key.type, found)


def _read_choice(value: dict[str, Any], name: str, ways: tuple[_Key, ...], found: Items) -> None:
    """Adds the value of a choice element: of what is there, as a choice can be of fifty types."""
    starts = (name, "_" + name)
    for written in value:
        if written.startswith(starts):
            plain = written.removeprefix("_")
            for key in ways:
                if key.name == plain and (plain == written or plain not in value):
                    _read(value, key, found)


def _add(value: Any, kind: str, found: Items) -> None:
    if value is None:
        return
    if kind in PRIMITIVES:
        found.append(Element(value, kind))
    elif kind:
        whole = kind == "Resource" and isinstance(value, dict)
        found.append(Element(value, str(value.get("resourceType", kind)) if whole else kind))
    else:
        found.append(value if isinstance(value, str) else _guessed(value))


def _guessed(value: Any) -> Any:
    """An element of a type that R4 does not have: what its JSON shows."""
    if isinstance(value, dict):
        return Element(value, str(value.get("resourceType", "")))
    names = {bool: "boolean", int: "integer", Decimal: "decimal"}
    return Element(value, names.get(value.__class__, "string"))


def _add_with(value: Any, beside: Any, kind: str, found: Items) -> None:
    """Primitives with what is beside them; either may be missing (null in a list)."""
    values, sides = (each if isinstance(each, list) else [each] for each in (value, beside))
    for at in range(max(len(values), len(sides))):
        inner = values[at] if at < len(values) else None
        side = sides[at] if at < len(sides) else None
        if inner is not None or side is not None:
            found.append(Element(inner, kind, side if isinstance(side, dict) else None))


def children(items: Items) -> Items:
    """Every element directly below the items."""
    found: Items = []
    for item in items:
        if item.__class__ is Element and not item.type.startswith("System."):
            _read_all(item, found)
    return found


def _read_all(item: Element, found: Items) -> None:
    value = item.value if item.value.__class__ is dict else item.beside
    if value is None:
        return
    known = _by_key(item.type)
    for name, inner in value.items():
        if name == "resourceType":
            continue
        plain = name.removeprefix("_")
        key = _Key(name, "", "") if known is None else known.get(plain)
        if key is None or (plain != name and plain in value):
            continue  # not of R4, or read with its value
        if key.beside and key.beside in value:
            _add_with(value.get(plain), value[key.beside], key.type, found)
        else:
            for each in inner if isinstance(inner, list) else (inner,):
                _add(each, key.type, found)


def descendants(items: Items) -> Items:
    """Every element below the items, at any depth."""
    found, level = [], children(items)
    while level:
        found += level
        level = children(level)
    return found
