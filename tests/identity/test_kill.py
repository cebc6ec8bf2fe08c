"""Kill -9 in the middle of a merge and of its undoing: opened again, all of it has moved, and nothing twice."""

import random
import signal
import subprocess
import sys
import time

import pytest
from people import full, result, send, subject

from vesalius import identity
from vesalius.lake import Lake
from vesalius.store import open_store

CODE = """
import sys
from pathlib import Path
from vesalius import identity
from vesalius.identity import merging
from vesalius.lake import Lake
from vesalius.store import open_store
merging.AT_ONCE, merging.BATCH = 10, 2
lake = Lake(open_store(sys.argv[1]), Path(sys.argv[2]))
print("begin", flush=True)
if sys.argv[3] == "merge":
    identity.merge(lake, "a", "b", by="rita", reason="one")
else:
    identity.unmerge(lake, 1, by="rita", reason="two")
print("end", flush=True)
"""

RESULTS = 150


def killed(url, tmp_path, what, delay):
    """Starts a merge or its undoing and kills it; whether it was killed before its end."""
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, url, str(tmp_path), what], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "begin\n"
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    said = process.stdout.read()
    process.wait(30)
    process.stdout.close()
    return "end" not in said


@pytest.mark.parametrize("seed", [7])
def test_killed_in_the_middle_it_goes_on_when_opened_again(database_url, tmp_path, seed):
    chance = random.Random(seed)
    engine = open_store(database_url)
    lake = Lake(engine, tmp_path)
    send(lake, full("a"), full("b"), *(result(f"r{n}", "a", issued=1) for n in range(RESULTS)), when=1)
    broken_off = 0
    for what, stands in (("merge", "Patient/b"), ("unmerge", "Patient/a")):
        begun = False
        while not begun:
            engine.dispose()
            killed_early = killed(database_url, tmp_path, what, chance.uniform(0.05, 0.3))
            found = identity.merges(engine)
            begun = bool(found) and found[0].active == (what == "merge")
            broken_off += killed_early and begun and found[0].todo is not None
        identity.resume(lake)
        assert identity.merges(engine)[0].todo is None
        assert {subject(lake, f"Observation/r{n}") for n in range(RESULTS)} == {stands}
        versions = [len(lake.history(f"Observation/r{n}")) for n in range(RESULTS)]
        assert set(versions) == {2 if what == "merge" else 3}, "each moved once"
    assert subject(lake, "Observation/r7", 2) == "Patient/a"
    engine.dispose()
    assert broken_off, "no kill hit the middle: the delays are too long for this machine"
