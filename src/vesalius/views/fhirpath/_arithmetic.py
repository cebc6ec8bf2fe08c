"""The functions of FHIRPath on numbers and quantities (FHIRPath N1, 5.7)."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from vesalius.errors import InvalidView
from vesalius.views.fhirpath._boundaries import precision
from vesalius.views.fhirpath._functions import FUNCTIONS, Function, Items, function, number, one, whole
from vesalius.views.fhirpath._numbers import logarithm, power
from vesalius.views.fhirpath._quantities import comparable
from vesalius.views.fhirpath._values import Quantity

_MATHS = "numbers"
_MOST_PLACES = 28


def _of_number(name: str, result: str, run: Callable[[Any], Any]) -> None:
    def call(items: Items) -> Items:
        value = number(items, f"{name}()")
        return [] if value is None else _tried(run, value)

    FUNCTIONS[name] = Function(call, 0, 0, result, many=False, chapter=_MATHS)


def _tried(run: Callable[..., Any], *values: Any) -> Items:
    """What the calculation gives; nothing where it gives no number."""
    try:
        found = run(*values)
    except (ValueError, ArithmeticError):
        return []
    infinite = isinstance(found, Decimal) and not found.is_finite()
    return [] if found is None or infinite else [found]


_of_number("ceiling", "integer", math.ceil)
_of_number("floor", "integer", math.floor)
_of_number("truncate", "integer", math.trunc)
_of_number("exp", "decimal", lambda value: Decimal(value).exp())
_of_number("ln", "decimal", lambda value: Decimal(value).ln())
_of_number("sqrt", "decimal", lambda value: Decimal(value).sqrt())


@function("abs", _MATHS, result="=")
def _abs(items: Items) -> Items:
    value = one(items, "abs()")
    if isinstance(value, Quantity):
        return [Quantity(abs(value.value), value.unit)]
    found = number(items, "abs()")
    return [] if found is None else [abs(found)]


@function("round", _MATHS, 0, 1, result="decimal")
def _round(items: Items, places: Items | None = None) -> Items:
    value = number(items, "round()")
    if value is None:
        return []
    behind = whole(places, "round()") if places else 0
    if not 0 <= behind <= _MOST_PLACES:
        raise InvalidView(f"round() takes 0 to {_MOST_PLACES} places")
    return _tried(lambda: Decimal(value).quantize(Decimal(1).scaleb(-behind), ROUND_HALF_UP))


@function("power", _MATHS, 1, result="decimal")
def _power(items: Items, exponent: Items) -> Items:
    base, raised = number(items, "power()"), number(exponent, "power()")
    return [] if base is None or raised is None else _tried(power, base, raised)


@function("log", _MATHS, 1, result="decimal")
def _log(items: Items, base: Items) -> Items:
    value, root = number(items, "log()"), number(base, "log()")
    return [] if value is None or root is None else _tried(logarithm, value, root)


@function("precision", _MATHS, result="integer")
def _precision(items: Items) -> Items:
    value = one(items, "precision()")
    found = None if value is None else precision(value)
    return [] if found is None else [found]


@function("comparable", _MATHS, 1, result="boolean")
def _comparable(items: Items, other: Items) -> Items:
    left, right = one(items, "comparable()"), one(other, "comparable()")
    return [] if left is None or right is None else [comparable(left, right)]
