"""The runner of the official tests finds what fails, and says it in the official form."""

import json

import pytest

from vesalius.errors import NotFound, UnreadableInput
from vesalius.views import conformance

PATIENTS = [
    {"resourceType": "Patient", "id": "a", "active": True},
    {"resourceType": "Patient", "id": "b", "name": [{"given": ["X", "Y"]}]},
]
VIEW = {"resource": "Patient", "select": [{"column": [{"name": "id", "path": "id"}]}]}
ROWS = [{"id": "b"}, {"id": "a"}]
SEVERAL = {"resource": "Patient", "select": [{"column": [{"name": "x", "path": "name.given"}]}]}
CASES = [
    ({"title": "right", "view": VIEW, "expect": ROWS}, ""),
    ({"title": "columns", "view": VIEW, "expect": ROWS, "expectColumns": ["id"]}, ""),
    ({"title": "count", "view": VIEW, "expectCount": 2}, ""),
    ({"title": "refused at once", "view": {"resource": "Patient"}, "expectError": True}, ""),
    ({"title": "refused on a resource", "view": SEVERAL, "expectError": True}, ""),
    ({"title": "other rows", "view": VIEW, "expect": ROWS[:1]}, "gives other rows"),
    ({"title": "a row twice", "view": VIEW, "expect": [*ROWS, ROWS[0]]}, "gives other rows"),
    (
        {"title": "other columns", "view": VIEW, "expect": ROWS, "expectColumns": ["x"]},
        "gives the columns id",
    ),
    ({"title": "another count", "view": VIEW, "expectCount": 3}, "gives 2 rows"),
    ({"title": "not refused", "view": VIEW, "expectError": True}, "should be refused"),
    ({"title": "wrongly refused", "view": SEVERAL, "expect": ROWS}, "refused"),
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "tests").mkdir()
    content = {"title": "own", "resources": PATIENTS, "tests": [case for case, _ in CASES]}
    (tmp_path / "tests" / "own.json").write_text(json.dumps(content))
    (tmp_path / "tests.schema.json").write_text("{}")
    return tmp_path


@pytest.mark.parametrize("engine", ["python", "duckdb"])
def test_what_passes_passes_and_what_fails_says_why(folder, engine):
    results = list(conformance.run(conformance.test_files(folder), engine))
    assert [each.title for each in results] == [case["title"] for case, _ in CASES]
    for each, (_, problem) in zip(results, CASES, strict=True):
        assert each.problem.startswith(problem), each
        assert each.passed is (not problem), each


def test_the_report_has_the_official_form(folder):
    made = conformance.report(conformance.run(conformance.test_files(folder), "python"))
    tests = made["own.json"]["tests"]
    assert tests[0] == {"name": "right", "result": {"passed": True}}
    assert tests[5]["result"]["passed"] is False
    assert tests[5]["result"]["error"]


def test_a_folder_without_tests_and_a_broken_file_are_said(tmp_path):
    with pytest.raises(NotFound):
        conformance.test_files(tmp_path)
    for content in ("{", "[]", '{"tests": [{}], "resources": []}', '{"tests": [], "resources": [1]}'):
        (tmp_path / "x.json").write_text(content)
        with pytest.raises(UnreadableInput):
            list(conformance.run([tmp_path / "x.json"], "python"))


def test_an_engine_that_is_not_here_is_not_found(folder):
    with pytest.raises(NotFound):
        list(conformance.run(conformance.test_files(folder), "abacus"))


def test_null_is_absent_and_numbers_are_compared_by_value():
    same = [{"a": 1, "b": None, "c": []}], [{"a": 1.0}]
    assert conformance.canonical(same[0]) == conformance.canonical(same[1])
    assert conformance.canonical([{"a": True}]) != conformance.canonical([{"a": 1}])
    assert conformance.canonical([{"a": "1"}]) != conformance.canonical([{"a": 1}])
