"""LACE and HOSPITAL on worked examples, point by point."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.usecases.readmission import scores
from vesalius.usecases.readmission.scores import Score, hospital, lace

WHOLE = {
    "length_of_stay": 1,
    "admission": "elective",
    "charlson": 0,
    "previous_emergency": 0,
    "haemoglobin": 13.0,
    "specialty": "cardiology",
    "sodium": 140.0,
    "procedures": 0,
    "previous_inpatient": 0,
}


@pytest.mark.parametrize(
    ("days", "points"), [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (6, 4), (7, 5), (13, 5), (14, 7), (40, 7)]
)
def test_length_of_stay_in_lace(days, points):
    assert lace(WHOLE | {"length_of_stay": days}).points == points


@pytest.mark.parametrize(("index", "points"), [(0, 0), (1, 1), (2, 2), (3, 3), (4, 5), (11, 5)])
def test_comorbidity_in_lace(index, points):
    assert lace(WHOLE | {"charlson": index}).points == 1 + points


@pytest.mark.parametrize(("visits", "points"), [(0, 0), (3, 3), (4, 4), (17, 4)])
def test_emergency_visits_in_lace(visits, points):
    assert lace(WHOLE | {"previous_emergency": visits}).points == 1 + points


def test_an_acute_admission_is_three_points_of_lace():
    assert lace(WHOLE | {"admission": "emergency"}) == Score(4, ())
    # The most that LACE can be: 7 + 3 + 5 + 4 (van Walraven 2010: 0 to 19).
    most = {"length_of_stay": 20, "admission": "trauma", "charlson": 9, "previous_emergency": 9}
    assert lace(most).points == 19


@pytest.mark.parametrize(
    ("fact", "points"),
    [
        ({"haemoglobin": 11.9}, 1),
        ({"haemoglobin": 12.0}, 0),
        ({"specialty": "oncology"}, 2),
        ({"sodium": 134.9}, 1),
        ({"sodium": 135.0}, 0),
        ({"procedures": 1}, 1),
        ({"admission": "urgent"}, 1),
        ({"previous_inpatient": 1}, 2),
        ({"previous_inpatient": 5}, 2),
        ({"previous_inpatient": 6}, 5),
        ({"length_of_stay": 4}, 0),
        ({"length_of_stay": 5}, 2),
    ],
)
def test_each_part_of_hospital(fact, points):
    assert hospital(WHOLE | fact) == Score(points, ())


def test_hospital_is_at_most_thirteen_points():
    most = {
        "haemoglobin": 8,
        "specialty": "oncology",
        "sodium": 120,
        "procedures": 3,
        "admission": "emergency",
    }
    assert hospital(most | {"previous_inpatient": 9, "length_of_stay": 12}).points == 13


def test_what_is_not_known_is_named_and_adds_nothing():
    assert lace({}) == Score(0, ("L", "A", "C", "E"))
    assert hospital({"length_of_stay": 9}) == Score(2, ("H", "O", "S", "P", "I", "A"))


@given(st.dictionaries(st.sampled_from(sorted(set(WHOLE) - {"admission", "specialty"})), st.integers(0, 500)))
def test_scores_stay_within_their_range(facts):
    assert 0 <= lace(facts).points <= 16
    assert 0 <= hospital(facts).points <= 13


def test_the_points_are_those_of_the_stored_tables(shared_data):
    tables = json.loads((shared_data / "clinical-scores" / "scores.json").read_bytes())
    for low, high, points in tables["LACE"]["items"]["L_days"]:
        assert {lace({"length_of_stay": day}).points for day in (low, high or low)} == {points}
    for low, high, points in tables["LACE"]["items"]["C_charlson"]:
        assert {lace({"charlson": index}).points for index in (low, high or low)} == {points}
    assert tables["LACE"]["items"]["A_acute_admission"] == scores.ACUTE_POINTS
    items = tables["HOSPITAL"]["items"]
    assert items["discharge_from_oncology"] == scores.ONCOLOGY_POINTS
    assert items["length_of_stay_ge_5_days"] == scores.LONG_STAY_POINTS
