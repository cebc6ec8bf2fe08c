"""The functions that see their arguments as expressions, declared with :func:`special`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vesalius.errors import InvalidView
from vesalius.views.fhirpath import _nodes as ast
from vesalius.views.fhirpath._compiled import Compiled
from vesalius.views.fhirpath._types import Shape

if TYPE_CHECKING:
    from vesalius.views.fhirpath._evaluator import Compiler

Make = Callable[["Compiler", ast.Call, Shape], Compiled]


@dataclass(frozen=True, slots=True)
class Special:
    """One such function.

    Attributes:
        make: compiles a call.
        least: how many arguments it takes at least.
        most: and at most.
        chapter: where it stands in the documentation.
        refused: why a view may not call it; empty where it may.
    """

    make: Make
    least: int
    most: int
    chapter: str
    refused: str = ""


SPECIAL: dict[str, Special] = {}


def special(
    name: str, chapter: str, least: int = 0, most: int | None = None, refused: str = ""
) -> Callable[[Make], Make]:
    """Declares a function: see :class:`Special`."""

    def keep(make: Make) -> Make:
        SPECIAL[name] = Special(make, least, least if most is None else most, chapter, refused)
        return make

    return keep


def type_of_node(node: ast.Node) -> tuple[str, str]:
    """The namespace (or empty) and the name of a type that is written as an argument.

    Raises:
        InvalidView: it is no name of a type.
    """
    if isinstance(node, ast.Member) and node.target is None:
        return "", node.name
    if isinstance(node, ast.Member) and isinstance(node.target, ast.Member) and node.target.target is None:
        return node.target.name, node.name
    raise InvalidView("expected the name of a type")
