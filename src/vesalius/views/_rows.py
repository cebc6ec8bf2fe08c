"""The Python route: a ViewDefinition becomes one function from a resource to its rows.

It follows the processing algorithm of the SQL on FHIR specification; ``docs/decisions/spec`` says how we read
it where it leaves room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from vesalius.errors import InvalidView
from vesalius.views._definition import Column, Definition, Select
from vesalius.views.fhirpath._compiled import Compiled, Run, Scope, Value
from vesalius.views.fhirpath._evaluator import compile_expression
from vesalius.views.fhirpath._functions import Items
from vesalius.views.fhirpath._parser import parse
from vesalius.views.fhirpath._types import Shape
from vesalius.views.fhirpath._values import Choice, Moment, Quantity, SeveralError

Row = tuple[Any, ...]
_NOWHERE = Scope(None)
"""For a plain path, which looks at nothing but its item."""
Make = Callable[[Any, int, Any], list[Row]]
"""From an item, its index and its resource to the rows of a select."""


class _Cell(NamedTuple):
    """How one column is read: ``slow`` always can; the others where its path allows."""

    slow: Callable[[Items, Scope], Any]
    value: Value | None = None
    first: str | None = None
    second: str | None = None
    scoped: bool = True


class Plan:
    """The compiled view.

    Attributes:
        shapes: the shape of each column, in order: of its first branch where a union has several.
        unknown: paths of columns that lead nowhere in FHIR R4; they are legal, and give null.
    """

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self._resource = definition.resource
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
        if resource.get("resourceType") != self._resource:
            return []
        if self._where and not self._keeps(resource):
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
            return compile_expression(parse(path), focus, self.definition.constants, text=path)
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
            return _for_each(found, body, None)
        return _for_each(found, body, _null_row(select))

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
        return _fill(cells)

    def _cell(self, column: Column, focus: Shape, place: str) -> _Cell:
        """How a column is read: by one property or two, where its path is no more than that, or by a call."""
        found = self._compile(column.path, focus, place)
        self.shapes.setdefault(column.name, found.shape)
        if column.collection:
            return _Cell(lambda items, scope: [plain(item) for item in found.run(items, scope)])
        slow = _single(column.name, found.run, place)
        if found.value is None or found.path is None or not 1 <= len(found.path) <= 2:
            return _Cell(slow, found.value, scoped=found.scoped)
        return (
            _Cell(slow, None, *found.path, scoped=False)
            if len(found.path) == 2
            else _Cell(slow, None, found.path[0], scoped=False)
        )


def _single(name: str, run: Run, place: str) -> Callable[[Items, Scope], Any]:
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
        return plain(values[0])

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


def _fill(cells: Sequence[_Cell]) -> Make:
    """The row of an item: what is one property or two is read at once, the rest by a call."""
    keys = [cell.first for cell in cells]
    seconds = [(at, cell.second) for at, cell in enumerate(cells) if cell.second is not None]
    values = [(at, cell.value) for at, cell in enumerate(cells) if cell.value is not None]
    scoped = any(cell.scoped for cell in cells)
    others = [(at, cell.slow) for at, cell in enumerate(cells) if cell.first is None and cell.value is None]

    def make(item: Any, index: int, resource: Any) -> list[Row]:
        if item.__class__ is not dict:
            return slow(item, index, resource)
        row: list[Any] = list(map(item.get, keys))
        for at, second in seconds:
            value = row[at]
            if value is not None:
                if value.__class__ is not dict:
                    return slow(item, index, resource)
                row[at] = value.get(second)
        if list in map(type, row):
            return slow(item, index, resource)
        if values or others:
            scope = Scope(resource, index) if scoped else _NOWHERE
            try:
                for at, read in values:
                    value = read(item, scope)
                    row[at] = value if value is None or value.__class__ is str else plain(value)
            except SeveralError:
                return slow(item, index, resource)
            for at, call in others:
                row[at] = call([item], scope)
        return [tuple(row)]

    def slow(item: Any, index: int, resource: Any) -> list[Row]:
        scope = Scope(resource, index)
        return [tuple([cell.slow([item], scope) for cell in cells])]

    return make


def _for_each(items: Compiled, body: Make, null_row: Row | None) -> Make:
    run, scoped = items.run, items.scoped
    nothing = [] if null_row is None else [null_row]

    def make(item: Any, index: int, resource: Any) -> list[Row]:
        found = run([item], Scope(resource, index) if scoped else _NOWHERE)
        if len(found) == 1:
            return body(found[0], 0, resource)
        return (
            [row for at, each in enumerate(found) for row in body(each, at, resource)] if found else nothing
        )

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
    """Every combination of the rows of the parts, the last part changing fastest."""

    def make(item: Any, index: int, resource: Any) -> list[Row]:
        rows: list[Row] = []
        for at, part in enumerate(parts):
            found = part(item, index, resource)
            if at == 0:
                rows = found
            elif len(found) == 1:
                rows = [row + found[0] for row in rows]
            elif found:
                rows = [row + each for row in rows for each in found]
            else:
                rows = []
            if not rows:
                return rows
        return rows

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
