"""What is equal, what is equivalent and what comes first (FHIRPath N1, 6.1 and 6.2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vesalius.errors import InvalidView
from vesalius.views.fhirpath._quantities import (
    compare_quantities,
    equivalent_numbers,
    equivalent_quantities,
    is_quantity,
)
from vesalius.views.fhirpath._values import (
    Moment,
    Quantity,
    bare,
    compare_moments,
    decimal,
    is_number,
    kind_of,
    moment,
)


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
    if left is None or right is None:
        return None
    if left.__class__ is str and right.__class__ is str:
        return bool(left == right)
    if isinstance(left, Moment) or isinstance(right, Moment):
        return _equal_moments(left, right)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if is_number(left) and is_number(right):
        return decimal(left) == decimal(right)
    if isinstance(left, Quantity) or isinstance(right, Quantity):
        order = compare_quantities(left, right)
        return None if order is None else order == 0
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(equal(x, y) for x, y in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[name], right[name]) for name in left)
    return type(left) is type(right) and bool(left == right)


def _equal_moments(left: Any, right: Any) -> bool | None:
    a = as_moment(left, right if isinstance(right, Moment) else None)
    b = as_moment(right, left if isinstance(left, Moment) else None)
    if a is None or b is None or (a.kind == "Time") != (b.kind == "Time"):
        return False
    order = compare_moments(a, b)
    return None if order is None else order == 0


def equivalent(left: Any, right: Any) -> bool:
    """FHIRPath ``~`` of two items: strings by their letters alone, numbers by the less precise."""
    left, right = bare(left), bare(right)
    if isinstance(left, str) and isinstance(right, str):
        return " ".join(left.casefold().split()) == " ".join(right.casefold().split())
    if is_number(left) and is_number(right):
        return equivalent_numbers(decimal(left), decimal(right))
    if isinstance(left, Quantity) or isinstance(right, Quantity):
        return equivalent_quantities(left, right)
    if isinstance(left, list) and isinstance(right, list):
        return equivalent_items(left, right)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equivalent(left[name], right[name]) for name in left)
    return bool(equal(left, right))


def equal_items(left: list[Any], right: list[Any]) -> bool | None:
    """``=`` of two collections, in their order; None where one is empty or an item cannot be known."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    unknown = False
    for x, y in zip(left, right, strict=True):
        same = equal(x, y)
        if same is False:
            return False
        unknown = unknown or same is None
    return None if unknown else True


def equivalent_items(left: list[Any], right: list[Any]) -> bool:
    """``~`` of two collections, in any order."""
    if len(left) != len(right):
        return False
    rest = list(right)
    for item in left:
        at = next((n for n, other in enumerate(rest) if equivalent(item, other)), None)
        if at is None:
            return False
        del rest[at]
    return True


def compare(left: Any, right: Any) -> int | None:
    """-1, 0 or 1 as ``left`` comes before, with or after ``right``; None where that cannot be known.

    Raises:
        InvalidView: the two cannot be put in order at all.
    """
    left, right = bare(left), bare(right)
    if left is None or right is None:
        return None
    if is_number(left) and is_number(right):
        a, b = decimal(left), decimal(right)
        return (a > b) - (a < b)
    if isinstance(left, Moment) or isinstance(right, Moment):
        return _compare_moments(left, right)
    if isinstance(left, str) and isinstance(right, str):
        return (left > right) - (left < right)
    if _measures(left) and _measures(right):
        return compare_quantities(left, right)
    raise InvalidView(f"cannot put a {kind_of(left)} and a {kind_of(right)} in order")


def _measures(value: Any) -> bool:
    """Whether the value is a quantity, or a number, which counts as one without a unit."""
    return is_number(value) or is_quantity(value)


def _compare_moments(left: Any, right: Any) -> int | None:
    x = as_moment(left, right if isinstance(right, Moment) else None)
    y = as_moment(right, left if isinstance(left, Moment) else None)
    if x is not None and y is not None and (x.kind == "Time") == (y.kind == "Time"):
        return compare_moments(x, y)
    if isinstance(left, str) or isinstance(right, str):
        return None  # a text that is no date cannot be known to come before one
    raise InvalidView(f"cannot put a {kind_of(left)} and a {kind_of(right)} in order")


class Seen:
    """The items met so far, by value: adding one is quick, however many there are."""

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self._keys: set[Any] = set()
        self._others: list[Any] = []
        self._plain: list[Any] = []
        for item in items:
            self.add(item)

    def add(self, item: Any) -> bool:
        """Keeps the item; False where an equal one is there already."""
        if item in self:
            return False
        value = bare(item)
        if isinstance(value, Moment | Quantity):
            self._others.append(value)
        else:
            self._keys.add(_key(value))
            self._plain.append(value)
        return True

    def __contains__(self, item: Any) -> bool:
        value = bare(item)
        if isinstance(value, Moment | Quantity):
            return any(equal(value, other) for other in (*self._others, *self._plain))
        if _key(value) in self._keys:
            return True
        return bool(self._others) and any(equal(value, other) for other in self._others)


def _key(value: Any) -> Any:
    """What two equal values of JSON have in common and no others have."""
    if value.__class__ is str:
        return value
    if value is None or isinstance(value, bool):
        return (value,)
    if is_number(value):
        return decimal(value)
    if isinstance(value, dict):
        return frozenset((name, _key(inner)) for name, inner in value.items())
    return tuple(map(_key, value))


def distinct(items: Iterable[Any]) -> list[Any]:
    """The items without repeats, in the order of their first coming."""
    seen = Seen()
    return [item for item in items if seen.add(item)]
