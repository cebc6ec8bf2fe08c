"""What a compiled expression is, and what it is given when it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from vesalius.views.fhirpath._functions import Items
from vesalius.views.fhirpath._types import Shape, scalar
from vesalius.views.fhirpath._values import SeveralError


@dataclass(slots=True)
class World:
    """What the caller of whole FHIRPath gives: a view has none of it.

    Attributes:
        root: the outermost resource (``%rootResource``).
        constants: the items of each ``%name``.
        now: the moment that ``now()``, ``today()`` and ``timeOfDay()`` tell.
        resolve: from a reference to the resource it points to, or None.
        trace: told the name and the items of each ``trace()``.
        variables: what ``defineVariable()`` has kept so far.
    """

    root: Any
    constants: Mapping[str, Items]
    now: datetime | None = None
    resolve: Callable[[str], Any] | None = None
    trace: Callable[[str, Items], None] | None = None
    variables: dict[str, Items] | None = None


@dataclass(slots=True)
class Scope:
    """What ``%resource``, ``%rowIndex``, ``$index`` and ``$total`` stand for while an expression runs."""

    resource: Any
    row: int = 0
    index: int = 0
    total: Items | None = None
    world: World | None = None


Run = Callable[[Items, Scope], Items]
Value = Callable[[Any, Scope], Any]


class Compiled(NamedTuple):
    """An expression ready to run on a focus, and the shape of what it gives.

    ``value`` runs it on one item and gives the one value or None, without lists in between; there is none
    where it can give several, and in whole FHIRPath only where values are compared. It raises
    :class:`SeveralError` where the data has several all the same. ``path`` is there where the expression does
    no more than follow these properties of JSON; ``scoped`` is false where it looks at nothing but the item.
    """

    run: Run
    shape: Shape
    value: Value | None = None
    path: tuple[str, ...] | None = None
    scoped: bool = True


BOOLEAN = scalar("boolean")
NOTHING = Shape((), many=False)


def single(
    value: Value, shape: Shape, slow: Run, path: tuple[str, ...] | None = None, scoped: bool = True
) -> Compiled:
    """An expression of at most one value: quick on one item, ``slow`` on several or on odd data."""

    def run(items: Items, scope: Scope) -> Items:
        if len(items) == 1:
            try:
                found = value(items[0], scope)
            except SeveralError:
                return slow(items, scope)
            return [] if found is None else [found]
        return slow(items, scope)

    return Compiled(run, shape, value, path, scoped)
