"""What goes in comes out: every resource of synthea-r4, by the log and by NDJSON, byte for byte.

Data: ``synthea-r4`` (615 synthetic patients, Apache-2.0): 150,185 of the 191,093 resources of its source; the
40,908 Claims and ExplanationOfBenefits are not in the folder. It receives the files, reads every version back
from the log, writes NDJSON (``vesalius lake export``), and compares both with what the files hold:

- byte for byte: each line is among the bodies, and each body among the lines;
- as JSON: what a reader decodes, written again, is what Python's own decoder reads in the original, with
  every digit of every number (one resource in ``EVERY``; the bytes of all).

Where a file repeats a resource, the lake keeps each content once, so that repeated lines count as one.
Exits non-zero at the first difference.

    .venv/bin/python benchmarks/round_trip.py
"""

import gzip
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from vesalius import fhir
from vesalius.ingest import receive
from vesalius.lake import Lake
from vesalius.store import open_store

ROOT = Path(__file__).parents[1]
EVERY = 10


def given(path):
    with gzip.open(path) as file:
        return [line.rstrip(b"\n") for line in file]


def fail(words):
    sys.exit(f"round trip: {words}")


def states(lines):
    """What each resource was in turn: what says nothing new adds no version, what changes back does."""
    last, found = {}, []
    for line in lines:
        name = fhir.load(line)["id"]
        if last.get(name) != line:
            found.append(line)
        last[name] = line
    return found


def compare(kind, lines, bodies, how):
    if set(lines) != set(bodies):
        fail(f"{kind}, {how}: {len(set(lines) ^ set(bodies))} bodies differ")
    if sorted(bodies) != sorted(states(lines)):
        fail(f"{kind}, {how}: a state comes out more or less often than it was sent")
    for body in bodies[::EVERY]:
        if exact(fhir.dump(fhir.load(body))) != exact(body):
            fail(f"{kind}, {how}: a decoded resource is not what its JSON says")


def exact(raw):
    """The JSON as another decoder reads it, numbers as their very digits."""
    return json.loads(raw, parse_float=str, parse_int=str)


def main():
    folder = Path(os.environ.get("VESALIUS_DATA", ROOT.parent / "shared" / "data")) / "synthea-r4"
    if not folder.is_dir():
        print(f"no data at {folder} (set VESALIUS_DATA): nothing compared")
        return
    with tempfile.TemporaryDirectory() as name:
        engine = open_store(f"sqlite:///{name}/hospital.sqlite")
        lake, start = Lake(engine, Path(name) / "columns"), time.process_time()
        paths = sorted(folder.glob("*.ndjson.gz"))
        for path in paths:
            receipt = receive(lake, path.name, path, source="synthea")
            if receipt.quarantined:
                fail(f"{path.name}: {receipt.quarantined} held")
        lake.export(Path(name) / "out", versions=True, gzip=True)
        lines = kept = 0
        for path in paths:
            kind, came = path.name.partition(".")[0], given(path)
            bodies = [version.body for version in lake.versions(kind)]
            compare(kind, came, bodies, "by the log")
            compare(kind, came, given(Path(name) / "out" / path.name), "by NDJSON")
            lines, kept = lines + len(came), kept + len(bodies)
            print(
                f"{kind:<20} {len(came):>8} lines in {len(bodies):>8} out, byte for byte, twice", flush=True
            )
        engine.dispose()
    spent = time.process_time() - start
    print(f"{'all':<20} {lines:>8} lines in {kept:>8} out; {spent:.0f} CPU seconds")


if __name__ == "__main__":
    main()
