"""The log keeps every version, and answers what was known when."""

import json
import multiprocessing
import sqlite3

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lake_records import at, observation

from vesalius.errors import NotAllowed, NotFound, Unavailable
from vesalius.lake import Arrival, Lake, Version, Written
from vesalius.lake._log import resource_version
from vesalius.store import open_store, reading, writing


def values(versions):
    return [version.resource["valueQuantity"]["value"] for version in versions]


def test_what_was_written_is_read_back_byte_for_byte(lake):
    body = '{ "resourceType":"Patient", "id" : "p1",\n "birthDate":"1950", "été": [1.00, 1e2] }'.encode()
    arrival = Arrival(body, "Patient", "p1", "Patient/p1", None, "digest")
    assert lake.write([arrival], "a.ndjson", at(1)) == Written(1, 0)
    found = lake.read("Patient/p1")
    assert found.body == body
    assert found == Version("Patient", "p1", 1, 1, at(1), at(1), "a.ndjson", "Patient/p1", body)
    assert found.reference == "Patient/p1/_history/1"


def test_unknown_fields_and_the_digits_of_decimals_survive(lake):
    lake.write([Arrival.of(b'{"resourceType":"Observation","id":"o","x":{"y":[1.50]}}')], "a", at(0))
    assert str(lake.read("Observation/o").resource["x"]["y"][0]) == "1.50"


def test_writing_the_same_again_adds_nothing(lake):
    arrivals = [observation("o1", 1, 0), observation("o2", 2), observation("o1", 3, 1)]
    assert lake.write(arrivals, "a", at(5)) == Written(3, 0)
    assert lake.write(arrivals, "b", at(9)) == Written(0, 3)
    assert lake.position() == 3


def test_another_layout_of_the_same_content_adds_nothing(lake):
    one = observation(issued=1)
    other = Arrival.of(json.dumps(json.loads(one.body), indent=4, sort_keys=True).encode())
    assert lake.write([one, other], "a", at(2)) == Written(1, 1)


def test_an_undated_resource_can_go_back_to_what_it_was(lake):
    for hour, value in enumerate([1, 2, 1, 1]):
        lake.write([observation(value=value)], "a", at(hour))
    assert values(lake.history("Observation/o1")) == [1, 2, 1]
    assert lake.read("Observation/o1", at(1)).version == 2
    assert lake.read("Observation/o1").version == 3


def test_an_undated_resource_can_go_back_within_one_transaction_and_the_last_is_in_force(lake):
    assert lake.write([observation(value=value) for value in (1, 2, 1, 1)], "a", at(0)) == Written(3, 1)
    assert values(lake.history("Observation/o1")) == [1, 2, 1]
    assert lake.read("Observation/o1").version == 3


def test_the_same_content_recorded_later_is_a_version_of_its_own(lake):
    one = observation()
    dated = [Arrival(one.body, one.type, one.id, one.subject, at(hour), one.digest) for hour in (1, 2, 1)]
    assert lake.write(dated, "a", at(3)) == Written(2, 1)


def test_what_arrives_late_is_known_from_when_it_was_recorded(lake):
    lake.write([observation(value="second", issued=2)], "a", at(3))
    lake.write([observation(value="first", issued=1)], "a", at(4))
    assert values(lake.history("Observation/o1")) == ["second", "first"]
    assert lake.read("Observation/o1", at(0.5)) is None
    assert values([lake.read("Observation/o1", at(1)), lake.read("Observation/o1")]) == ["first", "second"]


def test_of_two_versions_of_one_moment_the_last_to_arrive_counts(lake):
    lake.write([observation(value=value, issued=1) for value in (1, 2)], "a", at(3))
    assert values(lake.resources("Observation")) == [2]


def test_a_version_is_read_by_its_number_only_once_it_was_known(lake):
    lake.write([observation(value=1, issued=1), observation(value=2, issued=2)], "a", at(3))
    assert lake.read("Observation/o1/_history/2").version == 2
    assert lake.read("Observation/o1/_history/2", as_of=at(1)) is None
    assert lake.read("Observation/o1/_history/3") is None


@pytest.mark.parametrize("reference", ["", "Patient", "Patient/", "Patient/1/_history/x", "a/b/c/d", "/1"])
def test_a_malformed_reference_is_not_found(sqlite_lake, reference):
    with pytest.raises(NotFound, match="Type/ID"):
        sqlite_lake.read(reference)


def test_a_patient_is_what_is_in_force_about_them_and_nothing_of_others(lake):
    other = observation("c", 3, 1, patient="p2")
    lake.write([observation("a", 1, 2), observation("b", 2, 1), other], "x", at(3))
    assert values(lake.patient("Patient/p1")) == [2, 1]
    assert values(lake.patient("Patient/p1", as_of=at(1))) == [2]
    assert lake.patient("Patient/p1", types=["Condition"]) == []


def test_a_resource_moved_to_another_patient_leaves_the_first(lake):
    lake.write([observation("a", 1, 1, patient="p1"), observation("a", 1, 2, patient="p2")], "x", at(3))
    assert [len(lake.patient(f"Patient/{who}")) for who in ("p1", "p2")] == [0, 1]
    assert [len(lake.patient(f"Patient/{who}", at(1))) for who in ("p1", "p2")] == [1, 0]


def test_many_patients_give_every_version_in_order_of_arrival(lake):
    other = observation("b", 2, 1, patient="p2")
    lake.write([observation("a", 1, 5), other, observation("a", 3, 2)], "x", at(6))
    everyone = ["Patient/p2", "Patient/p1", "Patient/p1"]
    assert values(lake.patients(everyone)) == [1, 2, 3]
    assert values(lake.patients(["Patient/p1"], ["Observation"])) == [1, 3]
    assert lake.patients(everyone, ["Patient"]) == lake.patients([]) == []


def test_who_became_due_is_asked_by_what_was_recorded_since(lake):
    lake.write([observation(f"o{hour}", hour, hour) for hour in range(6)], "x", at(9))
    assert values(lake.resources("Observation", as_of=at(4), since=at(2))) == [3, 4]


def test_reading_many_pages_skips_and_repeats_nothing(sqlite_lake):
    arrivals = [observation(f"o{n}", n, n % 3) for n in range(4_500)]
    sqlite_lake.write(arrivals, "x", at(9))
    assert sorted(values(sqlite_lake.resources("Observation"))) == list(range(4_500))
    assert values(sqlite_lake.versions("Observation")) == list(range(4_500))


def test_what_is_written_while_reading_is_not_seen(lake):
    lake.write([observation("a")], "x", at(1))
    reader = lake.resources("Observation")
    first = next(reader)
    lake.write([observation("b")], "x", at(2))
    assert [first.id, *(version.id for version in reader)] == ["a"]


def test_counts_are_of_resources_and_versions(lake):
    lake.write([observation("a", 1, 1), observation("a", 2, 2), observation("b", 3)], "x", at(3))
    lake.write([Arrival.of(b'{"resourceType":"Patient","id":"p1"}')], "x", at(3))
    assert lake.count() == {
        "Observation": {"resources": 2, "versions": 3},
        "Patient": {"resources": 1, "versions": 1},
    }
    assert lake.pinned(1).count() == {"Observation": {"resources": 1, "versions": 1}}


def test_a_pinned_lake_never_sees_what_came_later(lake):
    lake.write([observation("a", 1, 1)], "x", at(2))
    pinned = lake.pinned()
    lake.write([observation("a", 2, 0.5), observation("a", 3, 2), observation("b", 4, 1)], "x", at(3))
    assert pinned.position() == 1
    assert values([pinned.read("Observation/a")]) == [1]
    assert values(pinned.resources("Observation")) == values(pinned.versions("Observation")) == [1]
    assert values(pinned.patient("Patient/p1")) == values(pinned.patients(["Patient/p1"])) == [1]
    assert values(pinned.history("Observation/a")) == [1]
    assert values(lake.pinned(2).history("Observation/a")) == [1, 2]


def test_a_pinned_lake_is_for_reading_and_cannot_look_ahead(lake):
    lake.write([observation("a")], "x", at(1))
    with pytest.raises(NotAllowed):
        lake.pinned().write([observation("b")], "x", at(1))
    with pytest.raises(NotFound, match="ends at 1"):
        lake.pinned(2)
    with pytest.raises(NotFound):
        lake.pinned(0).pinned(1)


def test_a_joined_transaction_that_fails_leaves_nothing(lake):
    def fail():
        with writing(lake.engine) as connection:
            lake.write([observation("a")], "x", at(1), connection)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert lake.position() == 0
    with writing(lake.engine) as connection:
        lake.write([observation("a")], "x", at(1), connection)
        lake.write([observation("a"), observation("b")], "x", at(2), connection)
    assert [version.seq for version in lake.versions("Observation")] == [1, 2]


def test_a_moment_without_time_zone_is_refused(sqlite_lake):
    with pytest.raises(ValueError, match="time zone"):
        sqlite_lake.write([observation("a")], "x", at(1).replace(tzinfo=None))


# One resource each: its id, its value, when it was recorded (None: not dated), when it is written.
STEP = st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.none() | st.integers(0, 4), st.booleans())
STEPS = st.lists(STEP, max_size=12)


def in_force(rows, as_of, pin):
    """The as-of rule, in plain Python: rows of (seq, id, value, recorded)."""
    known = [row for row in rows if row[0] <= pin and row[3] <= as_of]
    return {row[1]: row for row in sorted(known, key=lambda row: (row[3], row[0]))}


def expected_rows(steps):
    rows, hour = [], 0
    for id_, value, issued, again in steps:
        hour += again
        recorded = 10 + hour if issued is None else issued
        mine = [row for row in rows if row[1] == id_]
        newest = in_force(mine, 99, 99).get(id_)
        # the digest of a dated one covers its date
        same = issued is not None and any(row[2:] == (value, recorded, issued) for row in mine)
        if same or (issued is None and newest and newest[2] == value and newest[4] is None):
            continue
        rows.append((len(rows) + 1, id_, value, recorded, issued))
    return rows


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, as_of=st.integers(0, 24), pin=st.integers(0, 12))
def test_the_as_of_rule_equals_a_plain_model(lake, steps, as_of, pin):
    with writing(lake.engine) as connection:
        connection.execute(sa.delete(resource_version))
    hour = 0
    for id_, value, issued, again in steps:
        hour += again
        lake.write([observation(id_, value, issued)], "x", at(10 + hour))
    rows = [(row[0], row[1], row[2], at(row[3]), row[4]) for row in expected_rows(steps)]
    seen = lake.pinned(min(pin, lake.position()))
    expected = {id_: row[0] for id_, row in in_force(rows, at(as_of), pin).items()}
    everything = [
        (each.seq, each.id, *values([each]), each.recorded_at) for each in lake.versions("Observation")
    ]
    assert everything == [row[:4] for row in rows]
    assert {each.id: each.seq for each in seen.resources("Observation", at(as_of))} == expected
    assert {each.id: each.seq for each in seen.patient("Patient/p1", at(as_of))} == expected
    found = [seen.read(f"Observation/{id_}", at(as_of)) for id_ in "ab"]
    assert {each.id: each.seq for each in found if each} == expected


def write_many(url, folder, name, start):
    """One of several processes that ingest at the same time."""
    engine = open_store(url)
    start.wait(30)
    for n in range(15):
        shared = observation(f"shared-{n}", n, 1)
        own = [observation(f"{name}-{n}-{m}", m, 1) for m in range(4)]
        Lake(engine, folder).write([shared, *own], name, at(2))
    engine.dispose()


def test_two_processes_that_ingest_at_once_lose_and_double_nothing(lake, database_url, tmp_path):
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Event()
    where = (database_url, tmp_path)
    writers = [spawn.Process(target=write_many, args=(*where, name, start)) for name in ("left", "right")]
    for writer in writers:
        writer.start()
    start.set()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    versions = list(lake.versions("Observation"))
    assert [version.seq for version in versions] == list(range(1, 15 + 2 * 60 + 1))
    assert len({version.id for version in versions}) == len(versions)


def impatient(connection, record):
    """Makes a new connection give up waiting for a lock after 50 ms."""
    sqlite = isinstance(connection, sqlite3.Connection)
    connection.execute("PRAGMA busy_timeout = 50" if sqlite else "SET lock_timeout = 50")


def test_a_position_once_seen_never_gains_rows_before_it(lake):
    """A second writer waits for the first, so that no lower seq can commit after a higher one."""
    with writing(lake.engine) as slow:
        lake.write([observation("slow")], "x", at(1), slow)
        sa.event.listen(lake.engine, "connect", impatient)
        with pytest.raises(Unavailable):
            lake.write([observation("quick")], "x", at(1))
        assert lake.position() == 0
    assert lake.position() == 1


PLANS = [
    ("_LATEST", "ix_resource_version_type_id_recorded_at_seq"),
    ("_PAGE", "ix_resource_version_type_recorded_at_seq"),
    ("_PATIENT", "ix_resource_version_subject_type"),
    ("_SLICE", "ix_resource_version_type_seq"),
]


@pytest.mark.parametrize(("name", "index"), PLANS)
def test_sqlite_walks_the_index_meant_for_the_question(sqlite_lake, name, index):
    from vesalius.lake import _log

    sql = str(getattr(_log, name).compile(sqlite_lake.engine))
    with reading(sqlite_lake.engine) as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", (2**62,) * sql.count("?")).all()
    plan = [row[3] for row in rows if "SEARCH" in row[3] or "SCAN" in row[3]]
    assert index in plan[0]
    assert all("ix_resource_version_type_id_recorded_at_seq" in step for step in plan[1:])


def test_the_database_is_durable_at_each_commit(sqlite_lake):
    with reading(sqlite_lake.engine) as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
