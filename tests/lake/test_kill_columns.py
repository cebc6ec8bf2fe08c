"""Kill -9 while columns are made again or compacted: what is read stays right, the next refresh mends the rest."""

import random
import signal
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest
from lake_records import at, observation

from vesalius.lake import Lake, _columns
from vesalius.store import open_store

CODE = """
import sys
from pathlib import Path
from vesalius.lake import Lake, _columns
from vesalius.store import open_store
what, url, columns = sys.argv[1:]
_columns.BATCH_ROWS = 40
lake = Lake(open_store(url), Path(columns))
lake.stats()
print("ready", flush=True)
while True:
    lake.rebuild_columns() if what == "rebuild" else lake.refresh_columns() or lake.compact_columns()
"""

STEP, ROUNDS = 60, 3


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(_columns, "BATCH_ROWS", 20)  # many small files, for compaction to work on
    return tmp_path


def opened(home):
    return Lake(open_store(f"sqlite:///{home / 'hospital.sqlite'}"), home / "columns")


def add(lake, step):
    lake.write([observation(f"o{step}-{n}", n, n) for n in range(STEP)], "x", at(step))


def kill(what, home, after):
    """Runs one of the two over and over in a process of its own, and kills it so many seconds on."""
    url = f"sqlite:///{home / 'hospital.sqlite'}"
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, what, url, str(home / "columns")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def check(lake):
    """What is read from the columns is what the log holds, each version once."""
    found = lake.columns("Observation")
    assert read(found) == {version.seq: version.body.decode() for version in lake.versions("Observation")}
    assert lake.stats().types[0].behind == 0
    return found


def read(found):
    rows = [row for file in found.files for row in pq.read_table(file, columns=["_seq", "_body"]).to_pylist()]
    rows = [row for row in rows if row["_seq"] <= found.position]
    bodies = {row["_seq"]: row["_body"] for row in rows}
    assert len(bodies) == len(rows) == found.position
    return bodies


@pytest.mark.parametrize("what", ["rebuild", "compact"])
def test_killed_at_random_moments_then_read_and_refreshed(home, what):
    chance = random.Random(what)
    lake = opened(home)
    add(lake, 0)
    seen = check(lake)
    known = read(seen)
    for step in range(1, ROUNDS + 1):
        add(lake, step)
        if what == "compact":
            lake.refresh_columns()
        kill(what, home, chance.random() * 0.3)
        assert read(seen) == known  # whoever was reading goes on
        other = opened(home)  # one that begins now, after more was written
        other.write([observation(f"late{step}")], "x", at(step))
        seen = check(other)
        known = read(seen)
        other.engine.dispose()
    lake.compact_columns()
    assert check(lake).position == lake.position() == (ROUNDS + 1) * STEP + ROUNDS
    assert len(lake.columns("Observation").files) == 1
    lake.engine.dispose()
