"""HL7 v2 as a format of the ingest room: from bytes to items."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._items import Found, Item
from vesalius.ingest.hl7v2._batches import Counter, parts
from vesalius.ingest.hl7v2._message import parse


def read(stream: BinaryIO) -> Iterator[Item]:
    """One item per message; and one per trailer of a batch that announces another number of them than came.

    Raises:
        FaultError: the compressed stream breaks off or is damaged.
    """
    counter, number = Counter(), 0
    for part in parts(stream):
        fault = part.fault or counter.see(part)
        if part.kind == "MSH" and not fault:
            number += 1
            yield item(part.raw, f"message {number}")
        elif fault:
            place = f"after message {number}" if part.kind != "MSH" else f"message {number + 1}"
            yield Item(place, part.raw, fault=fault)


def again(raw: bytes, place: str, context: dict[str, Any]) -> list[Item]:  # noqa: ARG001 -- a format's form
    """Reads one message that was held once more."""
    return [item(raw, place)]


def item(raw: bytes, place: str) -> Item:
    """One message as an item: its resources, or the fault that keeps it out.

    Args:
        raw: the message, with or without its MLLP frame.
        place: where it stands, for people.
    """
    try:
        return Item(place, raw, _found(raw))
    except FaultError as fault:
        return Item(place, raw, fault=fault)


def _found(raw: bytes) -> tuple[Found, ...]:
    parse(raw)
    raise FaultError(Cause.UNSUPPORTED, "messages are not yet converted")
