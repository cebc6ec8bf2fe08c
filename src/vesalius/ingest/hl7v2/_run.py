"""One conversion: the message, where it stands, and the resources that grow out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vesalius.ingest.hl7v2._message import DELETE, Message, Segment
from vesalius.ingest.hl7v2._structure import Frame
from vesalius.ingest.hl7v2._tables import Tables
from vesalius.ingest.hl7v2._times import Clock

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

REFERENCE = "reference"
_BETWEEN = "\x1f"

Named = dict[tuple[str, str], dict[str, Any]]
"""Finished resources, by type and id."""


Mark = tuple[int, int]
"""A moment of a conversion: how many drafts and how many mentions there were."""


class Draft:
    """A resource in the making.

    Attributes:
        type: its resource type.
        resource: its elements so far, without type and id.
        frame: the group of the message in which it was begun.
        segment: the segment that began it, and ``ordinal``, the number of that in the message.
        said: whether a value of the message went into it, not only what the tables assign.
        id: once it is known.
    """

    __slots__ = ("frame", "id", "ordinal", "resource", "said", "segment", "type")

    def __init__(self, type_: str, frame: Frame, segment: Segment, ordinal: int) -> None:
        self.type = type_
        self.resource: dict[str, Any] = {}
        self.frame = frame
        self.segment = segment
        self.ordinal = ordinal
        self.said = False
        self.id = ""


class Run:
    """One message on its way to resources.

    Attributes:
        message, tables, clock: what is converted, and by what.
        sender: who sent it: what names of his own are distinguished by.
        drafts: the resources, in the order in which they were begun.
        frame, segment, ordinal: where it stands.
        place: the field it stands at, for messages: ``PID-7``.
        saying: whether what is put now comes from the message, and is not only assigned by the tables.
        registers: finished resources of what comes back in nearly every message; of the same one, the last.
        context: what the meaning of a field depends on beside its text: who sent it, and how he writes.
        slots: the elements of lists that were begun, by where and from what they were.
        keep: keeps an element alive, whose identity names slots, after its content went into another.
    """

    __slots__ = (
        "_mentions",
        "clock",
        "context",
        "drafts",
        "escape",
        "frame",
        "keep",
        "message",
        "ordinal",
        "place",
        "registers",
        "saying",
        "segment",
        "sender",
        "slots",
        "tables",
    )

    def __init__(self, message: Message, tables: Tables, frame: Frame) -> None:
        head = message.header
        self.message = message
        self.tables = tables
        self.escape = message.delimiters.escape or "\0"
        self.clock = Clock(tables.zone, head.sent_at)
        self.sender = head.sending_facility or head.sending_application or "unknown"
        self.drafts: list[Draft] = []
        self.frame = frame
        self.segment = message.segments[0]
        self.ordinal = 0
        self.place = "MSH"
        self.registers: Named = {}
        self._mentions: list[tuple[int, Named]] = []
        self.context = _BETWEEN.join(
            (self.sender, *message.delimiters, message.encoding, self.clock.offset)
        )  # one text: its hash is taken once
        self.saying = False
        self.slots: dict[Hashable, dict[str, Any]] = {}
        self.keep = list[dict[str, Any]]().append

    def text(self, value: str) -> str:
        """A value with its escape sequences replaced."""
        return self.message.text(value)

    def draft(self, type_: str) -> Draft:
        """Begins a resource."""
        made = Draft(type_, self.frame, self.segment, self.ordinal)
        self.drafts.append(made)
        return made

    def linked(self, element: dict[str, Any], type_: str) -> Draft:
        """The resource that a reference points to, begun if it points to none yet."""
        known = element.get(REFERENCE)
        if not (isinstance(known, Draft) and known.type == type_):
            known = element[REFERENCE] = self.draft(type_)
        known.said = known.said or self.saying
        return known

    def mention(self, known: Named) -> None:
        """Notes finished resources in their order among the drafts."""
        if known:
            self._mentions.append((len(self.drafts), known))

    def mark(self) -> Mark:
        """What :meth:`since` and :meth:`back` go back to."""
        return len(self.drafts), len(self._mentions)

    def since(self, mark: Mark) -> Iterator[Draft | Named]:
        """What was begun or mentioned since then, in this order."""
        before = mark[0]
        for place, known in self._mentions[mark[1] :]:
            yield from self.drafts[before:place]
            yield known
            before = place
        yield from self.drafts[before:]

    def back(self, mark: Mark) -> None:
        """Forgets what was begun or mentioned since then."""
        del self.drafts[mark[0] :], self._mentions[mark[1] :]

    def end(self) -> None:
        """Undoes what goes in circles (drafts know groups that know drafts), so that no collector must."""
        for draft in self.drafts:
            draft.resource = {}
            for frame in draft.frame.upwards():
                frame.targets.clear()

    def value(self, segment: str, field: int, component: int = 0, part: int = 0) -> str:
        """A field of the message as seen from here, its first repetition; empty where it says nothing."""
        here = self.segment if self.segment.name == segment else self.frame.find(segment)
        if here is None or field >= len(here.fields):
            return ""
        raw = here.fields[field]
        if not raw:
            return ""
        marks = self.message.delimiters
        if marks.repetition in raw and not (segment == "MSH" and field <= 2):
            raw = raw.split(marks.repetition, 1)[0]
        if component:
            raw = nth(raw.split(marks.component), component)
            raw = nth(raw.split(marks.subcomponent), part) if part else raw
        return "" if raw == DELETE else raw


def nth(parts: list[str], number: int) -> str:
    """The component of a number, from 1; empty where there is none."""
    return parts[number - 1] if number <= len(parts) else ""
