"""The peers of benchmarks/views.py, which runs this in their own environment (benchmarks/peers.txt).

    PEERS/bin/python benchmarks/views_peers.py VIEW.json OBSERVATIONS.ndjson SAMPLE

Prints JSON: CPU-seconds and rows of the orjson loop over every line, and of sqlonfhir over the first SAMPLE
lines (from decoded resources: its decoding is not counted); and the first rows of both, to compare.
"""

import json
import sys
from pathlib import Path
from time import process_time

import orjson
import sqlonfhir

NAMES = (
    *("id", "patient", "encounter", "status", "category", "effective", "issued", "value", "unit"),
    *("system", "code"),
)


def loop(lines):
    """What one would write without views, for this one view: from bytes to tuples."""
    rows = []
    for line in lines:
        resource = orjson.loads(line)
        quantity = resource.get("valueQuantity", {})
        categories = [
            coding["code"]
            for category in resource.get("category", [])
            for coding in category.get("coding", [])
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
            quantity.get("value"),
            quantity.get("unit"),
        )
        codings = resource.get("code", {}).get("coding", [])
        rows += [(*common, coding.get("system"), coding.get("code")) for coding in codings]
    return rows


def timed(run, times):
    taken = []
    for _ in range(times):
        start = process_time()
        result = run()
        taken.append(process_time() - start)
    return min(taken), result


def main(view, lines, sample):
    view = orjson.loads(Path(view).read_bytes())
    lines = Path(lines).read_bytes().splitlines()
    resources = [orjson.loads(line) for line in lines[:sample]]
    seconds, rows = timed(lambda: loop(lines), 3)
    theirs, found = timed(lambda: sqlonfhir.evaluate(resources, view), 1)
    first = [dict(zip(NAMES, row, strict=True)) for row in rows[:100]]
    json.dump(
        {
            "orjson loop": {"seconds": seconds, "resources": len(lines), "rows": first},
            "sqlonfhir": {"seconds": theirs, "resources": len(resources), "rows": found[:100]},
        },
        sys.stdout,
        default=float,
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
