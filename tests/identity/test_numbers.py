"""The numbers of patients, practitioners and organisations: one form each, flagged and never refused."""

import gzip
import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from people import full, patient

from vesalius import identity
from vesalius.fhir import belgium
from vesalius.identity import names

BORN = date(2089, 3, 2)  # nobody has these numbers yet
MADE_UP = belgium.made_up_niss(BORN, "female")


def valid(counter=124, bis=0):
    body = f"{BORN:%y}{BORN.month + bis:02}{BORN:%d}{counter:03}"
    return body + f"{97 - int('2' + body) % 97:02}"


def flags(value, system=belgium.NISS, kind="Patient", **more):
    resource = full("a", **more) if kind == "Patient" else {"resourceType": kind, "id": "a", **more}
    return set(identity.flags(resource | {"identifier": [{"system": system, "value": value}]}))


@pytest.mark.parametrize(
    ("value", "more", "expected"),
    [
        (valid(), {}, set()),
        (belgium.niss_formatted(valid()), {}, set()),
        (valid()[:-1] + "0", {}, {"niss-invalid"}),
        ("x", {}, {"niss-invalid"}),
        (MADE_UP, {}, {"niss-made-up"}),
        (valid(), {"birthDate": "2089-03-03"}, {"niss-birth"}),
        (valid(), {"birthDate": "2089"}, set()),
        (valid(), {"gender": "male"}, {"niss-sex"}),
        (valid(125), {"gender": "unknown"}, set()),
        (valid(125, bis=20), {"gender": "female"}, set()),
    ],
)
def test_what_is_odd_about_a_national_number_is_a_flag(value, more, expected):
    assert flags(value, **more) == expected


def test_numbers_of_practitioners_and_organisations_are_checked_too():
    assert flags("1-00001-00-004", belgium.NIHDI, "Practitioner") == {"nihdi-invalid"}
    assert flags("BE 0419.052.174", belgium.CBE, "Organization") == {"cbe-invalid"}


def test_several_numbers_in_use_are_odd_and_a_former_one_is_not():
    two = [{"system": belgium.NISS, "value": valid(each)} for each in (124, 126)]
    assert set(identity.flags(full("a", identifier=two))) == {"niss-several"}
    two[0]["use"] = "old"
    assert not identity.flags(full("a", identifier=two))


def test_a_number_without_a_system_is_of_who_gave_it_out_or_national_if_its_type_says_so():
    typed = {"type": {"coding": [{"code": "MR"}]}, "assigner": {"display": "Sainte-Ode"}, "value": " 12 "}
    national = {"type": {"coding": [{"code": "NI"}]}, "value": belgium.niss_formatted(valid())}
    found = identity.numbers(patient("a", identifier=[typed, national, {"value": " "}, {}]))
    assert [(each.system, each.value) for each in found] == [
        ("Sainte-Ode#MR", "12"),
        (belgium.NISS, valid()),
    ]


def test_the_numbers_of_belgian_laboratory_bundles_are_read_and_the_wrong_ones_flagged(shared_data):
    path = shared_data / "be-lab-fhir" / "lab_bundles.ndjson.gz"
    found, said = 0, set()
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            for entry in json.loads(line)["bundle"].get("entry", ()):
                resource = entry.get("resource", {})
                if resource.get("resourceType") == "Patient":
                    found += any(each.system == belgium.NISS for each in identity.numbers(resource))
                    said |= set(identity.flags(resource))
    assert found >= 30
    assert "niss-invalid" in said, "one of the dummies has wrong check digits, as its README says"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("abc", "other characters"),
        ("123", "3 digits"),
        (valid()[:-2] + "00", "should be"),
        (valid(bis=40), "bis number"),
        (MADE_UP, "no person has it"),
        (valid(), "National Register"),
        ("85993003328", "month"),
    ],
)
def test_a_number_is_explained(number, words):
    if number == "85993003328":  # right check digits for a month that is none
        number = "859930033" + f"{97 - 859930033 % 97:02}"
    assert words in identity.explained(number).words


TEXT = st.text(max_size=20)


@given(TEXT, TEXT)
def test_names_agree_both_ways_and_with_themselves(one, other):
    for how in (names.families, names.givens):
        assert how(one, other) == how(other, one)
        assert how(one, one) in {names.SAME, names.UNKNOWN}
    assert names.one_slip(one, other) == names.one_slip(other, one)
    assert not names.one_slip(one, one)


@given(st.text("abcdef", min_size=4, max_size=9), st.data())
def test_one_slip_is_always_seen(name, data):
    at = data.draw(st.integers(0, len(name) - 2))
    for slip in (name[:at] + name[at + 1 :], name[:at] + "z" + name[at + 1 :], name[:at] + "z" + name[at:]):
        assert names.one_slip(name, slip)
    swapped = name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    assert names.one_slip(name, swapped) or swapped == name


@given(st.dictionaries(st.sampled_from(["system", "value", "use"]), TEXT), TEXT, TEXT)
def test_any_identifier_is_taken_for_what_it_is(identifier, family, birth):
    resource = patient("a", identifier=[identifier], name=[{"family": family}], birthDate=birth)
    identity.flags(resource)
    one = identity.person(resource)
    assert identity.compare(one, one)
