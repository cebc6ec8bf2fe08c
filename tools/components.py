"""Lists the components that are older than SECURITY.md allows, and fails if there are any.

A component is too old when a newer version of it had been out for more than 90 days. The package index is
asked for what was out by then, so this runs only where there is one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

WITHIN = timedelta(days=90)
"""For how long a newer version may be left; SECURITY.md says the same, and a test compares."""

NOT_OURS = frozenset({"pip", "setuptools"})
"""They come with Python's own environment, and no command of ours runs them but to fetch uv."""

BIN = Path(__file__).parents[1] / ".venv" / "bin"


def question(today: date) -> list[str]:
    """The command that asks which components had a newer version when the allowed time began."""
    asked = ["pip", "list", "--outdated", "--format", "json", "--exclude-newer", str(today - WITHIN)]
    return [str(BIN / "uv"), *asked, "--python", str(BIN / "python")]


def late(answer: str) -> list[str]:
    """One line for each component that is too old, of what uv answered."""
    found = [each for each in json.loads(answer) if each["name"] not in NOT_OURS]
    return [f"{each['name']} {each['version']}: {each['latest_version']} is out" for each in found]


def main() -> int:
    """Asks, and says what is too old."""
    answer = subprocess.run(question(datetime.now(UTC).date()), capture_output=True, text=True, check=True)
    lines = late(answer.stdout)
    for each in lines:
        print(each)
    print(f"{len(lines)} components are older than {WITHIN.days} days allow")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
