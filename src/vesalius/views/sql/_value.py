"""What the compiler passes around: a piece of SQL, with the type of what it gives and its FHIR shape.

A piece is typed where the columns are typed, and JSON where they hold text (extensions, contained resources)
or where the whole resource is read. Both are one kind of value, so that every part of the compiler works on
both: an element of JSON is an extraction, and what is read of it at last is cast to the type that R4 says.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import pyarrow as pa

from vesalius.views.fhirpath._types import Shape, scalar
from vesalius.views.fhirpath._values import Moment
from vesalius.views.sql._dialect import Dialect
from vesalius.views.sql._plan import NotCompiledError

JSON: pa.DataType = pa.json_()
"""The type of what is JSON text."""
NUMBERS = frozenset({"decimal", "integer", "integer64", "positiveInt", "unsignedInt"})
WHOLE = NUMBERS - {"decimal"}
ARROW: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "decimal": pa.float64(),
    **dict.fromkeys(WHOLE, pa.int64()),
}
"""The type of a primitive; any other is text."""
Kept: TypeAlias = "pa.Field[Any]"


class NotHeldError(NotCompiledError):
    """The typed columns do not hold it; the JSON of the resource does."""


class NotExactError(NotCompiledError):
    """It depends on the digits of a number, which only the text of the resource has."""


@dataclass(frozen=True)
class Sql:
    """A piece of SQL.

    Attributes:
        text: the SQL.
        type: the Arrow type of what it gives (of an item, for a list); :data:`JSON` for JSON.
        shape: its FHIR types, and whether it is a list.
        beside: of a primitive, the structure that it is an element of, and its name there.
        exact: of JSON, whether its numbers kept their digits.
        moment: of a date that is written out, its value.
        rounded: of a number that was calculated, whether it was rounded to a DOUBLE.
    """

    text: str
    type: pa.DataType
    shape: Shape
    beside: tuple[Sql, str] | None = None
    exact: bool = False
    moment: Moment | None = None
    rounded: bool = False

    @property
    def many(self) -> bool:
        """Whether it is a list."""
        return self.shape.many

    @property
    def nothing(self) -> bool:
        """Whether it is always empty: the path leads nowhere."""
        return bool(pa.types.is_null(self.type))

    @property
    def json(self) -> bool:
        """Whether it is JSON."""
        return bool(self.type == JSON)

    @property
    def textual(self) -> bool:
        """Whether it is text in SQL: a string, a code, a date."""
        return bool(pa.types.is_string(self.type) or pa.types.is_large_string(self.type))


@dataclass(frozen=True)
class Open:
    """A choice element whose type is not known yet: ``value`` before its ``ofType``.

    Attributes:
        owner: what it is an element of.
        name: its name, as ``value``.
        types: the types that it can still have.
        wanted: the type that all of these are, where one was asked for.
    """

    owner: Sql
    name: str
    types: tuple[str, ...]
    wanted: str = ""


NOTHING = Sql("NULL", pa.null(), Shape((), many=False))


@dataclass(frozen=True)
class Place:
    """Where an expression runs: on which item, in which row of which resource."""

    focus: Sql
    root: Sql
    row: str


class Guard:
    """Counts the conditions that surround what is compiled."""

    def __init__(self) -> None:
        self._depth = 0

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Inside, nothing may fail: an engine evaluates parts of a condition in any order, or not at all."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    def check(self, what: str) -> None:
        """Raises NotCompiledError inside a condition, where what can fail has no place."""
        if self._depth:
            raise NotCompiledError(what)


def let(dialect: Dialect, name: str, value: str, body: str) -> str:
    """SQL in which a name stands for a value, so that it is calculated once."""
    return dialect.item(dialect.transform(dialect.items(value), name, body), 0)


def boolean(text: str) -> Sql:
    """A condition as a value."""
    return Sql(text, pa.bool_(), scalar("boolean"))


def string(text: str, kind: str = "string") -> Sql:
    """A text, at most one."""
    return Sql(text, pa.string(), scalar(kind))


def integer(text: str) -> Sql:
    """A whole number, at most one."""
    return Sql(text, pa.int64(), scalar("integer"))


def field_of(structure: pa.DataType, name: str) -> Kept | None:
    """The field of a structure's type; None where there is none."""
    if not pa.types.is_struct(structure):
        return None
    at = structure.get_field_index(name)
    return structure.field(at) if at >= 0 else None
