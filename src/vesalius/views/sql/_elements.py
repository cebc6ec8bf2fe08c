"""How SQL reads the elements of a resource: fields of typed columns, and extractions from JSON.

R4 says what an element is and whether it repeats, so that JSON is read as surely as a typed column. What a
typed column does not hold raises :class:`NotHeldError`; the query then reads the JSON of the resource.
"""

from __future__ import annotations

import re
from dataclasses import replace

import pyarrow as pa

from vesalius.lake import is_json
from vesalius.views.fhirpath._types import (
    PRIMITIVES,
    SUFFIXES,
    Shape,
    element,
    is_a,
    is_choice,
    plain,
    scalar,
    suffix,
)
from vesalius.views.sql._dialect import Dialect, Kind
from vesalius.views.sql._plan import NotCompiledError
from vesalius.views.sql._value import (
    ARROW,
    JSON,
    NOTHING,
    WHOLE,
    Guard,
    NotExactError,
    NotHeldError,
    Open,
    Sql,
    boolean,
    field_of,
)

_ELEMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OF_ALL = frozenset(
    {"id", "meta", "implicitRules", "language", "text", "contained", "extension", "modifierExtension"}
)
"""The elements that every resource has, or nearly every."""
BODY = "_body"
"""The column that holds the whole resource as JSON."""


class Elements:
    """Reads elements; the base of the compiler.

    Attributes:
        used: each element that the SQL reads, as the FHIR type that has it and its name: all that is read of
            a file. A structure of which no element is named is read whole; ``_body`` is the whole resource.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.used: set[tuple[str, str]] = set()
        self.guard = Guard()
        self._variables = 0
        self._heads: dict[str, str] = {}

    def variable(self) -> str:
        """A name for the item of a list that no other has."""
        self._variables += 1
        return f"v{self._variables}"

    # --- lists -------------------------------------------------------------------------------------------

    def only(self, value: Sql, what: str) -> Sql:
        """The single value of a list; the query fails where there are several."""
        if not value.many:
            return value
        self.guard.check("a list in a condition where one value is allowed")
        first = self.dialect.item(value.text, 0)
        fault = self.dialect.fault(f"{what} has several values where one is allowed")
        text = f"CASE WHEN {self.dialect.size(value.text)} > 1 THEN {fault} ELSE {first} END"
        return replace(value, text=text, shape=value.shape.one(), beside=None)

    def first(self, items: Sql) -> Sql:
        """The first item of a list, which is nearly always found without making the list."""
        if not items.many:
            return items
        text, head = self.dialect.item(items.text, 0), self._heads.get(items.text)
        return self.at(items, f"coalesce({head}, {text})" if head else text)

    def at(self, items: Sql, text: str) -> Sql:
        """One item of a list."""
        return replace(items, text=text, shape=items.shape.one(), beside=None)

    def listed(self, value: Sql) -> Sql:
        """The value as a list."""
        if value.many:
            return value
        return replace(value, text=self.dialect.listed(value.text), shape=Shape(value.shape.types))

    def mapped(self, items: Sql, made: Sql, variable: str) -> Sql:
        """The list of what ``made`` gives for each item, without what is empty."""
        text = self.dialect.transform(items.text, variable, made.text)
        text = self.solid(text)
        if made.many:
            text = self.solid(self.dialect.flatten(text), made.type)
        return replace(made, text=text, shape=Shape(made.shape.types), beside=None)

    def solid(self, items: str, item: pa.DataType | None = None) -> str:
        """The list without nulls; a list of structures of valid FHIR has none."""
        if item is not None and pa.types.is_struct(item):
            return items
        variable = self.variable()
        return self.dialect.keep(items, variable, f"{variable} IS NOT NULL")

    def exists(self, value: Sql | Open) -> str:
        """Whether there is any."""
        if isinstance(value, Open):
            return f"({' OR '.join(self.exists(each) for each in self.alternatives(value))})"
        if value.nothing:
            return "FALSE"
        return f"{self.dialect.size(value.text)} > 0" if value.many else f"{value.text} IS NOT NULL"

    def kind(self, value: Sql) -> Kind:
        """What the value compares and casts as.

        Raises:
            NotCompiledError: it is a structure, or is kept in a form that is not FHIR's text.
        """
        declared = value.shape.type
        if declared in WHOLE:
            return "integer"
        if declared == "decimal":
            return "number"
        if pa.types.is_boolean(value.type):
            return "boolean"
        if value.textual:
            return "text"
        if pa.types.is_integer(value.type):
            return "integer"
        raise NotCompiledError(f"a value of type {declared or value.type}, which is a structure")

    # --- elements ----------------------------------------------------------------------------------------

    def member(self, owner: Sql | Open, name: str) -> Sql | Open:
        """The element ``name`` of a structure or of each of a list of structures."""
        if isinstance(owner, Open):
            return self._member_of_open(owner, name)
        if owner.nothing or not _ELEMENT.fullmatch(name):
            return NOTHING
        if name in ("extension", "id") and owner.shape.type in PRIMITIVES:
            return self._beside(owner, name)
        if name == "resourceType":
            return self._resource_type(owner)
        if not owner.shape.types:
            raise NotCompiledError(f"the element {name} of what may be of any type")
        shape = self._shape(owner, name)
        if not shape.types:
            return self._unknown(owner, name)
        if is_choice(owner.shape.type, name):
            return Open(owner, name, shape.types)
        return self.field(owner, name, shape)

    def _shape(self, owner: Sql, name: str) -> Shape:
        """The types of the element, and whether one owner can have several."""
        found = [_element(kind, name) for kind in owner.shape.types]
        known = {each for each in found if each[0]}
        if len(known) > 1:
            raise NotCompiledError(f"the element {name}, which differs between the types it can be of")
        types, many = known.pop() if known else ((), False)
        return Shape(types, many)

    def _unknown(self, owner: Sql, name: str) -> Sql:
        """An element that R4 does not have is empty, if the Python route cannot find it either."""
        for at in range(1, len(name)):
            if name[at:] in SUFFIXES and any(is_choice(kind, name[:at]) for kind in owner.shape.types):
                raise NotCompiledError(f"the element {name}, which FHIRPath calls {name[:at]}")
        if "Resource" in owner.shape.types:
            raise NotCompiledError(f"the element {name} of a resource that may be of any type")
        return NOTHING

    def field(self, owner: Sql, name: str, shape: Shape) -> Sql:
        """The element of this name in JSON; ``shape`` says whether one owner can have several."""
        if owner.json:
            return self._extracted(owner, name, shape)
        kept = field_of(owner.type, name)
        if kept is None:
            raise NotHeldError(f"{owner.shape.type}.{name}, which the columns do not hold")
        self.used.add((owner.shape.type, name))
        if is_json(kept):
            return self._held_as_json(owner, name, shape)
        several = bool(pa.types.is_list(kept.type))
        item = kept.type.field(0).type if several else kept.type
        if owner.many:
            variable = self.variable()
            made = Sql(self.dialect.field(variable, name), item, Shape(shape.types, several))
            found = replace(self.mapped(owner, made, variable), beside=(owner, name))
        else:
            text = self.dialect.field(owner.text, name)
            text = self.solid(text, item) if several else text
            found = Sql(text, item, Shape(shape.types, several), beside=(owner, name))
        self._heads[found.text] = self._head(owner, name, several=several)
        return found

    def _head(self, owner: Sql, name: str, *, several: bool) -> str:
        """The value along the first items only; where it is not null, it is the first of the list."""
        first = self._heads.get(owner.text, "") if owner.many else owner.text
        if not first:
            return ""
        value = self.dialect.field(first, name)
        return self.dialect.item(value, 0) if several else value

    def _held_as_json(self, owner: Sql, name: str, shape: Shape) -> Sql:
        """A column that holds JSON text: of one structure, or of a list of them."""
        variable = self.variable() if owner.many else ""
        text = self.dialect.field(variable or owner.text, name)
        found = Sql(self.dialect.json_list(text) if shape.many else text, JSON, shape)
        return self.mapped(owner, found, variable) if variable else found

    def _extracted(self, owner: Sql, name: str, shape: Shape) -> Sql:
        primitive = shape.type in PRIMITIVES
        variable = self.variable() if owner.many else ""
        source = variable or owner.text
        if primitive:
            item = ARROW.get(shape.type, pa.string())
            text = (
                self.dialect.json_texts(source, name) if shape.many else self.dialect.json_text(source, name)
            )
            text = (
                self.solid(self._parsed(text, item, shape.many)) if shape.many else self._parsed(text, item)
            )
        else:
            item = JSON
            text = (
                self.dialect.json_items(source, name) if shape.many else self.dialect.json_field(source, name)
            )
        found = Sql(text, item, shape, exact=owner.exact)
        found = self.mapped(owner, found, variable) if variable else found
        return replace(found, beside=(owner, name) if primitive else None)

    def _parsed(self, text: str, item: pa.DataType, many: bool = False) -> str:
        """Text of JSON as a value of the type; what is none is null."""
        if item == pa.string():
            return text
        kind: Kind = "boolean" if item == pa.bool_() else "integer" if item == pa.int64() else "number"
        if not many:
            return self.dialect.parse(text, kind)
        variable = self.variable()
        return self.dialect.transform(text, variable, self.dialect.parse(variable, kind))

    def written(self, value: Sql) -> str:
        """The text of a number with the digits that it has in JSON.

        Raises:
            NotExactError: it must be read from a resource whose numbers kept their digits.
            NotHeldError: as above, of a value that is read from typed columns.
        """
        if value.beside is None or value.many:
            raise NotCompiledError("the digits of a number that was calculated")
        owner, name = value.beside
        if not owner.json:
            raise NotHeldError("the digits of a number, which the columns do not hold")
        if not owner.exact:
            raise NotExactError("the digits of a number")
        return self.dialect.json_text(owner.text, name)

    def _beside(self, value: Sql, name: str) -> Sql | Open:
        """An element of a primitive: JSON keeps those beside it, under ``_name``."""
        if value.beside is None:
            raise NotCompiledError(f"{name} of a primitive that is one of a list, or calculated")
        owner, own = value.beside
        if not owner.json:
            raise NotHeldError(f"{name} of a primitive")
        # Whether the primitive itself repeats in one owner: a list owner makes a list of anything.
        several = any(element(kind, own)[1] for kind in owner.shape.types)
        beside = self.field(owner, f"_{own}", Shape(("Element",), several))
        return self.field(beside, name, Shape(*element("Element", name)))

    def _resource_type(self, owner: Sql) -> Sql:
        if not owner.json:
            if owner.many:
                return NOTHING
            raise NotHeldError("resourceType")
        return self.field(owner, "resourceType", Shape(("code",), many=False))

    # --- choices and types -------------------------------------------------------------------------------

    def alternatives(self, value: Open) -> list[Sql]:
        """The elements that a choice stands for, one per type."""
        return [
            self.field(value.owner, f"{value.name}{suffix(kind)}", Shape((kind,), many=False))
            for kind in value.types
        ]

    def closed(self, value: Sql | Open) -> Sql:
        """The value, where a choice has one type left.

        Raises:
            NotCompiledError: there are several.
        """
        if isinstance(value, Sql):
            return value
        if len(value.types) == 1:
            return self.alternatives(value)[0]
        if not value.wanted:
            raise NotCompiledError(f"the choice element {value.name} without ofType()")
        owner = value.owner
        variable = self.variable() if owner.many else ""
        parts = self.alternatives(replace(value, owner=self.at(owner, variable)) if variable else value)
        if len({part.type for part in parts}) > 1:
            raise NotCompiledError(f"{value.name} as {value.wanted}, which stands for several types")
        text = f"coalesce({', '.join(part.text for part in parts)})"
        found = replace(parts[0], text=text, shape=scalar(value.wanted), beside=None)
        return self.mapped(owner, found, variable) if variable else found

    def as_text(self, value: Open) -> Sql:
        """A choice as the text that its value has in a column."""
        if value.owner.many or "decimal" in value.types or not set(value.types) <= PRIMITIVES:
            return self.closed(value)
        parts = [self.dialect.cast(each.text, "text") for each in self.alternatives(value)]
        return Sql(f"coalesce({', '.join(parts)})", pa.string(), Shape(value.types, many=False))

    def _member_of_open(self, owner: Open, name: str) -> Sql | Open:
        having = tuple(kind for kind in owner.types if _has(kind, name))
        if not having:
            return NOTHING
        return self.member(self.closed(replace(owner, types=having)), name)

    def narrowed(self, value: Sql | Open, wanted: str) -> Sql | Open:
        """``ofType``: what is of the type or one derived from it."""
        if isinstance(value, Open):
            types = tuple(kind for kind in value.types if is_a(kind, wanted))
            if not types:
                return NOTHING
            return self.closed(replace(value, types=types, wanted=plain(wanted)))
        if value.nothing:
            return NOTHING
        if value.json and value.shape.types == ("Resource",):
            return self._resources(value, wanted)
        if len(value.shape.types) != 1:
            raise NotCompiledError("ofType() of something whose type is not known")
        return value if is_a(value.shape.type, wanted) else NOTHING

    def _resources(self, value: Sql, wanted: str) -> Sql:
        """Of whole resources, those of the type."""
        shape = Shape((wanted,), value.many)
        kind = self.dialect.text(wanted)
        if not value.many:
            test = f"{self.dialect.json_text(value.text, 'resourceType')} = {kind}"
            return replace(value, text=f"CASE WHEN {test} THEN {value.text} END", shape=shape)
        variable = self.variable()
        test = f"{self.dialect.json_text(variable, 'resourceType')} = {kind}"
        return replace(value, text=self.dialect.keep(value.text, variable, test), shape=shape)

    def is_of(self, value: Sql | Open, wanted: str) -> Sql:
        """``is``: empty where there is nothing."""
        if isinstance(value, Open):
            if value.owner.many:
                raise NotCompiledError("is, of something that may be a list")
            right = replace(value, types=tuple(kind for kind in value.types if is_a(kind, wanted)))
            test = self.exists(right) if right.types else "FALSE"
            return boolean(f"(CASE WHEN {test} THEN TRUE WHEN {self.exists(value)} THEN FALSE END)")
        value = self.only(value, "is")
        if value.nothing:
            return boolean("CAST(NULL AS BOOLEAN)")
        if value.json and value.shape.types == ("Resource",):
            return boolean(
                f"({self.dialect.json_text(value.text, 'resourceType')} = {self.dialect.text(wanted)})"
            )
        if len(value.shape.types) != 1:
            raise NotCompiledError("is, of something whose type is not known")
        truth = "TRUE" if is_a(value.shape.type, wanted) else "FALSE"
        return boolean(f"(CASE WHEN {value.text} IS NOT NULL THEN {truth} END)")


def _element(kind: str, name: str) -> tuple[tuple[str, ...], bool]:
    """An element of a type, or of every resource."""
    return element("Patient" if kind == "Resource" and name in _OF_ALL else kind, name)


def _has(kind: str, name: str) -> bool:
    return bool(element(kind, name)[0]) or (name == "extension" and kind in PRIMITIVES)
