"""What a view does, as steps that any SQL engine can follow: loops and cells, without any dialect.

A view with unions becomes several chains of steps whose rows are put together. The null row of a
``forEachOrNull`` comes once, so only the first of the chains inside it keeps it; the others loop plainly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

from vesalius.views._definition import Column, Select
from vesalius.views.fhirpath import _nodes as ast
from vesalius.views.fhirpath._parser import parse

MOST_CHAINS = 32
"""A view that needs more goes the Python route."""
MOST_LEVELS = 24
"""How deep ``repeat`` follows in SQL; the query fails on a resource that is nested deeper."""


class NotCompiledError(Exception):
    """Something that the SQL route leaves to the Python route; the message says what."""


@dataclass(frozen=True)
class Loop:
    """One row for each item of a path; ``number`` names the item for the steps inside, 0 is the resource.

    Attributes:
        number: of the loop, from 1.
        outer: the loop on whose item the path starts.
        path: what is looped over.
        or_null: whether an empty path gives one row of nulls.
        repeat: the paths that are followed again and again from what they found; then ``path`` is the first.
    """

    number: int
    outer: int
    path: ast.Node
    or_null: bool
    repeat: tuple[ast.Node, ...] = ()


@dataclass(frozen=True)
class Cell:
    """One column: its path starts on the item of the loop ``outer``."""

    column: Column
    path: ast.Node
    outer: int


Chain = tuple[Loop | Cell, ...]


def chains(select: Select) -> list[Chain]:
    """The chains of a selection.

    Raises:
        NotCompiledError: there would be too many chains.
    """
    found = _Planner().select(select, 0)
    if len(found) > MOST_CHAINS:
        raise NotCompiledError("too many branches of unionAll")
    return found


class _Planner:
    def __init__(self) -> None:
        self.loops = 0

    def select(self, select: Select, outer: int) -> list[Chain]:
        if select.repeat:
            return self.loop(select, outer, tuple(parse(path) for path in select.repeat), or_null=False)
        path = select.for_each if select.for_each is not None else select.for_each_or_null
        if path is None:
            return self.body(select, outer)
        return self.loop(select, outer, (parse(path),), or_null=select.for_each is None)

    def loop(self, select: Select, outer: int, paths: tuple[ast.Node, ...], *, or_null: bool) -> list[Chain]:
        self.loops += 1
        loop = Loop(self.loops, outer, paths[0], or_null, paths if select.repeat else ())
        return [
            ((loop, *chain) if at == 0 else _plainly((loop, *chain)))
            for at, chain in enumerate(self.body(select, loop.number))
        ]

    def body(self, select: Select, outer: int) -> list[Chain]:
        cells: Chain = tuple(Cell(column, parse(column.path), outer) for column in select.column)
        parts: list[list[Chain]] = [[cells]]
        parts += [self.select(inner, outer) for inner in select.select]
        if select.union_all:
            parts.append([chain for inner in select.union_all for chain in self.select(inner, outer)])
        return _products(parts)


def _plainly(chain: Chain) -> Chain:
    """The chain without the null row of its first loop."""
    first = chain[0]
    assert isinstance(first, Loop)
    return (replace(first, or_null=False), *chain[1:])


def _products(parts: Sequence[Sequence[Chain]]) -> list[Chain]:
    return [tuple(step for chain in combined for step in chain) for combined in product(*parts)]
