"""A resource of the usual form says of itself what the long way says of it; any other is left to that."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius import fhir
from vesalius.errors import InvalidResource

OBSERVATION = {
    "resourceType": "Observation",
    "id": "1",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "8302-2", "display": "Body Height"}]},
    "subject": {"reference": "Patient/1"},
    "issued": "2024-05-17T09:30:00.5+02:00",
}


def long_way(raw):
    fhir.check(raw)
    resource = fhir.load(raw)
    return fhir.Usual(
        resource["resourceType"],
        resource["id"],
        fhir.subject(resource),
        fhir.recorded(resource),
        fhir.digest(resource),
    )


def observation(**more):
    return json.dumps(OBSERVATION | more).encode()


def test_the_usual_form_says_the_same_as_the_long_way():
    assert fhir.usual(observation()) == long_way(observation())


@pytest.mark.parametrize("number", ["1.00", "1", "-0", "-0.0", "1e3", "0.10E-7", "12345678901234567890123"])
def test_a_number_keeps_its_digits_in_the_digest(number):
    raw = observation(valueQuantity={"value": 7}).replace(b'"value": 7', b'"value": ' + number.encode())
    assert fhir.usual(raw) == long_way(raw)


@pytest.mark.parametrize("number", ['"1.0"', "true", "null", "[1]", "{}", "1e400", "9" * 400])
def test_what_is_no_number_is_left_to_the_long_way(number):
    raw = observation(valueQuantity={"value": 7}).replace(b'"value": 7', b'"value": ' + number.encode())
    assert fhir.usual(raw) is None


def test_every_digit_of_a_component_and_an_extension_counts():
    raw = observation(
        extension=[{"url": "http://x.org/a", "valueDecimal": 7}],
        component=[{"code": {"text": "a"}, "valueQuantity": {"value": 7}}],
    )
    found = {fhir.usual(raw.replace(b": 7", b": " + each)).digest for each in (b"7", b"7.0", b"7.00")}
    assert len(found) == 3
    assert fhir.usual(raw.replace(b": 7", b": 7.0")) == long_way(raw.replace(b": 7", b": 7.0"))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b'{"resourceType":"Observation"}',
        b'{"resourceType":"Bundle","type":"batch"}',
        b'{"resourceType":"Nothing","id":"1"}',
        observation(contained=[{"resourceType": "Patient", "id": "2"}]),
        observation(subject={"reference": "http://elsewhere.org/Patient/1"}),
        observation(subject={"reference": "Group/1"}),
        observation(issued="2024-02-30T09:30:00Z"),
        observation(status="unheard of"),
        observation(valueString=" "),
        observation(id=None),
        observation(valueString="a", valueBoolean=True),
        observation(_issued={"extension": [{"url": "http://x.org/a", "valueCode": "b"}]}),
        observation().replace(b"Body Height", b"Body \xff"),
    ],
)
def test_another_form_is_left_to_the_long_way(raw):
    assert fhir.usual(raw) is None


@pytest.mark.parametrize(
    ("status", "period"),
    [
        ("finished", {"start": "2024-01-01", "end": "2024-01"}),
        ("in-progress", {"start": "2024-01-01T10:00:00Z", "end": "2024-01-02T10:00:00Z"}),
        ("finished", {"start": "2024"}),
        ("planned", {}),
    ],
)
def test_a_stay_is_known_from_its_start_or_its_end(status, period):
    stay = {
        "resourceType": "Encounter",
        "id": "1",
        "status": status,
        "class": {"code": "IMP"},
        "subject": {"reference": "Patient/1"},
        "period": period,
    }
    raw = json.dumps(stay).encode()
    assert fhir.usual(raw) == long_way(raw)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "id": st.sampled_from(["1", "b-2", "no id!", ""]),
            "issued": st.sampled_from(["2024-05-17T09:30:00Z", "2024-05-17", "x"]),
            "meta": st.sampled_from([{}, {"lastUpdated": "2024-05-17T09:30:00Z"}]),
            "valueString": st.text(),
            "valueQuantity": st.fixed_dictionaries({"value": st.decimals(allow_nan=False, places=3)}),
            "note": st.lists(st.fixed_dictionaries({"text": st.text()})),
        },
    )
)
def test_whatever_the_usual_form_takes_the_long_way_takes_alike(more):
    made = {name: each for name, each in OBSERVATION.items() if name != "issued"} | more
    raw = fhir.dump(made)
    found = fhir.usual(raw)
    if found is None:
        return
    assert found == long_way(raw)


def test_a_wrong_resource_of_the_usual_form_is_refused_by_the_long_way_too():
    raw = fhir.dump(OBSERVATION | {"valueQuantity": {"value": Decimal("1.0"), "unknown": 1}})
    assert fhir.usual(raw) is None
    with pytest.raises(InvalidResource):
        long_way(raw)
