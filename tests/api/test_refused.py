"""Who refuses secondary use is in nothing that a machine draws, unless it serves their care; and is counted."""

import json
import time

import pytest
from machines import PATIENT, machine, observation

from refusals import refusal
from vesalius.governance import audit
from vesalius.privacy import counts

VIEW = "/$sql-run?subjectReference=ViewDefinition/patients"
ORGANIZATION = {"resourceType": "Organization", "id": "ours", "name": "Ours"}


@pytest.fixture
def filled(small):
    feed = machine(small)
    people = [PATIENT | {"id": f"p{number}"} for number in range(1, 5)]
    about = [observation(f"o{number}", f"p{number}") for number in range(1, 5)]
    for each in (*people, *about, ORGANIZATION, refusal("p2"), refusal("p3", kind="suggestions")):
        assert feed.put(f"/{each['resourceType']}/{each['id']}", each).status_code == 201
    return small


@pytest.fixture
def researcher(filled):
    return machine(filled, "research", may=("read", "export", "view"))


@pytest.fixture
def bedside(filled):
    return machine(filled, "bedside", may=("read", "export", "view", "care"))


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [json.loads(line)["id"] for line in answer.text.splitlines()]


def noted(hospital, action):
    return audit.events(hospital.engine, action=action, limit=1)[0].detail


def exported(client, *kinds):
    asked = client.get("/$export?_type=" + ",".join(kinds), Prefer="respond-async")
    while (answer := client.get(asked.headers["content-location"])).status_code == 202:
        time.sleep(0.01)
    return answer.json()


def lines(client, manifest):
    return {each["type"]: ids(client.get(each["url"])) for each in manifest["output"]}


def test_a_view_has_no_rows_of_them_and_says_how_few_they_are(researcher, filled):
    answer = researcher.get(VIEW)
    assert ids(answer) == ["p1", "p3", "p4"]
    assert answer.headers["patients-left-out"] == "<12"
    assert noted(filled, "view.read")["left_out"] == 1
    named = researcher.get(f"{VIEW}&patient=Patient/p2&patient=Patient/p1")
    assert (ids(named), named.headers["patients-left-out"]) == (["p1"], "<12")
    own = {"resource": "Organization", "select": [{"column": [{"name": "id", "path": "id"}]}]}
    body = {"resourceType": "Parameters", "parameter": [{"name": "viewResource", "resource": own}]}
    nobodys = researcher.post("/$viewdefinition-run", body)
    assert (len(ids(nobodys)), nobodys.headers["patients-left-out"]) == (1, "0")


def test_a_count_that_is_no_longer_small_is_told(researcher, monkeypatch):
    monkeypatch.setattr(counts, "SMALLEST", 1)
    assert researcher.get(VIEW).headers["patients-left-out"] == "1"


def test_a_machine_that_serves_care_sees_everybody(bedside, filled):
    answer = bedside.get(VIEW)
    assert (ids(answer), answer.headers["patients-left-out"]) == (["p1", "p2", "p3", "p4"], "0")
    assert len(bedside.get("/Patient").json()["entry"]) == 4
    manifest = exported(bedside, "Patient", "Consent")
    assert manifest["extension"]["patientsLeftOut"] == "0"
    assert lines(bedside, manifest) == {"Consent": ["no-p2", "no-p3"], "Patient": ["p1", "p2", "p3", "p4"]}


def test_a_search_through_all_leaves_them_out_and_says_so_once(researcher, filled):
    first = researcher.get("/Patient?_count=2").json()
    *found, said = first["entry"]
    assert [each["resource"]["id"] for each in found] == ["p1", "p3"]
    assert said["search"]["mode"] == "outcome"
    assert "<12 patients" in said["resource"]["issue"][0]["diagnostics"]
    assert noted(filled, "resource.searched")["left_out"] == 1
    following = next(each["url"] for each in first["link"] if each["relation"] == "next")
    assert [each["resource"]["id"] for each in researcher.get(following).json()["entry"]] == ["p4"]
    assert researcher.get("/Patient?_summary=count").json()["total"] == 3


def test_what_is_asked_for_by_its_patient_or_id_is_read_for_that_patients_care(researcher):
    assert researcher.get("/Patient/p2").status_code == 200
    (entry,) = researcher.get("/Observation?patient=p2").json()["entry"]
    assert entry["resource"]["id"] == "o2"
    assert len(researcher.get("/Observation?_id=o2").json()["entry"]) == 1


def test_an_export_leaves_them_out_also_when_they_refuse_between_asking_and_fetching(researcher, filled):
    manifest = exported(researcher, "Observation", "Organization", "Patient")
    assert manifest["extension"]["patientsLeftOut"] == "<12"
    assert {each["type"]: each["count"] for each in manifest["output"]} == {
        "Observation": 3,
        "Organization": 1,
        "Patient": 3,
    }
    assert lines(researcher, manifest)["Observation"] == ["o1", "o3", "o4"]
    feed = machine(filled, "second")
    feed.put("/Consent/no-p4", refusal("p4"))
    assert lines(researcher, manifest)["Observation"] == ["o1", "o3"]
    feed.put("/Consent/no-p4", refusal("p4", status="inactive"))
    assert lines(researcher, manifest)["Observation"] == ["o1", "o3", "o4"]
