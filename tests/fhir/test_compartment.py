"""Whom a resource is about, and what it refers to."""

import pytest

from vesalius import fhir

P = {"reference": "Patient/1"}


@pytest.mark.parametrize(
    ("resource", "subject"),
    [
        ({"resourceType": "Patient", "id": "1"}, "Patient/1"),
        ({"resourceType": "Patient"}, None),
        ({"resourceType": "Observation", "subject": P}, "Patient/1"),
        ({"resourceType": "Observation", "subject": {"reference": "Patient/1/_history/3"}}, "Patient/1"),
        ({"resourceType": "Observation", "subject": {"reference": "Group/1"}, "performer": [P]}, "Patient/1"),
        ({"resourceType": "Observation", "subject": {"reference": "http://elsewhere/Patient/1"}}, None),
        ({"resourceType": "Observation", "subject": {"identifier": {"value": "1"}}}, None),
        (
            {"resourceType": "AllergyIntolerance", "recorder": {"reference": "Practitioner/2"}, "patient": P},
            "Patient/1",
        ),
        (
            {
                "resourceType": "Appointment",
                "participant": [{"actor": {"reference": "Location/1"}}, {"actor": P}],
            },
            "Patient/1",
        ),
        ({"resourceType": "Coverage", "payor": [{"reference": "Patient/9"}], "beneficiary": P}, "Patient/1"),
        ({"resourceType": "Organization", "id": "1"}, None),
    ],
)
def test_whom_a_resource_is_about(resource, subject):
    assert fhir.subject(resource) == subject


def test_references_are_found_and_rewritten_at_any_depth():
    resource = {"a": P, "b": [{"c": {"reference": "urn:uuid:1", "display": "x"}}], "reference": 5}
    assert list(fhir.references(resource)) == ["Patient/1", "urn:uuid:1"]
    rewritten = fhir.with_references(resource, lambda name: name.replace("urn:uuid:1", "Encounter/7"))
    assert list(fhir.references(rewritten)) == ["Patient/1", "Encounter/7"]
    assert list(fhir.references(resource)) == ["Patient/1", "urn:uuid:1"]
