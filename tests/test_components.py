"""How old a component may be."""

import json
import re
import sys
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
components = __import__("components")


def test_the_tool_allows_what_the_policy_says():
    policy = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    days = re.search(r"a newer version of a component \| taken within (\d+) days", policy)
    assert int(days.group(1)) == components.WITHIN.days


def test_what_was_out_before_the_allowed_time_is_asked_for():
    asked = components.question(date(2026, 11, 25))
    assert asked[asked.index("--exclude-newer") + 1] == "2026-08-27"


def test_each_component_that_is_too_old_is_named():
    answer = [
        {"name": "pip", "version": "23.2.1", "latest_version": "26.2.1"},
        {"name": "starlette", "version": "1.0", "latest_version": "1.2"},
    ]
    assert components.late(json.dumps(answer)) == ["starlette 1.0: 1.2 is out"]
    assert components.late("[]") == []
