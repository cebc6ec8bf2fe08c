"""Rows without some patients: on each engine the rows of everybody else, and no other."""

import json
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vesalius.errors import NotFound
from vesalius.lake import Arrival
from vesalius.views import View, output

START = datetime(2024, 5, 1, tzinfo=UTC)
ENGINES = ("duckdb", "python")


def view(resource, *paths):
    columns = [{"name": name, "path": path} for name, path in paths]
    return View.load({"resource": resource, "select": [{"column": [{"name": "id", "path": "id"}, *columns]}]})


VALUES = view("Observation", ("value", "value.ofType(integer)"), ("patient", "subject.reference"))
HOURS = st.integers(0, 4)


def write(lake, resource, hours=0):
    moment = START + timedelta(hours=hours)
    body = resource if isinstance(resource, bytes) else json.dumps(resource).encode()
    lake.write([Arrival.of(body, moment)], "test", moment)


def observation(name, number, patient):
    about = {"subject": {"reference": f"Patient/{patient}"}} if patient else {}
    return {
        "resourceType": "Observation",
        "id": name,
        "status": "final",
        "code": {"text": "x"},
        "valueInteger": number,
        **about,
    }


def rows(lake, of=VALUES, **asked):
    found = output.batches(of, lake, output.Asked(**asked))
    return sorted((row for batch in found for row in batch.to_pylist()), key=lambda row: row["id"])


@pytest.fixture
def moving(make_lake):
    """Resources that were corrected, moved to another patient, to nobody or from nobody, some received late."""
    lake = make_lake([])
    chance = random.Random(7)
    for number in range(40):
        patient = chance.choice([None, "p1", "p2", "p3", "p4"])
        write(lake, observation(chance.choice("abcdefghijklmno"), number, patient), chance.randrange(5))
    return lake


@settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
@given(as_of=st.none() | HOURS, without=st.sets(st.sampled_from(["p1", "p2", "p3", "p4", "p9"])))
def test_the_rows_are_all_rows_less_those_of_who_is_left_out_on_every_engine(moving, as_of, without):
    asked = {"as_of": None if as_of is None else START + timedelta(hours=as_of)}
    refused = frozenset(f"Patient/{each}" for each in without)
    every = rows(moving, engine="python", **asked)
    expected = [row for row in every if row["patient"] not in refused]
    for engine in ENGINES:
        assert rows(moving, engine=engine, without=refused, **asked) == expected


@pytest.mark.parametrize("engine", ENGINES)
def test_with_patients_and_a_moment_both_count(make_lake, engine):
    lake = make_lake([])
    for hour, (name, patient) in enumerate([("a", "p1"), ("b", "p2"), ("c", "p1")]):
        write(lake, observation(name, 1, patient), hour)
    refused = frozenset({"Patient/p1"})
    assert rows(lake, engine=engine, subjects=("Patient/p1",), without=refused) == []
    both = rows(lake, engine=engine, subjects=("Patient/p1", "Patient/p2"), without=refused)
    assert [row["id"] for row in both] == ["b"]
    assert rows(lake, engine=engine, since=START + timedelta(hours=1), without=refused) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_what_concerns_nobody_stays_and_what_names_them_among_others_goes(make_lake, engine):
    """Organisations are nobody's; a group or a device lies in no single patient's file, and can name one."""
    member = [{"entity": {"reference": "Patient/p2"}}, {"entity": {"reference": "Patient/p1"}}]
    lake = make_lake(
        [
            {"resourceType": "Organization", "id": "ours"},
            {"resourceType": "Group", "id": "both", "type": "person", "actual": True, "member": member},
            {"resourceType": "Group", "id": "other", "type": "person", "actual": True, "member": member[:1]},
            {"resourceType": "Device", "id": "spare"},
            {
                "resourceType": "Device",
                "id": "worn",
                "patient": {"reference": "https://x.be/fhir/Patient/p1"},
            },
        ]
    )
    write(lake, rb'{"resourceType":"Device","id":"odd","patient":{"reference":"Patient\/p1"}}')
    asked = {"engine": engine, "without": frozenset({"Patient/p1"})}
    found = {
        kind: [row["id"] for row in rows(lake, view(kind), **asked)]
        for kind in ("Organization", "Group", "Device")
    }
    assert found == {"Organization": ["ours"], "Group": ["other"], "Device": ["spare"]}


def test_who_else_a_resource_about_one_patient_names_does_not_matter(make_lake):
    """The mother who measured does not make her child's temperature hers."""
    measured = observation("a", 1, "child") | {"performer": [{"reference": "Patient/mother"}]}
    lake = make_lake([measured])
    for engine in ENGINES:
        assert len(rows(lake, engine=engine, without=frozenset({"Patient/mother"}))) == 1
        assert rows(lake, engine=engine, without=frozenset({"Patient/child"})) == []


def test_a_limit_counts_the_rows_that_are_left(make_lake):
    lake = make_lake(
        [observation(name, 1, patient) for name, patient in zip("abcd", ["p1", "p2"] * 2, strict=True)]
    )
    for engine in ENGINES:
        found = rows(lake, engine=engine, limit=2, without=frozenset({"Patient/p1"}))
        assert [row["id"] for row in found] == ["b", "d"]


def test_files_do_not_say_whom_they_are_about(make_files):
    with pytest.raises(NotFound):
        rows(make_files([observation("a", 1, "p1")]), without=frozenset({"Patient/p1"}))
