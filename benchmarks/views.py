"""How fast views run: both routes beside DuckDB SQL written by hand and a plain loop, on the same resources.

    .venv/bin/python benchmarks/views.py [RESOURCES]

Reads ``../shared/data/synthea-r4/Observation.ndjson.gz`` (or ``$VESALIUS_DATA``), 88,674 Observations. Each
figure is resources per CPU-second (user and system, all threads), the best of three runs, in one process; the
ratios hold within one run, the figures only on one machine. Every contender makes the same Arrow columns, and
the run fails if their rows differ.
"""

import gzip
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, process_time

import pyarrow as pa

from vesalius import fhir
from vesalius.lake import Arrival, Lake
from vesalius.store import open_store
from vesalius.views import View, _duckdb, _table

DATA = Path(os.environ.get("VESALIUS_DATA", Path(__file__).parents[2] / "shared" / "data"))
VIEW = {
    "resource": "Observation",
    "select": [
        {
            "column": [
                {"name": "status", "path": "status"},
                {"name": "encounter", "path": "encounter.reference"},
                {"name": "effective", "path": "effective.ofType(dateTime)"},
                {"name": "value", "path": "value.ofType(Quantity).value"},
                {"name": "unit", "path": "value.ofType(Quantity).unit"},
                {"name": "answer", "path": "value.ofType(CodeableConcept).coding.code.first()"},
            ]
        },
        {
            "forEach": "code.coding",
            "column": [{"name": "system", "path": "system"}, {"name": "code", "path": "code"}],
        },
    ],
}
BY_HAND = """
SELECT status, encounter.reference AS encounter, effectiveDateTime AS effective,
  valueQuantity."value" AS value, valueQuantity.unit AS unit, valueCodeableConcept.coding[1].code AS answer,
  c.system AS system, c.code AS code,
  'Observation/' || _id || '/_history/' || _version AS _reference, 'Observation/' || _id AS _resource,
  _subject, _recorded_at, _seq
FROM (SELECT *, unnest(code.coding) AS c FROM {source}) ORDER BY _seq
"""


def plain_loop(versions, schema):
    """What one would write without views, for this one question."""
    rows = []
    for version in versions:
        resource = version.resource
        quantity = resource.get("valueQuantity", {})
        answers = [
            each["code"]
            for each in resource.get("valueCodeableConcept", {}).get("coding", [])
            if "code" in each
        ]
        common = (
            resource.get("status"),
            resource.get("encounter", {}).get("reference"),
            resource.get("effectiveDateTime"),
            quantity.get("value"),
            quantity.get("unit"),
            answers[0] if answers else None,
        )
        origin = (
            version.reference,
            f"{version.type}/{version.id}",
            version.subject,
            version.recorded_at,
            version.seq,
        )
        rows += [
            (*common, coding.get("system"), coding.get("code"), *origin)
            for coding in resource.get("code", {}).get("coding", [])
        ]
    return _table.arrow(rows, schema)


def filled(folder, most):
    engine = open_store(f"sqlite:///{folder / 'log.db'}")
    lake = Lake(engine, folder / "columns")
    with gzip.open(DATA / "synthea-r4" / "Observation.ndjson.gz") as lines:
        arrivals = [Arrival.of(line.strip()) for line, _ in zip(lines, range(most), strict=False)]
    lake.write(arrivals, "synthea", datetime.now(UTC))
    return lake, len(arrivals)


def best(run, times=3):
    """The least CPU-seconds and the least seconds on the clock of some runs, and what the last gave."""
    taken = []
    for _ in range(times):
        cpu, clock = process_time(), perf_counter()
        result = run()
        taken.append((process_time() - cpu, perf_counter() - clock))
    return min(cpu for cpu, _ in taken), min(clock for _, clock in taken), result


def main(most):
    if not DATA.is_dir():
        print(f"skipped: no data folder at {DATA}")
        return
    view = View.load(VIEW)
    assert view.route == "duckdb", view.route
    schema = pa.schema([*view.schema, *_table.ORIGIN])
    with tempfile.TemporaryDirectory() as temporary:
        lake, count = filled(Path(temporary), most)
        files = lake.columns("Observation").files
        versions = list(lake.versions("Observation"))
        for version in versions:
            assert version.resource  # decoded once, kept: the loops below start from decoded resources
        bodies = [version.body for version in versions]
        hand = BY_HAND.format(source=_duckdb.parquet(files))
        with _duckdb.connect(files) as connection:
            contenders = {
                "duckdb route": lambda: view.table(lake),
                "SQL by hand": lambda: connection.sql(hand).to_arrow_table().cast(schema),
                "python route": lambda: _table.table(view._plan, view.schema, versions),
                "plain loop": lambda: plain_loop(versions, schema),
            }
            measured = {name: best(run) for name, run in contenders.items()}
        decoding = best(lambda: [fhir.load(body) for body in bodies])
        report(measured, decoding, count)
        lake.engine.dispose()


def report(measured, decoding, count):
    tables = [
        result.sort_by([("_seq", "ascending"), ("code", "ascending")]) for _, _, result in measured.values()
    ]
    assert all(table == tables[0] for table in tables), "the contenders give different rows"
    print(f"{count} Observations, {tables[0].num_rows} rows, {os.cpu_count()} cores")
    print(f"{'':16}{'per CPU-second':>16}{'per second':>12}")
    for name, (cpu, clock, _) in measured.items():
        print(f"{name:16}{count / cpu:16,.0f}{count / clock:12,.0f}")
    print(f"{'(decoding JSON)':16}{count / decoding[0]:16,.0f}{count / decoding[1]:12,.0f}")
    fast, hand, slow, loop = (measured[name][0] for name in measured)
    print(f"duckdb route / SQL by hand   {hand / fast:.2f} of its speed")
    print(f"python route / plain loop    {loop / slow:.2f} of its speed")
    print(
        f"duckdb route / python route  {slow / fast:.1f} times as fast (python starts from decoded resources)"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
