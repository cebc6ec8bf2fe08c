"""The explicit Arrow schema of each resource type, generated from the R4 elements; nothing is ever inferred.

- A field has the name it has in JSON; a choice has one field per type, as ``valueQuantity``, ``valueString``.
- ``decimal`` is a 64-bit float, ``integer`` and its kin 32-bit integers, ``boolean`` a boolean, and every
  other primitive a string, dates and times too: a partial date (``2024-03``) has no other honest form.
- Some fields hold JSON text instead, and say so in their metadata (:data:`JSON`): extensions, contained and
  other whole resources, the inside of a type that contains itself once it has been unfolded
  :data:`UNFOLDED` times, and the data types of a choice that is open to all.
- ``_body`` holds the whole resource, for what has no field of its own (extensions of primitives).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, TypeAlias

import pyarrow as pa

from vesalius import fhir

Field: TypeAlias = "pa.Field[Any]"

JSON = {b"vesalius": b"json"}
"""The metadata of a field that holds JSON text."""

UNFOLDED = {"Reference": 1, "Identifier": 1}
"""How often a type may stand inside itself before the rest is JSON text; 3 times if not named here."""

OPEN = 20
"""A choice between more types than this is open: its data types are JSON text."""

PRIMITIVES: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "integer": pa.int32(),
    "positiveInt": pa.int32(),
    "unsignedInt": pa.int32(),
    "decimal": pa.float64(),
}

SYSTEM: tuple[Field, ...] = (
    pa.field("_seq", pa.int64(), nullable=False),
    pa.field("_id", pa.string(), nullable=False),
    pa.field("_version", pa.int32(), nullable=False),
    pa.field("_recorded_at", pa.timestamp("us", "UTC"), nullable=False),
    pa.field("_received_at", pa.timestamp("us", "UTC"), nullable=False),
    pa.field("_subject", pa.string()),
    pa.field("_body", pa.string(), nullable=False, metadata=JSON),
)
"""The lake's own fields, before those of the resource."""


@cache
def resource_schema(type_: str) -> pa.Schema:
    """The schema of all versions of one resource type: the lake's own fields, then those of R4.

    Raises:
        NotFound: R4 has no such type.
    """
    return pa.schema([*SYSTEM, *fields(type_)])


def fields(type_: str) -> list[Field]:
    """The fields of one type, without the lake's own."""
    return list(_fields(type_, ()))


def is_json(field: Field) -> bool:
    """Whether a field holds JSON text."""
    return (field.metadata or {}).get(b"vesalius") == b"json"


def _fields(kind: str, inside: tuple[str, ...]) -> Iterator[Field]:
    for element in fhir.elements(kind):
        open_ = len(element.types) > OPEN
        for name, value in element.names.items():
            yield _field(name, value, element.many, open_, (*inside, kind))


def _field(name: str, kind: str, many: bool, open_: bool, inside: tuple[str, ...]) -> Field:
    if kind in fhir.primitives():
        value: pa.DataType = PRIMITIVES.get(kind, pa.string())
    elif open_ or kind in ("Extension", "Resource") or inside.count(kind) >= UNFOLDED.get(kind, 3):
        return pa.field(name, pa.string(), metadata=JSON)
    else:
        value = pa.struct(list(_fields(kind, inside)))
    return pa.field(name, pa.list_(value) if many else value)
