"""How precisely a value is written, and the least and the greatest that it can stand for.

FHIRPath 3.0 (STU), ``lowBoundary``, ``highBoundary`` and ``precision``. Where fewer digits are asked for than
the boundary has, the low one loses digits and the high one is rounded half up, mirrored below zero.
"""

from __future__ import annotations

import calendar
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from typing import Any

from vesalius.views.fhirpath._values import (
    Moment,
    Quantity,
    decimal,
    digits,
    is_number,
    moment,
    moment_of,
    scale,
    zone_of,
)

_MOST_DIGITS = 28
_USUAL = {"Date": 8, "DateTime": 17, "Time": 9}
_DATE_DIGITS = (4, 6, 8, 10, 12, 14, 17)
_TIME_DIGITS = (2, 4, 6, 9)
_WIDE = Context(prec=80)


def precision(value: Any) -> int | None:
    """The digits behind the point of a number, or the digits that a date or a time is written with."""
    if is_number(value):
        return scale(decimal(value))
    if not isinstance(value, Moment):
        return None
    steps = _TIME_DIGITS if value.kind == "Time" else _DATE_DIGITS
    seconds = 3 if value.kind == "Time" else 6
    return steps[len(value.parts) - 1 + (len(value.parts) == seconds and scale(value.parts[-1]) > 0)]


def boundary(value: Any, high: bool, kind: str = "", places: int | None = None) -> Any:
    """The least (or greatest) value that what is written can stand for; None where there is none.

    Args:
        value: a number, a quantity, or a date, dateTime or time (text or moment).
        high: the greatest.
        kind: ``Date``, ``DateTime`` or ``Time`` where the type is known.
        places: digits behind the point of a number, or digits of a date or time; the most, if not given.
    """
    if is_number(value):
        return _number(decimal(value), high, 8 if places is None else places)
    if isinstance(value, Quantity):
        found = _number(value.value, high, 8 if places is None else places)
        return None if found is None else Quantity(found, value.unit)
    if not isinstance(value, str | Moment):
        return None
    read = moment(str(value), kind or getattr(value, "kind", ""))
    if read is None:
        return None
    return _moment(read, high, _USUAL[read.kind] if places is None else places)


def _number(value: Decimal, high: bool, places: int) -> Decimal | None:
    if not 0 <= places <= _MOST_DIGITS:
        return None
    half = Decimal(5).scaleb(-scale(value) - 1)
    edge = _WIDE.add(value, half if high else -half)
    below = value.is_signed()
    up = high is not below
    return edge.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP if up else ROUND_DOWN, _WIDE)


def _moment(value: Moment, high: bool, places: int) -> Moment | None:
    steps = _TIME_DIGITS if value.kind == "Time" else _DATE_DIGITS
    if places not in steps or (value.kind == "Date" and places > 8):
        return None
    parts = _filled(value, high)
    wanted = steps.index(places) + 1
    if wanted < len(steps):
        parts = parts[:wanted]
        if wanted == len(steps) - 1:
            parts[-1] = Decimal(int(parts[-1]))
    zone = zone_of(value) or ("-12:00" if high else "+14:00")
    return moment_of(value.kind, parts, zone)


def _filled(value: Moment, high: bool) -> list[Decimal]:
    """Every part, to the millisecond; what is not written is the first or the last there is."""
    parts = [int(part) for part in value.parts]
    dates = 0 if value.kind == "Time" else 3
    if dates:
        parts += [12 if high else 1] * (len(parts) == 1)
        parts += [calendar.monthrange(parts[0], parts[1])[1] if high else 1] * (len(parts) == 2)
    last = (23, 59, 59)
    for at in range(len(parts) - dates, 3):
        parts.append(last[at] if high else 0)
    seconds = value.parts[-1] if len(value.parts) == dates + 3 else Decimal(parts[-1])
    whole, _, fraction = digits(seconds).partition(".")
    return [*map(Decimal, parts[:-1]), Decimal(f"{whole}.{fraction.ljust(3, '9' if high else '0')}")]
