"""The operators of FHIRPath (FHIRPath N1, chapter 6), compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vesalius.errors import InvalidView
from vesalius.views.fhirpath._compiled import BOOLEAN, Compiled, Run, Scope, Value, single
from vesalius.views.fhirpath._equality import as_moment, compare, equal, equal_items, equivalent_items
from vesalius.views.fhirpath._functions import Items, contains, one, truth
from vesalius.views.fhirpath._numbers import calculate
from vesalius.views.fhirpath._types import MOMENTS, scalar
from vesalius.views.fhirpath._values import Quantity, as_text, bare, decimal, is_number, kind_of

LOGIC: dict[str, Callable[[bool | None, bool | None], bool | None]] = {
    "and": lambda a, b: False if a is False or b is False else None if a is None or b is None else True,
    "or": lambda a, b: True if a or b else None if a is None or b is None else False,
    "xor": lambda a, b: None if a is None or b is None else a is not b,
    "implies": lambda a, b: True if a is False or b is True else None if a is None or b is None else False,
}
_ORDER: dict[str, Callable[[int], bool]] = {
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}
_WHOLE = frozenset({"integer", "positiveInt", "unsignedInt", "System.Integer"})


def logic(operator: str, left: Compiled, right: Compiled) -> Compiled:
    """``and``, ``or``, ``xor`` and ``implies``, where empty means unknown."""
    combine = LOGIC[operator]
    what = f"one side of {operator!r}"

    def run(items: Items, scope: Scope) -> Items:
        value = combine(truth(left.run(items, scope), what), truth(right.run(items, scope), what))
        return [] if value is None else [value]

    a, b = left.value, right.value
    if a is None or b is None or left.shape != BOOLEAN or right.shape != BOOLEAN:
        return Compiled(run, BOOLEAN)
    return Compiled(run, BOOLEAN, lambda item, scope: combine(a(item, scope), b(item, scope)))


def _timed(side: Compiled, other: Compiled) -> Run:
    """The side with its text read as moments, where the types say that both are."""
    if side.shape.type in MOMENTS and other.shape.type in MOMENTS:
        return lambda items, scope: [as_moment(bare(item)) or item for item in side.run(items, scope)]
    return side.run


def comparison(operator: str, left: Compiled, right: Compiled) -> Compiled:
    """Equality, equivalence, order and membership."""
    a, b = _timed(left, right), _timed(right, left)
    if operator in _ORDER:
        return Compiled(_ordering(operator, a, b), BOOLEAN)
    if operator in ("in", "contains"):
        return Compiled(_membership(a, b) if operator == "in" else _membership(b, a), BOOLEAN)
    same = equal_items if operator in ("=", "!=") else equivalent_items
    negated = operator[0] == "!"

    def run(items: Items, scope: Scope) -> Items:
        value = same(a(items, scope), b(items, scope))
        return [] if value is None else [value is not negated]

    if operator in ("=", "!=") and left.value and right.value and a is left.run:
        return single(_quick_equality(left.value, right.value, negated), BOOLEAN, run)
    return Compiled(run, BOOLEAN)


def _quick_equality(left: Value, right: Value, negated: bool) -> Value:
    def value(item: Any, scope: Scope) -> bool | None:
        x = left(item, scope)
        if x is None:
            return None
        y = right(item, scope)
        if x.__class__ is str and y.__class__ is str:
            return (x == y) is not negated
        found = None if y is None else equal(x, y)
        return None if found is None else found is not negated

    return value


def _ordering(operator: str, left: Run, right: Run) -> Run:
    holds, what = _ORDER[operator], f"one side of {operator!r}"

    def run(items: Items, scope: Scope) -> Items:
        a, b = one(left(items, scope), what), one(right(items, scope), what)
        order = None if a is None or b is None else compare(a, b)
        return [] if order is None else [holds(order)]

    return run


def _membership(item: Run, collection: Run) -> Run:
    def run(items: Items, scope: Scope) -> Items:
        found = item(items, scope)
        if not found:
            return []
        return [contains(collection(items, scope), one(found, "the item of 'in'"))]

    return run


def arithmetic(operator: str, left: Compiled, right: Compiled) -> Compiled:
    """Exact arithmetic on numbers, quantities and dates, and joining of texts."""
    what = f"one side of {operator!r}"

    def run(items: Items, scope: Scope) -> Items:
        a, b = one(left.run(items, scope), what), one(right.run(items, scope), what)
        if operator == "&":
            return [f"{_joined(a)}{_joined(b)}"]
        value = None if a is None or b is None else calculate(operator, a, b)
        return [] if value is None else [value]

    return Compiled(run, scalar(_result(operator, left.shape.type, right.shape.type)))


def _joined(value: Any) -> str:
    found = as_text(value)
    if found is None and value is not None:
        raise InvalidView(f"cannot join a {kind_of(value)} to a text")
    return found or ""


def _result(operator: str, left: str, right: str) -> str:
    """The type that the operands tell; of dates and quantities, the left one's."""
    typed = left.startswith("System.") or right.startswith("System.")
    if operator == "&" or (operator == "+" and {left, right} & {"string", "System.String"}):
        return "System.String" if typed else "string"
    if left in MOMENTS or left in ("System.Date", "System.DateTime", "System.Time") or "Quantity" in left:
        return left
    kind = "integer" if {left, right} <= _WHOLE and operator != "/" else "decimal"
    return f"System.{kind.title()}" if typed else kind


def negation(operator: str, operand: Compiled) -> Compiled:
    """``-`` and ``+`` before a number or a quantity."""
    what = f"unary {operator}"

    def run(items: Items, scope: Scope) -> Items:
        value = one(operand.run(items, scope), what)
        if value is None:
            return []
        if isinstance(value, Quantity):
            return [Quantity(-value.value, value.unit) if operator == "-" else value]
        if not is_number(value):
            raise InvalidView(f"{what} needs a number, not a {kind_of(value)}")
        # A decimal keeps the sign of its zero: unary minus on the type would round to the context.
        exact = value if isinstance(value, int) else decimal(value)
        if operator == "-":
            exact = -exact if isinstance(exact, int) else exact.copy_negate()
        return [exact]

    return Compiled(run, operand.shape.one())
