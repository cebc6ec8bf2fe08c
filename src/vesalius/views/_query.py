"""The SQL route: a view over typed columns as one query."""

# ruff: noqa: S608 - SQL is what this module writes; every name and text of a view is quoted by the dialect

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from vesalius.views import _nodes as ast
from vesalius.views._definition import Definition
from vesalius.views._dialect import Dialect, Kind
from vesalius.views._parser import parse
from vesalius.views._plan import Cell, Chain, Loop, NotCompiledError, chains
from vesalius.views._sql import Compiler, Place, Sql
from vesalius.views._types import Shape

ROW = "r"
"""The name of the row in every layer of the query."""
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
        self.root = _Item(Sql(dialect.row(ROW), pa.struct(list(kept)), resource), "0", nullable=False, outer=0)
        self._where = [self._criterion(path) for path in definition.where]
        found = chains(definition.select)
        self._loops = sorted({step.number for chain in found for step in chain if isinstance(step, Loop)})
        self._bodies = [self._chain(chain, at) for at, chain in enumerate(found)]

    def text(self, source: str, condition: str = "TRUE", *, ordered: bool = True) -> str:
        """The query.

        Args:
            source: what follows FROM: a table, or a function that reads files.
            condition: which of its rows to read, from SQL that no view wrote.
            ordered: whether the rows come in the order of the log; it costs a sort.
        """
        names = ", ".join(self.dialect.name(name) for name in self.columns.names)
        tests = " AND ".join([condition, *(f"({test})" for test in self._where)])
        base = f"SELECT {ROW}.* FROM {source} AS {ROW} WHERE {tests}"
        places = ", ".join(["_seq", "_chain", *(f"_n{number}" for number in self._loops)])
        order = f" ORDER BY {places}" if ordered else ""
        rows = self.dialect.together(self._bodies)
        return (
            f"WITH base AS ({base}),\nmade AS (\n{rows}\n)\n"
            f"SELECT {names}, _reference, _resource, _subject, _recorded_at, _seq FROM made{order}"
        )

    def _criterion(self, path: str) -> str:
        with self.compiler.condition():
            test = self.compiler.compile(parse(path), self._place(self.root))
        if test.many or not (test.nothing or pa.types.is_boolean(test.type)):
            raise NotCompiledError("a criterion that may not be true or false")
        return "FALSE" if test.nothing else test.text

    def _place(self, item: _Item) -> Place:
        return Place(item.sql, self.root.sql, item.row)

    def _chain(self, chain: Chain, number: int) -> str:
        items = {0: self.root}
        source, cells = "base", []
        for step in chain:
            if isinstance(step, Loop):
                source = f"({self._layer(step, items, source)})"
            else:
                cells.append(f"{self._cell(step, items)} AS {self.dialect.name(step.column.name)}")
        places = [f"{f'{ROW}._n{at}' if at in items else '0'} AS _n{at}" for at in self._loops]
        selected = ", ".join([*cells, *self._origin(), f"{number} AS _chain", *places])
        return f"SELECT {selected} FROM {source} AS {ROW}"

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
        return self.dialect.unnest(source, ROW, listed, item, index)

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

    def _origin(self) -> tuple[str, ...]:
        resource = f"{self.dialect.text(self.definition.resource + '/')} || {ROW}._id"
        return (
            f"{resource} || '/_history/' || {ROW}._version AS _reference",
            f"{resource} AS _resource",
            f"{ROW}._subject AS _subject",
            f"{ROW}._recorded_at AS _recorded_at",
            f"{ROW}._seq AS _seq",
        )


def _kind(wanted: pa.DataType) -> Kind:
    if pa.types.is_boolean(wanted):
        return "boolean"
    if pa.types.is_integer(wanted):
        return "integer"
    return "number" if pa.types.is_floating(wanted) else "text"
