"""A view that SQL does not express, on Spark: its Python plan runs on the executors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from vesalius import fhir
from vesalius.errors import InvalidResource, InvalidView
from vesalius.views import _table
from vesalius.views._definition import Definition
from vesalius.views._rows import Plan
from vesalius.views.spark._session import quiet
from vesalius.views.sql._dialect import FAULT
from vesalius.views.sql._query import UNREADABLE

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from vesalius.views.spark._read import Reading


class FaultError(RuntimeError):
    """What goes wrong on an executor, in the words that :func:`vesalius.views.spark.faults` reads."""

    def __init__(self, message: str) -> None:
        super().__init__(FAULT + message)


@dataclass(frozen=True)
class _Version:
    """One row of the source: a version, as the origin of a row is read from it."""

    type: str
    id: str
    version: int
    seq: int
    recorded_at: datetime
    subject: str | None
    resource: dict[str, Any]

    @property
    def reference(self) -> str:
        return f"{self.type}/{self.id}/_history/{self.version}"


@dataclass(frozen=True)
class Rows:
    """From batches of resources to batches of rows; Spark sends it to its executors.

    Attributes:
        definition: the view.
        schema: of the rows, the origin included if ``known``.
        known: whether the source says where a resource came from.
    """

    definition: Definition
    schema: pa.Schema
    known: bool

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The rows of each batch."""
        plan = Plan(self.definition)
        for batch in batches:
            try:
                rows = list(self._rows(plan, batch))
            except InvalidView as error:
                raise FaultError(error.message) from None
            yield from _table.arrow(rows, self.schema).to_batches()

    def _rows(self, plan: Plan, batch: pa.RecordBatch) -> Iterator[tuple[Any, ...]]:
        if self.known:
            return _table.with_origin(plan, map(self._version, batch.to_pylist()))
        return (row for body in batch.column("_body") for row in plan.rows(_decoded(body.as_py())))

    def _version(self, row: Mapping[str, Any]) -> _Version:
        return _Version(
            type=self.definition.resource,
            id=row["_id"],
            version=row["_version"],
            seq=row["_seq"],
            recorded_at=row["_recorded_at"],
            subject=row["_subject"],
            resource=_decoded(row["_body"]),
        )


def frame(definition: Definition, schema: pa.Schema, reading: Reading) -> DataFrame:
    """The rows of a view, made in Python on the executors."""
    from vesalius.views.spark._types import spark_schema

    whole = pa.schema([*schema, *_table.ORIGIN]) if reading.known else schema
    made = Rows(definition, whole, reading.known)
    with quiet():
        return reading.bodies().mapInArrow(made, spark_schema(whole))


def _decoded(body: str) -> dict[str, Any]:
    try:
        found = fhir.load(body.encode())
    except InvalidResource:
        raise FaultError(UNREADABLE) from None
    if "resourceType" not in found:
        raise FaultError(UNREADABLE)
    return found
