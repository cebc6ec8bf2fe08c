"""What a cell of a CSV file becomes: text, number, date, quantity, or what a table of values says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from vesalius.errors import InvalidMap
from vesalius.fhir import codes
from vesalius.ingest._causes import Cause, FaultError

ABSENT = object()
"""What an element becomes whose cell says nothing: it is left out."""

_NUMBER = r"[+-]?\d+(?:\.\d+)?"
_QUANTITY = re.compile(rf"(<=|>=|<|>)?\s*({_NUMBER})\s*(.*)", re.ASCII)
_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)", re.ASCII)

As = Literal["string", "integer", "decimal", "date", "dateTime", "quantity", "birth-year", "minutes"]


@dataclass(slots=True)
class Row:
    """One row.

    Attributes:
        number: its number, from 1.
        cells: its cells by column.
        missing: the cells that say nothing.
        written: what :mod:`vesalius.ingest._bodies` has filled gaps with until now, by number.
    """

    number: int
    cells: Mapping[str, str]
    missing: frozenset[str]
    written: dict[int, bytes | None] = field(default_factory=dict)
    _said: dict[str, str | None] = field(default_factory=dict)

    def cell(self, column: str) -> str | None:
        """The cell without the spaces around it; None when it says nothing."""
        try:
            return self._said[column]
        except KeyError:
            text = self.cells[column].strip()
            said = self._said[column] = None if text in self.missing else text
            return said


Maker = Callable[[Row], Any]


class Cell(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to make a value from a cell.

    Attributes:
        column: the column.
        values: the table of values that says what each cell becomes.
        as_: what the cell holds, where no table says it.
        format: how a date is written, as for ``strptime``; ISO 8601 when left out.
        zone: the time zone of a ``dateTime``: ``+01:00``, or ``Europe/Brussels``.
        at: for ``birth-year``: the date on which the age was noted; the year less the age is the value. For
            ``minutes``: the moment from which they are counted; the value is the moment they come to.
        unit: for ``quantity``: the UCUM unit that is expected.
        spelled: other ways in which the file writes that unit.
        unit_column: the column that holds the unit; else it may follow the number, or be left out.
        range: the least and the greatest number that is believed.
    """

    column: str
    values: str = ""
    as_: As = msgspec.field(name="as", default="string")
    format: str = ""
    zone: str = ""
    at: str = ""
    unit: str = ""
    spelled: tuple[str, ...] = ()
    unit_column: str = ""
    range: tuple[Decimal, Decimal] | None = None


def cell_maker(cell: Cell, tables: Mapping[str, Mapping[str, Any]], decimal: str) -> Maker:
    """A function from a row to the value of this cell, or :data:`ABSENT`.

    Raises:
        InvalidMap: the cell is described wrongly.
    """
    return CellMaker(cell, _table_reader(cell, tables) if cell.values else _reader(cell, decimal))


@dataclass(frozen=True, slots=True)
class CellMaker:
    """Makes the value of a cell of each row.

    Attributes:
        cell: the cell.
        read: its value, from its text and, where ``alone`` is false, from other cells of the row.
    """

    cell: Cell
    read: Callable[[str, Row], Any]

    @property
    def alone(self) -> bool:
        """Whether the text of the cell alone says what its value is."""
        return not self.cell.unit_column

    def __call__(self, row: Row) -> Any:
        """The value, or :data:`ABSENT`."""
        text = row.cell(self.cell.column)
        return ABSENT if text is None else self.read(text, row)


def _table_reader(cell: Cell, tables: Mapping[str, Mapping[str, Any]]) -> Callable[[str, Row], Any]:
    if cell.values not in tables:
        raise InvalidMap(f"column {cell.column!r}: there is no table values.{cell.values}")
    table = tables[cell.values]

    def read(text: str, _: Row) -> Any:
        try:
            return table[text]
        except KeyError:
            words = f"column {cell.column!r} holds a value that values.{cell.values} does not list"
            raise FaultError(Cause.UNMAPPED_VALUE, words) from None

    return read


def _reader(cell: Cell, decimal: str) -> Callable[[str, Row], Any]:
    match cell.as_:
        case "string":
            return lambda text, _: text
        case "quantity":
            return _quantity_reader(cell, decimal)
        case "date" | "dateTime":
            return _moment_reader(cell)
        case "birth-year":
            return _birth_year_reader(cell)
        case "minutes":
            return _minutes_reader(cell)
        case "integer" | "decimal":
            return lambda text, _: _number(cell, text, decimal)


def _number(cell: Cell, text: str, decimal: str) -> int | Decimal:
    plain = text.replace(decimal, ".") if decimal != "." else text
    form = r"[+-]?\d+" if cell.as_ in {"integer", "birth-year"} else _NUMBER
    if not re.fullmatch(form, plain, re.ASCII) or len(plain) > 40:
        raise FaultError(Cause.BAD_VALUE, f"column {cell.column!r} does not hold {_NAMES[cell.as_]}")
    value = Decimal(plain)
    if cell.range and not cell.range[0] <= value <= cell.range[1]:
        low, high = cell.range
        raise FaultError(Cause.OUT_OF_RANGE, f"column {cell.column!r} is not between {low} and {high}")
    return int(value) if cell.as_ in {"integer", "birth-year"} else value


_NAMES = {
    "integer": "a whole number",
    "birth-year": "an age in years",
    "minutes": "a number of minutes",
    "decimal": "a number",
    "quantity": "a number",
    "date": "a date of the announced format",
    "dateTime": "a date and time of the announced format",
}


def _birth_year_reader(cell: Cell) -> Callable[[str, Row], Any]:
    try:
        year = date.fromisoformat(cell.at).year
    except ValueError:
        raise InvalidMap(f"column {cell.column!r}: 'at' must be the date of the age, as 2019-06-03") from None
    return lambda text, _: f"{year - int(_number(cell, text, '.')):04}"


def _minutes_reader(cell: Cell) -> Callable[[str, Row], Any]:
    """The moment that some minutes after a fixed one come to: for sources that hold no dates."""
    try:
        start = datetime.fromisoformat(cell.at)
    except ValueError:
        start = None
    if start is None or start.tzinfo is None:
        raise InvalidMap(
            f"column {cell.column!r}: 'at' must be the moment to count from, as 2019-06-03T08:30:00Z"
        )

    def read(text: str, _: Row) -> str:
        try:
            return (start + timedelta(minutes=float(_number(cell, text, ".")))).isoformat()
        except OverflowError:
            words = f"column {cell.column!r} counts to a moment that no calendar has"
            raise FaultError(Cause.OUT_OF_RANGE, words) from None

    return read


def _quantity_reader(cell: Cell, decimal: str) -> Callable[[str, Row], Any]:
    if not cell.unit:
        raise InvalidMap(f"column {cell.column!r}: a quantity needs its 'unit', in UCUM")
    accepted = {cell.unit, *cell.spelled}

    def read(text: str, row: Row) -> dict[str, Any]:
        found = _QUANTITY.fullmatch(text.replace(decimal, ".") if decimal != "." else text)
        if not found:
            raise FaultError(Cause.BAD_VALUE, f"column {cell.column!r} does not hold a number")
        unit = row.cell(cell.unit_column) if cell.unit_column else found[3].strip() or cell.unit
        if unit not in accepted or (cell.unit_column and found[3]):
            raise FaultError(Cause.WRONG_UNIT, f"column {cell.column!r} is not in {cell.unit}")
        value = {
            "value": _number(cell, found[2], "."),
            "unit": cell.unit,
            "system": codes.UCUM,
            "code": cell.unit,
        }
        return {"comparator": found[1], **value} if found[1] else value

    return read


def _moment_reader(cell: Cell) -> Callable[[str, Row], Any]:
    zone = time_zone(cell.zone, cell.column)
    if cell.as_ == "dateTime" and not zone and "%z" not in cell.format and cell.format:
        raise InvalidMap(f"column {cell.column!r}: a dateTime needs its 'zone'")

    def read(text: str, _: Row) -> str:
        try:
            moment = datetime.strptime(text, cell.format) if cell.format else datetime.fromisoformat(text)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        except (ValueError, OverflowError):
            moment = None
        if moment is None or (cell.as_ == "dateTime" and not moment.tzinfo):
            raise FaultError(Cause.BAD_VALUE, f"column {cell.column!r} does not hold {_NAMES[cell.as_]}")
        return moment.date().isoformat() if cell.as_ == "date" else moment.isoformat()

    return read


def time_zone(text: str, column: str) -> tzinfo | None:
    """The time zone that a map names: ``+01:00``, or ``Europe/Brussels``; None, if it names none.

    Raises:
        InvalidMap: there is no such zone.
    """
    if not text:
        return None
    if found := _OFFSET.fullmatch(text):
        offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
        return timezone(offset if found[1] == "+" else -offset)
    try:
        return ZoneInfo(text)
    except (ValueError, OSError, KeyError):
        raise InvalidMap(f"column {column!r}: there is no time zone {text!r}") from None
