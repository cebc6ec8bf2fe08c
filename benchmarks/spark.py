"""How fast Spark runs a view on one machine, beside DuckDB, on the same resources.

    .venv/bin/python benchmarks/spark.py [RESOURCES]

Needs `make test-spark` once, which sets up pyspark and a Java. Reads 88,674 Observations from
``../shared/data/synthea-r4/Observation.ndjson.gz`` (or ``$VESALIUS_DATA``); the view has 11 columns. Figures
are resources per CPU-second (of this process and of Spark's) and per second on the clock, the best of three
runs after a first one, which is given apart: Spark compiles in it. Both engines run on two cores, in one run
of this program, and the figures hold only on one machine. The run fails if the rows differ. One machine is
not what Spark is for: the figures say what it costs before it grows.
"""

import gzip
import os
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, process_time

from vesalius.errors import Unavailable
from vesalius.lake import Arrival, Lake
from vesalius.store import open_store
from vesalius.views import Files, Limits, View, spark

DATA = Path(os.environ.get("VESALIUS_DATA", Path(__file__).parents[2] / "shared" / "data"))
CORES = 2
VIEW = {
    "resource": "Observation",
    "select": [
        {
            "column": [
                {"name": "id", "path": "getResourceKey()"},
                {"name": "status", "path": "status"},
                {"name": "patient", "path": "subject.getReferenceKey(Patient)"},
                {"name": "encounter", "path": "encounter.getReferenceKey(Encounter)"},
                {"name": "effective", "path": "effective.ofType(dateTime)"},
                {"name": "value", "path": "value.ofType(Quantity).value"},
                {"name": "unit", "path": "value.ofType(Quantity).unit"},
                {"name": "answer", "path": "value.ofType(CodeableConcept).coding.code.first()"},
                {"name": "vital", "path": "category.coding.where(code = 'vital-signs').exists()"},
            ]
        },
        {
            "forEach": "code.coding",
            "column": [{"name": "system", "path": "system"}, {"name": "code", "path": "code"}],
        },
    ],
}


def prepared(folder, most):
    """The same resources as a lake's columns and as one plain file of NDJSON."""
    lake = Lake(open_store(f"sqlite:///{folder / 'log.db'}"), folder / "columns")
    with gzip.open(DATA / "synthea-r4" / "Observation.ndjson.gz") as packed:
        lines = [line for line, _ in zip(packed, range(most), strict=False)]
    lake.write([Arrival.of(line.strip()) for line in lines], "synthea", datetime.now(UTC))
    lake.refresh_columns()
    file = folder / "observations.ndjson"
    file.write_bytes(b"".join(lines))
    return lake, Files(file), len(lines)


def cpu(session):
    """The CPU-seconds of this process and of Spark's so far."""
    spark_process = session.sparkContext._gateway.proc.pid
    fields = Path(f"/proc/{spark_process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return process_time() + sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def runs(run, session, times=3):
    """The least CPU-seconds, the least seconds, the seconds of the first run, and what the last gave."""
    taken = []
    for _ in range(times + 1):
        used, clock = cpu(session), perf_counter()
        result = run()
        taken.append((cpu(session) - used, perf_counter() - clock))
    return min(used for used, _ in taken[1:]), min(clock for _, clock in taken[1:]), taken[0][1], result


def main(most):
    if not DATA.is_dir():
        print(f"skipped: no data folder at {DATA}")
        return
    view = View.load(VIEW)
    assert (view.route, spark.route(view), len(view.columns)) == ("duckdb", "spark", 11)
    with tempfile.TemporaryDirectory() as temporary:
        lake, files, count = prepared(Path(temporary), most)
        try:
            with spark.session(f"local[{CORES}]", spark__driver__memory="3g") as session:
                for name, source in (("lake's columns", lake), ("NDJSON", files)):
                    compare(view, session, name, source, count)
        except Unavailable as reason:
            print(f"skipped: {reason}")
        lake.engine.dispose()


def compare(view, session, name, source, count):
    limits = Limits(threads=CORES)
    measured = {
        "duckdb": runs(lambda: view.table(source, engine="duckdb", limits=limits), session),
        "spark": runs(lambda: spark.table(view, session, source), session),
    }
    tables = [each[-1] for each in measured.values()]
    assert tables[0].schema == tables[1].schema
    rows = [Counter(zip(*(column.to_pylist() for column in table.columns), strict=True)) for table in tables]
    assert rows[0] == rows[1], "the engines give different rows"
    print(f"{name}: {count} Observations, {tables[0].num_rows} rows, {CORES} cores")
    print(f"{'':8}{'per CPU-second':>16}{'per second':>14}{'first run':>14}")
    for engine, (used, clock, first, _) in measured.items():
        print(f"{engine:8}{count / used:16,.0f}{count / clock:14,.0f}{count / first:14,.0f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
