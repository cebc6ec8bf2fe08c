"""One view: a ViewDefinition that is ready to run, on resources or on the lake."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

import msgspec
import pyarrow as pa

from vesalius.errors import InvalidView, NotFound
from vesalius.views import _arrow, _duckdb, _table
from vesalius.views._arrow import Projection
from vesalius.views._checking import refuse
from vesalius.views._definition import Definition, read_definition
from vesalius.views._duckdb import Limits, Progress
from vesalius.views._files import Files
from vesalius.views._rows import Plan
from vesalius.views.sql._dialect import Dialect
from vesalius.views.sql._plan import NotCompiledError
from vesalius.views.sql._query import ORIGIN, Query

if TYPE_CHECKING:
    from vesalius.lake import Lake

Engine = Literal["auto", "arrow", "duckdb", "python"]
ONLINE = 64
"""Up to this many patients are read from the log, in Python; more, or all, from the columns."""


class View:
    """A SQL on FHIR ViewDefinition, ready to run.

    Attributes:
        definition: what it says.
        schema: the Arrow schema of its columns, without the origin of the rows.
    """

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self._plan = Plan(definition)
        refuse(definition)
        self.schema: pa.Schema = _table.schema(definition.columns, self._plan.shapes)

    @classmethod
    def load(cls, source: Path | str | Mapping[str, Any]) -> View:
        """A view from a JSON file or from a decoded ViewDefinition.

        Raises:
            InvalidView: it is not a ViewDefinition, or a path in it is not FHIRPath that we support; the
                error names the place.
        """
        if isinstance(source, Mapping):
            return cls(read_definition(source))
        try:
            decoded = msgspec.json.decode(Path(source).read_bytes())
        except (OSError, msgspec.DecodeError) as error:
            raise InvalidView(f"cannot read {Path(source).name}: {error}") from None
        if not isinstance(decoded, dict):
            raise InvalidView(f"{Path(source).name} is not a JSON object")
        return cls(read_definition(decoded))

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its columns, in order."""
        return tuple(column.name for column in self.definition.columns)

    def rows(self, resources: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The rows of decoded resources, in their order; those of other types are passed over.

        Raises:
            InvalidView: the view does not fit a resource (several values for one column, a criterion that is
                not true or false).
        """
        names = self.columns
        made = self._plan.rows
        return [dict(zip(names, row, strict=True)) for each in resources for row in made(each)]

    def table(
        self,
        source: Lake | Files,
        subjects: Sequence[str] | None = None,
        *,
        engine: Engine = "auto",
        origin: Sequence[str] | None = None,
        limits: Limits | None = None,
        progress: Progress | None = None,
    ) -> pa.Table:
        """The rows of every version that a lake holds up to its pin, or of every resource in files.

        Args:
            source: the lake, pinned or not, or files.
            subjects: of a lake, only the resources that were ever about these patients (``Patient/ID``), with
                all their versions, also those about somebody else; all, if not given.
            engine: ``python``, ``duckdb``, ``arrow``, or ``auto``: Python for few patients and for a view
                that does not compile, Arrow for columns if the view only picks elements, else DuckDB.
            origin: of a lake, which of the columns that say where a row came from to add: all, if not given.
            limits: what DuckDB may use of the machine.
            progress: called while DuckDB runs.

        Returns:
            The columns of the view, then, of a lake, ``_reference`` (``Type/ID/_history/N``), ``_resource``,
            ``_subject``, ``_recorded_at`` and ``_seq``, in the order of the log; in another one if ``_seq``
            is not asked for. Of files, in their order; the branches of a union come one after the other.

        Raises:
            InvalidView: the view does not fit a resource, or does not compile and ``engine`` is ``duckdb``.
            UnreadableInput: a file cannot be read.
            NotFound: there is no such engine or column, or files are asked for patients or an origin.
        """
        return self._run(engine, self._asked(source, subjects, origin, limits, progress)).table()

    def batches(
        self,
        source: Lake | Files,
        subjects: Sequence[str] | None = None,
        *,
        engine: Engine = "auto",
        origin: Sequence[str] | None = None,
        limits: Limits | None = None,
        progress: Progress | None = None,
        without: frozenset[str] = frozenset(),
    ) -> pa.RecordBatchReader:
        """What :meth:`table` gives, a batch at a time, in bounded memory.

        Two things differ: rows of a lake come in the order of its columns, which is not always that of the
        log, and the errors that a resource or a file raises come while the batches are read.

        Args:
            source: as there.
            subjects: as there.
            engine: as there.
            origin: as there.
            limits: as there.
            progress: as there.
            without: with ``duckdb``, over all patients of a lake, the versions about these patients
                (``Patient/ID``) are passed over; that one of them was in force is for the caller to know.
        """
        asked = replace(self._asked(source, subjects, origin, limits, progress), without=without)
        if without and (engine != "duckdb" or not asked.columns or isinstance(source, Files)):
            raise NotFound("only DuckDB leaves patients out of all of a lake", hint="use views.output")
        run = self._run(engine, asked)
        return pa.RecordBatchReader.from_batches(run.schema, run.batches())

    @property
    def route(self) -> str:
        """How :meth:`table` reads many resources: ``duckdb``, or ``python`` and in brackets why."""
        return "duckdb" if isinstance(self._query, Query) else f"python ({self._query})"

    def explain(self, source: Files | None = None, *, engine: Engine = "auto") -> str:
        """The SQL that DuckDB runs, on files or on the columns of a lake, or why there is none.

        Asked of Arrow, which runs no SQL: which columns it reads.

        Raises:
            NotFound: there is no such engine.
        """
        if engine not in get_args(Engine):
            raise NotFound(f"there is no engine {engine!r}", hint=f"one of {', '.join(get_args(Engine))}")
        if engine == "python":
            return "-- runs in Python, as asked"
        if engine == "arrow":
            found = self._projection
            return f"-- reads {found.text}" if isinstance(found, Projection) else f"-- not by Arrow: {found}"
        if not isinstance(self._query, Query):
            return f"-- runs in Python, because it uses {self._query}"
        if source is None:
            return self._query.text("columns")
        read = _duckdb.files(source, self._query)
        return self._query.text(read.source, read.condition, origin=(), broken=read.broken)

    def _asked(
        self,
        source: Lake | Files,
        subjects: Sequence[str] | None,
        origin: Sequence[str] | None,
        limits: Limits | None,
        progress: Progress | None,
    ) -> _Asked:
        added = _origin(source, subjects, origin)
        schema = pa.schema([*self.schema, *(_table.ORIGIN.field(name) for name in added)])
        return _Asked(source, subjects, added, schema, limits or Limits(), progress)

    def _run(self, engine: Engine, asked: _Asked) -> _Run:
        """The engine that is asked for, or the best: Python for few patients, then Arrow, DuckDB, Python."""
        if engine not in get_args(Engine):
            raise NotFound(f"there is no engine {engine!r}", hint=f"one of {', '.join(get_args(Engine))}")
        few = asked.subjects is not None and len(asked.subjects) <= ONLINE
        if engine == "python" or (engine == "auto" and few):
            return self._python_run(asked)
        if engine == "arrow" or (
            engine == "auto" and asked.columns and isinstance(self._projection, Projection)
        ):
            return self._arrow_run(asked)
        if engine == "duckdb" or isinstance(self._query, Query):
            return self._duckdb_run(asked)
        return self._python_run(asked)

    def _python_run(self, asked: _Asked) -> _Run:
        source, kind = asked.source, self.definition.resource
        if isinstance(source, Files):
            found = (row for each in source.resources() for row in self._plan.rows(each))
            return _PythonRun(found, self.schema, asked.schema)
        versions = (
            source.versions(kind) if asked.subjects is None else source.patients(asked.subjects, [kind])
        )
        whole = pa.schema([*self.schema, *_table.ORIGIN])
        return _PythonRun(_table.with_origin(self._plan, versions), whole, asked.schema)

    def _duckdb_run(self, asked: _Asked) -> _Run:
        query, source = self._query, asked.source
        if not isinstance(query, Query):
            raise InvalidView(f"does not run on DuckDB: it uses {query}", hint="use another engine")
        if isinstance(source, Files):
            read = _duckdb.files(source, query)
        else:
            columns = source.columns(self.definition.resource)
            read = _duckdb.columns(columns, asked.subjects, asked.without)
        return _duckdb.Run(query, read, asked.schema, asked.origin, asked.limits, asked.progress)

    def _arrow_run(self, asked: _Asked) -> _Run:
        found, source = self._projection, asked.source
        if not isinstance(found, Projection):
            raise InvalidView(f"does not run on Arrow: it has {found}", hint="use another engine")
        if not asked.columns:
            raise NotFound("Arrow reads the columns of all patients only", hint="use another engine")
        if isinstance(source, Files):
            source.check_columns(self._kept)
            paths, position = tuple(str(path) for path in source.paths), None
        else:
            columns = source.columns(self.definition.resource)
            paths, position = columns.files, columns.position
        return _arrow.Run(found, paths, position, asked.schema, asked.origin, asked.limits, asked.progress)

    @cached_property
    def _kept(self) -> pa.Schema:
        from vesalius.lake import resource_schema

        return resource_schema(self.definition.resource)

    @cached_property
    def _projection(self) -> Projection | str:
        """The view as a projection of columns, or what it does besides."""
        try:
            return Projection(self.definition, self.schema, self._kept)
        except NotCompiledError as reason:
            return str(reason)
        except NotFound:
            return "a resource type that is not in FHIR R4"

    @cached_property
    def _query(self) -> Query | str:
        """The view as SQL, or what stands in the way."""
        try:
            return Query(self.definition, self.schema, self._kept, Dialect())
        except NotCompiledError as reason:
            return str(reason)
        except NotFound:
            return "a resource type that is not in FHIR R4"


class _Run(Protocol):
    """A view that is ready to run."""

    @property
    def schema(self) -> pa.Schema: ...
    def table(self) -> pa.Table: ...
    def batches(self) -> Iterator[pa.RecordBatch]: ...


@dataclass(frozen=True)
class _Asked:
    """What is asked of a view, checked: see :meth:`View.table`; and the schema of the answer."""

    source: Lake | Files
    subjects: Sequence[str] | None
    origin: tuple[str, ...]
    schema: pa.Schema
    limits: Limits
    progress: Progress | None
    without: frozenset[str] = frozenset()

    @property
    def columns(self) -> bool:
        """Whether all rows of typed columns are asked for."""
        return self.source.parquet if isinstance(self.source, Files) else self.subjects is None


@dataclass(frozen=True)
class _PythonRun:
    """Rows made in Python, as a table or in batches.

    Attributes:
        rows: with every column of ``whole``.
        schema: the columns that are wanted, in the order of ``whole``.
    """

    rows: Iterator[tuple[Any, ...]]
    whole: pa.Schema
    schema: pa.Schema

    def table(self) -> pa.Table:
        """All rows."""
        return _table.arrow(list(self.rows), self.whole).select(self.schema.names)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, a batch at a time."""
        for batch in _table.batches(self.rows, self.whole, _duckdb.BATCH_ROWS):
            yield batch.select(self.schema.names)


def _origin(
    source: Lake | Files, subjects: Sequence[str] | None, wanted: Sequence[str] | None
) -> tuple[str, ...]:
    if isinstance(source, Files):
        if subjects is not None or wanted:
            raise NotFound(
                "files do not say whom they are about or where rows came from",
                hint="make them columns of the view, or take the files into a lake",
            )
        return ()
    if wanted is None:
        return ORIGIN
    if unknown := sorted(set(wanted) - set(ORIGIN)):
        raise NotFound(f"rows have no {unknown[0]!r}", hint=f"some of {', '.join(ORIGIN)}")
    return tuple(name for name in ORIGIN if name in wanted)
