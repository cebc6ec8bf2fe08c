"""Searching, counting and exporting without some patients."""

import json

import pytest
from lake_records import at, observation

from vesalius import fhir
from vesalius.lake import Arrival, Wanted, concerns
from vesalius.lake import _search as searching

P1 = frozenset({"Patient/p1"})


def resource(kind, id_, **more):
    return Arrival.of(json.dumps({"resourceType": kind, "id": id_, **more}).encode())


def names(found):
    return [each.id for each in found]


@pytest.fixture
def filled(lake):
    about = [observation(f"o{number}", patient=f"p{number % 3}") for number in range(9)]
    member = [{"entity": {"reference": f"Patient/p{number}"}} for number in (0, 1)]
    shared = [resource("Group", "both", member=member), resource("Group", "one", member=member[:1])]
    lake.write([*about, resource("Organization", "ours"), *shared], "tests", at(0))
    return lake


def test_a_search_and_its_count_leave_them_out_and_fill_every_page(filled):
    wanted = Wanted("Observation", without=P1)
    assert names(filled.search(wanted, 4)) == ["o0", "o2", "o3", "o5"]
    after = filled.search(wanted, 4)[-1].seq
    assert names(filled.search(Wanted("Observation", without=P1, after=after), 4)) == ["o6", "o8"]
    assert filled.how_many(wanted) == 6
    assert filled.how_many(Wanted("Observation", subjects=("Patient/p1", "Patient/p2"), without=P1)) == 3
    assert filled.how_many(Wanted("Observation", subjects=("Patient/p1",), without=P1)) == 0
    assert filled.how_many(Wanted("Organization", without=P1)) == 1


def test_what_names_several_is_searched_by_everybody_it_names(filled):
    wanted = Wanted("Group", without=P1)
    assert names(filled.search(wanted, 9)) == ["one"]
    assert filled.how_many(wanted) == 1


def test_a_resource_counts_for_whom_it_is_about_now(filled):
    filled.write([observation("o0", patient="p1")], "tests", at(1))  # it was p0's
    assert "o0" not in names(filled.search(Wanted("Observation", without=P1), 99))
    filled.write([observation("o1", patient="p0")], "tests", at(1))  # it was p1's
    assert "o1" in names(filled.search(Wanted("Observation", without=P1), 99))
    assert filled.how_many(Wanted("Observation", without=P1)) == 6


def test_whom_something_of_a_type_concerns_is_found_in_any_number_of_pieces(filled, monkeypatch):
    monkeypatch.setattr(searching, "_CHUNK", 2)
    monkeypatch.setattr(searching, "_PAGE", 1)
    everybody = frozenset(f"Patient/p{number}" for number in range(5))
    assert filled.concerned(everybody, ["Observation"]) == {f"Patient/p{number}" for number in range(3)}
    assert filled.concerned(everybody, ["Group"]) == {"Patient/p0", "Patient/p1"}
    assert filled.concerned(everybody, ["Organization"]) == frozenset()
    assert filled.concerned(everybody, ["Group", "Observation"]) >= P1
    assert filled.concerned(frozenset(), ["Observation"]) == frozenset()
    assert filled.how_many(Wanted("Observation", without=everybody)) == 0


def test_an_export_leaves_them_out_of_every_file(filled, tmp_path):
    assert filled.export(tmp_path / "out", without=P1) == {"Group": 1, "Observation": 6, "Organization": 1}
    assert b"Patient/p1" not in b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir())


def test_an_export_of_every_version_leaves_out_what_was_ever_about_them(filled, tmp_path):
    filled.write([observation("o0", patient="p1")], "tests", at(1))
    filled.write([observation("o1", patient="p0")], "tests", at(1))
    written = filled.export(tmp_path / "out", ["Observation"], versions=True, without=P1)
    assert written == {"Observation": 5}, "neither o0 nor o1 in any version, nor what is still about them"


def test_which_types_may_concern_several():
    assert {"Group", "Appointment", "Account", "Device", "Bundle", "Organization"} <= {
        kind for kind in fhir.resource_types() if fhir.shared(kind)
    }
    assert not any(
        map(fhir.shared, ("Patient", "Observation", "Encounter", "Condition", "DocumentReference"))
    )
    assert not concerns("Group", None, b'{"x":"Patient/p11"}', P1)
    assert concerns("Group", None, b'{"x":"Patient/p1/_history/2"}', P1)
    assert not concerns("Patient", "Patient/p1", b"{}", frozenset())
