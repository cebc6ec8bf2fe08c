"""Kill -9 during ingest, then again: nothing acknowledged is lost, nothing is doubled."""

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from vesalius.ingest import causes, held, receipts, receive
from vesalius.lake import Lake
from vesalius.store import open_store

CODE = """
import sys
from pathlib import Path
from vesalius.ingest import pipeline, receive
from vesalius.lake import Lake
from vesalius.store import open_store
home = Path(sys.argv[1])
pipeline.BATCH = 20
lake = Lake(open_store(f"sqlite:///{home / 'hospital.sqlite'}"), home / "columns")
say = lambda done, _: print(done, flush=True)
receive(lake, "patients.ndjson", home / "patients.ndjson", source="feed", progress=say)
print("end", flush=True)
"""

ITEMS = 3_000


def write_file(path):
    with path.open("w") as file:
        for number in range(ITEMS):
            patient = {
                "resourceType": "Patient",
                "id": f"p{number}",
                "gender": "x" if number % 7 == 3 else "other",
            }
            file.write(json.dumps(patient) + "\n")


@pytest.mark.parametrize("seed", range(2))
def test_killed_at_random_moments_then_again(tmp_path, seed):
    write_file(tmp_path / "patients.ndjson")
    chance = random.Random(seed)
    acknowledged, kills = 0, 0
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", CODE, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        said = ""
        for _ in range(chance.randrange(1, 30)):  # let it acknowledge a few batches …
            said = process.stdout.readline().strip() or said
        time.sleep(chance.random() * 0.01)  # … and kill it somewhere inside another
        process.send_signal(signal.SIGKILL)
        said = ([said, *process.stdout.read().split()])[-1] or said
        process.stdout.close()
        kills += process.wait() == -signal.SIGKILL
        acknowledged = int(said) if said.isdecimal() else acknowledged
        check_nothing_is_lost_or_doubled(tmp_path, acknowledged)
    assert kills
    finish_and_check(tmp_path)


def opened(home):
    return Lake(open_store(f"sqlite:///{home / 'hospital.sqlite'}"), home / "columns")


def check_nothing_is_lost_or_doubled(home, acknowledged):
    lake = opened(home)
    (receipt,) = receipts(lake.engine)
    assert receipt.read >= acknowledged
    assert receipt.written == lake.position()
    assert receipt.written + receipt.quarantined == receipt.read
    assert lake.count().get("Patient", {"versions": 0, "resources": 0}) == {
        "resources": lake.position(),
        "versions": lake.position(),
    }
    lake.engine.dispose()


def finish_and_check(home):
    lake = opened(home)
    receipt = receive(lake, "patients.ndjson", home / "patients.ndjson", source="feed")
    bad = len(range(3, ITEMS, 7))
    assert (receipt.read, receipt.written, receipt.unchanged, receipt.quarantined) == (
        ITEMS,
        ITEMS - bad,
        0,
        bad,
    )
    assert lake.count()["Patient"] == {"resources": ITEMS - bad, "versions": ITEMS - bad}
    assert causes(lake.engine) == {"invalid-resource": bad}
    places = Counter(item.place for item in held(lake.engine, limit=ITEMS))
    assert max(places.values()) == 1
    assert receive(lake, "patients.ndjson", home / "patients.ndjson", source="feed").repeated
    lake.engine.dispose()
