"""Spark gives what DuckDB gives: the same columns, types and rows, from the lake and from files."""

import gzip
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from vesalius.errors import InvalidView, NotFound, UnreadableInput
from vesalius.lake import resource_schema
from vesalius.views import Files, View, library, spark

from ..test_routes import CONDITIONS, OBSERVATIONS, ORIGIN, PATIENTS, SEX, patient

EXTENSIONS = {"repeat": ["extension"], "column": [{"name": "url", "path": "url"}]}
BY_PYTHON = {
    "resource": "Patient",
    "select": [
        {"column": [{"name": "born", "path": "birthDate"}]},
        {"unionAll": [EXTENSIONS, {"column": [{"name": "url", "path": "language"}]}]},
    ],
}


def counted(table):
    """The rows of a table in no order, repeats counted; text, because a cell can be a list."""
    return Counter(repr(row) for row in table.to_pylist())


def assert_same(view, session, source):
    ours, theirs = spark.table(view, session, source), view.table(source)
    assert ours.schema == theirs.schema
    assert counted(ours) == counted(theirs)
    return ours


@pytest.mark.data
@pytest.mark.parametrize(
    "definition", [OBSERVATIONS, PATIENTS, CONDITIONS], ids=lambda view: view["resource"]
)
def test_spark_and_duckdb_agree_on_synthea_from_the_lake_and_from_ndjson(
    definition, session, shared_data, make_lake, tmp_path
):
    view = View.load(definition)
    assert spark.route(view) == "spark"
    with gzip.open(shared_data / "synthea-r4" / f"{view.definition.resource}.ndjson.gz") as lines:
        kept = [line for line, _ in zip(lines, range(1500), strict=False)]
    lake = make_lake([msgspec.json.decode(line) for line in kept])
    assert assert_same(view, session, lake).num_rows > 100
    packed = tmp_path / "part [1].ndjson.gz"
    packed.write_bytes(gzip.compress(b"".join(kept)))
    assert assert_same(view, session, Files(packed)).num_rows > 100


@pytest.mark.data
def test_spark_and_python_agree_on_what_sql_does_not_express(session, shared_data, tmp_path):
    view = View.load(BY_PYTHON)
    assert spark.route(view).startswith("python (")
    file = Files(shared_data / "synthea-r4" / "Patient.ndjson.gz")
    assert assert_same(view, session, file).num_rows > 100


def names(number):
    return [{"given": [str(each)] * each} for each in range(number)]


NESTED = {
    "resource": "Patient",
    "select": [
        {"column": [{"name": "id", "path": "id"}]},
        {
            "forEachOrNull": "name",
            "column": [{"name": "at", "path": "%rowIndex"}],
            "select": [{"forEachOrNull": "given", "column": [{"name": "given", "path": "$this"}]}],
        },
        {
            "unionAll": [
                {"forEach": "telecom", "column": [{"name": "contact", "path": "value"}]},
                {"forEachOrNull": "address.line", "column": [{"name": "contact", "path": "$this"}]},
            ]
        },
    ],
}


def test_no_row_of_an_outer_loop_is_lost(session, make_lake):
    view = View.load(NESTED)
    assert spark.route(view) == "spark"
    people = [patient(each, name=names(each), telecom=[{"value": "1"}] * (each % 2)) for each in range(4)]
    found = assert_same(view, session, make_lake(people))
    assert None in found["given"].to_pylist()
    assert set(found["id"].to_pylist()) == {"0", "1", "2", "3"}


@pytest.mark.parametrize("definition", [SEX, BY_PYTHON], ids=["sql", "python"])
def test_a_pinned_lake_gives_nothing_later_and_every_version_has_its_origin(definition, session, make_lake):
    view = View.load(definition)
    lake = make_lake([patient(1)], [patient(1, gender="male"), patient(2)])
    found = assert_same(view, session, lake)
    assert found.column_names == [*view.schema.names, *ORIGIN]
    assert sorted(found["_reference"].to_pylist()) == [
        "Patient/1/_history/1",
        "Patient/1/_history/2",
        "Patient/2/_history/1",
    ]
    assert spark.table(view, session, lake.pinned(1)).num_rows == 1


@pytest.mark.parametrize("definition", [SEX, BY_PYTHON], ids=["sql", "python"])
def test_a_lake_without_such_resources_gives_an_empty_frame_of_the_same_schema(
    definition, session, make_lake
):
    view = View.load(definition)
    assert spark.table(view, session, make_lake([])).schema == view.table(make_lake([])).schema


@pytest.mark.parametrize("definition", [SEX, BY_PYTHON], ids=["sql", "python"])
def test_other_types_blank_lines_and_unknown_elements_are_passed_over(definition, session, tmp_path):
    file = tmp_path / "mixed.ndjson"
    file.write_bytes(
        b'{"resourceType": "Observation", "id": "1", "gender": 3, "name": {}}\r\n\r\n  \n'
        b'{"new": [{"x": 1}], "resourceType": "Patient", "id": "1", "gender": "female"}\r\n'
        b'{"resourceType": "Patient", "id": "2"}'
    )
    view = View.load(definition)
    assert assert_same(view, session, Files(file)).num_rows == 2


@pytest.mark.parametrize("definition", [SEX, BY_PYTHON], ids=["sql", "python"])
@pytest.mark.parametrize(
    "line", ['{"resourceType": "Patient", "id": "1"', "[]", "Jan Peeters", '{"id": "1"}', "3"]
)
def test_a_line_that_is_no_resource_is_an_error_that_does_not_quote_it(line, definition, session, tmp_path):
    file = tmp_path / "bad.ndjson"
    file.write_text(f'{{"resourceType": "Patient", "id": "1"}}\n{line}\n', encoding="utf-8")
    with pytest.raises(UnreadableInput) as caught:
        spark.table(View.load(definition), session, Files(file))
    assert "Peeters" not in str(caught.value)


@pytest.mark.parametrize("name", ["_hidden.ndjson", ".hidden.ndjson", "packed.ndjson.zst"])
def test_a_file_that_spark_would_pass_over_or_not_unpack_is_refused(name, session, tmp_path):
    (tmp_path / name).write_text('{"resourceType": "Patient", "id": "1"}\n', encoding="utf-8")
    with pytest.raises(UnreadableInput, match=name):
        spark.frame(View.load(SEX), session, Files(tmp_path / name))


@pytest.mark.parametrize("select", [{}, {"unionAll": [EXTENSIONS]}], ids=["sql", "python"])
def test_several_values_in_one_cell_fail_by_name_and_without_the_values(select, session, make_lake):
    several = {"column": [{"name": "who", "path": "name.family"}]}
    view = View.load({"resource": "Patient", "select": [several, *([select] if select else [])]})
    assert spark.route(view) == ("python (repeat)" if select else "spark")
    lake = make_lake([patient(1, name=[{"family": "2001"}, {"family": "2002"}])])
    with pytest.raises(InvalidView, match="who") as caught:
        spark.table(view, session, lake)
    assert "2001" not in str(caught.value)
    frame = spark.frame(view, session, lake)
    with pytest.raises(InvalidView, match="who"), spark.faults():
        frame.collect()


def test_a_frame_of_the_columns_and_one_of_lines_are_sources_too(session, make_lake, tmp_path):
    lake = make_lake([patient(1), patient(2)])
    view, other = View.load(SEX), View.load(BY_PYTHON)
    columns = session.read.parquet(*lake.columns("Patient").files)
    assert set(resource_schema("Patient").names) == set(columns.columns)
    for each in (view, other):
        assert counted(spark.table(each, session, columns)) == counted(each.table(lake))
    file = tmp_path / "export.ndjson"
    file.write_text('{"resourceType": "Patient", "gender": "female"}\n', encoding="utf-8")
    for each in (view, other):
        found = spark.table(each, session, session.read.text(str(file)))
        assert counted(found) == counted(each.table(Files(file)))
    with pytest.raises(NotFound):
        spark.frame(view, session, session.range(1))


def test_a_frame_can_be_used_further_in_spark(session, make_lake):
    frame = spark.frame(View.load(SEX), session, make_lake([patient(1), patient(2, gender="male")]))
    assert {(row["sex"], row["count"]) for row in frame.groupBy("sex").count().collect()} == {
        ("female", 1),
        ("male", 1),
    }
    assert [each.name for each in session.catalog.listTables()] == []


def test_every_view_of_the_library_gives_the_rows_of_the_other_engines(session, subtests):
    examples = Files(Path(__file__).parents[1] / "library_examples.ndjson")
    filled = 0  # not every type of resource is among the examples
    for name in library.names():
        view = library.load(name)
        with subtests.test(view=name):
            assert spark.route(view) == "spark"
            filled += assert_same(view, session, examples).num_rows > 0
    assert filled >= 16
