"""Answers: what is refused, and the acknowledgement that tells the sender what became of its message.

Which code means what is a reading of HL7 v2.8.2, chapter 2 (2.9.2 and 2.9.3 acknowledgements, 2.14.5 ERR,
2.14.8 MSA, tables 0008, 0155 and 0357); ``docs/decisions/spec/hl7v2-acknowledgements.md`` says why.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection
from datetime import UTC, datetime

from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest.hl7v2 import Header, header
from vesalius.ingest.messages import REFUSED, Incoming, Message
from vesalius.ingest.mllp._frames import Frame
from vesalius.ingest.quarantine import HELD

BOM = b"\xef\xbb\xbf"
_BEFORE = b"\x0b\x1c \t\r\n"
_VERSION = re.compile(r"2(\.\d){1,2}")

_ERRORS = {
    "100": "Segment sequence error",
    "101": "Required field missing",
    "102": "Data type error",
    "103": "Table value not found",
    "200": "Unsupported message type",
    "202": "Unsupported processing id",
    "203": "Unsupported version id",
    "207": "Application error",
}
"""HL7 table 0357, as far as we say it."""

_CODES = {
    Cause.MALFORMED: "100",
    Cause.NO_ID: "101",
    Cause.MISSING_VALUE: "101",
    Cause.UNDECODABLE: "102",
    Cause.BAD_VALUE: "102",
    Cause.INVALID_RESOURCE: "102",
    Cause.FUTURE_DATE: "102",
    Cause.UNMAPPED_VALUE: "103",
    Cause.UNSUPPORTED: "200",
}


class _RefusalError(FaultError):
    """Something that is not wanted here, with its code of HL7 table 0357."""

    def __init__(self, cause: Cause, words: str, code: str) -> None:
        super().__init__(cause, words)
        self.code = code


def incoming(frame: Frame, processing: Collection[str]) -> tuple[Incoming, Header | None]:
    """A frame as a message on its way in: what is refused of it is marked so.

    Args:
        frame: what arrived.
        processing: the processing ids (MSH-11) that are welcome.
    """
    try:
        head = header(frame.raw)
    except FaultError as fault:
        return Incoming(frame.raw, refusal=fault), None
    if not frame.whole:
        words = (
            f"the message has {frame.length} bytes, more than the limit; its first {len(frame.raw)} are kept"
        )
        return Incoming(frame.raw, head.control_id, fault=FaultError(Cause.TOO_LONG, words)), head
    return Incoming(frame.raw, head.control_id, _refusal(head, processing)), head


def _refusal(head: Header, processing: Collection[str]) -> _RefusalError | None:
    if head.version and not _VERSION.fullmatch(head.version):
        return _RefusalError(Cause.UNSUPPORTED, "MSH-12 names no version 2 of HL7", "203")
    if head.processing_id and head.processing_id not in processing:
        words = f"this listener takes in messages whose MSH-11 is {', '.join(sorted(processing))}"
        return _RefusalError(Cause.UNSUPPORTED, words, "202")
    return None


def answer(raw: bytes, head: Header | None, sent: Incoming, became: Message) -> bytes | None:
    """The acknowledgement of a message; None where its sender asked for none.

    Args:
        raw: the message.
        head: its header, or None if it has none.
        sent: as which it came in.
        became: what became of it.
    """
    code = _code(head, became)
    if code is None:
        return None
    return _written(raw, head, code, _error(sent, became) if code[1] in "ER" else None)


# Which code ------------------------------------------------------------------------------------------------


def answered_when_good(head: Header) -> bool:
    """Whether a message that is taken in gets an answer; some ask for one on errors only, or for none."""
    good = Message(source="", control_id="", sha256="", received_at=datetime.now(UTC))
    return _code(head, good) is not None


def _code(head: Header | None, became: Message) -> str | None:
    accept, application = (
        (head.accept_acknowledgement.upper(), head.application_acknowledgement.upper()) if head else ("", "")
    )
    if not accept and not application:  # original mode: always an answer of the application
        return f"A{_outcome(became)}"
    # Enhanced mode: the first that is wanted of the two.
    kept = _if_wanted(accept or "NE", f"C{_accepted(became)}")
    return kept or _if_wanted(application or "NE", f"A{_outcome(became)}")


def _outcome(became: Message) -> str:
    """Accept, error or reject: what the application made of it."""
    if became.status == REFUSED or became.cause == Cause.TOO_LONG:
        return "R"
    return "E" if became.status == HELD else "A"


def _accepted(became: Message) -> str:
    """Accept, error or reject: whether it is in safe keeping, whatever it holds."""
    if became.status == REFUSED:
        return "R"
    return "E" if became.cause == Cause.TOO_LONG else "A"


def _if_wanted(condition: str, code: str) -> str | None:
    """HL7 table 0155: always, never, on error or rejection only, on success only."""
    good = code[1] == "A"
    wanted = {"AL": True, "NE": False, "ER": not good, "SU": good}.get(condition, True)
    return code if wanted else None


def _error(sent: Incoming, became: Message) -> tuple[str, str]:
    if isinstance(sent.refusal, _RefusalError):
        return sent.refusal.code, became.words
    return _CODES.get(Cause(became.cause), "207"), became.words


# Its bytes -------------------------------------------------------------------------------------------------


def _written(raw: bytes, head: Header | None, code: str, error: tuple[str, str] | None) -> bytes:
    of = _Fields(raw, head)
    part, version = of.marks[:1], _version(head)
    trigger = of[9].split(part)[1:2]
    kind = [b"ACK", *trigger] + ([b"ACK"] if trigger and version >= (2, 4) else [])
    msh = [
        b"MSH", of.marks, of[5], of[6], of[3], of[4], f"{datetime.now(UTC):%Y%m%d%H%M%S}+0000".encode(), b"",
        part.join(kind), uuid.uuid4().hex[:20].encode(), of[11] or b"P", of[12] or b"2.5.1",
        b"", b"", b"", b"", b"", of[18],
    ]  # fmt: skip
    segments = [msh, [b"MSA", code.encode(), of[10]]]
    if error:
        number, words = error[0], _plain(error[1], of)
        coded = [number.encode(), _ERRORS[number].encode(), b"HL70357"]
        if version < (2, 5):  # ERR had one field, and the words stood in MSA
            segments[1].append(words[:80])
            segments.append([b"ERR", part * 3 + (of.marks[3:4] or b"&").join(coded)])
        else:
            segments.append([b"ERR", b"", b"", part.join(coded), b"E", b"", b"", b"", words[:250]])
    return b"".join(of.mark.join(segment).rstrip(of.mark) + b"\r" for segment in segments)


class _Fields:
    """The fields of the MSH segment as bytes, so that an answer repeats them as they were written."""

    def __init__(self, raw: bytes, head: Header | None) -> None:
        self.mark, self.marks = b"|", b"^~\\&"
        self._found: list[bytes] = []
        line = re.split(rb"[\r\n]", raw.lstrip(_BEFORE).removeprefix(BOM), maxsplit=1)[0]
        # Delimiters outside of ASCII can be several bytes: such a message is answered with the usual ones.
        if head and "".join(head.delimiters).isascii():
            self.mark = head.delimiters.field.encode()
            self._found = line.split(self.mark)
            self.marks = self._found[1].strip() or self.marks

    def __getitem__(self, number: int) -> bytes:
        """Field ``MSH-number``; empty when it is not there."""
        return self._found[number - 1].strip() if number <= len(self._found) else b""


def _version(head: Header | None) -> tuple[int, ...]:
    found = _VERSION.match(head.version) if head else None
    return tuple(int(part) for part in found[0].split(".")) if found else (2, 5)


def _plain(words: str, of: _Fields) -> bytes:
    """Words in plain ASCII in which nothing can be taken for a delimiter."""
    plain = "".join(each if " " <= each <= "~" else "?" for each in words)
    for delimiter in (of.mark + of.marks).decode("ascii"):
        plain = plain.replace(delimiter, " ")
    return plain.encode("ascii")
