"""The table of OWASP ASVS: every requirement once, and all that it names is there."""

import csv
import re
import sys
from pathlib import Path

import msgspec
import pytest

from vesalius.settings import Settings

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
asvs = __import__("asvs")

ROWS = [row for _, chapter in asvs.rows(asvs.SOURCE.read_text(encoding="utf-8")) for row in chapter]
SETTINGS = {field.name for field in msgspec.structs.fields(Settings)}


def test_the_page_is_what_the_data_file_makes():
    assert asvs.main(["--check"]) == 0, "run: make docs"


@pytest.mark.data
def test_every_requirement_of_levels_1_and_2_is_there_exactly_once_at_its_level(shared_data):
    folder = shared_data / "owasp-asvs-5.0"
    if not folder.is_dir():
        pytest.skip("the standard is not in the data folder")
    with (folder / "asvs-5.0.0-en.csv").open(encoding="utf-8-sig") as file:
        wanted = {row["req_id"]: row for row in csv.DictReader(file) if row["L"] in "12"}
    assert [f"V{row.number}" for row in ROWS] == list(wanted)
    for row in ROWS:
        said = wanted[f"V{row.number}"]
        assert row.level == said["L"], row.number
        taken = len(row.asks.split()) > 4 and row.asks.casefold() in said["req_description"].casefold()
        assert not taken, f"{row.number}: say it in our words"


def test_there_are_253_rows_and_each_says_how():
    assert len({row.number for row in ROWS}) == len(ROWS) == 253
    assert all(row.how.strip() and row.asks.strip() for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.number)
def test_what_a_row_names_exists(row):
    named = re.findall(r"`(\w+)`", row.how)
    found = [each for each in named if each.startswith("test_")]
    assert all(each in asvs.tests() for each in found)
    pages = re.findall(r"\]\(([\w/.-]*)", row.how)
    assert all((asvs.PAGE.parent / each).exists() for each in pages if each)
    if row.state == "test":
        assert found, "name a test"
    elif row.state == "setting":
        assert SETTINGS & set(named), "name a setting"
    elif row.state == "page":
        assert pages or named, "name a page"
    for each in re.findall(r"`((?:oidc|session|second)_\w+)`", row.how):
        assert each in SETTINGS


def test_a_row_that_names_no_test_is_refused():
    with pytest.raises(ValueError, match="no test"):
        asvs.page("## 1 x\n1.1.1 1 test | a | `test_that_nobody_wrote`\n")
    with pytest.raises(ValueError, match="not a row"):
        asvs.page("## 1 x\n1.1.1 3 test | a | b\n")


def test_every_file_with_a_secret_key_has_its_row_in_the_policy():
    """OWASP ASVS 5.0, 11.1.1; NIST SP 800-57."""
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    files = set(re.findall(r'"([\w-]+\.(?:secret|jwk))"|"(pseudonyms\.json)"', source))
    named = {a or b for a, b in files}
    assert {"console.secret", "second-factor.secret", "hospital.jwk", "pseudonyms.json"} <= named
    policy = (ROOT / "docs" / "governance" / "keys.md").read_text(encoding="utf-8")
    assert [name for name in named if name not in policy] == []
