"""What would change a prediction."""

import pyarrow as pa

from vesalius.modelling import changes, zone


def rows(model, *facts):
    types = {"age": pa.float64(), "fever": pa.bool_(), "never_known": pa.float64()}
    return pa.table({k: pa.array([f.get(k) for f in facts], types.get(k, pa.string())) for k in model.inputs})


CALM = {"age": 40.0, "nitrite": "negative", "leukocytes": "negative", "sex": "female", "fever": False}


def test_a_change_crosses_the_threshold_when_it_is_made(model):
    now = model.score(rows(model, CALM)).probability[0]
    thresholds = [0.15, 0.4]
    shifts = changes(model, rows(model, CALM), thresholds)[0]
    assert shifts
    for shift in shifts:
        then = model.score(rows(model, CALM | {shift.input: shift.value})).probability[0]
        assert then == shift.probability
        assert zone(then, thresholds) == shift.zone != zone(now, thresholds)
        assert shift.value is not None


def test_only_the_inputs_that_may_change_are_tried(model):
    shifts = changes(model, rows(model, CALM), [0.15, 0.4], inputs={"leukocytes"})[0]
    assert {shift.input for shift in shifts} == {"leukocytes"}


def test_the_nearest_grade_is_given_for_each_zone(model):
    shifts = changes(model, rows(model, CALM), [0.15], inputs={"leukocytes"})[0]
    (shift,) = shifts
    levels = model.terms[2].levels
    before = levels[levels.index(shift.value) - 1]
    assert model.score(rows(model, CALM | {"leukocytes": before})).probability[0] < 0.15


def test_a_missing_fact_may_become_known(model):
    unknown = CALM | {"nitrite": None, "leukocytes": "moderate"}
    shifts = changes(model, rows(model, unknown), [0.5], inputs={"nitrite"})[0]
    assert [shift.value for shift in shifts] == ["positive"]


def test_rows_are_explained_apart(model):
    other = CALM | {"nitrite": "positive"}
    together = changes(model, rows(model, CALM, other), [0.15, 0.4])
    assert together == [changes(model, rows(model, one), [0.15, 0.4])[0] for one in (CALM, other)]


def test_without_a_threshold_nothing_can_change(model):
    assert changes(model, rows(model, CALM), []) == [[]]
