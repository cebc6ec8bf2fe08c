"""Rows as they leave: those in force at a moment, the same on each engine and in each format, written whole or not."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vesalius.errors import InvalidView, NotFound, Unavailable
from vesalius.lake import Arrival
from vesalius.views import Files, View, output
from vesalius.views._force import Force

START = datetime(2024, 5, 1, tzinfo=UTC)
VIEW = View.load(
    {
        "resource": "Observation",
        "where": [{"path": "status = 'final'"}],
        "select": [
            {
                "column": [
                    {"name": "id", "path": "id"},
                    {"name": "value", "path": "value.ofType(Quantity).value"},
                    {"name": "words", "path": "note.text", "collection": True},
                    {"name": "text", "path": "code.text"},
                ]
            }
        ],
    }
)


def observation(name, value, patient="p1", status="final", **more):
    return {
        "resourceType": "Observation",
        "id": name,
        "status": status,
        "code": {"text": 'a, "b"\nc'},
        "subject": {"reference": f"Patient/{patient}"},
        "valueQuantity": {"value": value},
        **more,
    }


def write(lake, resource, hours):
    moment = START + timedelta(hours=hours)
    lake.write([Arrival.of(json.dumps(resource).encode(), moment)], "test", moment)


@pytest.fixture
def lake(make_lake):
    """One corrected, one withdrawn, one moved to another patient, one that arrived late, one as it was."""
    lake = make_lake([])
    write(lake, observation("corrected", 1), 1)
    write(lake, observation("corrected", 2), 2)
    write(lake, observation("withdrawn", 3), 1)
    write(lake, observation("withdrawn", 3, status="entered-in-error"), 3)
    write(lake, observation("moved", 4), 1)
    write(lake, observation("moved", 4, patient="p2"), 4)
    write(lake, observation("late", 6), 6)
    write(lake, observation("late", 5), 5)
    write(lake, observation("plain", 7, note=[{"text": "x"}, {"text": "y"}]), 1)
    return lake


def rows(source, view=VIEW, **asked):
    found = output.batches(view, source, output.Asked(**asked))
    return sorted((row for batch in found for row in batch.to_pylist()), key=lambda row: row["id"])


def values(source, **asked):
    return {row["id"]: row["value"] for row in rows(source, **asked)}


@pytest.mark.parametrize("engine", ["auto", "duckdb", "python"])
def test_each_resource_comes_once_as_it_is_in_force(lake, engine):
    assert values(lake, engine=engine) == {"corrected": 2, "moved": 4, "late": 6, "plain": 7}


@pytest.mark.parametrize("engine", ["auto", "duckdb", "python"])
def test_what_was_known_at_a_moment_is_what_was_in_force_then(lake, engine):
    then = START + timedelta(hours=1)
    assert values(lake, engine=engine, as_of=then) == {"corrected": 1, "withdrawn": 3, "moved": 4, "plain": 7}
    assert values(lake, engine=engine, as_of=START) == {}


@pytest.mark.parametrize("engine", ["auto", "duckdb", "python"])
def test_patients_and_a_moment_narrow_it(lake, engine):
    assert set(values(lake, engine=engine, subjects=("Patient/p2",))) == {"moved"}
    assert set(values(lake, engine=engine, subjects=("Patient/p1", "Patient/p1"))) == {
        "corrected",
        "late",
        "plain",
    }
    assert set(values(lake, engine=engine, since=START + timedelta(hours=3))) == {"moved", "late"}


def test_where_nothing_was_corrected_nothing_is_dropped(make_lake):
    lake = make_lake([observation(f"o{at}", at) for at in range(5)])
    force = Force(lake.columns("Observation"))
    assert force.whole
    assert len(rows(lake, engine="duckdb")) == 5
    assert not Force(lake.columns("Observation"), as_of=START).whole
    assert rows(lake, engine="duckdb", as_of=START - timedelta(days=1)) == []
    assert rows(make_lake([]), engine="duckdb") == []


@settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_whatever_was_corrected_when_and_arrived_in_which_order_the_engines_agree(make_lake, data):
    """Some resources, each with some versions at some hours, in any order of arrival, read at some hour."""
    lake = make_lake([])
    hours = st.integers(0, 4)
    made = st.tuples(st.sampled_from("abc"), hours, st.sampled_from(["p1", "p2"]), st.booleans())
    for number, (name, hour, patient, final) in enumerate(data.draw(st.lists(made, max_size=9))):
        write(lake, observation(name, number, patient, "final" if final else "cancelled"), hour)
    as_of = data.draw(st.none() | st.builds(lambda hour: START + timedelta(hours=hour), hours))
    since = data.draw(st.none() | st.builds(lambda hour: START + timedelta(hours=hour), hours))
    subjects = data.draw(st.none() | st.just(("Patient/p1",)))
    asked = {"as_of": as_of, "since": since, "subjects": subjects}
    assert rows(lake, engine="duckdb", **asked) == rows(lake, engine="python", **asked)


@pytest.mark.parametrize("engine", ["duckdb", "python"])
@pytest.mark.parametrize("limit", [1, 3, 4, 99])
def test_a_limit_is_never_passed(lake, engine, limit):
    assert len(rows(lake, engine=engine, limit=limit)) == min(limit, 4)


def test_the_engines_give_the_same_rows_of_a_union_over_many_chunks(make_lake, monkeypatch):
    monkeypatch.setattr(output, "CHUNK", 7)
    lake = make_lake([observation(f"o{at}", at) for at in range(50)])
    assert rows(lake, engine="python") == rows(lake, engine="duckdb")


def test_a_view_that_does_not_compile_goes_by_python_and_not_by_duckdb_when_asked(lake):
    view = View.load(
        {"resource": "Observation", "select": [{"column": [{"name": "id", "path": "id.encode('base64')"}]}]}
    )
    assert view.route.startswith("python")
    assert len(rows(lake, view=view)) == 5
    with pytest.raises(InvalidView):
        rows(lake, view=view, engine="duckdb")


def test_files_give_every_line_and_know_no_moments(tmp_path):
    file = tmp_path / "o.ndjson"
    file.write_text(json.dumps(observation("a", 1)) + "\n" + json.dumps(observation("b", 2)) + "\n")
    assert values(Files([file])) == {"a": 1, "b": 2}
    for asked in ({"as_of": START}, {"since": START}, {"subjects": ("Patient/p1",)}):
        with pytest.raises(NotFound):
            values(Files([file]), **asked)


def encoded(lake, form, **more):
    found = output.batches(VIEW, lake, output.Asked(engine="python"))
    return b"".join(output.encoded(found, VIEW.schema, form, **more))


def test_every_format_says_the_same(lake):
    wanted = rows(lake)
    assert sorted(map(json.loads, encoded(lake, "ndjson").splitlines()), key=lambda r: r["id"]) == wanted
    assert sorted(json.loads(encoded(lake, "json")), key=lambda r: r["id"]) == wanted
    table = pq.read_table(io.BytesIO(encoded(lake, "parquet")))
    assert table.schema.equals(VIEW.schema)
    assert sorted(table.to_pylist(), key=lambda r: r["id"]) == wanted
    read = {row["id"]: row for row in csv.DictReader(io.StringIO(encoded(lake, "csv").decode()))}
    assert {name: float(row["value"]) for name, row in read.items()} == values(lake)
    assert read["plain"]["text"] == 'a, "b"\nc'
    assert json.loads(read["plain"]["words"]) == ["x", "y"]
    assert not encoded(lake, "csv", header=False).startswith(b"id,")


@pytest.mark.parametrize(
    ("form", "expected"), [("csv", b"id,value,words,text\n"), ("ndjson", b""), ("json", b"[]\n")]
)
def test_no_rows_are_still_an_answer(make_lake, form, expected):
    assert encoded(make_lake([]), form) == expected
    assert pq.read_table(io.BytesIO(encoded(make_lake([]), "parquet"))).schema.equals(VIEW.schema)


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    target = tmp_path / "rows.csv"
    assert output.write([b"ab", b"c"], target) == 3
    assert target.read_bytes() == b"abc"
    assert target.stat().st_mode & 0o077 == 0

    def breaking():
        yield b"new"
        raise InvalidView("several values")

    with pytest.raises(InvalidView):
        output.write(breaking(), target)
    assert target.read_bytes() == b"abc"
    assert [each.name for each in tmp_path.iterdir()] == ["rows.csv"]
    with pytest.raises(Unavailable):
        output.write([b""], tmp_path / "no" / "where.csv")


def test_batches_are_counted_as_they_go(lake):
    seen = []
    found = output.counted(output.batches(VIEW, lake), seen.append)
    assert sum(batch.num_rows for batch in found) == seen[-1] == 4


def test_rows_of_resources_at_hand(lake):
    found = list(output.from_resources(VIEW, [observation("a", 1), observation("b", 2)], limit=1))
    assert pa.Table.from_batches(found).to_pylist()[0]["id"] == "a"
