"""CSV and TSV through a map: one item per row.

Rows are put together from lines, so that the original bytes of each are known and one that cannot be read
takes
no other with it: a quote that never closes costs its own line, not the rest of the file.
"""

from __future__ import annotations

import csv
import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from vesalius.errors import UnreadableInput
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._items import Item
from vesalius.ingest._lines import LIMIT, Line, lines
from vesalius.ingest._rows import check_header, lacks_column, row_item
from vesalius.ingest.csv_map import CsvMap

BOM = b"\xef\xbb\xbf"

_LONGEST = 200
"""The most lines that one quoted row may take."""


class _OpenQuoteError(Exception):
    """The row goes on in the next line."""


@dataclass(frozen=True, slots=True)
class _Record:
    line: int
    raw: bytes
    cells: list[str]
    fault: FaultError | None = None


def read(stream: BinaryIO, csv_map: CsvMap) -> Iterator[Item]:
    """One item per row.

    Raises:
        UnreadableInput: there is no header, or a column that the map reads is missing; nothing was yielded.
        FaultError: the compressed stream breaks off or is damaged.
    """
    records = _records(stream, csv_map)
    header = list(csv_map.header) or _header(records, csv_map)
    check_header(header, csv_map)
    for number, record in enumerate(records, 1):
        context = {"header": header, "row": number}
        yield _item(record, f"line {record.line}", context, csv_map)


def again(raw: bytes, place: str, context: dict[str, Any], csv_map: CsvMap) -> list[Item]:
    """Reads one row that was held once more, perhaps through a mended map."""
    if fault := lacks_column(context["header"], csv_map):
        return [Item(place, raw, fault=fault, context=context)]
    try:
        record = _Record(0, raw, _split(raw, csv_map))
    except (FaultError, _OpenQuoteError) as error:
        record = _Record(0, raw, [], error if isinstance(error, FaultError) else _unclosed())
    return [_item(record, place, context, csv_map)]


def cells(raw: bytes, csv_map: CsvMap) -> list[str]:
    """The cells of one row, as they are written.

    Raises:
        UnreadableInput: it cannot be split into cells.
    """
    try:
        return _split(raw, csv_map)
    except (FaultError, _OpenQuoteError):
        raise UnreadableInput("the row cannot be split into cells") from None


def _header(records: Iterator[_Record], csv_map: CsvMap) -> list[str]:
    record = next(itertools.islice(records, csv_map.header_row - 1, None), None)
    if record is None:
        raise UnreadableInput("the file is empty: it has no header line")
    if record.fault:
        raise UnreadableInput(f"the header cannot be read: {record.fault.words}")
    return [name.strip() for name in record.cells]


def _item(record: _Record, place: str, context: dict[str, Any], csv_map: CsvMap) -> Item:
    if record.fault:
        return Item(place, record.raw, fault=record.fault, context=context)
    return row_item(place, record.raw, record.cells, context, csv_map)


def _records(stream: BinaryIO, csv_map: CsvMap) -> Iterator[_Record]:
    source, waiting = lines(stream), deque[Line]()
    while line := (waiting.popleft() if waiting else next(source, None)):
        raw = line.raw.removeprefix(BOM) if line.number == 1 else line.raw
        if line.too_long:
            yield _Record(line.number, raw, [], line.too_long)
        elif raw.strip(b"\r\n"):
            yield _record(Line(line.number, raw, line.length), source, waiting, csv_map)


def _record(line: Line, source: Iterator[Line], waiting: deque[Line], csv_map: CsvMap) -> _Record:
    try:
        return _Record(line.number, line.raw, _split(line.raw, csv_map))
    except FaultError as fault:
        return _Record(line.number, line.raw, [], fault)
    except _OpenQuoteError:
        return _quoted(line, source, waiting, csv_map)


def _quoted(line: Line, source: Iterator[Line], waiting: deque[Line], csv_map: CsvMap) -> _Record:
    """A row that goes on over several lines; if its quote does not close, only its first line is lost."""
    raw, taken = line.raw, deque[Line]()
    quote = csv_map.quote.encode(csv_map.encoding)
    while len(taken) < _LONGEST and len(raw) <= LIMIT:
        following = waiting.popleft() if waiting else next(source, None)
        if following is None:
            break
        taken.append(following)
        raw += following.raw
        if quote not in following.raw:
            continue
        try:
            return _Record(line.number, raw, _split(raw, csv_map))
        except _OpenQuoteError:
            continue
        except FaultError:
            break
    waiting.extendleft(reversed(taken))
    return _Record(line.number, line.raw, [], _unclosed())


def _unclosed() -> FaultError:
    return FaultError(Cause.MALFORMED, "a quote is opened and not closed")


def _split(raw: bytes, csv_map: CsvMap) -> list[str]:
    try:
        text = raw.decode(csv_map.encoding).rstrip("\r\n")
    except UnicodeError:
        raise FaultError(Cause.UNDECODABLE, f"the line is not {csv_map.encoding}") from None
    form: dict[str, Any] = {"quotechar": csv_map.quote} if csv_map.quote else {"quoting": csv.QUOTE_NONE}
    try:
        return next(csv.reader([text], delimiter=csv_map.delimiter, strict=True, **form))
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise _OpenQuoteError from None
        raise FaultError(Cause.MALFORMED, f"the row cannot be split into cells: {error}") from None
