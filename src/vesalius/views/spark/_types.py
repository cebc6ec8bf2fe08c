"""Arrow's types as Spark's, and the part of a schema that a query reads."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from vesalius import fhir
from vesalius.lake import resource_schema

if TYPE_CHECKING:
    from pyspark.sql.types import DataType, StructType

Field: TypeAlias = "pa.Field[Any]"
Used: TypeAlias = "Set[tuple[str, str]]"
"""Elements, each as the FHIR type that has it and its name; ``_body`` is the JSON of the whole resource."""

OWN = ("_seq", "_id", "_version", "_recorded_at", "_subject")
"""The lake's own fields that every query reads."""


def part(kind: str, used: Used) -> pa.Schema:
    """Of the lake's columns of a type, those that are used, and of each structure only what is used of it.

    A structure of which nothing is used keeps one field, which tells whether the structure is there.
    """
    kept = resource_schema(kind)
    own = [kept.field(name) for name in (*OWN, "_body") if name in OWN or (kind, name) in used]
    elements = [_part(kept.field(name), type_, used) for name, type_ in _named(kind) if (kind, name) in used]
    return pa.schema([*own, *elements])


def _named(kind: str) -> Iterator[tuple[str, str]]:
    """The names in JSON of the elements of a type, each with the type of its value."""
    for element in fhir.elements(kind):
        yield from element.names.items()


def _part(field: Field, kind: str, used: Used) -> Field:
    if pa.types.is_list(field.type):
        return field.with_type(pa.list_(_value(field.type.value_type, kind, used)))
    return field.with_type(_value(field.type, kind, used))


def _value(whole: pa.DataType, kind: str, used: Used) -> pa.DataType:
    if not pa.types.is_struct(whole):
        return whole
    names = [(name, type_) for name, type_ in _named(kind) if (kind, name) in used]
    names = names or [
        next(each for each in _named(kind) if not pa.types.is_nested(whole.field(each[0]).type))
    ]
    return pa.struct([_part(whole.field(name), type_, used) for name, type_ in names])


def spark_schema(schema: pa.Schema) -> StructType:
    """An Arrow schema as Spark's; every field may be null."""
    from pyspark.sql.types import StructField, StructType

    return StructType([StructField(field.name, _spark(field.type)) for field in schema])


def _spark(kind: pa.DataType) -> DataType:
    from pyspark.sql import types

    if pa.types.is_list(kind):
        return types.ArrayType(_spark(kind.value_type))
    if pa.types.is_struct(kind):
        fields = [kind.field(at) for at in range(kind.num_fields)]
        return types.StructType([types.StructField(field.name, _spark(field.type)) for field in fields])
    if pa.types.is_timestamp(kind):
        return types.TimestampType()
    return {
        pa.bool_(): types.BooleanType,
        pa.int32(): types.IntegerType,
        pa.int64(): types.LongType,
        pa.float64(): types.DoubleType,
        pa.string(): types.StringType,
    }[kind]()
