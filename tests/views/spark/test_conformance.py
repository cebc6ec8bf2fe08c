"""The official SQL on FHIR suite and our own cases, on executors of their own, by SQL and by Python."""

import json
from itertools import groupby

import pytest

from vesalius.errors import InvalidView
from vesalius.views import Files, View, spark
from vesalius.views.spark._dialect import LEFT

from ..test_conformance import OWN, canonical, cases


def groups(folder):
    """The cases of each file; they share their resources."""
    return [list(group) for _, group in groupby(cases(folder), key=lambda case: case[0])]


def ndjson(folder, resources):
    file = folder / "resources.ndjson"
    file.write_text("".join(json.dumps(each) + "\n" for each in resources), encoding="utf-8")
    return Files(file)


def passes(case, session, source):
    """Runs a case on Spark: gives its route, or "load" where loading refuses it as the case expects."""
    try:
        view = View.load(case["view"])
    except InvalidView:
        assert case.get("expectError")
        return "load"
    if case.get("expectError"):
        with pytest.raises(InvalidView):
            spark.table(view, session, source)
        return spark.route(view)
    found = spark.table(view, session, source).select(view.schema.names)
    if "expectCount" in case:
        assert found.num_rows == case["expectCount"]
    else:
        assert canonical(structures(found.to_pylist())) == canonical(structures(case["expect"]))
    return spark.route(view)


def structures(rows):
    """Rows with structures as the text that a table holds."""

    def text(value):
        if isinstance(value, list):
            return [text(each) for each in value]
        return json.dumps(value, sort_keys=True, separators=(",", ":")) if isinstance(value, dict) else value

    return [{name: text(value) for name, value in row.items()} for row in rows]


@pytest.mark.data
def test_every_case_of_the_official_suite_passes_on_the_columns_of_the_lake(
    session, shared_data, make_lake, subtests
):
    routes = []
    for group in groups(shared_data / "sql-on-fhir-v2-tests" / "tests"):
        lake = make_lake([{"id": "none", **resource} for resource in group[0][2]])
        for file, title, _, case in group:
            with subtests.test(file=file, title=title):
                routes.append(passes(case, session, lake))
    assert len(routes) == 104
    assert routes.count("spark") >= 70
    assert {*routes} <= {"spark", "load", *(f"python ({reason})" for reason in LEFT.values())}


def test_our_own_cases_pass_on_ndjson(session, tmp_path, subtests):
    routes = []
    for group in groups(OWN):
        files = ndjson(tmp_path, group[0][2])
        for file, title, _, case in group:
            with subtests.test(file=file, title=title):
                routes.append(passes(case, session, files))
    assert routes.count("spark") >= 20
