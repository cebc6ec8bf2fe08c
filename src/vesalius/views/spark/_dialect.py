"""How Apache Spark 4 writes what the compiler says.

A text literal of Spark's SQL has escapes that a setting turns on and off, and ``${env:HOME}`` in it is
replaced by Spark before the text is parsed. So a text that is more than letters, digits and harmless signs is
written as the hexadecimal of its UTF-8: no text can then be anything but a text, whatever the settings are.
"""

# ruff: noqa: S608 - SQL is what this module writes; every name and text of a view is quoted here

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import ClassVar

from vesalius.views.sql._dialect import FAULT, Dialect, Kind
from vesalius.views.sql._plan import NotCompiledError

_HARMLESS = re.compile(r"[A-Za-z0-9 ./:_,|=()\[\]%#@+-]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SIMPLE = re.compile(r"[\w.`]+")


class SparkDialect(Dialect):
    """Spark 4, with or without ANSI mode."""

    name_of = "spark"
    total: ClassVar[bool] = False
    inlined: ClassVar[str] = ""
    types: ClassVar[dict[Kind, str]] = {
        "text": "STRING",
        "boolean": "BOOLEAN",
        "integer": "BIGINT",
        "number": "DOUBLE",
    }

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
        row = re.fullmatch(r"struct\((\w+)\.\*\)", structure)
        if row:
            return f"{row[1]}.{self.name(name)}"
        return f"{structure if _SIMPLE.fullmatch(structure) else f'({structure})'}.{self.name(name)}"

    def transform(self, items: str, variable: str, body: str, index: str = "") -> str:
        """The list of what ``body`` gives for each item; null where the list is.

        ``index`` names the place of the item: a number that grows from item to item.
        """
        names = f"({variable}, {index})" if index else variable
        return f"transform({items}, {names} -> {body})"

    def keep(self, items: str, variable: str, test: str) -> str:
        """The items for which the test is true; null where the list is."""
        return f"filter({items}, {variable} -> {test})"

    def item(self, items: str, at: int) -> str:
        """The item at a place counted from 0; null where there is none."""
        return f"get({items}, {at})"

    def size(self, items: str) -> str:
        """How many items; 0 where the list is null."""
        return f"coalesce(array_size({items}), 0)"

    def last(self, items: str) -> str:
        """The last item; null where there is none."""
        return f"try_element_at({items}, -1)"

    def slice(self, items: str, skip: int, take: int | None) -> str:
        """The items after the first ``skip``, at most ``take`` of them."""
        return f"slice({items}, {skip + 1}, {self.size(items) if take is None else take})"

    def concat(self, lists: Sequence[str]) -> str:
        """One list of several, one after the other; a null is an empty one."""
        parts = [f"coalesce({each}, {self.items()})" for each in lists]
        return parts[0] if len(parts) == 1 else f"concat({', '.join(parts)})"

    def distinct(self, items: str) -> str:
        """The items without repeats, in the order of their first coming."""
        return f"array_distinct({items})"

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
        named, unnested = (f"{index}, {item}", "posexplode") if index else (item, "explode")
        given = f"_each.{item}, _each.{index}" if index else f"_each.{item}"
        return (
            f"SELECT {alias}.*, {given} FROM {source} AS {alias} "  # nosec B608
            f"LATERAL VIEW {unnested}({items}) _each AS {named}"
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

    def trim(self, value: str, letters: str) -> str:
        """A text without these letters at its ends."""
        return f"trim(BOTH {self.text(letters)} FROM {value})"

    # --- JSON --------------------------------------------------------------------------------------------

    def json_field(self, json: str, name: str) -> str:
        """An element of a JSON object, as JSON; null where there is none."""
        return f"get_json_object({json}, {self._path(name)})"

    def json_items(self, json: str, name: str) -> str:
        """The items of an array in a JSON object, each as JSON."""
        return self.json_list(self.json_field(json, name))

    def json_text(self, json: str, name: str) -> str:
        """A primitive element of a JSON object as text; null where there is none or it is null."""
        return self.json_field(json, name)

    def json_texts(self, json: str, name: str) -> str:
        """The primitive items of an array in a JSON object as texts, with a null for each null."""
        return self.json_items(json, name)

    def json_list(self, json: str) -> str:
        """The items of the text of a JSON array, each as JSON."""
        return f"from_json({json}, 'ARRAY<STRING>')"

    def json_exact(self, json: str) -> str:
        """JSON with each number of an object as a text of the same digits (see :class:`Dialect`)."""
        pattern, quoted = r'"(\w+)"(\s*:\s*)(-?[0-9][0-9.eE+-]*)', '"$1"$2"$3"'
        return f"regexp_replace({json}, {self.text(pattern)}, {self.text(quoted)})"

    def _path(self, name: str, all_items: str = "") -> str:
        return self.text(f"$.{name}{all_items}")

    # --- dates and numbers -------------------------------------------------------------------------------

    def zone(self, moment: str) -> str:
        """The time zone at the end of a dateTime (``Z``, ``+02:00``), or an empty text."""
        return f"regexp_extract({moment}, {self.text(r'(Z|[+-][0-9]{2}:[0-9]{2})$')}, 1)"

    def shifted(self, local: str, zone: str) -> str:
        """A dateTime to the second, and the time zone it is in, as the same moment in UTC."""
        hours, minutes = (f"TRY_CAST(substring({zone}, {at}, 2) AS INT)" for at in (2, 5))
        sign = f"CASE WHEN startswith({zone}, '-') THEN 1 ELSE -1 END"
        shift = f"make_dt_interval(0, 0, {sign} * ({hours} * 60 + {minutes}))"
        # Without a time zone from begin to end, so that the session's own has no part in it.
        moved = f"CAST(TRY_CAST({local} AS TIMESTAMP_NTZ) + {shift} AS STRING)"
        # A year of five digits, as in DuckDB; Spark gives it a sign.
        return f"replace(replace({moved}, ' ', 'T'), '+10000-', ':000-')"

    def month_end(self, month: str) -> str:
        """The last day of a month (``2024-02``) as text."""
        return f"CAST(last_day(TRY_CAST({month} || '-01' AS DATE)) AS STRING)"

    def quotient(self, a: str, b: str) -> str:
        """The whole part of the quotient of two whole numbers, towards zero."""
        return f"({a} div {b})"


SHARED = frozenset(
    {
        *("cast", "carry_null", "find", "flatten", "has", "listed", "or_null", "pad", "parse", "prefix"),
        *("product", "replace", "rest", "substring", "together"),
    }
)
"""What Spark writes as DuckDB does."""


LEFT = {
    "pair": "repeat",
    "sort": "repeat",
    "calculated": "arithmetic on decimals",
    "decimal_edge": "the boundary of a decimal",
}
"""What Spark leaves to Python, by the methods that only it needs: ``repeat`` has more levels than Spark's
analyser takes, and whole numbers of enough digits for exact decimals it has not."""


def _left_to_python(method: str) -> Callable[..., str]:
    def refuse(*_arguments: object, **_named: object) -> str:
        raise NotCompiledError(LEFT.get(method, f"{method}, which Spark does not write as DuckDB does"))

    return refuse


# What only DuckDB knows how to write must never reach Spark: a view that needs it goes the Python route.
for _method in {name for name in vars(Dialect) if callable(getattr(Dialect, name)) and name[0] != "_"}:
    if _method not in vars(SparkDialect) and _method not in SHARED:
        setattr(SparkDialect, _method, _left_to_python(_method))
