"""What the lake costs beside a bare table: writing, reading as of a moment, making columns.

Data: the Observations of ``synthea-r4`` (615 synthetic patients, Apache-2.0), up to ``LIMIT``, decompressed
and prepared (id, subject, moment, digest) before the clock starts. The peer is Python's ``sqlite3`` on the
same disk with the same settings (write-ahead log, full synchronisation): ``executemany`` into a table of id
and body with a primary key, which keeps no versions, finds no duplicates and has no index. Wall-clock
seconds; the best of three runs for writing, all in turns. Below both stands what the disk itself allows: as
many bare appends of one page to a file, each forced to disk (``os.fdatasync``).

    .venv/bin/python benchmarks/lake.py [LIMIT]
"""

import gzip
import itertools
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from vesalius import fhir
from vesalius.lake import Arrival, Lake
from vesalius.store import open_store

ROOT = Path(__file__).parents[1]
LIMIT = 30_000
SINGLE = 2_000
GOAL = 3_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def clock(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def prepared(line):
    resource = fhir.load(line)
    about, moment = fhir.subject(resource), fhir.recorded(resource)
    return Arrival(line, resource["resourceType"], resource["id"], about, moment, fhir.digest(line))


def plain_table(folder, name):
    connection = sqlite3.connect(folder / f"{name}.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE plain (id TEXT PRIMARY KEY, body BLOB NOT NULL)")
    return connection


def plain_insert(connection, rows):
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO plain VALUES (?, ?)", rows)
    connection.execute("COMMIT")


def fresh(folder, name):
    return Lake(open_store(f"sqlite:///{folder}/{name}.sqlite"), folder / f"{name}-columns")


def bulk(folder, arrivals):
    best_lake = best_plain = float("inf")
    for run in range(3):
        lake = fresh(folder, f"bulk{run}")
        best_lake = min(best_lake, clock(lambda lake=lake: lake.write(arrivals, "benchmark", NOW)))
        with closing(plain_table(folder, f"plain{run}")) as connection:
            rows = [(arrival.id, arrival.body) for arrival in arrivals]
            best_plain = min(best_plain, clock(lambda c=connection, rows=rows: plain_insert(c, rows)))
    return lake, len(arrivals) / best_lake, len(arrivals) / best_plain


def single(folder, arrivals):
    """The best of three, all in turns: a neighbour that uses the disk only ever takes time away.

    Writes per second of the lake, the bare table and the bare disk; CPU microseconds of one in the lake.
    """
    ours = theirs = disk = spent = float("inf")
    for run in range(3):
        lake = fresh(folder, f"single{run}")
        before = time.process_time()
        ours = min(ours, clock(lambda lake=lake: [lake.write([each], "benchmark", NOW) for each in arrivals]))
        spent = min(spent, time.process_time() - before)
        with closing(plain_table(folder, f"single-plain{run}")) as connection:
            work = [[(each.id, each.body)] for each in arrivals]
            theirs = min(theirs, clock(lambda c=connection, w=work: [plain_insert(c, rows) for rows in w]))
        disk = min(disk, clock(lambda run=run: pages(folder / f"pages{run}", len(arrivals))))
    count = len(arrivals)
    return count / ours, count / theirs, count / disk, spent / count * 1e6


def pages(path, count):
    """Appends pages to a file, each of them on disk before the next."""
    with path.open("wb", buffering=0) as file:
        for _ in range(count):
            file.write(bytes(4096))
            os.fdatasync(file.fileno())


def latencies(work, keys):
    times = sorted(clock(lambda key=key: work(key)) * 1000 for key in keys)
    return statistics.median(times), times[int(len(times) * 0.95)]


def row(label, *cells):
    print(f"{label:<44}" + "".join(f"{cell:>14}" for cell in cells))


def write_figures(folder, arrivals):
    lake, ours, plain = bulk(folder, arrivals)
    row("write, one transaction (resources/s)", f"{ours:,.0f}", f"{plain:,.0f}", f"{ours / plain:.2f}")
    again = len(arrivals) / clock(lambda: lake.write(arrivals, "benchmark", NOW))
    row("write again, nothing new (resources/s)", f"{again:,.0f}")
    one, plain_one, disk, spent = single(folder, arrivals[:SINGLE])
    row(
        "write, a transaction each (resources/s)",
        f"{one:,.0f}",
        f"{plain_one:,.0f}",
        f"{one / plain_one:.2f}",
    )
    row("… CPU microseconds of each", f"{spent:,.0f}")
    row("bare pages forced to disk (1/s)", "", f"{disk:,.0f}")
    return lake, one


def read_figures(lake, arrivals):
    row("", "median ms", "95 % ms")
    some = arrivals[:: max(1, len(arrivals) // 500)]
    as_of = NOW - timedelta(days=1)
    point = latencies(lambda a: lake.read(f"{a.type}/{a.id}", as_of), some)
    row("read one resource as of a moment", *(f"{value:.2f}" for value in point))
    subjects = sorted({arrival.subject for arrival in arrivals})[:100]
    patient = latencies(lambda subject: lake.patient(subject, as_of), subjects)
    row("read all of one patient as of a moment", *(f"{value:.2f}" for value in patient))


def column_figures(lake, arrivals):
    lake.columns("Observation")  # loads the libraries
    rate = len(arrivals) / clock(lake.rebuild_columns)
    row("make columns (resources/s)", f"{rate:,.0f}")
    (stats,) = lake.stats().types
    size = sum(len(arrival.body) for arrival in arrivals)
    row("columns, bytes per byte of JSON", f"{stats.bytes / size:.2f}")


def main():
    limit = int(sys.argv[1]) if len(sys.argv) > 1 else LIMIT
    data = Path(os.environ.get("VESALIUS_DATA", ROOT.parent / "shared" / "data")) / "synthea-r4"
    if not data.is_dir():
        print(f"no data at {data} (set VESALIUS_DATA): nothing measured")
        return
    with gzip.open(data / "Observation.ndjson.gz") as lines:
        arrivals = [prepared(line.rstrip(b"\n")) for line in itertools.islice(lines, limit)]
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {len(arrivals):,} Observations")
    with tempfile.TemporaryDirectory() as name:
        row("", "lake", "sqlite3", "ratio")
        lake, one = write_figures(Path(name), arrivals)
        read_figures(lake, arrivals)
        column_figures(lake, arrivals)
    if one < GOAL:
        sys.exit(f"fewer than {GOAL} durable writes of one resource per second")


if __name__ == "__main__":
    main()
