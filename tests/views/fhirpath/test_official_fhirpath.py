"""The official FHIRPath cases pass but for those that the page lists, each with its reason."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def benchmark():
    """The command that runs the cases and writes the tables of the page."""
    spec = importlib.util.spec_from_file_location("benchmark_fhirpath", ROOT / "benchmarks" / "fhirpath.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.data
def test_the_official_cases_that_fail_are_those_with_a_reason(benchmark, shared_data):
    outcomes = list(benchmark.official(shared_data / "fhirpath-r4-tests"))
    missed = {case["name"] for case, good, _ in outcomes if not good}
    assert missed == set(benchmark.REASONS)
    assert len(outcomes) - len(missed) >= 780


@pytest.mark.data
def test_the_page_lists_the_misses_of_today(benchmark, shared_data):
    outcomes = list(benchmark.official(shared_data / "fhirpath-r4-tests"))
    assert benchmark.misses_table(outcomes) in benchmark.PAGE.read_text("utf-8"), (
        "run benchmarks/fhirpath.py --docs"
    )


def test_the_page_lists_the_functions_of_today(benchmark):
    assert benchmark.functions_table() in benchmark.PAGE.read_text("utf-8"), (
        "run benchmarks/fhirpath.py --docs"
    )


def test_an_answer_of_the_wrong_type_or_value_does_not_pass(benchmark):
    case = {"expression": "1 + 1", "mode": None, "predicate": None, "invalid": None}
    right = [{"type": "integer", "value": "2"}]
    assert benchmark.outcome({**case, "outputs": right}, None) == (True, ["2"])
    assert not benchmark.outcome({**case, "outputs": [{"type": "string", "value": "2"}]}, None)[0]
    assert not benchmark.outcome({**case, "outputs": [{"type": "integer", "value": "3"}]}, None)[0]
    assert not benchmark.outcome({**case, "outputs": []}, None)[0]
    assert not benchmark.outcome({**case, "outputs": [], "invalid": "semantic"}, None)[0]
