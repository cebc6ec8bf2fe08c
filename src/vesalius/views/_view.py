"""One view: a ViewDefinition that is ready to run, on resources or on the lake."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa

from vesalius.errors import InvalidView, NotFound
from vesalius.views import _duckdb, _table
from vesalius.views._definition import Definition, read_definition
from vesalius.views._dialect import Dialect
from vesalius.views._plan import NotCompiledError
from vesalius.views._query import Query
from vesalius.views._rows import Plan

if TYPE_CHECKING:
    from vesalius.lake import Lake

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

    def table(self, lake: Lake, subjects: Sequence[str] | None = None) -> pa.Table:
        """The rows of every version that the lake holds up to its pin, with the origin of each.

        Args:
            lake: the lake, pinned or not.
            subjects: only the resources that were ever about these patients (``Patient/ID``), with all their
                versions, also those about somebody else; all, if not given.

        Returns:
            The columns of the view, then ``_reference`` (``Type/ID/_history/N``), ``_resource``,
            ``_subject``, ``_recorded_at`` and ``_seq``, in the order of the log.

        Raises:
            InvalidView: the view does not fit a resource.
        """
        kind = self.definition.resource
        if subjects is not None and len(subjects) <= ONLINE:
            return _table.table(self._plan, self.schema, lake.patients(subjects, [kind]))
        query = self._query
        if isinstance(query, Query):
            schema = pa.schema([*self.schema, *_table.ORIGIN])
            return _duckdb.run(query, lake.columns(kind), subjects, schema)
        versions = lake.versions(kind) if subjects is None else lake.patients(subjects, [kind])
        return _table.table(self._plan, self.schema, versions)

    @property
    def route(self) -> str:
        """How :meth:`table` reads many patients: ``duckdb``, or ``python`` and in brackets why."""
        return "duckdb" if isinstance(self._query, Query) else f"python ({self._query})"

    def explain(self) -> str:
        """The SQL that :meth:`table` runs on the columns of the lake, or why there is none."""
        if isinstance(self._query, Query):
            return self._query.text("columns")
        return f"-- runs in Python, because it uses {self._query}"

    @cached_property
    def _query(self) -> Query | str:
        """The view as SQL, or what stands in the way."""
        from vesalius.lake import resource_schema

        try:
            kept = resource_schema(self.definition.resource)
            return Query(self.definition, self.schema, kept, Dialect())
        except NotCompiledError as reason:
            return str(reason)
        except NotFound:
            return "a resource type that is not in FHIR R4"
