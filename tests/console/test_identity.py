"""Who is who, in the console: pairs side by side, merging after a look at what moves, taking it back."""

import re
from datetime import UTC, datetime

import pytest
import synthetic
from browsing import Reader

from vesalius import identity
from vesalius.console import app
from vesalius.governance import audit


@pytest.fixture
def hospital(tmp_path):
    made = synthetic.make(tmp_path, count=3)
    synthetic.doubles(made, datetime.now(UTC))
    yield made
    made.close()


@pytest.fixture
def clerk(hospital):
    return Reader(app(hospital)).sign_in("lejeune")


def events(hospital, action):
    return audit.events(hospital.engine, action=action)


def words(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


def pair_of(hospital, one):
    return next(each for each in identity.pairs(hospital.engine) if each.one == one)


def test_the_list_says_why_and_names_nobody(clerk, hospital):
    page = clerk.get("/identity")
    assert "the names are spelled otherwise" in page.text
    assert "Bröeck" not in page.text
    assert "a system of the hospital" in page.text, "the merge that a feed said is there, with its author"
    assert events(hospital, "identity.read")[0].object == "pairs"


def test_a_pair_is_compared_field_by_field_in_words_and_audited_for_both(clerk, hospital):
    found = pair_of(hospital, "d1")
    page = words(clerk.get(f"/identity/pairs/{found.id}"))
    assert re.search(r"Family name Van den Bröeck Vandenbroeck same", page)
    assert re.search(r"Street Rue de Fer 1 not known not known", page)
    assert "4711 (mrn)" in page
    noted = {each.object for each in events(hospital, "identity.read")}
    assert {"Patient/d1", "Patient/d2"} <= noted
    assert audit.events(hospital.engine, thing="Patient/d2")


def test_nothing_is_merged_before_a_look_at_what_moves_and_a_reason(clerk, hospital):
    found = pair_of(hospital, "d1")
    address = f"/identity/pairs/{found.id}/merge"
    page = clerk.get(address, params={"survivor": "d2"})
    assert "1 resource will move." in page.text
    refused = clerk.submit(address, survivor="d2", reason=" ")
    assert refused.status_code == 400
    assert "Write your reason" in refused.text
    assert len(identity.merges(hospital.engine)) == 1
    done = clerk.submit(address, survivor="d2", reason="same card")
    assert done.status_code == 200
    assert "It can be taken back at any time" in done.text
    [made] = [each for each in identity.merges(hospital.engine) if each.origin == "person"]
    assert (made.source, made.target, made.by, made.reason) == ("d1", "d2", "lejeune", "same card")
    assert hospital.lake.read("Observation/of-d1").subject == "Patient/d2"
    [event] = [each for each in events(hospital, "patients.merged") if not each.actor.startswith("feed:")]
    assert (event.actor, event.object, event.detail["subject"]) == ("lejeune", "Patient/d2", "Patient/d1")
    again = clerk.submit(address, survivor="d2", reason="twice")
    assert again.status_code == 409


def test_a_merge_is_taken_back_with_a_reason(clerk, hospital):
    found = pair_of(hospital, "d1")
    clerk.submit(f"/identity/pairs/{found.id}/merge", survivor="d2", reason="same card")
    made = identity.merges(hospital.engine)[0]
    assert clerk.submit(f"/identity/merges/{made.id}/undo", reason="").status_code == 400
    page = clerk.submit(f"/identity/merges/{made.id}/undo", reason="two sisters")
    assert "two sisters" in page.text
    assert "two patients again" in page.text
    assert hospital.lake.read("Observation/of-d1").subject == "Patient/d1"
    assert len(events(hospital, "patients.unmerged")) == 1
    assert all(each.id != found.id for each in identity.pairs(hospital.engine))


def test_different_persons_are_remembered_and_a_pair_can_wait(clerk, hospital):
    found = pair_of(hospital, "d1")
    path = f"/identity/pairs/{found.id}/decision"
    assert clerk.submit(path, action="nonsense").status_code == 400
    assert clerk.submit(path, action="different", reason="").status_code == 400
    clerk.submit(path, action="later")
    assert "Compare pair" in clerk.get("/identity?status=later").text
    clerk.submit(path, action="different", reason="cousins")
    assert "cousins" in clerk.get(f"/identity/pairs/{found.id}").text
    assert len(events(hospital, "patients.put_off")) == len(events(hospital, "patients.set_apart")) == 1
    assert clerk.submit(path, action="later").status_code == 409


def test_who_oversees_looks_and_does_not_decide(hospital):
    found = pair_of(hospital, "d1")
    officer = Reader(app(hospital)).sign_in("theissen")
    page = officer.get(f"/identity/pairs/{found.id}").text
    assert "The people of medical records decide" in page
    assert "See what will move" not in page
    assert officer.get(f"/identity/pairs/{found.id}/merge?survivor=d2").status_code == 403
    assert officer.submit(f"/identity/pairs/{found.id}/merge", survivor="d2", reason="x").status_code == 403
    assert Reader(app(hospital)).sign_in("delforge").get("/identity").status_code == 403


def test_what_is_not_there_or_wrong_is_answered(clerk, hospital):
    found = pair_of(hospital, "d1")
    assert clerk.get("/identity/pairs/999").status_code == 404
    assert clerk.get("/identity/merges/999").status_code == 404
    assert clerk.get(f"/identity/pairs/{found.id}/merge?survivor=p0").status_code == 404
    assert clerk.get("/identity?status=nonsense&page=zzz").status_code == 200


def test_a_suggestion_says_that_its_patient_was_merged_since(hospital):
    filed = hospital.review.worklist(usecase="urine", limit=1, now=datetime.now(UTC)).items[0]
    patient = filed.subject.removeprefix("Patient/")
    identity.merge(hospital.lake, patient, "d1", by="lejeune", reason="same")
    doctor = Reader(app(hospital)).sign_in("delforge")
    assert "merged into another record, Patient/d1" in doctor.get(f"/suggestions/{filed.id}").text
    made = identity.merges(hospital.engine)[0]
    identity.unmerge(hospital.lake, made.id, by="lejeune", reason="two")
    identity.merge(hospital.lake, "d1", patient, by="lejeune", reason="same")
    assert "another record, Patient/d1, was merged" in doctor.get(f"/suggestions/{filed.id}").text
