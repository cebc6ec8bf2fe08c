"""Looking at a workbook before it is opened: is it what it says, and how large does it become?

Calamine builds the whole rectangle of a sheet in memory, however few of its cells are filled, and gives an
error in a cell as an empty cell. So the XML is looked through first, in pieces: its real size, the corner of
each sheet, and where errors stand.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, BinaryIO

from lxml import etree

from vesalius.errors import UnreadableInput

SIZE = 256 * 1024 * 1024
"""The largest workbook, in bytes as it comes."""

UNPACKED = 2 * 1024 * 1024 * 1024
"""The most bytes that its parts may become."""

CELLS = 20_000_000
"""The largest rectangle of cells that is built in memory: about 0.6 GB."""

_ZIP = b"PK\x03\x04"
_CHUNK = 1024 * 1024
_TAIL = 4096

# What Python says of a damaged package: a list of parts that points before its beginning is a ValueError.
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError),
    *(NotImplementedError, RuntimeError, KeyError, ValueError),
)

_CELL = re.compile(rb"<(?:\w+:)?c\b([^<>]*)>([^<]*<(?:\w+:)?v>([^<]{0,16})<)?")
_REFERENCE = re.compile(rb"""\br\s*=\s*["']([A-Z]{1,4})(\d{1,8})["']""")
_IS_ERROR = re.compile(rb"""\bt\s*=\s*["']e["']""")
_ROW = re.compile(rb"<(?:\w+:)?row\b[^<>]*>")


@dataclass
class Sheet:
    """What stands in the XML of one sheet.

    Attributes:
        bottom, right: its last row and column, from 1.
        errors: the errors in its cells, by row and column from 0.
    """

    bottom: int = 0
    right: int = 0
    errors: dict[tuple[int, int], str] = field(default_factory=dict)


def looked_through(file: BinaryIO) -> dict[str, Sheet]:
    """The sheets of a workbook by name; none, if it is not of a kind that is packed.

    Raises:
        UnreadableInput: it is damaged, or too large to be opened.
    """
    file.seek(0, 2)
    if file.tell() > SIZE:
        raise UnreadableInput(f"the workbook has more than {SIZE} bytes", hint="send it as CSV")
    file.seek(0)
    if file.read(4) != _ZIP:
        return {}
    try:
        with zipfile.ZipFile(file) as package:
            return _packed(package)
    except _DAMAGED:
        raise UnreadableInput("the workbook is damaged: it cannot be unpacked") from None
    except etree.XMLSyntaxError:
        raise UnreadableInput("the workbook is damaged: a part of it is not XML") from None


def _packed(package: zipfile.ZipFile) -> dict[str, Sheet]:
    if sum(part.file_size for part in package.infolist()) > UNPACKED:
        raise _too_large()
    names = set(package.namelist())
    if "content.xml" in names:
        _check_ods(package)
        return {}
    parts = _sheet_parts(package) if "xl/workbook.xml" in names else {}
    sheets = {name: _sheet(package, part) for name, part in parts.items() if part in names}
    for name in names - set(parts.values()):
        _read_through(package, name)
    return sheets


def _too_large() -> UnreadableInput:
    return UnreadableInput("the workbook is too large once it is unpacked", hint="send it as CSV")


def _read_through(package: zipfile.ZipFile, name: str) -> None:
    """Reads a part to its end, so that its size and its checksum are what its list says."""
    with package.open(name) as part:
        while part.read(_CHUNK):
            pass


def _sheet_parts(package: zipfile.ZipFile) -> dict[str, str]:
    """The part of the package that holds each sheet, by the name of the sheet."""
    targets = {
        element.get("Id"): element.get("Target", "")
        for element in _elements(package, "xl/_rels/workbook.xml.rels", "Relationship")
    }
    found = {}
    for element in _elements(package, "xl/workbook.xml", "sheet"):
        related = next((value for name, value in element.attrib.items() if str(name).endswith("}id")), "")
        target = targets.get(related) or ""
        found[element.get("name", "")] = target[1:] if target.startswith("/") else f"xl/{target}"
    return found


def _elements(package: zipfile.ZipFile, part: str, name: str) -> list[etree._Element]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    root = etree.fromstring(package.read(part), parser)
    return [element for element in root.iter() if str(element.tag).endswith("}" + name)]


def _sheet(package: zipfile.ZipFile, part: str) -> Sheet:
    sheet, row = Sheet(), 0
    with package.open(part) as xml:
        for piece in _pieces(xml):
            for found in _CELL.finditer(piece):
                _note(sheet, found)
            row += len(_ROW.findall(piece))
    sheet.bottom = max(sheet.bottom, row)
    if sheet.bottom * sheet.right > CELLS:
        raise UnreadableInput(
            f"a sheet reaches to row {sheet.bottom} and column {sheet.right}: too large a rectangle",
            hint="delete the far cells, or send it as CSV",
        )
    return sheet


def _note(sheet: Sheet, found: re.Match[bytes]) -> None:
    place = _REFERENCE.search(found[1])
    if found[1].endswith(b"/"):
        return
    if not place:
        if _IS_ERROR.search(found[1]):  # it would be read as an empty cell
            hint = "open it in a spreadsheet program and save it again"
            raise UnreadableInput("a cell with an error does not say where it stands", hint=hint)
        return
    column = 0
    for letter in place[1]:
        column = column * 26 + letter - 64
    row = int(place[2])
    sheet.bottom, sheet.right = max(sheet.bottom, row), max(sheet.right, column)
    if _IS_ERROR.search(found[1]) and len(sheet.errors) < CELLS // 20:
        sheet.errors[row - 1, column - 1] = (found[3] or b"#ERROR").decode("ascii", "replace")


def _pieces(xml: IO[bytes]) -> Iterator[bytes]:
    """The bytes of a part in pieces that end before a cell begins, so that no cell is cut."""
    kept = b""
    while chunk := xml.read(_CHUNK):
        whole = kept + chunk
        cut = max(whole.rfind(b"<c "), whole.rfind(b":c "), whole.rfind(b"<row"), len(whole) - _TAIL)
        cut = whole.rfind(b"<", 0, cut + 1) if cut > 0 else -1
        if cut <= 0:
            cut = 0 if len(whole) < 4 * _CHUNK else len(whole)
        yield whole[:cut]
        kept = whole[cut:]
    yield kept


def _check_ods(package: zipfile.ZipFile) -> None:
    """Refuses a spreadsheet whose repeated rows and columns become too large a rectangle."""
    bottom = right = row_times = width = 0
    with package.open("content.xml") as xml:
        events = etree.iterparse(xml, events=("start", "end"), resolve_entities=False, no_network=True)
        for event, element in events:
            name = etree.QName(element).localname
            if event == "start" and name == "table":
                bottom = right = 0
            elif event == "start" and name == "table-row":
                row_times, width = _times(element, "rows"), 0
            elif event == "end" and name == "table-cell":
                width += _times(element, "columns") if _says_something(element) else 0
            elif event == "end" and name == "table-row":
                bottom, right = bottom + (row_times if width else 0), max(right, width)
                if bottom * right > CELLS:
                    raise UnreadableInput("a sheet is too large a rectangle", hint="send it as CSV")
                element.clear()
    for name in package.namelist():
        _read_through(package, name)


def _says_something(cell: etree._Element) -> bool:
    return len(cell) > 0 or any(str(name).endswith("}value-type") for name in cell.attrib)


def _times(element: etree._Element, what: str) -> int:
    for name, value in element.attrib.items():
        if str(name).endswith(f"}}number-{what}-repeated") and str(value).isdigit():
            return min(int(value), CELLS + 1)
    return 1
