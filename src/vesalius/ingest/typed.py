"""Tables whose cells have types (workbooks, Parquet, databases): one JSON array per row, and the map on it.

The array is what is kept of a row that is held: numbers with their digits, texts as they are, and what JSON
has no type for as an object with one key: ``{"date": …}``, ``{"dateTime": …}``, ``{"time": …}``,
``{"base64": …}``, ``{"error": …}``. The map reads texts; a date is put into words in the way that the map
announces for its column.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any, BinaryIO
from uuid import UUID

import msgspec

from vesalius.errors import UnreadableInput
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._items import Item
from vesalius.ingest._lines import lines
from vesalius.ingest._rows import check_header, lacks_column, row_item
from vesalius.ingest.csv_map import CsvMap

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(list[Any], float_hook=Decimal)

_NO_ROW = (msgspec.DecodeError, UnicodeError, RecursionError, ArithmeticError)
"""What says that bytes are not a row: no JSON, no list, nested without end, a number beyond all bounds."""

_DIGITS = 15
"""How many digits of a binary number are believed: those that a spreadsheet shows."""

MISSING_ERRORS = frozenset({"#N/A"})
"""Errors of a spreadsheet that say that there is no value; the others hide one."""


class SheetError(str):
    """An error in a cell of a spreadsheet, such as ``#DIV/0!``."""

    __slots__ = ()


def encode(values: Iterable[Any]) -> bytes:
    """One row as a JSON array, in one line; see the head of this module.

    >>> encode(["p1", 0.1 + 0.2, True, None, date(2026, 5, 1)])
    b'["p1",0.3,true,null,{"date":"2026-05-01"}]'
    """
    return _ENCODER.encode([_plain(value) for value in values])


def texts(raw: bytes, csv_map: CsvMap, header: Sequence[str]) -> list[str]:
    """The cells of an encoded row as the texts that the map reads; columns that it does not read stay empty.

    Raises:
        FaultError: it is not such a row, or a cell that the map reads holds no value that has a text.
    """
    try:
        values = _DECODER.decode(raw)
    except _NO_ROW:
        raise FaultError(Cause.MALFORMED, "the row is not a JSON array") from None
    return _texts(values, csv_map, header)


def _texts(values: list[Any], csv_map: CsvMap, header: Sequence[str]) -> list[str]:
    if len(values) != len(header):
        return [""] * len(values)  # the caller counts them
    return [
        _text(name, value, csv_map) if name in csv_map.columns else ""
        for name, value in zip(header, values, strict=True)
    ]


def shown(raw: bytes) -> list[str]:
    """The cells of an encoded row for people: what JSON has no type for by its value alone.

    Raises:
        UnreadableInput: it is not such a row.
    """
    try:
        values = _DECODER.decode(raw)
    except _NO_ROW:
        raise UnreadableInput("the row is not a JSON array") from None
    plain = [next(iter(value.values())) if isinstance(value, dict) and value else value for value in values]
    return ["" if value is None else str(value) for value in plain]


def item(place: str, raw: bytes, context: dict[str, Any], csv_map: CsvMap) -> Item:
    """One encoded row as an item."""
    try:
        cells = texts(raw, csv_map, context["header"])
    except FaultError as fault:
        return Item(place, raw, fault=fault, context=context)
    return row_item(place, raw, cells, context, csv_map)


def row(place: str, values: Iterable[Any], context: dict[str, Any], csv_map: CsvMap) -> Item:
    """One row of values as an item, as :func:`item` makes it of the encoded row."""
    plain = [_plain(value) for value in values]
    raw = _ENCODER.encode(plain)
    try:
        cells = _texts(plain, csv_map, context["header"])
    except FaultError as fault:
        return Item(place, raw, fault=fault, context=context)
    return row_item(place, raw, cells, context, csv_map)


def again(raw: bytes, place: str, context: dict[str, Any], csv_map: CsvMap) -> list[Item]:
    """Reads one row that was held once more, perhaps through a mended map."""
    if fault := lacks_column(context["header"], csv_map):
        return [Item(place, raw, fault=fault, context=context)]
    return [item(place, raw, context, csv_map)]


def read(stream: BinaryIO, csv_map: CsvMap) -> Iterator[Item]:
    """One item per line: the first holds the names of the columns, each other one a row.

    Raises:
        UnreadableInput: there is no such first line, or a column that the map reads is missing.
    """
    found = lines(stream)
    first = next(found, None)
    try:
        header = _DECODER.decode(first.raw if first else b"")
    except _NO_ROW:
        raise UnreadableInput("the first line does not name the columns") from None
    header = [str(name) for name in header]
    check_header(header, csv_map)
    for line in found:
        context = {"header": header, "row": line.number - 1}
        place = f"row {line.number - 1}"
        if line.too_long:
            yield Item(place, line.raw, fault=line.too_long, context=context)
        else:
            yield item(place, line.raw.rstrip(b"\n"), context, csv_map)


def number(value: float) -> Decimal | None:
    """A binary number as people wrote it, without the noise of its last bits; None: it is not a number.

    >>> number(0.1 + 0.2), number(12.0)
    (Decimal('0.3'), Decimal('12'))
    """
    if value != value:
        return None
    return Decimal(f"{value:.{_DIGITS}g}")


def _plain(value: Any) -> Any:
    match value:
        case SheetError():
            return {"error": str(value)}
        case None | bool() | int() | str():
            return value
        case float():
            kept = number(value)
            return kept if kept is None or kept.is_finite() else {"error": str(kept)}
        case Decimal():
            return value if value.is_finite() else None if value.is_nan() else {"error": str(value)}
        case datetime():
            return {"dateTime": value.isoformat()}
        case date():
            return {"date": value.isoformat()}
        case time():
            return {"time": value.isoformat()}
    return _rarer(value)


def _rarer(value: Any) -> Any:
    match value:
        case timedelta() | UUID():
            return str(value)
        case bytes() | bytearray() | memoryview():
            return _bytes(bytes(value))
        case list() | tuple() | dict():
            return msgspec.json.encode(value, enc_hook=str).decode()
    return str(value)


def _bytes(value: bytes) -> Any:
    try:
        return value.decode()
    except UnicodeError:
        return {"base64": base64.b64encode(value).decode()}


def _text(column: str, value: Any, csv_map: CsvMap) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case {"dateTime": moment} | {"date": moment}:
            return _moment(column, moment, *csv_map.moments.get(column, ("", None)))
        case {"time": clock}:
            return str(clock)
        case {"error": error}:
            if error in MISSING_ERRORS:
                return ""
            raise FaultError(Cause.BAD_VALUE, f"column {column!r} holds an error of the spreadsheet")
        case {"base64": _}:
            raise FaultError(Cause.BAD_VALUE, f"column {column!r} holds bytes that are not text")
    return str(value)


def _moment(column: str, iso: Any, form: str, zone: tzinfo | None) -> str:
    """A date in the words of the map; without any, ISO 8601, and midnight without a zone is a date."""
    try:
        moment = datetime.fromisoformat(iso)
    except (ValueError, TypeError):  # of a file of rows that somebody else wrote, or that was damaged
        raise FaultError(Cause.BAD_VALUE, f"column {column!r} holds a date that does not exist") from None
    if not form:
        return str(iso).removesuffix("T00:00:00")
    if moment.tzinfo and zone:
        moment = moment.astimezone(zone)
    return moment.strftime(form)
