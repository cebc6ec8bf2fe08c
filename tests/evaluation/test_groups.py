"""Live monitoring puts a row in the group in which a validation run puts it."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.card import Card, Input
from vesalius.evaluation import groups, tables

CARD = Card(
    "x", "1", "test", ("doctor",),
    (Input("age", "number"), Input("sex", "category", levels=("female", "male")), Input("icu", "boolean")),
    (), (), subgroups=("age", "sex", "icu", "absent"),
)  # fmt: skip


@given(st.lists(st.one_of(st.none(), st.floats(-5, 120), st.integers(0, 120).map(float)), min_size=1))
def test_a_number_is_in_the_band_of_the_validation_run(ages):
    bands = {place: name for name, member in tables._bands(ages) for place in member.nonzero()[0].tolist()}
    assert [groups.band(age) for age in ages] == [bands.get(place) for place in range(len(ages))]


@pytest.mark.parametrize(("age", "band"), [(0, "0-17"), (17.9, "0-17"), (18, "18-39"), (80, "80+"), (-1, None), (None, None), (float("nan"), None)])  # fmt: skip
def test_bands(age, band):
    assert groups.band(age) == band


def test_levels_are_named_as_a_validation_run_names_them():
    table = pa.table({"age": [70.0, None], "sex": ["male", None], "icu": [True, False]})
    assert groups.labels(CARD, table) == {
        "age": ["65-79", None],
        "sex": ["male", None],
        "icu": ["true", "false"],
    }
