"""Tables of other databases through a map: read-only, in batches, from where the last run stopped.

The rows are first written to a file of the hospital, one JSON array a line, and that file is then received
like any other. So the other database is not kept waiting, and a run that is killed loses nothing and doubles
nothing: the file is still there, and the next run finishes it before it asks for more. How far a table has
been read is remembered only once its rows are in the lake. ``docs/decisions/0013-a-table-becomes-a-file.md``
says why.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from vesalius.errors import Unavailable, UnreadableInput
from vesalius.ingest import _select, typed
from vesalius.ingest._place import Place, State, later
from vesalius.ingest._receipts import Receipt
from vesalius.ingest.csv_map import CsvMap
from vesalius.ingest.pipeline import Progress, receive
from vesalius.lake import Lake

CHUNK = 200_000
"""About how many rows go into one file, where a watermark allows to go on from it."""

_FETCH = 1_000

_STREAMED = {"stream_results": True, "max_row_buffer": _FETCH}

FROM_ENVIRONMENT = "env:"


def address(text: str, environment: Mapping[str, str]) -> sa.URL:
    """The address of a database, without a secret on the command line.

    Args:
        text: an address without password, as in ``postgresql+psycopg://reader@host/lis``; or ``env:NAME``,
            the variable of the environment that holds one, perhaps with its password.
        environment: the variables.

    Raises:
        UnreadableInput: it is no address, holds a password, or there is no such variable.
    """
    name = text.removeprefix(FROM_ENVIRONMENT)
    if named := text.startswith(FROM_ENVIRONMENT):
        if not environment.get(name):
            raise UnreadableInput(f"the environment has no variable {name!r}")
        text = environment[name]
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        raise UnreadableInput("the address of the database is not right", hint=_ADDRESS) from None
    if url.password and not named:
        raise UnreadableInput(
            "a password on the command line is seen by others",
            hint="put the address into a variable: env:NAME",
        )
    return url


_ADDRESS = "as in postgresql+psycopg://reader@host/database"


@dataclass(frozen=True)
class Table:
    """What to read from another database.

    Attributes:
        url: the database, as SQLAlchemy writes it; its password is never shown.
        name: the table or view, perhaps with its schema: ``lab.results``; or empty.
        query: the SELECT to read instead.
        parameters: what its ``:names`` stand for.
        watermark: the column that only grows as rows are added and changed; without one, everything is read
            each time.
        overlap: how far back to look again for rows that were committed late, if the watermark is a moment.
    """

    url: sa.URL
    name: str = ""
    query: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    watermark: str = ""
    overlap: timedelta = timedelta(minutes=5)

    @property
    def title(self) -> str:
        """How receipts name it."""
        what = self.name or f"query {hashlib.sha256(self.query.encode()).hexdigest()[:8]}"
        return f"{what} ({self.url.get_backend_name()}/{Path(self.url.database or '').name})"[:255]

    def key(self, source: str) -> str:
        """What is remembered of it is remembered under this."""
        parts = (
            source,
            self.url.set(password=None).render_as_string(),
            self.name,
            self.query,
            repr(sorted(self.parameters.items())),
            self.watermark,
        )
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def receive_table(
    lake: Lake,
    folder: Path,
    table: Table,
    *,
    source: str,
    csv_map: CsvMap,
    received_at: datetime | None = None,
    progress: Progress | None = None,
    from_start: bool = False,
) -> list[Receipt]:
    """Receives the rows of a table that were added or changed since the last run.

    Args:
        lake: where they go.
        folder: where rows wait and where it is remembered how far each table has been read.
        table: what to read.
        source: the name of the feed.
        csv_map: the map, as for a CSV file with the same columns.
        received_at: when they were received; now, if not given.
        progress: as for :func:`vesalius.ingest.receive`.
        from_start: forget how far the table has been read.

    Returns:
        A receipt for each file of rows; none, if nothing is new.

    Raises:
        UnreadableInput: there is no such table, the query is not one SELECT, or a column is missing.
        Unavailable: the other database does not answer.
        Conflict: someone else is reading the same table at this moment.
    """
    receipts = []
    with Place.opened(folder, table.key(source)) as place:
        if place.pending:  # rows that a killed run had already fetched
            receipts.append(_received(lake, place, table, source, csv_map, received_at, progress))
        state = State() if from_start else place.state
        while (fetched := _fetched(table, place, state)) and fetched.rows:
            receipts.append(_received(lake, place, table, source, csv_map, received_at, progress))
            state = place.state
            if fetched.whole:
                break
    return receipts


def columns(table: Table, rows: int) -> Iterator[list[Any]]:
    """The names of the columns of a table, then its first rows."""
    with _connected(table) as (connection, statement), _named(table):
        result = connection.execute(statement, dict(table.parameters), execution_options=_STREAMED)
        with closing(result):
            yield list(result.keys())
            for row in result.fetchmany(rows):
                yield list(row)


def _received(
    lake: Lake,
    place: Place,
    table: Table,
    source: str,
    csv_map: CsvMap,
    received_at: datetime | None,
    progress: Progress | None,
) -> Receipt:
    try:
        receipt = receive(
            lake,
            table.title,
            place.rows,
            source=source,
            format="rows",
            csv_map=csv_map,
            received_at=received_at,
            progress=progress,
        )
    except UnreadableInput:
        place.discard()  # nothing of it landed: a mended map will ask for the same rows again
        raise
    place.done()
    return receipt


# -- fetching ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Fetched:
    rows: int
    whole: bool


def _fetched(table: Table, place: Place, state: State) -> _Fetched:
    """Writes the new rows to the file of the place, and what is to be remembered once they are in."""
    with _connected(table, state) as (connection, statement), _named(table):
        asked = dict(table.parameters) | (
            {"vesalius_since": _since(table, state)} if state.watermark is not None else {}
        )
        with closing(connection.execute(statement, asked, execution_options=_STREAMED)) as result:
            header = list(result.keys())
            if table.watermark and table.watermark not in header:
                raise UnreadableInput(f"there is no column {table.watermark!r} to go on from")
            at = header.index(table.watermark) if table.watermark else None
            return _written(table, place, state, header, at, result)


def _written(
    table: Table, place: Place, state: State, header: list[str], at: int | None, result: Any
) -> _Fetched:
    following, count, whole = state.following(table.overlap), 0, True
    with place.writing() as write:
        write(typed.encode(header))
        for row in _rows(result):
            mark = row[at] if at is not None else None
            if at is not None and count >= CHUNK and later(mark, following.watermark):
                whole = False
                break
            raw = typed.encode(row)
            if at is not None and not following.takes(mark, raw, known=state):
                continue
            write(raw)
            count += 1
        if count:
            place.offer(following)
    return _Fetched(count, whole)


def _rows(result: Any) -> Iterator[list[Any]]:
    while batch := result.fetchmany(_FETCH):
        yield from map(list, batch)


def _since(table: Table, state: State) -> Any:
    since = state.watermark
    return since - table.overlap if isinstance(since, datetime) else since


@contextmanager
def _connected(table: Table, state: State | None = None) -> Iterator[tuple[sa.Connection, sa.TextClause]]:
    engine = _engine(table.url)
    try:
        with _named(table), engine.connect() as connection:
            _select.make_read_only(connection)
            since = state is not None and state.watermark is not None
            statement = _select.statement(connection, table.name, table.query, table.watermark, since=since)
            try:
                yield connection, statement
            finally:
                connection.rollback()
    finally:
        engine.dispose()


def _engine(url: sa.URL) -> sa.Engine:
    try:
        return sa.create_engine(_select.read_only_url(url), poolclass=sa.pool.NullPool)
    except (sa.exc.NoSuchModuleError, ImportError) as error:
        hint = "install its driver" if isinstance(error, ImportError) else "see the dialects of SQLAlchemy"
        raise Unavailable(f"there is no driver for {url.drivername!r} databases", hint=hint) from None
    except (sa.exc.ArgumentError, ValueError, TypeError):
        raise UnreadableInput(
            "the address of the database is not right", hint="as in postgresql://host/name"
        ) from None


@contextmanager
def _named(table: Table) -> Iterator[None]:
    """No error of a driver crosses our boundary: it can hold a value of a patient, or an address."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise _select.named(error, table.url) from None
    except sa.exc.StatementError:
        raise UnreadableInput("a ':name' of the query has no value", hint="--parameter NAME=VALUE") from None
    except sa.exc.SQLAlchemyError as error:
        raise UnreadableInput(f"the table cannot be read ({type(error).__name__})") from None
