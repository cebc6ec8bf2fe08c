"""FHIRPath as SQL, for the expressions that mean the same in both to the letter.

What is not compiled raises :class:`NotCompiledError` with the reason, and the whole view goes the Python
route. What the typed columns do not hold raises :class:`NotHeldError`, and is read from JSON instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa

from vesalius.views.fhirpath import _nodes as ast
from vesalius.views.fhirpath._types import MOMENTS, Shape, plain, scalar
from vesalius.views.fhirpath._values import Moment, moment
from vesalius.views.sql._calls import CALLS
from vesalius.views.sql._dialect import Dialect
from vesalius.views.sql._elements import Elements
from vesalius.views.sql._moments import ORDER, compared
from vesalius.views.sql._numbers import calculated, negated
from vesalius.views.sql._plan import NotCompiledError
from vesalius.views.sql._value import (
    NOTHING,
    Open,
    Place,
    Sql,
    boolean,
    integer,
    string,
)

__all__ = ["Compiler", "Place", "Sql"]

UNKNOWN = "CAST(NULL AS BOOLEAN)"
CODE_SYSTEMS = {
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
    "ucum": "http://unitsofmeasure.org",
}


class Compiler(Elements):
    """Makes SQL of expressions; the constants of the view become literals."""

    def __init__(self, dialect: Dialect, constants: Mapping[str, tuple[Any, str]]) -> None:
        super().__init__(dialect)
        self.constants = constants

    def compile(self, node: ast.Node, place: Place) -> Sql:
        """The SQL of an expression.

        Raises:
            NotCompiledError: there is something in it that the Python route does.
            NotHeldError: there is something in it that must be read from JSON.
        """
        return self.closed(self.open(node, place))

    def open(self, node: ast.Node, place: Place) -> Sql | Open:
        """As :meth:`compile`; a choice element stays open."""
        made: Sql | Open = getattr(self, f"_{type(node).__name__.lower()}")(node, place)
        return made

    def cell(self, node: ast.Node, place: Place) -> Sql:
        """As :meth:`compile`, for a column: a choice is the text of its value."""
        found = self.open(node, place)
        return self.as_text(found) if isinstance(found, Open) else found

    def target(self, node: ast.Node | None, place: Place) -> Sql:
        """What a function is called on: the focus, if nothing is named."""
        return place.focus if node is None else self.compile(node, place)

    def open_target(self, node: ast.Node | None, place: Place) -> Sql | Open:
        """As :meth:`target`; a choice element stays open."""
        return place.focus if node is None else self.open(node, place)

    def truth(self, value: Sql, what: str = "the expression") -> str:
        """A value as a condition; one that is no Boolean is true."""
        value = self.only(value, what)
        if value.nothing:
            return UNKNOWN
        if pa.types.is_boolean(value.type):
            return value.text
        return f"CASE WHEN {value.text} IS NOT NULL THEN TRUE END"

    def filtered(self, target: Sql, criterion: ast.Node, place: Place) -> Sql:
        """The items for which the criterion is true."""
        if target.nothing:
            return NOTHING
        item = self.variable() if target.many else target.text
        test = self.criterion(criterion, replace(target, text=item, shape=target.shape.one()), place)
        if target.many:
            text = self.dialect.keep(target.text, item, f"coalesce({test}, FALSE)")
            return replace(target, text=text, beside=None)
        return replace(target, text=f"CASE WHEN {test} THEN {target.text} END")

    def criterion(self, node: ast.Node, focus: Sql, place: Place) -> str:
        """A condition on one item."""
        return self.truth(self.compile(node, replace(place, focus=focus)), "the criterion of where()")

    # --- leaves ------------------------------------------------------------------------------------------

    def _literal(self, node: ast.Literal, _place: Place) -> Sql:
        if node.kind == "Empty":
            return NOTHING
        if node.kind in ("Date", "DateTime", "Time"):
            return self.moment(_moment(node), plain(node.kind))
        return self.value(node.value, plain(node.kind))

    def value(self, value: Any, kind: str) -> Sql:
        """A value that is written out, or a constant of the view."""
        if isinstance(value, bool):
            return boolean("TRUE" if value else "FALSE")
        if isinstance(value, int):
            return Sql(str(value), pa.int64(), scalar("integer"))
        if isinstance(value, Decimal | float):
            number = self.dialect.cast(self.dialect.text(str(value)), "number")
            return Sql(number, pa.float64(), scalar("decimal"))
        if isinstance(value, Moment):
            return self.moment(value, kind)
        if not isinstance(value, str) or kind == "Quantity" or "\0" in value:
            raise NotCompiledError(f"a {kind} literal")
        return string(self.dialect.text(value), kind)

    def moment(self, value: Moment, kind: str) -> Sql:
        """A date, a dateTime or a time that is written out."""
        return replace(string(self.dialect.text(value.text), kind), moment=value)

    def _constant(self, node: ast.Constant, place: Place) -> Sql:
        if node.name in self.constants:
            return self.value(*self.constants[node.name])
        if node.name == "rowIndex":
            return integer(place.row)
        if node.name in ("resource", "context", "rootResource"):
            return place.root
        if node.name in CODE_SYSTEMS:
            return self.value(CODE_SYSTEMS[node.name], "uri")
        raise NotCompiledError(f"the constant %{node.name}")

    def _variable(self, node: ast.Variable, place: Place) -> Sql:
        if node.name == "this":
            return place.focus
        raise NotCompiledError(f"${node.name}")

    # --- paths -------------------------------------------------------------------------------------------

    def _member(self, node: ast.Member, place: Place) -> Sql | Open:
        if node.target is None and node.name[0].isupper():
            return place.focus if node.name == place.focus.shape.type else NOTHING
        if node.name.startswith("_"):
            raise NotCompiledError(f"the element {node.name}")
        return self.member(self.open_target(node.target, place), node.name)

    def _item(self, node: ast.Item, place: Place) -> Sql:
        target = self.compile(node.target, place)
        index = self.number_of(node.index)
        if index is None:
            raise NotCompiledError("an index that is not a number")
        if not target.many:
            return target if index == 0 else NOTHING
        if index == 0:
            return self.first(target)
        return self.at(target, self.dialect.item(target.text, index)) if index >= 0 else NOTHING

    def number_of(self, node: ast.Node) -> int | None:
        """A whole number that is written out or a constant of the view."""
        value: Any = None
        if isinstance(node, ast.Constant) and node.name in self.constants:
            value = self.constants[node.name][0]
        elif isinstance(node, ast.Literal):
            value = node.value
        elif isinstance(node, ast.Unary) and node.operator == "-":
            value = self.number_of(node.operand)
            value = None if value is None else -value
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def _unary(self, node: ast.Unary, place: Place) -> Sql:
        if isinstance(node.operand, ast.Literal) and isinstance(node.operand.value, int | Decimal):
            value = node.operand.value
            return self.value(-value if node.operator == "-" else value, plain(node.operand.kind))
        return negated(self, node.operator, self.compile(node.operand, place))

    def _typetest(self, node: ast.TypeTest, place: Place) -> Sql | Open:
        target = self.open(node.operand, place)
        return self.is_of(target, node.type) if node.operator == "is" else self.narrowed(target, node.type)

    def _call(self, node: ast.Call, place: Place) -> Sql | Open:
        call = CALLS.get(node.name)
        if call is None:
            raise NotCompiledError(f"{node.name}()")
        return call(self, node, place)

    # --- operators ---------------------------------------------------------------------------------------

    def _binary(self, node: ast.Binary, place: Place) -> Sql:
        if node.operator in ("and", "or", "xor", "implies"):
            return self._logic(node, place)
        if node.operator in ("=", "!=", *ORDER):
            return self._comparison(node, place)
        if node.operator in ("in", "contains"):
            return self._membership(node, place)
        if node.operator in ("~", "!~"):
            raise NotCompiledError(f"the operator {node.operator}")
        left, right = self.compile(node.left, place), self.compile(node.right, place)
        if node.operator == "|":
            return self.united(left, right, distinct=True)
        return calculated(self, node.operator, left, right)

    def _logic(self, node: ast.Binary, place: Place) -> Sql:
        what = f"one side of {node.operator!r}"
        with self.guard.inside():
            left = self.truth(self.compile(node.left, place), what)
            right = self.truth(self.compile(node.right, place), what)
        text = {
            "and": f"(({left}) AND ({right}))",
            "or": f"(({left}) OR ({right}))",
            "xor": f"(({left}) <> ({right}))",
            "implies": f"((NOT ({left})) OR ({right}))",
        }[node.operator]
        return boolean(text)

    def _comparison(self, node: ast.Binary, place: Place) -> Sql:
        left, right = self.compile(node.left, place), self.compile(node.right, place)
        if left.nothing or right.nothing:
            return boolean(UNKNOWN)
        self.check_comparable(left, right)
        if node.operator in ORDER:
            what = f"one side of {node.operator!r}"
            return boolean(self._ordered(node.operator, self.only(left, what), self.only(right, what)))
        same = self._equal(left, right)
        return boolean(same if node.operator == "=" else f"(NOT {same})")

    def _ordered(self, operator: str, left: Sql, right: Sql) -> str:
        if _timed(left) and _timed(right):
            return compared(self.dialect, operator, left, right)
        if "boolean" in (self.kind(left), self.kind(right)):
            raise NotCompiledError("an order of truth values")
        return f"({left.text} {operator} {right.text})"

    def check_comparable(self, left: Sql, right: Sql) -> None:
        """Refuses what SQL compares in another way than FHIRPath, or not at all."""
        if _timed(left) != _timed(right) and (left.moment or right.moment):
            raise NotCompiledError("a comparison of a date with text")
        kinds = {"number" if kind == "integer" else kind for kind in (self.kind(left), self.kind(right))}
        if len(kinds) > 1 or (kinds == {"number"} and (left.textual or right.textual)):
            raise NotCompiledError("a comparison of different types")

    def _equal(self, left: Sql, right: Sql) -> str:
        """Equal collections; a single value is equal only to a single value."""
        if left.many and right.many:
            raise NotCompiledError("a comparison of two lists")
        if not left.many and not right.many:
            return self.same(left, right)
        items, value = (left, right) if left.many else (right, left)
        size = self.dialect.size(items.text)
        first = self.at(items, self.dialect.item(items.text, 0))
        return (
            f"(CASE WHEN {size} = 0 OR {value.text} IS NULL THEN NULL WHEN {size} > 1 THEN FALSE "
            f"ELSE {self.same(first, value)} END)"
        )

    def same(self, left: Sql, right: Sql) -> str:
        """Whether two single values are equal."""
        if _timed(left) and _timed(right):
            return compared(self.dialect, "=", left, right)
        return f"({left.text} = {right.text})"

    def _membership(self, node: ast.Binary, place: Place) -> Sql:
        inner, outer = (node.left, node.right) if node.operator == "in" else (node.right, node.left)
        item = self.compile(inner, place)
        if item.nothing:
            return boolean(UNKNOWN)
        leaves = _leaves(outer)
        if leaves is not None:
            return self._among([self.compile(leaf, place) for leaf in leaves], item)
        items = self.listed(self.compile(outer, place))
        if items.nothing:
            return boolean(f"(CASE WHEN {self.only(item, 'the item').text} IS NOT NULL THEN FALSE END)")
        variable = self.variable()
        single = self.only(item, f"the item of {node.operator!r}")
        self.check_comparable(single, items)
        test = self.same(self.at(items, variable), single)
        found = self.dialect.keep(items.text, variable, f"coalesce({test}, FALSE)")
        return boolean(f"(CASE WHEN {single.text} IS NOT NULL THEN {self.dialect.size(found)} > 0 END)")

    def _among(self, values: list[Sql], item: Sql) -> Sql:
        for value in values:
            self.check_comparable(item, value)
        single = self.only(item, "the item of 'in'")
        if any(_timed(value) for value in values):
            tests = " OR ".join(f"coalesce({self.same(single, value)}, FALSE)" for value in values)
            return boolean(f"(CASE WHEN {single.text} IS NOT NULL THEN {tests} END)")
        return boolean(f"({single.text} IN ({', '.join(value.text for value in values)}))")

    def united(self, left: Sql, right: Sql, *, distinct: bool) -> Sql:
        """Two collections as one, with or without repeats."""
        parts = [self.listed(each) for each in (left, right) if not each.nothing]
        if not parts:
            return NOTHING
        if len({self.kind(part) if distinct else str(part.type) for part in parts}) > 1:
            raise NotCompiledError("a union of different types")
        if distinct and any(_timed(part) for part in parts):
            raise NotCompiledError("a union of dates, which are compared by precision")
        types = tuple(dict.fromkeys(name for part in parts for name in part.shape.types))
        text = self.dialect.concat([part.text for part in parts])
        text = self.dialect.distinct(text) if distinct else text
        return replace(parts[0], text=text, shape=Shape(types), beside=None, moment=None)


def _timed(value: Sql) -> bool:
    return bool(value.shape.types) and MOMENTS.keys() >= set(value.shape.types)


def _leaves(node: ast.Node) -> list[ast.Node] | None:
    """The literals and constants of a union; None if there is anything else in it."""
    if isinstance(node, ast.Binary) and node.operator == "|":
        left, right = _leaves(node.left), _leaves(node.right)
        return None if left is None or right is None else [*left, *right]
    return [node] if isinstance(node, ast.Literal | ast.Constant) else None


def _moment(node: ast.Literal) -> Moment:
    written = str(node.value)
    found = moment(written.removeprefix("T") if node.kind == "Time" else written, node.kind)
    if found is None:
        raise NotCompiledError(f"@{written}, which is no {node.kind}")
    return found
