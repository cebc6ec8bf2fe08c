"""What a compiled expression is, and what it is given when it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from vesalius.views._functions import Items
from vesalius.views._types import Shape, scalar


@dataclass(slots=True)
class Scope:
    """What ``%resource``, ``%rowIndex``, ``$index`` and ``$total`` stand for while an expression runs."""

    resource: Any
    row: int = 0
    index: int = 0
    total: Items | None = None


Run = Callable[[Items, Scope], Items]


class Compiled(NamedTuple):
    """An expression ready to run on a focus, and the shape of what it gives."""

    run: Run
    shape: Shape


BOOLEAN = scalar("boolean")
