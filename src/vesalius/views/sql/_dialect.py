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
_EXACT = "DECIMAL(38, 24)"
FAULT = "vesalius-view: "
"""How the message starts of an error that a view raises while SQL runs."""


class Dialect:
    """DuckDB 2. Lists start at 1; a list never holds nulls here."""

    name_of = "duckdb"
    total: ClassVar[bool] = True
    """Whether arithmetic on decimals never fails, so that it may stand in a condition."""
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

    def transform(self, items: str, variable: str, body: str, index: str = "") -> str:
        """The list of what ``body`` gives for each item; null where the list is.

        ``index`` names the place of the item: a number that grows from item to item.
        """
        names = f"{variable}, {index}" if index else variable
        return f"list_transform({items}, lambda {names}: {body})"

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

    def last(self, items: str) -> str:
        """The last item; null where there is none."""
        return f"list_extract({items}, -1)"

    def slice(self, items: str, skip: int, take: int | None) -> str:
        """The items after the first ``skip``, at most ``take`` of them."""
        return f"({items})[{skip + 1}:{'' if take is None else skip + take}]"

    def concat(self, lists: Sequence[str]) -> str:
        """One list of several, one after the other; a null is an empty one."""
        parts = [f"coalesce({each}, {self.items()})" for each in lists]
        return parts[0] if len(parts) == 1 else f"list_concat({', '.join(parts)})"

    def distinct(self, items: str) -> str:
        """The items without repeats, in the order of their first coming."""
        return f"list_filter({items}, lambda _x, _i: list_position({items}, _x) = _i)"

    def sort(self, items: str) -> str:
        """The structures of a list in the order of their first field."""
        return f"list_sort({items})"

    def pair(self, path: str, item: str) -> str:
        """A structure of a list of numbers, ``p``, and an item, ``j``."""
        return f"{{'p': {path}, 'j': {item}}}"

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
        return f"SELECT {alias}.*, unnest({items}) AS {item}{place} FROM {source} AS {alias}"  # nosec B608

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
        found = f"CASE WHEN {text} <> '' AND NOT starts_with({text}, '#'){right} THEN {key} END"
        # Nearly all are Type/ID, which needs none of the above: it takes twenty times as long.
        one, two = f"split_part({text}, '/', 1)", f"split_part({text}, '/', 2)"
        plain = f"len(string_split({text}, '/')) = 2 AND {two} <> '' AND {one} <> '' AND {one}[1] <> '#'"
        if not wanted:
            return f"CASE WHEN {plain} THEN {two} ELSE {found} END"
        rest = f"substr({text}, {len(wanted) + 2})"
        right = (
            f"starts_with({text}, {self.text(f'{wanted}/')}) AND {rest} <> '' AND NOT contains({rest}, '/')"
        )
        return f"CASE WHEN {right} THEN {rest} WHEN {plain} THEN NULL ELSE {found} END"

    # --- JSON --------------------------------------------------------------------------------------------

    def json_field(self, json: str, name: str) -> str:
        """An element of a JSON object, as JSON; null where there is none."""
        return f"json_extract({json}, {self._path(name)})"

    def json_items(self, json: str, name: str) -> str:
        """The items of an array in a JSON object, each as JSON."""
        return f"json_extract({json}, {self._path(name, '[*]')})"

    def json_text(self, json: str, name: str) -> str:
        """A primitive element of a JSON object as text; null where there is none or it is null."""
        return f"json_extract_string({json}, {self._path(name)})"

    def json_texts(self, json: str, name: str) -> str:
        """The primitive items of an array in a JSON object as texts, with a null for each null."""
        return f"json_extract_string({json}, {self._path(name, '[*]')})"

    def json_list(self, json: str) -> str:
        """The items of the text of a JSON array, each as JSON."""
        return f"json_extract({json}, '$[*]')"

    def json_exact(self, json: str) -> str:
        """JSON with each number of an object as a text of the same digits: engines round what they read.

        What is matched is a name, a colon and a number. Between the end of one text and the begin of the next
        there is never a word alone, so nothing inside a text can be matched.
        """
        pattern = r'"(\w+)"(\s*:\s*)(-?[0-9][0-9.eE+-]*)'
        quoted = r'"\1"\2"\3"'
        return f"regexp_replace({json}, {self.text(pattern)}, {self.text(quoted)}, 'g')"

    def parse(self, text: str, kind: Kind) -> str:
        """A text as a value of another type; null where it is none."""
        return f"TRY_CAST({text} AS {self.types[kind]})"

    def _path(self, name: str, all_items: str = "") -> str:
        return self.text(f'$."{name}"{all_items}')

    # --- text, dates and numbers -------------------------------------------------------------------------

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

    def find(self, value: str, part: str) -> str:
        """The place of the first of the texts ``part`` in another, from 0; -1 where there is none."""
        return f"(instr({value}, {part}) - 1)"

    def trim(self, value: str, letters: str) -> str:
        """A text without these letters at its ends."""
        return f"trim({value}, {self.text(letters)})"

    def replace(self, value: str, old: str, new: str) -> str:
        """A text with each ``old`` in it made ``new``."""
        return f"replace({value}, {old}, {new})"

    def substring(self, value: str, start: int, length: int | None) -> str:
        """The part of a text from a place, counted from 0; to its end, if no length is given."""
        return f"substring({value}, {start + 1}{'' if length is None else f', {length}'})"

    def prefix(self, value: str, length: str) -> str:
        """The first letters of a text; ``length`` is SQL."""
        return f"left({value}, {length})"

    def rest(self, value: str, skip: str) -> str:
        """What comes after the first letters of a text; ``skip`` is SQL."""
        return f"substring({value}, CAST({skip} AS INTEGER) + 1)"

    def pad(self, value: str, length: int, letter: str) -> str:
        """A text made longer at its end, or cut, to a length."""
        return f"rpad({value}, {length}, {self.text(letter)})"

    def zone(self, moment: str) -> str:
        """The time zone at the end of a dateTime (``Z``, ``+02:00``), or an empty text."""
        offset = f"length({moment}) > 16 AND substring({moment}, length({moment}) - 5, 1) IN ('+', '-')"
        return (
            f"CASE WHEN ends_with({moment}, 'Z') THEN 'Z' WHEN {offset} THEN right({moment}, 6) ELSE '' END"
        )

    def shifted(self, local: str, zone: str) -> str:
        """A dateTime to the second, and the time zone it is in, as the same moment in UTC."""
        hours, minutes = (f"TRY_CAST(substring({zone}, {at}, 2) AS INTEGER)" for at in (2, 5))
        sign = f"CASE WHEN starts_with({zone}, '-') THEN 1 ELSE -1 END"
        moved = f"TRY_CAST({local} AS TIMESTAMP) + to_minutes({sign} * ({hours} * 60 + {minutes}))"
        # 9999-12-31 often stands for no end, and west of Greenwich it is in the year 10000 of UTC: as text, a
        # colon comes after every digit.
        return f"replace(strftime({moved}, '%Y-%m-%dT%H:%M:%S'), '10000-', ':000-')"

    def month_end(self, month: str) -> str:
        """The last day of a month (``2024-02``) as text."""
        return f"strftime(last_day(TRY_CAST({month} || '-01' AS DATE)), '%Y-%m-%d')"

    def quotient(self, a: str, b: str) -> str:
        """The whole part of the quotient of two whole numbers, towards zero."""
        return f"({a} // {b})"

    def product(self, a: str, b: str, digits: int) -> str:
        """The product of two whole DOUBLE, times ten to the power of ``-digits``, rounded once."""
        whole = f"CAST({a} AS DECIMAL(38, 0)) * CAST({b} AS DECIMAL(38, 0))"
        return f"CAST(CAST({whole} AS {self.types['text']}) || 'e-{digits}' AS {self.types['number']})"

    def calculated(self, operator: str, a: str, b: str) -> str:
        """Two DOUBLE added, subtracted, multiplied or divided by their decimal digits, rounded once."""
        if operator == "*":
            found = _scaled("_m * _n", "-(_s + _t)")
        elif operator == "/":
            found = _divided("_m", "_s", "_n", "_t")
        else:
            aligned = (
                f"_m * {_power('greatest(_s, _t) - _s')} {operator} _n * {_power('greatest(_s, _t) - _t')}"
            )
            # Numbers that are more than twenty places apart do not meet in a DOUBLE.
            near = _scaled(aligned, "-greatest(_s, _t)")
            found = f"CASE WHEN abs(_s - _t) > 20 THEN {a} {operator} {b} ELSE {near} END"
        (m, s), (n, t) = _digits(a), _digits(b)
        for name, value in (("_t", t), ("_n", n), ("_s", s), ("_m", m)):
            found = self.item(self.transform(self.items(value), name, found), 0)
        return found

    def decimal_edge(self, digits: str, *, high: bool) -> str:
        """The least (or greatest) number that the digits of a decimal can stand for, to eight places."""
        places = f"length(regexp_extract({digits}, '\\.([0-9]+)', 1))"
        exponent = f"coalesce(TRY_CAST(regexp_extract({digits}, '[eE](.*)$', 1) AS INTEGER), 0)"
        behind = f"greatest({places} - {exponent}, 0)"
        half = f"CAST('0.' || repeat('0', {behind}) || '5' AS {_EXACT})"
        number = f"CAST({digits} AS {_EXACT}) {'+' if high else '-'} {half}"
        # Away from zero the eighth place is rounded half up, towards zero the rest is cut off.
        away = f"{'NOT ' if high else ''}starts_with({digits}, '-')"
        kind = self.types["text"]
        text = f"CASE WHEN {away} THEN CAST(round({number}, 8) AS {kind}) ELSE CAST({number} AS {kind}) END"
        found = f"CAST(regexp_extract({text}, '^-?[0-9]+(\\.[0-9]{{1,8}})?') AS {self.types['number']})"
        return (
            f"CASE WHEN {digits} IS NULL THEN NULL "
            f"WHEN {behind} < 24 AND abs(TRY_CAST({digits} AS {_EXACT})) < 1e13 THEN {found} "
            f"ELSE {self.fault('the boundary of a number of too many digits')} END"
        )

    def together(self, queries: Sequence[str]) -> str:
        """The rows of several queries, repeats kept."""
        return "\nUNION ALL\n".join(queries)


def _digits(number: str) -> tuple[str, str]:
    """A DOUBLE as its digits, a whole number, and how many of them are behind the point."""
    text = f"CAST({number} AS VARCHAR)"
    whole = f"CAST(replace(regexp_replace({text}, 'e.*$', ''), '.', '') AS HUGEINT)"
    behind = f"length(regexp_extract({text}, '\\.([0-9]+)', 1))"
    exponent = f"coalesce(TRY_CAST(regexp_extract({text}, 'e(.*)$', 1) AS INTEGER), 0)"
    return whole, f"{behind} - {exponent}"


def _power(exponent: str) -> str:
    """A power of ten, as a whole number; at most 20."""
    return f"CAST('1' || repeat('0', least({exponent}, 20)) AS HUGEINT)"


def _scaled(whole: str, exponent: str) -> str:
    """A whole number times a power of ten, as the nearest DOUBLE: text is rounded once."""
    return f"CAST(CAST({whole} AS VARCHAR) || 'e' || CAST({exponent} AS VARCHAR) AS DOUBLE)"


def _divided(m: str, s: str, n: str, t: str) -> str:
    """The quotient to forty digits, by two divisions of whole numbers."""
    padding = f"17 - length(CAST(abs({m}) AS VARCHAR))"
    top = f"abs({m}) * {_power(padding)} * 100000000000000000000"
    first, rest = f"({top}) // abs({n})", f"(({top}) % abs({n})) * 100000000000000000000 // abs({n})"
    sign = f"CASE WHEN (({m}) < 0) <> (({n}) < 0) THEN '-' ELSE '' END"
    exponent = f"({t}) - ({s}) - ({padding}) - 40"
    digits = f"CAST({first} AS VARCHAR) || lpad(CAST({rest} AS VARCHAR), 20, '0')"
    return f"CAST({sign} || {digits} || 'e' || CAST({exponent} AS VARCHAR) AS DOUBLE)"
