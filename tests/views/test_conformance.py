"""The official SQL on FHIR test suite, on the Python route; and our own cases, which need no data folder."""

import json
from pathlib import Path

import pytest

from vesalius.errors import InvalidView
from vesalius.views import View

OWN = Path(__file__).parent / "cases"


def cases(folder):
    return [
        (file.stem, case["title"], content["resources"], case)
        for file in sorted(folder.glob("*.json"))
        for content in [json.loads(file.read_text(encoding="utf-8"))]
        for case in content["tests"]
    ]


def canonical(rows):
    """Rows in one order and one form: null is absent, numbers by their value, an empty list is no value."""

    def plain(value):
        if isinstance(value, list):
            return [plain(each) for each in value]
        return value if isinstance(value, bool | str | dict) else float(value)

    kept = [{key: plain(value) for key, value in row.items() if value not in (None, [])} for row in rows]
    return sorted(json.dumps(row, sort_keys=True) for row in kept)


def run(case, resources):
    if case.get("expectError"):
        with pytest.raises(InvalidView):
            View.load(case["view"]).rows(resources)
        return
    view = View.load(case["view"])
    rows = view.rows(resources)
    if "expectCount" in case:
        assert len(rows) == case["expectCount"]
    else:
        assert canonical(rows) == canonical(case["expect"])
    if "expectColumns" in case:
        assert list(view.columns) == case["expectColumns"]


@pytest.mark.data
def test_every_case_of_the_official_suite_passes(shared_data, subtests):
    found = cases(shared_data / "sql-on-fhir-v2-tests" / "tests")
    assert len(found) == 104
    for file, title, resources, case in found:
        with subtests.test(file=file, title=title):
            run(case, resources)


@pytest.mark.data
def test_the_example_views_of_the_guide_load(shared_data, subtests):
    for file in sorted((shared_data / "sql-on-fhir-v2-tests" / "examples").glob("*.json")):
        with subtests.test(file=file.stem):
            assert View.load(file).columns


@pytest.mark.parametrize(
    ("file", "title", "resources", "case"),
    cases(OWN),
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_our_own_cases_pass(file, title, resources, case):
    run(case, resources)
