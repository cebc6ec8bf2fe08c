"""The values of FHIRPath: what is equal, what comes first, how uncertain a number or a date is."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from vesalius.errors import InvalidView

Number = int | float | Decimal
NUMBERS = (int, float, Decimal)

_MOMENT = re.compile(
    r"(?:(\d{4})(?:-(\d\d)(?:-(\d\d))?)?)?(T)?(?:(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?)?(Z|[+-]\d\d:\d\d)?"
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a choice element (``value[x]``) with the type that its name said."""

    value: Any
    type: str


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity written in an expression."""

    value: Decimal
    unit: str


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
    """The value, without the type of the choice it came from."""
    return value.value if isinstance(value, Choice) else value


def is_number(value: Any) -> bool:
    """Whether the value is a number; a Boolean is none."""
    return isinstance(value, NUMBERS) and not isinstance(value, bool)


def decimal(value: Number) -> Decimal:
    """The number as a decimal with the digits it was written with."""
    return value if isinstance(value, Decimal) else Decimal(repr(value))


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
    if not _possible(date, time, bool(match[4])):
        return None
    told = "DateTime" if date and (time or match[4]) else "Date" if date else "Time"
    return Moment(text, kind or told, date + time, _offset(match[8]))


def _possible(date: tuple[Decimal, ...], time: tuple[Decimal, ...], mark: bool) -> bool:
    if time and date and len(date) < 3 and not mark:
        return False
    if len(date) > 1 and not 1 <= date[1] <= 12:
        return False
    if len(date) > 2 and not 1 <= date[2] <= 31:
        return False
    return not time or all(part < bound for part, bound in zip(time, (24, 60, 61), strict=False))


def _offset(text: str | None) -> int | None:
    if text is None:
        return None
    if text == "Z":
        return 0
    minutes = int(text[1:3]) * 60 + int(text[4:6])
    return -minutes if text[0] == "-" else minutes


def compare_moments(left: Moment, right: Moment) -> int | None:
    """-1, 0 or 1; None where the precision or a missing time zone leaves it open (FHIRPath N1, 6.2)."""
    if (left.kind == "Time") != (right.kind == "Time"):
        return None
    clocked = left.kind != "Time" and len(left.parts) > 3 and len(right.parts) > 3
    if clocked and (left.offset is None) != (right.offset is None):
        return None
    a, b = (_utc(left), _utc(right)) if clocked else (left.parts, right.parts)
    for x, y in zip(a, b, strict=False):
        if x != y:
            return -1 if x < y else 1
    return 0 if len(a) == len(b) else None


def _utc(value: Moment) -> tuple[Decimal, ...]:
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


def as_moment(value: Any, like: Moment | None = None) -> Moment | None:
    """The value as a moment; a string is read as one of the same kind as ``like``."""
    if isinstance(value, Moment):
        return value
    if not isinstance(value, str):
        return None
    read = moment(value)
    return read if like is None or read is None or (read.kind == "Time") == (like.kind == "Time") else None


def equal(left: Any, right: Any) -> bool | None:
    """FHIRPath ``=`` of two items; None where it cannot be known."""
    left, right = bare(left), bare(right)
    if isinstance(left, Moment) or isinstance(right, Moment):
        return _equal_moments(left, right)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if is_number(left) and is_number(right):
        return decimal(left) == decimal(right)
    if isinstance(left, Quantity) or isinstance(right, Quantity):
        order = _compare_quantities(left, right)
        return None if order is None else order == 0
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(equal(x, y) for x, y in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    return type(left) is type(right) and bool(left == right)


def _equal_moments(left: Any, right: Any) -> bool | None:
    a = as_moment(left, right if isinstance(right, Moment) else None)
    b = as_moment(right, left if isinstance(left, Moment) else None)
    if a is None or b is None:
        return False
    order = compare_moments(a, b)
    return None if order is None else order == 0


def equivalent(left: Any, right: Any) -> bool:
    """FHIRPath ``~`` of two items: strings by their letters alone, moments by precision too."""
    left, right = bare(left), bare(right)
    if isinstance(left, str) and isinstance(right, str):
        return " ".join(left.casefold().split()) == " ".join(right.casefold().split())
    if is_number(left) and is_number(right):
        digits = min(_scale(decimal(left)), _scale(decimal(right)))
        return round(decimal(left), digits) == round(decimal(right), digits)
    return bool(equal(left, right))


def compare(left: Any, right: Any) -> int | None:
    """-1, 0 or 1 as ``left`` comes before, with or after ``right``; None where that cannot be known.

    Raises:
        InvalidView: the two cannot be put in order at all.
    """
    left, right = bare(left), bare(right)
    if is_number(left) and is_number(right):
        a, b = decimal(left), decimal(right)
        return (a > b) - (a < b)
    if isinstance(left, Moment) or isinstance(right, Moment):
        x = as_moment(left, right if isinstance(right, Moment) else None)
        y = as_moment(right, left if isinstance(left, Moment) else None)
        return None if x is None or y is None else compare_moments(x, y)
    if isinstance(left, str) and isinstance(right, str):
        return (left > right) - (left < right)
    if _is_quantity(left) and _is_quantity(right):
        return _compare_quantities(left, right)
    raise InvalidView(f"cannot put a {kind_of(left)} and a {kind_of(right)} in order")


def _is_quantity(value: Any) -> bool:
    return isinstance(value, Quantity) or (isinstance(value, dict) and is_number(value.get("value")))


def _compare_quantities(left: Any, right: Any) -> int | None:
    a, b = _quantity(left), _quantity(right)
    if a is None or b is None or a[1] != b[1]:
        return None
    return (a[0] > b[0]) - (a[0] < b[0])


_CALENDAR = {"second": "s", "millisecond": "ms", "minute": "min", "hour": "h", "day": "d", "week": "wk"}


def _quantity(value: Any) -> tuple[Decimal, str] | None:
    if isinstance(value, Quantity):
        return value.value, _CALENDAR.get(value.unit.removesuffix("s"), value.unit)
    if isinstance(value, dict) and is_number(value.get("value")):
        return decimal(value["value"]), str(value.get("code", value.get("unit", "1")))
    return (decimal(value), "1") if is_number(value) else None


def kind_of(value: Any) -> str:
    """The name of the value's type, for messages."""
    if isinstance(value, Moment):
        return value.kind
    if isinstance(value, bool):
        return "Boolean"
    if is_number(value):
        return "number"
    return "String" if isinstance(value, str) else "structure"


def _scale(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def boundary(value: Any, high: bool, kind: str = "") -> Any:
    """The least (or greatest) value that what is written can stand for; None where there is none.

    Args:
        value: a number, or a date, dateTime or time (text or moment).
        high: the greatest.
        kind: ``Date``, ``DateTime`` or ``Time`` where the type is known.
    """
    if is_number(value):
        number = decimal(value)
        half = Decimal(5).scaleb(-_scale(number) - 1)
        return number + half if high else number - half
    if not isinstance(value, str | Moment):
        return None
    read = moment(str(value), kind or getattr(value, "kind", ""))
    return None if read is None else _moment_boundary(read, high)


def _moment_boundary(value: Moment, high: bool) -> str:
    parts = list(value.parts)
    if value.kind == "Time":
        return _clock(parts, high)
    year = int(parts[0])
    month = int(parts[1]) if len(parts) > 1 else (12 if high else 1)
    last = calendar.monthrange(year, month)[1]
    day = int(parts[2]) if len(parts) > 2 else (last if high else 1)
    date = f"{year:04}-{month:02}-{day:02}"
    if value.kind == "Date":
        return date
    return f"{date}T{_clock(parts[3:], high)}{_zone(value, high)}"


def _clock(parts: list[Decimal], high: bool) -> str:
    hour = int(parts[0]) if parts else (23 if high else 0)
    minute = int(parts[1]) if len(parts) > 1 else (59 if high else 0)
    second = str(parts[2]) if len(parts) > 2 else ("59" if high else "0")
    whole, _, fraction = second.partition(".")
    return f"{hour:02}:{minute:02}:{int(whole):02}.{fraction.ljust(3, '9' if high else '0')}"


def _zone(value: Moment, high: bool) -> str:
    if value.offset is None:
        return "-12:00" if high else "+14:00"
    sign = "-" if value.offset < 0 else "+"
    hours, minutes = divmod(abs(value.offset), 60)
    return f"{sign}{hours:02}:{minutes:02}"
