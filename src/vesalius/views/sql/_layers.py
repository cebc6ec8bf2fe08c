"""The layers of a query: each loop of a view unnests a list of the layer below, and the cells read its items.

What an item is, a typed structure or JSON, is settled here. A path that needs what the columns do not hold is
read from the JSON of the resource; if it starts on the item of a loop, the whole is made again with that loop
over JSON. So a view is typed as far as it can be, and JSON where it must be.
"""

# ruff: noqa: S608 - SQL is what this module writes; every name and text of a view is quoted by the dialect

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pyarrow as pa

from vesalius.views._definition import Definition, Select, places
from vesalius.views.fhirpath import _nodes as ast
from vesalius.views.fhirpath._parser import parse
from vesalius.views.fhirpath._types import Shape
from vesalius.views.sql._compiler import Compiler, Place, Sql
from vesalius.views.sql._dialect import Dialect, Kind
from vesalius.views.sql._elements import BODY
from vesalius.views.sql._plan import MOST_LEVELS, Cell, Chain, Loop, NotCompiledError, chains
from vesalius.views.sql._value import JSON, NOTHING, NotExactError, NotHeldError, string

ROW = "r"
"""The name of the row in every layer of the query."""
EXACT = "_exact"
"""The column of the resource as JSON whose numbers kept their digits."""
_ROW_INDEX = ast.Constant("rowIndex")


@dataclass(frozen=True)
class _Item:
    """The item of a loop: its SQL, and whether it can be null because of a null row."""

    sql: Sql
    row: str
    nullable: bool
    outer: int


@dataclass
class Needs:
    """What earlier attempts to write a query found to be needed.

    Attributes:
        json: the loops over JSON, by their number.
        exact: whether the digits of numbers in JSON matter.
    """

    json: set[int] = field(default_factory=set)
    exact: bool = False


class _AgainError(Exception):
    """The needs have grown; the query has to be made again."""


@dataclass(frozen=True)
class Layers:
    """The parts of a query.

    Attributes:
        tests: the conditions on a row, in order.
        bodies: of each chain, its columns in the order of the view's, and what follows FROM.
        compiler: what made them; it says which elements they read.
        exact: whether they read the column :data:`EXACT`.
    """

    tests: list[str]
    bodies: list[tuple[list[str], str]]
    compiler: Compiler
    exact: bool


def layers(definition: Definition, columns: pa.Schema, kept: pa.Schema, dialect: Dialect) -> Layers:
    """Writes the parts of the query of a view.

    Raises:
        NotCompiledError: there is something in the view that the Python route does.
    """
    needs = Needs()
    while True:
        try:
            return _Writer(definition, columns, kept, dialect, needs).layers()
        except _AgainError:
            continue


class _Writer:
    """One attempt."""

    def __init__(
        self, definition: Definition, columns: pa.Schema, kept: pa.Schema, dialect: Dialect, needs: Needs
    ) -> None:
        self.definition = definition
        self.columns = columns
        self.dialect = dialect
        self.needs = needs
        self.compiler = Compiler(dialect, definition.constants)
        resource = Shape((definition.resource,), many=False)
        row = dialect.row(ROW)
        self.root = _Item(Sql(row, pa.struct(list(kept)), resource), "0", nullable=False, outer=0)
        self.body = Sql(dialect.field(row, EXACT if needs.exact else BODY), JSON, resource, exact=needs.exact)
        self.indexed = any("rowIndex" in path for path in _paths(definition.select))

    def layers(self) -> Layers:
        tests = [self._criterion(path) for path in self.definition.where]
        bodies = [self._chain(chain) for chain in chains(self.definition.select)]
        return Layers(tests, bodies, self.compiler, self.needs.exact)

    # --- typed or JSON -----------------------------------------------------------------------------------

    def _at(self, number: int, item: _Item, make: Callable[[Place], Sql]) -> Sql:
        """What ``make`` makes on the item of a loop: of its typed form if that will do, else of its JSON."""
        root = self.body if item.sql.json else self.root.sql
        try:
            return self._exactly(make, Place(item.sql, root, item.row))
        except NotHeldError:
            return self._of_json(number, item, make)

    def _of_json(self, number: int, item: _Item, make: Callable[[Place], Sql]) -> Sql:
        if number == 0:
            self.compiler.used.add((self.definition.resource, BODY))
            return self._exactly(make, Place(self.body, self.body, item.row))
        if number in self.needs.json:
            raise NotCompiledError("a part of something that is neither in the columns nor JSON")
        self.needs.json.add(number)
        raise _AgainError

    def _exactly(self, make: Callable[[Place], Sql], place: Place) -> Sql:
        try:
            return make(place)
        except NotExactError:
            if self.needs.exact:
                raise
            self.needs.exact = True
            raise _AgainError from None

    # --- conditions --------------------------------------------------------------------------------------

    def _criterion(self, path: str) -> str:
        node = parse(path)
        with self.compiler.guard.inside():
            test = self._at(0, self.root, lambda place: self.compiler.compile(node, place))
        if test.many or not (test.nothing or pa.types.is_boolean(test.type)):
            raise NotCompiledError("a criterion that may not be true or false")
        return "FALSE" if test.nothing else test.text

    # --- loops -------------------------------------------------------------------------------------------

    def _chain(self, chain: Chain) -> tuple[list[str], str]:
        items = {0: self.root}
        source, cells = "base", {}
        for step in chain:
            if isinstance(step, Loop):
                source = f"({self._layer(step, items, source)})"
            else:
                name = step.column.name
                cells[name] = f"{self._cell(step, items)} AS {self.dialect.name(name)}"
        return [cells[name] for name in self.columns.names], source

    def _layer(self, loop: Loop, items: dict[int, _Item], source: str) -> str:
        """The rows of the source, once for each item of the loop."""
        outer = items[loop.outer]
        if loop.repeat:
            found, source = self._descent(loop, outer, source)
        else:
            found = self._looped(loop, outer)
        null_row = f"{outer.sql.text} IS NULL" if outer.nullable else None
        listed = self.compiler.listed(found).text if not found.nothing else self._none()
        if loop.or_null:
            listed = self.dialect.or_null(listed, null_row)
        elif null_row:
            listed = self.dialect.carry_null(listed, null_row)
        item, index = f"_i{loop.number}", f"_n{loop.number}"
        sql = Sql(f"{ROW}.{item}", found.type, found.shape.one(), exact=found.exact)
        items[loop.number] = _Item(sql, f"{ROW}.{index}", loop.or_null or outer.nullable, loop.outer)
        return self.dialect.unnest(source, ROW, listed, item, index if self.indexed else None)

    def _none(self) -> str:
        """A loop over what R4 does not have has no items."""
        return self.dialect.cast_list(self.dialect.items(), "text")

    def _looped(self, loop: Loop, outer: _Item) -> Sql:
        def make(place: Place) -> Sql:
            found = self.compiler.compile(loop.path, place)
            if loop.number in self.needs.json and not found.json and pa.types.is_struct(found.type):
                raise NotHeldError("the items of a loop that are read as JSON")
            return found

        return self._at(loop.outer, outer, make)

    def _descent(self, loop: Loop, outer: _Item, source: str) -> tuple[Sql, str]:
        """``repeat``: one more layer per level, each a list of what the level above it leads to.

        With each item goes its path, the places of its ancestors and its own; in the order of the paths,
        parents come before their children, as in the document.
        """
        level, below = f"_l{loop.number}_", Shape()

        def first(place: Place) -> Sql:
            if not place.focus.json:
                raise NotHeldError("repeat")
            return self._children(loop, place)

        found = self._at(loop.outer, outer, first)
        if found.nothing:
            return found, source
        below = found.shape
        for depth in range(MOST_LEVELS + 1):
            if depth == 0:
                made = self._numbered(found.text, self.dialect.items("_i"))
            else:
                made = self._next(loop, outer, f"{ROW}.{level}{depth - 1}", below, found.exact)
            source = f"(SELECT {ROW}.*, {made} AS {level}{depth} FROM {source} AS {ROW})"  # nosec B608
        return replace(found, text=self._all_levels(level)), source

    def _children(self, loop: Loop, place: Place) -> Sql:
        found = NOTHING
        for path in loop.repeat:
            made = self.compiler.compile(path, place)
            if not made.nothing and not made.json:
                raise NotCompiledError("repeat over something that is not a structure")
            found = self.compiler.united(found, made, distinct=False)
        return replace(found, exact=place.focus.exact)

    def _numbered(self, items: str, path: str) -> str:
        return self.dialect.transform(items, "_x", self.dialect.pair(path, "_x"), index="_i")

    def _next(self, loop: Loop, outer: _Item, level: str, shape: Shape, exact: bool) -> str:
        """The level below: what the paths lead to from each item."""
        focus = Sql(self.dialect.field("_p", "j"), JSON, shape.one(), exact=exact)
        place = Place(focus, self.body, outer.row)
        found = self._exactly(lambda at: self._children(loop, at), place)
        if found.nothing:
            return self.dialect.keep(level, "_p", "FALSE")
        path = self.dialect.concat([self.dialect.field("_p", "p"), self.dialect.items("_i")])
        inner = self._numbered(found.text, path)
        return self.dialect.flatten(self.dialect.transform(level, "_p", inner))

    def _all_levels(self, level: str) -> str:
        lists = [f"{ROW}.{level}{depth}" for depth in range(MOST_LEVELS)]
        every = self.dialect.sort(self.dialect.concat(lists))
        items = self.dialect.transform(every, "_p", self.dialect.field("_p", "j"))
        fault = self.dialect.fault(
            f"repeat finds more than {MOST_LEVELS} levels; the Python engine has no limit"
        )
        deeper = self.dialect.size(f"{ROW}.{level}{MOST_LEVELS}")
        return f"CASE WHEN {deeper} > 0 THEN {fault} ELSE {items} END"

    # --- cells -------------------------------------------------------------------------------------------

    def _cell(self, cell: Cell, items: dict[int, _Item]) -> str:
        item = items[cell.outer]
        indexed = cell.path == _ROW_INDEX
        shadow = items[item.outer] if indexed else item
        value = self._value(cell, item)
        # A null row is null in every column, whatever its paths would give; only its own index is 0.
        return f"CASE WHEN {shadow.sql.text} IS NULL THEN NULL ELSE {value} END" if shadow.nullable else value

    def _value(self, cell: Cell, item: _Item) -> str:
        wanted = self.columns.field(cell.column.name).type
        kind = _kind(wanted.value_type if cell.column.collection else wanted)
        found = self._at(cell.outer, item, lambda place: self._shown(cell, place, kind))
        if cell.column.collection:
            return self._collection(found, kind)
        if found.nothing:
            return self.dialect.cast("NULL", kind)
        single = self.compiler.only(found, f"the column {cell.column.name}")
        return self.dialect.cast(single.text, kind)

    def _shown(self, cell: Cell, place: Place, kind: Kind) -> Sql:
        """The value of a column in a form that casts to its type as the Python route writes it."""
        found = self.compiler.cell(cell.path, place)
        if found.nothing:
            return found
        have = self.compiler.kind(found)
        if have == kind or (have, kind) == ("integer", "number"):
            return found
        if kind == "text" and have in ("integer", "boolean"):
            return found
        if (have, kind) == ("number", "text") and not found.many:
            return string(self.compiler.written(found))
        raise NotCompiledError(f"a {have} in a column of {kind}")

    def _collection(self, found: Sql, kind: Kind) -> str:
        if found.nothing:
            return self.dialect.cast_list(self.dialect.items(), kind)
        items = f"coalesce({self.compiler.listed(found).text}, {self.dialect.items()})"
        return self.dialect.cast_list(items, kind)


def _paths(select: Select) -> Iterator[str]:
    """Every path in a select."""
    for _, each in places(select, ""):
        yield from (column.path for column in each.column)
        yield from filter(None, (each.for_each, each.for_each_or_null, *each.repeat))


def _kind(wanted: pa.DataType) -> Kind:
    if pa.types.is_boolean(wanted):
        return "boolean"
    if pa.types.is_integer(wanted):
        return "integer"
    return "number" if pa.types.is_floating(wanted) else "text"
