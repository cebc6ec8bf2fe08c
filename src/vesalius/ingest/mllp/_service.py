"""Running a listener as a process: until it is asked to end, and then in good order."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from vesalius.ingest.mllp._server import Counts, Listener

_TICK = 1.0


def listen(
    listener: Listener,
    ready: Callable[[Listener], None] = lambda _: None,
    tick: Callable[[Counts], None] = lambda _: None,
) -> None:
    """Listens until SIGTERM or SIGINT, then answers what is in flight and returns.

    Args:
        listener: not started yet.
        ready: called once it listens.
        tick: called every second with what it has seen, and at the end.

    Raises:
        Unavailable: its address cannot be listened on.
    """
    asyncio.run(_listen(listener, ready, tick))


async def _listen(
    listener: Listener, ready: Callable[[Listener], None], tick: Callable[[Counts], None]
) -> None:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    await listener.start()
    ready(listener)
    while not asked.is_set():
        tick(listener.counts)
        try:
            async with asyncio.timeout(_TICK):
                await asked.wait()
        except TimeoutError:
            continue
    await listener.stop()
    tick(listener.counts)
