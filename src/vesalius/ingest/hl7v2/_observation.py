"""Results whose value is not of the type that OBX-2 announces are read as what they are."""

from __future__ import annotations

import re

from vesalius.ingest.hl7v2._message import Message, Segment

_COMPARED = re.compile(r"\s*(<=|>=|<|>)\s*([+-]?\d+(?:\.\d+)?)\s*", re.ASCII)
_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)\s*", re.ASCII)


def read(segment: Segment, message: Message) -> Segment:
    """The segment; an OBX whose OBX-2 is empty or does not hold for OBX-5 as one for which it does.

    ``<5`` announced as a number is a number with a comparator; another text announced as a number is a text.
    """
    if segment.name != "OBX":
        return segment
    kind, value = segment.field(2).strip(), segment.field(5)
    if not value or kind not in {"", "NM"}:
        return segment
    marks = message.delimiters
    if not kind:
        changed = ("NM" if _NUMBER.fullmatch(value) else "ST", value)
    elif all(_NUMBER.fullmatch(one) or not one for one in value.split(marks.repetition)):
        return segment
    elif found := _COMPARED.fullmatch(value):
        changed = ("SN", f"{found[1]}{marks.component}{found[2]}")
    else:
        changed = ("ST", value)
    fields = list(segment.fields)
    fields[2], fields[5] = changed
    return Segment("OBX", fields)
