"""The page on views says what the code does."""

import json
import re
from pathlib import Path

from vesalius.views import View
from vesalius.views.fhirpath._special import SPECIAL
from vesalius.views.sql._calls import CALLS

PAGE = (Path(__file__).parents[2] / "docs" / "engineer" / "views.md").read_text(encoding="utf-8")
SPEC = Path(__file__).parents[2] / "docs" / "decisions" / "spec"


def test_the_view_on_the_page_loads_and_compiles():
    (text,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert View.load(json.loads(text)).route == "duckdb"


def test_the_page_names_every_function_that_compiles_and_every_one_that_is_refused():
    assert [name for name in CALLS if f"`{name}`" not in PAGE] == []
    refused = [name for name, each in SPECIAL.items() if each.refused]
    assert [name for name in refused if f"`{name}()`" not in PAGE] == []


def test_every_reading_of_the_standard_names_tests_that_exist():
    folder = Path(__file__).parent
    for note in SPEC.glob("*.md"):
        text = note.read_text(encoding="utf-8")
        if "tests/views" not in text:
            continue
        named = re.findall(r"tests/views/([a-z_/]+\.(?:json|py))", text.partition("**Tests.**")[2])
        assert named, note.name
        assert all((folder / name).exists() for name in named), note.name
