"""Makes ``src/vesalius/ingest/hl7v2/tables.json.gz`` from the official HL7 v2-to-FHIR mapping tables.

Run it again when the tables change: ``.venv/bin/python tools/generate_hl7v2.py [FOLDER]``. The result is the
same, byte for byte, for the same tables. What it cannot understand, it lists; ``docs/engineer/hl7v2.md`` says
why for each. The content is that of the guide HL7 v2-to-FHIR 1.0.0 (HL7, CC0 1.0).
"""

import csv
import gzip
import json
import os
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from hl7v2_corrections import ASSIGNMENTS, ATTRIBUTES, CONDITIONS, LEFT_OUT, PATHS, REFERENCES, VOCABULARIES

from vesalius.errors import InvalidMap
from vesalius.ingest.hl7v2 import Converter, Tables
from vesalius.ingest.hl7v2 import _language as language

ROOT = Path(__file__).parents[1]
OUT = ROOT / "src" / "vesalius" / "ingest" / "hl7v2" / "tables.json.gz"
LICENCE = "HL7 v2-to-FHIR 1.0.0 mapping tables, HL7, CC0 1.0"

Rows = dict[str, list[list[str]]]


def sheets(folder: Path, name: str) -> Rows:
    """The rows of each sheet of one kind, without its headings."""
    found: Rows = defaultdict(list)
    with gzip.open(folder / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        for row in csv.reader(file):
            cells = [re.sub(r"\s+", " ", cell).strip() for cell in row] + [""] * 20
            heading = cells[10] in {
                "HL7 FHIR",
                "FHIR Attribute",
                "FHIR Attribute/ Data Type",
                "Primary Target",
            }
            if (
                cells[0] != "map"
                and not heading
                and cells[2] != "Identifier"
                and cells[1] != "Code"
                and cells[1] != "HL7 v2"
            ):
                found[cells[0]].append(cells)
    return found


class Compiler:
    """Compiles the tables, and remembers what it could not understand."""

    def __init__(self, folder: Path) -> None:
        self.problems: list[str] = []
        self.left_out: Counter[str] = Counter()
        self._sheets = {
            name: sheets(folder, name) for name in ("messages", "segments", "datatypes", "codesystems")
        }
        self._vocabularies = {_plain(name): name for name in self._sheets["codesystems"]}
        self._datatypes = {_plain(name): name for name in self._sheets["datatypes"]}

    def tables(self) -> dict[str, Any]:
        """All tables, as they are shipped."""
        return {
            "licence": LICENCE,
            "messages": {
                name: self._message(rows) for name, rows in sorted(self._sheets["messages"].items())
            },
            "segments": self._maps("segments"),
            "datatypes": self._maps("datatypes"),
            "codes": {name: codes(rows) for name, rows in sorted(self._sheets["codesystems"].items())},
        }

    def _maps(self, kind: str) -> dict[str, Any]:
        return {
            name: [row for cells in rows if (row := self._row(name, cells))]
            for name, rows in sorted(self._sheets[kind].items())
        }

    def _row(self, name: str, cells: list[str]) -> list[Any] | None:
        field, kind, attribute, assignment = cells[2], cells[4], cells[10], cells[17]
        place = f"{name} {field} {attribute}"
        attribute = ATTRIBUTES.get((name, field, attribute), ATTRIBUTES.get(attribute, attribute))
        if not attribute:
            return None
        if reason := _left_out(name, field, cells[10], cells[9]):
            self.left_out[reason] += 1
            return None
        assignment = ASSIGNMENTS.get((name, cells[10]), ASSIGNMENTS.get(assignment, assignment))
        head, _, constant = attribute.partition("=")
        try:
            return [
                _number(field, name),
                kind if kind != "varies" else "",
                language.path(head),
                self._named(self._datatypes, cells[15], place),
                self._named(self._vocabularies, VOCABULARIES.get(cells[16], cells[16]), place),
                language.assignment(constant or assignment),
                self._condition(cells[7], field),
            ]
        except InvalidMap as error:
            self.problems.append(f"{place}: {error}")
            return None

    def _condition(self, text: str, field: str) -> Any:
        return language.condition(CONDITIONS.get(text, text), field)

    def _named(self, known: dict[str, str], name: str, place: str) -> str:
        found = known.get(_plain(name), "") if name else ""
        if name and not found:
            self.problems.append(f"{place}: there is no table {name!r}")
        return found

    def _message(self, rows: list[list[str]]) -> list[Any]:
        found = []
        for cells in rows:
            path, syntax = cells[2].lstrip("/"), cells[3]
            for wrong, right in PATHS.items():
                path = path.replace(wrong, right, 1) if path.startswith(wrong) else path
            if cells[2].startswith("/") or not path or path[:3] == "HL7":
                continue
            kind = "" if "begin" in cells[4] else path.rpartition(".")[2]
            many = "{" in syntax or cells[6] == "-1"
            place = f"{path} {cells[10]}"
            if reason := _left_out(path.partition(".")[0], kind, cells[10], cells[9]):
                self.left_out[reason] += 1
                found.append([path.split(".")[1:], kind, many, "", "", None, []])
                continue
            try:
                references = REFERENCES.get(cells[12], cells[12])
                found.append(
                    [path.split(".")[1:], kind, many, cells[10].partition("=")[0], cells[11],
                     self._condition(cells[7], ""), language.references(references)]
                )  # fmt: skip
            except InvalidMap as error:
                self.problems.append(f"{place}: {error}")
        return found


def _left_out(name: str, field: str, attribute: str, narrative: str) -> str:
    """Why a row does not hold here, as the corrections say it; empty when it does."""
    for (map_, field_, attribute_, narrative_), reason in LEFT_OUT.items():
        if (
            map_ in {"*", name} and field_ in {"*", field}
            and re.fullmatch(attribute_, attribute) and narrative.startswith(narrative_)
        ):  # fmt: skip
            return reason
    return ""


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9\[\].-]", "", name.lower())


def _number(field: str, name: str) -> int:
    """The number of a field or component; 0 for the whole."""
    found = re.fullmatch(r"[A-Z0-9]{2,3}[-.](\d+)", field)
    if not found and field and field != name.partition("[")[0]:
        raise InvalidMap(f"{field!r} is no field")
    return int(found[1]) if found else 0


def codes(rows: list[list[str]]) -> dict[str, list[str]]:
    """What each code becomes: code, display, system."""
    found = {}
    for cells in rows:
        if cells[2 - 1] and cells[1] not in {"Code", "HL7 v2"} and cells[7] and "Condition" not in cells[4]:
            found.setdefault(cells[1], [cells[7], cells[9], cells[10].strip()])
    return found


def unfit() -> list[str]:
    """The rows whose path is none of base R4; they are left out when the tables are compiled to functions."""
    plan = Converter(Tables.standard()).plan
    for uses in plan.tables.messages.values():
        for use in uses:
            steps = language.path(use.target) if use.target and use.map else []
            kind = steps[-1][1] if steps and steps[-1][0] == ">" else steps[0][0] if steps else "Bundle"
            if kind != "Bundle":
                plan.segment(use.map, kind)
    for name in plan.tables.datatypes:
        plan.datatype(name)
    return sorted(set(plan.unfit))


def unreached() -> tuple[list[str], list[str]]:
    """The segment maps that no message reaches, and the segments of messages that have no map anywhere."""
    tables = Tables.standard()
    uses = [use for found in tables.messages.values() for use in found if use.segment]
    used = {use.map for use in uses}
    mapped = {use.segment for use in uses if tables.segments.get(use.map)}
    maps = sorted(name for name, rows in tables.segments.items() if rows and name not in used)
    named = {use.segment for use in uses if re.fullmatch(r"[A-Z][A-Z0-9]{2}", use.segment)}
    return maps, sorted(named - mapped)


def main(folder: Path) -> None:
    """Writes the tables, and says what was left out and what was not understood."""
    compiler = Compiler(folder)
    tables = compiler.tables()
    raw = json.dumps(tables, ensure_ascii=False, separators=(",", ":")).encode()
    with OUT.open("wb") as file, gzip.GzipFile("", "wb", 9, file, 0) as packed:
        packed.write(raw)
    rows = sum(len(rows) for kind in ("segments", "datatypes") for rows in tables[kind].values())
    print(
        f"{OUT.name}: {OUT.stat().st_size:,} bytes; {rows} rows in {len(tables['segments'])} segment maps and"
    )
    print(
        f"{len(tables['datatypes'])} data types, {len(tables['messages'])} messages, "
        f"{len(tables['codes'])} code maps"
    )
    for reason, count in compiler.left_out.most_common():
        print(f"left out {count:>3}  {reason}")
    for what, problems in (("not understood", compiler.problems), ("no place in base R4", unfit())):
        print(f"{what}: {len(problems)}")
        for problem in problems:
            print(f"  {problem}")
    maps, segments = unreached()
    print(f"maps that no message reaches: {', '.join(maps)}")
    print(f"segments of messages that have no map: {', '.join(segments)}")


if __name__ == "__main__":
    data = Path(os.environ.get("VESALIUS_DATA", ROOT.parent / "shared" / "data"))
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else data / "v2-to-fhir-mappings")
