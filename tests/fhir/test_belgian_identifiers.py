"""NISS/INSZ, bis numbers, NIHDI."""

import csv
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.fhir import belgium

DATES = st.dates(min_value=date(1900, 1, 1), max_value=date(2099, 12, 31))


@pytest.mark.parametrize("text", ["85.07.30-033.28", "85073003328", "00012556777"])
def test_published_examples_are_valid(text):
    assert belgium.niss_is_valid(text)
    assert not belgium.niss_is_made_up(text)


@pytest.mark.parametrize(
    "text", ["", "8507300332", "85073003329", "850730033281", "8507300332x", "85993003328", "٨٥٠٧٣٠٠٣٣٢٨"]
)
def test_what_is_no_number_is_refused(text):
    assert not belgium.niss_is_valid(text)
    assert belgium.niss_birth_date(text) is None


@given(DATES, st.sampled_from(["female", "male"]), st.sampled_from([0, 20, 40]))
def test_a_made_up_number_is_well_formed_keeps_its_birth_date_and_belongs_to_nobody(birth, sex, bis):
    number = belgium.made_up_niss(birth, sex, bis=bis)
    assert belgium.niss_is_valid(number)
    assert belgium.niss_birth_date(number) == birth
    assert belgium.niss_is_made_up(number)
    assert belgium.niss_is_bis(number) == bool(bis)


@given(DATES, st.integers(0, 10), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(birth, place, shift):
    number = belgium.made_up_niss(birth, "male")
    wrong = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
    # Another century may fit by chance: then the number is one of another person, and its birth date tells.
    assert not belgium.niss_is_valid(wrong) or belgium.niss_birth_date(wrong) != birth


def test_nihdi_check_digits():
    assert belgium.nihdi_is_valid("1-00001-" + f"{97 - 100001 % 97:02}" + "-004")
    assert not belgium.nihdi_is_valid("1-00001-00-004")
    assert not belgium.nihdi_is_valid("")


@pytest.mark.parametrize(
    "uri",
    [
        belgium.NISS,
        "urn:oid:2.16.840.1.113883.3.6777.5.1",
        "2.16.840.1.113883.3.6777.5.1",
        "https://www.ehealth.fgov.be/standards/fhir/NamingSystem/ssin",
        "http://www.ehealth.fgov.be/standards/fhir/core/NamingSystem/ssin/",
    ],
)
def test_older_forms_of_a_naming_system_become_the_one_in_force(uri):
    assert belgium.system_of(uri) == belgium.NISS


def test_every_published_naming_system_and_its_oid_are_known(shared_data):
    text = (shared_data / "be-lab-fhir" / "be_naming_systems.csv").read_text(encoding="utf-8")
    with_oid = [row for row in csv.DictReader(text.splitlines()) if row["oid"]]
    assert with_oid
    for row in with_oid:
        assert belgium.system_of(f"urn:oid:{row['oid']}") == row["uri"]


def test_what_is_no_naming_system_of_belgium_stays_as_it_is():
    assert belgium.system_of("https://hospital.example/mrn") == "https://hospital.example/mrn"
    assert belgium.system_of("") == ""


@given(DATES, st.integers(1, 998))
def test_the_sex_in_a_number_is_that_of_its_counter(birth, counter):
    body = f"{birth:%y%m%d}{counter:03}"
    number = body + f"{97 - int(('2' if birth.year > 1999 else '') + body) % 97:02}"
    assert belgium.niss_sex(number) == ("male" if counter % 2 else "female")
    assert belgium.normal(belgium.niss_formatted(number)) == number


def test_numbers_that_tell_no_sex():
    assert belgium.niss_sex(belgium.made_up_niss(date(1990, 1, 2), "male")) is None
    assert belgium.niss_sex("11111102504") is None


@given(st.text())
def test_any_text_is_taken_for_what_it_is(text):
    for check in (belgium.niss_is_valid, belgium.nihdi_is_valid, belgium.cbe_is_valid):
        assert check(text) in {True, False}
    assert isinstance(belgium.niss_formatted(text), str)


@given(st.integers(0, 19_999_999), st.integers(0, 96))
def test_an_enterprise_number_has_one_right_pair_of_check_digits(first, wrong):
    body = f"{first:08}"
    right = 97 - first % 97
    assert belgium.cbe_is_valid(f"{body[:4]}.{body[4:7]}.{body[7]}{right:02}")
    assert belgium.cbe_is_valid(f"{body}{wrong:02}") == (wrong == right)
