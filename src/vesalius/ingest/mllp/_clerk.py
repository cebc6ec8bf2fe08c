"""The clerk: one thread that writes the messages of all connections, several in one transaction.

While it waits for the disk, others arrive; they are the next transaction. So the cost of the wait is shared
by as many as are sending, and still each is answered only once it is on disk.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from vesalius.errors import Unavailable, VesaliusError
from vesalius.ingest.messages import Incoming, Message

GROUP = 64
"""The most messages in one transaction."""

GROUP_BYTES = 8 * 1024 * 1024
"""The most bytes in one transaction, but for one message."""

_PAUSE = 0.5

_log = logging.getLogger(__name__)

Receive = Callable[[Sequence[Incoming]], list[Message]]


class Line:
    """One connection, as the clerk knows it.

    Attributes:
        broken: one of its messages could not be written. Those behind it must not be written either: it would
            be sent again and come after them.
    """

    def __init__(self) -> None:
        self.broken = False


class _Entry(NamedTuple):
    line: Line
    incoming: Incoming
    became: asyncio.Future[Message]


class Clerk:
    """Writes messages in the order in which they are handed in.

    Args:
        receive: takes several messages in, durably, or raises ``Unavailable``.
        patience: for how many seconds a database that does not answer is asked again before the messages
            are given up, unanswered: their senders then keep them.
        messages, size: the most messages, and the most bytes, that wait or are being written.
    """

    def __init__(self, receive: Receive, patience: float, messages: int, size: int) -> None:
        self._receive = receive
        self._patience = patience
        self._queue: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._free, self._free_bytes = messages, size
        self._size = size
        self._waiting: list[asyncio.Future[None]] = []
        self._loop = asyncio.get_running_loop()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="mllp-clerk", daemon=True)
        self._thread.start()

    async def hand_in(self, line: Line, incoming: Incoming) -> asyncio.Future[Message]:
        """Hands one message in, once there is room for it.

        Returns:
            What became of it, when it is on disk; the future fails with ``Unavailable`` if it is not.
        """
        weight = self._weight(incoming)
        while not self._free or self._free_bytes < weight:
            turn: asyncio.Future[None] = self._loop.create_future()
            self._waiting.append(turn)
            await turn
        self._free -= 1
        self._free_bytes -= weight
        became: asyncio.Future[Message] = self._loop.create_future()
        self._queue.put(_Entry(line, incoming, became))
        return became

    async def close(self) -> None:
        """Writes what was handed in, and ends."""
        self._closing.set()
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _weight(self, incoming: Incoming) -> int:
        return min(len(incoming.raw), self._size)

    # On the thread -----------------------------------------------------------------------------------------

    def _work(self) -> None:
        last = False
        while not last:
            group, last = self._next()
            try:
                self._deal(group)
            except Exception as error:  # a defect of ours: nothing is acknowledged, and the others go on
                _log.error("messages could not be received: %s", type(error).__name__)
                self._tell(group, Unavailable("the messages could not be received"))

    def _next(self) -> tuple[list[_Entry], bool]:
        """The messages that wait, at least one; and whether they are the last."""
        group: list[_Entry] = []
        size = 0
        while len(group) < GROUP and size < GROUP_BYTES:
            try:
                entry = self._queue.get(block=not group)
            except queue.Empty:
                break
            if entry is None:
                return group, True
            group.append(entry)
            size += len(entry.incoming.raw)
        return group, False

    def _deal(self, group: list[_Entry]) -> None:
        broken = [entry for entry in group if entry.line.broken]
        if broken:
            self._tell(broken, Unavailable("an earlier message of this connection was not written"))
        good = [entry for entry in group if not entry.line.broken]
        if good:
            self._tell(good, self._written(good))

    def _written(self, group: Sequence[_Entry]) -> list[Message] | VesaliusError:
        end = time.monotonic() + self._patience
        while True:
            try:
                return self._receive([entry.incoming for entry in group])
            except VesaliusError as error:
                if time.monotonic() >= end or self._closing.is_set():
                    _log.error("%d messages stay unanswered: %s", len(group), error)
                    for entry in group:
                        entry.line.broken = True
                    return error
                _log.warning("the messages wait: %s", error)
            self._closing.wait(_PAUSE)

    def _tell(self, group: Sequence[_Entry], found: list[Message] | VesaliusError) -> None:
        self._loop.call_soon_threadsafe(self._answer, group, found)

    # On the loop -------------------------------------------------------------------------------------------

    def _answer(self, group: Sequence[_Entry], found: list[Message] | VesaliusError) -> None:
        for number, entry in enumerate(group):
            self._free += 1
            self._free_bytes += self._weight(entry.incoming)
            if not entry.became.cancelled():
                if isinstance(found, VesaliusError):
                    entry.became.set_exception(found)
                else:
                    entry.became.set_result(found[number])
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)
