"""How fast FHIR R4 resources are checked, made canonical and received, per CPU-second of one core.

Data: ``synthea-r4`` (615 synthetic patients, Apache-2.0), up to ``LIMIT`` resources of each type,
decompressed before the clock starts. "check" is ``fhir.check`` on the bytes of a line whose type is not
known beforehand; "canonical" is decoding with exact decimals, canonical JSON and SHA-256; "receive" is the
whole way into a SQLite lake on disk, durable. Each figure is resources per second of process CPU time (the
kernel's share included); the first resource of each type, which builds its structures, is left out.

    .venv/bin/python benchmarks/ingest.py [LIMIT]
"""

import gzip
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from vesalius import fhir
from vesalius.ingest import receive
from vesalius.lake import Lake
from vesalius.store import open_store

ROOT = Path(__file__).parents[1]
LIMIT = 10_000
GOAL = 30_000


def cpu(work):
    start = time.process_time()
    work()
    return time.process_time() - start


def check_all(lines):
    for line in lines:
        fhir.check(line)


def canonical_all(lines):
    for line in lines:
        fhir.digest(line)


def received(path):
    with tempfile.TemporaryDirectory() as folder:
        engine = open_store(f"sqlite:///{folder}/hospital.sqlite")
        lake = Lake(engine, Path(folder) / "columns")
        receipts = []
        seconds = cpu(lambda: receipts.append(receive(lake, path.name, path, source="benchmark")))
        engine.dispose()
        assert receipts[0].quarantined == 0
        return receipts[0].read, seconds


def main():
    limit = int(sys.argv[1]) if len(sys.argv) > 1 else LIMIT
    data = Path(os.environ.get("VESALIUS_DATA", ROOT.parent / "shared" / "data")) / "synthea-r4"
    if not data.is_dir():
        print(f"no data at {data} (set VESALIUS_DATA): nothing measured")
        return
    print(f"Python {platform.python_version()}, {platform.machine()}, up to {limit} resources per type")
    print(f"{'type':<22} {'resources':>9} {'check/s':>10} {'canonical/s':>12}")
    total, seconds = 0, 0.0
    for path in sorted(data.glob("*.ndjson.gz")):
        with gzip.open(path) as file:
            lines = [line for _, line in zip(range(limit), file, strict=False)]
        check_all(lines[:1])
        checked, made = (
            cpu(lambda lines=lines: check_all(lines)),
            cpu(lambda lines=lines: canonical_all(lines)),
        )
        total, seconds = total + len(lines), seconds + checked
        name = path.name.partition(".")[0]
        print(f"{name:<22} {len(lines):>9} {len(lines) / checked:>10.0f} {len(lines) / made:>12.0f}")
    print(f"{'all':<22} {total:>9} {total / seconds:>10.0f}")
    read, spent = received(data / "Encounter.ndjson.gz")
    print(f"receive, Encounter: {read} resources, {read / spent:.0f} per CPU-second")
    if total / seconds < GOAL:
        sys.exit(f"checking is slower than {GOAL} resources per CPU-second")


if __name__ == "__main__":
    main()
