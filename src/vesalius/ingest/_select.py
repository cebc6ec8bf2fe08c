"""One SELECT on a database that is not ours: what may be asked, and that it can change nothing there."""

from __future__ import annotations

import re

import sqlalchemy as sa

from vesalius.errors import Unavailable, UnreadableInput, VesaliusError

_SKIPPED = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\]|\$\$.*?\$\$|--[^\n]*|/\*.*?\*/", re.DOTALL
)
_CHANGES = frozenset(
    {"insert", "update", "delete", "merge", "drop", "alter", "create", "truncate", "grant", "revoke", "call"}
    | {"exec", "execute", "into", "copy", "attach", "detach", "pragma", "vacuum"}
)
"""Words that no SELECT needs outside quotes."""

_UNREACHABLE = ("08", "28", "3D", "53", "57")
"""Classes of SQLSTATE that tell of the connection, not of the question."""


def check_query(query: str) -> str:
    """The query, if it is one SELECT and nothing else. The read-only transaction is what enforces it.

    Raises:
        UnreadableInput: it is not.
    """
    query = query.strip().removesuffix(";").rstrip()
    bare = _SKIPPED.sub(" ", query)
    words = re.findall(r"[^\W\d]\w*", bare.lower())
    if not words or words[0] not in {"select", "with"}:
        raise UnreadableInput("only a SELECT can be read")
    if ";" in bare:
        raise UnreadableInput("only one statement can be read", hint="leave the semicolons out")
    if "/*!" in query:
        raise UnreadableInput("a comment that MySQL would carry out has no place in a SELECT")
    if re.search(r"['\"`]|\$\$|/\*", bare):
        raise UnreadableInput("a quote or a comment of the query does not close")
    changing = sorted(_CHANGES & set(words))
    if changing:
        raise UnreadableInput(
            f"{changing[0].upper()} has no place in a SELECT", hint="put a name that is such a word in quotes"
        )
    return query


def statement(
    connection: sa.Connection, name: str, query: str, watermark: str, *, since: bool
) -> sa.TextClause:
    """The statement that gives the rows.

    Args:
        connection: to the other database: it knows its tables, and how names are quoted there.
        name: the table or view; or empty, with
        query: the SELECT.
        watermark: the column to order by, or empty.
        since: whether rows before ``:vesalius_since`` are left out.

    Raises:
        UnreadableInput: there is no such table, or the query is not one SELECT.
    """
    if bool(name) == bool(query):
        raise UnreadableInput("name a table or a query, one of the two")
    quote = connection.dialect.identifier_preparer.quote_identifier
    rows = f"({check_query(query)})" if query else ".".join(map(quote, _table(connection, name)))
    text = f"SELECT * FROM {rows} vesalius_rows"  # noqa: S608 -- names are of existing tables, and quoted  # nosec B608
    if watermark:
        column = f"vesalius_rows.{quote(watermark)}"
        # Rows without a watermark are never behind one: they are asked for each time.
        text += f" WHERE {column} >= :vesalius_since OR {column} IS NULL" if since else ""
        text += f" ORDER BY {column}"
    return sa.text(text)


def _table(connection: sa.Connection, name: str) -> tuple[str, ...]:
    """The schema, if it is named, and the table: only one that the database itself lists."""
    schema, _, table = name.rpartition(".")
    inspector = sa.inspect(connection)
    if table and inspector.has_table(table, schema=schema or None):
        return (schema, table) if schema else (table,)
    if schema and inspector.has_table(name):  # a name may hold a point
        return (name,)
    raise UnreadableInput("the database has no such table", hint="write it as 'table' or 'schema.table'")


def read_only_url(url: sa.URL) -> sa.URL:
    """The address by which nothing can be written, where it can say so: SQLite makes no new file then."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith("file:"):
        return url
    return url.set(database=f"file:{url.database}", query={**url.query, "mode": "ro", "uri": "true"})


def make_read_only(connection: sa.Connection) -> None:
    """Has the other database refuse every change in this transaction, where it can."""
    match connection.dialect.name:
        case "sqlite":
            connection.exec_driver_sql("PRAGMA query_only = ON")
        case "postgresql" | "oracle":
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        case "mysql" | "mariadb":
            connection.exec_driver_sql("START TRANSACTION READ ONLY")
        case _:
            pass  # SQL Server has no such transaction: give an account that may only read


def named(error: sa.exc.DBAPIError, url: sa.URL) -> VesaliusError:
    """An error of a driver in our words. What it says is kept only where it cannot hold data."""
    state = str(getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None) or "")
    said = str(error.orig).splitlines()[0][:200] if str(error.orig) else ""
    kind = type(error.orig).__name__
    if (
        state.startswith("42")
        or (url.get_backend_name() == "sqlite" and "no such" in said)
        or "syntax" in said
    ):
        return UnreadableInput(f"the database does not understand the query: {said}")
    if "readonly" in said or "query_only" in said or state == "25006":
        return UnreadableInput("the query would change something there", hint="only a SELECT can be read")
    if state.startswith(_UNREACHABLE) or isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError):
        return Unavailable(
            f"the other database does not answer ({kind})", hint="check its address and account"
        )
    return UnreadableInput(f"the database could not give its rows ({kind} {state})".replace(" )", ")"))
