"""A suggestion over the API: labelled, whole, valid, and for a person who may see it alone."""

from datetime import timedelta

import pytest
from machines import PATIENT, issues, machine, opened, suggestion

from vesalius import fhir
from vesalius.card import Text
from vesalius.governance import audit, care, people, register
from vesalius.governance.register import Entry
from vesalius.review import Display
from vesalius.review.transparency import AIAST, CLINAST

LABELLED = {"GuidanceResponse", "RiskAssessment", "Task", "Provenance"}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    hospital = opened(tmp_path_factory.mktemp("suggestions") / "home")
    client = machine(hospital, "ward", ("read", "write"))
    assert client.put("/Patient/p1", PATIENT).status_code == 201
    for login, role in (
        ("doctor", "doctor"),
        ("stranger", "doctor"),
        ("counsel", "legal"),
        ("engineer", "engineer"),
    ):
        people.add(hospital.engine, login, name=login, role=role, language="fr")
    care.set_units(hospital.engine, "doctor", [care.EVERYWHERE])
    filed = {}
    for mode, minutes in (("live", 0), ("silent", 1)):
        made = suggestion("Patient/p1", as_of=suggestion("x").as_of + timedelta(minutes=minutes))
        hospital.review.file([made], mode, made.as_of, [Display("Janssens", "", "", "")])
        filed[mode] = made.id
    yield hospital, client, filed
    hospital.close()


def ask(client, identifier, person="doctor"):
    return client.get(f"/$suggestion/{identifier}?person={person}")


def test_it_is_labelled_whole_and_valid(world):
    hospital, client, filed = world
    answer = ask(client, filed["live"])
    assert answer.status_code == 200, answer.text
    fhir.check(answer.content)
    made = [entry["resource"] for entry in answer.json()["entry"]]
    kinds = [each["resourceType"] for each in made]
    assert kinds == [
        "DocumentReference",
        "Device",
        "GuidanceResponse",
        "RiskAssessment",
        "Task",
        "Provenance",
    ]
    for each in made:
        fhir.check(each)
        assert (AIAST in each.get("meta", {}).get("security", [])) is (each["resourceType"] in LABELLED)
    device, card = made[1], made[0]
    assert card["type"]["coding"][0]["code"] == "AIModelCard"
    assert device["type"]["coding"][0]["code"] == "Artificial-Intelligence"
    agent = made[-1]["agent"][0]["who"]["reference"]
    assert agent == f"Device/{device['id']}"
    assert "Urine" in device["deviceName"][0]["name"] or "urin" in device["deviceName"][0]["name"].lower()
    event = audit.events(hospital.engine, action="suggestion.read", limit=1)[0]
    assert (event.actor, event.object) == ("client:ward", filed["live"])
    assert (event.detail["person"], event.detail["subject"]) == ("doctor", "Patient/p1")
    assert event.detail["purpose"]


def test_once_a_person_took_it_over_both_labels_stand(world):
    hospital, client, filed = world
    decision = hospital.review.decide(filed["live"], "accepted", by="doctor", role="doctor")
    made = [entry["resource"] for entry in ask(client, filed["live"]).json()["entry"]]
    assert [each["resourceType"] for each in made].count("Provenance") == 2
    assert CLINAST in next(each for each in made if each["resourceType"] == "Task")["meta"]["security"]
    hospital.review.undo(decision.id, "doctor", minutes=60)


@pytest.mark.parametrize(
    ("person", "status"), [("stranger", 403), ("counsel", 403), ("engineer", 403), ("nobody", 403), ("", 400)]
)
def test_it_is_given_for_nobody_who_may_not_see_it(world, person, status):
    hospital, client, filed = world
    before = len(audit.events(hospital.engine, action="suggestion.read", limit=100))
    answer = ask(client, filed["live"], person)
    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert "Patient/p1" not in answer.text
    assert len(audit.events(hospital.engine, action="suggestion.read", limit=100)) == before


@pytest.mark.parametrize("identifier", ["0" * 16, "not_an_id", "a" * 65, "%00", "Patient"])
def test_what_is_not_there_is_told(world, identifier):
    _, client, _ = world
    answer = ask(client, identifier)
    assert answer.status_code == 404
    assert issues(answer)


@pytest.mark.parametrize("change", [{"usecase": "gone"}, {"summary": Text("a key that is gone")}])
def test_what_its_use_case_can_no_longer_say_is_told(world, change):
    hospital, client, _ = world
    made = suggestion("Patient/p1", focus="Specimen/s9", **change)
    hospital.review.file([made], "live", made.as_of, [Display("Janssens", "", "", "")])
    assert ask(client, made.id).status_code == 404


def test_what_was_filed_in_silence_does_not_exist(world):
    _, client, filed = world
    assert ask(client, filed["silent"]).status_code == 404


@pytest.mark.parametrize("query", ["", "?person=doctor&patient=p1", "?subject=Patient/p1"])
def test_a_query_that_is_wrong_is_refused(world, query):
    _, client, filed = world
    assert client.get(f"/$suggestion/{filed['live']}{query}").status_code == 400


def test_a_bought_system_names_its_maker_and_its_udi(world):
    hospital, client, _ = world
    device = {
        "resourceType": "Device", "id": "holter", "udiCarrier": [{"deviceIdentifier": "05412345000013"}],
    }  # fmt: skip
    assert client.put("/Device/holter", device).status_code == 201
    engineer = people.get(hospital.engine, "engineer")
    register.keep_bought(
        hospital.engine,
        Entry("holter", "Holter 3", "Cardioscope", "Finds", "IIa", "3.2", "Device/holter"),
        engineer,
    )
    made = suggestion(
        "Patient/p1",
        usecase="holter",
        version="3.2",
        model="",
        option="alert",
        probability=None,
        interval=None,
        summary=Text("title"),
    )
    hospital.review.file([made], "live", made.as_of, [Display("Janssens", "", "", "")])
    found = [entry["resource"] for entry in ask(client, made.id).json()["entry"]]
    by = next(each for each in found if each["resourceType"] == "Device")
    assert (by["manufacturer"], by["udiCarrier"]) == ("Cardioscope", [{"deviceIdentifier": "05412345000013"}])
