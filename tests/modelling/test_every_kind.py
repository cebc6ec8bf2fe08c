"""What every kind of model keeps: exact sums, the same bits for one and for many, the same hash everywhere."""

import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.modelling import _ebm, changes, load, train

KINDS = ("logistic", "ebm", "lightgbm")

FRESH = """
import sys
sys.path.insert(0, {folder!r})
from conftest import INPUTS, make
from vesalius.modelling import train, training
from vesalius.modelling import _ebm
training.MANY, _ebm._BAGS, _ebm._FULL_BAGS = {many}, 1, 2
for kind in {kinds!r}:
    print(train(*make(160), INPUTS, seed=5, kind=kind, replicates=2).hash)
"""


def has_trees():
    try:
        import lightgbm  # noqa: F401
    except (ImportError, OSError):
        return False
    return True


HERE = [kind for kind in KINDS if kind != "lightgbm" or has_trees()]


@pytest.fixture(scope="module")
def models(sample, inputs):
    table, outcomes = sample(300, seed=2)
    return {kind: train(table, outcomes, inputs, seed=1, kind=kind, replicates=2) for kind in HERE}


@pytest.mark.parametrize("kind", HERE)
@settings(max_examples=60)
@given(rows=st.data())
def test_contributions_sum_to_the_prediction_whatever_the_facts(models, inputs, kind, rows):
    numbers = st.none() | st.floats(allow_nan=True, allow_infinity=True) | st.integers(-200, 200).map(float)
    columns = {}
    for item in inputs:
        some = {"number": numbers, "boolean": st.none() | st.booleans()}.get(
            item.kind, st.none() | st.sampled_from([*item.levels, "unknown"])
        )
        arrow = {"number": pa.float64(), "boolean": pa.bool_()}.get(item.kind, pa.string())
        columns[item.name] = pa.array(rows.draw(st.lists(some, min_size=4, max_size=4)), arrow)
    table = pa.table(columns)
    scores = models[kind].score(table)
    for place, (row, logit) in enumerate(zip(scores.contributions, scores.logit, strict=True)):
        assert sum(row, scores.base) == logit
        assert sum(reversed(row), scores.base) == logit
        alone = models[kind].score(table.slice(place, 1))
        assert (alone.contributions[0], alone.interval(0)) == (row, scores.interval(place))


@pytest.mark.parametrize("kind", HERE)
def test_a_model_comes_back_from_its_file(models, kind, sample):
    again = load(models[kind].to_bytes())
    assert again == models[kind]
    table, _ = sample(30, seed=4)
    assert again.score(table).logit == models[kind].score(table).logit


@pytest.mark.parametrize("kind", HERE)
def test_a_model_without_replicates_says_that_it_does_not_know_how_sure_it_is(sample, inputs, kind):
    table, outcomes = sample(120)
    model = train(table, outcomes, inputs, kind=kind, replicates=0)
    scores = load(model.to_bytes()).score(table)
    assert scores.interval(0) is None
    assert scores.low == scores.high == (None,) * 120
    assert len(changes(model, table.slice(0, 2), [0.3])) == 2


def test_the_hash_does_not_depend_on_the_process_or_on_how_many_threads_it_may_use(
    request, sample, inputs, monkeypatch
):
    monkeypatch.setattr(_ebm, "_BAGS", 1)
    monkeypatch.setattr(_ebm, "_FULL_BAGS", 2)
    here = [train(*sample(160), inputs, seed=5, kind=kind, replicates=2).hash for kind in HERE]
    # 100: there, the logistic regression is fitted as one of many rows is, to the same answer.
    code = FRESH.format(folder=str(request.path.parent), kinds=HERE, many=100)
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "PYTHONHASHSEED")
    environment = {**os.environ, **dict.fromkeys(names, "3")}
    fresh = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert fresh.stdout.split() == here
    assert len(set(here)) == len(HERE)


def test_the_arrays_and_the_plain_numbers_of_scores_are_the_same(models, sample):
    scores = models["logistic"].score(sample(10)[0])
    assert scores.logit == tuple(scores.logits)
    assert scores.probability == tuple(scores.probabilities)
    assert np.array_equal(np.array(scores.contributions), scores.gains)
    assert [(False in each, True in each) for each in scores.sets] == list(map(tuple, scores.allowed))
