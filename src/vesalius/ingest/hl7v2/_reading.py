"""HL7 v2 as a format of the ingest room: from bytes to items."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, BinaryIO

from vesalius.ingest._causes import FaultError
from vesalius.ingest._items import Item
from vesalius.ingest.hl7v2._batches import Counter, parts
from vesalius.ingest.hl7v2._convert import Converter
from vesalius.ingest.hl7v2._message import parse
from vesalius.ingest.hl7v2._tables import Tables


def read(stream: BinaryIO, tables: Tables | None = None) -> Iterator[Item]:
    """One item per message; and one per trailer of a batch that announces another number of them than came.

    Args:
        stream: the file, from its beginning.
        tables: what to convert by; the official tables with our additions, if not given.

    Raises:
        FaultError: the compressed stream breaks off or is damaged.
    """
    counter, number = Counter(), 0
    for part in parts(stream):
        fault = counter.see(part) or part.fault
        number += part.kind == "MSH"
        if part.kind == "MSH" and not fault:
            yield item(part.raw, f"message {number}", tables)
        elif fault:
            place = f"message {number}" if part.kind == "MSH" else f"after message {number}"
            yield Item(place, part.raw, fault=fault)


def again(
    raw: bytes,
    place: str,
    context: dict[str, Any],  # noqa: ARG001 -- the form of every format
    tables: Tables | None = None,
) -> list[Item]:
    """Reads one message that was held once more."""
    return [item(raw, place, tables)]


def item(raw: bytes, place: str, tables: Tables | None = None) -> Item:
    """One message as an item: its resources, or the fault that keeps it out.

    Args:
        raw: the message, with or without its MLLP frame.
        place: where it stands, for people.
        tables: what to convert by; the official tables with our additions, if not given.
    """
    try:
        return Item(place, raw, converter(tables).found(parse(raw), raw))
    except FaultError as fault:
        return Item(place, raw, fault=fault)


def converter(tables: Tables | None = None) -> Converter:
    """The converter by some tables; the standard one is made once."""
    return Converter(tables) if tables else _standard()


@lru_cache(maxsize=1)
def _standard() -> Converter:
    return Converter()
