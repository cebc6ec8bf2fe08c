"""What of the machine this process may use, and how it uses it for long work."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

_SELDOM = (100_000, 20, 100)
"""Objects between two collections, and how seldom older ones are looked at; Python's own is (700, 10, 10)."""


def cores() -> int:
    """How many cores this process may use: those that the system, or a container, lends it."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """Looks for circles of objects more seldom as long as the block lasts.

    For a process that makes millions of small objects, none of them in a circle, and does nothing else: each
    search would look at all that is there. It holds for the whole process, whose threads share the collector.
    """
    before = gc.get_threshold()
    gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
