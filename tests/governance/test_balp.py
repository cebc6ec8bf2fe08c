"""Events as FHIR: every one is valid R4, and those that IHE BALP knows have its profile's elements."""

import base64
from datetime import UTC, datetime

import pytest

from vesalius import fhir
from vesalius.governance.audit import START, Action, Event, balp, digest

NOW = datetime(2026, 3, 2, 12, 0, 0, 5, tzinfo=UTC)
DCM = "http://dicom.nema.org/resources/ontology/DCM"


def event(action, thing="s1", actor="anna", **detail):
    hash_ = digest(7, NOW, actor, action, thing, detail, START)
    return Event(7, NOW, actor, action, thing, detail, START, hash_)


def agents(resource):
    return {each["type"]["coding"][0]["code"]: each for each in resource["agent"]}


def entities(resource):
    return {each["type"]["code"]: each for each in resource["entity"]}


@pytest.mark.parametrize("actor", ["anna", "client:lab", "feed:his", "system"])
def test_every_event_is_valid_r4_and_names_its_action_and_its_hash(actor):
    for action in Action:
        check_both_forms(action, actor)


def check_both_forms(action, actor):
    made = event(action, actor=actor, subject="Patient/p1", purpose="TREAT", empty="", list=[1], page=2)
    (resource,) = balp.resources(made, "Hospital")
    fhir.check(resource)
    assert resource["subtype"][-1] == {"system": balp.ACTIONS, "code": action}
    assert entities(resource)["1"]["what"]["reference"] == "Patient/p1"
    assert entities(resource)["4"]["what"]["identifier"]["value"] == made.hash
    (plain,) = balp.resources(event(action, actor=actor))
    fhir.check(plain)
    assert "1" not in entities(plain)


def test_a_persons_read_of_a_patient_is_balps_patient_read_with_its_purpose():
    made = event(
        Action.RESOURCE_READ,
        "Observation/o1/_history/2",
        subject="Patient/p1",
        purpose="ETREAT",
        emergency=True,
    )
    (resource,) = balp.resources(made)
    assert resource["meta"]["profile"] == [f"{balp.PROFILE}PatientRead"]
    assert resource["type"]["code"] == "rest"
    assert resource["subtype"][0]["code"] == "vread"
    assert (resource["action"], resource["outcome"], resource["recorded"]) == (
        "R",
        "0",
        "2026-03-02T12:00:00.000005Z",
    )
    assert resource["purposeOfEvent"][0]["coding"][0] == {
        "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "ETREAT",
    }  # fmt: skip
    found = agents(resource)
    assert set(found) == {"110152", "110153", "IRCP"}  # client is the destination, server the source
    assert found["IRCP"]["who"]["identifier"]["value"] == "anna"
    assert found["IRCP"]["requestor"]
    assert found["IRCP"]["purposeOfUse"] == resource["purposeOfEvent"]
    assert not found["110152"]["requestor"]
    assert all("network" in found[code] for code in ("110152", "110153"))
    assert entities(resource)["2"]["role"]["code"] == "4"


def test_a_machines_search_is_one_patient_query_for_each_patient():
    made = event(Action.RESOURCE_SEARCHED, "Observation", "client:lab", subjects=["Patient/a", "Patient/b"])
    one, two = balp.resources(made)
    assert (one["id"], two["id"]) == ("7-1", "7-2")
    assert list(balp.resources(made, patient="Patient/b")) == [two]
    assert one["meta"]["profile"] == [f"{balp.PROFILE}PatientQuery"]
    assert (one["action"], one["subtype"][0]["code"]) == ("E", "search")
    query = entities(one)["2"]
    assert base64.b64decode(query["query"]) == b"Observation"
    assert "what" not in query
    assert query["role"]["code"] == "24"
    assert entities(one)["1"]["what"]["reference"] == "Patient/a"
    assert "Patient/b" not in str(one)
    assert agents(one)["110153"]["requestor"]  # no person: the client itself asks


@pytest.mark.parametrize(
    ("made", "profile", "action", "subtype"),
    [
        (event(Action.RESOURCE_WRITTEN, "Patient/p1", "client:his", subject="Patient/p1", version=1), "PatientCreate", "C", "create"),
        (event(Action.RESOURCE_WRITTEN, "Patient/p1", "client:his", version=3), "PatientUpdate", "U", "update"),
        (event(Action.SUGGESTION_DECIDED, subject="Patient/p1", role="doctor"), "PatientUpdate", "U", "update"),
        (event(Action.DATA_RECEIVED, "9"), "Create", "C", "create"),
        (event(Action.WORKLIST_READ, "open"), "Query", "E", "search"),
    ],
)  # fmt: skip
def test_what_was_written_has_its_profile(made, profile, action, subtype):
    (resource,) = balp.resources(made)
    assert resource["meta"]["profile"] == [balp.PROFILE + profile]
    assert (resource["action"], resource["subtype"][0]["code"]) == (action, subtype)


def test_sign_in_refusal_and_emergency_have_dicoms_codes():
    (signed,), (refused,), (broken,) = (
        balp.resources(event(each))
        for each in (Action.PERSON_SIGNED_IN, Action.ACCESS_REFUSED, Action.GLASS_BROKEN)
    )
    assert signed["type"] == {"system": DCM, "code": "110114"}
    assert signed["subtype"][0]["code"] == "110122"
    assert (refused["outcome"], signed["outcome"]) == ("4", "0")
    assert broken["subtype"][0]["code"] == "110127"
    assert "meta" not in refused
