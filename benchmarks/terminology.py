"""How fast is terminology? The step of ingest, counting, the work-list and re-coding the past.

Run ``.venv/bin/python benchmarks/terminology.py [RESULTS]`` (a million results take some five minutes).
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from vesalius import fhir, terminology
from vesalius.lake import Arrival, Lake
from vesalius.store import open_store
from vesalius.terminology import Codebook, Decision, decide

LAB, LOINC = "https://lab.example/codes", "http://loinc.org"
CODES = 4_000
START = datetime(2024, 1, 1, tzinfo=UTC)


def observation(number: int) -> bytes:
    """A result; six of ten come with a LOINC code, few local codes are frequent and many rare."""
    local = number * number % CODES
    coding = {"system": LAB, "code": f"L{local}"} if number % 10 < 4 else {"system": LOINC, "code": "2823-3"}
    return json.dumps(
        {
            "resourceType": "Observation",
            "id": f"o{number}",
            "status": "final",
            "code": {"coding": [coding], "text": f"Test {local}"},
            "subject": {"reference": f"Patient/p{number % 5_000}"},
            "issued": (START + timedelta(minutes=number % 500_000)).isoformat(),
            "valueQuantity": {
                "value": number % 97,
                "unit": "mmol/L",
                "system": "http://unitsofmeasure.org",
                "code": "mmol/L",
            },
        }
    ).encode()


def arrivals(count: int) -> Iterator[Arrival]:
    """Results on their way into the lake, without ingest."""
    for number in range(count):
        yield Arrival.of(observation(number))


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def step() -> None:
    """The step of ingest, per resource, with no decision, with decisions that do not match, and that do."""
    resources = [fhir.load(observation(number)) for number in range(20_000)]
    print("step of ingest, microseconds per resource:")
    for title, codes in (
        ("no decision", range(0)),
        ("1,000 decisions, none matches", range(CODES, CODES + 1_000)),
        ("4,000 decisions, 40 % match", range(CODES)),
    ):
        book = Codebook(mapping(code, number) for number, code in enumerate(codes, 1))
        spent = seconds(lambda book=book: run(book, resources))
        print(f"  {title:<32}{1e6 * spent / len(resources):.2f}")


def run(book: Codebook, resources: list[dict[str, Any]]) -> None:
    """The step, on each resource."""
    for resource in resources:
        book.recoded(resource)


def mapping(code: int, number: int = 0) -> Decision:
    """The decision on one code."""
    made = Decision(system=LAB, code=f"L{code}", target_system=LOINC, target_code="2823-3")
    return msgspec.structs.replace(made, id=number, uid=str(number)) if number else made


def main(count: int) -> None:
    """Prints every figure."""
    step()
    with tempfile.TemporaryDirectory() as folder:
        engine = open_store(f"sqlite:///{folder}/log.sqlite")
        lake = Lake(engine, Path(folder) / "columns")
        lake.write(arrivals(count), "lab", datetime.now(UTC))
        spent = seconds(lambda: terminology.refresh(lake))
        print(f"counting, resources per CPU second: {count / spent:,.0f}")
        for title, work in (
            ("work-list", lambda: terminology.worklist(engine)),
            ("suggestions for a page of 40", lambda: guesses(engine)),
        ):
            took = []
            for _ in range(7):
                start = time.perf_counter()
                work()
                took.append(time.perf_counter() - start)
            print(f"{title}, {count:,} results, {CODES:,} codes: {1e3 * statistics.median(took):.0f} ms")
        for code in (0, 1):
            decide(engine, mapping(code), by="bench", reason="bench")
            start, cpu = time.perf_counter(), time.process_time()
            recoded = terminology.apply(lake)
            took, spent = time.perf_counter() - start, time.process_time() - cpu
            print(f"one code applied to the past: {recoded:,} re-coded, {spent:.1f} CPU s, {took:.1f} s")
        engine.dispose()


def guesses(engine: sa.Engine) -> None:
    """What the console makes for one page."""
    found = terminology.worklist(engine)
    suggest = terminology.Suggestions(engine)
    for each in found.open[:40]:
        suggest.of(each)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
