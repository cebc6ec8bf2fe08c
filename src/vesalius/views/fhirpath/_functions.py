"""The functions of FHIRPath that look only at the items they are given: collections and existence.

A function is declared once, with :func:`function`, here or in the modules for texts, numbers, conversions and
moments; those whose arguments run on each item are in :mod:`vesalius.views.fhirpath._special`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from vesalius.errors import InvalidView
from vesalius.views.fhirpath._equality import Seen, compare, distinct
from vesalius.views.fhirpath._numbers import total
from vesalius.views.fhirpath._values import Element, Moment, bare, decimal, is_number, kind_of

Items = list[Any]
Run = Callable[..., Items]


@dataclass(frozen=True, slots=True)
class Function:
    """One function: how it runs, how many arguments it takes, and the type of what it gives.

    ``result`` is a FHIR type, ``=`` for the type of the input, or empty where it depends; ``many`` whether
    it can give more than one item (None: as many as the input); ``chapter`` where it stands in the
    documentation.
    """

    run: Run
    least: int
    most: int
    result: str
    many: bool | None
    chapter: str


FUNCTIONS: dict[str, Function] = {}


def function(
    name: str,
    chapter: str,
    least: int = 0,
    most: int | None = None,
    result: str = "",
    many: bool | None = False,
) -> Callable[[Run], Run]:
    """Declares a function: see :class:`Function`."""

    def keep(run: Run) -> Run:
        FUNCTIONS[name] = Function(run, least, least if most is None else most, result, many, chapter)
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


def whole(items: Items, what: str) -> int:
    """The only item as a whole number.

    Raises:
        InvalidView: it is none, or there is none.
    """
    value = one(items, what)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise InvalidView(f"{what} needs a whole number")


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


def contains(items: Items, item: Any) -> bool:
    """Whether an item equal to ``item`` is among the items."""
    return item in Seen(items)


_EXISTENCE = "existence"


@function("empty", _EXISTENCE, result="boolean")
def _empty(items: Items) -> Items:
    return [not items]


@function("count", _EXISTENCE, result="integer")
def _count(items: Items) -> Items:
    return [len(items)]


@function("not", "logic", result="boolean")
def _not(items: Items) -> Items:
    value = truth(items)
    return [] if value is None else [not value]


def _all_of(name: str, wanted: bool, every: bool) -> None:
    def call(items: Items) -> Items:
        values = [bare(item) for item in items]
        if not all(isinstance(value, bool) for value in values):
            raise InvalidView(f"{name}() needs Booleans alone")
        return [all(value is wanted for value in values) if every else wanted in values]

    FUNCTIONS[name] = Function(call, 0, 0, "boolean", many=False, chapter=_EXISTENCE)


_all_of("allTrue", wanted=True, every=True)
_all_of("anyTrue", wanted=True, every=False)
_all_of("allFalse", wanted=False, every=True)
_all_of("anyFalse", wanted=False, every=False)


@function("subsetOf", _EXISTENCE, 1, result="boolean")
def _subset_of(items: Items, other: Items) -> Items:
    seen = Seen(other)
    return [all(item in seen for item in items)]


@function("supersetOf", _EXISTENCE, 1, result="boolean")
def _superset_of(items: Items, other: Items) -> Items:
    return _subset_of(other, items)


@function("distinct", _EXISTENCE, result="=", many=None)
def _distinct(items: Items) -> Items:
    return distinct(items)


@function("isDistinct", _EXISTENCE, result="boolean")
def _is_distinct(items: Items) -> Items:
    return [len(distinct(items)) == len(items)]


@function("hasValue", "FHIR", result="boolean")
def _has_value(items: Items) -> Items:
    return [len(items) == 1 and not isinstance(bare(items[0]), dict | None)]


@function("getValue", "FHIR", result="=")
def _get_value(items: Items) -> Items:
    if _has_value(items) != [True]:
        return []
    return [bare(items[0])] if isinstance(items[0], Element) else items


# --- parts of a collection ------------------------------------------------------------------------------

_PARTS = "parts of a collection"


@function("first", _PARTS, result="=")
def _first(items: Items) -> Items:
    return items[:1]


@function("last", _PARTS, result="=")
def _last(items: Items) -> Items:
    return items[-1:]


@function("single", _PARTS, result="=")
def _single(items: Items) -> Items:
    one(items, "single()")
    return items


@function("tail", _PARTS, result="=", many=None)
def _tail(items: Items) -> Items:
    return items[1:]


@function("skip", _PARTS, 1, result="=", many=None)
def _skip(items: Items, count: Items) -> Items:
    return items[max(0, whole(count, "skip()")) :]


@function("take", _PARTS, 1, result="=", many=None)
def _take(items: Items, count: Items) -> Items:
    return items[: max(0, whole(count, "take()"))]


@function("intersect", _PARTS, 1, result="=", many=None)
def _intersect(items: Items, other: Items) -> Items:
    seen = Seen(other)
    return distinct(item for item in items if item in seen)


@function("exclude", _PARTS, 1, result="=", many=None)
def _exclude(items: Items, other: Items) -> Items:
    seen = Seen(other)
    return [item for item in items if item not in seen]


_COMBINING = "combining"


@function("union", _COMBINING, 1, many=True)
def _union(items: Items, other: Items) -> Items:
    return distinct([*items, *other])


@function("combine", _COMBINING, 1, 2, many=True)
def _combine(items: Items, other: Items, _keep_order: Items | None = None) -> Items:
    """Always in order, whether asked to or not."""
    return [*items, *other]


# --- totals ---------------------------------------------------------------------------------------------

_TOTALS = "totals"


@function("sum", _TOTALS, result="=")
def _sum(items: Items) -> Items:
    found = total([bare(item) for item in items])
    return [] if found is None else [found]


@function("avg", _TOTALS, result="decimal")
def _avg(items: Items) -> Items:
    found = total([bare(item) for item in items], mean=True)
    return [] if found is None else [found]


@function("min", _TOTALS, result="=")
def _min(items: Items) -> Items:
    return _extreme(items, -1)


@function("max", _TOTALS, result="=")
def _max(items: Items) -> Items:
    return _extreme(items, 1)


def _extreme(items: Items, side: int) -> Items:
    """The item that comes first or last; none where two cannot be put in order."""
    found = items[:1]
    for item in items[1:]:
        order = compare(item, found[0])
        if order is None:
            return []
        if order == side:
            found = [item]
    return found
