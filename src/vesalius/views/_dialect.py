"""How an engine writes what the compiler says: DuckDB here; another engine is another subclass.

Every name and every text that comes from a view passes through :meth:`Dialect.name` or :meth:`Dialect.text`.
"""

# ruff: noqa: S608 - SQL is what this module writes; every name and text of a view is quoted here

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar, Literal

Kind = Literal["text", "boolean", "integer", "number"]
_SIMPLE = re.compile(r'[\w."]+')
FAULT = "vesalius-view: "
"""How the message starts of an error that a view raises while SQL runs."""


class Dialect:
    """DuckDB 2. Lists start at 1; a list never holds nulls here."""

    name_of = "duckdb"
    inlined: ClassVar[str] = "NOT MATERIALIZED "
    """Makes a WITH query part of the query that names it, instead of a table in memory."""
    types: ClassVar[dict[Kind, str]] = {
        "text": "VARCHAR",
        "boolean": "BOOLEAN",
        "integer": "BIGINT",
        "number": "DOUBLE",
    }

    def name(self, name: str) -> str:
        """A name, quoted."""
        return '"' + name.replace('"', '""') + '"'

    def text(self, value: str) -> str:
        """A text literal; DuckDB knows no escape in it but the doubled quote."""
        return "'" + value.replace("'", "''") + "'"

    def row(self, alias: str) -> str:
        """A whole row as a structure."""
        return alias

    def field(self, structure: str, name: str) -> str:
        """A field of a structure; null where the structure is."""
        if _SIMPLE.fullmatch(structure):
            return f"{structure}.{self.name(name)}"
        return f"struct_extract({structure}, {self.text(name)})"

    def transform(self, items: str, variable: str, body: str) -> str:
        """The list of what ``body`` gives for each item; null where the list is."""
        return f"list_transform({items}, lambda {variable}: {body})"

    def keep(self, items: str, variable: str, test: str) -> str:
        """The items for which the test is true; null where the list is."""
        return f"list_filter({items}, lambda {variable}: {test})"

    def flatten(self, items: str) -> str:
        """One list of a list of lists."""
        return f"flatten({items})"

    def item(self, items: str, at: int) -> str:
        """The item at a place counted from 0; null where there is none."""
        return f"list_extract({items}, {at + 1})"

    def size(self, items: str) -> str:
        """How many items; 0 where the list is null."""
        return f"coalesce(len({items}), 0)"

    def join(self, items: str, between: str) -> str:
        """The texts of a list, one after the other."""
        return f"array_to_string({items}, {between})"

    def cast(self, value: str, kind: Kind) -> str:
        """A value as another type."""
        return f"CAST({value} AS {self.types[kind]})"

    def cast_list(self, items: str, kind: Kind) -> str:
        """A list as a list of another type."""
        return f"CAST({items} AS {self.types[kind]}[])"

    def fault(self, message: str) -> str:
        """A value that fails when it is asked for."""
        return f"error({self.text(FAULT + message)})"

    def unnest(self, source: str, alias: str, items: str, item: str, index: str | None) -> str:
        """A query: each row of the source once per item of a list, with the item and its place from 0.

        The place has no name where nothing asks for it: it costs as much as the items.
        """
        place = f", generate_subscripts({items}, 1) - 1 AS {index}" if index else ""
        return f"SELECT {alias}.*, unnest({items}) AS {item}{place} FROM {source} AS {alias}"

    def items(self, *values: str) -> str:
        """A list of these values."""
        return f"[{', '.join(values)}]"

    def listed(self, value: str) -> str:
        """A list of one value; null where the value is."""
        return f"CASE WHEN {value} IS NOT NULL THEN {self.items(value)} END"

    def or_null(self, items: str, null_row: str | None) -> str:
        """The list, or one null where it is empty (or where the row is a null row already)."""
        empty = f"{self.size(items)} = 0"
        test = f"{null_row} OR {empty}" if null_row else empty
        return f"CASE WHEN {test} THEN {self.items('NULL')} ELSE {items} END"

    def carry_null(self, items: str, null_row: str) -> str:
        """The list, or one null where the row is a null row already."""
        return f"CASE WHEN {null_row} THEN {self.items('NULL')} ELSE {items} END"

    def reference_key(self, text: str, kind: str, wanted: str) -> str:
        """The key in the text of a Reference (see ``_functions.reference_key``)."""
        target = f"rtrim(regexp_replace({text}, '/_history/.*', '', 's'), '/')"
        slashed = f"contains({target}, '/')"
        key = (
            f"CASE WHEN {slashed} THEN regexp_extract({target}, '([^/]*)$', 1) "
            f"ELSE regexp_extract({target}, '([^:]*)$', 1) END"
        )
        told = f"CASE WHEN {slashed} THEN regexp_extract({target}, '([^/]*)/[^/]*$', 1) ELSE {kind} END"
        right = f" AND {told} = {self.text(wanted)}" if wanted else ""
        return f"CASE WHEN {text} <> '' AND NOT starts_with({text}, '#'){right} THEN {key} END"

    def starts(self, value: str, part: str) -> str:
        """Whether a text starts with another."""
        return f"starts_with({value}, {part})"

    def ends(self, value: str, part: str) -> str:
        """Whether a text ends with another."""
        return f"ends_with({value}, {part})"

    def has(self, value: str, part: str) -> str:
        """Whether a text holds another."""
        return f"contains({value}, {part})"

    def length(self, value: str) -> str:
        """How many characters (code points) a text has."""
        return f"length({value})"

    def together(self, queries: Sequence[str]) -> str:
        """The rows of several queries, repeats kept."""
        return "\nUNION ALL\n".join(queries)
