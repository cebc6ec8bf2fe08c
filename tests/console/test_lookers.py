"""Who looked at a patient: told by role, with names only when asked, and noted itself."""

import pytest

from vesalius.console.lookers import PURPOSES
from vesalius.governance import audit
from vesalius.governance.purposes import Purpose


@pytest.fixture
def subject(hospital, open_id):
    return hospital.review.get(open_id()).subject


def test_every_purpose_has_a_name():
    assert set(PURPOSES) == set(Purpose)


def test_a_reading_is_told_by_role_and_purpose_and_by_name_only_when_asked(
    hospital, reader, open_id, subject
):
    reader("delforge").get(f"/suggestions/{open_id()}")
    officer = reader("theissen")
    page = officer.submit("/audit/about", patient=subject).text
    assert "Doctor" in page
    assert "Treatment" in page
    assert "Read a suggestion" in page
    assert "Dr Camille Delforge" not in page
    assert "Which AI tools spoke about this patient" in page
    assert "Dr Camille Delforge" in officer.submit("/audit/about", patient=subject, names="yes").text
    asked = audit.events(hospital.engine, actor="theissen", action="audit.read")[0]
    assert asked.detail == {"subject": subject, "purpose": "PATRQT"}


def test_a_page_of_the_worklist_counts_as_a_look_at_each_patient_on_it(hospital, reader, subject):
    reader("vermeulen").get("/")
    found = audit.about(hospital.engine, subject)
    assert any(each.actor == "vermeulen" and each.action == "worklist.read" for each in found.looks)
    assert found.spoken[0].usecase == "urine"


def test_by_a_suggestion_no_patient_stands_in_the_address(reader, open_id, subject):
    page = reader("theissen").get(f"/audit/about?suggestion={open_id()}")
    assert page.status_code == 200
    assert subject in page.text


@pytest.mark.parametrize(
    "text", ["p1", "Patient/", "Patient/a/b", "Observation/1", "Patient/" + "x" * 65, " "]
)
def test_what_is_no_patient_is_said(reader, text):
    answer = reader("theissen").submit("/audit/about", patient=text)
    assert answer.status_code == 400
    assert "That is no reference of a patient" in answer.text


def test_who_may_not_see_the_audit_sees_nothing(reader, subject):
    doctor = reader("delforge")
    assert doctor.get("/audit/about").status_code == 403
    assert doctor.submit("/audit/about", patient=subject).status_code == 403
    assert reader("theissen").get("/audit/about").status_code == 200
    assert reader("theissen").get("/audit/about?suggestion=none").status_code == 404
