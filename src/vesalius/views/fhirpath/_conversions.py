"""The functions of FHIRPath that turn one type into another (FHIRPath N1, 5.5)."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from vesalius.errors import InvalidView
from vesalius.views.fhirpath._durations import periods
from vesalius.views.fhirpath._equality import as_moment
from vesalius.views.fhirpath._functions import FUNCTIONS, Function, Items, function, one, text
from vesalius.views.fhirpath._quantities import check_unit, quantity, to_unit
from vesalius.views.fhirpath._values import (
    CALENDAR,
    Moment,
    Quantity,
    as_text,
    decimal,
    is_number,
    moment,
    moment_of,
    scale,
)

_CONVERSIONS = "conversions"
_QUANTITY = re.compile(r"(?P<value>[+-]?\d{1,40}(?:\.\d{1,40})?)\s*(?:'(?P<unit>[^']+)'|(?P<time>[a-z]+))?")


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if is_number(value):
        return {0: False, 1: True}.get(value)
    word = str(value).lower()
    if word in ("true", "t", "yes", "y", "1", "1.0"):
        return True
    return False if word in ("false", "f", "no", "n", "0", "0.0") else None


def _integer(value: Any) -> int | None:
    if isinstance(value, int):
        return int(value)
    return int(value) if isinstance(value, str) and re.fullmatch(r"[+-]?\d{1,18}", value) else None


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return Decimal(int(value))
    if is_number(value):
        return decimal(value)
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d{1,60}(\.\d{1,60})?", value):
        return Decimal(value)
    return None


def _string(value: Any) -> str | None:
    return as_text(quantity(value) if isinstance(value, dict) else value)


def _quantity(value: Any) -> Quantity | None:
    if isinstance(value, bool):
        return Quantity(Decimal(int(value)), "1")
    if not isinstance(value, str):
        return quantity(value)
    match = _QUANTITY.fullmatch(value)
    if match is None or (match["time"] and match["time"] not in CALENDAR):
        return None
    return Quantity(Decimal(match["value"]), match["unit"] or match["time"] or "1")


def _read(kind: str) -> Callable[[Any], Moment | None]:
    def read(value: Any) -> Moment | None:
        found = moment(str(value)) if isinstance(value, str | Moment) else None
        if found is None or (found.kind == "Time") != (kind == "Time"):
            return None
        return (
            moment(found.text.split("T", maxsplit=1)[0], kind) if kind == "Date" else moment(found.text, kind)
        )

    return read


def _conversion(name: str, result: str, run: Callable[[Any], Any]) -> None:
    def convert(items: Items) -> Items:
        value = one(items, f"to{name}()")
        found = None if value is None else run(value)
        return [] if found is None else [found]

    FUNCTIONS[f"to{name}"] = Function(convert, 0, 0, result, many=False, chapter=_CONVERSIONS)
    FUNCTIONS[f"convertsTo{name}"] = Function(
        lambda items: [bool(convert(items))] if items else [],
        0,
        0,
        "boolean",
        many=False,
        chapter=_CONVERSIONS,
    )


_conversion("Boolean", "boolean", _boolean)
_conversion("Integer", "integer", _integer)
_conversion("Long", "integer", _integer)
_conversion("Decimal", "decimal", _decimal)
_conversion("String", "string", _string)
_conversion("Date", "date", _read("Date"))
_conversion("DateTime", "dateTime", _read("DateTime"))
_conversion("Time", "time", _read("Time"))


@function("toQuantity", _CONVERSIONS, 0, 1, result="Quantity")
def _to_quantity(items: Items, wanted: Items | None = None) -> Items:
    value = one(items, "toQuantity()")
    found = None if value is None else _quantity(value)
    unit = text(wanted, "toQuantity()") if wanted is not None else None
    if found is None or (wanted is not None and unit is None):
        return []
    if unit is not None:
        if not check_unit(unit):
            raise InvalidView(f"there is no unit {unit[:32]!r} that we know")
        found = to_unit(found, unit)
    return [] if found is None else [found]


@function("convertsToQuantity", _CONVERSIONS, 0, 1, result="boolean")
def _converts_to_quantity(items: Items, wanted: Items | None = None) -> Items:
    if not items:
        return []
    return [bool(_to_quantity(items) if wanted is None else _to_quantity(items, wanted))]


# --- parts of a moment (STU) ----------------------------------------------------------------------------

_MOMENTS = "dates and times"


def _part_of(name: str, at: int, clock: bool) -> None:
    """Declares a function that gives one part of a date, dateTime or time."""

    def call(items: Items) -> Items:
        value = as_moment(one(items, f"{name}()"))
        if value is None or (clock and value.kind == "Date") or (not clock and value.kind == "Time"):
            return []
        place = at - 3 if value.kind == "Time" else at
        return [int(value.parts[place])] if place < len(value.parts) else []

    FUNCTIONS[name] = Function(call, 0, 0, "integer", many=False, chapter=_MOMENTS)


_part_of("yearOf", 0, clock=False)
_part_of("monthOf", 1, clock=False)
_part_of("dayOf", 2, clock=False)
_part_of("hourOf", 3, clock=True)
_part_of("minuteOf", 4, clock=True)
_part_of("secondOf", 5, clock=True)


@function("millisecondOf", _MOMENTS, result="integer")
def _millisecond_of(items: Items) -> Items:
    value = as_moment(one(items, "millisecondOf()"))
    if value is None or len(value.parts) != (3 if value.kind == "Time" else 6):
        return []
    return [int(value.parts[-1] % 1 * 1000)] if scale(value.parts[-1]) else []


@function("timezoneOffsetOf", _MOMENTS, result="decimal")
def _timezone_offset_of(items: Items) -> Items:
    """In hours east of UTC."""
    value = as_moment(one(items, "timezoneOffsetOf()"))
    return [] if value is None or value.offset is None else [Decimal(value.offset) / 60]


@function("dateOf", _MOMENTS, result="date")
def _date_of(items: Items) -> Items:
    value = as_moment(one(items, "dateOf()"))
    return [] if value is None or value.kind == "Time" else [moment_of("Date", value.parts[:3])]


@function("timeOf", _MOMENTS, result="time")
def _time_of(items: Items) -> Items:
    value = as_moment(one(items, "timeOf()"))
    if value is None or value.kind != "DateTime" or len(value.parts) < 4:
        return []
    return [moment_of("Time", value.parts[3:])]


def _between(name: str, crossed: bool) -> None:
    """Declares a function that counts periods between two moments."""

    def call(items: Items, other: Items, unit: Items) -> Items:
        start, end = as_moment(one(items, f"{name}()")), as_moment(one(other, f"{name}()"))
        wanted = text(unit, f"{name}()")
        if start is None or end is None or wanted is None:
            return []
        found = periods(start, end, CALENDAR.get(wanted, wanted), crossed)
        return [] if found is None else [found]

    FUNCTIONS[name] = Function(call, 2, 2, "integer", many=False, chapter=_MOMENTS)


_between("duration", crossed=False)
_between("difference", crossed=True)
