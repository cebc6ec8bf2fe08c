"""What bandit finds in what we ship was looked at, each with its reason.

Bandit itself takes 14 seconds, and runs with ``make bandit``. Ruff runs the same rules (S) with every test:
whatever it is told to leave has the same mark for bandit, so that both stay clean.
"""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUFF = re.compile(r"# noqa: S(\d{3})(.*)")


def lines():
    for path in sorted((ROOT / "src").rglob("*.py")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            yield path, f"{path.relative_to(ROOT)}:{number}", line


def test_whatever_one_linter_leaves_the_other_leaves_too_and_says_why():
    skipped = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["bandit"]["skips"]
    for _, place, line in lines():
        if (found := RUFF.search(line)) and f"B{found[1]}" not in skipped:
            assert line.endswith(f"  # nosec B{found[1]}"), (
                f"{place}: add '  # nosec B{found[1]}' at its end, after the reason"
            )


def test_every_mark_names_one_rule_and_has_its_reason():
    marks = [each for each in lines() if "# nosec" in each[2]]
    assert len(marks) > 20
    for path, place, line in marks:
        before, _, rule = line.rpartition("  # nosec ")
        assert re.fullmatch(r"B\d{3}", rule), place
        reason = re.sub(r"noqa: S\d{3}", "", before.rpartition("  # ")[2]).strip(" -")
        whole = re.search(rf"# ruff: noqa: S{rule[1:]} - \w+", path.read_text(encoding="utf-8"))
        assert whole or len(reason.split()) >= 3, f"{place}: say why"
