"""The same views on Apache Spark 4: where the data have outgrown one machine.

Needs the extra ``spark``. The rows, columns and types are those of :meth:`vesalius.views.View.table`; only
the order of the rows is not kept, because it would cost a sort of everything: sort by ``_seq`` if it matters.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import pyarrow as pa

from vesalius.errors import InvalidView, NotFound, UnreadableInput
from vesalius.views import _table
from vesalius.views._view import View
from vesalius.views.spark import _python
from vesalius.views.spark._dialect import SparkDialect
from vesalius.views.spark._read import Readable, Reading, reading
from vesalius.views.spark._session import session
from vesalius.views.sql._dialect import FAULT
from vesalius.views.sql._plan import NotCompiledError
from vesalius.views.sql._query import ORIGIN, UNREADABLE, Query

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["explain", "faults", "frame", "route", "session", "table"]


def frame(view: View, session: SparkSession, source: Readable) -> DataFrame:
    """The rows of a view as a Spark DataFrame; nothing is read before somebody asks for its rows.

    Args:
        view: the view.
        session: where it runs; the package must be installed on its executors if the view goes by Python.
        source: a lake, whose files every executor must be able to open; files; or a DataFrame, for what Spark
            reads from object storage: the lake's columns of the view's type (with ``_body``), or lines of
            NDJSON of any types (one text column, ``value``, as ``session.read.text`` gives).

    Returns:
        The columns of the view; then, unless the source is NDJSON or Files, ``_reference``, ``_resource``,
        ``_subject``, ``_recorded_at`` and ``_seq``.

    Raises:
        NotFound: the DataFrame is neither of the two.
    """
    read = reading(session, source, view.definition.resource)
    query = _query(view)
    if isinstance(query, Query):
        return _by_sql(query, read)
    return _python.frame(view.definition, view.schema, read)


def table(view: View, session: SparkSession, source: Readable) -> pa.Table:
    """The rows of :func:`frame`, fetched: the same table as :meth:`View.table`, in no order.

    Raises:
        InvalidView: the view does not fit a resource.
        UnreadableInput: a line of the source is not a resource in JSON.
    """
    made = frame(view, session, source)
    fields = [_table.ORIGIN.field(name) for name in made.columns[len(view.schema) :]]
    schema = pa.schema([*view.schema, *fields])
    with faults():
        found: pa.Table = made.toArrow().cast(schema)
    return found


@contextmanager
def faults() -> Iterator[None]:
    """Inside, the errors that a view raises while Spark runs it come as our own.

    Examples:
        >>> with faults():  # doctest: +SKIP
        ...     frame(view, session, source).write.parquet("s3a://bucket/laboratory")

    Raises:
        InvalidView: the view does not fit a resource.
        UnreadableInput: a line of the source is not a resource in JSON.
    """
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        _, mark, rest = str(error).partition(FAULT)
        if not mark:
            raise
        message = rest.splitlines()[0].partition(" SQLSTATE: ")[0]
        if message == UNREADABLE:
            raise UnreadableInput(message) from None
        raise InvalidView(message, hint="use first(), join() or collection: true") from None


def route(view: View) -> str:
    """How Spark runs a view: ``spark`` for its SQL, or ``python`` on its executors and in brackets why."""
    query = _query(view)
    return "spark" if isinstance(query, Query) else f"python ({query})"


def explain(view: View) -> str:
    """The SQL that Spark runs, or why there is none."""
    query = _query(view)
    if isinstance(query, Query):
        return query.text("columns", origin=ORIGIN)
    return f"-- runs in Python on the executors, because it uses {query}"


def _query(view: View) -> Query | str:
    from vesalius.lake import resource_schema

    try:
        kept = resource_schema(view.definition.resource)
        return Query(view.definition, view.schema, kept, SparkDialect())
    except NotCompiledError as reason:
        return str(reason)
    except NotFound:
        return "a resource type that is not in FHIR R4"


def _by_sql(query: Query, read: Reading) -> DataFrame:
    dialect = query.dialect
    name = f"vesalius_{uuid4().hex}"
    broken = "resourceType IS NULL" if read.lines else ""
    condition = f"resourceType = {dialect.text(read.kind)}" if read.lines else "TRUE"
    text = query.text(name, condition, origin=ORIGIN if read.known else (), broken=broken)
    read.typed(query.compiler.used).createOrReplaceTempView(name)
    try:
        return read.session.sql(text)
    finally:
        read.session.catalog.dropTempView(name)
