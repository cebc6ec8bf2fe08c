"""Frames: how MLLP marks where a message begins and ends in a stream of bytes.

``<VT> message <FS><CR>``. Senders forget the CR, put line ends between frames, and break off one frame to
begin the next; all of that is understood. Source: HL7 v2 Transport Specification: MLLP, release 1.
"""

from __future__ import annotations

from typing import NamedTuple

VT, FS, CR = b"\x0b", b"\x1c", b"\r"

KEPT = 64 * 1024
"""How much of a frame that is too long is kept, in bytes."""

_BETWEEN = b"\r\n\t \x00"  # what may stand between two frames without being worth a word
_RESTART = VT + b"MSH"


def framed(message: bytes) -> bytes:
    """A message in its frame."""
    return VT + message + FS + CR


class Frame(NamedTuple):
    """One frame that has come to its end.

    Attributes:
        raw: what it holds; of one that is too long, the beginning.
        length: how long it was, in bytes.
    """

    raw: bytes
    length: int

    @property
    def whole(self) -> bool:
        """Whether all of it is here."""
        return len(self.raw) == self.length


class Frames:
    """Cuts the bytes of one connection into frames, whatever pieces they arrive in.

    Args:
        limit: the longest frame that is kept whole, in bytes.

    Attributes:
        inside: whether a frame has begun and not ended.
        garbage: how many bytes stood outside of frames, line ends apart.
        broken: how many frames were broken off by the beginning of another.
    """

    def __init__(self, limit: int) -> None:
        self.inside = False
        self.garbage = 0
        self.broken = 0
        self._limit = limit
        self._held = bytearray()
        self._length = 0

    @property
    def length(self) -> int:
        """How long the frame is until now, in bytes."""
        return self._length

    def feed(self, data: bytes) -> list[Frame]:
        """Takes the next bytes; gives the frames that they complete, in their order."""
        found: list[Frame] = []
        at = 0
        while at < len(data):
            mark = data.find(FS if self.inside else VT, at)
            piece = data[at:] if mark < 0 else data[at:mark]
            at = len(data) if mark < 0 else mark + 1
            if self.inside:
                self._add(piece)
            else:
                self.garbage += len(piece) - sum(piece.count(byte) for byte in _BETWEEN)
            if mark >= 0:
                found += [self._end()] if self.inside else []
                self.inside = not self.inside
        return found

    def _add(self, piece: bytes) -> None:
        self._length += len(piece)
        if self._length <= self._limit:
            self._held += piece
        else:  # it will not be kept whole: its beginning tells what it was
            self._held += piece[: max(0, KEPT - len(self._held))]
            del self._held[KEPT:]

    def _end(self) -> Frame:
        raw, length = bytes(self._held), self._length
        self._held, self._length = bytearray(), 0
        restart = raw.rfind(_RESTART) if length == len(raw) else -1
        if restart >= 0:  # its sender broke off and began again: what came before was never acknowledged
            self.broken += 1
            raw = raw[restart + 1 :]
            length = len(raw)
        return Frame(raw, length)
