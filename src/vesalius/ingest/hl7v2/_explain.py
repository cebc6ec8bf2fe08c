"""Where each field of a message goes, and which go nowhere: for the person who connects a system."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from vesalius.ingest.hl7v2._convert import Converter
from vesalius.ingest.hl7v2._message import DELETE, Message
from vesalius.ingest.hl7v2._structure import placed
from vesalius.ingest.hl7v2._tables import Node, Row


class Way(NamedTuple):
    """Where one field goes.

    Attributes:
        place: the segment and its number in the message, and the field: ``2 PID-5``.
        group: the group of the structure that holds the segment.
        target: the element of FHIR; empty where no row maps the field.
        by: the maps that it goes through.
    """

    place: str
    group: str
    target: str
    by: str


def explain(message: Message, converter: Converter) -> Iterator[Way]:
    """The way of each valued field of a message, in its order. No value of it is repeated.

    Raises:
        FaultError: no structure holds for its type.
    """
    root = converter.shape(message).root
    for ordinal, (segment, frame, node) in enumerate(placed(root, message.segments), 1):
        known = node.uses if node else [converter.tables.anywhere(segment.name)]
        uses = [use for use in known if use and use.map]
        group = ".".join(frame.node.path) or root.name
        for number in range(1, len(segment.fields)):
            raw = segment.fields[number]
            if not raw or raw == DELETE or (segment.name == "MSH" and number < 3):
                continue
            place = f"{ordinal} {segment.name}-{number}"
            found = [
                (f"{use.target}.{_written(row)}".rstrip("."), _maps(use.map, row))
                for use in uses
                for row in converter.tables.segments.get(use.map, ())
                if row.field == number and row.assigned is None
            ]
            yield from (Way(place, group, target, by) for target, by in found or [("", "")])


def _written(row: Row) -> str:
    return "".join(_step(step, first=not place) for place, step in enumerate(row.path))


def _step(step: Node, *, first: bool) -> str:
    if step[0] == ">":
        return f" → {step[1]}"
    return f"{'' if first else '.'}{step[0]}"


def _maps(segment: str, row: Row) -> str:
    return " ".join(part for part in (segment, row.datatype, row.codes and f"codes {row.codes}") if part)
