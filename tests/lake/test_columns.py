"""The typed columns hold what the log holds, whatever happened while they were made."""

import json
import multiprocessing
import os
import signal
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lake_records import at, observation

from vesalius import fhir
from vesalius.errors import Conflict, NotFound, UnreadableInput, VesaliusError
from vesalius.lake import Arrival, Lake, is_json, resource_schema
from vesalius.lake import _columns as module
from vesalius.lake import _log as log
from vesalius.lake._convert import typed
from vesalius.store import open_store, reading


def rows(columns, names="*"):
    """What a reader sees, in order of arrival."""
    if not columns.files:
        return []
    query = f"SELECT {names} FROM read_parquet($files) WHERE _seq <= $position ORDER BY _seq"
    with duckdb.connect() as connection:
        found = connection.sql(query, params={"files": list(columns.files), "position": columns.position})
        return found.to_arrow_table().to_pylist()


def seqs(lake, kind="Observation"):
    return [row["_seq"] for row in rows(lake.columns(kind), "_seq")]


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(module, "BATCH_ROWS", 2)


def test_the_columns_hold_every_version_with_its_origin(lake):
    other = observation("b", 3, patient="p2")
    lake.write([observation("a", 1.5, 1), observation("a", 2, 2), other], "x", at(3))
    columns = lake.columns("Observation")
    names = "_id, _version, _recorded_at, _received_at, _subject, valueQuantity.value"
    expected = [
        ("a", 1, at(1), at(3), "Patient/p1", 1.5),
        ("a", 2, at(2), at(3), "Patient/p1", 2.0),
        ("b", 1, at(3), at(3), "Patient/p2", 3.0),
    ]
    assert [tuple(row.values()) for row in rows(columns, names)] == expected
    assert columns.schema == resource_schema("Observation")
    assert [row["_body"].encode() for row in rows(columns)] == [v.body for v in lake.versions("Observation")]


def test_a_type_that_the_lake_does_not_hold_has_no_files(sqlite_lake):
    assert sqlite_lake.columns("Condition").files == ()
    with pytest.raises(NotFound):
        sqlite_lake.columns("Nonsense")


def test_columns_follow_the_log_and_a_pinned_lake_stays_behind(lake):
    lake.write([observation("a")], "x", at(1))
    pinned = lake.pinned()
    assert seqs(lake) == seqs(pinned) == [1]
    lake.write([observation("b")], "x", at(2))
    assert (seqs(pinned), seqs(lake), seqs(pinned)) == ([1], [1, 2], [1])


def test_reading_again_writes_nothing(sqlite_lake):
    sqlite_lake.write([observation("a")], "x", at(1))
    files = sqlite_lake.columns("Observation").files
    assert sqlite_lake.columns("Observation").files == files
    assert Lake(sqlite_lake.engine, sqlite_lake._columns._folder).columns("Observation").files == files


def test_a_folder_with_spaces_and_accents_is_read(tmp_path):
    engine = open_store(f"sqlite:///{tmp_path / 'x.sqlite'}")
    lake = Lake(engine, tmp_path / "hôpital n° 1 #?'" / "columns")
    lake.write([observation("a")], "x", at(1))
    assert seqs(lake) == [1]
    engine.dispose()


def test_rebuilt_and_incremental_columns_are_equal(sqlite_lake, small_batches):
    for n in range(7):
        sqlite_lake.write([observation(f"o{n}", n, n % 3), observation("same", n)], "x", at(n))
        sqlite_lake.refresh_columns()
    before = rows(sqlite_lake.columns("Observation"))
    sqlite_lake.rebuild_columns()
    assert rows(sqlite_lake.columns("Observation")) == before
    assert [row["_seq"] for row in before] == list(range(1, 15))


def test_many_small_files_are_made_into_few(sqlite_lake, small_batches, monkeypatch):
    monkeypatch.setattr(module, "MANY_FILES", 3)
    sqlite_lake.write([observation(f"o{n}") for n in range(12)], "x", at(1))
    assert len(sqlite_lake.columns("Observation").files) == 1
    assert seqs(sqlite_lake) == list(range(1, 13))
    sqlite_lake.write([observation("later")], "x", at(2))
    assert seqs(sqlite_lake) == list(range(1, 14))


def die_after_commits(url, folder, commits):
    """A process that is killed between two commits of the columns."""
    module.BATCH_ROWS = 2
    commit, done = module.Columns._commit, []

    def commit_then_die(self, type_, rows, seq, **how):
        if len(done) == commits:
            os.kill(os.getpid(), signal.SIGKILL)
        commit(self, type_, rows, seq, **how)
        done.append(seq)

    module.Columns._commit = commit_then_die
    Lake(open_store(url), folder).refresh_columns()


@pytest.mark.parametrize("commits", [0, 1, 3])
def test_a_process_killed_while_it_makes_columns_loses_and_doubles_nothing(sqlite_lake, tmp_path, commits):
    sqlite_lake.write([observation(f"o{n}") for n in range(9)], "x", at(1))
    url = sqlite_lake.engine.url.render_as_string()
    where = (url, tmp_path / "columns", commits)
    process = multiprocessing.get_context("spawn").Process(target=die_after_commits, args=where)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert seqs(sqlite_lake) == list(range(1, 10))


def test_a_file_written_but_not_committed_is_not_read(sqlite_lake, tmp_path):
    sqlite_lake.write([observation("a")], "x", at(1))
    (whole,) = sqlite_lake.columns("Observation").files
    orphan = tmp_path / "columns" / "Observation" / "part-0-orphan.parquet"
    orphan.write_bytes(Path(whole).read_bytes()[:100])
    assert seqs(sqlite_lake) == [1]


def refresh(url, folder):
    """One of several processes that refresh the same columns."""
    module.BATCH_ROWS = 3
    Lake(open_store(url), folder).refresh_columns()


def test_processes_that_refresh_at_once_take_each_row_once(sqlite_lake, tmp_path):
    sqlite_lake.write([observation(f"o{n}") for n in range(20)], "x", at(1))
    where = (sqlite_lake.engine.url.render_as_string(), tmp_path / "columns")
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=refresh, args=where) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert seqs(sqlite_lake) == list(range(1, 21))


def break_nothing_readable(folder):
    for path in (folder / "_delta_log").iterdir():
        path.write_text("{}")


def break_file_missing(folder):
    next(folder.glob("*.parquet")).unlink()


def break_other_schema(folder):
    from deltalake import CommitProperties, Transaction, write_deltalake

    taken = [Transaction("vesalius-log:another", 9)]
    properties = CommitProperties(app_transactions=taken)
    write_deltalake(folder, pa.table({"_seq": [9]}), commit_properties=properties)


def break_file_truncated(folder):
    path = next(folder.glob("*.parquet"))
    path.write_bytes(path.read_bytes()[:100])


@pytest.mark.parametrize("damage", [break_nothing_readable, break_file_missing, break_file_truncated])
def test_damaged_columns_are_made_again(sqlite_lake, tmp_path, damage):
    sqlite_lake.write([observation("a"), observation("b")], "x", at(1))
    sqlite_lake.refresh_columns()
    damage(tmp_path / "columns" / "Observation")
    assert seqs(Lake(sqlite_lake.engine, tmp_path / "columns")) == [1, 2]


def test_columns_of_another_schema_are_made_again(sqlite_lake, tmp_path):
    sqlite_lake.write([observation("a"), observation("b")], "x", at(1))
    break_other_schema(tmp_path / "columns" / "Observation")
    assert seqs(sqlite_lake) == [1, 2]


@pytest.mark.parametrize("others", [1, 2, 5])
def test_columns_of_another_log_are_made_again(tmp_path, others):
    for name, count in (("one", 2), ("other", others)):
        engine = open_store(f"sqlite:///{tmp_path / name}.sqlite")
        lake = Lake(engine, tmp_path / "columns")
        lake.write([observation(f"{name}{n}") for n in range(count)], "x", at(1))
        lake.refresh_columns()
        engine.dispose()
    assert [row["_id"] for row in rows(lake.columns("Observation"))] == [f"other{n}" for n in range(others)]


def test_a_rebuild_by_a_pinned_lake_does_not_take_anything_from_the_others(sqlite_lake):
    sqlite_lake.write([observation("a")], "x", at(1))
    pinned = sqlite_lake.pinned()
    sqlite_lake.write([observation("b")], "x", at(2))
    assert seqs(sqlite_lake) == [1, 2]
    pinned.rebuild_columns()
    assert (seqs(sqlite_lake), seqs(pinned)) == ([1, 2], [1])


def test_a_rebuild_is_one_step_for_those_who_read(sqlite_lake, small_batches, tmp_path):
    from deltalake import DeltaTable

    sqlite_lake.write([observation(f"o{n}") for n in range(9)], "x", at(1))
    sqlite_lake.refresh_columns()
    old = sqlite_lake.columns("Observation")
    before = DeltaTable(tmp_path / "columns" / "Observation").version()
    sqlite_lake.rebuild_columns()
    assert DeltaTable(tmp_path / "columns" / "Observation").version() == before + 1
    assert len(rows(old)) == 9


def test_a_rebuild_removes_columns_that_the_log_does_not_hold(sqlite_lake, tmp_path):
    sqlite_lake.write([observation("a")], "x", at(1))
    sqlite_lake.refresh_columns()
    with sqlite_lake.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM resource_version"))
    sqlite_lake.rebuild_columns()
    assert [path.name for path in (tmp_path / "columns").iterdir()] == [".Observation.lock"]


def test_a_delta_failure_is_a_conflict(sqlite_lake, monkeypatch):
    import deltalake
    from deltalake.exceptions import CommitFailedError

    def fail(*args, **kwargs):
        raise CommitFailedError("Concurrent transaction failed")

    monkeypatch.setattr(deltalake, "write_deltalake", fail)
    sqlite_lake.write([observation("a")], "x", at(1))
    with pytest.raises(Conflict, match="Observation"):
        sqlite_lake.columns("Observation")


def test_what_is_not_json_is_named_without_its_content(sqlite_lake):
    sqlite_lake.write([Arrival(b"secret name", "Patient", "p1", None, None, "d")], "x", at(1))
    with pytest.raises(UnreadableInput) as caught:
        sqlite_lake.columns("Patient")
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_rebuild_that_meets_what_is_not_json_leaves_the_columns_as_they_were(sqlite_lake):
    sqlite_lake.write([observation("a")], "x", at(1))
    assert seqs(sqlite_lake) == [1]
    sqlite_lake.write([Arrival(b"secret name", "Observation", "b", None, None, "d")], "x", at(1))
    with pytest.raises(VesaliusError) as caught:
        sqlite_lake.rebuild_columns()
    assert "secret" not in str(caught.value)
    assert seqs(sqlite_lake.pinned(1)) == [1]


# The conversion equals a plain reading of the JSON ---------------------------------------------------------


def plain(value, field):
    """What a field should hold of a decoded JSON value: the specification of the conversion."""
    if value is None:
        return None
    if is_json(field):
        return value
    if pa.types.is_list(field.type):
        return [plain(item, field.type.value_field) for item in value]
    if pa.types.is_struct(field.type):
        children = [field.type.field(n) for n in range(field.type.num_fields)]
        return {child.name: plain(value.get(child.name), child) for child in children}
    return float(value) if pa.types.is_floating(field.type) else value


def opened(value, field):
    """A value of a column with its JSON text decoded."""
    if value is None or not (is_json(field) or pa.types.is_nested(field.type)):
        return value
    if is_json(field):
        return json.loads(value)
    if pa.types.is_list(field.type):
        return [opened(item, field.type.value_field) for item in value]
    children = [field.type.field(n) for n in range(field.type.num_fields)]
    return {child.name: opened(value[child.name], child) for child in children}


def assert_columns_equal_json(kind, bodies):
    arrivals = [Arrival(body, kind, str(n), None, at(0), str(n)) for n, body in enumerate(bodies)]
    engine = open_store("sqlite://")
    lake = Lake(engine, None)
    lake.write(arrivals, "x", at(0))
    with reading(engine) as connection:
        table = typed(kind, log.stored(connection, kind, 0, log.END, len(bodies)))
    engine.dispose()
    for body, row in zip(bodies, table.to_pylist(), strict=True):
        resource = json.loads(body)
        for field in resource_schema(kind):
            if not field.name.startswith("_"):
                assert opened(row[field.name], field) == plain(resource.get(field.name), field), field.name


QUANTITY = {"value": st.floats(allow_nan=False, allow_infinity=False), "unit": st.text(max_size=5)}
CODING = st.fixed_dictionaries({}, optional={"system": st.text(max_size=9), "userSelected": st.booleans()})
CONCEPT = st.fixed_dictionaries({}, optional={"coding": st.lists(CODING, max_size=2), "text": st.text()})
EXTENSION = st.lists(
    st.fixed_dictionaries({"url": st.text(), "valueInteger": st.integers(-9, 9)}), max_size=2
)
OBSERVATION = st.fixed_dictionaries(
    {"resourceType": st.just("Observation")},
    optional={
        "code": CONCEPT,
        "category": st.lists(CONCEPT, max_size=2),
        "extension": EXTENSION,
        "valueQuantity": st.fixed_dictionaries({}, optional=QUANTITY),
        "valueBoolean": st.booleans(),
        "valueInteger": st.integers(-(2**31), 2**31 - 1),
        "component": st.lists(
            st.fixed_dictionaries({"code": CONCEPT}, optional={"extension": EXTENSION}), max_size=2
        ),
        "unknown": CONCEPT,
    },
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(OBSERVATION, min_size=1, max_size=4))
def test_columns_equal_the_json_they_are_made_from(resources):
    assert_columns_equal_json("Observation", [json.dumps(resource).encode() for resource in resources])


@pytest.mark.data
@pytest.mark.parametrize("kind", ["Patient", "Observation", "Encounter", "CarePlan", "ImagingStudy"])
def test_columns_of_real_resources_equal_their_json(shared_data, kind):
    import gzip
    import itertools

    with gzip.open(shared_data / "synthea-r4" / f"{kind}.ndjson.gz") as lines:
        assert_columns_equal_json(kind, [line.rstrip(b"\n") for line in itertools.islice(lines, 200)])


# The schema ------------------------------------------------------------------------------------------------


def test_every_resource_type_has_a_schema_with_all_its_elements():
    for kind in fhir.resource_types():
        names = set(resource_schema(kind).names)
        assert {name for element in fhir.elements(kind) for name in element.names} <= names


def leaf(kind, *path):
    field = resource_schema(kind).field(path[0])
    for name in path[1:]:
        inner = field.type.value_type if pa.types.is_list(field.type) else field.type
        field = inner.field(inner.get_field_index(name))
    return field


@pytest.mark.parametrize(
    ("path", "type_"),
    [
        (("Observation", "valueQuantity", "value"), pa.float64()),
        (("Observation", "effectiveDateTime"), pa.string()),
        (("Patient", "birthDate"), pa.string()),
        (("Patient", "multipleBirthInteger"), pa.int32()),
        (("Patient", "active"), pa.bool_()),
        (("Patient", "name", "given"), pa.list_(pa.string())),
    ],
)
def test_a_primitive_has_the_type_that_loses_nothing_asked_of_it(path, type_):
    assert leaf(*path).type == type_


@pytest.mark.parametrize(
    "path",
    [
        ("Patient", "extension"),
        ("Patient", "contained"),
        ("Observation", "subject", "identifier", "assigner"),
        ("Questionnaire", "item", "item", "item", "item"),
        ("Task", "input", "valueQuantity"),
        ("Bundle", "entry", "resource"),
    ],
)
def test_what_has_no_bounded_form_is_json_text(path):
    assert is_json(leaf(*path))


def test_an_open_choice_keeps_its_primitives_typed():
    assert leaf("Task", "input", "valueDecimal").type == pa.float64()


@settings(max_examples=200)
@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**8), max_value=10**8))
def test_a_decimal_of_up_to_fifteen_digits_survives_as_a_float(value):
    assert Decimal(repr(float(value))) == value
