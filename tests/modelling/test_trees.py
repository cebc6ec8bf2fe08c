"""Boosted trees as data: scored and explained by our own code, as LightGBM does, and refused when unsound."""

import math

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.card import Input
from vesalius.errors import InvalidModel
from vesalius.modelling import Model, ModelStore, Trees, _lightgbm, changes, load, train, zone
from vesalius.modelling._columns import read
from vesalius.modelling._forest import Forest
from vesalius.modelling._tree import Field, Tree, problem
from vesalius.modelling.trees import settle

pytest.importorskip("lightgbm", reason="the challenger is an extra", exc_type=(ImportError, OSError))


@pytest.fixture(scope="module")
def forest(sample, inputs):
    return train(*sample(400), inputs, seed=1, kind="lightgbm", replicates=3)


@pytest.fixture(scope="module")
def ward(sample, inputs):
    """A table with a category of many levels, some with nobody missing: 1,500 rows."""
    table, _ = sample(1500, seed=5)
    rng = np.random.default_rng(4)
    wards = rng.integers(0, 12, 1500)
    table = table.append_column("ward", pa.array([None if w == 11 else f"w{w}" for w in wards], pa.string()))
    age = np.array(table["age"].fill_null(50.0))
    outcomes = rng.random(1500) < 1 / (1 + np.exp(-(np.sin(wards) * 1.5 + (age - 50) / 20)))
    return table, outcomes, (*inputs, Input("ward", "category", tuple(f"w{w}" for w in range(11))))


def coded(fields, table):
    return np.stack([read(table, each.input, each.kind).coded(each.levels) for each in fields])


def grown(table, outcomes, inputs, leaves, rounds=80):
    from vesalius.modelling._lightgbm import Grown, exported

    columns = [read(table, item.name, item.kind) for item in inputs]
    learner = Grown(inputs, columns, outcomes.astype(float), 3)
    booster = learner.library.train(
        learner._parameters(leaves), learner._dataset(np.arange(len(outcomes))), rounds
    )
    return learner, booster, exported(booster, learner.fields, len(outcomes))


@pytest.mark.parametrize("leaves", [2, 8, 24])
def test_scores_and_contributions_are_those_of_lightgbm(ward, leaves):
    table, outcomes, inputs = ward
    learner, booster, trees = grown(table, outcomes, inputs, leaves)
    forest = Forest(learner.fields, trees)
    values = coded(learner.fields, table)
    theirs = booster.predict(learner.matrix, pred_contrib=True)
    # Every split whose input is ever missing was learned with missing values, as LightGBM sees them.
    assert forest.sums(values) == pytest.approx(booster.predict(learner.matrix, raw_score=True), abs=1e-12)
    assert forest.shares(values) == pytest.approx(theirs[:, :-1], abs=1e-7)
    assert forest.expected == pytest.approx(theirs[0, -1], abs=1e-12)
    assert {"ward", "age"} <= {inputs[place].name for tree in trees for place in tree.field}


def test_contributions_are_shapley_values_by_their_definition(ward):
    from itertools import combinations

    table, outcomes, inputs = ward
    learner, _, trees = grown(table, outcomes, inputs, 6, rounds=4)
    values = coded(learner.fields, table.slice(0, 3))

    def worth(tree, known, row, node=0):
        if node < 0:
            return tree.leaf[-1 - node], tree.rows[-1 - node]
        (low, lows), (high, highs) = (worth(tree, known, row, way[node]) for way in (tree.low, tree.high))
        place, value = tree.field[node], values[tree.field[node], row]
        mean = (low * lows + high * highs) / (lows + highs)
        if place in known:
            named = inputs[place].kind == "category"
            goes = value in tree.levels[node] if named else value <= tree.at[node]
            mean = low if (tree.missing[node] if math.isnan(value) else goes) else high
        return mean, lows + highs

    everyone = range(len(inputs))
    for row in range(3):
        for place in everyone:
            others = [other for other in everyone if other != place]
            share = 0.0
            for size in range(len(others) + 1):
                weight = 1 / (len(inputs) * math.comb(len(others), size))
                for known in combinations(others, size):
                    gap = [
                        worth(tree, {*known, place}, row)[0] - worth(tree, set(known), row)[0]
                        for tree in trees
                    ]
                    share += weight * sum(gap)
            assert Forest(learner.fields, trees).shares(values)[row, place] == pytest.approx(share, abs=1e-7)


def test_a_value_that_was_never_missing_goes_where_most_patients_go_when_it_is(sample, inputs):
    table, outcomes = sample(300)
    known = table.set_column(0, "age", table["age"].fill_null(60.0))
    learner, _, trees = grown(known, outcomes, inputs, 4)
    splits = [
        (tree, split)
        for tree in trees
        for split, place in enumerate(tree.field)
        if inputs[place].name == "age"
    ]
    assert splits
    for tree, split in splits:
        assert tree.missing[split] == (
            rows_below(tree, tree.low[split]) >= rows_below(tree, tree.high[split])
        )
    assert not np.isnan(learner.matrix[:, 0]).any()


def rows_below(tree, node):
    if node < 0:
        return tree.rows[-1 - node]
    return rows_below(tree, tree.low[node]) + rows_below(tree, tree.high[node])


def test_a_forest_comes_back_from_its_file_and_its_store(forest, model, tmp_path):
    again = load(forest.to_bytes())
    assert isinstance(again, Trees)
    assert again == forest
    assert again.to_bytes() == forest.to_bytes()
    store = ModelStore(tmp_path)
    assert [store.load(store.save(each)) for each in (forest, model)] == [forest, model]
    assert isinstance(load(model.to_bytes()), Model)


def test_the_same_data_and_seed_give_the_same_forest_in_any_order(forest, sample, inputs):
    table, outcomes = sample(400)
    mixed = np.random.default_rng(0).permutation(400)
    again = train(table.take(mixed), outcomes[mixed], inputs, seed=1, kind="lightgbm", replicates=3)
    assert again.hash == forest.hash


@pytest.mark.parametrize("cores", [1, 3])
def test_the_forest_does_not_depend_on_how_many_cores_grow_its_copies(
    sample, inputs, forest, monkeypatch, cores
):
    monkeypatch.setattr(_lightgbm, "cores", lambda: cores)
    again = train(*sample(400), inputs, seed=1, kind="lightgbm", replicates=3)
    assert again.hash == forest.hash


def test_the_size_of_trees_is_chosen_on_a_part_of_many_rows(sample, inputs, monkeypatch):
    monkeypatch.setattr(_lightgbm, "_CHOSEN_ON", 150)
    forest = train(*sample(400), inputs, seed=1, kind="lightgbm", replicates=0)
    assert forest.facts.chosen["leaves"] in _lightgbm.LEAVES
    assert np.ptp(forest.score(sample(50)[0]).probabilities) > 0.2


def test_the_shares_of_a_forest_sum_to_its_prediction_exactly(forest, sample):
    scores = forest.score(sample(80, seed=7)[0])
    for row, logit in zip(scores.contributions, scores.logit, strict=True):
        assert sum(row, scores.base) == logit
        assert sum(reversed(row), scores.base) == logit


def test_one_row_scores_in_a_forest_as_many_do_bit_for_bit(forest, sample):
    table, _ = sample(60, seed=3)
    many = forest.score(table)
    for row in (0, 17, 59):
        one = forest.score(table.slice(row, 1))
        for name in ("contributions", "logit", "probability", "low", "high", "sets"):
            assert getattr(one, name)[0] == getattr(many, name)[row]
    assert len(forest.score(table.slice(0, 0)).contributions) == 0


def test_the_interval_of_a_forest_holds_its_probability(forest, sample):
    scores = forest.score(sample(50, seed=3)[0])
    for low, middle, high in zip(scores.low, scores.probability, scores.high, strict=True):
        assert 0 <= low <= middle <= high <= 1


def test_a_forest_is_calibrated_on_new_patients(sample, inputs):
    forest = train(*sample(1500), inputs, kind="lightgbm", replicates=0)
    table, outcomes = sample(3000, seed=99)
    assert np.mean(forest.score(table).probability) == pytest.approx(outcomes.mean(), abs=0.03)


def test_a_level_that_a_forest_does_not_know_counts_as_missing(forest, sample):
    table = sample(1)[0]
    strange = table.set_column(3, "sex", pa.array(["purple"]))
    missing = table.set_column(3, "sex", pa.array([None], pa.string()))
    assert forest.score(strange).logit == forest.score(missing).logit


def test_a_change_in_a_forest_crosses_the_threshold_when_it_is_made(forest, sample):
    table = sample(20, seed=8)[0]
    now = forest.score(table)
    for row, shifts in enumerate(changes(forest, table, [0.2, 0.5])):
        for shift in shifts:
            facts = table.slice(row, 1).to_pylist()[0] | {shift.input: shift.value}
            then = forest.score(pa.Table.from_pylist([facts], table.schema)).probability[0]
            assert then == shift.probability
            assert zone(then, [0.2, 0.5]) == shift.zone != zone(now.probability[row], [0.2, 0.5])


def replaced(forest, **fields):
    """The forest with its first tree that has a split changed, and a right check sum."""
    place = next(number for number, tree in enumerate(forest.trees) if len(tree.field) > 1)
    tree = msgspec.structs.replace(forest.trees[place], **fields)
    trees = (*forest.trees[:place], tree, *forest.trees[place + 1 :])
    return msgspec.structs.replace(forest, trees=trees).to_bytes()


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda tree: {"low": (0, *tree.low[1:])}, "before its parent"),
        (lambda tree: {"low": (len(tree.low), *tree.low[1:])}, "out of range"),
        (lambda tree: {"low": (-99, *tree.low[1:])}, "out of range"),
        (lambda tree: {"low": (tree.high[0], *tree.low[1:])}, "parent"),
        (lambda tree: {"leaf": (float("nan"), *tree.leaf[1:])}, "cannot be read"),
        (lambda tree: {"leaf": (1e300, *tree.leaf[1:])}, "grid"),
        (lambda tree: {"leaf": (1e-9, *tree.leaf[1:])}, "grid"),
        (lambda tree: {"at": (1e999, *tree.at[1:])}, "cannot be read"),
        (lambda tree: {"rows": (0, *tree.rows[1:])}, "without rows"),
        (lambda tree: {"field": (99, *tree.field[1:])}, "not there"),
        (lambda tree: {"levels": ((7, 3), *tree.levels[1:])}, "levels"),
        (lambda tree: {"missing": ()}, "complete"),
        (lambda tree: {"leaf": tree.leaf[1:]}, "leaves"),
    ],
)
def test_an_unsound_tree_is_refused_even_with_a_right_check_sum(forest, change, wrong):
    tree = next(tree for tree in forest.trees if len(tree.field) > 1)
    with pytest.raises(InvalidModel, match=wrong):
        load(replaced(forest, **change(tree)))


@pytest.mark.parametrize(
    "fields",
    [
        {"constant": 1e-9},
        {"fields": ()},
        {"trees": None},
    ],
)
def test_an_unsound_forest_is_refused(forest, fields):
    with pytest.raises(InvalidModel):
        load(msgspec.structs.replace(forest, **fields).to_bytes())


def test_any_damaged_byte_of_a_forest_is_refused(forest):
    raw = forest.to_bytes()
    for place in range(0, len(raw), len(raw) // 60):
        broken = bytearray(raw)
        broken[place] ^= 1
        with pytest.raises(InvalidModel):
            load(bytes(broken))


FIELDS = (
    Field(input="a", kind="number"),
    Field(input="b", kind="category", levels=("x", "y", "z")),
    Field(input="c", kind="boolean", levels=("false", "true")),
)
SMALL = st.integers(-5, 3)


@given(st.data())
def test_whatever_a_file_says_a_tree_leads_down_to_a_leaf_or_is_refused(data):
    splits = data.draw(st.integers(0, 4))

    def some(what, size):
        return tuple(data.draw(st.lists(what, min_size=size, max_size=size)))

    tree = Tree(
        field=some(st.integers(0, 2), splits),
        at=some(st.sampled_from([0.0, 1.5]), splits),
        levels=some(st.sampled_from([(), (0,), (1, 2)]), splits),
        missing=some(st.booleans(), splits),
        low=some(SMALL, splits),
        high=some(SMALL, splits),
        rows=some(st.integers(0, 3), splits + 1),
        leaf=some(st.sampled_from([0.0, 0.5, -0.25]), splits + 1),
    )
    if problem(tree, FIELDS):
        return
    forest = Forest(FIELDS, [tree])
    values = np.array([[0.0, 3.0, np.nan], [0.0, np.nan, 2.0], [1.0, 0.0, np.nan]])
    sums = forest.sums(values)
    assert set(sums.tolist()) <= set(tree.leaf)
    assert forest.shares(values).sum(axis=1) + forest.expected == pytest.approx(sums, abs=1e-8)


@given(st.integers(0, 2**32), st.integers(1, 9), st.integers(1, 30))
def test_rounded_shares_sum_exactly_and_stay_close(seed, inputs, rows):
    rng = np.random.default_rng(seed)
    gains = rng.normal(size=(rows, inputs))
    sums = np.rint(gains.sum(axis=1) * 4096) / 4096
    rounded = settle(gains, sums)
    assert (rounded.sum(axis=1) == sums).all()
    assert np.abs(rounded - gains).max() <= 1.01 / 4096
