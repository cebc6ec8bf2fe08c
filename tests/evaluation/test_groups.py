"""A row is in one group, for the validation run, live monitoring and the silent trial alike."""

import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.card import Card, Input
from vesalius.evaluation import groups

CARD = Card(
    "x", "1", "test", ("doctor",),
    (Input("age", "number"), Input("sex", "category", levels=("female", "male")), Input("icu", "boolean")),
    (), (), subgroups=("age", "sex", "icu", "absent"),
)  # fmt: skip

AGE = CARD.inputs[0]


@given(st.one_of(st.floats(-5, 120), st.integers(-5, 120)))
def test_a_number_is_in_the_band_between_whose_ends_it_lies(age):
    ends = list(zip(groups.BANDS, (*groups.BANDS[1:], math.inf), strict=True))
    inside = [name for name, (low, high) in zip(groups.names(AGE), ends, strict=True) if low <= age < high]
    assert [groups.of(AGE, age)] == (inside or [None])


@pytest.mark.parametrize(("age", "band"), [(0, "0-17"), (17.9, "0-17"), (18, "18-39"), (80, "80+"), (-1, None), (None, None), (float("nan"), None)])  # fmt: skip
def test_bands(age, band):
    assert groups.of(AGE, age) == band


def test_levels_are_named_as_a_validation_run_names_them():
    table = pa.table({"age": [70.0, None], "sex": ["male", None], "icu": [True, False]})
    assert groups.labels(CARD, table) == {
        "age": ["65-79", None],
        "sex": ["male", None],
        "icu": ["true", "false"],
    }
