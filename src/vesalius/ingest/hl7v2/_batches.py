"""The messages of a file: one, many, a batch with its envelope, or a capture of MLLP, in constant memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._lines import KEPT, readsome

LIMIT = 64 * 1024 * 1024
"""The longest message that is read, in bytes: it must be in memory, with the documents that it holds."""

_START = re.compile(
    rb"(?:\A|(?<=[\r\n\x0b\x1c]))[ \t\x0b]*(?:\xef\xbb\xbf)?[ \t\x0b]*(MSH|FHS|BHS|BTS|FTS)(?=[^A-Za-z0-9\s])"
)
_LONGEST_START = 64
_BLOCK = 1024 * 1024
_BLANK = b"\x0b\x1c \t\r\n"
BOM = b"\xef\xbb\xbf"


class Part(NamedTuple):
    """One part of a file.

    Attributes:
        kind: ``MSH`` for a message; ``FHS``, ``BHS``, ``BTS`` or ``FTS`` for the envelope of a batch; empty
            for what belongs to none of them.
        raw: its bytes, without the frame.
        fault: why it cannot be read, if so.
    """

    kind: str
    raw: bytes
    fault: FaultError | None = None


def parts(stream: BinaryIO) -> Iterator[Part]:
    """The messages of a stream and the envelopes around them; what is blank is left out.

    Raises:
        FaultError: the compressed stream breaks off or is damaged. What came before was yielded; the message
            in which it breaks off too, with its fault.
    """
    held, searched, skipping = b"", 1, 0
    while True:
        try:
            block = readsome(stream, _BLOCK)
        except FaultError as fault:
            yield from _part(held, FaultError(Cause.TRUNCATED, "the file breaks off in this message"))
            raise fault from None
        held += block
        start = 0
        for found in _START.finditer(held, searched):
            yield from _part(held[start : found.start()], skipped=skipping)
            start, skipping = found.start(), 0
        held = held[start:]
        if not block:
            yield from _part(held, skipped=skipping)
            return
        if len(held) > LIMIT:  # keep its beginning and enough of its end to see where the next one starts
            skipping += len(held) - KEPT - _LONGEST_START
            held = held[:KEPT] + held[-_LONGEST_START:]
        searched = max(1, len(held) - _LONGEST_START)


def _part(raw: bytes, fault: FaultError | None = None, skipped: int = 0) -> Iterator[Part]:
    kind = found[1].decode() if (found := _START.match(raw)) else ""
    raw = raw.lstrip(_BLANK).removeprefix(BOM).strip(_BLANK)
    if not raw:
        return
    if skipped or len(raw) > LIMIT:
        words = f"the message is longer than {LIMIT} bytes; its first {KEPT} are kept"
        yield Part(kind, raw[:KEPT], FaultError(Cause.TOO_LONG, words))
    elif not kind:
        words = "it belongs to no message: no line before it begins with MSH"
        yield Part(kind, raw, fault or FaultError(Cause.MALFORMED, words))
    elif kind != "MSH" and re.search(rb"[\r\n]", raw):
        words = f"text after {kind} that belongs to no message"
        yield Part(kind, raw, fault or FaultError(Cause.MALFORMED, words))
    else:
        yield Part(kind, raw, fault)


class Counter:
    """Counts the messages and batches between the envelopes, and says where a trailer does not agree."""

    def __init__(self) -> None:
        self._messages = 0
        self._batches = 0

    def see(self, part: Part) -> FaultError | None:
        """Counts one part; a fault if it is a trailer that announces another number than came."""
        if part.kind == "MSH":
            self._messages += 1
        elif part.kind in {"FHS", "BHS"}:
            self._messages = 0
            self._batches = 0 if part.kind == "FHS" else self._batches + 1
        elif part.kind == "BTS":
            return self._compared(part.raw, self._messages, "messages")
        elif part.kind == "FTS":
            return self._compared(part.raw, self._batches, "batches")
        return None

    @staticmethod
    def _compared(raw: bytes, came: int, what: str) -> FaultError | None:
        said = raw[4:].split(raw[3:4], 1)[0].strip()
        if not (said.isascii() and said.isdigit()) or len(said) > 9 or int(said) == came:
            return None
        words = f"{raw[:3].decode()}-1 announces {int(said)} {what}, and {came} came; they were taken in"
        return FaultError(Cause.TRUNCATED, words)
