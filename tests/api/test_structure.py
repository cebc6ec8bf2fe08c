"""Each kind of structural error is refused with the path of its element, and without its value."""

import copy

import pytest
from machines import PATIENT, issues, observation, posted, transaction

WRONG = {
    "an unknown element": (PATIENT | {"colour": "zebra"}, "Patient.colour"),
    "an unknown element inside": (PATIENT | {"contact": [{"nom": "zebra"}]}, "Patient.contact[0].nom"),
    "a wrong type inside": (
        PATIENT | {"contact": [{"name": {"family": 3}}]},
        "Patient.contact[0].name.family",
    ),
    "a list where one is wanted": (PATIENT | {"gender": ["zebra"]}, "Patient.gender"),
    "one where a list is wanted": (PATIENT | {"name": {"family": "zebra"}}, "Patient.name"),
    "an empty list": (PATIENT | {"name": []}, "Patient.name"),
    "a missing element": (
        {"resourceType": "Observation", "id": "o", "code": {"text": "zebra"}},
        "Observation.status",
    ),
    "a missing element inside": (PATIENT | {"link": [{"type": "seealso"}]}, "Patient.link[0].other"),
    "two values of one choice": (observation(valueString="zebra"), "Observation.value[x]"),
    "a code outside a required list": (PATIENT | {"gender": "zebra"}, "Patient.gender"),
    "a code outside, in a list": (
        PATIENT | {"name": [{"family": "x"}, {"use": "zebra"}]},
        "Patient.name[1].use",
    ),
    "a date of no form": (PATIENT | {"birthDate": "zebra"}, "Patient.birthDate"),
    "a number as text": (observation(valueQuantity={"value": "zebra"}), "Observation.valueQuantity.value"),
    "a whole number with a fraction": (observation(valueInteger=1.5) | {"valueQuantity": None}, ""),
    "a contained resource": (
        PATIENT | {"contained": [{"resourceType": "Organization", "id": "c", "nom": "zebra"}]},
        "Patient.contained[0].nom",
    ),
    "a contained resource of no type": (PATIENT | {"contained": [{"id": "zebra"}]}, "Patient.contained[0]"),
    "an extension without url": (
        PATIENT | {"extension": [{"valueString": "zebra"}]},
        "Patient.extension[0].url",
    ),
    "two values of an extension": (
        PATIENT | {"extension": [{"url": "urn:x", "valueString": "zebra", "valueInteger": 1}]},
        "Patient.extension[0].value[x]",
    ),
    "a value of an extension": (
        PATIENT | {"extension": [{"url": "urn:x", "valueDate": "zebra"}]},
        "Patient.extension[0].valueDate",
    ),
    "a wrong sibling of a primitive": (
        PATIENT | {"_birthDate": {"extension": [{"url": "urn:x", "valueZebra": 1}]}},
        "Patient._birthDate.extension[0].valueZebra",
    ),
    "an empty text": (PATIENT | {"name": [{"family": ""}]}, "Patient.name[0].family"),
    "an id of no form": (PATIENT | {"name": [{"id": "zebra!"}], "link": [{}]}, "Patient.link[0].other"),
    "null": (PATIENT | {"gender": None}, "Patient.gender"),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_path_of_what_is_wrong_is_named_and_no_value_is_repeated(single, small, name):
    resource, path = copy.deepcopy(WRONG[name])
    refused = single.put(f"/{resource['resourceType']}/{resource['id']}", resource)
    assert refused.status_code == 422, refused.text
    said = issues(refused)
    assert said[0][0] == path or not path, said
    assert said[0][0].startswith(resource["resourceType"])
    assert "zebra" not in refused.text
    assert small.lake.position() == 0


def test_the_siblings_of_primitives_extensions_and_nulls_in_lists_are_taken_in(single):
    rare = PATIENT | {
        "_birthDate": {"extension": [{"url": "urn:time", "valueTime": "10:00:00"}]},
        "name": [
            {
                "given": ["Jan", None],
                "_given": [None, {"extension": [{"url": "urn:x", "valueBoolean": True}]}],
            }
        ],
        "contained": [{"resourceType": "Organization", "id": "c", "name": "Huis"}],
        "managingOrganization": {"reference": "#c"},
    }
    assert single.put("/Patient/p1", rare).status_code == 201
    back = single.get("/Patient/p1").json()
    assert back == rare | {"meta": back["meta"]}


def test_several_wrong_elements_are_all_named(single):
    wrong = PATIENT | {"gender": "zebra", "birthDate": "zebra", "colour": 1, "name": []}
    refused = single.put("/Patient/p1", wrong)
    assert {path for path, _ in issues(refused)} == {
        "Patient.gender", "Patient.birthDate", "Patient.colour", "Patient.name",
    }  # fmt: skip


def test_inside_a_bundle_the_path_begins_at_the_entry(single):
    wrong = posted(PATIENT | {"contact": [{"name": {"family": 3}}], "gender": "zebra"})
    refused = single.post("", transaction(posted(observation()), wrong))
    assert refused.status_code == 422
    assert {path for path, _ in issues(refused)} == {
        "Bundle.entry[1].resource.contact[0].name.family",
        "Bundle.entry[1].resource.gender",
    }


@pytest.mark.parametrize(
    ("bundle", "path"),
    [
        (
            {"type": "transaction", "entry": [{"request": {"method": 1, "url": "x"}}]},
            "Bundle.entry[0].request.method",
        ),
        ({"type": "transaction", "entry": [{"colour": 1}]}, "Bundle.entry[0]"),
        ({"type": "transaction", "entry": {}}, "Bundle.entry"),
        ({"type": "transaction", "colour": 1}, "Bundle"),
        ({"type": 3}, "Bundle.type"),
        ({}, "Bundle"),
    ],
)
def test_a_bundle_of_another_form_is_refused_at_its_element(single, bundle, path):
    refused = single.post("", {"resourceType": "Bundle", **bundle})
    assert refused.status_code == 422
    assert issues(refused)[0][0] == path
