"""The Python route: a ViewDefinition becomes one function from a resource to its rows.

It follows the processing algorithm of the SQL on FHIR specification; ``docs/decisions/spec`` says how we read
it where it leaves room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from vesalius.errors import InvalidView
from vesalius.views._compiled import Compiled, Run, Scope
from vesalius.views._definition import Column, Definition, Select
from vesalius.views._evaluator import compile_expression
from vesalius.views._functions import Items
from vesalius.views._parser import parse
from vesalius.views._types import Shape
from vesalius.views._values import Choice, Moment, Quantity

Row = tuple[Any, ...]
Make = Callable[[Any, int, Any], list[Row]]
"""From an item, its index and its resource to the rows of a select."""


class Plan:
    """The compiled view.

    Attributes:
        shapes: the shape of each column, in order: of its first branch where a union has several.
        unknown: paths of columns that lead nowhere in FHIR R4; they are legal, and give null.
    """

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.shapes: dict[str, Shape] = {}
        root = Shape((definition.resource,), many=False)
        self._where = [self._compile(path, root, f"where[{at}]") for at, path in enumerate(definition.where)]
        self._rows = self._select(definition.select, root, "")

    def rows(self, resource: Mapping[str, Any]) -> list[Row]:
        """The rows of one resource; none where it is of another type or is filtered out.

        Raises:
            InvalidView: a path gives several values for a column that is no collection, or a criterion is not
                a Boolean.
        """
        if resource.get("resourceType") != self.definition.resource or not self._keeps(resource):
            return []
        return self._rows(resource, 0, resource)

    def _keeps(self, resource: Any) -> bool:
        for at, criterion in enumerate(self._where):
            found = criterion.run([resource], Scope(resource))
            if len(found) > 1 or (found and not isinstance(found[0], bool)):
                raise InvalidView("is not true or false", place=f"where[{at}]")
            if found != [True]:
                return False
        return True

    def _compile(self, path: str, focus: Shape, place: str) -> Compiled:
        try:
            return compile_expression(parse(path), focus, self.definition.constants)
        except InvalidView as error:
            raise InvalidView(error.message, place=place, hint=error.hint) from None

    def _select(self, select: Select, focus: Shape, place: str) -> Make:
        if select.repeat:
            return self._repeat(select, focus, place)
        path = select.for_each if select.for_each is not None else select.for_each_or_null
        if path is None:
            return self._body(select, focus, place)
        field = "forEach" if select.for_each is not None else "forEachOrNull"
        found = self._compile(path, focus, f"{place}.{field}")
        body = self._body(select, found.shape.one(), place)
        if select.for_each is not None:
            return _for_each(found.run, body, None)
        return _for_each(found.run, body, _null_row(select))

    def _repeat(self, select: Select, focus: Shape, place: str) -> Make:
        paths = self._repeated(select, focus, place)
        # Below the first level the paths run on what they found: one type where the element holds itself.
        inner = Shape(tuple(dict.fromkeys(name for path in paths for name in path.shape.types)), many=False)
        deeper = self._repeated(select, inner, place)
        return _repeat(paths, deeper, self._body(select, inner, place))

    def _repeated(self, select: Select, focus: Shape, place: str) -> list[Compiled]:
        return [self._compile(path, focus, f"{place}.repeat[{at}]") for at, path in enumerate(select.repeat)]

    def _body(self, select: Select, focus: Shape, place: str) -> Make:
        parts: list[Make] = []
        if select.column:
            parts.append(self._columns(select.column, focus, place))
        dot = f"{place}." if place else ""
        for at, inner in enumerate(select.select):
            parts.append(self._select(inner, focus, f"{dot}select[{at}]"))
        branches = [
            self._select(inner, focus, f"{dot}unionAll[{at}]") for at, inner in enumerate(select.union_all)
        ]
        if branches:
            parts.append(_union(branches))
        return parts[0] if len(parts) == 1 else _product(parts)

    def _columns(self, columns: Sequence[Column], focus: Shape, place: str) -> Make:
        cells = [self._cell(column, focus, f"{place}.column[{at}]") for at, column in enumerate(columns)]

        def make(item: Any, index: int, resource: Any) -> list[Row]:
            scope = Scope(resource, index)
            items = [item]
            return [tuple([cell(items, scope) for cell in cells])]

        return make

    def _cell(self, column: Column, focus: Shape, place: str) -> Callable[[Items, Scope], Any]:
        found = self._compile(column.path, focus, place)
        self.shapes.setdefault(column.name, found.shape)
        if column.collection:
            return lambda items, scope: [plain(item) for item in found.run(items, scope)]
        name, run = column.name, found.run

        def cell(items: Items, scope: Scope) -> Any:
            values = run(items, scope)
            if not values:
                return None
            if len(values) > 1:
                raise InvalidView(
                    f"the column {name} has {len(values)} values in one row",
                    place=place,
                    hint="use first(), join() or collection: true",
                )
            value = values[0]
            return value if value.__class__ is str else plain(value)

        return cell


def _null_row(select: Select) -> Row:
    """Null in every column, but 0 in those that are %rowIndex at this level."""
    own = _same_level(select)
    indexed = {column for column in own if column.path.strip() == "%rowIndex"}
    return tuple(0 if column in indexed else None for column in select.columns)


def _same_level(select: Select) -> set[Column]:
    """The columns that %rowIndex counts for: those of the select and of what does not loop inside it."""
    found = set(select.column)
    for inner in (*select.select, *select.union_all[:1]):
        if inner.for_each is None and inner.for_each_or_null is None and not inner.repeat:
            found |= _same_level(inner)
    return found


def _for_each(run: Run, body: Make, null_row: Row | None) -> Make:
    def make(item: Any, index: int, resource: Any) -> list[Row]:
        found = run([item], Scope(resource, index))
        if not found and null_row is not None:
            return [null_row]
        return [row for at, each in enumerate(found) for row in body(each, at, resource)]

    return make


def _repeat(paths: Sequence[Compiled], deeper: Sequence[Compiled], body: Make) -> Make:
    """Depth first, parents before their children, in the order of the paths."""

    def make(item: Any, index: int, resource: Any) -> list[Row]:
        scope = Scope(resource, index)
        found: Items = []
        stack = [each for path in reversed(paths) for each in reversed(path.run([item], scope))]
        while stack:
            node = stack.pop()
            found.append(node)
            stack += [each for path in reversed(deeper) for each in reversed(path.run([node], scope))]
        return [row for at, each in enumerate(found) for row in body(each, at, resource)]

    return make


def _union(branches: Sequence[Make]) -> Make:
    return lambda item, index, resource: [row for branch in branches for row in branch(item, index, resource)]


def _product(parts: Sequence[Make]) -> Make:
    def make(item: Any, index: int, resource: Any) -> list[Row]:
        found = []
        for part in parts:
            rows = part(item, index, resource)
            if not rows:
                return []
            found.append(rows)
        return [tuple([cell for row in combined for cell in row]) for combined in product(*found)]

    return make


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, Choice):
        return value.value
    if isinstance(value, Moment):
        return value.text
    if isinstance(value, Quantity):
        return {"value": value.value, "unit": value.unit}
    return value
