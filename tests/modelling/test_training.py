"""Training: honest, reproducible, and refused where there is too little to learn from."""

import math
import subprocess
import sys

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from vesalius.card import Input
from vesalius.errors import InvalidModel, NotEnoughData
from vesalius.modelling import Model, _large, _logistic, deal, points_of, train, training
from vesalius.modelling._coding import knots
from vesalius.modelling._ridge import STRENGTHS
from vesalius.modelling.scores import Bounds
from vesalius.modelling.training import conformal

FRESH = """
import sys
sys.path.insert(0, {folder!r})
from conftest import INPUTS, make
from vesalius.modelling import train
print(train(*make(120), INPUTS, seed=5, replicates=5).hash)
"""


def test_the_same_data_and_seed_give_the_same_hash_in_another_process(sample, inputs, request):
    here = train(*sample(120), inputs, seed=5, replicates=5).hash
    code = FRESH.format(folder=str(request.path.parent))
    fresh = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert fresh.stdout.strip() == here


def test_the_order_of_the_rows_does_not_matter(sample, inputs):
    table, outcomes = sample(120)
    mixed = np.random.default_rng(0).permutation(120)
    again = train(table.take(mixed.tolist()), outcomes[mixed], inputs, seed=5, replicates=5)
    assert again.hash == train(table, outcomes, inputs, seed=5, replicates=5).hash


def test_another_seed_or_another_outcome_gives_another_model(sample, inputs):
    table, outcomes = sample(120)
    hashes = {train(table, outcomes, inputs, seed=seed, replicates=2).hash for seed in (0, 1)}
    flipped = outcomes.copy()
    flipped[0] = ~flipped[0]
    hashes.add(train(table, flipped, inputs, seed=0, replicates=2).hash)
    assert len(hashes) == 3


def test_training_leaves_the_global_random_state_alone(sample, inputs):
    before = np.random.get_state()[1].tolist()
    train(*sample(60), inputs, replicates=2)
    assert np.random.get_state()[1].tolist() == before


def test_the_facts_say_what_was_learned_from(sample, inputs):
    table, outcomes = sample(120)
    facts = train(table, outcomes, inputs, seed=9, replicates=2).facts
    assert (facts.rows, facts.events, facts.seed, facts.kind) == (120, int(outcomes.sum()), 9, "logistic")
    assert len(facts.data) == 64


def test_what_matters_is_found_and_what_does_not_fades(sample, inputs):
    points = points_of(train(*sample(2000), inputs, replicates=2))
    assert points["nitrite"]["positive"] - points["nitrite"]["negative"] == pytest.approx(2, abs=0.5)
    grades = [points["leukocytes"][level] for level in inputs[2].levels]
    assert grades == sorted(grades)
    assert abs(points["fever"]["true"] - points["fever"]["false"]) < 0.15
    assert set(points["never_known"].values()) == {0.0}


def test_predictions_are_calibrated_on_new_patients(sample, inputs):
    model = train(*sample(1500), inputs, replicates=2)
    table, outcomes = sample(4000, seed=99)
    assert np.mean(model.score(table).probability) == pytest.approx(outcomes.mean(), abs=0.03)
    logits = np.array(model.score(table).logit)
    intercept, slope = _logistic.recalibration(logits, outcomes.astype(float))
    assert slope == pytest.approx(1, abs=0.15)
    assert intercept == pytest.approx(0, abs=0.15)


def test_prediction_sets_hold_the_truth_nine_times_in_ten_in_each_class(sample, inputs):
    held = {True: [], False: []}
    for seed in range(4):
        model = train(*sample(400, seed=seed), inputs, replicates=0)
        table, outcomes = sample(2000, seed=seed + 50)
        for truth, allowed in zip(outcomes.tolist(), model.score(table).sets, strict=True):
            held[truth].append(truth in allowed)
    assert np.mean(held[True]) == pytest.approx(0.9, abs=0.04)
    assert np.mean(held[False]) == pytest.approx(0.9, abs=0.04)


def test_a_class_too_small_to_exclude_is_always_in_the_set():
    bounds = conformal(np.array([2.0, 1.0, 0.0, -1.0]), np.array([True, True, False, False]), 0.9)
    assert bounds.positive_from is None
    assert bounds.negative_to is None


def test_strata_have_prediction_sets_of_their_own_where_they_are_large(sample, inputs, monkeypatch):
    monkeypatch.setattr(training, "STRATUM", 60)
    model = train(*sample(2500, seed=1), inputs, replicates=0, strata="nitrite")
    assert model.conformal.by == "nitrite"
    assert set(model.conformal.strata) == {"negative", "positive"}
    table, outcomes = sample(6000, seed=60)
    nitrite = np.array(table["nitrite"].to_pylist(), dtype=object)
    plain = train(*sample(2500, seed=1), inputs, replicates=0)

    def held(model, level, truth):
        rows = (nitrite == level) & (outcomes == truth)
        return np.mean(model.score(table).allowed[rows, int(truth)])

    for level in ("negative", "positive"):
        for truth in (True, False):
            assert held(model, level, truth) == pytest.approx(0.9, abs=0.06)
    assert held(plain, "negative", True) < 0.85  # which the sets of all patients do not give
    assert Model.from_bytes(model.to_bytes()) == model
    assert model.score(table.slice(0, 1)).sets[0] == model.score(table).sets[0]
    missing = table.set_column(1, "nitrite", pa.array([None] * 6000, pa.string()))
    whole = model.conformal.allowed(model.score(missing).logits)
    assert (model.score(missing).allowed == whole).all()


@pytest.mark.parametrize("strata", ["age", "nowhere"])
def test_strata_that_are_no_levels_are_refused(sample, inputs, strata):
    with pytest.raises(InvalidModel, match="strata"):
        train(*sample(100), inputs, replicates=0, strata=strata)


def test_small_strata_keep_the_sets_of_all_patients(sample, inputs):
    model = train(*sample(200), inputs, replicates=0, strata="nitrite")
    assert (model.conformal.by, model.conformal.strata) == ("", {})


@pytest.mark.parametrize(
    "wrong",
    [{"by": "nitrite"}, {"by": "age", "strata": {"old": Bounds(None, None)}}, {"level": 1.5}],
)
def test_prediction_sets_that_do_not_fit_the_model_are_refused(model, wrong):
    conformal = msgspec.structs.replace(model.conformal, **wrong)
    with pytest.raises(InvalidModel, match="prediction sets"):
        Model.from_bytes(msgspec.structs.replace(model, conformal=conformal).to_bytes())


def test_more_patients_make_the_interval_narrower(sample, inputs):
    table, _ = sample(50, seed=77)

    def width(rows):
        scores = train(*sample(rows), inputs).score(table)
        return np.mean(np.array(scores.high) - np.array(scores.low))

    assert width(1500) < width(150)


@pytest.mark.parametrize("outcomes", [np.zeros(60, bool), np.ones(60, bool), np.arange(60) < 3])
def test_one_class_or_too_few_events_are_refused(sample, inputs, outcomes):
    with pytest.raises(NotEnoughData):
        train(sample(60)[0], outcomes, inputs)


def test_nothing_to_learn_from_is_refused(sample, inputs):
    with pytest.raises(NotEnoughData):
        train(sample(5)[0].slice(0, 0), np.zeros(0, bool), inputs)


def test_outcomes_that_do_not_match_the_rows_are_refused(sample, inputs):
    with pytest.raises(NotEnoughData, match="match"):
        train(sample(60)[0], np.ones(59, bool), inputs)


def test_a_column_that_is_not_there_is_refused(sample, inputs):
    table, outcomes = sample(60)
    with pytest.raises(InvalidModel, match="age"):
        train(table.drop_columns(["age"]), outcomes, inputs)


def test_whole_and_broken_numbers_are_the_same_values(sample, inputs):
    table, outcomes = sample(100)
    whole = pa.array([None if age is None else round(age) for age in table["age"].to_pylist()], pa.int64())
    first = train(table.set_column(0, "age", whole), outcomes, inputs, replicates=2)
    second = train(table.set_column(0, "age", whole.cast(pa.float64())), outcomes, inputs, replicates=2)
    assert first.hash == second.hash


def test_the_rows_of_a_patient_stay_together_in_the_bootstrap(sample, inputs):
    table, outcomes = sample(100)
    doubled = table.take([row for row in range(100) for _ in range(2)])
    groups = [f"Patient/{row}" for row in range(100) for _ in range(2)]
    twice = np.repeat(outcomes, 2)
    probe = sample(40, seed=8)[0]

    def width(names):
        scores = train(doubled, twice, inputs, groups=names).score(probe)
        return np.mean(np.array(scores.high) - np.array(scores.low))

    assert width(groups) > width(None)


def test_the_ridge_regression_is_that_of_scikit_learn():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    columns = rng.normal(size=(200, 6))
    outcomes = (rng.random(200) < 1 / (1 + np.exp(-columns[:, 0]))).astype(float)
    weights = rng.integers(0, 4, 200).astype(float)
    theirs = LogisticRegression(C=1 / 3.0, tol=1e-12, max_iter=5000).fit(columns, outcomes, weights)
    ours = _logistic.fit(columns, outcomes, 3.0, weights)
    assert ours[0] == pytest.approx(theirs.intercept_[0], abs=1e-4)
    assert ours[1:] == pytest.approx(theirs.coef_[0], abs=1e-4)


def test_recalibration_never_turns_a_model_upside_down():
    logits = np.linspace(-2, 2, 50)
    intercept, slope = _logistic.recalibration(logits, (logits < 0).astype(float))
    assert slope == 0.05
    assert math.isfinite(intercept)


def test_knots_are_known_values():
    assert knots([]) == (0.0,)
    assert knots([3, 3, 3]) == (3.0,)
    assert set(knots(range(100))) <= set(range(100))


def test_folds_keep_patients_whole_and_share_the_events_out():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 80, 200).tolist()
    outcomes = rng.random(200) < 0.2
    folds = deal(outcomes, groups, 5, rng)
    for group in set(groups):
        assert len({fold for fold, name in zip(folds, groups, strict=True) if name == group}) == 1
    sick = {group for group, outcome in zip(groups, outcomes, strict=True) if outcome}
    counts = [
        len({g for g, f in zip(groups, folds, strict=True) if f == fold and g in sick}) for fold in range(5)
    ]
    assert max(counts) - min(counts) <= 1


def test_a_boosting_machine_is_written_to_the_same_format(sample, inputs):
    table, outcomes = sample(150)
    model = train(table, outcomes, inputs, seed=2, kind="ebm", replicates=3)
    again = train(table, outcomes, inputs, seed=2, kind="ebm", replicates=3)
    assert model.hash == again.hash
    scores = model.score(table)
    assert sum(scores.contributions[0], scores.base) == scores.logit[0]
    assert np.mean(scores.probability) == pytest.approx(outcomes.mean(), abs=0.06)
    points = points_of(model)
    assert points["nitrite"]["positive"] > points["nitrite"]["negative"]


def test_the_exported_boosting_machine_predicts_as_the_original(sample, inputs):
    from vesalius.modelling._columns import read
    from vesalius.modelling._ebm import Boosted
    from vesalius.modelling.model import locate

    table, outcomes = sample(150)
    columns = [read(table, item.name, item.kind) for item in inputs]
    machine = Boosted(inputs, columns, outcomes.astype(float), range(150), 0)
    bags = [machine._bag(np.ones(150, bool)) for _ in range(4)]
    copies = machine._learned(bags)
    original = machine._fit(np.column_stack(bags))
    ours = np.mean([base for base, _ in copies]) + sum(
        np.mean([tables[place] for _, tables in copies], axis=0)[locate(term, machine.codes[:, place])[0]]
        for place, term in enumerate(machine.terms)
    )
    assert ours == pytest.approx(original.decision_function(machine.codes), abs=1e-9)


def test_no_patient_both_teaches_a_boosting_machine_and_tells_it_when_to_stop(sample, inputs):
    from vesalius.modelling._columns import read
    from vesalius.modelling._ebm import Boosted

    table, outcomes = sample(200)
    patients = np.arange(200) // 2
    columns = [read(table, item.name, item.kind) for item in inputs]
    machine = Boosted(inputs, columns, outcomes.astype(float), patients.tolist(), 0)
    seen = patients % 5 != 0
    bag = machine._bag(seen)
    assert (bag[~seen] == 0).all()
    assert not set(patients[bag == 1]) & set(patients[bag == -1])
    assert np.mean(bag[seen] == -1) == pytest.approx(0.15, abs=0.04)


def test_an_input_with_one_value_only_says_nothing():
    table = pa.table({"x": pa.array(["a"] * 40)})
    model = train(table, np.arange(40) % 2 == 0, [Input("x", "category", ("a", "b"))], replicates=2)
    assert model.score(table).probability[0] == pytest.approx(0.5, abs=0.01)


def test_many_rows_are_fitted_another_way_to_the_same_points(sample, inputs, monkeypatch):
    table, outcomes = sample(900)
    groups = [row % 700 for row in range(900)]
    few = train(table, outcomes, inputs, seed=4, groups=groups, replicates=3)
    monkeypatch.setattr(training, "MANY", 100)
    many = train(table, outcomes, inputs, seed=4, groups=groups, replicates=3)
    assert many.to_bytes() == few.to_bytes()


def test_the_strength_is_chosen_on_a_part_of_many_rows(sample, inputs, monkeypatch):
    table, outcomes = sample(900)
    few = train(table, outcomes, inputs, seed=4, replicates=0)
    monkeypatch.setattr(training, "MANY", 100)
    monkeypatch.setattr(_large, "_CHOSEN_ON", 300)
    many = train(table, outcomes, inputs, seed=4, replicates=0)
    assert many.facts.strength in STRENGTHS
    assert many.score(table).logits == pytest.approx(few.score(table).logits, abs=0.25)
