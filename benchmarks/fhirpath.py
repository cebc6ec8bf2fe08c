"""FHIRPath: the official R4 cases, each miss with its reason, and the speed, beside the usual library.

    .venv/bin/python benchmarks/fhirpath.py          # cases and speed
    .venv/bin/python benchmarks/fhirpath.py --docs   # writes the tables of docs/engineer/fhirpath.md again

Reads ``fhirpath-r4-tests`` and ``synthea-r4`` in ``VESALIUS_DATA`` (default ``../shared/data``). The peer is
fhirpathpy (MIT), run by the Python that ``VESALIUS_PEERS`` names, where it is installed; without it only ours
runs. Speed is evaluations of compiled expressions per CPU-second on decoded resources, the best of three
rounds; each side decodes and compiles first. The answers must be as many on both sides, or the line says so.
"""

import argparse
import gzip
import json
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from time import process_time

from vesalius import fhir
from vesalius.errors import InvalidView
from vesalius.views import fhirpath
from vesalius.views.fhirpath._functions import FUNCTIONS
from vesalius.views.fhirpath._special import SPECIAL

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("VESALIUS_DATA", ROOT.parent / "shared" / "data"))
CASES = DATA / "fhirpath-r4-tests"
PAGE = ROOT / "docs" / "engineer" / "fhirpath.md"
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
REASONS = {
    "testPlusDate19": "A tenth of a second is added: N1, 6.6.7 drops fractions of units *above* the second. "
    "The case expects it to vanish.",
    "HighBoundaryDateTimeMillisecond1": "The last moment of an hour is in its last minute, as in the example "
    "of FHIRPath 3.0 (`08:59:59.999`). The case expects its first (`08:00:59.999`).",
    "HighBoundaryDateTimeMillisecond3": "The same expression and the same expectation once more.",
}
SPEED = {
    "Patient": (
        "name.given",
        "name.where(use = 'official').given.first()",
        "birthDate >= @1950-01-01",
        "extension('http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex').value",
        "telecom.where(system = 'phone').exists() and active.exists().not()",
        "identifier.select(type.coding.first().code).distinct().count()",
    ),
    "Observation": (
        "value.ofType(Quantity).value > 5",
        "code.coding.where(system = 'http://loinc.org').code",
        "status in ('final' | 'amended') and category.coding.exists(code = 'laboratory')",
        "component.value.ofType(Quantity).aggregate($this.value + $total, 0)",
    ),
}
PEER = """
import json, sys, time
from decimal import Decimal
from fhirpathpy import compile, evaluate
from fhirpathpy.models import models
job = json.load(sys.stdin)
answer, sys.stdout = sys.stdout, sys.stderr  # trace() prints
R4 = models["r4"]
cases = []
for text, resource in job["cases"]:
    try:
        found = evaluate(resource or {}, text, [], R4)
        cases.append([str(each).lower() if isinstance(each, bool) else str(each) for each in found])
    except Exception:
        cases.append(None)
speed = []
for text, kind in job["speed"]:
    run = compile(text, R4)
    resources = job["resources"][kind]
    best = 1e9
    for _ in range(3):
        begin = time.process_time()
        answers = sum(len(run(resource)) for resource in resources)
        best = min(best, time.process_time() - begin)
    speed.append([len(resources) / best, answers])
json.dump([cases, speed], answer)
"""


def official(folder):
    """Each official case with whether it passes, and what came instead."""
    for case in json.loads((folder / "tests.json").read_text("utf-8")):
        resource = fhir.load((folder / "inputs" / case["input"]).read_bytes()) if case["input"] else None
        yield case, *outcome(case, resource)


def outcome(case, resource):
    """Whether our answer is the expected one, values and types; and the answer."""
    try:
        items = fhirpath.evaluate(case["expression"], resource, strict=case["mode"] == "strict", now=NOW)
    except InvalidView as error:
        return bool(case["invalid"]), str(error)
    values = [written(item.value) for item in items]
    if case["invalid"]:
        return False, values
    if case["predicate"]:
        return [str(bool(values) and values != ["false"]).lower()] == expected(case), values
    types = [output["type"] for output in case["outputs"]]
    fits = all(
        kind is None or item.type.partition(".")[2].lower() == kind.lower()
        for item, kind in zip(items, types, strict=False)
    )
    return fits and same(values, expected(case)), values


def expected(case):
    return [str(output["value"]) for output in case["outputs"]]


def written(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def same(found, wanted):
    return len(found) == len(wanted) and all(map(_same, found, wanted))


def _same(found, wanted):
    if found in (wanted, wanted.removeprefix("@").removeprefix("T")):
        return True
    try:
        return Decimal(found) == Decimal(wanted)
    except ArithmeticError:
        return False


def samples():
    """Decoded resources of Synthea for the speed."""
    found = {}
    for kind, most in (("Patient", 300), ("Observation", 3000)):
        with gzip.open(DATA / "synthea-r4" / f"{kind}.ndjson.gz") as lines:
            found[kind] = list(islice(lines, most))
    return found


def rate(text, kind, resources):
    run = fhirpath.compile(text, on=kind)
    best = float("inf")
    for _ in range(3):
        begin = process_time()
        answers = sum(len(run(resource)) for resource in resources)
        best = min(best, process_time() - begin)
    return len(resources) / best, answers


def peer(cases, raw):
    """What fhirpathpy gives for the cases, and its speed; nothing where it is not installed."""
    python = os.environ.get("VESALIUS_PEERS", "")
    if not python or not Path(python).exists():
        return None
    inputs = {path.name: json.loads(path.read_bytes()) for path in (CASES / "inputs").iterdir()}
    job = {
        "cases": [(case["expression"], inputs.get(case["input"])) for case in cases],
        "speed": [(text, kind) for kind, texts in SPEED.items() for text in texts],
        "resources": {kind: [json.loads(line) for line in lines] for kind, lines in raw.items()},
    }
    result = subprocess.run(
        [python, "-c", PEER], input=json.dumps(job), capture_output=True, text=True, check=True
    )
    return json.loads(result.stdout)


def main():
    if not CASES.is_dir():
        print(f"skipped: no data folder at {CASES}")
        return
    outcomes = list(official(CASES))
    cases = [case for case, _, _ in outcomes]
    passed = sum(good for _, good, _ in outcomes)
    print(f"{passed} of {len(outcomes)} official cases")
    for case, good, got in outcomes:
        if not good:
            print(f"  {case['group']} {case['name']}: {case['expression']} -> {got}, not {expected(case)}")
    raw = samples()
    theirs = peer(cases, raw)
    if theirs is not None:
        print(f"{sum(map(_theirs, cases, theirs[0]))} of {len(outcomes)} by fhirpathpy, values alone")
    report(raw, theirs)


def _theirs(case, found):
    if found is None or case["invalid"]:
        return found is None and bool(case["invalid"])
    if case["predicate"]:
        found = [str(bool(found) and found != ["false"]).lower()]
    return same(found, expected(case))


def report(raw, theirs):
    decoded = {kind: [fhir.load(line) for line in lines] for kind, lines in raw.items()}
    print(f"{'evaluations per CPU-second':92}{'ours':>10}{'fhirpathpy':>12}{'times':>7}")
    others = iter(theirs[1] if theirs else ())
    for kind, texts in SPEED.items():
        for text in texts:
            ours, answers = rate(text, kind, decoded[kind])
            line = f"{kind}: {text}"[:90]
            other = next(others, None)
            if other is None:
                print(f"{line:92}{ours:10,.0f}")
                continue
            note = "" if other[1] == answers else f"  ({answers} answers, not {other[1]})"
            print(f"{line:92}{ours:10,.0f}{other[0]:12,.0f}{ours / other[0]:7.1f}{note}")


def functions_table():
    """The functions by chapter, those that a view refuses marked."""
    chapters = {}
    for name, each in (*FUNCTIONS.items(), *SPECIAL.items()):
        refused = getattr(each, "refused", "")
        chapters.setdefault(each.chapter, []).append(f"`{name}`" + ("\\*" if refused else ""))
    rows = [
        f"| {chapter} | {', '.join(sorted(names, key=str.lower))} |"
        for chapter, names in sorted(chapters.items())
    ]
    return "\n".join(["| | functions |", "| --- | --- |", *rows])


def misses_table(outcomes):
    """The cases of the official suite that we miss, each with its reason."""
    counts = Counter(good for _, good, _ in outcomes)
    rows = [
        f"| `{case['name']}` | `{case['expression']}` | {REASONS[case['name']]} |"
        for case, good, _ in outcomes
        if not good
    ]
    head = f"{counts[True]} of the {counts.total()} cases pass, values and types. The others:\n"
    return "\n".join([head, "| case | expression | why |", "| --- | --- | --- |", *rows])


def with_tables(page, tables):
    """The page with each table between its marks."""
    for name, table in tables.items():
        mark = rf"(<!-- {name}[^>]*-->\n).*?(<!-- end -->)"
        page, found = re.subn(
            mark, lambda match, table=table: f"{match[1]}{table}\n{match[2]}", page, flags=re.DOTALL
        )
        assert found == 1, f"the page has no place for {name}"
    return page


def tables():
    found = {"functions": functions_table()}
    if CASES.is_dir():
        found["misses"] = misses_table(list(official(CASES)))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--docs", action="store_true", help="write the tables of the page again")
    if parser.parse_args().docs:
        PAGE.write_text(with_tables(PAGE.read_text("utf-8"), tables()), "utf-8")
        sys.exit(0)
    main()
