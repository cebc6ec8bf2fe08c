"""Finding what is in force: by id, patient, receipt, identifier; and holding the log still while deciding."""

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest

from vesalius.errors import Unavailable
from vesalius.lake import Arrival, Lake, Wanted
from vesalius.lake import _identifiers as identifiers
from vesalius.store import writing

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
def lake(engine, tmp_path):
    return Lake(engine, tmp_path / "columns")


def resource(kind="Observation", id_="o1", **more):
    return Arrival.of(json.dumps({"resourceType": kind, "id": id_, **more}).encode())


def about(patient, id_="o1", **more):
    return resource(id_=id_, subject={"reference": f"Patient/{patient}"}, **more)


def ids(found):
    return [version.id for version in found]


def test_what_is_in_force_is_found_by_each_means_in_order_of_arrival(lake):
    lake.write([about("a", "o2"), about("b", "o1"), resource(id_="o3")], "x", NOW)
    lake.write([about("b", "o2", issued="2026-05-03T00:00:00Z")], "x", NOW)  # known earlier: not in force
    lake.write([about("a", "o1")], "x", NOW + timedelta(hours=1))
    assert ids(lake.search(Wanted("Observation"), 9)) == ["o2", "o3", "o1"]
    assert ids(lake.search(Wanted("Observation", subjects=("Patient/a",)), 9)) == ["o2", "o1"]
    assert ids(lake.search(Wanted("Observation", subjects=("Patient/b",)), 9)) == []
    assert ids(lake.search(Wanted("Observation", ids=("o3", "o1")), 9)) == ["o3", "o1"]
    assert ids(lake.search(Wanted("Observation", ids=()), 9)) == []
    assert ids(lake.search(Wanted("Observation", about_patients=True), 9)) == ["o2", "o1"]
    assert ids(lake.search(Wanted("Observation", since=NOW), 9)) == ["o1"]
    assert ids(lake.search(Wanted("Observation", until=NOW + timedelta(minutes=1)), 9)) == ["o2", "o3"]
    assert ids(lake.search(Wanted("Observation", after=3), 9)) == ["o1"]
    assert ids(lake.pinned(3).search(Wanted("Observation"), 9)) == ["o2", "o1", "o3"]
    assert ids(lake.search(Wanted("Observation"), 1)) == ["o2"]
    assert lake.how_many(Wanted("Observation", about_patients=True)) == 2
    assert lake.search(Wanted("Patient"), 9) == []


def test_what_is_known_of_a_resource_is_the_version_in_force(lake, engine):
    late = resource(issued="2026-05-01T00:00:00Z", status="old")
    lake.write([resource(status="new"), late], "x", NOW)
    with writing(engine) as connection:
        known = lake.known([("Observation", "o1"), ("Observation", "none")], connection)
    (one,) = known.values()
    assert (one.versions, one.version, one.recorded_at) == (2, 1, NOW)
    assert one.digest == resource(status="new").digest
    assert len(one.seen) == 2


def test_nobody_writes_between_what_is_known_and_what_is_written(lake, engine):
    order = []

    def other():
        lake.write([resource(status="theirs")], "x", NOW)
        order.append("theirs")

    with writing(engine) as connection:
        assert lake.known([("Observation", "o1")], connection) == {}
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(0.3)
        lake.write([resource(status="ours")], "x", NOW, connection)
        order.append("ours")
    thread.join()
    assert order == ["ours", "theirs"]
    assert [version.resource["status"] for version in lake.history("Observation/o1")] == ["ours", "theirs"]


def patient(id_, *values, system="urn:x"):
    return resource("Patient", id_, identifier=[{"system": system, "value": each} for each in values])


def test_an_identifier_finds_those_who_have_it_now(lake):
    lake.write([patient("p1", "A", "B"), patient("p2", "A", system="urn:y"), patient("p3", "C")], "x", NOW)
    assert ids(lake.identified("Patient", "A")) == ["p1", "p2"]
    assert ids(lake.identified("Patient", "A", "urn:y")) == ["p2"]
    assert ids(lake.identified("Patient", "A", "")) == []
    assert ids(lake.identified("Organization", "A")) == []
    lake.write([patient("p1", "B")], "x", NOW + timedelta(hours=1))
    assert ids(lake.identified("Patient", "A")) == ["p2"]
    assert ids(lake.identified("Patient", "B")) == ["p1"]


def test_long_identifiers_single_ones_and_odd_bodies_do_no_harm(lake):
    long = "x" * 500
    lake.write([patient("p1", long + "1"), patient("p2", long + "2"), patient("p3", "")], "x", NOW)
    document = resource("Bundle", "b", identifier={"system": "urn:x", "value": "D"})
    lake.write(
        [document, resource("Basic", "c", identifier="odd"), resource("Basic", "d", identifier=[3])], "x", NOW
    )
    assert ids(lake.identified("Patient", long + "2")) == ["p2"]
    assert ids(lake.identified("Bundle", "D", "urn:x")) == ["b"]


def test_the_index_follows_the_log_in_steps_and_says_when_it_is_far_behind(lake, monkeypatch):
    monkeypatch.setattr(identifiers, "_BATCH", 10)
    lake.write([patient(f"p{number}", "A") for number in range(95)], "x", NOW)
    with monkeypatch.context() as slow:
        slow.setattr(identifiers, "SECONDS", -1.0)
        with pytest.raises(Unavailable):
            lake.identified("Patient", "A")
    assert len(lake.identified("Patient", "A")) == 95
    lake.write([patient("new", "A")], "x", NOW)
    assert len(lake.identified("Patient", "A")) == 96


def test_many_who_ask_at_once_make_one_index(lake, engine, monkeypatch):
    monkeypatch.setattr(identifiers, "_BATCH", 20)
    lake.write([patient(f"p{number}", "A") for number in range(200)], "x", NOW)
    counts = []
    threads = [
        threading.Thread(target=lambda: counts.append(len(lake.identified("Patient", "A")))) for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [200] * 5


def test_within_a_transaction_what_it_wrote_itself_is_found(lake, engine):
    with writing(engine) as connection:
        lake.known([], connection)
        assert lake.identified("Patient", "A", connection=connection) == []
        lake.write([patient("p1", "A")], "x", NOW, connection)
        assert ids(lake.identified("Patient", "A", connection=connection)) == ["p1"]
