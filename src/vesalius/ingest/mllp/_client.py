"""A small sender: one message after the other, each waiting for its answer. For tests and for trying out."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, NamedTuple

from vesalius.errors import Unavailable
from vesalius.ingest.hl7v2 import header
from vesalius.ingest.hl7v2._batches import parts
from vesalius.ingest.mllp._answers import answered_when_good
from vesalius.ingest.mllp._frames import Frames, framed

_CHUNK = 64 * 1024
_LIMIT = 1024 * 1024


class Reply(NamedTuple):
    """An acknowledgement.

    Attributes:
        code: MSA-1: ``AA``, ``AE``, ``AR``, ``CA``, ``CE`` or ``CR``; empty where none was waited for.
        control_id: MSA-2: the message that it answers.
        words: why it was not accepted: ERR-8, or MSA-3 before version 2.5.
        raw: its bytes.
    """

    code: str
    control_id: str
    words: str
    raw: bytes

    @property
    def good(self) -> bool:
        """Whether the message was accepted."""
        return self.code in {"AA", "CA", ""}

    @classmethod
    def of(cls, raw: bytes) -> Reply:
        """The reply in these bytes.

        Raises:
            Unavailable: they are no acknowledgement.
        """
        mark = raw[3:4]
        found = {line[:3]: line.decode("latin-1").split(mark.decode("latin-1")) for line in raw.split(b"\r")}
        msa, err = [*found.get(b"MSA", []), "", "", "", ""], [*found.get(b"ERR", []), *[""] * 9]
        if mark and msa[1]:
            return cls(msa[1], msa[2], err[8] or msa[3], raw)
        raise Unavailable("the answer is no acknowledgement of HL7 v2")


class Sender:
    """A connection to a listener; use it with ``async with``.

    Args:
        host: of the listener.
        port: of the listener.
        tls: for an encrypted connection, from ``client_context``.
        seconds: how long to wait for the connection, and for each answer.

    Raises:
        Unavailable: the listener cannot be reached, does not answer or closes the connection. Whether the
            message was taken in is then not known: send it again.
    """

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None = None, seconds: float = 60) -> None:
        self._host, self._port, self._tls, self._seconds = host, port, tls, seconds
        self._frames = Frames(_LIMIT)
        self._replies: list[Reply] = []

    async def __aenter__(self) -> Sender:
        """Connects."""
        try:
            async with asyncio.timeout(self._seconds):
                opened = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        except (OSError, TimeoutError) as error:
            words = f"{self._host}, port {self._port}: {_said(error)}"
            raise Unavailable(words, hint="is the listener running?") from None
        self._reader, self._writer = opened
        return self

    async def __aexit__(self, *_: object) -> None:
        """Closes the connection."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            return

    async def send(self, message: bytes) -> Reply:
        """Sends one message and waits for its answer."""
        await self.write(framed(message))
        return await self.reply()

    async def write(self, data: bytes) -> None:
        """Sends bytes as they are, frame and all."""
        try:
            async with asyncio.timeout(self._seconds):
                self._writer.write(data)
                await self._writer.drain()
        except (OSError, TimeoutError) as error:
            raise Unavailable(
                f"the message could not be sent: {_said(error)}", hint="send it again"
            ) from None

    async def reply(self) -> Reply:
        """The next answer."""
        while not self._replies:
            try:
                async with asyncio.timeout(self._seconds):
                    data = await self._reader.read(_CHUNK)
            except (OSError, TimeoutError) as error:
                raise Unavailable(f"there is no answer: {_said(error)}", hint="send it again") from None
            if not data:
                raise Unavailable("the listener closed the connection unanswered", hint="send it again")
            self._replies += [Reply.of(frame.raw) for frame in self._frames.feed(data)]
        return self._replies.pop(0)


class Outbox:
    """Sends messages in order, and one that stays without an answer again.

    Args:
        host: of the listener.
        port: of the listener.
        tls: for an encrypted connection, from ``client_context``.
        again: how often a message without an answer is sent again, each after a longer pause.
    """

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None = None, again: int = 0) -> None:
        self._host, self._port, self._tls, self._again = host, port, tls, again

    async def send_all(self, messages: Iterable[bytes], told: Callable[[Reply], None]) -> list[Reply]:
        """Sends all of them.

        Args:
            messages: without their frames.
            told: called with each reply.

        Raises:
            Unavailable: one stayed without an answer, however often it was sent; those after it were not.
        """
        replies: list[Reply] = []
        waiting = iter(messages)
        message = next(waiting, None)
        tried = 0
        while message is not None:
            try:
                async with Sender(self._host, self._port, self._tls) as sender:
                    while message is not None:
                        reply = await _sent(sender, message)
                        replies.append(reply)
                        told(reply)
                        message, tried = next(waiting, None), 0
            except Unavailable:
                tried += 1
                if tried > self._again:
                    raise
                await asyncio.sleep(min(30.0, 0.2 * 2**tried))
        return replies


async def _sent(sender: Sender, message: bytes) -> Reply:
    """The answer to a message; one of its own for a message that asks for none, or on errors only."""
    head = header(message)
    if not answered_when_good(head):
        await sender.write(framed(message))
        return Reply("", head.control_id, "", b"")
    reply = await sender.send(message)
    while reply.control_id not in {"", head.control_id}:  # to one before, that asked for errors only
        reply = await sender.reply()
    return reply


def messages(stream: BinaryIO) -> Iterator[bytes]:
    """The HL7 v2 messages of a file, each as it stands there, without batch envelopes."""
    return (part.raw for part in parts(stream) if part.kind == "MSH" and not part.fault)


def _said(error: BaseException) -> str:
    return "it takes too long" if isinstance(error, TimeoutError) else str(error)
