"""What patients refuse, in the console: counted, listed, entered, withdrawn and taken back; nobody in an address."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from browsing import Reader

from vesalius.console import app, consents
from vesalius.governance import audit, consent
from vesalius.governance.consent import SAID_BY, Kind, Reason
from vesalius.lake import Arrival

PURPOSE = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
NISS = "https://www.ehealth.fgov.be/standards/fhir/core/NamingSystem/ssin"
MRN = "https://hospital.example/mrn"


def body(patient, scope, provision, number=1):
    return {
        "resourceType": "Consent", "id": f"c{number}-{patient}", "status": "active",
        "scope": {"coding": [{"code": scope}]}, "category": [{"text": "opt-out"}], "policy": [{"uri": "urn:p"}],
        "patient": {"reference": f"Patient/{patient}"}, "provision": provision,
    }  # fmt: skip


def deny(*codes, **more):
    return {"type": "deny", "purpose": [{"system": PURPOSE, "code": code} for code in codes], **more}


@pytest.fixture(scope="module", autouse=True)
def received(hospital):
    """Consents of four patients, one of them hard to read, one about nobody here; and numbers of patients."""
    objects = {"type": "deny", "purpose": [{"system": consent.OURS, "code": "suggestions"}]}
    people = [
        {
            "resourceType": "Patient", "id": f"n{number}", "birthDate": "1951-02-03",
            "name": [{"family": "Lemaire", "given": [given]}],
            "identifier": [{"system": NISS, "value": "51020300025"}, {"system": MRN, "value": "4711"}]
            if given == "Rose" else [{"system": MRN, "value": "4711"}],
        }
        for number, given in enumerate(("Rose", "Luc"))
    ]  # fmt: skip
    stay = {
        "resourceType": "Encounter", "id": "en0", "status": "finished", "class": {"code": "IMP"},
        "identifier": [{"system": "urn:stays", "value": "S-77"}], "subject": {"reference": "Patient/n0"},
    }  # fmt: skip
    bodies = [
        body("p1", "research", deny("HRESCH")),
        body("p2", "research", deny("HRESCH", **{"class": [{"code": "x"}]})),
        body("p3", "patient-privacy", objects),
        body("p4", "research", deny("HRESCH", period={"start": "2020-01-01", "end": "2021-01-01"})),
        *people,
        stay,
    ]
    arrivals = [Arrival.of(json.dumps(each).encode()) for each in bodies]
    hospital.lake.write(arrivals, "register", datetime.now(UTC))


@pytest.fixture(scope="module")
def keeper(hospital):
    return Reader(app(hospital)).sign_in("lejeune")


def opened(browser, number):
    return browser.submit("/consents/search", number=number)


def fields(answer, **more):
    """The form of a patient's page, as it stands there."""
    sealed = re.search(r'name="of" value="([^"]+)"', answer.text).group(1)
    return {"of": sealed, "said_by": "patient", **more}


def test_everything_that_can_be_refused_said_or_read_has_its_words():
    assert set(consents.KINDS) == set(consents.CHANGES) == set(Kind)
    assert set(consents.REASONS) == set(Reason)
    assert tuple(consents.SAID_BY) == SAID_BY


def test_the_page_counts_refusals_and_those_not_read_as_they_say_and_names_nobody(hospital, keeper):
    page = keeper.get("/consents").text
    row = page.split("Any use of their data but care")[1].split("</tr>")[0]
    assert re.findall(r'data-name="Patients">(\d+)<', row) == ["2"]  # what ended in 2021 does not count
    assert re.findall(r'data-name="Not read as it says">(\d+)<', row) == ["1"]
    assert 'width="200.0"' in row  # the greatest fills the picture
    assert 'class="p-held" width="100.0"' in row  # half of them were not read as they say
    assert "Consent/c1-p1" in page
    assert "only a part: it counts as a refusal of all" in page
    assert "Janssens" not in page
    noted = audit.events(hospital.engine, actor="lejeune", action="consent.read")[0]
    assert {"Patient/p1", "Patient/p2"} <= set(noted.detail["subjects"])
    assert noted.detail["purpose"] == "PATRQT"


def test_the_list_is_chosen_by_what_is_refused_and_by_what_could_not_be_read(keeper):
    objecting = keeper.get("/consents?kind=suggestions").text
    assert "Consent/c1-p3" in objecting
    assert "Consent/c1-p1" not in objecting
    unread = keeper.get("/consents?unread=yes").text
    assert "Consent/c1-p2" in unread
    assert "Consent/c1-p1" not in unread
    assert "Consent/c1-p1" in keeper.get("/consents?kind=nothing&page=x").text


def test_the_list_has_pages(keeper, monkeypatch):
    monkeypatch.setattr(consents, "SIZE", 2)
    first = keeper.get("/consents?kind=secondary")
    assert re.findall(r"Consent/c1-p\d", first.text) == ["Consent/c1-p1", "Consent/c1-p2"]
    following = re.search(r'href="([^"]+)" rel="next"', first.text).group(1).replace("&amp;", "&")
    second = keeper.get(following).text
    assert "Consent/c1-p4" in second
    assert "not now" in second
    assert 'rel="next"' not in second


@pytest.mark.parametrize("number", ["51.02.03-000.25", "51020300025", "S-77", "Patient/n0", " Patient/n0 "])
def test_a_patient_is_found_by_each_number_and_none_stands_in_the_address(keeper, number):
    answer = opened(keeper, number)
    assert answer.status_code == 200
    assert "Lemaire, Rose" in answer.text
    assert "/consents/patient?of=" in str(answer.url)
    for said in (number.strip(), "Patient", "n0", "Lemaire"):
        assert said not in str(answer.url).partition("?")[0].removeprefix(
            "http://testserver/consents/patient"
        )
    assert "51020300025" not in str(answer.url)


def test_a_number_that_two_patients_have_is_asked_back(keeper):
    answer = opened(keeper, "4711")
    assert answer.status_code == 200
    assert "Several patients have that number" in answer.text
    links = re.findall(r'href="(/consents/patient\?of=[^"]+)">(Lemaire, \w+)<', answer.text)
    assert sorted(name for _, name in links) == ["Lemaire, Luc", "Lemaire, Rose"]
    assert all(name in keeper.get(link).text for link, name in links)


@pytest.mark.parametrize(
    "number", ["12345", "Patient/nobody", "Patient/", "Patient/n0/_history/1", "Observation/n0", " "]
)
def test_what_is_nobodys_number_is_said(keeper, number):
    answer = opened(keeper, number)
    assert answer.status_code == 400
    assert "No patient here has that number or reference" in answer.text


def test_a_sealed_patient_opens_for_nobody_else(reader, keeper):
    address = str(opened(keeper, "Patient/n0").url)
    assert keeper.get(address).status_code == 200
    assert reader("theissen").get(address).status_code == 404
    assert keeper.get("/consents/patient").status_code == 404
    assert keeper.get("/consents/patient?of=eyJhbGciOiJkaXIifQ..a.b.c").status_code == 404
    found = keeper.submit("/worklist/search", text="Patient/n0", follow=False)
    assert found.status_code == 403


def test_a_refusal_is_entered_withdrawn_and_each_step_taken_back(hospital, keeper):
    page = opened(keeper, "Patient/n0")
    assert "Nothing is refused to everybody" in page.text
    kept = keeper.submit("/consents/patient", **fields(page, kind="suggestions", said_by="representative"))
    assert "The refusal is kept" in kept.text
    assert "told by: Somebody who may speak for the patient" in kept.text
    assert consent.standing(hospital.lake, ["Patient/n0"]) == {"Patient/n0": (Kind.SUGGESTIONS,)}
    number = re.findall(r"/consents/(\d+)/withdraw", kept.text)[0]
    today = re.search(r'<input[^>]*name="ends"[^>]*value="([^"]+)"', kept.text).group(1)  # of Belgium
    ended = keeper.submit(f"/consents/{number}/withdraw", ends=today)
    assert "The refusal is withdrawn" in ended.text
    assert consent.standing(hospital.lake, ["Patient/n0"]) == {}
    again = keeper.submit(f"/consents/{number}/undo")
    assert "It was a mistake: take it back" in again.text
    assert consent.standing(hospital.lake, ["Patient/n0"])
    gone = keeper.submit(f"/consents/{number}/undo")
    assert "Entered by mistake" in gone.text
    assert f"/consents/{number}/" not in gone.text
    steps = gone.text.split("Entered here</h2>")[1].split("</section>")[0]
    assert re.findall(r"· (Refusal \w+|Last step taken back) · Sabine Lejeune", steps) == [
        "Refusal entered", "Refusal withdrawn", "Last step taken back", "Last step taken back",
    ]  # fmt: skip
    assert keeper.submit(f"/consents/{number}/undo").status_code == 409
    assert consent.standing(hospital.lake, ["Patient/n0"]) == {}


def test_a_refusal_to_one_person_alone_names_them_and_leaves_the_others(hospital, keeper):
    made = keeper.submit(
        "/consents/patient", **fields(opened(keeper, "Patient/n1"), kind="care", person="martin")
    )
    assert "That those who treat see their data: Dr Paul Martin" in made.text
    assert "Nothing is refused to everybody" in made.text
    assert consent.entries(hospital.engine, "Patient/n1")[0].person == "martin"
    assert '<option value="martin">Dr Paul Martin, Doctor</option>' in made.text
    assert 'option value="marchal"' not in made.text  # who does not treat need not be refused


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "Choose what is refused"),
        ({"kind": "all"}, "Choose what is refused"),
        ({"kind": "secondary", "said_by": "a neighbour"}, "Choose what is refused"),
        ({"kind": "secondary", "begins": "2026-02-31"}, "Choose a day"),
        ({"kind": "secondary", "begins": "9999-12-31"}, "Choose a day"),
        ({"kind": "secondary", "begins": "0001-01-01"}, "Choose a day"),
        ({"kind": "secondary", "begins": "today"}, "Choose a day"),
        ({"kind": "care", "person": "nobody"}, "Nobody has that account"),
        ({"kind": "care", "person": "x" * 300}, "Nobody has that account"),
        ({"kind": "suggestions", "person": "martin"}, "for care only"),
    ],
)
def test_what_is_not_complete_is_said_and_nothing_is_kept(hospital, keeper, given, said):
    before = consent.entries(hospital.engine)
    answer = keeper.submit("/consents/patient", **fields(opened(keeper, "Patient/p5"), **given))
    assert answer.status_code == 400
    assert said in answer.text
    assert consent.entries(hospital.engine) == before


def test_the_same_is_not_entered_twice_and_a_day_before_the_first_is_no_end(hospital, keeper):
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).date()
    form = fields(opened(keeper, "Patient/p6"), kind="secondary", begins=tomorrow.isoformat())
    kept = keeper.submit("/consents/patient", **form)
    assert "To come" in kept.text
    twice = keeper.submit("/consents/patient", **form)
    assert twice.status_code == 400
    assert "That is refused already" in twice.text
    number = re.findall(r"/consents/(\d+)/withdraw", kept.text)[0]
    for day, said in (
        ("2020-01-01", "end before it begins"),
        ("soon", "Choose a day"),
        ("9999-01-01", "Choose a day"),
    ):
        answer = keeper.submit(f"/consents/{number}/withdraw", ends=day)
        assert answer.status_code == 400
        assert said in answer.text
    assert consent.get(hospital.engine, int(number)).ends is None
    assert keeper.submit("/consents/999999/withdraw").status_code == 404
    assert keeper.submit("/consents/999999999999/undo").status_code == 404


def test_only_medical_records_and_the_officer_see_any_of_it(reader):
    for login in ("delforge", "marchal", "segers"):  # every role: test_every_cell.py
        browser = reader(login)
        assert browser.get("/consents").status_code == 403
        assert opened(browser, "Patient/p1").status_code == 403
        assert 'href="/consents"' not in browser.get("/about").text
    assert reader("theissen").get("/consents").status_code == 200


def test_who_treats_reads_that_the_patient_objects(hospital, reader, keeper):
    doctor = reader("delforge")
    filed = hospital.review.worklist(subject="Patient/p8", status="all").items[0]
    words = "This patient objects to AI suggestions"
    assert words not in doctor.get(f"/suggestions/{filed.id}").text
    keeper.submit("/consents/patient", **fields(opened(keeper, "Patient/p8"), kind="suggestions"))
    page = doctor.get(f"/suggestions/{filed.id}").text
    assert words in page
    assert "the patient objects to AI suggestions." in page  # in the place of the form of a decision
    assert 'action="/suggestions/' not in page


def test_who_refuses_to_be_seen_is_opened_by_breaking_the_glass_alone(hospital, reader, keeper):
    doctor, filed = reader("delforge"), hospital.review.worklist(subject="Patient/p9", status="all").items[0]
    assert doctor.get(f"/suggestions/{filed.id}").status_code == 200
    keeper.submit("/consents/patient", **fields(opened(keeper, "Patient/p9"), kind="care"))
    shut = doctor.get(f"/suggestions/{filed.id}")
    assert shut.status_code == 403
    assert "This patient refuses to be seen here" in shut.text
    assert "Break the glass" in shut.text
    assert "Ève" not in shut.text
    short = doctor.submit(f"/suggestions/{filed.id}/glass", code="vital", words="short")
    assert short.status_code == 400
    assert "This patient refuses to be seen here" in short.text
    opened_ = doctor.submit(f"/suggestions/{filed.id}/glass", code="vital", words="Arrest on the corridor")
    assert "You broke the glass" in opened_.text
