"""Arrow's types as Spark's, and the part of a schema that a query reads."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from pyspark.sql.types import DataType, StructType

OWN = ("_seq", "_id", "_version", "_recorded_at", "_subject")
"""The lake's own fields that every query reads."""


def part(schema: pa.Schema, used: Collection[str]) -> pa.Schema:
    """The fields with these names, and of each structure only those of its fields.

    The names count wherever they stand, so it can hold a field more than the query reads; never one less. A
    structure of which none is read keeps one field, which tells whether the structure is there.
    """
    kept = [field for field in schema if field.name in used or field.name in OWN]
    return pa.schema([field.with_type(_part(field.type, used)) for field in kept])


def _part(kind: pa.DataType, used: Collection[str]) -> pa.DataType:
    if pa.types.is_list(kind):
        return pa.list_(_part(kind.value_type, used))
    if not pa.types.is_struct(kind):
        return kind
    inside = [kind.field(at) for at in range(kind.num_fields)]
    kept = [field for field in inside if field.name in used] or [min(inside, key=_weight)]
    return pa.struct([field.with_type(_part(field.type, used)) for field in kept])


def _weight(field: pa.Field[pa.DataType]) -> bool:
    return pa.types.is_nested(field.type)


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
