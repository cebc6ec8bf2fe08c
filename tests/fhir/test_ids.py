"""Ids made from what a resource is known by."""

import re

from hypothesis import given
from hypothesis import strategies as st

from vesalius.fhir import check, made_id

PART = st.text(st.characters(exclude_characters="\x1f", exclude_categories=("Cs",)))


def test_an_id_stays_what_it_was_for_ever():
    assert made_id("Patient", "https://hospital.example/mrn", "12") == "e5a791b387a09a791ac7e92ea49ea61c"


@given(st.lists(PART, min_size=1, max_size=4), st.lists(PART, min_size=1, max_size=4))
def test_other_parts_make_another_id_and_each_is_one_of_fhir(one, other):
    assert re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", made_id(*one))
    assert (made_id(*one) == made_id(*other)) == (one == other)


def test_a_made_id_is_a_valid_id_of_a_resource():
    check({"resourceType": "Patient", "id": made_id("Patient", "urn:x", "1")})
