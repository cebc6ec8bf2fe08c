"""How Apache Spark 4 writes what the compiler says.

A text literal of Spark's SQL has escapes that a setting turns on and off, and ``${env:HOME}`` in it is
replaced by Spark before the text is parsed. So a text that is more than letters, digits and harmless signs is
written as the hexadecimal of its UTF-8: no text can then be anything but a text, whatever the settings are.
"""

# ruff: noqa: S608 - SQL is what this module writes; every name and text of a view is quoted here

from __future__ import annotations

import re
from typing import ClassVar

from vesalius.views._dialect import FAULT, Dialect, Kind
from vesalius.views._plan import NotCompiledError

_HARMLESS = re.compile(r"[A-Za-z0-9 ./:_,|=()\[\]%#@+-]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SIMPLE = re.compile(r"[\w.`]+")


class SparkDialect(Dialect):
    """Spark 4, with or without ANSI mode. Places in a list start at 0.

    Attributes:
        used: the names of the fields that the query reads, whatever structure they are in.
    """

    name_of = "spark"
    types: ClassVar[dict[Kind, str]] = {
        "text": "STRING",
        "boolean": "BOOLEAN",
        "integer": "BIGINT",
        "number": "DOUBLE",
    }

    def __init__(self) -> None:
        self.used: set[str] = set()

    def name(self, name: str) -> str:
        """A name, quoted; there is no other name in a view or in FHIR than of letters, digits and ``_``."""
        if not _NAME.fullmatch(name):
            raise NotCompiledError("a name that is not of letters and digits")
        return f"`{name}`"

    def text(self, value: str) -> str:
        """A text literal: as it is where nothing in it can be more than text, else by its bytes."""
        if _HARMLESS.fullmatch(value):
            return f"'{value}'"
        try:
            return f"CAST(X'{value.encode().hex()}' AS STRING)"
        except UnicodeEncodeError:
            raise NotCompiledError("a text that is not Unicode") from None

    def row(self, alias: str) -> str:
        """A whole row as a structure."""
        return f"struct({alias}.*)"

    def field(self, structure: str, name: str) -> str:
        """A field of a structure; null where the structure is."""
        self.used.add(name)
        row = re.fullmatch(r"struct\((\w+)\.\*\)", structure)
        if row:
            return f"{row[1]}.{self.name(name)}"
        return f"{structure if _SIMPLE.fullmatch(structure) else f'({structure})'}.{self.name(name)}"

    def transform(self, items: str, variable: str, body: str) -> str:
        """The list of what ``body`` gives for each item; null where the list is."""
        return f"transform({items}, {variable} -> {body})"

    def keep(self, items: str, variable: str, test: str) -> str:
        """The items for which the test is true; null where the list is."""
        return f"filter({items}, {variable} -> {test})"

    def item(self, items: str, at: int) -> str:
        """The item at a place counted from 0; null where there is none."""
        return f"get({items}, {at})"

    def size(self, items: str) -> str:
        """How many items; 0 where the list is null."""
        return f"coalesce(array_size({items}), 0)"

    def join(self, items: str, between: str) -> str:
        """The texts of a list, one after the other."""
        return f"array_join({items}, {between})"

    def cast_list(self, items: str, kind: Kind) -> str:
        """A list as a list of another type."""
        return f"CAST({items} AS ARRAY<{self.types[kind]}>)"

    def fault(self, message: str) -> str:
        """A value that fails when it is asked for."""
        return f"raise_error({self.text(FAULT + message)})"

    def unnest(self, source: str, alias: str, items: str, item: str, index: str | None) -> str:
        """A query: each row of the source once per item of a list, with the item and its place from 0."""
        place = index or "_place"
        return (
            f"SELECT {alias}.*, _each.{item}{f', _each.{place}' if index else ''} FROM {source} AS {alias} "
            f"LATERAL VIEW posexplode({items}) _each AS {place}, {item}"
        )

    def items(self, *values: str) -> str:
        """A list of these values."""
        return f"array({', '.join(values)})"

    def reference_key(self, text: str, kind: str, wanted: str) -> str:
        """The key in the text of a Reference (see ``_functions.reference_key``)."""
        target = f"trim(TRAILING '/' FROM substring_index({text}, '/_history/', 1))"
        slashed = f"contains({target}, '/')"
        last = f"substring_index({target}, '/', -1)"
        key = f"CASE WHEN {slashed} THEN {last} ELSE substring_index({target}, ':', -1) END"
        before = f"substring_index(substring_index({target}, '/', -2), '/', 1)"
        told = f"CASE WHEN {slashed} THEN {before} ELSE {kind} END"
        right = f" AND {told} = {self.text(wanted)}" if wanted else ""
        return f"CASE WHEN {text} <> '' AND NOT startswith({text}, '#'){right} THEN {key} END"

    def starts(self, value: str, part: str) -> str:
        """Whether a text starts with another."""
        return f"startswith({value}, {part})"

    def ends(self, value: str, part: str) -> str:
        """Whether a text ends with another."""
        return f"endswith({value}, {part})"

    def length(self, value: str) -> str:
        """How many characters (code points) a text has."""
        return f"char_length({value})"
