"""Exact arithmetic of FHIRPath: numbers, quantities, and lengths of time added to moments."""

from __future__ import annotations

from decimal import Context, Decimal, localcontext
from typing import Any

from vesalius.errors import InvalidView
from vesalius.views.fhirpath._durations import shifted
from vesalius.views.fhirpath._quantities import add, divide, is_quantity, multiply, quantity
from vesalius.views.fhirpath._values import Moment, Quantity, decimal, is_number, kind_of

_LARGEST = 2**63
"""Whole numbers stay within 64 bits; beyond, the result is empty (N1, 6.6: overflow)."""


def calculate(operator: str, a: Any, b: Any) -> Any:
    """``a operator b``; None for a division by zero, an overflow, or units that do not fit.

    Raises:
        InvalidView: the types cannot be calculated with.
    """
    if operator == "+" and isinstance(a, str) and isinstance(b, str):
        return a + b
    if is_number(a) and is_number(b):
        return _bounded(_numbers(operator, a, b))
    if isinstance(a, Moment) and operator in ("+", "-"):
        return shifted(a, b, 1 if operator == "+" else -1) if is_quantity(b) else _refused(operator, a, b)
    if operator not in ("div", "mod") and _measures(a) and _measures(b):
        return _quantities(operator, a, b)
    return _refused(operator, a, b)


def total(values: list[Any], mean: bool = False) -> Any:
    """The sum of the values or their mean; None where there are none, or they cannot be added.

    Raises:
        InvalidView: the types cannot be added.
    """
    found = values[0] if values else None
    if isinstance(found, dict) and not is_quantity(found):
        raise InvalidView("cannot add up structures")
    for value in values[1:]:
        found = None if found is None else calculate("+", found, value)
    if not mean or found is None:
        return found
    return calculate("/", found, len(values))


def _measures(value: Any) -> bool:
    return is_number(value) or is_quantity(value)


def _refused(operator: str, a: Any, b: Any) -> Any:
    raise InvalidView(f"cannot calculate with {operator!r} on a {kind_of(a)} and a {kind_of(b)}")


def _numbers(operator: str, a: Any, b: Any) -> Any:
    whole = isinstance(a, int) and isinstance(b, int)
    x, y = (a, b) if whole else (decimal(a), decimal(b))
    try:
        if operator in ("/", "div", "mod"):
            return _divide(operator, x, y)
        return x + y if operator == "+" else x - y if operator == "-" else x * y
    except ArithmeticError:
        return None


def _divide(operator: str, x: Any, y: Any) -> Any:
    """None for a division by zero; ``div`` and ``mod`` round towards zero, as FHIRPath has it."""
    if y == 0:
        return None
    if operator == "/":
        return Decimal(x) / Decimal(y)
    quotient = int(Decimal(x) / Decimal(y)) if isinstance(x, Decimal) else _towards_zero(x, y)
    return quotient if operator == "div" else x - y * quotient


def _towards_zero(x: int, y: int) -> int:
    quotient = abs(x) // abs(y)
    return quotient if (x < 0) == (y < 0) else -quotient


def _bounded(value: Any) -> Any:
    return None if isinstance(value, int) and not -_LARGEST <= value < _LARGEST else value


def _quantities(operator: str, a: Any, b: Any) -> Quantity | None:
    if quantity(a) is None or quantity(b) is None:
        return None
    try:
        if operator in ("+", "-"):
            return add(a, b, 1 if operator == "+" else -1)
        return multiply(a, b) if operator == "*" else divide(a, b)
    except ArithmeticError:
        return None


def power(base: Any, exponent: Any) -> Any:
    """The power; whole where both are whole and it fits, None where there is none."""
    value = Decimal(base) ** Decimal(exponent)
    if isinstance(base, int) and isinstance(exponent, int) and exponent >= 0 and value == value.to_integral():
        return _bounded(int(value)) if abs(value) < _LARGEST else value
    return value


def logarithm(value: Any, base: Any) -> Decimal:
    """The logarithm of a base; exact where the power is whole."""
    with localcontext(Context(prec=40)):
        found = Decimal(value).ln() / Decimal(base).ln()
        near = found.to_integral()
        exact = abs(found - near) < Decimal("1e-30")
    return Decimal(int(near)) if exact else +found
