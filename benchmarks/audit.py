"""How fast audit events are written and verified, on SQLite.

Run it with ``.venv/bin/python benchmarks/audit.py``; it prints events a second.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from vesalius.governance import audit
from vesalius.store import open_store, writing

TOGETHER, APART = 20_000, 2_000


def write_together(engine: sa.Engine) -> None:
    """All events in one transaction."""
    with writing(engine) as connection:
        for number in range(TOGETHER):
            audit.record(connection, "benchmark", audit.Action.SUGGESTION_READ, f"suggestion {number}")


def write_apart(engine: sa.Engine) -> None:
    """Each event in a durable transaction of its own, as when somebody looks at a page."""
    for number in range(APART):
        audit.record(engine, "benchmark", audit.Action.SUGGESTION_READ, f"suggestion {number}")


def speed(events: int, work: Callable[[], object]) -> str:
    """Events a second."""
    started = time.perf_counter()
    work()
    return f"{events / (time.perf_counter() - started):>10,.0f}"


def main() -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_store(f"sqlite:///{Path(folder) / 'audit.db'}")
        print("audit events a second, SQLite")
        print("written in one transaction  ", speed(TOGETHER, lambda: write_together(engine)))
        print("written, a transaction each ", speed(APART, lambda: write_apart(engine)))
        print("verified                    ", speed(TOGETHER + APART, lambda: audit.verify(engine)))


if __name__ == "__main__":
    main()
