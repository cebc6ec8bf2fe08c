"""A moment plus or minus a length of time (FHIRPath N1, 6.6.7)."""

from __future__ import annotations

import calendar
from datetime import date
from decimal import Decimal
from typing import Any

from vesalius.errors import InvalidView
from vesalius.views.fhirpath._quantities import quantity
from vesalius.views.fhirpath._values import CALENDAR, Moment, Quantity, moment_of, scale, utc, zone_of

_UCUM = {"s": "second", "ms": "millisecond", "min": "minute", "h": "hour", "d": "day", "wk": "week"}
_FHIR = {**_UCUM, "a": "year", "mo": "month"}
_LEVELS = {"year": 0, "month": 1, "day": 2, "hour": 3, "minute": 4, "second": 5}
_COARSER = {"second": ("minute", 60), "minute": ("hour", 60), "hour": ("day", 24), "month": ("year", 12)}
_DAY = 86400


def shifted(value: Moment, length: Any, sign: int) -> Moment | None:
    """The moment some time later (sign 1) or earlier (-1), as precise as it was; None beyond year 9999.

    Raises:
        InvalidView: the length is no time, or one whose days nobody can count (``1 'mo'``).
    """
    amount, unit = _measured(length)
    amount *= sign
    if value.kind == "Time":
        return _on_the_clock(value, amount, unit)
    levels = list(_LEVELS)[: len(value.parts)]
    while unit not in levels:
        amount, unit = _coarser(amount, unit, levels)
    try:
        return _on_the_calendar(value, amount, unit)
    except (ValueError, OverflowError):
        return None


def _measured(length: Any) -> tuple[Decimal, str]:
    """The amount and its calendar unit; a week is seven days, a millisecond a part of a second."""
    found = quantity(length)
    if found is None:
        raise InvalidView("a date needs a length of time, such as 7 days")
    known = _UCUM if isinstance(length, Quantity) else _FHIR
    unit = CALENDAR.get(found.unit) or known.get(found.unit)
    if unit is None:
        raise InvalidView(
            f"cannot count {found.unit[:32]!r} on a calendar",
            hint="use year or month without quotes" if found.unit in _FHIR else "",
        )
    if unit == "millisecond":
        return found.value / 1000, "second"
    amount = found.value if unit == "second" else Decimal(int(found.value))
    return (amount * 7, "day") if unit == "week" else (amount, unit)


def _coarser(amount: Decimal, unit: str, levels: list[str]) -> tuple[Decimal, str]:
    """The same length in the next larger unit, what is left over dropped."""
    if unit == "day":
        larger, factor = ("month", 30) if "month" in levels else ("year", 365)
    else:
        larger, factor = _COARSER[unit]
    return Decimal(int(amount / factor)), larger


def _on_the_clock(value: Moment, amount: Decimal, unit: str) -> Moment:
    if unit in ("year", "month"):
        raise InvalidView(f"cannot add a {unit} to a time")
    levels = ["hour", "minute", "second"][: len(value.parts)]
    if unit == "day":
        return value
    while unit not in levels:
        amount, unit = _coarser(amount, unit, levels)
    seconds = (_seconds(value.parts) + amount * _length(unit)) % _DAY
    seconds += _DAY if seconds < 0 else 0  # the rest of a Decimal has the sign of what is divided
    return moment_of("Time", _clock(seconds, len(value.parts)))


def _on_the_calendar(value: Moment, amount: Decimal, unit: str) -> Moment:
    parts = list(value.parts)
    if unit in ("year", "month"):
        months = int(parts[0]) * 12 + (int(parts[1]) - 1 if len(parts) > 1 else 0)
        months += int(amount) * (12 if unit == "year" else 1)
        year, month = divmod(months, 12)
        date(year, 1, 1)  # refuses what no calendar has
        parts[:2] = [Decimal(year), Decimal(month + 1)][: len(parts)]
        if len(parts) > 2:
            parts[2] = min(parts[2], Decimal(calendar.monthrange(year, month + 1)[1]))
    else:
        seconds = _seconds(value.parts[3:]) + amount * _length(unit)
        days, rest = divmod(seconds, _DAY)
        if rest < 0:
            days, rest = days - 1, rest + _DAY
        moved = date(*(int(part) for part in parts[:3])).toordinal() + int(days)
        found = date.fromordinal(moved)
        parts = [*map(Decimal, (found.year, found.month, found.day)), *_clock(rest, len(parts) - 3)]
    return moment_of(value.kind, parts, zone_of(value), "T" if value.text.endswith("T") else "")


def _length(unit: str) -> int:
    return {"day": _DAY, "hour": 3600, "minute": 60, "second": 1}[unit]


def _seconds(clock: tuple[Decimal, ...]) -> Decimal:
    return sum((part * size for part, size in zip(clock, (3600, 60, 1), strict=False)), Decimal(0))


def _clock(seconds: Decimal, parts: int) -> list[Decimal]:
    """Hours, minutes and seconds; a fraction of a second keeps at least three digits."""
    whole = int(seconds)
    fraction = seconds - whole
    if fraction and scale(fraction) < 3:
        fraction = fraction.quantize(Decimal("0.001"))
    return [Decimal(whole // 3600), Decimal(whole // 60 % 60), Decimal(whole % 60) + fraction][:parts]


_FINEST = {"year": 1, "month": 2, "week": 3, "day": 3, "hour": 4, "minute": 5, "second": 6, "millisecond": 6}
"""How many parts of a date and time must be known to count in a unit."""
_MILLISECONDS = {"week": 604_800_000, "day": 86_400_000, "hour": 3_600_000, "minute": 60_000, "second": 1000}


def periods(start: Moment, end: Moment, unit: str, crossed: bool) -> int | None:
    """How many whole periods lie between two moments; or, crossed, how many of their boundaries.

    Returns:
        A negative number where ``end`` comes first; None where one is not known as precisely as the unit.

    Raises:
        InvalidView: the two do not go together, or there is no such unit for them.
    """
    timed = start.kind == "Time"
    if timed is not (end.kind == "Time"):
        raise InvalidView(f"cannot count between a {start.kind} and a {end.kind}")
    if unit not in _FINEST or (timed and _FINEST[unit] < 4):
        raise InvalidView(f"cannot count in {unit[:32]!r}")
    known = min(len(start.parts), len(end.parts)) + (3 if timed else 0)
    if known < _FINEST[unit]:
        return None
    clock = _FINEST[unit] > 3 and start.offset is not None and end.offset is not None
    a, b = (_whole_parts(utc(each) if clock else each.parts, timed) for each in (start, end))
    if unit in ("year", "month"):
        return _months(a, b, 12 if unit == "year" else 1, crossed)
    length = _MILLISECONDS.get(unit, 1)
    x, y = _instant(a), _instant(b)
    if crossed:
        return y // length - x // length  # a week starts on Sunday, as the days of the calendar here do
    return (y - x) // length if y >= x else -((x - y) // length)


def _whole_parts(parts: tuple[Decimal, ...], timed: bool) -> list[Decimal]:
    """Every part, those that are not known as their first."""
    known = [Decimal(1)] * 3 + list(parts) if timed else list(parts)
    return known + [Decimal(1), Decimal(1), Decimal(1), *[Decimal(0)] * 3][len(known) :]


def _instant(parts: list[Decimal]) -> int:
    """Milliseconds since the day before the first; its first week is that of day 0, a Sunday."""
    days = date(*(int(part) for part in parts[:3])).toordinal()
    return days * _MILLISECONDS["day"] + int(_seconds(tuple(parts[3:])) * 1000)


def _months(a: list[Decimal], b: list[Decimal], length: int, crossed: bool) -> int:
    x, y = (int(each[0]) * 12 + int(each[1]) - 1 for each in (a, b))
    if crossed:
        return y // length - x // length
    if a > b:
        return -_months(b, a, length, crossed)
    return (y - x - (b[2:] < a[2:])) // length
