"""Views on files where they lie."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vesalius.errors import InvalidView, NotFound, UnreadableInput
from vesalius.views import Files, Limits, View

CODES = {
    "resource": "Observation",
    "select": [
        {"column": [{"name": "id", "path": "getResourceKey()"}, {"name": "status", "path": "status"}]},
        {"forEach": "code.coding", "column": [{"name": "code", "path": "code"}]},
    ],
}
ENGINES = ("duckdb", "python")


def observation(number, **more):
    coding = [{"system": "http://loinc.org", "code": f"{number}-1"}, {"code": f"{number}-2"}]
    return {
        "resourceType": "Observation",
        "id": str(number),
        "status": "final",
        "code": {"coding": coding},
        **more,
    }


def codes(*numbers):
    return [f"{number}-{part}" for number in numbers for part in (1, 2)]


def write(path, lines):
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines).encode()
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text))
    elif path.suffix == ".zst":
        with pa.CompressedOutputStream(str(path), "zstd") as out:
            out.write(text)
    else:
        path.write_bytes(text)
    return path


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("ending", [".ndjson", ".ndjson.gz", ".ndjson.zst", ".json", ".jsonl"])
def test_ndjson_is_read_plain_and_packed_in_the_order_of_files_and_lines(tmp_path, ending, engine):
    paths = [
        write(tmp_path / f"{name}{ending}", map(observation, numbers))
        for name, numbers in (("b", [3, 4]), ("a", [1, 2]))
    ]
    table = View.load(CODES).table(Files(paths), engine=engine)
    assert table.column_names == ["id", "status", "code"]
    assert table["code"].to_pylist() == codes(3, 4, 1, 2)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_pattern_names_its_files_in_the_order_of_their_names(tmp_path, engine):
    for number in (2, 1, 3):
        write(tmp_path / f"part-{number}.ndjson", [observation(number)])
    table = View.load(CODES).table(Files(str(tmp_path / "part-*.ndjson")), engine=engine)
    assert table["code"].to_pylist() == codes(1, 2, 3)


@pytest.mark.parametrize("engine", ENGINES)
def test_other_types_in_a_file_are_passed_over_even_if_they_use_a_name_otherwise(tmp_path, engine):
    other = {"resourceType": "Basic", "id": "x", "status": {"a": 1}, "code": "text", "subject": [1]}
    path = write(tmp_path / "mixed.ndjson", [other, observation(1), "", other, observation(2)])
    assert View.load(CODES).table(Files(path), engine=engine)["code"].to_pylist() == codes(1, 2)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "broken", ['{"resourceType": "Observation", "id"', "[1, 2]", "3", '{"id": "Peeters"}']
)
def test_a_line_that_is_no_resource_fails_by_its_place_and_without_its_text(tmp_path, engine, broken):
    path = write(tmp_path / "broken.ndjson", [observation(1), "", broken, observation(2)])
    for definition in (CODES, {**CODES, "where": [{"path": "status = 'final'"}]}):
        with pytest.raises(UnreadableInput, match=r"broken\.ndjson, line 3") as caught:
            View.load(definition).table(Files(path), engine=engine)
        assert "Peeters" not in str(caught.value)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_value_of_another_type_than_r4_says_is_empty_by_both_routes(tmp_path, engine):
    path = write(tmp_path / "odd.ndjson", [observation(1, code="text"), observation(2)])
    assert View.load(CODES).table(Files(path), engine=engine)["code"].to_pylist() == codes(2)


def test_a_value_that_does_not_fit_in_the_middle_costs_no_row_and_doubles_none(tmp_path, monkeypatch):
    monkeypatch.setattr("vesalius.views._duckdb.BATCH_ROWS", 2048)
    resources = [observation(number) for number in range(30_000)]
    resources[25_000]["code"] = "text"
    files = Files(write(tmp_path / "odd.ndjson", resources))
    found = View.load(CODES).table(files, engine="duckdb", limits=Limits(threads=1))["code"].to_pylist()
    assert found == codes(*range(25_000), *range(25_001, 30_000))


@pytest.mark.parametrize("ending", [".gz", ".zst"])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_packed_file_that_is_cut_short_is_an_error(tmp_path, ending, engine):
    whole = write(tmp_path / f"whole.ndjson{ending}", map(observation, range(5000))).read_bytes()
    cut = tmp_path / f"cut.ndjson{ending}"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableInput):
        View.load(CODES).table(Files(cut), engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["a[1]", "b*", "c?", "d'e", "f %20é", "{g,h}", "i\\j"])
def test_a_file_is_read_whatever_its_name_and_no_other_that_the_name_could_mean(tmp_path, engine, name):
    for number, other in enumerate(("a1", "bb", "cc", "g", name)):
        write(tmp_path / f"{other}.ndjson", [observation(number)])
    found = View.load(CODES).table(Files(tmp_path / f"{name}.ndjson"), engine=engine)
    assert found["code"].to_pylist() == codes(4)


def test_many_threads_run_views_at_once(tmp_path, make_lake):
    resources = [observation(number) for number in range(300)]
    view, lake = View.load(CODES), make_lake(resources)
    files = Files(write(tmp_path / "a.ndjson", resources))
    runs = [(files, "duckdb"), (lake, "duckdb"), (lake, "arrow"), (files, "python")] * 6
    with ThreadPoolExecutor(8) as threads:
        tables = list(threads.map(lambda run: view.table(run[0], engine=run[1]), runs))
    assert all(table["code"].to_pylist() == codes(*range(300)) for table in tables)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_empty_file_gives_no_rows(tmp_path, engine):
    view = View.load(CODES)
    table = view.table(Files(write(tmp_path / "empty.ndjson", [])), engine=engine)
    assert (table.num_rows, table.schema) == (0, view.schema)


def test_files_that_are_not_there_or_of_no_known_kind_are_named(tmp_path):
    for wrong in (tmp_path / "none.ndjson", str(tmp_path / "*.ndjson"), []):
        with pytest.raises(NotFound):
            Files(wrong)
    with pytest.raises(UnreadableInput, match=r"notes\.txt"):
        Files(write(tmp_path / "notes.txt", []))
    with pytest.raises(UnreadableInput, match="others"):
        Files([write(tmp_path / "a.ndjson", []), write(tmp_path / "b.parquet", [])])


@pytest.mark.parametrize("engine", ENGINES)
def test_the_columns_of_a_lake_are_read_where_they_lie(make_lake, engine):
    lake = make_lake([observation(1), observation(2)])
    view, files = View.load(CODES), Files(lake.columns("Observation").files)
    assert view.table(files, engine=engine).equals(view.table(lake, origin=[]))


@pytest.mark.parametrize("engine", ENGINES)
def test_parquet_of_another_kind_is_refused(make_lake, tmp_path, engine):
    lake = make_lake([{"resourceType": "Patient", "id": "1"}])
    if engine == "duckdb":
        with pytest.raises(UnreadableInput, match="columns"):
            View.load(CODES).table(Files(lake.columns("Patient").files), engine=engine)
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(b"PAR1 nothing")
    with pytest.raises(UnreadableInput, match=r"damaged\.parquet"):
        View.load(CODES).table(Files(damaged), engine=engine)


def test_files_know_nothing_of_patients_or_origins(tmp_path):
    view, files = View.load(CODES), Files(write(tmp_path / "a.ndjson", [observation(1)]))
    with pytest.raises(NotFound, match="whom"):
        view.table(files, ["Patient/1"])
    with pytest.raises(NotFound, match="whom"):
        view.table(files, origin=["_seq"])


# --- batches and engines ----------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_batches_are_the_table_in_parts(tmp_path, make_lake, engine, monkeypatch):
    monkeypatch.setattr("vesalius.views._duckdb.BATCH_ROWS", 3000)
    resources = [observation(number) for number in range(5000)]
    view, files, lake = View.load(CODES), Files(write(tmp_path / "a.ndjson", resources)), make_lake(resources)
    for source in (files, lake):
        reader = view.batches(source, engine=engine)
        found = list(reader)
        assert len(found) > 1
        assert pa.Table.from_batches(found, reader.schema).equals(view.table(source, engine=engine))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_fault_comes_with_the_batch_that_meets_it(tmp_path, engine):
    reader = View.load(CODES).batches(Files(write(tmp_path / "a.ndjson", ["{"])), engine=engine)
    with pytest.raises(UnreadableInput, match="line 1"):
        reader.read_all()


def test_a_view_that_does_not_compile_runs_in_python_unless_duckdb_is_asked_for(tmp_path):
    view = View.load(
        {
            "resource": "Observation",
            "select": [{"column": [{"name": "letters", "path": "status.toChars().count()"}]}],
        }
    )
    files = Files(write(tmp_path / "a.ndjson", [observation(1)]))
    assert view.table(files)["letters"].to_pylist() == [5]
    with pytest.raises(InvalidView, match="toChars"):
        view.table(files, engine="duckdb")


def test_an_engine_that_is_not_there_is_named(tmp_path):
    files = Files(write(tmp_path / "a.ndjson", [observation(1)]))
    for act in (View.load(CODES).table, View.load(CODES).batches, View.load(CODES).explain):
        with pytest.raises(NotFound, match="oracle"):
            act(files, engine="oracle")


def test_only_the_elements_that_the_view_uses_are_read(tmp_path):
    files = Files(write(tmp_path / "a.ndjson", [observation(1)]))
    text = View.load(CODES).explain(files)
    assert "'code': 'STRUCT(\"coding\" STRUCT(\"code\" VARCHAR)[])'" in text
    assert "display" not in text


def test_a_run_keeps_to_its_limits_and_tells_how_far_it_is(tmp_path):
    files = Files(write(tmp_path / "a.ndjson", map(observation, range(2000))))
    told = []
    limits = Limits(threads=1, memory=200 * 2**20)
    assert View.load(CODES).table(files, limits=limits, progress=told.append).num_rows == 4000
    assert told[-1] == 1.0
    assert told == sorted(told)


def test_the_columns_of_the_origin_are_those_asked_for_in_their_order(make_lake):
    view, lake = View.load(CODES), make_lake([observation(1)])
    for engine in ENGINES:
        table = view.table(lake, origin=["_seq", "_reference"], engine=engine)
        assert table.column_names[-2:] == ["_reference", "_seq"]
        assert table["_reference"].to_pylist() == ["Observation/1/_history/1"] * 2
        with pytest.raises(NotFound, match="_author"):
            view.table(lake, origin=["_author"], engine=engine)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31 - 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["coding", "code"]), inner),
    max_leaves=6,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(JSON.map(lambda code: observation(1, code=code)), JSON), max_size=4))
@example([observation(1, code=[[False], {"coding": "\x1f\x80\x80", "code": "0\x1f\x80\x80"}])])
def test_whatever_the_lines_hold_a_run_gives_rows_or_a_clear_error(tmp_path, lines):
    files = Files(write(tmp_path / "any.ndjson", [json.dumps(line) for line in lines]))
    view = View.load(CODES)
    if any(not isinstance(line, dict) or "resourceType" not in line for line in lines):
        with pytest.raises(UnreadableInput, match=r"any\.ndjson, line"):
            view.table(files, engine="duckdb")
    else:
        assert view.table(files, engine="duckdb").schema == view.schema
