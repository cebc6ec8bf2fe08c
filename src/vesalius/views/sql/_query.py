"""The SQL route: a view over typed columns as one query."""

# ruff: noqa: S608 - SQL is what this module writes; every name and text of a view is quoted by the dialect

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from vesalius.views._definition import Definition
from vesalius.views.sql._dialect import Dialect
from vesalius.views.sql._elements import BODY
from vesalius.views.sql._layers import EXACT, ROW, layers

ORIGIN = ("_reference", "_resource", "_subject", "_recorded_at", "_seq")
"""The columns that say where a row of the lake came from."""
UNREADABLE = "a line of the files is not a resource in JSON"
"""How a query over files fails at a line that it cannot read."""


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
        self._layers = layers(definition, columns, kept, dialect)
        self.compiler = self._layers.compiler

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
        body = self.dialect.json_exact(f"{ROW}.{BODY}")
        exact = f", {body} AS {EXACT}" if self._layers.exact else ""
        base = f"SELECT {ROW}.*{exact} FROM {source} AS {ROW} WHERE {self._test(condition, broken)}"  # nosec B608
        added = [self._origin(name) for name in origin]
        bodies = self._layers.bodies
        rows = [f"SELECT {', '.join([*cells, *added])} FROM {rows} AS {ROW}" for cells, rows in bodies]  # nosec B608
        return f"WITH base AS {self.dialect.inlined}({base})\n{self.dialect.together(rows)}"

    def _test(self, condition: str, broken: str) -> str:
        tests = " AND ".join([condition, *(f"({test})" for test in self._layers.tests)])
        if not broken:
            return tests
        # One expression: of several that are joined by AND, an engine may run the others alone.
        return f"CASE WHEN {broken} THEN {self.dialect.fault(UNREADABLE)} ELSE {tests} END"

    def _origin(self, name: str) -> str:
        resource = f"{self.dialect.text(self.definition.resource + '/')} || {ROW}._id"
        if name == "_resource":
            return f"{resource} AS _resource"
        if name == "_reference":
            return f"{resource} || '/_history/' || {ROW}._version AS _reference"
        return f"{ROW}.{name} AS {name}"
