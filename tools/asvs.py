"""Makes docs/governance/asvs.md of tools/asvs.txt, and checks what it names; ``--check`` writes nothing.

Of OWASP's Application Security Verification Standard 5.0.0 (CC BY-SA 4.0) only the numbers and levels are
taken, which are facts; what each asks is said in words of our own, so that the page stays under the project's
licence.
"""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE, FRAME = ROOT / "tools" / "asvs.txt", ROOT / "tools" / "asvs-page.md"
PAGE = ROOT / "docs" / "governance" / "asvs.md"
TABLE = "| number | level | what it asks | state | how |\n| --- | --- | --- | --- | --- |\n"

STATES = {
    "test": "met: test",
    "setting": "met: setting",
    "page": "met: written",
    "deploy": "**the hospital's part**",
    "na": "not applicable",
    "no": "**not met**",
}
"""Each state, and how the page says it."""

LINE = re.compile(r"(\d+\.\d+\.\d+) ([12]) (\w+) \| (.+?) \| (.+)")


@dataclass(frozen=True)
class Row:
    """One requirement: its number, its level, how it stands, what it asks, and how it is met."""

    number: str
    level: str
    state: str
    asks: str
    how: str


def rows(text: str) -> list[tuple[str, list[Row]]]:
    """The chapters of the data file, each with its rows.

    Raises:
        ValueError: a line that is none.
    """
    chapters: list[tuple[str, list[Row]]] = []
    for line in text.splitlines():
        if line.startswith("## "):
            chapters.append((line[3:], []))
        elif line and not line.startswith("#"):
            found = LINE.fullmatch(line)
            if found is None or found[3] not in STATES:
                raise ValueError(f"not a row: {line[:60]}")
            chapters[-1][1].append(Row(*found.groups()))
    return chapters


@functools.cache
def tests() -> dict[str, Path]:
    """Every test function, and the file that it is in; a test is no part of a class or another function."""
    found = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found[node.name] = path.relative_to(ROOT)
    return found


def page(text: str) -> str:
    """The page, made of the data file."""
    chapters, where = rows(text), tests()
    counts = Counter(row.state for _, each in chapters for row in each)
    total = sum(counts.values())
    lines = ["| state | rows |", "| --- | --: |"]
    lines += [f"| {words} | {counts[state]} |" for state, words in STATES.items()]
    sums = "\n".join([*lines, f"| together | {total} |"])
    made = ""
    for title, each in chapters:
        made += f"## {title}\n\n{TABLE}"
        for row in each:
            how = re.sub(r"`(test_\w+)`", lambda named: _linked(named[1], where), row.how)
            made += f"| V{row.number} | {row.level} | {row.asks} | {STATES[row.state]} | {how} |\n"
        made += "\n"
    frame = FRAME.read_text(encoding="utf-8")
    return frame.replace("{sums}", sums).replace("{chapters}", made.rstrip())


def _linked(name: str, where: dict[str, Path]) -> str:
    if name not in where:
        raise ValueError(f"there is no test {name}")
    return f"[`{name}`](../../{where[name].as_posix()})"


def main(arguments: list[str]) -> int:
    """Writes the page, or says that it is not what the data file makes."""
    made = page(SOURCE.read_text(encoding="utf-8"))
    if "--check" in arguments:
        same = PAGE.exists() and PAGE.read_text(encoding="utf-8") == made
        sys.stdout.write("" if same else f"{PAGE.relative_to(ROOT)} is not what tools/asvs.py makes\n")
        return 0 if same else 1
    PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
