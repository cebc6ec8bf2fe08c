"""How fast FHIR R4 resources come in, per CPU-second of one core, beside fhir.resources on the same lines.

Data: all of ``synthea-r4`` (615 synthetic patients, Apache-2.0). Every figure is resources per second of
process CPU time, the kernel's share included; the first resources of each type, which build its structures,
are left out. The neighbours of a shared machine only ever add time, so the best of ``RUNS`` counts, for each
figure, ours and theirs.

- **validated**: from the bytes of a file to arrivals: split into lines, decoded with exact decimals,
  structure checked, identified (type, id, patient, when known), digested: all but the writing. The goal.
- **durable**: the same, and written into a SQLite lake on disk, in transactions that are synchronised.
- **all**: the same by ``receive``, from the gzip files: hashed, decompressed, receipts kept.
- **fhir.resources**: its models, made from the same lines (``SAMPLE`` of each type): structure only. Beside
  it ours on that sample: ``fhir.check``, likewise structure only.

    .venv/bin/python benchmarks/ingest.py [EVERY]      # EVERY 10 takes one line in ten
    .venv/bin/python benchmarks/ingest.py csv [ROWS]   # the first 20,000 stays of readmission-diabetes130

The second receives a CSV file through the map of ``readmission``, 18 resources of each row, into a lake on
disk: once in one process, and once with a second one that reads and converts. CPU seconds are of each.
"""

import gzip
import importlib
import inspect
import io
import itertools
import os
import platform
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from vesalius import fhir
from vesalius.ingest import CsvMap, ndjson, receive
from vesalius.ingest._judge import Judge
from vesalius.lake import Lake
from vesalius.store import open_store
from vesalius.usecase import find

ROOT = Path(__file__).parents[1]
GOAL = 30_000
RUNS = 3
SAMPLE = 300
BATCH = 2_000


def cpu(work):
    start = time.process_time()
    work()
    return time.process_time() - start


def best(work):
    return min(cpu(work) for _ in range(RUNS))


class Fresh:
    """An empty lake on disk, for as long as the block lasts."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.engine = open_store(f"sqlite:///{self.folder.name}/hospital.sqlite")
        return Lake(self.engine, Path(self.folder.name) / "columns")

    def __exit__(self, *_):
        self.engine.dispose()
        self.folder.cleanup()


def arrivals(lake, data, write):
    """What ``receive`` does with the bytes of one file, but for receipts and quarantine."""
    now = datetime.now(UTC)
    judge, ready = Judge(lake, now), []
    for item in ndjson.read(io.BytesIO(data)):
        ready += judge.arrivals(item)
        if len(ready) >= BATCH:
            write(ready, now)
            ready = []
    write(ready, now)


def validated(files):
    def run():
        with Fresh() as lake:
            spent.append(
                sum(cpu(lambda d=data: arrivals(lake, d, lambda *_: None)) for data in files.values())
            )

    spent = []
    for _ in range(RUNS):
        run()
    return min(spent)


def durable(files):
    spent = []
    for _ in range(RUNS):
        with Fresh() as lake:

            def write(ready, now, lake=lake):
                lake.write(ready, "benchmark", now)

            spent.append(sum(cpu(lambda d=data: arrivals(lake, d, write)) for data in files.values()))
    return min(spent)


def everything(paths):
    with Fresh() as lake:
        receipts = []
        spent = cpu(
            lambda: receipts.extend(receive(lake, path.name, path, source="benchmark") for path in paths)
        )
        assert not sum(receipt.quarantined for receipt in receipts)
        return sum(receipt.read for receipt in receipts), spent


def peer(kind, lines):
    """Seconds that the peer takes for some lines; it refuses what it finds wrong, as ours would."""
    model = getattr(importlib.import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
    model.model_validate_json(lines[0])
    return best(lambda: [model.model_validate_json(line) for line in lines])


def by_type(files):
    print(f"{'type':<20} {'bytes each':>10} {'fhir.check/s':>13} {'fhir.resources/s':>17} {'ratio':>7}")
    ours = theirs = count = 0
    for kind, data in files.items():
        lines = data.splitlines()[:SAMPLE]
        fhir.check(lines[0])
        mine, other = best(lambda lines=lines: [fhir.check(line) for line in lines]), peer(kind, lines)
        ours, theirs, count = ours + mine, theirs + other, count + len(lines)
        size = sum(map(len, lines)) / len(lines)
        print(
            f"{kind:<20} {size:>10.0f} {len(lines) / mine:>13,.0f} {len(lines) / other:>17,.0f}"
            f" {other / mine:>7.1f}"
        )
    print(f"{'sample of each':<31} {count / ours:>13,.0f} {count / theirs:>17,.0f} {theirs / ours:>7.1f}")


def children():
    """CPU seconds of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def table(data, rows):
    """The first rows of a CSV file, in one process and in two."""
    maps = Path(inspect.getfile(find("readmission"))).parent / "maps"
    csv_map = CsvMap.load(maps / "diabetic_data.toml")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "diabetic_data.csv.gz"
        with gzip.open(data / path.name) as whole, gzip.open(path, "wb") as part:
            part.writelines(itertools.islice(whole, rows + 1))
        for processes in (1, 2):
            with Fresh() as lake:
                begin, before, clock = time.process_time(), children(), time.perf_counter()
                receipt = receive(
                    lake, path.name, path, source="benchmark", csv_map=csv_map, processes=processes
                )
                here, there = time.process_time() - begin, children() - before
                clock = time.perf_counter() - clock
            found = receipt.written + receipt.unchanged
            print(
                f"{receipt.read:,} rows, {found:,} resources, {processes} processes: {here:.1f} CPU s here,"
                f" {there:.1f} in the other, {found / (here + there):,.0f} resources per CPU-second;"
                f" {clock:.1f} s of the clock"
            )


def main():
    folder = Path(os.environ.get("VESALIUS_DATA", ROOT.parent / "shared" / "data"))
    if sys.argv[1:2] == ["csv"]:
        return table(folder / "readmission-diabetes130", int((sys.argv[2:] or ["20000"])[0]))
    return resources(folder / "synthea-r4")


def resources(folder):
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    if not folder.is_dir():
        print(f"no data at {folder} (set VESALIUS_DATA): nothing measured")
        return
    paths, files = sorted(folder.glob("*.ndjson.gz")), {}
    for path in paths:
        with gzip.open(path) as file:
            files[path.name.partition(".")[0]] = b"".join(
                line for number, line in enumerate(file) if number % every == 0
            )
    count = sum(data.count(b"\n") for data in files.values())
    load = os.getloadavg()[0]
    print(
        f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores, load {load:.1f},"
        f" {count:,} resources"
    )
    by_type(files)
    spent = validated(files)
    print(f"validated ingest: {count / spent:>8,.0f} resources per CPU-second (goal {GOAL:,})")
    print(f"durable ingest:   {count / durable(files):>8,.0f} resources per CPU-second, written to SQLite")
    read, whole = everything(paths)
    print(f"all included:     {read / whole:>8,.0f} resources per CPU-second, from {len(paths)} gzip files")
    if count / spent < GOAL:
        sys.exit(f"validated ingest is slower than {GOAL} resources per CPU-second")


if __name__ == "__main__":
    main()
