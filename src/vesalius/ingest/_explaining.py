"""The ways of the fields of a file of HL7 v2, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vesalius.errors import UnreadableInput
from vesalius.ingest import hl7v2
from vesalius.ingest._causes import FaultError
from vesalius.ingest.hl7v2._batches import parts


def explained(path: Path, map_file: Path | None = None, *, unmapped: bool = False) -> Iterator[str]:
    """A line for each valued field of each message: where it goes, and by which maps. No value is repeated.

    Args:
        path: the file of messages.
        map_file: the hospital's own rows.
        unmapped: only the fields that go nowhere.

    Raises:
        InvalidMap: the map is wrong.
        UnreadableInput: the file holds no message, or cannot be opened.
    """
    converter = hl7v2.converter(hl7v2.Tables.load(map_file) if map_file else None)
    number = 0
    try:
        with path.open("rb") as stream:
            for part in parts(stream):
                if part.kind == "MSH":
                    number += 1
                    yield from _message(part.raw, number, converter, unmapped=unmapped)
    except OSError as error:
        raise UnreadableInput(f"the file cannot be opened: {error.strerror}") from None
    except FaultError as fault:
        raise UnreadableInput(fault.words) from None
    if not number:
        raise UnreadableInput("the file holds no HL7 v2 message")


def _message(raw: bytes, number: int, converter: hl7v2.Converter, *, unmapped: bool) -> Iterator[str]:
    try:
        message = hl7v2.parse(raw)
        yield f"message {number}: {message.header.type} as {converter.structure_of(message)}"
        ways = list(hl7v2.explain(message, converter))
    except FaultError as fault:
        yield f"message {number} is held: {fault.words}"
        return
    for way in ways:
        if not way.target:
            yield f"  {way.place:<10} {way.group:<36} not mapped"
        elif not unmapped:
            yield f"  {way.place:<10} {way.group:<36} {way.target}  ({way.by})"
