"""Our resources of the public HL7 v2 samples beside the published ones of Microsoft's converter, by field.

Run: ``.venv/bin/python benchmarks/hl7v2_differences.py [--all] [FOLDER]``. For each message, the resources of
one type are paired by how many values they share; each element path (without its places in lists) then counts
as the same, only ours, only theirs, or different. Ids and the targets of references are not compared: each side
has its own.
"""

import gzip
import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vesalius import fhir
from vesalius.errors import InvalidResource
from vesalius.ingest import hl7v2

ROOT = Path(__file__).parents[1]
Values = dict[str, tuple[str, ...]]


def leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, child in value.items():
            if name not in {"resourceType", "id", "meta", "text"} or (
                name == "text" and isinstance(child, str)
            ):
                yield from leaves(child, f"{path}.{name}")
    elif isinstance(value, list):
        for child in value:
            yield from leaves(child, path)
    else:
        yield path, "→" if path.endswith(".reference") else str(value)


def values(resource: dict[str, Any]) -> Values:
    found: dict[str, list[str]] = defaultdict(list)
    for path, value in leaves(resource, resource["resourceType"]):
        found[path].append(value)
    return {path: tuple(sorted(each)) for path, each in found.items()}


def pairs(ours: list[Values], theirs: list[Values]) -> Iterator[tuple[Values, Values]]:
    left = list(theirs)
    for mine in ours:
        best = max(left, key=lambda other: len(mine.items() & other.items()), default=None)
        if best is not None:
            left.remove(best)
        yield mine, best or {}
    yield from (({}, other) for other in left)


def invalid(resource: dict[str, Any]) -> bool:
    try:
        fhir.check(resource)
    except InvalidResource:
        return True
    return False


def by_type(resources: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in resources:
        found[each["resourceType"]].append(each)
    return found


def word(mine: tuple[str, ...] | None, other: tuple[str, ...] | None) -> str:
    if mine == other:
        return "same"
    return "only theirs" if mine is None else "only ours" if other is None else "different"


def main(folder: Path, *, everything: bool) -> None:
    totals: dict[str, Counter[str]] = defaultdict(Counter)
    paths: dict[str, Counter[str]] = defaultdict(Counter)
    with gzip.open(folder / "expected_ms.ndjson.gz", "rt", encoding="utf-8") as file:
        expected = [json.loads(line) for line in file]
    compared = 0
    for line in expected:
        source = folder / "messages" / Path(line["file"]).name
        if not source.exists():
            continue
        compared += 1
        item = hl7v2.item(source.read_bytes(), source.name)
        ours = by_type([json.loads(found.body) for found in item.found])
        theirs = by_type([entry["resource"] for entry in line["bundle"].get("entry", [])])
        for kind in sorted({*ours, *theirs}):
            count = totals[kind]
            count["ours"] += len(ours[kind])
            count["theirs"] += len(theirs[kind])
            count["invalid ours"] += sum(map(invalid, ours[kind]))
            count["invalid theirs"] += sum(map(invalid, theirs[kind]))
            for mine, other in pairs([*map(values, ours[kind])], [*map(values, theirs[kind])]):
                for path in {*mine, *other}:
                    said = word(mine.get(path), other.get(path))
                    count[said] += 1
                    paths[path][said] += 1
    print(f"{compared} messages")
    columns = (
        "ours",
        "theirs",
        "invalid ours",
        "invalid theirs",
        "same",
        "different",
        "only ours",
        "only theirs",
    )
    print("| type | " + " | ".join(columns) + " |")
    print("| --- |" + " ---: |" * len(columns))
    total: Counter[str] = sum(totals.values(), Counter())
    for kind, count in [*sorted(totals.items()), ("all", total)]:
        print(f"| {kind} | " + " | ".join(f"{count[column]:,}" for column in columns) + " |")
    words = columns[4:]
    listed = sorted(paths.items(), key=lambda one: -sum(one[1].values()))
    print(f"\n{len(paths)} element paths: {', '.join(words)}")
    for path, count in listed if everything else listed[:40]:
        print(f"{path:80} " + " ".join(f"{count[one]:>6}" for one in words))


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--all"]
    data = Path(os.environ.get("VESALIUS_DATA", ROOT.parent / "shared" / "data"))
    main(Path(arguments[0]) if arguments else data / "hl7v2-samples", everything="--all" in sys.argv)
