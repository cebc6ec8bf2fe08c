"""A patient of another ward in the console: refused, opened by breaking the glass, reviewed."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
import synthetic
from browsing import Reader

from vesalius.console import app
from vesalius.console.glass import REASONS, VERDICTS
from vesalius.governance import audit, care, consent, glass, people
from vesalius.lake import Arrival

WORDS = "On call, called to the bed by the nurse"


@pytest.fixture
def hospital(tmp_path):
    made = synthetic.make(tmp_path / "home", count=20)
    now = datetime.now(UTC)
    people.add(made.engine, "ward", name="Dr Ward", role="doctor", language="en")
    care.set_units(made.engine, "ward", ["Location/URO"])
    stay = {
        "resourceType": "Encounter", "id": "e1", "status": "in-progress", "class": {"code": "IMP"},
        "subject": {"reference": "Patient/p1"}, "period": {"start": (now - timedelta(days=1)).isoformat()},
        "location": [{"location": {"reference": "Location/URO", "display": "Urologie"}}],
    }  # fmt: skip
    made.lake.write([Arrival.of(json.dumps(stay).encode())], "tests", now)
    yield made
    made.close()


@pytest.fixture
def reader(hospital):
    console = app(hospital)
    return lambda login: Reader(console).sign_in(login)


def about(hospital, subject):
    return hospital.review.worklist(subject=subject).items[0].id


def test_the_console_knows_the_reasons_and_verdicts_of_governance():
    assert list(REASONS) == list(glass.REASONS)
    assert list(VERDICTS) == list(glass.VERDICTS)


def test_the_worklist_shows_ones_own_patients_and_counts_the_others(hospital, reader):
    page = reader("ward").get("/").text
    assert "Janssens, Marie-Louise" in page
    assert "Lambert, Hélène" not in page
    assert re.search(r"\d+ others are about patients who are not in your care", page)
    assert "not in your care" not in reader("delforge").get("/").text


def test_another_wards_patient_is_refused_with_nothing_shown_by_every_way(hospital, reader):
    doctor, other = reader("ward"), about(hospital, "Patient/p2")
    page = doctor.get(f"/suggestions/{other}")
    assert page.status_code == 403
    assert "This patient is not in your care" in page.text
    assert "Dubois" not in page.text
    assert "Patient/p2" not in page.text
    assert doctor.get("/resources/Patient/p2/1").status_code == 403
    assert doctor.submit(f"/suggestions/{other}/decision", action="accepted", seen="0").status_code == 403
    assert hospital.review.get(other).status == "open"
    assert doctor.get(f"/suggestions/{about(hospital, 'Patient/p1')}").status_code == 200
    assert len(audit.events(hospital.engine, actor="ward", action="access.refused")) >= 1


def test_the_glass_is_broken_marked_reviewed_and_the_verdict_taken_back(hospital, reader):
    doctor, other = reader("ward"), about(hospital, "Patient/p2")
    incomplete = doctor.submit(f"/suggestions/{other}/glass", code="covering", words="short")
    assert incomplete.status_code == 400
    assert "at least ten characters" in incomplete.text
    page = doctor.submit(f"/suggestions/{other}/glass", code="covering", words=WORDS)
    assert page.status_code == 200
    assert "You broke the glass" in page.text
    assert "Dubois" in page.text
    assert doctor.submit(f"/suggestions/{other}/decision", action="accepted", seen="0").status_code == 200
    for action in ("suggestion.read", "suggestion.decided"):
        event = audit.events(hospital.engine, actor="ward", action=action)[0]
        assert event.detail["purpose"] == "ETREAT"
        assert event.detail["emergency"] is True
    officer = reader("theissen")
    listed = officer.get("/access").text
    assert WORDS in listed
    assert "Dr Ward" in listed
    assert officer.submit("/access/1", verdict="talked_to", words="She was on call").status_code == 200
    assert glass.waiting(hospital.engine) == 0
    assert "She was on call" in officer.get("/access").text
    assert officer.submit("/access/1/undo").status_code == 200
    assert glass.waiting(hospital.engine) == 1
    assert doctor.get("/access").status_code == 403


def test_readings_say_their_purpose(hospital, reader):
    doctor = reader("ward")
    doctor.get("/")
    doctor.get(f"/suggestions/{about(hospital, 'Patient/p1')}")
    for action in ("worklist.read", "suggestion.read"):
        assert audit.events(hospital.engine, actor="ward", action=action)[0].detail["purpose"] == "TREAT"
    reader("lejeune").get("/identity")
    assert audit.events(hospital.engine, action="identity.read")[0].detail["purpose"] == "RECORDMGT"


def test_a_past_decision_stays_listed_without_the_name_of_who_left_ones_care(hospital, reader):
    doctor = reader("ward")
    doctor.submit(f"/suggestions/{about(hospital, 'Patient/p1')}/decision", action="accepted", seen="0")
    assert "Janssens, Marie-Louise" in doctor.get("/decisions").text
    care.set_units(hospital.engine, "ward", ["Location/GER"])
    page = doctor.get("/decisions").text
    assert "no longer in your care" in page
    assert "Janssens" not in page


def test_who_refuses_to_be_seen_for_care_is_opened_by_the_glass_and_who_refuses_one_person_by_nothing(
    hospital, reader
):
    dpo = people.add(hospital.engine, "officer", name="D. P. O.", role="dpo")
    mine = about(hospital, "Patient/p1")
    consent.record(hospital.lake, dpo, "Patient/p1", "care")
    doctor = reader("ward")
    assert "Janssens" not in doctor.get("/").text
    page = doctor.get(f"/suggestions/{mine}")
    assert page.status_code == 403
    assert "refuses to be seen here" in page.text
    assert "Janssens" not in page.text
    again = doctor.submit(f"/suggestions/{mine}/glass", code="covering", words="short")
    assert again.status_code == 400
    assert "refuses to be seen here" in again.text
    opened = doctor.submit(f"/suggestions/{mine}/glass", code="covering", words=WORDS)
    assert "Janssens" in opened.text
    assert "Janssens" in doctor.get("/").text
    assert [each.person for each in glass.listed(hospital.engine, reviewed=False)] == ["ward"]
    told = audit.events(hospital.engine, actor="ward", action="access.refused")
    assert {each.detail.get("relation") for each in told} == {"refused"}
    consent.record(hospital.lake, dpo, "Patient/p1", "care", person="ward")
    page = doctor.get(f"/suggestions/{mine}")
    assert page.status_code == 403
    assert "This patient is not in your care" in page.text
    assert "Break the glass" not in page.text
    assert "Janssens" not in doctor.get("/").text


def test_what_waits_about_who_objects_is_gone_at_the_next_look(hospital, reader):
    dpo = people.add(hospital.engine, "officer", name="D. P. O.", role="dpo")
    doctor, mine = reader("ward"), about(hospital, "Patient/p1")
    statuses = ("open", "deferred")
    waiting = sum(hospital.review.worklist(subject="Patient/p1", status=each).total for each in statuses)
    assert "Janssens" in doctor.get("/").text
    page = doctor.submit(f"/suggestions/{mine}/decision", action="accepted", seen="0").text
    undo = re.search(r"/decisions/\d+/undo", page)[0]
    consent.record(hospital.lake, dpo, "Patient/p1", "suggestions")
    assert "Janssens" not in doctor.get("/").text
    assert hospital.review.get(mine).status == "accepted"  # what a person decided stays decided
    doctor.submit(undo)
    assert hospital.review.get(mine).status == "withheld"
    for status in ("", "open", "decided", "expired"):
        assert "Janssens" not in doctor.get(f"/?status={status}").text
    page = doctor.get(f"/suggestions/{mine}").text
    assert "This patient objects to AI suggestions" in page
    assert 'action="/suggestions/' not in page
    again = doctor.submit(f"/suggestions/{mine}/decision", action="accepted", seen="0")
    assert again.status_code == 409
    assert consent.withheld(hospital.engine) == {"urine": waiting}
