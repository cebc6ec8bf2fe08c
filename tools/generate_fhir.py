"""Makes ``src/vesalius/fhir/r4.json.gz`` from the official FHIR R4 (4.0.1) definitions in tabular form.

Run it again when the definitions change: ``.venv/bin/python tools/generate_fhir.py [FOLDER]``. The result is
the same, byte for byte, for the same tables. The content is that of the FHIR specification (HL7, CC0 1.0).
"""

import csv
import gzip
import json
import os
import re
import sys
from collections import defaultdict
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

Row = dict[str, str]

ROOT = Path(__file__).parents[1]
OUT = ROOT / "src" / "vesalius" / "fhir" / "r4.json.gz"
LICENCE = "FHIR R4 (4.0.1) specification content, HL7, CC0 1.0"
# The package that the tables were read from adds these to Meta; they are not in FHIR R4.
NOT_R4 = {
    f"Meta.{name}" for name in ("project", "author", "onBehalfOf", "account", "accounts", "compartment")
}
# The specification gives these elements a FHIRPath system type; their FHIR types are said in its prose.
SYSTEM = {"Resource.id": "id", "Extension.url": "uri"}
# Of several references to a patient, these say whom the resource is about.
FIRST = ("subject", "patient", "beneficiary", "individual", "candidate", "for")


def rows(folder: Path, name: str) -> Iterator[Row]:
    """The rows of one table."""
    with gzip.open(folder / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def element_types(row: Row) -> list[str]:
    """The types of an element; one that is defined here has its path for name."""
    if row["content_reference"]:
        return [row["content_reference"]]
    if row["types"] in {"BackboneElement", "Element"}:
        return [row["path"]]
    if row["types"].startswith("System."):
        base, _, name = row["path"].rpartition(".")
        resource = row["kind"] == "resource" and "." not in base
        return ["id" if resource and name == "id" else SYSTEM.get(row["path"], "string")]
    return row["types"].split("|")


def structures(folder: Path, expanded: Container[str]) -> dict[str, Any]:
    """The types with their elements."""
    types: dict[str, Any] = {}
    for row in rows(folder, "elements"):
        path, kind = row["path"], row["kind"]
        if kind not in {"resource", "complex-type"} or path in NOT_R4:
            continue
        if "." not in path:
            types[path] = {"resource": kind == "resource", "elements": []}
            continue
        parent, _, name = path.rpartition(".")
        codes = row["binding_valueset"].split("|")[0] if row["binding_strength"] == "required" else ""
        targets = [
            target for target in row["reference_targets"].split("|") if target and "Reference" in row["types"]
        ]
        element = [
            name,
            int(row["min"]),
            row["max"] == "*",
            element_types(row),
            codes if codes in expanded else "",
            targets,
        ]
        types.setdefault(parent, {"resource": False, "elements": []})["elements"].append(element)
    return types


def value_sets(folder: Path) -> dict[str, list[str]]:
    """The codes of each value set."""
    found = defaultdict(list)
    for row in rows(folder, "required_codes"):
        found[row["valueset"]].append(row["code"])
    return {name: sorted(set(codes)) for name, codes in sorted(found.items())}


def expressions(folder: Path) -> dict[tuple[str, str], str]:
    """The FHIRPath expression of each search parameter, by resource and code."""
    found = {}
    for row in rows(folder, "search_parameters"):
        for base in row["base"].split("|"):
            found[base, row["code"]] = row["expression"]
    return found


def patient_paths(resource: str, params: list[str], expression_of: dict[tuple[str, str], str]) -> list[str]:
    """The elements that the search parameters of the patient compartment look at."""
    paths = []
    for param in params:
        for part in expression_of[resource, param].split("|"):
            path = re.sub(r"\.where\(.*\)|\(|\)| as \w+", "", part.strip())
            if path.startswith(f"{resource}."):
                paths.append(path.removeprefix(f"{resource}."))
    return sorted(dict.fromkeys(paths), key=lambda path: path not in FIRST)


def compartment(folder: Path) -> dict[str, list[str]]:
    """The elements that place each type in a patient's compartment."""
    expression_of = expressions(folder)
    found = {}
    for row in rows(folder, "patient_compartment"):
        if row["search_params"] and row["resource"] != "Patient":
            found[row["resource"]] = patient_paths(
                row["resource"], row["search_params"].split("|"), expression_of
            )
    return found


def made(folder: Path) -> bytes:
    """The tables, as JSON."""
    codes = value_sets(folder)
    definitions = {
        "licence": LICENCE,
        "primitives": {row["type"]: row["regex"] for row in rows(folder, "primitive_regex")} | {"xhtml": ""},
        "types": structures(folder, codes),
        "codes": codes,
        "compartment": compartment(folder),
    }
    return json.dumps(definitions, ensure_ascii=False, separators=(",", ":")).encode()


def main() -> None:
    """Writes the tables."""
    data = Path(os.environ.get("VESALIUS_DATA", ROOT.parent / "shared" / "data"))
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else data / "fhir-r4-definitions"
    OUT.write_bytes(gzip.compress(made(folder), 9, mtime=0))
    print(f"{OUT.relative_to(ROOT)}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
