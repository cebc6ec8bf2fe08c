"""A split never lets the answer reach the side that learns."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.errors import Leak, NotEnoughData
from vesalius.evaluation.splits import check_apart, repeated


@settings(deadline=None)
@given(st.integers(0, 1000))
def test_no_patient_is_ever_on_two_sides(seed):
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 60, 200).tolist()
    outcomes = rng.random(200) < 0.4
    for folds in repeated(outcomes, groups, 4, 2, seed):
        check_apart(groups, folds)
        assert set(folds.tolist()) == {0, 1, 2, 3}


def test_repeats_differ_and_seeds_repeat():
    outcomes = np.arange(60) % 3 == 0
    first = repeated(outcomes, range(60), 5, 3, 7)
    assert (first == repeated(outcomes, range(60), 5, 3, 7)).all()
    assert (first[0] != first[1]).any()
    assert (first != repeated(outcomes, range(60), 5, 3, 8)).any()


def test_every_fold_has_its_share_of_events():
    outcomes = np.arange(100) < 20
    (folds,) = repeated(outcomes, range(100), 10, 1, 0)
    assert [int(outcomes[folds == fold].sum()) for fold in range(10)] == [2] * 10
    assert [int((folds == fold).sum()) for fold in range(10)] == [10] * 10


def test_a_patient_on_two_sides_is_refused_without_naming_anyone():
    with pytest.raises(Leak, match="1 patients") as caught:
        check_apart(["Patient/secret", "b", "Patient/secret"], np.array([0, 0, 1]))
    assert "secret" not in str(caught.value)


def test_fewer_patients_than_folds_are_too_few():
    with pytest.raises(NotEnoughData):
        repeated(np.arange(30) < 2, range(30), 5, 1, 0)
