"""FHIRPath as SQL over typed columns, for the expressions that mean the same in both to the letter.

What is not compiled raises :class:`NotCompiledError` with the reason, and the whole view goes the Python
route: dates compared by precision, arithmetic on decimals (exact there, binary here), choice elements
without ``ofType``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pyarrow as pa

from vesalius.views import _nodes as ast
from vesalius.views._dialect import Dialect, Kind
from vesalius.views._plan import NotCompiledError
from vesalius.views._types import (
    MOMENTS,
    PRIMITIVES,
    Shape,
    derived,
    is_a,
    is_choice,
    member,
    plain,
    scalar,
    suffix,
)
from vesalius.views._values import Moment

NUMBERS = frozenset({"decimal", "integer", "integer64", "positiveInt", "unsignedInt"})


@dataclass(frozen=True)
class Sql:
    """A piece of SQL: its text, the Arrow type of what it gives (of an item, for a list), its FHIR shape."""

    text: str
    type: pa.DataType
    shape: Shape

    @property
    def many(self) -> bool:
        """Whether it is a list."""
        return self.shape.many

    @property
    def nothing(self) -> bool:
        """Whether it is always empty: the path leads nowhere."""
        return bool(pa.types.is_null(self.type))


NOTHING = Sql("NULL", pa.null(), Shape((), many=False))
_ARROW = {"boolean": pa.bool_(), "integer": pa.int64(), "decimal": pa.float64(), "string": pa.string()}


@dataclass(frozen=True)
class Place:
    """Where an expression runs: on which item, in which row of which resource."""

    focus: Sql
    root: Sql
    row: str


class Compiler:
    """Makes SQL of expressions; the constants of the view become literals.

    Attributes:
        used: each element that the SQL reads, as the FHIR type that has it and its name: all that is read of
            a file. A structure of which no element is named is read whole.
    """

    def __init__(self, dialect: Dialect, constants: Mapping[str, tuple[Any, str]]) -> None:
        self.dialect = dialect
        self.constants = constants
        self.used: set[tuple[str, str]] = set()
        self._variables = 0
        self._conditions = 0

    @contextmanager
    def condition(self) -> Iterator[None]:
        """Inside, nothing may fail: an engine evaluates parts of a condition in any order, or not at all."""
        self._conditions += 1
        yield
        self._conditions -= 1

    def compile(self, node: ast.Node, place: Place) -> Sql:
        """The SQL of an expression.

        Raises:
            NotCompiledError: there is something in it that the Python route does.
        """
        method = getattr(self, f"_{type(node).__name__.lower()}")
        made: Sql = method(node, place)
        return made

    def truth(self, value: Sql, what: str = "the expression") -> str:
        """A value as a condition; one that is no Boolean is true."""
        value = self.only(value, what)
        if value.nothing:
            return "CAST(NULL AS BOOLEAN)"
        if pa.types.is_boolean(value.type):
            return value.text
        return f"CASE WHEN {value.text} IS NOT NULL THEN TRUE END"

    def only(self, value: Sql, what: str) -> Sql:
        """The single value of a list; the query fails where there are several."""
        if not value.many:
            return value
        if self._conditions:
            raise NotCompiledError("a list in a condition where one value is allowed")
        first = self.dialect.item(value.text, 0)
        fault = self.dialect.fault(f"{what} has several values where one is allowed")
        text = f"CASE WHEN {self.dialect.size(value.text)} > 1 THEN {fault} ELSE {first} END"
        return replace(value, text=text, shape=value.shape.one())

    def exists(self, value: Sql) -> str:
        """Whether there is any."""
        return f"{self.dialect.size(value.text)} > 0" if value.many else f"{value.text} IS NOT NULL"

    def kind(self, value: Sql) -> Kind:
        """What the value compares and casts as.

        Raises:
            NotCompiledError: it is a structure, or is kept in a form that is not FHIR's text.
        """
        declared = value.shape.type
        if declared in NUMBERS:
            return "number" if declared == "decimal" else "integer"
        if pa.types.is_boolean(value.type):
            return "boolean"
        if pa.types.is_string(value.type) or pa.types.is_large_string(value.type):
            return "text"
        if pa.types.is_integer(value.type):
            return "integer"
        raise NotCompiledError(f"a value of type {declared or value.type}")

    # --- leaves ------------------------------------------------------------------------------------------

    def _literal(self, node: ast.Literal, _place: Place) -> Sql:
        return NOTHING if node.kind == "Empty" else self._value(node.value, plain(node.kind))

    def _value(self, value: Any, kind: str) -> Sql:
        if isinstance(value, bool):
            return Sql("TRUE" if value else "FALSE", pa.bool_(), scalar("boolean"))
        if isinstance(value, int):
            return Sql(str(value), pa.int64(), scalar("integer"))
        if isinstance(value, Decimal | float):
            return Sql(
                self.dialect.cast(self.dialect.text(str(value)), "number"), pa.float64(), scalar("decimal")
            )
        if isinstance(value, Moment):
            return Sql(self.dialect.text(value.text), pa.string(), scalar(kind))
        if not isinstance(value, str) or kind == "Quantity" or "\0" in value:
            raise NotCompiledError(f"a {kind} literal")
        return Sql(self.dialect.text(value), pa.string(), scalar(kind))

    def _constant(self, node: ast.Constant, place: Place) -> Sql:
        if node.name in self.constants:
            return self._value(*self.constants[node.name])
        if node.name == "rowIndex":
            return Sql(place.row, pa.int64(), scalar("integer"))
        if node.name in ("resource", "context", "rootResource"):
            return place.root
        raise NotCompiledError(f"the constant %{node.name}")

    def _variable(self, node: ast.Variable, place: Place) -> Sql:
        if node.name == "this":
            return place.focus
        raise NotCompiledError(f"${node.name}")

    # --- paths -------------------------------------------------------------------------------------------

    def _target(self, node: ast.Node | None, place: Place) -> Sql:
        return place.focus if node is None else self.compile(node, place)

    def _member(self, node: ast.Member, place: Place) -> Sql:
        if node.target is None and node.name[0].isupper():
            return place.focus if node.name == place.focus.shape.type else NOTHING
        if node.name in ("extension", "resourceType") or node.name.startswith("_"):
            raise NotCompiledError(f"the element {node.name}")
        return self.member(self._target(node.target, place), node.name)

    def member(self, owner: Sql, name: str) -> Sql:
        """The element ``name`` of a structure or of each of a list of structures."""
        if owner.nothing:
            return NOTHING
        shape = member(owner.shape, name)
        if shape.types == ():
            return NOTHING
        if len(shape.types) > 1 or is_choice(owner.shape.type, name):
            raise NotCompiledError(f"the choice element {name} without ofType()")
        return self._field(owner, name, shape)

    def _field(self, owner: Sql, name: str, shape: Shape) -> Sql:
        kept = _field_type(owner.type, name)
        if kept is None:
            raise NotCompiledError(f"the columns do not hold {owner.shape.type}.{name}")
        self.used.add((owner.shape.type, name))
        several = bool(pa.types.is_list(kept))
        item = kept.field(0).type if several else kept
        if shape.type not in PRIMITIVES and not pa.types.is_struct(item):
            raise NotCompiledError(f"{owner.shape.type}.{name}, which the columns hold as JSON")
        if owner.many:
            variable = self._variable_name()
            text = self.dialect.transform(owner.text, variable, self.dialect.field(variable, name))
            text = self._solid(text)
            text = self._solid(self.dialect.flatten(text), item) if several else text
        else:
            text = self.dialect.field(owner.text, name)
            text = self._solid(text, item) if several else text
        return Sql(text, item, Shape(shape.types, owner.many or several))

    def _solid(self, items: str, item: pa.DataType | None = None) -> str:
        """The list without nulls; a list of structures of valid FHIR has none."""
        if item is not None and pa.types.is_struct(item):
            return items
        variable = self._variable_name()
        return self.dialect.keep(items, variable, f"{variable} IS NOT NULL")

    def _variable_name(self) -> str:
        self._variables += 1
        return f"v{self._variables}"

    def _item(self, node: ast.Item, place: Place) -> Sql:
        target = self.compile(node.target, place)
        index = self._index(node.index)
        if not isinstance(index, int) or isinstance(index, bool):
            raise NotCompiledError("an index that is not a number")
        if not target.many:
            return target if index == 0 else NOTHING
        return Sql(self.dialect.item(target.text, index), target.type, target.shape.one())

    def _index(self, node: ast.Node) -> Any:
        if isinstance(node, ast.Constant) and node.name in self.constants:
            return self.constants[node.name][0]
        return node.value if isinstance(node, ast.Literal) else None

    def _unary(self, node: ast.Unary, _place: Place) -> Sql:
        if isinstance(node.operand, ast.Literal) and isinstance(node.operand.value, int | Decimal):
            value = node.operand.value
            return self._value(-value if node.operator == "-" else value, plain(node.operand.kind))
        raise NotCompiledError("a sign before an expression")

    def _typetest(self, node: ast.TypeTest, place: Place) -> Sql:
        if node.operator == "is":
            raise NotCompiledError("is")
        return self._typed(node.operand, node.type, place)

    def _typed(self, node: ast.Node | None, wanted: str, place: Place) -> Sql:
        """``ofType`` and ``as``: of a choice element, the columns of the type and its derived types."""
        if isinstance(node, ast.Member):
            owner = self._target(node.target, place)
            if owner.nothing:
                return NOTHING
            if is_choice(owner.shape.type, node.name):
                return self._choice(owner, node.name, wanted)
        target = self._target(node, place)
        if target.nothing:
            return NOTHING
        if not target.shape.type:
            raise NotCompiledError("ofType() of something whose type is not known")
        return target if is_a(target.shape.type, wanted) else NOTHING

    def _choice(self, owner: Sql, name: str, wanted: str) -> Sql:
        allowed = member(owner.shape, name).types
        kinds = [kind for kind in derived(wanted) if kind in allowed]
        if not kinds:
            return NOTHING
        if len(kinds) > 1:
            raise NotCompiledError(f"{name} as {wanted}, which stands for several types")
        return self._field(owner, f"{name}{suffix(kinds[0])}", Shape((kinds[0],), many=owner.many))

    # --- operators ---------------------------------------------------------------------------------------

    def _binary(self, node: ast.Binary, place: Place) -> Sql:
        if node.operator in ("and", "or", "xor", "implies"):
            return self._logic(node, place)
        if node.operator in ("=", "!=", "<", "<=", ">", ">="):
            return self._comparison(node, place)
        if node.operator == "in":
            return self._membership(node, place)
        raise NotCompiledError(f"the operator {node.operator}")

    def _logic(self, node: ast.Binary, place: Place) -> Sql:
        what = f"one side of {node.operator!r}"
        with self.condition():
            left = self.truth(self.compile(node.left, place), what)
            right = self.truth(self.compile(node.right, place), what)
        text = {
            "and": f"(({left}) AND ({right}))",
            "or": f"(({left}) OR ({right}))",
            "xor": f"(({left}) <> ({right}))",
            "implies": f"((NOT ({left})) OR ({right}))",
        }[node.operator]
        return _boolean(text)

    def _comparison(self, node: ast.Binary, place: Place) -> Sql:
        left, right = self.compile(node.left, place), self.compile(node.right, place)
        if left.nothing or right.nothing:
            return _boolean("CAST(NULL AS BOOLEAN)")
        self._check_comparable(left, right)
        if node.operator not in ("=", "!="):
            what = f"one side of {node.operator!r}"
            return _boolean(f"({self.only(left, what).text} {node.operator} {self.only(right, what).text})")
        same = self._equal(left, right)
        return _boolean(same if node.operator == "=" else f"(NOT {same})")

    def _check_comparable(self, left: Sql, right: Sql) -> None:
        if MOMENTS.keys() & {*left.shape.types} and MOMENTS.keys() & {*right.shape.types}:
            raise NotCompiledError("a comparison of dates")
        kinds = {"number" if kind == "integer" else kind for kind in (self.kind(left), self.kind(right))}
        if len(kinds) > 1 or (kinds == {"number"} and "text" in (_raw(left), _raw(right))):
            raise NotCompiledError("a comparison of different types")

    def _equal(self, left: Sql, right: Sql) -> str:
        """Equal collections; a single value is equal only to a single value."""
        if left.many and right.many:
            raise NotCompiledError("a comparison of two lists")
        if not left.many and not right.many:
            return f"({left.text} = {right.text})"
        items, value = (left, right) if left.many else (right, left)
        size = self.dialect.size(items.text)
        return (
            f"(CASE WHEN {size} = 0 OR {value.text} IS NULL THEN NULL WHEN {size} > 1 THEN FALSE "
            f"ELSE {self.dialect.item(items.text, 0)} = {value.text} END)"
        )

    def _membership(self, node: ast.Binary, place: Place) -> Sql:
        item = self.compile(node.left, place)
        values = [self.compile(leaf, place) for leaf in _union_leaves(node.right)]
        for value in values:
            self._check_comparable(item, value)
        single = self.only(item, "the item of 'in'")
        return _boolean(f"({single.text} IN ({', '.join(value.text for value in values)}))")

    # --- functions ---------------------------------------------------------------------------------------

    def _call(self, node: ast.Call, place: Place) -> Sql:
        method = _CALLS.get(node.name)
        if method is None:
            raise NotCompiledError(f"{node.name}()")
        made: Sql = getattr(self, method)(node, place)
        return made

    def _where(self, node: ast.Call, place: Place) -> Sql:
        return self._filtered(self._target(node.target, place), node.arguments[0], place)

    def _filtered(self, target: Sql, criterion: ast.Node, place: Place) -> Sql:
        if target.nothing:
            return NOTHING
        item = self._variable_name() if target.many else target.text
        focus = Sql(item, target.type, target.shape.one())
        test = self.truth(self.compile(criterion, replace(place, focus=focus)), "the criterion of where()")
        if target.many:
            return replace(target, text=self.dialect.keep(target.text, item, f"coalesce({test}, FALSE)"))
        return replace(target, text=f"CASE WHEN {test} THEN {target.text} END")

    def _exists(self, node: ast.Call, place: Place) -> Sql:
        target = self._target(node.target, place)
        if node.arguments:
            target = self._filtered(target, node.arguments[0], place)
        return _boolean(f"({self.exists(target)})")

    def _empty(self, node: ast.Call, place: Place) -> Sql:
        return _boolean(f"(NOT {self.exists(self._target(node.target, place))})")

    def _not(self, node: ast.Call, place: Place) -> Sql:
        return _boolean(f"(NOT ({self.truth(self._target(node.target, place))}))")

    def _count(self, node: ast.Call, place: Place) -> Sql:
        target = self._target(node.target, place)
        text = (
            self.dialect.size(target.text)
            if target.many
            else f"CASE WHEN {target.text} IS NULL THEN 0 ELSE 1 END"
        )
        return Sql(text, pa.int64(), scalar("integer"))

    def _first(self, node: ast.Call, place: Place) -> Sql:
        target = self._target(node.target, place)
        if not target.many:
            return target
        return Sql(self.dialect.item(target.text, 0), target.type, target.shape.one())

    def _oftype(self, node: ast.Call, place: Place) -> Sql:
        return self._typed(node.target, _type_name(node.arguments[0]), place)

    def _join(self, node: ast.Call, place: Place) -> Sql:
        target = self._target(node.target, place)
        between = self.compile(node.arguments[0], place) if node.arguments else self._value("", "string")
        if target.nothing or not target.many:
            return target if not target.nothing and self.kind(target) == "text" else NOTHING
        if self.kind(target) != "text" or between.many or self.kind(between) != "text":
            raise NotCompiledError("join() of something that is not text")
        text = self.dialect.join(target.text, between.text)
        return Sql(f"CASE WHEN {self.exists(target)} THEN {text} END", pa.string(), scalar("string"))

    def _resource_key(self, node: ast.Call, place: Place) -> Sql:
        target = self._target(node.target, place)
        if target is not place.root:
            raise NotCompiledError("getResourceKey() of something that is not the resource")
        return self.member(target, "id")

    def _reference_key(self, node: ast.Call, place: Place) -> Sql:
        target = self._target(node.target, place)
        wanted = _type_name(node.arguments[0]) if node.arguments else ""
        if target.nothing:
            return NOTHING
        if target.shape.type != "Reference":
            raise NotCompiledError("getReferenceKey() of something that is not a Reference")
        if not target.many:
            return Sql(self._key(target.text, target.type, wanted), pa.string(), scalar("id"))
        variable = self._variable_name()
        keys = self.dialect.transform(target.text, variable, self._key(variable, target.type, wanted))
        return Sql(self._solid(keys), pa.string(), Shape(("id",)))

    def _key(self, reference: str, kept: pa.DataType, wanted: str) -> str:
        if _field_type(kept, "reference") is None:
            raise NotCompiledError("the columns do not hold Reference.reference")
        self.used |= {("Reference", "reference"), ("Reference", "type")}
        has_type = _field_type(kept, "type") is not None
        kind = f"coalesce({self.dialect.field(reference, 'type')}, '')" if has_type else "''"
        return self.dialect.reference_key(self.dialect.field(reference, "reference"), kind, wanted)

    def _starts(self, node: ast.Call, place: Place) -> Sql:
        return _boolean(self.dialect.starts(*self._texts(node, place)))

    def _ends(self, node: ast.Call, place: Place) -> Sql:
        return _boolean(self.dialect.ends(*self._texts(node, place)))

    def _contains(self, node: ast.Call, place: Place) -> Sql:
        return _boolean(self.dialect.has(*self._texts(node, place)))

    def _texts(self, node: ast.Call, place: Place) -> tuple[str, str]:
        pair = self._target(node.target, place), self.compile(node.arguments[0], place)
        if any(each.nothing or self.kind(each) != "text" for each in pair):
            raise NotCompiledError(f"{node.name}() of something that is not text")
        value, part = (self.only(each, f"{node.name}()").text for each in pair)
        return value, part


_CALLS = {
    "where": "_where",
    "exists": "_exists",
    "empty": "_empty",
    "not": "_not",
    "count": "_count",
    "first": "_first",
    "ofType": "_oftype",
    "join": "_join",
    "getResourceKey": "_resource_key",
    "getReferenceKey": "_reference_key",
    "startsWith": "_starts",
    "endsWith": "_ends",
    "contains": "_contains",
}


def _boolean(text: str) -> Sql:
    return Sql(text, pa.bool_(), scalar("boolean"))


def _raw(value: Sql) -> str:
    return "text" if pa.types.is_string(value.type) or pa.types.is_large_string(value.type) else ""


def _field_type(structure: pa.DataType, name: str) -> pa.DataType | None:
    if not pa.types.is_struct(structure):
        return None
    at = structure.get_field_index(name)
    return structure.field(at).type if at >= 0 else None


def _union_leaves(node: ast.Node) -> list[ast.Node]:
    if isinstance(node, ast.Binary) and node.operator == "|":
        return [*_union_leaves(node.left), *_union_leaves(node.right)]
    if isinstance(node, ast.Literal | ast.Constant):
        return [node]
    raise NotCompiledError("in, of something that is not a list of constants")


def _type_name(node: ast.Node) -> str:
    assert isinstance(node, ast.Member)
    return node.name
