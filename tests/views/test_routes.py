"""The routes, decoded resources in Python and SQL over columns or NDJSON in DuckDB, give the same rows."""

import gzip
import json
from functools import partial
from itertools import groupby

import msgspec
import pytest

from vesalius.errors import InvalidView
from vesalius.views import View, _view

from .test_conformance import OWN, cases

ORIGIN = ("_reference", "_resource", "_subject", "_recorded_at", "_seq")


def by_python(view, lake):
    return _view._table.table(view._plan, view.schema, lake.versions(view.definition.resource))


def in_order(table):
    """Rows in one order: that of the log, then of their text; within one version the routes may differ."""
    return sorted(table.to_pylist(), key=lambda row: (row["_seq"], repr(row)))


def as_text(table):
    return sorted(repr(row) for row in table.to_pylist())


def assert_same(view, lake, files=None):
    fast, slow = view.table(lake, engine="duckdb"), by_python(view, lake)
    assert fast.schema == slow.schema
    assert in_order(fast) == in_order(slow)
    assert in_order(view.table(lake)) == in_order(slow)  # by Arrow, if the view only picks
    if files is None:
        return fast
    read, decoded = view.table(files, engine="duckdb"), view.table(files, engine="python")
    assert read.schema == decoded.schema == view.schema
    assert as_text(read) == as_text(decoded) == as_text(slow.select(view.schema.names))
    return fast


def compare(case, lake, files):
    """Holds the routes equal; "load" or "python" where there is nothing to compare, else "duckdb"."""
    try:
        view = View.load(case["view"])
    except InvalidView:
        assert case.get("expectError")
        return "load"
    if view.route != "duckdb":
        return "python"
    if not case.get("expectError"):
        assert_same(view, lake, files)
        return "duckdb"
    engines = ("duckdb", "arrow") if isinstance(view._projection, _view.Projection) else ("duckdb",)
    routes = [partial(view.table, lake, engine=engine) for engine in engines]
    for route in (*routes, lambda: by_python(view, lake), lambda: view.table(files)):
        with pytest.raises(InvalidView):
            route()
    return "duckdb"


def compare_all(folder, make_lake, make_files, subtests):
    """The route of every case of a folder; the cases of a file share their resources, so one lake."""
    routes = []
    for file, found in groupby(cases(folder), key=lambda case: case[0]):
        group = list(found)
        resources = [{"id": "none", **resource} for resource in group[0][2]]
        lake, files = make_lake(resources), make_files(resources)
        for _, title, _, case in group:
            with subtests.test(file=file, title=title):
                routes.append(compare(case, lake, files))
    return routes


@pytest.mark.data
def test_the_routes_agree_on_every_official_case_that_compiles(shared_data, make_lake, make_files, subtests):
    routes = compare_all(shared_data / "sql-on-fhir-v2-tests" / "tests", make_lake, make_files, subtests)
    assert (len(routes), routes.count("duckdb")) == (104, 96)


def test_the_routes_agree_on_our_own_cases(make_lake, make_files, subtests):
    assert compare_all(OWN, make_lake, make_files, subtests).count("duckdb") >= 145


OBSERVATIONS = {
    "resource": "Observation",
    "constant": [{"name": "loinc", "valueUri": "http://loinc.org"}],
    "select": [
        {
            "column": [
                {"name": "id", "path": "getResourceKey()"},
                {"name": "status", "path": "status"},
                {"name": "patient", "path": "subject.getReferenceKey(Patient)"},
                {"name": "stay", "path": "encounter.getReferenceKey()"},
                {"name": "value", "path": "value.ofType(Quantity).value"},
                {"name": "unit", "path": "value.ofType(Quantity).unit"},
                {"name": "text", "path": "value.ofType(CodeableConcept).text"},
                {"name": "answer", "path": "value.ofType(CodeableConcept).coding.code.first()"},
                {"name": "at", "path": "effective.ofType(dateTime)"},
                {"name": "vital", "path": "category.coding.where(code = 'vital-signs').exists()"},
                {"name": "parts", "path": "component.count()"},
                {"name": "codes", "path": "component.code.coding.code", "collection": True},
            ]
        },
        {
            "forEach": "code.coding.where(system = %loinc)",
            "column": [{"name": "code", "path": "code"}, {"name": "index", "path": "%rowIndex"}],
        },
        {
            "forEachOrNull": "component",
            "column": [{"name": "part", "path": "code.coding.first().code"}],
        },
    ],
}
PATIENTS = {
    "resource": "Patient",
    "where": [{"path": "birthDate.exists() and gender = 'female'"}],
    "select": [
        {
            "column": [
                {"name": "sex", "path": "gender"},
                {"name": "names", "path": "name.given.join(' ')"},
                {"name": "official", "path": "name.where(use = 'official').family.first()"},
                {"name": "mrn", "path": "identifier.where(type.coding.exists(code = 'MR')).value.first()"},
                {"name": "dead", "path": "deceased.ofType(dateTime).exists()"},
                {"name": "multiple", "path": "multipleBirth.ofType(integer)"},
            ]
        },
        {
            "unionAll": [
                {"forEach": "telecom", "column": [{"name": "contact", "path": "value"}]},
                {"forEachOrNull": "address", "column": [{"name": "contact", "path": "city"}]},
            ]
        },
    ],
}
CONDITIONS = {
    "resource": "Condition",
    "select": [
        {
            "column": [
                {"name": "onset", "path": "onset.ofType(dateTime)"},
                {"name": "over", "path": "abatement.ofType(dateTime).exists().not()"},
                {"name": "active", "path": "clinicalStatus.coding.code = 'active'"},
            ]
        },
        {
            "forEach": "code.coding",
            "select": [{"column": [{"name": "code", "path": "code"}, {"name": "words", "path": "display"}]}],
        },
    ],
}


@pytest.mark.data
@pytest.mark.parametrize(
    "definition", [OBSERVATIONS, PATIENTS, CONDITIONS], ids=lambda view: view["resource"]
)
def test_the_routes_agree_on_synthea(definition, shared_data, make_lake, make_files):
    view = View.load(definition)
    assert view.route == "duckdb", view.route
    file = shared_data / "synthea-r4" / f"{view.definition.resource}.ndjson.gz"
    with gzip.open(file) as lines:
        resources = [msgspec.json.decode(line) for line, _ in zip(lines, range(2000), strict=False)]
    assert assert_same(view, make_lake(resources), make_files(resources)).num_rows > 100


# --- on the lake ------------------------------------------------------------------------------------------

SEX = {"resource": "Patient", "select": [{"column": [{"name": "sex", "path": "gender"}]}]}


def patient(number, **more):
    return {"resourceType": "Patient", "id": str(number), "gender": "female", **more}


def test_every_version_gives_its_rows_with_where_they_came_from(make_lake):
    lake = make_lake([patient(1), patient(2)], [patient(1, gender="male")])
    rows = View.load(SEX).table(lake)
    assert rows.column_names == ["sex", *ORIGIN]
    assert rows["_reference"].to_pylist() == [
        "Patient/1/_history/1",
        "Patient/2/_history/1",
        "Patient/1/_history/2",
    ]
    assert rows["sex"].to_pylist() == ["female", "female", "male"]
    assert set(rows["_subject"].to_pylist()) == {"Patient/1", "Patient/2"}


def test_a_pinned_lake_gives_nothing_later_by_any_route(make_lake):
    lake = make_lake([patient(1)], [patient(1, gender="male"), patient(2)])
    view, pinned = View.load(SEX), lake.pinned(1)
    view.table(lake)  # the columns now hold all three
    assert view.table(pinned).num_rows == 1
    assert view.table(pinned, ["Patient/1", "Patient/2"]).num_rows == 1


@pytest.mark.parametrize("online", [0, 1000])
def test_only_the_patients_asked_for_are_read_by_any_route(make_lake, online, monkeypatch):
    monkeypatch.setattr(_view, "ONLINE", online)
    lake = make_lake([patient(number) for number in range(5)])
    rows = View.load(SEX).table(lake, ["Patient/1", "Patient/3"])
    assert rows["_resource"].to_pylist() == ["Patient/1", "Patient/3"]


def test_a_lake_without_such_resources_gives_an_empty_table_of_the_same_schema(make_lake):
    view = View.load(OBSERVATIONS)
    assert view.table(make_lake([patient(1)])).schema == view.table(make_lake([]), ["Patient/1"]).schema


def test_a_view_that_does_not_compile_says_why_and_runs_all_the_same(make_lake):
    definition = json.loads(json.dumps(SEX).replace("gender", "gender.matches('^f').toString()"))
    view = View.load(definition)
    assert view.route == "python (matches())"
    assert "matches()" in view.explain()
    assert view.table(make_lake([patient(1)]))["sex"].to_pylist() == ["true"]


def test_several_values_in_one_cell_fail_by_name_and_without_the_values_by_both_routes(make_lake):
    definition = json.loads(json.dumps(SEX).replace("gender", "name.family"))
    view = View.load(definition)
    lake = make_lake([patient(1, name=[{"family": "Peeters"}, {"family": "Maes"}])])
    for route in (view.table, lambda lake: by_python(view, lake)):
        with pytest.raises(InvalidView, match="sex") as caught:
            route(lake)
        assert "Peeters" not in str(caught.value)
