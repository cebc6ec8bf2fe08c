"""NISS/INSZ, bis numbers, NIHDI."""

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
