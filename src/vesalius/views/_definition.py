"""A ViewDefinition as data: read, checked, and with every rule that needs no FHIRPath applied."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from vesalius.errors import InvalidView
from vesalius.views.fhirpath._types import PRIMITIVES
from vesalius.views.fhirpath._values import moment

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_RESOURCE = re.compile(r"[A-Z][A-Za-z]{1,63}")
_MOMENTS = {"date": "Date", "dateTime": "DateTime", "instant": "DateTime", "time": "Time"}
DEEPEST = 32
"""How deep selects may stand in each other."""
SPELLINGS = ("ViewDefinition", "https://sql-on-fhir.org/ig/StructureDefinition/ViewDefinition")
"""How a ViewDefinition may name itself; it may also not."""


class Column(msgspec.Struct, frozen=True):
    """One column: its name, the path of its value, the FHIR type it says it has, and whether it is a list."""

    name: str
    path: str
    type: str = ""
    collection: bool = False
    description: str = ""


class Select(msgspec.Struct, frozen=True, rename="camel"):
    """One select: columns, further selects and a union, once or for each item of a path."""

    column: tuple[Column, ...] = ()
    select: tuple[Select, ...] = ()
    union_all: tuple[Select, ...] = ()
    for_each: str | None = None
    for_each_or_null: str | None = None
    repeat: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[Column, ...]:
        """Every column it gives, in order: its own, those of its selects, those of its union."""
        below = [column for inner in self.select for column in inner.columns]
        union = self.union_all[0].columns if self.union_all else ()
        return (*self.column, *below, *union)


class Where(msgspec.Struct, frozen=True):
    """A path that must be true of a resource."""

    path: str
    description: str = ""


class _Raw(msgspec.Struct, frozen=True, rename="camel"):
    resource: str
    select: tuple[Select, ...]
    resource_type: str = ""
    where: tuple[Where, ...] = ()
    constant: tuple[dict[str, Any], ...] = ()
    name: str = ""
    title: str = ""


@dataclass(frozen=True)
class Definition:
    """A checked ViewDefinition.

    Attributes:
        resource: the type of resource it reads.
        select: the whole selection as one select.
        where: paths that must be true.
        constants: the value and FHIR type of each constant.
        name: the view's own name, or empty.
    """

    resource: str
    select: Select
    where: tuple[str, ...]
    constants: Mapping[str, tuple[Any, str]]
    name: str = ""

    @property
    def columns(self) -> tuple[Column, ...]:
        """Every column, in order."""
        return self.select.columns


def read_definition(source: Mapping[str, Any]) -> Definition:
    """Checks a decoded ViewDefinition.

    Raises:
        InvalidView: it is not one; the error names the place.
    """
    try:
        raw = msgspec.convert(source, _Raw)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at ")
        raise InvalidView(message, place=place.strip("`").removeprefix("$").removeprefix(".")) from None
    except RecursionError:
        raise InvalidView("is nested too deeply, or holds itself") from None
    if raw.resource_type not in ("", *SPELLINGS):
        raise InvalidView(f"is a {raw.resource_type[:64]!r}, not a ViewDefinition", place="resourceType")
    if not _RESOURCE.fullmatch(raw.resource):
        raise InvalidView(f"{raw.resource[:64]!r} names no resource type", place="resource")
    if raw.name and not _NAME.fullmatch(raw.name):
        raise InvalidView(
            f"the name {raw.name[:64]!r} is not allowed",
            place="name",
            hint="a letter, then letters, digits and underscores; a title may be any text",
        )
    if not raw.select:
        raise InvalidView("selects nothing", place="select")
    for at, select in enumerate(raw.select):
        _check_depth(select, f"select[{at}]")
        _check_select(select, f"select[{at}]")
    whole = Select(select=raw.select)
    _check_names(whole.columns)
    constants = _constants(raw.constant)
    return Definition(raw.resource, whole, tuple(each.path for each in raw.where), constants, raw.name)


def places(select: Select, place: str) -> Iterator[tuple[str, Select]]:
    """The select and every one below it, each with its place."""
    yield place, select
    for field, inner in (("select", select.select), ("unionAll", select.union_all)):
        for at, each in enumerate(inner):
            yield from places(each, f"{place}.{field}[{at}]" if place else f"{field}[{at}]")


def _check_depth(select: Select, place: str, depth: int = 1) -> None:
    if depth > DEEPEST:
        raise InvalidView(f"is nested deeper than {DEEPEST} selects", place=place)
    for field, inner in (("select", select.select), ("unionAll", select.union_all)):
        for at, each in enumerate(inner):
            _check_depth(each, f"{place}.{field}[{at}]", depth + 1)


def _check_select(select: Select, root: str) -> None:
    for place, each in places(select, root):
        loops = [each.for_each is not None, each.for_each_or_null is not None, bool(each.repeat)]
        if sum(loops) > 1:
            raise InvalidView("only one of forEach, forEachOrNull and repeat is allowed", place=place)
        if not (each.column or each.select or each.union_all):
            raise InvalidView("selects nothing: it needs column, select or unionAll", place=place)
        for at, column in enumerate(each.column):
            _check_column(column, f"{place}.column[{at}]")
        _check_union(each, place)


def _check_column(column: Column, place: str) -> None:
    if not _NAME.fullmatch(column.name):
        raise InvalidView(
            f"the name {column.name[:64]!r} is not allowed",
            place=place,
            hint="a letter, then letters, digits and underscores",
        )
    if not column.path.strip():
        raise InvalidView("the path is empty", place=place)


def _check_union(select: Select, place: str) -> None:
    """The branches of a union give the same columns in the same order."""
    for at, branch in enumerate(select.union_all):
        first = select.union_all[0].columns
        if [column.name for column in branch.columns] != [column.name for column in first]:
            raise InvalidView("gives other columns than the first branch", place=f"{place}.unionAll[{at}]")


def _check_names(columns: tuple[Column, ...]) -> None:
    seen: set[str] = set()
    for column in columns:
        if column.name.lower() in seen:
            raise InvalidView(f"the column {column.name} comes twice", place="select")
        seen.add(column.name.lower())


def _constants(sources: tuple[dict[str, Any], ...]) -> dict[str, tuple[Any, str]]:
    found: dict[str, tuple[Any, str]] = {}
    for at, source in enumerate(sources):
        name, value = _constant(source, f"constant[{at}]")
        if name in found:
            raise InvalidView(f"the constant {name} comes twice", place=f"constant[{at}]")
        found[name] = value
    return found


def _constant(source: Mapping[str, Any], place: str) -> tuple[str, tuple[Any, str]]:
    name = source.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidView("needs a name of letters, digits and underscores", place=place)
    values = {key: value for key, value in source.items() if key.startswith("value") and value is not None}
    if len(values) != 1:
        raise InvalidView(f"the constant {name} needs exactly one value[x]", place=place)
    key, value = values.popitem()
    kind = key[5:6].lower() + key[6:]
    if kind not in PRIMITIVES:
        raise InvalidView(f"the constant {name} has no primitive type", place=place)
    return name, (_typed(value, kind, place), kind)


_PYTHON: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "decimal": (int, float, Decimal),
    **dict.fromkeys(("integer", "integer64", "positiveInt", "unsignedInt"), (int,)),
}
_LEAST = {"unsignedInt": 0, "positiveInt": 1}
_INTEGER = re.compile(r"-?[0-9]{1,19}", re.ASCII)


def _typed(value: Any, kind: str, place: str) -> Any:
    if kind == "integer64" and isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)  # JSON of FHIR R5 has it as text
    found = value
    if not _is_of(value, kind):
        found = None
    elif kind in _MOMENTS:
        found = moment(value, _MOMENTS[kind])
    if found is None:
        raise InvalidView(f"the value is not a {kind}", place=place)
    return found


def _is_of(value: Any, kind: str) -> bool:
    """Whether JSON has a value of a primitive type so; what a moment says is still to be read."""
    if not isinstance(value, _PYTHON.get(kind, (str,))) or (isinstance(value, bool) and kind != "boolean"):
        return False
    if isinstance(value, int) and kind in _LEAST:
        return value >= _LEAST[kind]
    return kind not in ("date", "instant") or ("T" in str(value)) == (kind == "instant")
