"""The SQL route: a view over typed columns as one query."""

# ruff: noqa: S608 - SQL is what this module writes; every name and text of a view is quoted by the dialect

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from vesalius.views import _nodes as ast
from vesalius.views._definition import Definition, Select, places
from vesalius.views._dialect import Dialect, Kind
from vesalius.views._parser import parse
from vesalius.views._plan import Cell, Chain, Loop, NotCompiledError, chains
from vesalius.views._sql import Compiler, Place, Sql
from vesalius.views._types import Shape

ROW = "r"
"""The name of the row in every layer of the query."""
ORIGIN = ("_reference", "_resource", "_subject", "_recorded_at", "_seq")
"""The columns that say where a row of the lake came from."""
UNREADABLE = "a line of the files is not a resource in JSON"
"""How a query over files fails at a line that it cannot read."""
_ROW_INDEX = ast.Constant("rowIndex")


@dataclass(frozen=True)
class _Item:
    """The item of a loop: its SQL, and whether it can be null because of a null row."""

    sql: Sql
    row: str
    nullable: bool
    outer: int


class Query:
    """One view as SQL.

    Args:
        definition: the view.
        columns: the schema of its columns, the origin of the rows left out.
        kept: the schema of what is queried: the elements of the resource and the lake's own fields.
        dialect: how the engine writes it.

    Raises:
        NotCompiledError: there is something in the view that the Python route does.
    """

    def __init__(self, definition: Definition, columns: pa.Schema, kept: pa.Schema, dialect: Dialect) -> None:
        self.definition = definition
        self.columns = columns
        self.dialect = dialect
        self.compiler = Compiler(dialect, definition.constants)
        resource = Shape((definition.resource,), many=False)
        self.root = _Item(
            Sql(dialect.row(ROW), pa.struct(list(kept)), resource), "0", nullable=False, outer=0
        )
        self._where = [self._criterion(path) for path in definition.where]
        self._indexed = any("rowIndex" in path for path in _paths(definition.select))
        self._bodies = [self._chain(chain) for chain in chains(definition.select)]

    def text(
        self, source: str, condition: str = "TRUE", *, origin: Sequence[str] = ORIGIN, broken: str = ""
    ) -> str:
        """The query; its rows keep the order of the source, those of one branch of a union together.

        Args:
            source: what follows FROM: a table, or a function that reads files.
            condition: which of its rows to read, from SQL that no view wrote.
            origin: the columns to add that say where a row came from.
            broken: a test of the rows of the source that could not be read; the query fails at the first.
        """
        base = f"SELECT {ROW}.* FROM {source} AS {ROW} WHERE {self._test(condition, broken)}"
        added = [self._origin(name) for name in origin]
        rows = [f"SELECT {', '.join([*cells, *added])} FROM {rows} AS {ROW}" for cells, rows in self._bodies]
        return f"WITH base AS {self.dialect.inlined}({base})\n{self.dialect.together(rows)}"

    def _test(self, condition: str, broken: str) -> str:
        tests = " AND ".join([condition, *(f"({test})" for test in self._where)])
        if not broken:
            return tests
        # One expression: of several that are joined by AND, an engine may run the others alone.
        return f"CASE WHEN {broken} THEN {self.dialect.fault(UNREADABLE)} ELSE {tests} END"

    def _criterion(self, path: str) -> str:
        with self.compiler.condition():
            test = self.compiler.compile(parse(path), self._place(self.root))
        if test.many or not (test.nothing or pa.types.is_boolean(test.type)):
            raise NotCompiledError("a criterion that may not be true or false")
        return "FALSE" if test.nothing else test.text

    def _place(self, item: _Item) -> Place:
        return Place(item.sql, self.root.sql, item.row)

    def _chain(self, chain: Chain) -> tuple[list[str], str]:
        """The columns of a chain, in the order of the view's, and what follows FROM."""
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
        found = self.compiler.compile(loop.path, self._place(outer))
        null_row = f"{outer.sql.text} IS NULL" if outer.nullable else None
        listed = self._listed(found)
        if loop.or_null:
            listed = self.dialect.or_null(listed, null_row)
        elif null_row:
            listed = self.dialect.carry_null(listed, null_row)
        item, index = f"_i{loop.number}", f"_n{loop.number}"
        sql = Sql(f"{ROW}.{item}", found.type, found.shape.one())
        items[loop.number] = _Item(sql, f"{ROW}.{index}", loop.or_null or outer.nullable, loop.outer)
        return self.dialect.unnest(source, ROW, listed, item, index if self._indexed else None)

    def _listed(self, found: Sql) -> str:
        if found.nothing:
            raise NotCompiledError("a loop over an element that is not in FHIR R4")
        if found.many:
            return found.text
        return self.dialect.listed(found.text)

    def _cell(self, cell: Cell, items: dict[int, _Item]) -> str:
        item = items[cell.outer]
        indexed = cell.path == _ROW_INDEX
        shadow = items[item.outer] if indexed else item
        value = self._value(cell, item)
        # A null row is null in every column, whatever its paths would give; only its own index is 0.
        return f"CASE WHEN {shadow.sql.text} IS NULL THEN NULL ELSE {value} END" if shadow.nullable else value

    def _value(self, cell: Cell, item: _Item) -> str:
        found = self.compiler.compile(cell.path, self._place(item))
        wanted = self.columns.field(cell.column.name).type
        if cell.column.collection:
            return self._collection(found, _kind(wanted.value_type))
        kind = _kind(wanted)
        if found.nothing:
            return self.dialect.cast("NULL", kind)
        single = self.compiler.only(found, f"the column {cell.column.name}")
        self._check_cast(single, kind)
        return self.dialect.cast(single.text, kind)

    def _collection(self, found: Sql, kind: Kind) -> str:
        if found.nothing:
            return self.dialect.cast_list(self.dialect.items(), kind)
        self._check_cast(found, kind)
        items = found.text if found.many else self.dialect.listed(found.text)
        return self.dialect.cast_list(f"coalesce({items}, {self.dialect.items()})", kind)

    def _check_cast(self, found: Sql, kind: Kind) -> None:
        """Only casts that write a value as the Python route does."""
        have = self.compiler.kind(found)
        if have != kind and (have, kind) != ("integer", "number"):
            raise NotCompiledError(f"a {have} in a column of {kind}")

    def _origin(self, name: str) -> str:
        resource = f"{self.dialect.text(self.definition.resource + '/')} || {ROW}._id"
        if name == "_resource":
            return f"{resource} AS _resource"
        if name == "_reference":
            return f"{resource} || '/_history/' || {ROW}._version AS _reference"
        return f"{ROW}.{name} AS {name}"


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
