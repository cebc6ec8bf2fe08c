"""Which elements of JSON a query reads, as the types that DuckDB's ``read_json`` wants: those and no more."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any, TypeAlias

import pyarrow as pa

from vesalius import fhir
from vesalius.lake import is_json, resource_schema

Field: TypeAlias = "pa.Field[Any]"
Used: TypeAlias = "Set[tuple[str, str]]"
"""Elements, each as the FHIR type that has it and its name."""

_NAMES = {pa.bool_(): "BOOLEAN", pa.int32(): "INTEGER", pa.float64(): "DOUBLE", pa.string(): "VARCHAR"}


def structure(kind: str, used: Used) -> dict[str, str]:
    """The type of each used element of a resource, by its name."""
    kept = resource_schema(kind)
    return {
        name: _type(kept.field(name), type_, used) for name, type_ in _names(kind) if (kind, name) in used
    }


def _names(kind: str) -> Iterator[tuple[str, str]]:
    """The names in JSON of the elements of a type, each with the type of its value."""
    for element in fhir.elements(kind):
        yield from element.names.items()


def _type(field: Field, kind: str, used: Used) -> str:
    if is_json(field):
        return "JSON"
    if pa.types.is_list(field.type):
        return f"{_value(field.type.value_type, kind, used)}[]"
    return _value(field.type, kind, used)


def _value(kept: pa.DataType, kind: str, used: Used) -> str:
    if not pa.types.is_struct(kept):
        return _NAMES[kept]
    names = [(name, type_) for name, type_ in _names(kind) if (kind, name) in used]
    inside = ", ".join(
        f'"{name}" {_type(kept.field(name), type_, used)}' for name, type_ in names or _names(kind)
    )
    return f"STRUCT({inside})"
