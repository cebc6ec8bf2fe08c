"""How fast views run: every route beside SQL written by hand, plain loops and sqlonfhir, on the same data.

    .venv/bin/python benchmarks/views.py [RESOURCES]
    VESALIUS_PEERS=PEERS/bin/python .venv/bin/python benchmarks/views.py

Reads ``../shared/data/synthea-r4/Observation.ndjson.gz`` (or ``$VESALIUS_DATA``), 88,674 Observations, and
runs one view of 11 columns. Each figure is resources per CPU-second (user and system, all threads), the best
of several runs in one process, the contenders in turn; the ratios hold within one run, the figures only on
one machine. All make the same Arrow columns, and the run fails if their rows differ (of the peers, which make
Python objects, the first 100). The peers, sqlonfhir and a loop with orjson, run in an environment of their
own, which ``benchmarks/peers.txt`` describes and ``$VESALIUS_PEERS`` names; without it they are left out.
"""

import gzip
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, process_time

import msgspec
import pyarrow as pa

from vesalius.lake import Arrival, Lake
from vesalius.store import open_store
from vesalius.views import Files, View, _duckdb, _table

DATA = Path(os.environ.get("VESALIUS_DATA", Path(__file__).parents[2] / "shared" / "data"))
SAMPLE = 1000
VIEW = {
    "resource": "Observation",
    "select": [
        {
            "column": [
                {"name": "id", "path": "getResourceKey()"},
                {"name": "patient", "path": "subject.reference"},
                {"name": "encounter", "path": "encounter.reference"},
                {"name": "status", "path": "status"},
                {"name": "category", "path": "category.coding.code.first()"},
                {"name": "effective", "path": "effective.ofType(dateTime)"},
                {"name": "issued", "path": "issued"},
                {"name": "value", "path": "value.ofType(Quantity).value"},
                {"name": "unit", "path": "value.ofType(Quantity).unit"},
            ]
        },
        {
            "forEach": "code.coding",
            "column": [{"name": "system", "path": "system"}, {"name": "code", "path": "code"}],
        },
    ],
}
BY_HAND = """
SELECT id, subject.reference AS patient, encounter.reference AS encounter, status,
  category[1].coding[1].code AS category, effectiveDateTime AS effective, issued,
  valueQuantity."value" AS "value", valueQuantity.unit AS unit, c.system AS system, c.code AS code
FROM (SELECT *, unnest(code.coding) AS c FROM {source})
"""
NDJSON = """read_json('{path}', format = 'newline_delimited', columns = {{
  id: 'VARCHAR', status: 'VARCHAR',
  subject: 'STRUCT(reference VARCHAR)', encounter: 'STRUCT(reference VARCHAR)',
  category: 'STRUCT(coding STRUCT(code VARCHAR)[])[]', effectiveDateTime: 'VARCHAR', issued: 'VARCHAR',
  valueQuantity: 'STRUCT("value" DOUBLE, unit VARCHAR)',
  code: 'STRUCT(coding STRUCT(system VARCHAR, code VARCHAR)[])'}})"""


def rows_of(resource):
    """What one would write without views, for this one view."""
    quantity = resource.get("valueQuantity", {})
    categories = [
        coding["code"]
        for category in resource.get("category", ())
        for coding in category.get("coding", ())
        if "code" in coding
    ]
    common = (
        resource.get("id"),
        resource.get("subject", {}).get("reference"),
        resource.get("encounter", {}).get("reference"),
        resource.get("status"),
        categories[0] if categories else None,
        resource.get("effectiveDateTime"),
        resource.get("issued"),
        None if (value := quantity.get("value")) is None else float(value),
        quantity.get("unit"),
    )
    return [
        (*common, each.get("system"), each.get("code")) for each in resource.get("code", {}).get("coding", ())
    ]


def loop(resources, schema):
    columns = zip(*(row for resource in resources for row in rows_of(resource)), strict=True)
    return pa.table(
        [pa.array(cells, field.type) for cells, field in zip(columns, schema, strict=True)], schema
    )


def sorted_rows(table):
    """The columns of the view in one order of rows: without ``_seq``, a compacted lake gives another."""
    return table.select(View.load(VIEW).columns).sort_by([("id", "ascending"), ("code", "ascending")])


def measured(contenders, count, expected, turns, times):
    """Runs the contenders in turn, each some times in a row; gives the least CPU-seconds of each."""
    cpu = dict.fromkeys(contenders, float("inf"))
    clock = dict(cpu)
    for turn in range(turns):
        for name, run in contenders.items():
            for _ in range(times):
                start = process_time(), perf_counter()
                result = run()
                cpu[name] = min(cpu[name], process_time() - start[0])
                clock[name] = min(clock[name], perf_counter() - start[1])
            assert turn or sorted_rows(result).equals(expected), f"{name} gives different rows"
            del result
    for name in contenders:
        print(f"  {name:34}{count / cpu[name]:14,.0f}{count / clock[name]:14,.0f}")
    return cpu


def from_ndjson(view, path, packed, count, expected):
    print("from NDJSON")
    files = Files(path)
    with _duckdb.connect([str(path)]) as connection:
        hand = BY_HAND.format(source=NDJSON.format(path=path))
        contenders = {
            "view, DuckDB": lambda: view.table(files, engine="duckdb"),
            "SQL by hand": lambda: connection.sql(hand).to_arrow_table().cast(view.schema),
            "view, DuckDB, from gzip": lambda: view.table(Files(packed), engine="duckdb"),
            "view, Python": lambda: view.table(files, engine="python"),
            "loop with msgspec": lambda: loop(
                map(msgspec.json.decode, path.read_bytes().splitlines()), view.schema
            ),
        }
        return measured(contenders, count, expected, 3, 1)


def from_columns(view, lake, count, expected):
    files = lake.columns("Observation").files
    print(f"from the lake's columns ({len(files)} files)")
    with _duckdb.connect(files) as connection:
        hand = BY_HAND.format(source=_duckdb.parquet(files))
        contenders = {
            "view, Arrow": lambda: view.table(lake, origin=()),
            "view, Arrow, with the origin": lambda: view.table(lake),
            "view, DuckDB": lambda: view.table(lake, engine="duckdb", origin=()),
            "view, DuckDB, with the origin": lambda: view.table(lake, engine="duckdb"),
            "SQL by hand": lambda: connection.sql(hand).to_arrow_table().cast(view.schema),
        }
        return measured(contenders, count, expected, 5, 6)


def from_decoded(view, versions, expected):
    print("from decoded resources")
    resources = [version.resource for version in versions]
    contenders = {
        "view, Python": lambda: _table.arrow(
            [row for each in resources for row in view._plan.rows(each)], view.schema
        ),
        "loop": lambda: loop(resources, view.schema),
    }
    return measured(contenders, len(resources), expected, 2, 1)


def peers(path, expected):
    """Runs the peers, if there are any."""
    python = os.environ.get("VESALIUS_PEERS")
    if not python:
        print("peers left out: $VESALIUS_PEERS names no Python with benchmarks/peers.txt")
        return {}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as view:
        json.dump(VIEW, view)
        view.flush()
        script = Path(__file__).with_name("views_peers.py")
        command = [python, str(script), view.name, str(path), str(SAMPLE)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    print("peers, in their own environment")
    for name, each in found.items():
        assert each["rows"] == expected.slice(0, 100).to_pylist(), f"{name} gives different rows"
        print(f"  {name:34}{each['resources'] / each['seconds']:14,.0f}  ({each['resources']:,} resources)")
    return {name: each["seconds"] / each["resources"] for name, each in found.items()}


def filled(folder, lines):
    lake = Lake(open_store(f"sqlite:///{folder / 'log.db'}"), folder / "columns")
    lake.write([Arrival.of(line) for line in lines], "synthea", datetime.now(UTC))
    lake.refresh_columns()
    lake.compact_columns()
    return lake


def main(most):
    source = DATA / "synthea-r4" / "Observation.ndjson.gz"
    if not source.is_file():
        print(f"skipped: there is no {source}")
        return
    view = View.load(VIEW)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with gzip.open(source) as opened:
            lines = [line.strip() for line, _ in zip(opened, range(most), strict=False)]
        path, packed = folder / "Observation.ndjson", folder / "Observation.ndjson.gz"
        path.write_bytes(b"\n".join(lines) + b"\n")
        packed.write_bytes(gzip.compress(path.read_bytes()))
        lake, count = filled(folder, lines), len(lines)
        made = view.table(Files(path), engine="python")
        expected = sorted_rows(made)
        print(f"{count:,} Observations, {expected.num_rows:,} rows, {os.cpu_count()} cores", end=", ")
        print(f"load {os.getloadavg()[0]:.1f}\n{'resources':36}{'per CPU-second':>14}{'per second':>14}")
        ndjson = from_ndjson(view, path, packed, count, expected)
        columns = from_columns(view, lake, count, expected)
        decoded = from_decoded(view, list(lake.versions("Observation")), expected)
        others = peers(path, made)
        report(count, ndjson, columns, decoded, others)
        lake.engine.dispose()


def report(count, ndjson, columns, decoded, others):
    for name, ours, theirs in (
        ("from NDJSON, by hand / DuckDB", ndjson["view, DuckDB"], ndjson["SQL by hand"]),
        ("from columns, by hand / Arrow", columns["view, Arrow"], columns["SQL by hand"]),
        ("from columns, by hand / DuckDB", columns["view, DuckDB"], columns["SQL by hand"]),
        ("decoded, loop / Python", decoded["view, Python"], decoded["loop"]),
        *(
            (f"{name} / DuckDB from NDJSON", ndjson["view, DuckDB"] / count, each)
            for name, each in others.items()
        ),
    ):
        print(f"{name:42}{theirs / ours:8.2f} times its CPU time")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
