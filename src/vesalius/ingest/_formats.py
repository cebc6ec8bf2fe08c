"""The formats that can be received: each a reader, and how a file of it is recognised.

A new format is a module with two functions and one line of :data:`FORMATS`:

``read(stream)`` yields one :class:`Item` per part that can be taken in or held by itself (a line, an entry, a
message). It never raises for bad content, but for ``UnreadableInput`` (nothing of the file can be understood)
and ``FaultError`` (the file breaks off here). ``again(raw, place, context)`` reads one such part that was
held once more, from the ``raw`` and ``context`` of its item.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec

from vesalius.errors import UnreadableInput
from vesalius.ingest import bundle, ccda, delimited, excel, hl7v2, kmehr, ndjson, parquet, typed
from vesalius.ingest._items import Item
from vesalius.ingest._maps import Map
from vesalius.ingest.csv_map import CsvMap
from vesalius.ingest.hl7v2 import Tables

CSV = "csv"

HL7V2 = "hl7v2"
_HL7V2_SUFFIXES = ("hl7", "er7", "v2")


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        name: as receipts and ``--format`` name it.
        suffixes: the endings of the names of its files, without ``.gz``.
        read: what reads a stream of it from the beginning.
        again: what reads one held item of it again.
        recognises: whether a file that begins with these bytes (a line, or a mebibyte) is one.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[BinaryIO], Iterator[Item]]
    again: Callable[[bytes, str, dict[str, Any]], list[Item]]
    recognises: Callable[[bytes], bool]


def _is_json(first: bytes) -> bool:
    try:
        msgspec.json.decode(first, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return False
    return first.startswith(b"{")


def _is_hl7v2(first: bytes) -> bool:
    head = first.lstrip(b"\x0b")
    return head[:3] in {b"MSH", b"FHS", b"BHS"} and not head[3:4].isalnum() and len(head) > 8


FORMATS: tuple[Format, ...] = (
    Format("ndjson", ("ndjson", "jsonl"), ndjson.read, ndjson.again, _is_json),
    Format("bundle", ("json",), bundle.read, bundle.again, lambda first: first.startswith(b"{")),
    Format(HL7V2, _HL7V2_SUFFIXES, hl7v2.read, hl7v2.again, _is_hl7v2),
    # both are .xml: the root tells them apart
    Format("kmehr", (), kmehr.read, kmehr.again, kmehr.recognises),
    Format("ccda", (), ccda.read, ccda.again, ccda.recognises),
)
"""Every format that needs no map, the first that recognises a file before the others."""

TABLES: dict[str, tuple[str, ...]] = {
    CSV: ("csv", "tsv", "txt"),
    "excel": ("xlsx", "xlsm", "xls", "ods"),
    "parquet": ("parquet",),
    "rows": (),
}
"""The formats that need a map: their names, and the endings of the names of their files."""

NAMES = (*TABLES, *(each.name for each in FORMATS))
"""The name of every format."""

_MAGIC = {b"PK\x03\x04": "excel", b"\xd0\xcf\x11\xe0": "excel", b"PAR1": "parquet"}


def format_of(name: str, given: Map | None) -> Format:
    """The format called ``name``, reading through the map that was given for it.

    Raises:
        UnreadableInput: there is no such format, or it is a table and there is no map.
    """
    if name in TABLES:
        if not isinstance(given, CsvMap):
            kind = "a CSV file" if name == CSV else f"a file of format {name}"
            raise UnreadableInput(f"{kind} needs a map", hint="docs/engineer/csv-maps.md")
        return _table(name, given)
    if name == HL7V2 and isinstance(given, Tables):
        return _hl7v2(given)
    for each in FORMATS:
        if each.name == name:
            return each
    raise UnreadableInput(f"there is no format {name!r}", hint=f"one of {', '.join(NAMES)}")


def _table(name: str, csv_map: CsvMap) -> Format:
    readers = {CSV: delimited, "excel": excel, "parquet": parquet, "rows": typed}
    reader: Any = readers[name]
    return Format(
        name,
        TABLES[name],
        lambda stream: reader.read(stream, csv_map),
        lambda raw, place, context: reader.again(raw, place, context, csv_map),
        lambda _: False,
    )


def _hl7v2(tables: Tables) -> Format:
    return Format(
        HL7V2,
        _HL7V2_SUFFIXES,
        lambda stream: hl7v2.read(stream, tables),
        lambda raw, place, context: hl7v2.again(raw, place, context, tables),
        _is_hl7v2,
    )


def cells(format: str, raw: bytes, csv_map: CsvMap) -> list[str]:  # noqa: A002
    """The cells of one held row of a table, for people.

    Raises:
        UnreadableInput: it cannot be split into cells.
    """
    return delimited.cells(raw, csv_map) if format == CSV else typed.shown(raw)


def detect(name: str, first: Callable[[], bytes], *, mapped: bool) -> str:
    """The format of a file: by its name, else by its beginning.

    Args:
        name: the name it came under.
        first: reads its first line, decompressed; called only where the name does not tell.
        mapped: whether a map was given, which only tables have.

    Raises:
        UnreadableInput: neither tells.
    """
    suffix = name.lower().removesuffix(".gz").rpartition(".")[2]
    by_suffix = {ending: name for name, endings in TABLES.items() for ending in endings}
    by_suffix |= {ending: each.name for each in FORMATS for ending in each.suffixes}
    if suffix in by_suffix:
        return by_suffix[suffix]
    if mapped:
        return _MAGIC.get(first()[:4], CSV)
    beginning = first().removeprefix(b"\xef\xbb\xbf").strip()
    for each in FORMATS:
        if each.recognises(beginning):
            return each.name
    raise UnreadableInput("its format cannot be told from its name or its first line", hint="name the format")
