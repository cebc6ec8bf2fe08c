"""The values that FHIRPath works on: elements with their type, quantities, moments."""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from vesalius.views.fhirpath._types import MOMENTS


class SeveralError(Exception):
    """A path that gives one value by R4 meets a list; the general way of running says what that means."""


Number = int | float | Decimal
NUMBERS = (int, float, Decimal)
CALENDAR = {
    f"{unit}{plural}": unit
    for unit in ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
    for plural in ("", "s")
}
"""The calendar units, singular and plural, by the singular."""

_MOMENT = re.compile(
    r"(?:(\d{4})(?:-(\d\d)(?:-(\d\d))?)?)?(T)?(?:(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?)?(Z|[+-]\d\d:\d\d)?"
)


@dataclass(slots=True)
class Choice:
    """A value with its FHIR type, where the value alone does not tell it (``value[x]``)."""

    value: Any
    type: str


@dataclass(slots=True)
class Element(Choice):
    """An element of a resource with its FHIR type, as whole FHIRPath needs it (views read bare values).

    Attributes:
        value: the decoded JSON; None for a primitive that has only extensions.
        type: its FHIR type (``code``, ``HumanName``, ``Patient.contact``).
        beside: what JSON keeps beside a primitive, under ``_name``: its id and extensions.
    """

    beside: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity: its unit is a UCUM code or a calendar unit (``day``, ``days``)."""

    value: Decimal
    unit: str

    def __str__(self) -> str:
        unit = self.unit if self.unit in CALENDAR else f"'{self.unit}'"
        return f"{digits(self.value)} {unit}"


@dataclass(frozen=True, slots=True)
class Moment:
    """A date, a dateTime or a time, as precise as it was written.

    Attributes:
        text: as written.
        kind: ``Date``, ``DateTime`` or ``Time``.
        parts: year, month, day, hour, minute, second (the last three for a time), as many as are known.
        offset: minutes east of UTC, or None where the text does not say.
    """

    text: str
    kind: str
    parts: tuple[Decimal, ...]
    offset: int | None = None

    def __str__(self) -> str:
        return self.text


def bare(value: Any) -> Any:
    """The value without its FHIR type; a date, dateTime, instant or time element becomes a moment."""
    kind = value.__class__
    if kind is Element:
        if value.type in MOMENTS and value.value.__class__ is str:
            return moment(value.value, MOMENTS[value.type]) or value.value
        return value.value
    return value.value if kind is Choice else value


def is_number(value: Any) -> bool:
    """Whether the value is a number; a Boolean is none."""
    return isinstance(value, NUMBERS) and not isinstance(value, bool)


def decimal(value: Number) -> Decimal:
    """The number as a decimal with the digits it was written with."""
    return value if isinstance(value, Decimal) else Decimal(repr(value))


def digits(value: Number) -> str:
    """The number as it is written without an exponent."""
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def as_text(value: Any) -> str | None:
    """A bare value as FHIRPath writes it in text; None for a structure."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list) or value is None:
        return None
    return digits(value) if isinstance(value, Decimal) else str(value)


def scale(value: Decimal) -> int:
    """How many digits stand behind the point."""
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


@lru_cache(maxsize=65536)
def moment(text: str, kind: str = "") -> Moment | None:
    """Reads a FHIR date, dateTime, instant or time; None where the text is none of these.

    Args:
        text: as FHIR or FHIRPath writes it, without ``@``.
        kind: ``Date``, ``DateTime`` or ``Time`` where the type is known, else empty: the text tells.
    """
    match = _MOMENT.fullmatch(text)
    if match is None or not text:
        return None
    date = tuple(Decimal(part) for part in match.groups()[:3] if part is not None)
    time = tuple(Decimal(part) for part in match.groups()[4:7] if part is not None)
    if not _possible(date, time, bool(match[4])) or (match[8] and not (date and time)):
        return None
    told = "DateTime" if date and (time or match[4]) else "Date" if date else "Time"
    return Moment(text, kind or told, date + time, _offset(match[8]))


def _possible(date: tuple[Decimal, ...], time: tuple[Decimal, ...], mark: bool) -> bool:
    if time and date and len(date) < 3 and not mark:
        return False
    if len(date) > 1 and not 1 <= date[1] <= 12:
        return False
    if len(date) > 2 and not 1 <= date[2] <= calendar.monthrange(int(date[0]), int(date[1]))[1]:
        return False
    return not time or all(part < bound for part, bound in zip(time, (24, 60, 61), strict=False))


def _offset(text: str | None) -> int | None:
    if text is None:
        return None
    if text == "Z":
        return 0
    minutes = int(text[1:3]) * 60 + int(text[4:6])
    return -minutes if text[0] == "-" else minutes


def moment_of(kind: str, parts: Sequence[Decimal], zone: str = "", mark: str = "") -> Moment:
    """The moment of some parts.

    Args:
        kind: ``Date``, ``DateTime`` or ``Time``.
        parts: year, month, day, hour, minute, second, as many as are known (the last three for a time).
        zone: how the time zone is written; only kept where there is a clock time.
        mark: ``T``, to end a DateTime without a clock time as FHIRPath writes it.
    """
    dates = 0 if kind == "Time" else 3
    date = "-".join(f"{int(part):0{4 if at == 0 else 2}}" for at, part in enumerate(parts[:dates]))
    clock = ":".join(_two_digits(part) for part in parts[dates:])
    text = clock if kind == "Time" else f"{date}T{clock}{zone}" if clock else f"{date}{mark}"
    return Moment(text, kind, tuple(parts), _offset(zone) if zone and clock and dates else None)


def _two_digits(part: Decimal) -> str:
    whole, dot, fraction = digits(part).partition(".")
    return f"{whole.rjust(2, '0')}{dot}{fraction}"


def zone_of(value: Moment) -> str:
    """How the moment's time zone is written; empty where it has none."""
    if value.offset is None:
        return ""
    return "Z" if value.text.endswith("Z") else value.text[-6:]


def compare_moments(left: Moment, right: Moment) -> int | None:
    """-1, 0 or 1; None where the precision or a missing time zone leaves it open (FHIRPath N1, 6.2)."""
    if (left.kind == "Time") != (right.kind == "Time"):
        return None
    clocked = left.kind != "Time" and len(left.parts) > 3 and len(right.parts) > 3
    if clocked and (left.offset is None) != (right.offset is None):
        return None
    a, b = (utc(left), utc(right)) if clocked else (left.parts, right.parts)
    for x, y in zip(a, b, strict=False):
        if x != y:
            return -1 if x < y else 1
    return 0 if len(a) == len(b) else None


def utc(value: Moment) -> tuple[Decimal, ...]:
    """Its parts in UTC, where it has a time zone and a minute; else its parts."""
    if not value.offset or len(value.parts) < 5:
        return value.parts
    year, month, day, hour, minute, *seconds = value.parts
    total = int(hour) * 60 + int(minute) - value.offset
    carry, rest = divmod(total, 1440)
    y, m, d = _days(int(year), int(month), int(day) + carry)
    return (Decimal(y), Decimal(m), Decimal(d), Decimal(rest // 60), Decimal(rest % 60), *seconds)


def _days(year: int, month: int, day: int) -> tuple[int, int, int]:
    """The date with a day 0 or one past the month's end put right."""
    if day < 1:
        year, month = (year - 1, 12) if month == 1 else (year, month - 1)
        return year, month, calendar.monthrange(year, month)[1]
    if day > calendar.monthrange(year, month)[1]:
        return (year + 1, 1, 1) if month == 12 else (year, month + 1, 1)
    return year, month, day


def kind_of(value: Any) -> str:
    """The name of the value's type, for messages."""
    if isinstance(value, Moment):
        return value.kind
    if isinstance(value, bool):
        return "Boolean"
    if is_number(value):
        return "number"
    if isinstance(value, Quantity):
        return "Quantity"
    return "String" if isinstance(value, str) else "structure"
