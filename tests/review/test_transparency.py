"""HL7 AI Transparency on FHIR: one test for each rule of the guide that we claim to follow.

The rules are those of the guide's own source (HL7/aitransparency-ig, input/fsh/AIDevice.fsh and
AIProvenance.fsh, input/pagecontent/requirements.md).
"""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reviewed_card import CARD, NOON

from vesalius import fhir
from vesalius.review import transparency
from vesalius.review.transparency import AIAST, CLINAST, GUIDE, mark

TYPES = f"{GUIDE}/CodeSystem/AIdeviceTypeCS"
INPUTS = f"{GUIDE}/CodeSystem/AIinputsCS"
HASH = "a" * 64
CHAI = b"<?xml version='1.0'?><card/>"
PERSON = {
    "type": "Practitioner",
    "identifier": {"system": "https://hospital.example/account", "value": "anna"},
}


def machine(**more):
    return transparency.machine(CARD, "1.0.0", more.pop("model", HASH), "en", **more)


def codes(concept):
    return [(each["system"], each["code"]) for each in concept["coding"]]


def provenance(**more):
    return transparency.provenance(
        "made-1", machine(chai=CHAI), [{"reference": "Observation/1"}], recorded=NOON, **more
    )


@pytest.mark.parametrize("model", [HASH, ""])
@pytest.mark.parametrize("more", [{}, {"chai": CHAI, "manufacturer": "Acme", "udi": "05412345000013"}])
def test_all_that_is_made_is_valid_r4(model, more):
    by = machine(model=model, **more)
    made = [transparency.device(by), transparency.model_card(by), provenance(person=PERSON, role="doctor")]
    for resource in made:
        fhir.check(fhir.load(fhir.dump(resource)))


def test_labelling_a_resource_that_ai_influenced_shall_carry_aiast():
    assert mark({"resourceType": "Observation", "id": "1"})["meta"]["security"] == [AIAST]


def test_labelling_keeps_the_labels_that_were_there_and_leaves_the_original_alone():
    restricted = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
    before = {"resourceType": "Observation", "meta": {"versionId": "2", "security": [restricted]}}
    made = mark(before, "modified")
    assert made["meta"] == {"versionId": "2", "security": [restricted, AIAST, CLINAST]}
    assert before["meta"]["security"] == [restricted]


@given(
    st.dictionaries(st.sampled_from(["id", "status", "language"]), st.text(min_size=1), max_size=3),
    st.sampled_from(["", "accepted", "modified", "overridden", "deferred"]),
)
def test_marking_twice_is_marking_once_and_loses_nothing(resource, decided):
    once = mark({"resourceType": "Observation", **resource}, decided)
    assert mark(once, decided) == once
    assert resource.items() <= once.items()
    assert (CLINAST in once["meta"]["security"]) == (decided in ("accepted", "modified"))


def test_ai_device_type_is_artificial_intelligence_and_only_that():
    assert codes(transparency.device(machine())["type"]) == [(TYPES, "Artificial-Intelligence")]


@pytest.mark.parametrize(("model", "kind"), [(HASH, "Machine-Learning-Models"), ("", "Rule-Based-Systems")])
def test_ai_device_says_its_kind_in_the_extension_ai_kind(model, kind):
    found = transparency.device(machine(model=model))["extension"][0]
    assert found["url"] == f"{GUIDE}/StructureDefinition/aitransparency.AIKind"
    assert codes(found["valueCodeableConcept"]) == [(TYPES, kind)]


def test_ai_device_refers_to_its_model_card_in_the_extension_model_card_description():
    by = machine()
    found = transparency.device(by)["extension"][1]
    assert found["url"] == f"{GUIDE}/StructureDefinition/aitransparency.modelCardDescription"
    assert found["valueReference"]["reference"] == f"DocumentReference/{transparency.model_card(by)['id']}"


def test_ai_device_names_its_version_its_model_and_the_maker_and_udi_of_a_bought_one():
    made = transparency.device(machine(manufacturer="Acme", udi="05412345000013"))
    assert [each["value"] for each in made["version"]] == ["1.0.0", HASH]
    assert (made["manufacturer"], made["udiCarrier"]) == ("Acme", [{"deviceIdentifier": "05412345000013"}])
    assert not {"manufacturer", "udiCarrier"} & transparency.device(machine()).keys()


def test_ai_model_card_type_is_ai_model_card_and_each_category_has_content_of_its_format():
    made = transparency.model_card(machine(chai=CHAI))
    assert codes(made["type"]) == [(INPUTS, "AIModelCard")]
    assert [codes(each) for each in made["category"]] == [
        [(INPUTS, "AIModelCardMarkdownFormat")],
        [(INPUTS, "AImodelCardCHAIformat")],
    ]
    attached = [each["attachment"] for each in made["content"]]
    assert [each["contentType"] for each in attached] == ["text/markdown", "application/xml"]
    assert base64.b64decode(attached[1]["data"]) == CHAI


def test_ai_model_card_has_the_size_and_the_sha1_that_r4_asks_for_and_says_what_it_is_not_for():
    attached = transparency.model_card(machine())["content"][0]["attachment"]
    body = base64.b64decode(attached["data"])
    assert attached["size"] == len(body)
    assert base64.b64decode(attached["hash"]) == hashlib.sha1(body, usedforsecurity=False).digest()
    assert CARD.say("not_for", "en") in body.decode()


def test_another_model_has_another_device_and_another_card():
    one, other = machine(), machine(model="b" * 64)
    assert transparency.device(one)["id"] != transparency.device(other)["id"]
    assert transparency.model_card(one)["id"] != transparency.model_card(other)["id"]


def test_ai_provenance_has_exactly_one_reason_aiast_beside_others():
    made = provenance(reasons=[{"text": "seen before"}])
    assert [each for each in made["reason"] if each.get("coding") == [AIAST]] == [{"coding": [AIAST]}]
    assert {"text": "seen before"} in made["reason"]


def test_ai_provenance_has_the_device_as_agent_with_a_type_and_the_role_artificial_intelligence():
    agent = provenance()["agent"][0]
    assert agent["who"]["reference"].startswith("Device/")
    assert [code for _, code in codes(agent["type"])] == ["assembler"]
    assert [codes(each) for each in agent["role"]] == [[(TYPES, "Artificial-Intelligence")]]


def test_ai_provenance_has_the_person_as_another_agent_a_verifier():
    agent = provenance(person=PERSON, role="doctor")["agent"][1]
    assert agent["who"]["type"] in {"Practitioner", "PractitionerRole", "RelatedPerson", "Patient"}
    assert [code for _, code in codes(agent["type"])] == ["verifier"]


def test_ai_provenance_has_the_model_card_as_derivation_and_what_was_read_as_source():
    made = provenance(sources=["Observation/9/_history/2", "Observation/9/_history/2"])
    assert [each["role"] for each in made["entity"]] == ["source", "derivation"]
    assert made["entity"][0]["what"] == {"reference": "Observation/9/_history/2"}
    assert made["entity"][1]["what"]["reference"].startswith("DocumentReference/")
