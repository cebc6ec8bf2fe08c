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
from vesalius.ingest import bundle, delimited, hl7v2, ndjson
from vesalius.ingest._items import Item
from vesalius.ingest._maps import Map
from vesalius.ingest.csv_map import CsvMap
from vesalius.ingest.hl7v2 import Tables

CSV = "csv"
"""The one format that needs a map."""

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
)
"""Every format that needs no map, the first that recognises a file before the others."""

NAMES = (CSV, *(each.name for each in FORMATS))
"""The name of every format."""

_CSV_SUFFIXES = ("csv", "tsv", "txt")


def format_of(name: str, given: Map | None) -> Format:
    """The format called ``name``, reading through the map that was given for it.

    Raises:
        UnreadableInput: there is no such format, or it is CSV and there is no map.
    """
    if name == CSV:
        if not isinstance(given, CsvMap):
            raise UnreadableInput("a CSV file needs a map", hint="docs/engineer/csv-maps.md")
        return _csv(given)
    if name == HL7V2 and isinstance(given, Tables):
        return _hl7v2(given)
    for each in FORMATS:
        if each.name == name:
            return each
    raise UnreadableInput(f"there is no format {name!r}", hint=f"one of {', '.join(NAMES)}")


def _csv(csv_map: CsvMap) -> Format:
    return Format(
        CSV,
        _CSV_SUFFIXES,
        lambda stream: delimited.read(stream, csv_map),
        lambda raw, place, context: delimited.again(raw, place, context, csv_map),
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


def detect(name: str, first: Callable[[], bytes], *, mapped: bool) -> str:
    """The format of a file: by its name, else by its beginning.

    Args:
        name: the name it came under.
        first: reads its first line, decompressed; called only where the name does not tell.
        mapped: whether a map was given, which only CSV has.

    Raises:
        UnreadableInput: neither tells.
    """
    suffix = name.lower().removesuffix(".gz").rpartition(".")[2]
    if suffix in _CSV_SUFFIXES:
        return CSV
    by_suffix = {ending: each.name for each in FORMATS for ending in each.suffixes}
    if suffix in by_suffix:
        return by_suffix[suffix]
    if mapped:
        return CSV
    beginning = first().removeprefix(b"\xef\xbb\xbf").strip()
    for each in FORMATS:
        if each.recognises(beginning):
            return each.name
    raise UnreadableInput("its format cannot be told from its name or its first line", hint="name the format")
