"""How long it takes to say who may see whom, with a million patients behind it.

Run it with ``.venv/bin/python benchmarks/access.py``; it prints a table and fails above the bound.
The index of stays is filled directly, with stays on 400 wards over six years.
"""

import random
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from vesalius.governance import _stays, care, people
from vesalius.governance.access import Access
from vesalius.governance.roles import Right
from vesalius.lake import Lake
from vesalius.store import open_store, reading, writing

PATIENTS, WARDS, PAGE, ROUNDS, BOUND = 1_000_000, 400, 50, 50, 5.0
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def fill(engine: sa.Engine) -> None:
    """One stay of each patient, on a ward, of some days."""
    chance = random.Random(1543)
    for start in range(0, PATIENTS, 50_000):
        rows = []
        for number in range(start, start + 50_000):
            begins = NOW - timedelta(hours=chance.randrange(6 * 365 * 24))
            head = {"encounter": f"e{number}", "patient": f"p{number}", "recorded_at": begins, "seq": number}
            rows.append(head | {"place": 0, "unit": "", "begins": _stays.DAWN, "ends": _stays.DAWN})
            ends, unit = begins + timedelta(days=chance.randrange(1, 20)), f"Location/{number % WARDS}"
            rows.append(head | {"place": 1, "unit": unit, "begins": begins, "ends": ends})
        with writing(engine) as connection:
            connection.execute(sa.insert(_stays.stay), rows)


def median(ask) -> float:
    """Milliseconds; the first round is not counted."""
    times = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        ask()
        times.append((time.perf_counter() - start) * 1000)
    return sorted(times[1:])[ROUNDS // 2]


def main() -> int:
    """Measures, and prints."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_store(f"sqlite:///{Path(folder) / 'access.sqlite'}")
        fill(engine)
        doctor = people.add(engine, "doctor", name="Doctor", role="doctor")
        care.set_units(engine, "doctor", ["Location/7", "Location/8"])
        access = Access(Lake(engine, Path(folder) / "columns"))
        page = [f"Patient/p{number * 997}" for number in range(PAGE)]

        def listed() -> int:
            only = access.scope(doctor, Right.SEE_WORKLIST, NOW).only
            with reading(engine) as connection:
                return len(connection.execute(only).all())

        found = {
            f"a page of {PAGE} patients": median(
                lambda: access.allow(doctor, Right.SEE_WORKLIST, page, at=NOW)
            ),
            f"all {listed()} patients of two wards": median(listed),
        }
        for name, taken in found.items():
            sys.stdout.write(f"{name:<34} {taken:6.2f} ms\n")
        engine.dispose()
        return int(max(found.values()) > BOUND)


if __name__ == "__main__":
    raise SystemExit(main())
