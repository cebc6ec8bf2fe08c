"""How fast features as of a moment are: beside DuckDB's ASOF JOIN and pandas' merge_asof, on the same rows.

    .venv/bin/python benchmarks/features.py [COPIES]

Reads ``../shared/data/synthea-r4/Observation.ndjson.gz`` (or ``$VESALIUS_DATA``), 88,674 Observations, into
a lake, and the rows of a view out of it; then COPIES (10) times those rows, each copy with patients and
resources of its own. The features are of the 20 commonest codes with a value; the moments are all at which
something became known about a patient. Every figure is CPU seconds (user and system, all threads), from the
rows in memory to the values, the best of three, in one process. The contenders know nothing of versions, of
withdrawn results or of sources; of values that became known at once they are given the one that counts. The
run fails if they give other values, and exits non-zero if the last values take 2 CPU-seconds or more.
"""

import gzip
import os
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time
from typing import NamedTuple

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from vesalius.lake import Arrival, Lake
from vesalius.store import open_store
from vesalius.views import View
from vesalius.views.features import Feature, Features

DATA = Path(os.environ.get("VESALIUS_DATA", Path(__file__).parents[2] / "shared" / "data"))
BAR = 2.0
YEAR = timedelta(days=365)
VIEW = View.load(
    {
        "resource": "Observation",
        "select": [
            {
                "column": [
                    {"name": "status", "path": "status"},
                    {"name": "effective", "path": "effective.ofType(dateTime)"},
                    {"name": "value", "path": "value.ofType(Quantity).value"},
                ]
            },
            {
                "forEachOrNull": "code.coding",
                "column": [{"name": "code_system", "path": "system"}, {"name": "code", "path": "code"}],
            },
        ],
    }
)
LAST = """
WITH known AS (SELECT * FROM rows WHERE value IS NOT NULL AND code_system = 'http://loinc.org'
  AND code IN (SELECT code FROM codes))
SELECT m.n AS n, m.code AS code, v.value AS value FROM (SELECT * FROM moments, codes) m
ASOF LEFT JOIN known v ON m.subject = v._subject AND m.code = v.code AND m.as_of >= v._recorded_at
"""
MEAN = """
WITH known AS (SELECT * FROM rows WHERE value IS NOT NULL AND code_system = 'http://loinc.org')
SELECT m.n AS n, m.code AS code, avg(v.value) AS value FROM (SELECT * FROM moments, codes) m
LEFT JOIN known v ON m.subject = v._subject AND m.code = v.code AND m.as_of >= v._recorded_at
  AND m.as_of - INTERVAL 365 DAY <= v._recorded_at
GROUP BY ALL
"""


class Asked(NamedTuple):
    subject: str
    focus: str
    as_of: datetime


def known():
    """The rows of the view, from a lake."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_store(f"sqlite:///{Path(folder) / 'log.db'}")
        lake = Lake(engine, Path(folder) / "columns")
        with gzip.open(DATA / "synthea-r4" / "Observation.ndjson.gz") as lines:
            lake.write([Arrival.of(line.strip()) for line in lines], "synthea", datetime.now(UTC))
        rows = VIEW.table(lake)
        engine.dispose()
    return rows


def copied(rows, copies):
    """The rows so many times, each time with other patients and resources."""
    parts = []
    for copy in range(copies):
        part = rows
        changed = {
            name: pc.binary_join_element_wise(part[name], str(copy), "-")
            for name in ("_subject", "_resource")
        }
        changed["_reference"] = pc.replace_substring(part["_reference"], "/_history/", f"-{copy}/_history/")
        changed["_seq"] = pc.add(part["_seq"], copy * rows.num_rows)
        for name, column in changed.items():
            part = part.set_column(part.column_names.index(name), name, column)
        parts.append(part)
    return pa.concat_tables(parts).combine_chunks()


def features(codes, **more):
    return Features(
        VIEW, [Feature(f"f{at}", (f"http://loinc.org|{code}",), **more) for at, code in enumerate(codes)]
    )


def in_duckdb(rows, moments, codes, query):
    """A long table: a row for each moment and code."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("rows", rows)
        connection.register("codes", pa.table({"code": codes}))
        connection.register("moments", moments.append_column("n", pa.array(range(moments.num_rows))))
        return connection.sql(query).to_arrow_table()


def in_pandas(rows, moments, codes):
    asked = moments.to_pandas().reset_index(names="n").sort_values("as_of")
    found = []
    for code in codes:
        wanted = pc.and_(pc.equal(rows["code"], code), rows["value"].is_valid())
        one = (
            rows.filter(wanted)
            .select(["_subject", "_recorded_at", "value"])
            .to_pandas()
            .sort_values("_recorded_at")
        )
        joined = pd.merge_asof(
            asked, one, left_on="as_of", right_on="_recorded_at", left_by="subject", right_by="_subject"
        )
        found.append(pa.table({"n": joined["n"], "code": [code] * len(joined), "value": joined["value"]}))
    return pa.concat_tables(found)


def untied(rows):
    """Of the values of a code that became known at once, the one that counts as the last."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("rows", rows)
        order = (
            "PARTITION BY _subject, code_system, code, _recorded_at ORDER BY effective DESC, _resource DESC"
        )
        text = f"SELECT * FROM rows WHERE value IS NOT NULL QUALIFY row_number() OVER ({order}) = 1"
        return connection.sql(text).to_arrow_table()


def best(run, times=3):
    """The least CPU-seconds of some runs, and what the last gave."""
    taken = []
    for _ in range(times):
        start = process_time()
        result = run()
        taken.append(process_time() - start)
    return min(taken), result


def same(ours, theirs, codes, exactly):
    """Fails if a value differs; a mean that was not added up in order may differ in its last digits."""
    for code, column in zip(codes, ours.columns, strict=True):
        other = theirs.filter(pc.equal(theirs["code"], code)).sort_by("n")["value"]
        a, b = (each.combine_chunks().to_numpy(zero_copy_only=False) for each in (column, other))
        near = 0 if exactly else 1e-9
        assert np.allclose(a, b, rtol=near, atol=near, equal_nan=True), "a contender gives other values"


def report(name, seconds, pairs):
    print(f"{name:44}{seconds:10.2f}{pairs / seconds:18,.0f}")


def many(rows, moments, codes):
    """Everything at once, and beside others; the seconds that the last values took."""
    pairs, alone = moments.num_rows * len(codes), untied(rows)
    print(f"{'':44}{'CPU s':>10}{'values per CPU s':>18}")
    lasts, found = best(lambda: features(codes).of(rows, moments))
    report("last value", lasts, pairs)
    for name, run in (
        ("… DuckDB, ASOF JOIN", lambda: in_duckdb(alone, moments, codes, LAST)),
        ("… pandas, merge_asof, one for each code", lambda: in_pandas(alone, moments, codes)),
    ):
        seconds, theirs = best(run)
        same(found.table, theirs, codes, exactly=True)
        report(name, seconds, pairs)
    seconds, found = best(lambda: features(codes, take="mean", within=YEAR).of(rows, moments))
    report("mean of a year", seconds, pairs)
    seconds, theirs = best(lambda: in_duckdb(rows, moments, codes, MEAN))
    same(found.table, theirs, codes, exactly=False)
    report("… DuckDB, a join of ranges", seconds, pairs)
    for take in ("count", "max", "slope"):
        seconds, _ = best(lambda take=take: features(codes, take=take, within=YEAR).of(rows, moments))
        report(f"{take} of a year", seconds, pairs)
    return lasts


def one_patient(rows, codes):
    """Online: one patient, of middling size and the largest, at one moment, a thousand times."""
    counts = rows["_subject"].value_counts()
    ordered = counts.take(pc.sort_indices(counts.field("counts")))
    for subject in (ordered[len(ordered) // 2]["values"].as_py(), ordered[-1]["values"].as_py()):
        mine = rows.filter(pc.equal(rows["_subject"], subject)).combine_chunks()
        asked = [Asked(subject, subject, datetime(2020, 1, 1, tzinfo=UTC))]
        seconds = thousand(features(codes), mine, asked)
        print(
            f"one patient of {mine.num_rows} rows, {len(codes)} last values: {seconds * 1000:.0f} µs of CPU"
        )


def thousand(ready, rows, asked):
    seconds, _ = best(lambda: [ready.of(rows, asked) for _ in range(1000)])
    return seconds


def main(copies):
    if not DATA.is_dir():
        print(f"skipped: no data folder at {DATA}")
        return
    once = known()
    rows = copied(once, copies)
    valued = once.filter(once["value"].is_valid()).group_by("code").aggregate([([], "count_all")])
    codes = valued.sort_by([("count_all", "descending"), ("code", "ascending")])["code"].to_pylist()[:20]
    moments = rows.select(["_subject", "_recorded_at"]).group_by(["_subject", "_recorded_at"]).aggregate([])
    moments = moments.rename_columns(["subject", "as_of"])
    print(f"{rows.num_rows:,} rows, {moments.num_rows:,} moments, {len(codes)} codes, {os.cpu_count()} cores")
    seconds = many(rows, moments, codes)
    one_patient(once, codes)
    if seconds >= BAR and copies == 10:
        sys.exit(f"the last values took {seconds:.2f} CPU-seconds; the bar is {BAR}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
