"""How much memory a view takes over many times Synthea, read from NDJSON and written to Parquet in batches.

    .venv/bin/python benchmarks/views_memory.py [TIMES] [ENGINE ...]

Writes every file of ``../shared/data/synthea-r4`` (or ``$VESALIUS_DATA``) TIMES times over (13, if not given:
1.9 million resources), each time with other ids, into a temporary folder, which is removed at the end. Then
runs the view of ``benchmarks/views.py`` over all of it, all types, once in a process of its own for each
engine (``duckdb``, if none is named), and prints the most memory that the process held (resident, as the
kernel counts it). It exits non-zero above 2 GiB.
"""

import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

import pyarrow.parquet as pq

from vesalius.views import Files, Limits, View

DATA = Path(os.environ.get("VESALIUS_DATA", Path(__file__).parents[2] / "shared" / "data")) / "synthea-r4"
MOST = 2 * 2**30
LIMITS = Limits(memory=2**30)


def write(folder, times):
    """Every file, so many times over; the number of resources."""
    count = 0
    for source in sorted(DATA.glob("*.ndjson.gz")):
        lines = gzip.decompress(source.read_bytes()).splitlines(keepends=True)
        count += times * len(lines)
        with (folder / source.stem).open("wb") as file:
            for copy in range(times):
                file.writelines(line.replace(b'"id":"', b'"id":"%d-' % copy, 1) for line in lines)
    return count


def run(engine, folder):
    """Runs the view, in this process alone; prints what it took as JSON."""
    from views import VIEW

    cpu, clock, rows = process_time(), perf_counter(), 0
    files = Files(str(Path(folder) / "*.ndjson"))
    reader = View.load(VIEW).batches(files, engine=engine, limits=LIMITS)
    with pq.ParquetWriter(Path(folder) / f"{engine}.parquet", reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
            rows += batch.num_rows
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    json.dump(
        {"peak": peak, "rows": rows, "cpu": process_time() - cpu, "clock": perf_counter() - clock}, sys.stdout
    )


def main(times, engines):
    if not DATA.is_dir():
        print(f"skipped: no data folder at {DATA}")
        return 0
    most = 0
    with tempfile.TemporaryDirectory() as temporary:
        count = write(Path(temporary), times)
        size = sum(path.stat().st_size for path in Path(temporary).iterdir())
        print(f"{count:,} resources, {size / 2**30:.2f} GiB of NDJSON, load {os.getloadavg()[0]:.1f}")
        for engine in engines:
            command = [sys.executable, __file__, "--run", engine, temporary]
            found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            most = max(most, found["peak"])
            print(
                f"{engine:8}{found['rows']:>12,} rows, most memory {found['peak'] / 2**20:,.0f} MiB, "
                f"{count / found['cpu']:,.0f} resources per CPU-second, {found['clock']:.0f} s"
            )
    return int(most > MOST)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        run(*sys.argv[2:])
    else:
        times = int(sys.argv[1]) if len(sys.argv) > 1 else 13
        raise SystemExit(main(times, sys.argv[2:] or ["duckdb"]))
