"""What the columns of a table hold: how full, how many kinds of values, of which type and form."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from vesalius.fhir import belgium
from vesalius.terminology import CodeSystem, code_system

Type = Literal["empty", "integer", "decimal", "date", "dateTime", "boolean", "code", "text", "quantity"]

DISTINCT = 20_000
"""How many kinds of values of a column are kept at most."""

SILENT = frozenset(
    {"na", "n/a", "nan", "null", "none", "nd", "n.d.", "?", "-", "--", ".", "unknown", "not_reported", "\\n"}
    | {"not reported", "missing", "inconnu", "onbekend", "unbekannt", "#n/a", "n.b.", "nihil"}
)
"""Words that often say that there is nothing to say."""

_BOOLEAN = (
    {"0", "1"}, {"yes", "no"}, {"y", "n"}, {"true", "false"}, {"t", "f"},
    {"oui", "non"}, {"o", "n"}, {"ja", "nee"}, {"ja", "nein"}, {"j", "n"},
)  # fmt: skip

_DATES: tuple[tuple[str, str], ...] = (
    ("%Y-%m-%d", r"\d{4}-\d\d-\d\d"),
    ("%d/%m/%Y", r"\d{1,2}/\d{1,2}/\d{4}"),
    ("%m/%d/%Y", r"\d{1,2}/\d{1,2}/\d{4}"),
    ("%d-%m-%Y", r"\d{1,2}-\d{1,2}-\d{4}"),
    ("%d.%m.%Y", r"\d{1,2}\.\d{1,2}\.\d{4}"),
    ("%Y/%m/%d", r"\d{4}/\d\d/\d\d"),
    ("%Y%m%d", r"(?:19|20)\d{6}"),
    ("%d/%m/%y", r"\d{1,2}/\d{1,2}/\d\d"),
    ("%d.%m.%y", r"\d{1,2}\.\d{1,2}\.\d\d"),
)
_TIMES: tuple[tuple[str, str], ...] = (
    ("", ""),
    (" %H:%M:%S.%f", r" \d{1,2}:\d\d:\d\d\.\d{1,6}"),
    (" %H:%M:%S", r" \d{1,2}:\d\d:\d\d"),
    (" %H:%M", r" \d{1,2}:\d\d"),
    ("%H%M%S", r"\d{6}"),
    ("%H%M", r"\d{4}"),
)
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_POINT = re.compile(r"[+-]?\d+\.\d+", re.ASCII)
_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)
_QUANTITY = re.compile(r"(?:<=|>=|<|>)?\s*[+-]?\d+(?:[.,]\d+)?\s*([^\d\s].{0,15})?")


@dataclass
class Column:
    """What one column holds.

    Attributes:
        name: its name.
        rows: how many rows were looked at.
        filled: in how many of them it says something.
        values: how often each of its values comes, as far as they were kept; silent ones are left out.
        distinct: how many kinds of values there are, as far as they were counted.
        type: what most values are.
        form: how a date is written (as for ``strptime``); empty for ISO 8601.
        ambiguous: the other way in which its dates can be read, where day and month cannot be told apart.
        comma: its decimals have a comma.
        low, high: the least and the greatest number.
        silent: words in it that seem to say nothing.
        system: the code system whose form its values have.
        niss: the share of its values that are Belgian national numbers.
        units: units after its numbers.
    """

    name: str
    rows: int = 0
    filled: int = 0
    values: Counter[str] = field(default_factory=Counter)
    distinct: int = 0
    type: Type = "empty"
    form: str = ""
    ambiguous: str = ""
    comma: bool = False
    low: float | None = None
    high: float | None = None
    silent: set[str] = field(default_factory=set)
    system: CodeSystem | None = None
    niss: float = 0.0
    units: set[str] = field(default_factory=set)

    @property
    def unique(self) -> bool:
        """Whether no value comes twice."""
        return self.filled > 1 and self.distinct == self.filled

    def share(self, test: Callable[[str], object]) -> float:
        """The share of the filled cells for which ``test`` holds."""
        total = self.values.total()
        return sum(count for value, count in self.values.items() if test(value)) / total if total else 0.0

    def numbers(self) -> list[float]:
        """Its numbers, each kind of value once, a comparator left out."""
        return [number for value in self.values if (number := as_number(value)) is not None]


def profile(header: list[str], rows: Iterable[list[str]]) -> list[Column]:
    """The columns of a table, from its rows, read once."""
    columns = [Column(name) for name in header]
    for row in rows:
        for column, cell in zip(columns, row, strict=True):
            column.rows += 1
            value = cell.strip()
            if not value:
                continue
            if len(column.values) < DISTINCT or value in column.values:
                column.values[value] += 1
            else:
                column.filled += 1  # of a kind that is not kept
                column.distinct += 1
    for column in columns:
        _finish(column)
    return columns


def as_number(text: str) -> float | None:
    """The number that a text is, with a point or a comma, a comparator left out; None: it is none."""
    plain = text.lstrip("<>=≤≥ ").replace(",", ".")
    try:
        return float(plain) if _INTEGER.fullmatch(plain) or _POINT.fullmatch(plain) else None
    except ValueError:
        return None


def _finish(column: Column) -> None:
    column.silent = {value for value in column.values if value.lower() in SILENT}
    others = sum(1 for value in column.values if value not in column.silent)
    if not others:
        column.silent = set()
    for word in column.silent:
        del column.values[word]
    column.filled += column.values.total()
    column.distinct += len(column.values)
    if not column.values:
        return
    column.type = _type(column)
    _set_aside_sentinel(column)
    if column.type in {"integer", "decimal", "quantity"}:
        numbers = column.numbers()
        column.low, column.high = min(numbers, default=None), max(numbers, default=None)
        column.comma = column.share(_COMMA.fullmatch) > column.share(_POINT.fullmatch)
    texts = list(column.values)[:2_000]
    column.system = code_system(texts) or ("ICD-9-CM" if _short_icd9(texts) else None)
    column.niss = sum(map(belgium.niss_is_valid, texts)) / len(texts)


def _short_icd9(texts: list[str]) -> bool:
    """Whether they are ICD-9-CM codes whose leading zeros a spreadsheet has eaten: 8 for 008, beside V57."""
    lettered = sum(text[0] in "VE" for text in texts)
    return 0 < lettered < len(texts) and all(_SHORT_ICD9.fullmatch(text) for text in texts)


_SHORT_ICD9 = re.compile(r"(?:\d{1,3}|V\d{2}|E\d{3})(?:\.\d{1,2})?", re.ASCII)


def _set_aside_sentinel(column: Column) -> None:
    """A single negative number among others that are not, such as -1, says that nothing is known."""
    if column.type not in {"integer", "decimal"} or column.distinct < 3:
        return
    negative = [value for value in column.values if value.startswith("-")]
    if len(negative) == 1 and negative[0] in {"-1", "-9", "-99", "-999", "-1.0", "-9999"}:
        column.silent.add(negative[0])
        column.filled -= column.values.pop(negative[0])
        column.distinct -= 1


def _type(column: Column) -> Type:
    plain = {value.lower() for value in column.values}
    if len(plain) <= 2 and any(plain <= pair for pair in _BOOLEAN):
        return "boolean"
    if column.share(_looks_like_date) > 0.98 and (kind := _date_type(column)):
        return kind
    if column.share(_INTEGER.fullmatch) > 0.995:
        return "integer"
    if column.share(lambda value: as_number(value) is not None and value[0] not in "<>=≤≥") > 0.98:
        return "decimal"
    if column.share(_is_quantity) > 0.97:
        column.units = {unit for unit in map(_unit_in, column.values) if unit}
        return "quantity" if len(column.units) <= 5 else "text"
    longest = max(map(len, column.values))
    return "code" if longest <= 40 and len(column.values) <= max(300, column.filled * 0.05) else "text"


def _unit_in(value: str) -> str:
    found = _QUANTITY.fullmatch(value)
    return (found[1] or "").strip() if found else ""


def _is_quantity(value: str) -> bool:
    found = _QUANTITY.fullmatch(value)
    if not found:
        return False
    return found[1] is None or "/" in found[1] or "%" in found[1] or value[0] in "<>"


def _looks_like_date(value: str) -> bool:
    return 6 <= len(value) <= 35 and sum(letter.isdigit() for letter in value) >= 5 and not value.isalpha()


def _date_type(column: Column) -> Type | None:
    """Whether they are dates, and how they are written; day before month, unless that is impossible."""
    values = list(column.values)[:3_000]
    if all(_ISO.fullmatch(value) and _is_iso(value) for value in values):
        return "dateTime"
    fitting = [form for form in _forms(values[0]) if all(_reads(value, form) for value in values)]
    if not fitting:
        return None
    column.form = "" if fitting[0] == "%Y-%m-%d" else fitting[0]
    swapped = [form for form in fitting[1:] if form.startswith("%m")]
    column.ambiguous = swapped[0] if swapped and fitting[0].startswith("%d") else ""
    return "dateTime" if "%H" in fitting[0] else "date"


def _forms(value: str) -> list[str]:
    return [
        day + clock
        for clock, clock_form in _TIMES
        for day, day_form in _DATES
        if re.fullmatch(day_form + clock_form, value)
    ]


def _reads(value: str, form: str) -> bool:
    try:
        return 1850 <= datetime.strptime(value, form).year <= 2300
    except ValueError:
        return False


def _is_iso(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
