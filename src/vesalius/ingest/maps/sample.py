"""How a table is written, found out from its beginning, and its first rows as texts."""

from __future__ import annotations

import csv
import io
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vesalius.errors import UnreadableInput
from vesalius.ingest import excel, parquet, sql, typed
from vesalius.ingest._causes import FaultError
from vesalius.ingest._files import opened, unpacked
from vesalius.ingest._formats import detect
from vesalius.ingest._lines import readblock
from vesalius.ingest.csv_map import CsvMap

LOOKED_AT = 512 * 1024
"""How many bytes tell how a CSV file is written."""

ROWS = 50_000
"""How many rows are looked at, at most."""

_DELIMITERS = ",;\t|"


@dataclass
class Sample:
    """The beginning of a table.

    Attributes:
        kind: ``csv``, ``excel``, ``parquet`` or ``rows``.
        header: the names of its columns.
        rows: its first rows, as texts.
        named: whether the table names its columns itself.
        delimiter, quote, encoding: how a CSV file is written.
        header_row, sheet: as in a map.
        notes: what a person should know of how it is written.
    """

    kind: str
    header: list[str]
    rows: Iterable[list[str]]
    named: bool = True
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    header_row: int = 1
    sheet: str = ""
    notes: list[str] = field(default_factory=list)


def sample(path: Path, sheet: str = "", rows: int = ROWS) -> Sample:
    """The beginning of a file.

    Args:
        path: a CSV file, a workbook or a Parquet file.
        sheet: the sheet of a workbook; its first visible one, if empty.
        rows: how many rows to give at most.

    Raises:
        UnreadableInput: it cannot be read, or is no table.
    """
    with opened(path) as file:
        kind = detect(path.name, lambda: unpacked(file).read(8), mapped=True)
        try:
            match kind:
                case "csv":
                    return _csv(unpacked(file), rows)
                case "excel":
                    found = (values for _, values in excel.rows(unpacked(file), sheet))
                    return _typed(kind, itertools.islice(found, rows + 20), sheet)
                case "parquet":
                    return _typed(kind, itertools.islice(parquet.rows(unpacked(file)), rows + 1), sheet)
        except FaultError as fault:
            raise UnreadableInput(fault.words) from None
    raise UnreadableInput("a map is for tables: CSV, workbooks, Parquet", hint="FHIR needs none")


def sample_of_table(table: sql.Table, rows: int = ROWS) -> Sample:
    """The first rows of a table of another database."""
    return _typed("rows", sql.columns(table, rows), "")


# -- workbooks, Parquet, databases -------------------------------------------------------------------------


def _typed(kind: str, found: Iterable[list[Any]], sheet: str) -> Sample:
    every = list(found)
    if not every:
        raise UnreadableInput("the table is empty: it has no column names")
    at = _header_place([[_word(value) for value in row] for row in every[:20]])
    header = [_word(value).strip() for value in every[at]]
    while header and not header[-1]:
        header.pop()
    reader = _reader(header)
    wide = len(header)
    texts = [
        typed.texts(typed.encode([*row, *[None] * (wide - len(row))][:wide]), reader, header)
        for row in every[at + 1 :]
        if not any(isinstance(value, typed.SheetError) for value in row)
    ]
    return Sample(kind, header, texts, header_row=at + 1, sheet=sheet)


def _reader(header: list[str]) -> CsvMap:
    """A map that reads every column and changes nothing: typed dates in ISO 8601."""
    return CsvMap("sample", "", "", ",", '"', "utf-8", (), frozenset(header))


def _word(value: Any) -> str:
    return "" if value is None else str(value)


# -- CSV ---------------------------------------------------------------------------------------------------


def _csv(stream: Any, rows: int) -> Sample:
    beginning = b""
    while len(beginning) < LOOKED_AT and (block := readblock(stream, LOOKED_AT - len(beginning))):
        beginning += block
    whole = len(beginning) < LOOKED_AT
    encoding, notes = _encoding(beginning, whole)
    text = beginning.removeprefix(b"\xef\xbb\xbf").decode(encoding, "replace")
    lines = text.splitlines(keepends=True)
    lines = lines if whole or len(lines) < 2 else lines[:-1]
    if not any(line.strip() for line in lines):
        raise UnreadableInput("the file is empty: it has no header line")
    delimiter, quote = _form(lines[:200])
    rest = io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="")
    try:
        cut = text[sum(map(len, lines)) :] + rest.readline()
        parsed = list(
            itertools.islice(_parsed(itertools.chain(lines, [cut], rest), delimiter, quote), rows + 50)
        )
    finally:
        rest.detach()  # the stream is not ours to close
    at = _header_place(parsed[:50])
    named = _names_columns(parsed[at], parsed[at + 1 : 50])
    header = [name.strip() if named else f"c{place}" for place, name in enumerate(parsed[at], 1)]
    body = parsed[at + 1 if named else at :][:rows]
    kept = [row for row in body if len(row) == len(header)]
    if any(row.count("\ufffd") for row in ("".join(row) for row in kept[:1000])) and encoding == "utf-8":
        notes.append("some lines are not UTF-8: they would be held")
    return Sample(
        "csv",
        header,
        kept,
        named=named,
        delimiter=delimiter,
        quote=quote,
        encoding=encoding,
        header_row=at + 1 if named else 1,
        notes=notes,
    )


def _encoding(beginning: bytes, whole: bool) -> tuple[str, list[str]]:
    if beginning[:2] in {b"\xff\xfe", b"\xfe\xff"} or beginning[:400].count(b"\x00") > 20:
        raise UnreadableInput(
            "the file is UTF-16 or not text: lines cannot be told apart in it",
            hint="save it as UTF-8, as in: iconv -f UTF-16 -t UTF-8",
        )
    try:
        beginning.decode("utf-8")
    except UnicodeDecodeError as error:
        if not whole and error.start >= len(beginning) - 4:  # cut within a letter
            return "utf-8", []
    else:
        return "utf-8", []
    note = "the file is not UTF-8: look whether accents and signs come out right"
    windows = any(0x80 <= byte <= 0x9F for byte in beginning)
    if windows:
        try:
            beginning.decode("cp1252")
        except UnicodeDecodeError:
            windows = False
    return ("cp1252" if windows else "iso-8859-15"), [note]


def _form(lines: list[str]) -> tuple[str, str]:
    """The delimiter and quote with which most lines have the same number of cells, and the most of them."""
    best, found = (0.0, 0), (",", '"')
    for delimiter in _DELIMITERS:
        for quote in ('"', ""):
            widths = Counter(len(row) for row in _parsed(lines, delimiter, quote))
            width, count = max(widths.items(), key=lambda each: (each[1], each[0]), default=(0, 0))
            score = (round(count / max(1, widths.total()), 2) if width > 1 else 0.0, width)
            if score > best:
                best, found = score, (delimiter, quote)
    return found


def _parsed(lines: Iterable[str], delimiter: str, quote: str) -> Iterator[list[str]]:
    form: dict[str, Any] = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
    reader = csv.reader(lines, delimiter=delimiter, **form)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            continue
        if row:
            yield row


def _header_place(rows: list[list[str]]) -> int:
    """Which row names the columns: the first that is as wide as most."""
    widths = Counter(_width(row) for row in rows)
    common = max(widths, key=lambda width: (widths[width], width), default=0)
    return next(
        (at for at, row in enumerate(rows) if _width(row) >= min(common, 2) and _width(row) >= common - 2), 0
    )


def _width(row: list[str]) -> int:
    return max((place for place, cell in enumerate(row, 1) if cell.strip()), default=0)


def _names_columns(first: list[str], rows: list[list[str]]) -> bool:
    """Whether a row holds names and not data: no numbers, no doubles, or nothing that comes again below."""
    named = [cell.strip() for cell in first if cell.strip()]
    numbers = sum(cell.replace(".", "", 1).replace(",", "", 1).isdigit() for cell in named)
    below = {cell.strip() for row in rows for cell in row}
    again = sum(cell in below for cell in named)
    return bool(named) and numbers <= len(named) * 0.2 and again <= len(named) * 0.5
