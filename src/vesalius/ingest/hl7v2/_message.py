"""HL7 v2 messages as they come: delimiters, character sets, line ends, escapes, and the header.

It reads what hospitals really send: segments that end in CR, LF or both, byte order marks, fields that run
over several lines, delimiters of one's own. What a value means is not its business.

Source: HL7 v2.8.2, chapter 2 (2.5 message delimiters, 2.7 escape sequences, 2.14.9 MSH).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from vesalius.ingest._causes import Cause, FaultError

DELETE = '""'
"""What a sender writes to say that a value is gone, where nothing would say that it is not sent."""

BOM = b"\xef\xbb\xbf"
_FRAME = b"\x0b\x1c \t\r\n"
_SEPARATORS = "^~\\&"

# Names of HL7 table 0211, and those that senders write instead. UTF-16 is not among them: a stream of it has
# no segment that begins with the bytes of MSH.
_CHARSETS = {
    "UNICODE": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "WINDOWS-1252": "cp1252",
    "CP1252": "cp1252",
    "ISO IR87": "iso2022_jp",
    "ISO IR159": "iso2022_jp_1",
    "GB 18030-2000": "gb18030",
    "KS X 1001": "euc_kr",
    "BIG-5": "big5",
}
_LATIN = re.compile(r"(?:ISO[ _-]?)?8859[/ _-](\d{1,2})")
_C1 = re.compile(rb"[\x80-\x9f]")
_SEGMENT = re.compile(r"\s*([A-Z][A-Z0-9]{2})(?:$|(?=[^A-Za-z0-9\s]))")
# A line with nothing but three letters is a segment without fields only under one of these names; else it is
# the next line of a text.
_EMPTY = frozenset(
    [
        "EVN",
        "PID",
        "PD1",
        "PV1",
        "PV2",
        "NK1",
        "NTE",
        "ORC",
        "OBR",
        "OBX",
        "AL1",
        "DG1",
        "GT1",
        "IN1",
        "IN2",
        "RXA",
        "RXE",
        "RXR",
        "SPM",
        "TQ1",
        "TXA",
    ]
)


class Delimiters(NamedTuple):
    """The characters that separate the parts of a message; an escape of ``""`` means that there is none."""

    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What the MSH segment says of a message.

    Attributes:
        delimiters: its separators.
        encoding: of its bytes, as Python names it; empty where it must be found out.
        code, trigger, structure: MSH-9, as in ``ADT``, ``A01``, ``ADT_A01``; empty when not said.
        control_id: MSH-10, which an acknowledgement repeats.
        processing_id: MSH-11: ``P`` production, ``T`` training, ``D`` debugging.
        version: MSH-12, as in ``2.5.1``.
        sending_application, sending_facility: MSH-3 and MSH-4, their first components.
        receiving_application, receiving_facility: MSH-5 and MSH-6, their first components.
        sent_at: MSH-7 as written, as in ``20260301101500+0100``.
        accept_acknowledgement, application_acknowledgement: MSH-15 and MSH-16; empty in original mode.
    """

    delimiters: Delimiters
    encoding: str = ""
    code: str = ""
    trigger: str = ""
    structure: str = ""
    control_id: str = ""
    processing_id: str = ""
    version: str = ""
    sending_application: str = ""
    sending_facility: str = ""
    receiving_application: str = ""
    receiving_facility: str = ""
    sent_at: str = ""
    accept_acknowledgement: str = ""
    application_acknowledgement: str = ""

    @property
    def type(self) -> str:
        """The message type and its event, as in ``ADT^A01``."""
        return f"{self.code}^{self.trigger}" if self.trigger else self.code


class Segment:
    """One segment: its name, and its fields as written, each at its number (0 is the name)."""

    __slots__ = ("fields", "name")

    def __init__(self, name: str, fields: list[str]) -> None:
        self.name = name
        self.fields = fields

    def field(self, number: int) -> str:
        """A field as written, all its repetitions; empty when it is not there."""
        return self.fields[number] if number < len(self.fields) else ""


class Message:
    """One message: its header, and its segments in their order, MSH first."""

    __slots__ = ("delimiters", "encoding", "header", "segments")

    def __init__(self, header: Header, segments: list[Segment], encoding: str) -> None:
        self.header = header
        self.segments = segments
        self.delimiters = header.delimiters
        self.encoding = encoding

    def text(self, value: str) -> str:
        """A value with its escape sequences replaced."""
        escape = self.delimiters.escape
        return unescaped(value, self.delimiters, self.encoding) if escape and escape in value else value


def header(raw: bytes) -> Header:
    """What a message says of itself, without reading further than its first segment.

    Args:
        raw: the message, with or without its MLLP frame.

    Raises:
        FaultError: it is not an HL7 v2 message: it does not begin with MSH and its delimiters.
    """
    line = re.split(rb"[\r\n]", _unframed(raw), maxsplit=1)[0]
    found = _header(line.decode("latin-1"))
    if line.isascii():
        return found
    return _header(_decoded(line, found.encoding)[0])


def parse(raw: bytes) -> Message:
    """A message from its bytes.

    Raises:
        FaultError: it is not an HL7 v2 message, or its bytes are not of the character set that it announces.
    """
    raw = _unframed(raw)
    head = header(raw)
    text, encoding = _decoded(raw, head.encoding)
    return Message(head, list(_segments(text, head.delimiters.field)), encoding)


def _unframed(raw: bytes) -> bytes:
    return raw.lstrip(_FRAME).removeprefix(BOM).strip(_FRAME)


def _header(line: str) -> Header:
    if not line.startswith("MSH"):
        raise FaultError(Cause.MALFORMED, "it is not an HL7 v2 message: it does not begin with MSH")
    if len(line) < 8 or line[3].isalnum() or line[3].isspace():
        raise FaultError(Cause.MALFORMED, "MSH is cut off: its delimiters are missing")
    separator = line[3]
    fields = ["MSH", *line[3:].split(separator)]
    fields[1] = separator
    delimiters = _delimiters(separator, fields[2])
    part = delimiters.component

    def first(number: int) -> str:
        return _head(fields, number, delimiters)

    kind = (fields[9] if len(fields) > 9 else "").split(delimiters.repetition)[0].split(part)
    kind += ["", "", ""]
    return Header(
        delimiters=delimiters,
        encoding=_encoding(first(18)),
        code=kind[0].strip().upper(),
        trigger=kind[1].strip().upper(),
        structure=kind[2].strip().upper(),
        control_id=first(10),
        processing_id=first(11),
        version=first(12),
        sending_application=first(3),
        sending_facility=first(4),
        receiving_application=first(5),
        receiving_facility=first(6),
        sent_at=first(7),
        accept_acknowledgement=first(15),
        application_acknowledgement=first(16),
    )


def _head(fields: list[str], number: int, delimiters: Delimiters) -> str:
    """The first component of the first repetition of a field."""
    if number >= len(fields):
        return ""
    found = fields[number].split(delimiters.repetition, 1)[0].split(delimiters.component, 1)[0].strip()
    return "" if found == DELETE else unescaped(found, delimiters, "latin-1")


def _delimiters(field: str, encoding: str) -> Delimiters:
    """The delimiters; what MSH-2 leaves out is what nearly everyone uses."""
    if len(encoding) > 4 and encoding[2] == encoding[3]:
        encoding = encoding[:3] + encoding[4:]  # the escape mark was itself escaped on its way
    given = encoding[:4]
    marks = given + "".join(mark for mark in _SEPARATORS[len(given) :])
    if len({field, *marks}) != 5 or any(mark.isalnum() or mark.isspace() for mark in marks):
        raise FaultError(Cause.MALFORMED, "MSH-2 does not name four different delimiters")
    return Delimiters(field, marks[0], marks[1], marks[2], marks[3])


def _encoding(name: str) -> str:
    name = name.upper()
    if found := _LATIN.fullmatch(name):
        number = int(found[1])
        return f"iso8859_{number}" if 1 <= number <= 16 and number != 12 else ""
    return _CHARSETS.get(name, "")


def _decoded(raw: bytes, encoding: str) -> tuple[str, str]:
    """The text, and the encoding that it was in.

    Where none is announced (or only ASCII, which many write and do not keep to): UTF-8, else ISO 8859-1. The
    latter is read as Windows-1252 where it holds what ISO 8859-1 does not print, as browsers do.
    """
    if not encoding:
        try:
            return raw.decode(), "utf-8"
        except UnicodeDecodeError:
            encoding = "iso8859_1"
    if encoding == "iso8859_1" and _C1.search(raw):
        encoding = "cp1252"
    try:
        return raw.decode(encoding), encoding
    except UnicodeDecodeError:
        if encoding == "cp1252":
            return raw.decode("latin-1"), "latin-1"
        raise FaultError(Cause.UNDECODABLE, "the bytes are not of the character set of MSH-18") from None


def _segments(text: str, separator: str) -> Iterator[Segment]:
    """The segments of a message; a line that begins none belongs to the field before it."""
    name, held = "", ""
    for line in text.replace("\r\n", "\r").replace("\n", "\r").split("\r"):
        found = line[:3] if line[3:4] == separator and line[:3].isalnum() and line[:3].isupper() else ""
        found = found or _loose_name(line, separator)
        if not found:
            held += f"\n{line}"
            continue
        if name:
            yield _segment(name, held, separator)
        name, held = found, line.lstrip() if line[0].isspace() else line
    if name:
        yield _segment(name, held, separator)


def _loose_name(line: str, separator: str) -> str:
    """The name of a segment with spaces before it, or without any field."""
    found = _SEGMENT.match(line)
    if not found:
        return ""
    rest = line[found.end() :]
    return found[1] if rest.startswith(separator) or (not rest and found[1] in _EMPTY) else ""


def _segment(name: str, held: str, separator: str) -> Segment:
    fields = held.rstrip().split(separator)
    if name == "MSH":
        fields.insert(1, separator)
    fields[0] = name
    return Segment(name, fields)


_BREAKS = {".br", ".sp", ".ce"}


def unescaped(value: str, delimiters: Delimiters, encoding: str = "utf-8") -> str:
    r"""A value with its escape sequences replaced: delimiters, hexadecimal bytes, line breaks.

    Highlighting, indents and sequences of a site's own (``\Z…\``) say nothing that FHIR can hold and are
    left out; a lone escape character stands for itself.

    >>> unescaped(r"Fever \T\ chills\.br\since \X33\ days", Delimiters("|", "^", "~", chr(92), "&"))
    'Fever & chills\nsince 3 days'
    """
    mark = delimiters.escape
    if not mark or mark not in value:
        return value
    kept: list[str] = []
    pieces = value.split(mark)
    place, last = 0, len(pieces) - 1
    kept.append(pieces[0])
    while place < last:
        place += 1
        sequence = pieces[place]
        said = _sequence(sequence, delimiters, encoding) if place < last else None
        if said is None:
            kept.append(mark + sequence)
            continue
        place += 1
        kept.append(said + pieces[place])
    return "".join(kept)


def _sequence(sequence: str, delimiters: Delimiters, encoding: str) -> str | None:
    """What an escape sequence stands for; None when it is none."""
    plain = {
        "F": delimiters.field,
        "S": delimiters.component,
        "T": delimiters.subcomponent,
        "R": delimiters.repetition,
        "E": delimiters.escape,
        "H": "",
        "N": "",
        "P": "#",
        "L": "\n",
    }.get(sequence)
    if plain is not None:
        return plain
    if sequence.startswith("."):
        return "\n" if sequence[:3].lower() in _BREAKS else ""
    if re.fullmatch(r"X(?:[0-9A-Fa-f]{2})+", sequence):
        return bytes.fromhex(sequence[1:]).decode(encoding, "replace")
    return "" if re.fullmatch(r"[CMZ][0-9A-Za-z]{1,32}", sequence) else None
