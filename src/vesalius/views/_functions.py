"""The functions of FHIRPath that look only at the items they are given (FHIRPath N1, chapter 5)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from vesalius.errors import InvalidView
from vesalius.views._values import (
    Moment,
    bare,
    decimal,
    equal,
    is_number,
    kind_of,
    moment,
)

Items = list[Any]
Run = Callable[..., Items]


@dataclass(frozen=True, slots=True)
class Function:
    """One function: how it runs, how many arguments it takes, and the type of what it gives.

    ``result`` is a FHIR type, ``=`` for the type of the input, or empty where it depends; ``many`` whether
    it can give more than one item (None: as many as the input).
    """

    run: Run
    least: int
    most: int
    result: str
    many: bool | None


FUNCTIONS: dict[str, Function] = {}


def _function(
    name: str, least: int = 0, most: int | None = None, result: str = "", many: bool | None = False
) -> Callable[[Run], Run]:
    def keep(run: Run) -> Run:
        FUNCTIONS[name] = Function(run, least, least if most is None else most, result, many)
        return run

    return keep


def one(items: Items, what: str = "the expression") -> Any:
    """The only item, or None where there is none.

    Raises:
        InvalidView: there are several.
    """
    if len(items) > 1:
        raise InvalidView(f"{what} gives {len(items)} values where one is allowed", hint="use first()")
    return bare(items[0]) if items else None


def truth(items: Items, what: str = "the expression") -> bool | None:
    """The items as a truth value: none is unknown, one that is no Boolean is true (FHIRPath N1, 4.5)."""
    value = one(items, what)
    return value if value is None or isinstance(value, bool) else True


def distinct(items: Iterable[Any]) -> Items:
    """The items without repeats, in the order of their first coming."""
    found: Items = []
    seen: set[Any] = set()
    for item in items:
        value = bare(item)
        if isinstance(value, str):
            if value in seen:
                continue
            seen.add(value)
        elif any(equal(value, other) for other in found):
            continue
        found.append(item)
    return found


# --- existence ------------------------------------------------------------------------------------------


@_function("empty", result="boolean")
def _empty(items: Items) -> Items:
    return [not items]


@_function("count", result="integer")
def _count(items: Items) -> Items:
    return [len(items)]


@_function("not", result="boolean")
def _not(items: Items) -> Items:
    value = truth(items)
    return [] if value is None else [not value]


@_function("allTrue", result="boolean")
def _all_true(items: Items) -> Items:
    return [all(bare(item) is True for item in items)]


@_function("anyTrue", result="boolean")
def _any_true(items: Items) -> Items:
    return [any(bare(item) is True for item in items)]


@_function("allFalse", result="boolean")
def _all_false(items: Items) -> Items:
    return [all(bare(item) is False for item in items)]


@_function("anyFalse", result="boolean")
def _any_false(items: Items) -> Items:
    return [any(bare(item) is False for item in items)]


@_function("subsetOf", 1, result="boolean")
def _subset_of(items: Items, other: Items) -> Items:
    return [all(contains(other, item) for item in items)]


@_function("supersetOf", 1, result="boolean")
def _superset_of(items: Items, other: Items) -> Items:
    return _subset_of(other, items)


@_function("distinct", result="=", many=None)
def _distinct(items: Items) -> Items:
    return distinct(items)


@_function("isDistinct", result="boolean")
def _is_distinct(items: Items) -> Items:
    return [len(distinct(items)) == len(items)]


@_function("hasValue", result="boolean")
def _has_value(items: Items) -> Items:
    return [len(items) == 1 and not isinstance(bare(items[0]), dict)]


@_function("getValue", result="=")
def _get_value(items: Items) -> Items:
    return items if _has_value(items) == [True] else []


def contains(items: Items, item: Any) -> bool:
    """Whether an item equal to ``item`` is among the items."""
    return any(equal(other, item) for other in items)


# --- parts of a collection ------------------------------------------------------------------------------


@_function("first", result="=")
def _first(items: Items) -> Items:
    return items[:1]


@_function("last", result="=")
def _last(items: Items) -> Items:
    return items[-1:]


@_function("single", result="=")
def _single(items: Items) -> Items:
    one(items, "single()")
    return items


@_function("tail", result="=", many=None)
def _tail(items: Items) -> Items:
    return items[1:]


@_function("skip", 1, result="=", many=None)
def _skip(items: Items, count: Items) -> Items:
    return items[max(0, whole(count, "skip()")) :]


@_function("take", 1, result="=", many=None)
def _take(items: Items, count: Items) -> Items:
    return items[: max(0, whole(count, "take()"))]


@_function("intersect", 1, result="=", many=None)
def _intersect(items: Items, other: Items) -> Items:
    return distinct(item for item in items if contains(other, item))


@_function("exclude", 1, result="=", many=None)
def _exclude(items: Items, other: Items) -> Items:
    return [item for item in items if not contains(other, item)]


@_function("union", 1, many=True)
def _union(items: Items, other: Items) -> Items:
    return distinct([*items, *other])


@_function("combine", 1, many=True)
def _combine(items: Items, other: Items) -> Items:
    return [*items, *other]


@_function("children", many=True)
def _children(items: Items) -> Items:
    return [child for item in items for child in _below(bare(item))]


@_function("descendants", many=True)
def _descendants(items: Items) -> Items:
    found, level = [], _children(items)
    while level:
        found += level
        level = _children(level)
    return found


def _below(item: Any) -> Items:
    if not isinstance(item, dict):
        return []
    parts = (value for key, value in item.items() if key != "resourceType" and not key.startswith("_"))
    return [
        leaf for part in parts for leaf in (part if isinstance(part, list) else [part]) if leaf is not None
    ]


def whole(items: Items, what: str) -> int:
    """The only item as a whole number.

    Raises:
        InvalidView: it is none, or there is none.
    """
    value = one(items, what)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise InvalidView(f"{what} needs a whole number")


# --- text -----------------------------------------------------------------------------------------------


def text(items: Items, what: str) -> str | None:
    """The only item as text, or None where there is none.

    Raises:
        InvalidView: it is not text, or there are several.
    """
    value = one(items, what)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Moment):
        return value.text
    raise InvalidView(f"{what} needs text, not a {kind_of(value)}")


def _of_text(name: str, result: str, run: Callable[..., Any], arguments: int = 0) -> None:
    """Declares a function of one text and ``arguments`` texts; empty where any of them is."""

    def call(items: Items, *given: Items) -> Items:
        values = [text(each, f"{name}()") for each in (items, *given)]
        if any(value is None for value in values):
            return []
        found = run(*values)
        return found if isinstance(found, list) else [found]

    FUNCTIONS[name] = Function(call, arguments, arguments, result, many=result == "")


_of_text("upper", "string", str.upper)
_of_text("lower", "string", str.lower)
_of_text("trim", "string", str.strip)
_of_text("length", "integer", len)
_of_text("startsWith", "boolean", lambda value, start: value.startswith(start), 1)
_of_text("endsWith", "boolean", lambda value, end: value.endswith(end), 1)
_of_text("contains", "boolean", lambda value, part: part in value, 1)
_of_text("indexOf", "integer", lambda value, part: value.find(part), 1)
_of_text("lastIndexOf", "integer", lambda value, part: value.rfind(part), 1)
_of_text("replace", "string", lambda value, old, new: value.replace(old, new), 2)
_of_text("matches", "boolean", lambda value, pattern: bool(_regex(pattern).search(value)), 1)
_of_text("matchesFull", "boolean", lambda value, pattern: bool(_regex(pattern).fullmatch(value)), 1)
_of_text("replaceMatches", "string", lambda value, pattern, new: _replaced(value, pattern, new), 2)
_of_text("split", "", lambda value, separator: value.split(separator) if separator else list(value), 1)
_of_text("toChars", "", list)


def _regex(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error as error:
        raise InvalidView(f"cannot read the regular expression: {error}") from None


def _replaced(value: str, pattern: str, new: str) -> str:
    if not pattern:
        return value
    return _regex(pattern).sub(re.sub(r"\$(\d+)", r"\\g<\1>", new.replace("\\", "\\\\")), value)


@_function("substring", 1, 2, result="string")
def _substring(items: Items, start: Items, length: Items | None = None) -> Items:
    value = text(items, "substring()")
    if value is None or not start:
        return []
    begin = whole(start, "substring()")
    if not 0 <= begin < len(value):
        return []
    return [value[begin:] if not length else value[begin : begin + max(0, whole(length, "substring()"))]]


@_function("join", 0, 1, result="string")
def _join(items: Items, separator: Items | None = None) -> Items:
    """No value where there is nothing to join (the test suite since 2.1.0)."""
    between = text(separator, "join()") if separator else ""
    return [(between or "").join(str(bare(item)) for item in items)] if items else []


# --- numbers --------------------------------------------------------------------------------------------


def number(items: Items, what: str) -> int | Decimal | None:
    """The only item as an exact number, or None where there is none.

    Raises:
        InvalidView: it is not a number, or there are several.
    """
    value = one(items, what)
    if value is None:
        return None
    if not is_number(value):
        raise InvalidView(f"{what} needs a number, not a {kind_of(value)}")
    return value if isinstance(value, int) else decimal(value)


def _of_number(name: str, result: str, run: Callable[[Any], Any]) -> None:
    def call(items: Items) -> Items:
        value = number(items, f"{name}()")
        if value is None:
            return []
        try:
            return [run(value)]
        except (ValueError, ArithmeticError):
            return []

    FUNCTIONS[name] = Function(call, 0, 0, result, many=False)


_of_number("abs", "=", abs)
_of_number("ceiling", "integer", math.ceil)
_of_number("floor", "integer", math.floor)
_of_number("truncate", "integer", math.trunc)
_of_number("exp", "decimal", lambda value: Decimal(value).exp())
_of_number("ln", "decimal", lambda value: Decimal(value).ln())
_of_number("sqrt", "decimal", lambda value: Decimal(value).sqrt())


@_function("round", 0, 1, result="decimal")
def _round(items: Items, places: Items | None = None) -> Items:
    value = number(items, "round()")
    if value is None:
        return []
    exponent = Decimal(1).scaleb(-whole(places, "round()")) if places else Decimal(1)
    return [Decimal(value).quantize(exponent, ROUND_HALF_UP)]


@_function("power", 1, result="decimal")
def _power(items: Items, exponent: Items) -> Items:
    base, power = number(items, "power()"), number(exponent, "power()")
    if base is None or power is None:
        return []
    try:
        return [Decimal(base) ** Decimal(power)]
    except ArithmeticError:
        return []


@_function("log", 1, result="decimal")
def _log(items: Items, base: Items) -> Items:
    value, root = number(items, "log()"), number(base, "log()")
    if value is None or root is None:
        return []
    try:
        return [Decimal(value).ln() / Decimal(root).ln()]
    except ArithmeticError:
        return []


# --- conversions ----------------------------------------------------------------------------------------


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
    return int(value) if isinstance(value, str) and re.fullmatch(r"[+-]?\d+", value) else None


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return Decimal(int(value))
    if is_number(value):
        return decimal(value)
    try:
        return Decimal(value) if isinstance(value, str) and re.fullmatch(r"[+-]?\d+(\.\d+)?", value) else None
    except InvalidOperation:
        return None


def _string(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if isinstance(value, dict) else str(value)


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

    FUNCTIONS[f"to{name}"] = Function(convert, 0, 0, result, many=False)
    FUNCTIONS[f"convertsTo{name}"] = Function(
        lambda items: [bool(convert(items))] if items else [], 0, 0, "boolean", many=False
    )


_conversion("Boolean", "boolean", _boolean)
_conversion("Integer", "integer", _integer)
_conversion("Decimal", "decimal", _decimal)
_conversion("String", "string", _string)
_conversion("Date", "date", _read("Date"))
_conversion("DateTime", "dateTime", _read("DateTime"))
_conversion("Time", "time", _read("Time"))


# --- FHIR and SQL on FHIR -------------------------------------------------------------------------------


@_function("getResourceKey", result="id")
def _resource_key(items: Items) -> Items:
    return [item["id"] for item in map(bare, items) if isinstance(item, dict) and item.get("id") is not None]


def reference_key(reference: Any, wanted: str = "") -> str | None:
    """The key of the resource that a Reference points to; None for another type or for one contained.

    Args:
        reference: a FHIR Reference.
        wanted: the type it must point to, or empty for any.
    """
    target = reference.get("reference") if isinstance(reference, dict) else None
    if not isinstance(target, str) or not target or target[0] == "#":
        return None
    parts = target.split("/_history/", maxsplit=1)[0].rstrip("/").split("/")
    if len(parts) > 1:
        kind, key = parts[-2], parts[-1]
    else:
        kind, key = str(reference.get("type", "")), parts[0].rpartition(":")[2]
    return key if not wanted or kind == wanted else None
