"""How much memory it takes to make the columns of one large type again, and to compact them.

Data: the Observations of ``synthea-r4`` (615 synthetic patients, Apache-2.0), written again under other ids
until there are ``LIMIT`` of them. A process of its own makes their columns for the first time, another makes
them again beside the old ones, another compacts them; the figure is the most memory that each ever held
(``ru_maxrss``), libraries included. Bounded is what does not grow with the log: compare two limits.

    .venv/bin/python benchmarks/rebuild.py [LIMIT ...]
"""

import gzip
import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from vesalius import fhir
from vesalius.lake import Arrival, Lake
from vesalius.store import open_store

ROOT = Path(__file__).parents[1]
LIMITS = (30_000, 120_000)
CHUNK = 5_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ID = re.compile(rb'"id"\s*:\s*"([^"]+)"')

CODE = """
import resource, sys
from pathlib import Path
from vesalius.lake import Lake
from vesalius.store import open_store
what, url, columns = sys.argv[1:]
lake = Lake(open_store(url), Path(columns))
getattr(lake, what)()
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_maxrss / 1024, used.ru_utime)
"""


def endless(data):
    """The Observations, again and again, each time under other ids."""
    for turn in itertools.count():
        with gzip.open(data / "Observation.ndjson.gz") as lines:
            for line in lines:
                body = ID.sub(b'"id":"\\1-%d"' % turn, line.rstrip(b"\n"), count=1)
                resource = fhir.load(body)
                about, moment = fhir.subject(resource), fhir.recorded(resource)
                yield Arrival(body, "Observation", resource["id"], about, moment, fhir.digest(body))


def filled(folder, data, limit):
    """A lake of so many Observations, and the bytes of their JSON."""
    lake = Lake(open_store(f"sqlite:///{folder / 'log.sqlite'}"), folder / "columns")
    size, arrivals = 0, itertools.islice(endless(data), limit)
    while chunk := list(itertools.islice(arrivals, CHUNK)):
        size += sum(len(each.body) for each in chunk)
        lake.write(chunk, "benchmark", NOW)
    lake.engine.dispose()
    return size


def measured(what, folder):
    arguments = [what, f"sqlite:///{folder / 'log.sqlite'}", str(folder / "columns")]
    start = time.perf_counter()
    said = subprocess.run(
        [sys.executable, "-c", CODE, *arguments], check=True, capture_output=True, text=True
    )
    peak, cpu = map(float, said.stdout.split())
    return peak, cpu, time.perf_counter() - start


def main():
    limits = [int(each) for each in sys.argv[1:]] or LIMITS
    data = Path(os.environ.get("VESALIUS_DATA", ROOT.parent / "shared" / "data")) / "synthea-r4"
    if not data.is_dir():
        print(f"no data at {data} (set VESALIUS_DATA): nothing measured")
        return
    print(f"{'Observations':>12}  {'log MB':>7}  {'':<18}  {'peak MB':>8}  {'CPU s':>6}  {'s':>6}")
    for limit in limits:
        with tempfile.TemporaryDirectory() as name:
            size = filled(Path(name), data, limit)
            for what in ("refresh_columns", "compact_columns", "rebuild_columns"):
                peak, cpu, took = measured(what, Path(name))
                of = f"{limit:>12,}  {size / 1e6:>7,.0f}  {what:<18}"
                print(f"{of}  {peak:>8,.0f}  {cpu:>6,.0f}  {took:>6,.0f}", flush=True)


if __name__ == "__main__":
    main()
