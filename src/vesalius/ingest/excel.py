"""Workbooks (xlsx, xlsm, xls, ods) through a map: one item per row of one sheet."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from vesalius.errors import UnreadableInput
from vesalius.ingest import typed
from vesalius.ingest._items import Item
from vesalius.ingest._lines import readblock
from vesalius.ingest._rows import check_header
from vesalius.ingest._workbooks import SIZE, looked_through
from vesalius.ingest.csv_map import CsvMap
from vesalius.ingest.typed import again

__all__ = ["again", "read", "rows", "sheets"]


def read(stream: BinaryIO, csv_map: CsvMap) -> Iterator[Item]:
    """One item per row of the map's sheet that says something.

    Raises:
        UnreadableInput: the workbook is damaged, protected or too large, has no such sheet, or a column that
            the map reads is missing; nothing was yielded.
    """
    found = rows(stream, csv_map.sheet)
    header = list(csv_map.header) or _header(found, csv_map.header_row)
    check_header(header, csv_map)
    wide = len(header)
    for count, (row, values) in enumerate(found, 1):
        values = values[:wide] if not any(value is not None for value in values[wide:]) else values
        values += [None] * (wide - len(values))
        context = {"header": header, "row": count}
        yield typed.row(f"row {row}", values, context, csv_map)


def rows(stream: BinaryIO, sheet: str = "") -> Iterator[tuple[int, list[Any]]]:
    """The rows of a sheet that say something: the number of each in the sheet, and its values.

    Args:
        stream: the workbook.
        sheet: the name of the sheet; the first visible one, if empty.

    Raises:
        UnreadableInput: see :func:`read`.
    """
    file = _in_memory(stream)
    errors = looked_through(file)
    opened = _opened(file)
    name = _chosen(opened, sheet)
    wrong = errors[name].errors if name in errors else {}
    for number, cells in _cells(opened, name):
        values = [None if cell == "" else cell for cell in cells]
        if wrong:
            for place in range(len(values)):
                if error := wrong.get((number - 1, place)):
                    values[place] = typed.SheetError(error)
        if any(value is not None for value in values):
            yield number, values


def sheets(stream: BinaryIO) -> list[str]:
    """The names of the sheets of a workbook that hold cells and are not hidden."""
    file = _in_memory(stream)
    looked_through(file)
    return _visible(_opened(file))


def _in_memory(stream: BinaryIO) -> BinaryIO:
    """The stream itself, or its content if it is compressed, which cannot be read back and forth."""
    packed: object = stream
    if not isinstance(packed, gzip.GzipFile):
        return stream
    memory = io.BytesIO()
    while memory.tell() <= SIZE and (block := readblock(stream, SIZE)):
        memory.write(block)
    return memory


def _opened(file: BinaryIO) -> Any:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    file.seek(0)
    try:
        return CalamineWorkbook.from_filelike(cast("Any", file))
    except PasswordError:
        raise UnreadableInput("the workbook is protected by a password", hint="save it without one") from None
    except (CalamineError, OSError, ValueError) as error:
        raise _broken(error) from None
    except BaseException as error:  # a panic of the library is no Exception
        if type(error).__name__ == "PanicException":
            raise _broken(error) from None
        raise


def _broken(error: BaseException) -> UnreadableInput:
    words = "the workbook cannot be read: it is damaged, or not of a kind that we know"
    return UnreadableInput(f"{words} ({type(error).__name__})", hint="xlsx, xlsm, xls and ods are read")


def _visible(opened: Any) -> list[str]:
    return [
        each.name
        for each in opened.sheets_metadata
        if "WorkSheet" in str(each.typ) and str(each.visible).endswith(".Visible")
    ]


def _chosen(opened: Any, sheet: str) -> str:
    if not sheet:
        visible = _visible(opened)
        if not visible:
            raise UnreadableInput("the workbook has no visible sheet", hint="name its sheet in the map")
        return visible[0]
    if sheet not in opened.sheet_names:
        names = ", ".join(map(repr, opened.sheet_names[:10]))
        raise UnreadableInput(f"the workbook has no sheet {sheet!r}", hint=f"it has {names}")
    return sheet


def _cells(opened: Any, name: str) -> Iterator[tuple[int, list[Any]]]:
    try:
        sheet = opened.get_sheet_by_name(name)
        left = [""] * (sheet.start or (0, 0))[1]  # empty columns before the first that says something
        for number, row in enumerate(sheet.iter_rows(), 1):
            yield number, left + row
    except Exception as error:  # calamine names its errors freely
        raise _broken(error) from None
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise _broken(error) from None
        raise


def _header(found: Iterator[tuple[int, list[Any]]], header_row: int) -> list[str]:
    for place, (_, values) in enumerate(found, 1):
        if place == header_row:
            named = [index for index, value in enumerate(values) if value is not None]
            return ["" if value is None else str(value).strip() for value in values[: named[-1] + 1]]
    raise UnreadableInput("the sheet is empty: it has no row of column names")
