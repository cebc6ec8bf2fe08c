"""The listener: many connections, each answered in its own order, none waiting for another."""

from __future__ import annotations

import asyncio
import io
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address

import msgspec

from vesalius.errors import Unavailable, VesaliusError
from vesalius.ingest._causes import FaultError
from vesalius.ingest._judge import Judge
from vesalius.ingest.hl7v2 import Header
from vesalius.ingest.messages import REFUSED, Incoming, Message, Reader, reader, receive_messages
from vesalius.ingest.mllp._answers import answer, incoming
from vesalius.ingest.mllp._clerk import Clerk, Line
from vesalius.ingest.mllp._frames import Frame, Frames, framed
from vesalius.ingest.quarantine import HELD
from vesalius.lake import Lake

_CHUNK = 64 * 1024
_MEBIBYTE = 1024 * 1024
_GARBAGE = _MEBIBYTE
_LONGEST = 8

_FIRST = (
    b"MSH|^~\\&|||||20260101||ADT^A01^ADT_A01|0|P|2.5.1\rEVN|A01|20260101\r"
    b"PID|1||0^^^^MR||^||20000101|U\rPV1|1|I\r"
)

_log = logging.getLogger(__name__)

Network = IPv4Network | IPv6Network


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a listener bears. The defaults suit a hospital; tests use smaller ones.

    Attributes:
        frame_bytes: the longest message; one up to eight times as long is refused, beyond that its
            connection is closed.
        frame_seconds: within which a message must arrive whole once it has begun.
        idle_seconds: after which a connection without a message is closed.
        answer_seconds: within which a sender must take its answers.
        connections: the most at one time; more are closed at once.
        in_flight: the most messages of one connection that are not answered yet; then it is not read.
        waiting, waiting_bytes: the most messages of all connections that are not written yet, and their
            bytes; then none is read.
        patience_seconds: how long a database that does not answer is asked again, before the connections
            whose messages wait for it are closed without an answer.
    """

    frame_bytes: int = 16 * _MEBIBYTE
    frame_seconds: float = 60
    idle_seconds: float = 3600
    answer_seconds: float = 60
    connections: int = 200
    in_flight: int = 32
    waiting: int = 1000
    waiting_bytes: int = 64 * _MEBIBYTE
    patience_seconds: float = 30


class Counts(msgspec.Struct):
    """What a listener has seen since it started.

    Attributes:
        connections: that are open now.
        taken, held, refused: messages that were answered, by what became of them.
        repeated: how many of those had been received before.
        unanswered: messages that could not be written; their senders keep them.
        turned_away: connections from addresses that are not admitted, or too many.
    """

    connections: int = 0
    taken: int = 0
    held: int = 0
    refused: int = 0
    repeated: int = 0
    unanswered: int = 0
    turned_away: int = 0

    def add(self, message: Message) -> None:
        """Counts one message."""
        self.taken += message.status not in {HELD, REFUSED}
        self.held += message.status == HELD
        self.refused += message.status == REFUSED
        self.repeated += message.repeated


class Listener:
    """Receives HL7 v2 messages over MLLP; a message is acknowledged only once it is on disk.

    Args:
        lake: where they go.
        source: the name of the feed.
        host, port: where to listen; port 0 takes one that is free.
        tls: for encrypted connections, from :func:`server_context`.
        peers: the networks whose connections are admitted; empty admits all.
        processing: the processing ids (MSH-11) that are welcome.
        limits: what it bears.
        read: what makes resources of a message, from ``ingest.reader``; that of HL7 v2, if not given.

    Attributes:
        counts: what it has seen.
    """

    def __init__(
        self,
        lake: Lake,
        source: str,
        *,
        host: str = "127.0.0.1",
        port: int = 2575,
        tls: ssl.SSLContext | None = None,
        peers: Sequence[Network] = (),
        processing: Collection[str] = ("P",),
        limits: Limits | None = None,
        read: Reader | None = None,
    ) -> None:
        self.counts = Counts()
        self._lake, self._source = lake, source
        self._host, self._port, self._tls, self._peers = host, port, tls, peers
        self._processing = frozenset(processing)
        self._limits = limits or Limits()
        self._read = read
        self._moment = datetime.now(UTC)
        self._clerk: Clerk
        self._server: asyncio.Server
        self._talks: dict[asyncio.Task[None], _Talk] = {}

    @property
    def port(self) -> int:
        """The port it listens on, once it has started."""
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Begins to listen.

        Raises:
            Unavailable: the address cannot be listened on.
        """
        limits = self._limits
        await asyncio.to_thread(self._warm_up)
        try:
            self._server = await asyncio.start_server(
                self._accept,
                self._host,
                self._port,
                ssl=self._tls,
                limit=_CHUNK,
                ssl_handshake_timeout=10 if self._tls else None,
            )
        except OSError as error:
            words = f"cannot listen on {self._host}, port {self._port}: {error.strerror}"
            raise Unavailable(words, hint="is another process listening there?") from None
        self._clerk = Clerk(self._receive, limits.patience_seconds, limits.waiting, limits.waiting_bytes)

    async def stop(self) -> None:
        """Reads no more, answers what it has read whole, and closes."""
        self._server.close()
        for talk in self._talks.values():
            talk.stop()
        if self._talks:
            await asyncio.wait(list(self._talks))
        await self._clerk.close()

    def _warm_up(self) -> None:
        """Loads and compiles what the first message of a process would wait for; nothing is written."""
        read = self._read or reader()
        judge = Judge(self._lake, self._moment)
        with suppress(FaultError):
            for item in read(io.BytesIO(_FIRST)):
                judge.arrivals(item)

    def _receive(self, messages: Sequence[Incoming]) -> list[Message]:
        # The clock may be put back; what comes later must not count as older than what it follows.
        self._moment = max(datetime.now(UTC), self._moment + timedelta(microseconds=1))
        return receive_messages(
            self._lake, messages, source=self._source, received_at=self._moment, read=self._read
        )

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        admitted = self._admits(writer) and len(self._talks) < self._limits.connections
        if not admitted:
            self.counts.turned_away += 1
            _log.warning("a connection was turned away")
            writer.transport.abort()
            return
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        talk = _Talk(reader, writer, self._clerk, self._limits, self._processing, self.counts)
        task = asyncio.current_task()
        assert task is not None
        self._talks[task] = talk
        self.counts.connections += 1
        try:
            await talk.go_on()
        finally:
            self.counts.connections -= 1
            del self._talks[task]

    def _admits(self, writer: asyncio.StreamWriter) -> bool:
        if not self._peers:
            return True
        address = ip_address(writer.get_extra_info("peername")[0].partition("%")[0])
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self._peers)


class _Sent(msgspec.Struct, frozen=True):
    """One message that was handed in, and what its answer needs."""

    incoming: Incoming
    head: Header | None
    became: asyncio.Future[Message]


class _Talk:
    """One connection, from its first byte to its last."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        clerk: Clerk,
        limits: Limits,
        processing: frozenset[str],
        counts: Counts,
    ) -> None:
        self._reader, self._writer = reader, writer
        self._clerk, self._limits, self._processing, self._counts = clerk, limits, processing, counts
        self._line = Line()
        self._frames = Frames(limits.frame_bytes)
        self._window = asyncio.Semaphore(limits.in_flight)
        self._sent: asyncio.Queue[_Sent | None] = asyncio.Queue()
        self._began = 0.0
        self._reading: asyncio.Task[None] | None = None

    def stop(self) -> None:
        """Reads no more; what was handed in is still answered."""
        if self._reading:
            self._reading.cancel()
            self._reading = None

    async def go_on(self) -> None:
        """Reads, hands in and answers until the sender ends, or the listener stops."""
        answering = asyncio.create_task(self._answer_in_order())
        self._reading = reading = asyncio.create_task(self._read())
        await asyncio.wait([reading, answering], return_when=asyncio.FIRST_COMPLETED)
        self._reading = None
        reading.cancel()
        self._sent.put_nowait(None)
        for ended in await asyncio.gather(reading, answering, return_exceptions=True):
            if isinstance(ended, Exception):
                expected = isinstance(ended, OSError | TimeoutError)
                _log.log(
                    logging.INFO if expected else logging.ERROR,
                    "a connection ended: %s",
                    type(ended).__name__,
                )
        if self._frames.garbage or self._frames.broken:
            words = "a connection sent %d bytes outside of messages, and broke off %d messages"
            _log.warning(words, self._frames.garbage, self._frames.broken)
        await self._close()

    async def _read(self) -> None:
        async for frame in self._arriving():
            await self._take(frame)

    async def _arriving(self) -> AsyncIterator[Frame]:
        frames, limits = self._frames, self._limits
        while True:
            async with asyncio.timeout(self._remaining()):
                data = await self._reader.read(_CHUNK)
            if not data:
                return
            for frame in frames.feed(data):
                self._began = 0.0
                yield frame
            if frames.inside and not self._began:
                self._began = asyncio.get_running_loop().time()
            if frames.garbage > _GARBAGE or frames.length > _LONGEST * limits.frame_bytes:
                _log.warning("a connection was closed: what it sends is no MLLP, or without end")
                return

    def _remaining(self) -> float:
        """The seconds that the sender has: to end its message, or to begin one."""
        if not self._frames.inside:
            return self._limits.idle_seconds
        now = asyncio.get_running_loop().time()
        return max(0.0, self._began + self._limits.frame_seconds - now)

    async def _take(self, frame: Frame) -> None:
        if not frame.raw.strip():  # some senders keep a connection alive with empty frames
            return
        message, head = incoming(frame, self._processing)
        await self._window.acquire()
        became = await self._clerk.hand_in(self._line, message)
        self._sent.put_nowait(_Sent(message, head, became))

    async def _answer_in_order(self) -> None:
        writing = True
        while (sent := await self._sent.get()) is not None:
            try:
                message = await sent.became
            except VesaliusError:
                self._counts.unanswered += 1
                writing = False
                self._writer.transport.abort()  # the sender keeps what has no answer, and sends it again
                continue
            finally:
                self._window.release()
            self._counts.add(message)
            said = answer(sent.incoming.raw, sent.head, sent.incoming, message)
            writing = writing and (said is None or await self._written(framed(said)))

    async def _written(self, data: bytes) -> bool:
        try:
            self._writer.write(data)
            async with asyncio.timeout(self._limits.answer_seconds):
                await self._writer.drain()
        except (OSError, TimeoutError):
            self._writer.transport.abort()
            return False
        return True

    async def _close(self) -> None:
        with suppress(OSError, TimeoutError):
            self._writer.close()
            async with asyncio.timeout(5):
                await self._writer.wait_closed()
