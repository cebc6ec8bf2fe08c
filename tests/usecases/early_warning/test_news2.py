"""NEWS2: every band of the chart with its ends, both scales, and what is not measured."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.usecases.early_warning import news2
from vesalius.usecases.early_warning.news2 import PARAMETERS, Response, points, score

# Royal College of Physicians, NEWS2, 2017, chart 1, typed from the chart: the two ends of every band and its points.
CHART = [
    ("respiratory_rate", (1, 8), 3),
    ("respiratory_rate", (9, 11), 1),
    ("respiratory_rate", (12, 20), 0),
    ("respiratory_rate", (21, 24), 2),
    ("respiratory_rate", (25, 70), 3),
    ("oxygen_saturation", (50, 91), 3),
    ("oxygen_saturation", (92, 93), 2),
    ("oxygen_saturation", (94, 95), 1),
    ("oxygen_saturation", (96, 100), 0),
    ("oxygen_saturation_2_air", (50, 83), 3),
    ("oxygen_saturation_2_air", (84, 85), 2),
    ("oxygen_saturation_2_air", (86, 87), 1),
    ("oxygen_saturation_2_air", (88, 92), 0),
    ("oxygen_saturation_2_air", (93, 100), 0),
    ("oxygen_saturation_2_oxygen", (50, 83), 3),
    ("oxygen_saturation_2_oxygen", (84, 85), 2),
    ("oxygen_saturation_2_oxygen", (86, 87), 1),
    ("oxygen_saturation_2_oxygen", (88, 92), 0),
    ("oxygen_saturation_2_oxygen", (93, 94), 1),
    ("oxygen_saturation_2_oxygen", (95, 96), 2),
    ("oxygen_saturation_2_oxygen", (97, 100), 3),
    ("oxygen", (0, 0), 0),
    ("oxygen", (1, 1), 2),
    ("systolic_pressure", (40, 90), 3),
    ("systolic_pressure", (91, 100), 2),
    ("systolic_pressure", (101, 110), 1),
    ("systolic_pressure", (111, 219), 0),
    ("systolic_pressure", (220, 300), 3),
    ("pulse", (20, 40), 3),
    ("pulse", (41, 50), 1),
    ("pulse", (51, 90), 0),
    ("pulse", (91, 110), 1),
    ("pulse", (111, 130), 2),
    ("pulse", (131, 250), 3),
    ("consciousness", (0, 0), 0),
    ("consciousness", (1, 1), 3),
    ("temperature", (25.0, 35.0), 3),
    ("temperature", (35.1, 36.0), 1),
    ("temperature", (36.1, 38.0), 0),
    ("temperature", (38.1, 39.0), 1),
    ("temperature", (39.1, 43.0), 2),
]

NORMAL = {
    "respiratory_rate": 16,
    "oxygen_saturation": 97,
    "oxygen": 0,
    "systolic_pressure": 124,
    "pulse": 72,
    "consciousness": 0,
    "temperature": 36.8,
}


def scored(scale_2=None, **changed):
    """One patient, normal but for what is said; None is not measured."""
    values = NORMAL | changed
    measured = {
        name: np.array([np.nan if values[name] is None else values[name]], dtype=float) for name in PARAMETERS
    }
    return score(measured, None if scale_2 is None else np.array([scale_2]))


def span(made):
    return int(made.low[0]), int(made.high[0])


@pytest.mark.parametrize(("name", "band", "expected"), CHART)
def test_both_ends_of_every_band_have_the_points_of_the_chart(name, band, expected):
    low, high = points(name, np.array(band, dtype=float))
    assert low.tolist() == high.tolist() == [expected, expected]


def test_the_chart_is_whole():
    assert {name for name, *_ in CHART} == set(news2._table())
    for name in news2._table():
        bands = sorted(band for each, band, _ in CHART if each == name)
        gaps = [round(after[0] - before[1], 6) for before, after in pairwise(bands)]
        assert set(gaps) <= {news2._table()[name][0]}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [("pulse", 90.4, 0), ("pulse", 90.5, 1), ("temperature", 38.04, 0), ("temperature", 38.05, 1)],
)
def test_a_number_between_two_bands_is_rounded_as_the_chart_is_ruled(name, value, expected):
    assert points(name, np.array([value]))[0].tolist() == [expected]


def test_a_normal_patient_has_no_points_and_the_worst_has_twenty():
    assert span(scored()) == (0, 0)
    worst = scored(
        respiratory_rate=30,
        oxygen_saturation=85,
        oxygen=1,
        systolic_pressure=80,
        pulse=140,
        consciousness=1,
        temperature=34,
    )
    assert span(worst) == (20, 20)


@pytest.mark.parametrize("name", PARAMETERS)
def test_what_is_not_measured_is_a_range_and_never_zero(name):
    made = scored(**{name: None})
    most = 2 if name == "oxygen" else 3
    assert span(made) == (0, most)
    assert made.missing(0) == (name,)


def test_with_nothing_measured_the_score_may_be_anything():
    made = scored(**dict.fromkeys(PARAMETERS))
    assert span(made) == (0, 20)
    assert [int(each[0]) for each in made.response] == [Response.ROUTINE, Response.EMERGENCY]


@pytest.mark.parametrize(
    ("saturation", "oxygen", "expected"),
    [
        (90, 0, (0, 0)),
        (95, 0, (0, 0)),
        (95, 1, (4, 4)),
        (95, None, (0, 4)),
        (86, 1, (3, 3)),
        (None, 1, (2, 5)),
    ],
)
def test_scale_two_depends_on_the_oxygen_that_is_given(saturation, oxygen, expected):
    assert span(scored(scale_2=True, oxygen_saturation=saturation, oxygen=oxygen)) == expected


def test_scale_two_counts_only_for_whom_it_is_prescribed():
    measured = {name: np.array([NORMAL[name]] * 2, dtype=float) for name in PARAMETERS}
    measured["oxygen_saturation"] = np.array([90.0, 90.0])
    assert score(measured, np.array([False, True])).low.tolist() == [3, 0]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, Response.ROUTINE),
        ({"pulse": 95}, Response.WARD),
        ({"pulse": 95, "temperature": 38.5, "oxygen": 1}, Response.WARD),
        ({"respiratory_rate": 8}, Response.RED),
        ({"consciousness": 1}, Response.RED),
        ({"oxygen": 1, "pulse": 115, "temperature": 38.5}, Response.URGENT),
        ({"oxygen": 1, "pulse": 115, "temperature": 39.5}, Response.URGENT),
        ({"oxygen": 1, "pulse": 115, "temperature": 39.5, "systolic_pressure": 105}, Response.EMERGENCY),
    ],
)
def test_the_response_is_that_of_the_chart(changed, expected):
    least, most = scored(**changed).response
    assert least[0] == most[0] == expected


values = {
    "respiratory_rate": st.floats(1, 80),
    "oxygen_saturation": st.floats(40, 100),
    "oxygen": st.sampled_from([0.0, 1.0]),
    "systolic_pressure": st.floats(40, 280),
    "pulse": st.floats(20, 230),
    "consciousness": st.sampled_from([0.0, 1.0]),
    "temperature": st.floats(28, 43),
}


@given(st.fixed_dictionaries(values), st.sets(st.sampled_from(PARAMETERS)), st.booleans())
def test_the_range_always_holds_what_the_whole_set_would_have_given(measured, left_out, scale_2):
    whole = scored(scale_2, **measured)
    part = scored(scale_2, **{**measured, **dict.fromkeys(left_out)})
    assert whole.low[0] == whole.high[0]
    assert part.low[0] <= whole.low[0] <= part.high[0]
    assert part.response[0][0] <= whole.response[0][0] <= part.response[1][0]
    assert set(part.missing(0)) == left_out


@given(st.lists(st.fixed_dictionaries(values), min_size=1, max_size=5))
def test_many_patients_are_scored_as_each_alone(patients):
    together = score({name: np.array([each[name] for each in patients]) for name in PARAMETERS})
    assert together.low.tolist() == [int(scored(**each).low[0]) for each in patients]
