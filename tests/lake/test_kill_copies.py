"""Kill -9 while the database is copied or put back: the copy is whole or absent, the database old or new."""

import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

from lake_records import at, observation

from vesalius.lake import Lake

CODE = """
import sys
from pathlib import Path
from vesalius.lake import Lake
from vesalius.store import open_store
what, url, home = sys.argv[1:]
home = Path(home)
lake = Lake(open_store(url), home / "columns")
lake.position()
print("ready", flush=True)
while True:
    if what == "backup":
        lake.backup(home / "copy.sqlite")
    else:
        for name in ("many", "few"):
            lake.restore(home / f"{name}.sqlite", replace=True)
"""

MANY, FEW = 2_000, 700


def kill(what, url, home, after):
    """Runs one of the two over and over in a process of its own, and kills it so many seconds on."""
    process = subprocess.Popen([sys.executable, "-c", CODE, what, url, str(home)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == b"ready\n"
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def copied(path):
    """How many versions a copy holds, which is an undamaged database of its own."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        return connection.execute("SELECT count(*) FROM resource_version").fetchone()[0]


def test_a_copy_that_was_killed_is_whole_or_absent(engine, database_url, tmp_path):
    chance = random.Random(5)
    lake = Lake(engine, tmp_path / "columns")
    lake.write([observation(f"o{n}", n) for n in range(MANY)], "x", at(1))
    target = tmp_path / "copy.sqlite"
    whole = 0
    for _ in range(5):
        target.unlink(missing_ok=True)
        kill("backup", database_url, tmp_path, chance.random() * (0.1 if whole else 0.4))
        if target.exists():
            whole += 1
            assert copied(target) == MANY
    lake.backup(target)  # whatever was left half made is in nobody's way
    assert copied(target) == MANY
    assert not list(tmp_path.glob("*.partial*"))


def test_a_database_whose_restore_was_killed_is_the_old_one_or_the_new_one(engine, database_url, tmp_path):
    chance = random.Random(6)
    lake = Lake(engine, tmp_path / "columns")
    lake.write([observation(f"o{n}", n) for n in range(FEW)], "x", at(1))
    lake.backup(tmp_path / "few.sqlite")
    lake.write([observation(f"o{n}", n) for n in range(FEW, MANY)], "x", at(2))
    lake.backup(tmp_path / "many.sqlite")
    for _ in range(5):
        kill("restore", database_url, tmp_path, chance.random() * 0.6)
        position = lake.position()
        assert position in (FEW, MANY)
        assert [version.seq for version in lake.versions("Observation")] == list(range(1, position + 1))
        assert lake.count()["Observation"]["versions"] == position
    lake.restore(tmp_path / "few.sqlite", replace=True)
    assert lake.write([observation("next")], "x", at(3)).written == 1
    assert len(lake.columns("Observation").files) > 0
    assert (lake.position(), lake.stats().types[0].behind) == (FEW + 1, 0)
    assert not list(tmp_path.glob("vesalius-*"))  # no copy of the patients' data is left behind
