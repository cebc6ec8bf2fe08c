"""What Spark reads for a view: the lake's typed columns or lines of NDJSON, each with an explicit schema."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from vesalius.errors import NotFound, UnreadableInput
from vesalius.lake import ColumnFiles, Lake
from vesalius.views._files import Files
from vesalius.views.spark._types import OWN, Used, part, spark_schema

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Readable: TypeAlias = "Lake | ColumnFiles | Files | DataFrame"

STRICT = {"allowSingleQuotes": "false", "allowNonNumericNumbers": "false"}
"""JSON is read as the standard has it."""


@dataclass(frozen=True)
class Reading:
    """What a view reads.

    Attributes:
        session: where.
        kind: the type of resource.
        paths: files, as Spark names them; or
        given: a DataFrame to read instead.
        lines: whether it holds lines of NDJSON, of any type; else the lake's columns of the type.
        position: only rows up to this place in the log, unless None.
    """

    session: SparkSession
    kind: str
    paths: tuple[str, ...] = ()
    given: DataFrame | None = None
    lines: bool = False
    position: int | None = None
    known: bool = True

    def typed(self, used: Used) -> DataFrame:
        """The elements that are used, as columns, with the lake's own fields where there are any."""
        if self.lines:
            return self._parsed(used)
        return self._up_to(self._columns(part(self.kind, used)))

    def bodies(self) -> DataFrame:
        """The JSON of every resource, as ``_body``, with the lake's own fields where there are any."""
        if self.lines:
            return self._lines.withColumnRenamed("value", "_body")
        return self.typed({(self.kind, "_body")}).select(*OWN, "_body")

    def _columns(self, schema: pa.Schema) -> DataFrame:
        if self.given is not None:
            return self.given
        wanted = spark_schema(schema)
        if not self.paths:
            return self.session.createDataFrame([], wanted)
        return self.session.read.schema(wanted).parquet(*self.paths)

    def _up_to(self, rows: DataFrame) -> DataFrame:
        from pyspark.sql import functions

        return rows if self.position is None else rows.where(functions.col("_seq") <= self.position)

    @cached_property
    def _lines(self) -> DataFrame:
        from pyspark.sql import functions

        found = self.given
        if found is None:
            found = self.session.read.option("lineSep", "\n").text(list(self.paths))
        return found.select("value").where(functions.col("value").rlike(r"\S"))

    def _parsed(self, used: Used) -> DataFrame:
        from pyspark.sql import functions

        elements = [field for field in part(self.kind, used) if field.name[0] != "_"]
        schema = pa.schema([pa.field("resourceType", pa.string()), *elements])
        parsed = functions.from_json("value", spark_schema(schema), STRICT)
        return self._lines.select(parsed.alias("line"), "value").selectExpr("line.*", "value AS _body")


def reading(session: SparkSession, source: Readable, kind: str) -> Reading:
    """What a view of a type of resource reads from a source.

    Raises:
        NotFound: the source is a DataFrame of something else.
        UnreadableInput: Spark would pass over a file because of its name, or does not read its packing.
    """
    if isinstance(source, Lake):
        source = source.columns(kind)
    if isinstance(source, ColumnFiles):
        paths = tuple(_path(Path(file)) for file in source.files)
        return Reading(session, kind, paths, position=source.position)
    if isinstance(source, Files):
        paths = tuple(_path(file) for file in source.paths)
        return Reading(session, kind, paths, lines=not source.parquet, known=False)
    return _given(session, source, kind)


def _given(session: SparkSession, source: Any, kind: str) -> Reading:
    names = set(getattr(source, "columns", ()))
    if {"_body", "_seq", "_id"} <= names:
        return Reading(session, kind, given=source)
    if names == {"value"}:
        return Reading(session, kind, given=source, lines=True, known=False)
    raise NotFound(
        "this is no source of resources for Spark",
        hint="a lake, Files, or a DataFrame of the lake's columns or of lines (one text column, value)",
    )


def _path(file: Path) -> str:
    """A local file as Spark names it: with its scheme, and no pattern in it."""
    if file.name.startswith(("_", ".")):
        raise UnreadableInput(f"Spark passes over {file.name}", hint="rename it: no _ or . in front")
    if file.suffix == ".zst":
        raise UnreadableInput(f"Spark does not unpack {file.name}", hint="unpack it, or pack it with gzip")
    return "file://" + re.sub(r"([\\*?\[\]{}])", r"\\\1", str(file.absolute()))
