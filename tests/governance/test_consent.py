"""What patients refuse: entries, Consents, who is left out at a moment, and how each step can be taken back."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from vesalius.governance import consent, people
from vesalius.governance.consent import Kind
from vesalius.lake import Arrival, Lake
from vesalius.store import open_store

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def patient(id_):
    return {"resourceType": "Patient", "id": id_}


def refusing(id_, who, *codes, status="active", **more):
    """A Consent that refuses the purposes of these codes; without any, everything."""
    provision = {"type": "deny", "purpose": [{"system": consent.OURS, "code": code} for code in codes]}
    return {
        "resourceType": "Consent", "id": id_, "status": status,
        "scope": {"coding": [{"code": "patient-privacy"}]}, "category": [{"coding": [{"code": "INFA"}]}],
        "patient": {"reference": f"Patient/{who}"}, "provision": provision,
    } | more  # fmt: skip


def receive(lake, *bodies, at=NOW - DAY):
    lake.write([Arrival.of(json.dumps(body).encode(), at) for body in bodies], "tests", NOW)


@pytest.fixture
def engine(database_url):
    opened = open_store(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def lake(engine, tmp_path):
    made = Lake(engine, tmp_path / "columns")
    receive(made, patient("a"), patient("b"), patient("c"))
    return made


@pytest.fixture
def records(engine):
    return people.add(engine, "rita", name="Rita", role="records")


@pytest.fixture
def doctor(engine):
    return people.add(engine, "anna", name="Anna", role="doctor")


def test_a_refusal_holds_from_its_beginning_until_it_is_withdrawn(lake, engine, records):
    made = consent.record(lake, records, "Patient/a", "secondary", begins=NOW, at=NOW)
    assert (made.patient, made.kind, made.role, made.said_by) == (
        "Patient/a",
        Kind.SECONDARY,
        "records",
        "patient",
    )
    assert consent.excluded(lake, "secondary", NOW) == {"Patient/a"}
    assert consent.excluded(lake, "secondary", NOW - timedelta(microseconds=1)) == frozenset()
    assert consent.excluded(lake, "suggestions", NOW) == consent.excluded(lake, "care", NOW) == frozenset()
    ended = consent.withdraw(engine, made.id, records, at=NOW + DAY)
    assert not ended.holds(NOW + DAY)
    assert ended.holds(NOW)
    assert consent.excluded(lake, "secondary", NOW + DAY) == frozenset()
    assert consent.excluded(lake, "secondary", NOW + DAY - timedelta(microseconds=1)) == {"Patient/a"}
