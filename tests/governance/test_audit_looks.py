"""Who looked at a patient: every event that names them, under every reference they have, and why."""

from datetime import UTC, datetime, timedelta

import pytest

from vesalius.errors import NotFound
from vesalius.governance import audit, people
from vesalius.governance.audit import Action, Entry
from vesalius.store import open_store

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def engine(database_url):
    opened = open_store(database_url)
    yield opened
    opened.dispose()


def test_looks_say_who_in_which_role_why_and_what_latest_first(engine):
    people.add(engine, "anna", name="Anna A.", role="doctor")
    people.add(engine, "gone", name="Gone G.", role="nurse")
    people.close(engine, "gone", by="system")
    audit.record_all(
        engine,
        [
            Entry("gone", Action.SUGGESTION_READ, "s1", {"subject": "Patient/1", "purpose": "TREAT"}, NOW),
            Entry("client:lab", Action.RESOURCE_SEARCHED, "Observation",
                  {"subjects": ["Patient/2", "Patient/1"]}, NOW + timedelta(1)),
            Entry("anna", Action.SUGGESTION_DECIDED, "s1",
                  {"subject": "Patient/1", "role": "biologist", "purpose": "ETREAT", "emergency": True},
                  NOW + timedelta(2)),
            Entry("anna", Action.SUGGESTION_READ, "s2", {"subject": "Patient/11"}, NOW + timedelta(3)),
        ],
    )  # fmt: skip
    found = audit.about(engine, "Patient/1")
    told = [
        (each.actor, each.name, each.roles, each.purpose, each.emergency, each.looked) for each in found.looks
    ]
    assert told == [
        ("anna", "Anna A.", ("biologist",), "ETREAT", True, False),
        ("client:lab", "client:lab", (), "", False, True),
        ("gone", "Gone G.", ("nurse",), "TREAT", False, True),
    ]
    assert (found.total, found.same, found.spoken, found.wide) == (3, ("Patient/1",), (), ())
    latest = audit.about(engine, "Patient/1", limit=1)
    assert (len(latest.looks), latest.total) == (1, 3)


def test_what_was_read_of_many_at_once_is_told_only_from_the_first_event_about_the_patient(engine):
    audit.record(engine, "eva", Action.USE_HISTORY_READ, "urine", {"patients": 9}, NOW)
    audit.record(engine, "eva", Action.SUGGESTION_READ, "s1", {"subject": "Patient/1"}, NOW)
    for days in (1, 2):
        audit.record(engine, "eva", Action.USE_HISTORY_READ, "urine", {"patients": 9}, NOW + timedelta(days))
    audit.record(engine, "eva", Action.VIEW_READ, "v", {"subjects": ["Patient/2"]}, NOW)
    (wide,) = audit.about(engine, "Patient/1").wide
    assert (wide.action, wide.count) == (Action.USE_HISTORY_READ, 2)
    assert (wide.first, wide.last) == (NOW + timedelta(1), NOW + timedelta(2))
    assert audit.about(engine, "Patient/nobody") == audit.About(
        "Patient/nobody", ("Patient/nobody",), 0, (), (), ()
    )


@pytest.mark.parametrize("wrong", ["", "1", "Patient/", "Patient/a/b", "Group/1", "Patient/" + "1" * 65])
def test_what_is_no_reference_of_a_patient_is_refused(engine, wrong):
    with pytest.raises(NotFound):
        audit.about(engine, wrong)
