"""The operators of FHIRPath (FHIRPath N1, chapter 6), compiled."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from vesalius.errors import InvalidView
from vesalius.views._compiled import BOOLEAN, Compiled, Run, Scope
from vesalius.views._functions import Items, contains, one, truth
from vesalius.views._types import MOMENTS, scalar
from vesalius.views._values import as_moment, bare, compare, decimal, equal, equivalent, is_number

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


def logic(operator: str, left: Compiled, right: Compiled) -> Compiled:
    """``and``, ``or``, ``xor`` and ``implies``, where empty means unknown."""
    combine = LOGIC[operator]
    what = f"one side of {operator!r}"

    def run(items: Items, scope: Scope) -> Items:
        value = combine(truth(left.run(items, scope), what), truth(right.run(items, scope), what))
        return [] if value is None else [value]

    return Compiled(run, BOOLEAN)


def timed(side: Compiled, other: Compiled) -> Run:
    """The side with its text read as moments, where the types say that both are."""
    if side.shape.type in MOMENTS and other.shape.type in MOMENTS:
        return lambda items, scope: [as_moment(bare(item)) or item for item in side.run(items, scope)]
    return side.run


def comparison(operator: str, left: Run, right: Run) -> Run:
    """Equality, equivalence, order and membership."""
    if operator in _ORDER:
        return _ordering(operator, left, right)
    if operator in ("in", "contains"):
        return _membership(left, right) if operator == "in" else _membership(right, left)
    same = _equal_items if operator in ("=", "!=") else _equivalent_items
    negated = operator[0] == "!"

    def run(items: Items, scope: Scope) -> Items:
        value = same(left(items, scope), right(items, scope))
        return [] if value is None else [value is not negated]

    return run


def _equal_items(left: Items, right: Items) -> bool | None:
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    unknown = False
    for x, y in zip(left, right, strict=True):
        same = equal(x, y)
        if same is False:
            return False
        unknown = unknown or same is None
    return None if unknown else True


def _equivalent_items(left: Items, right: Items) -> bool | None:
    if len(left) != len(right):
        return False
    rest = list(right)
    for item in left:
        at = next((n for n, other in enumerate(rest) if equivalent(item, other)), None)
        if at is None:
            return False
        del rest[at]
    return True


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
    """Exact arithmetic on numbers, and joining of texts."""
    what = f"one side of {operator!r}"

    def run(items: Items, scope: Scope) -> Items:
        a, b = one(left.run(items, scope), what), one(right.run(items, scope), what)
        if operator == "&":
            return [f"{'' if a is None else a}{'' if b is None else b}"]
        value = None if a is None or b is None else _calculate(operator, a, b)
        return [] if value is None else [value]

    kinds = {left.shape.type, right.shape.type}
    whole_ = kinds <= {"integer", "positiveInt", "unsignedInt"} and operator != "/"
    texts = operator == "&" or (operator == "+" and "string" in kinds)
    return Compiled(run, scalar("string" if texts else "integer" if whole_ else "decimal"))


def _calculate(operator: str, a: Any, b: Any) -> Any:
    if operator == "+" and isinstance(a, str) and isinstance(b, str):
        return a + b
    if not is_number(a) or not is_number(b):
        raise InvalidView(f"cannot calculate with {operator!r} on these types")
    x, y = (a, b) if isinstance(a, int) and isinstance(b, int) else (decimal(a), decimal(b))
    if operator in ("/", "div", "mod"):
        return _divide(operator, x, y)
    return x + y if operator == "+" else x - y if operator == "-" else x * y


def _divide(operator: str, x: Any, y: Any) -> Any:
    """None for a division by zero; ``div`` and ``mod`` round towards zero, as FHIRPath has it."""
    if y == 0:
        return None
    if operator == "/":
        return Decimal(x) / Decimal(y)
    quotient = int(Decimal(x) / Decimal(y))
    return quotient if operator == "div" else x - y * quotient
