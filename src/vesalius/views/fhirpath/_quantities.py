"""Quantities: what compares, adds and multiplies, across UCUM and calendar units (FHIRPath N1, 4.1.8)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from vesalius.errors import InvalidView
from vesalius.views.fhirpath._units import comparable as same_dimension
from vesalius.views.fhirpath._units import converted, unit
from vesalius.views.fhirpath._values import CALENDAR, Quantity, decimal, is_number, scale

UCUM_OF_CALENDAR = {
    "week": "wk",
    "day": "d",
    "hour": "h",
    "minute": "min",
    "second": "s",
    "millisecond": "ms",
}
"""The calendar units that are as long as a UCUM unit; a year and a month are not."""
_ABOUT = {"year": "a", "month": "mo"}
_MONTHS = {"year": 12, "month": 1}
_DAYS = {"year": 365, "month": 30}


def is_quantity(value: Any) -> bool:
    """Whether the value is a quantity, of FHIRPath or of FHIR; an amount of money is none."""
    if isinstance(value, dict):
        return is_number(value.get("value")) and "currency" not in value
    return isinstance(value, Quantity)


def quantity(value: Any) -> Quantity | None:
    """The value as a quantity: one of FHIR by its code, a number without unit; None for all else.

    A FHIR Quantity with a comparator (``<5``) is no one quantity.
    """
    if isinstance(value, Quantity):
        return value
    if is_number(value):
        return Quantity(decimal(value), "1")
    if not is_quantity(value) or value.get("comparator"):
        return None
    return Quantity(decimal(value["value"]), str(value.get("code") or value.get("unit") or "1"))


def compare_quantities(left: Any, right: Any) -> int | None:
    """-1, 0 or 1; None where the units measure different things or nobody can say how long one is."""
    a, b = quantity(left), quantity(right)
    if a is None or b is None:
        return None
    sizes = _sizes(a, b)
    return None if sizes is None else (sizes[0] > sizes[1]) - (sizes[0] < sizes[1])


def equivalent_quantities(left: Any, right: Any) -> bool:
    """``~``: in the larger of the two units, as precisely as the less precise; a year is about ``a``."""
    a, b = quantity(left), quantity(right)
    if a is None or b is None:
        return False
    a, b = Quantity(a.value, _code(a.unit)), Quantity(b.value, _code(b.unit))
    larger = a.unit if _size(a.unit) >= _size(b.unit) else b.unit
    x, y = (_in_unit(each, larger) for each in (a, b))
    return x is not None and y is not None and equivalent_numbers(x, y)


def equivalent_numbers(left: Decimal, right: Decimal) -> bool:
    """Whether two numbers are the same, as precisely as the less precise is written (N1, 6.1.2)."""
    places = Decimal(1).scaleb(-min(_real_scale(left), _real_scale(right)))
    try:
        return left.quantize(places, ROUND_HALF_UP) == right.quantize(places, ROUND_HALF_UP)
    except ArithmeticError:
        return left == right


def comparable(left: Any, right: Any) -> bool:
    """Whether the two can be compared: their units measure the same."""
    a, b = quantity(left), quantity(right)
    return a is not None and b is not None and same_dimension(_code(a.unit), _code(b.unit))


def add(left: Any, right: Any, sign: int) -> Quantity | None:
    """The sum or the difference, in the smaller unit; None where the two measure different things."""
    a, b = quantity(left), quantity(right)
    if a is None or b is None:
        return None
    if a.unit == b.unit:
        return Quantity(a.value + sign * b.value, a.unit)
    a, b = Quantity(a.value, _code(a.unit)), Quantity(b.value, _code(b.unit))
    smaller = a.unit if _size(a.unit) <= _size(b.unit) else b.unit
    x, y = (_in_unit(each, smaller) for each in (a, b))
    return None if x is None or y is None else Quantity(x + sign * y, smaller)


def multiply(left: Any, right: Any) -> Quantity | None:
    """The product; its unit is the product of the units."""
    a, b = quantity(left), quantity(right)
    if a is None or b is None:
        return None
    units = [_bracketed(_code(each.unit)) for each in (a, b) if each.unit != "1"]
    return Quantity(a.value * b.value, ".".join(units) or "1")


def divide(left: Any, right: Any) -> Quantity | None:
    """The quotient; None for a division by zero. Equal dimensions give a plain number of unit ``1``."""
    a, b = quantity(left), quantity(right)
    if a is None or b is None or b.value == 0:
        return None
    have, over = _code(a.unit), _code(b.unit)
    if over == "1":
        return Quantity(a.value / b.value, a.unit)
    divisor = _in_unit(Quantity(b.value, over), have)
    if divisor:
        return Quantity(a.value / divisor, "1")
    return Quantity(a.value / b.value, f"{'' if have == '1' else have}/{_bracketed(over)}")


def to_unit(value: Quantity, wanted: str) -> Quantity | None:
    """The quantity in another unit, UCUM or calendar; None where there is no way from one to the other."""
    if value.unit == wanted:
        return value
    found = _in_unit(Quantity(value.value, _code(value.unit)), _code(wanted))
    return None if found is None else Quantity(found, wanted)


def check_unit(code: str) -> bool:
    """Whether the code is a unit that we know."""
    return code in CALENDAR or unit(code) is not None


def _bracketed(code: str) -> str:
    return f"({code})" if "." in code or "/" in code else code


def _code(name: str) -> str:
    """The UCUM code of a unit; a calendar year and month become the mean ones of UCUM."""
    single = CALENDAR.get(name)
    return name if single is None else UCUM_OF_CALENDAR.get(single) or _ABOUT[single]


def _size(code: str) -> Fraction:
    found = unit(code)
    return Fraction(1) if found is None else found.size


def _in_unit(value: Quantity, code: str) -> Decimal | None:
    if value.unit == code:
        return value.value
    found = converted(Fraction(value.value), value.unit, code)
    return None if found is None else Decimal(found.numerator) / Decimal(found.denominator)


def _sizes(a: Quantity, b: Quantity) -> tuple[Fraction, Fraction] | None:
    """Both values in one unit."""
    x, y = CALENDAR.get(a.unit), CALENDAR.get(b.unit)
    if x in _DAYS or y in _DAYS:
        return _calendar_sizes(a, x, b, y) if x and y else None
    value = converted(Fraction(b.value), _code(b.unit), _code(a.unit))
    return None if value is None else (Fraction(a.value), value)


def _calendar_sizes(a: Quantity, x: str, b: Quantity, y: str) -> tuple[Fraction, Fraction] | None:
    """In months where both are years or months, else in days, a year of 365 and a month of 30."""
    if x in _MONTHS and y in _MONTHS:
        return Fraction(a.value) * _MONTHS[x], Fraction(b.value) * _MONTHS[y]
    found = []
    for value, name in ((a.value, x), (b.value, y)):
        days = Fraction(_DAYS[name]) if name in _DAYS else converted(Fraction(1), UCUM_OF_CALENDAR[name], "d")
        if days is None:
            raise InvalidView(f"the unit {name} has no length")
        found.append(Fraction(value) * days)
    return found[0], found[1]


def _real_scale(value: Decimal) -> int:
    """The digits behind the point, without zeros at the end."""
    return scale(value.normalize())
