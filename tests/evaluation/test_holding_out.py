"""What is held out is predicted by models that did not see it, in one process or in two."""

import numpy as np
import pytest

from vesalius.errors import InvalidCard, NotFound
from vesalius.evaluation import study
from vesalius.evaluation.holding_out import Learning, begun, foretold, hold_out, split, turns
from vesalius.modelling import train

SMALL = {"repeats": 1, "folds": 3, "draws": 40}


def rival(toy, inputs=("age", "sign")):
    """The toy with a challenger that is a model of its own, of these inputs."""

    class Rival(toy):
        """It has a challenger."""

        def challenger(self, evidence, outcomes, seed=0):
            if inputs is None:
                raise NotFound("LightGBM is not installed")
            chosen = [item for item in self.card.inputs if item.name in inputs]
            groups = [item.subject for item in evidence.candidates]
            return train(evidence.table, outcomes, chosen, seed, groups=groups, replicates=0)

    return Rival


def test_every_row_is_held_out_once_in_each_repeat():
    folds = np.array([[0, 1, 2, 0], [1, 1, 0, 2]])
    every = list(turns(folds, "abcd"))
    assert [turn.repeat for turn in every] == [0, 0, 0, 1, 1, 1]
    assert [turn.held for turn in every[:3]] == [[0, 3], [1], [2]]
    assert all(set(turn.rows) | set(turn.held) == {0, 1, 2, 3} for turn in every)
    assert all(not set(turn.rows) & set(turn.held) for turn in every)


def test_a_challenger_is_told_of_with_its_gain_and_a_verdict(toy, patients):
    evidence, outcomes, practice = patients(rows=300)
    run = study(rival(toy), evidence, outcomes, practice, **SMALL)
    assert run.challenger.kind == "logistic"
    gain = run.challenger.auroc
    assert gain.low <= gain.value <= gain.high
    assert run.challenger.better is (gain.low > 0)
    assert len(run.challenger.benefits) == len(run.in_force)
    exact = run.challenger.performance.auroc.value - run.performance.auroc.value
    assert gain.value == pytest.approx(exact, abs=2e-6)
    assert "challenger" not in {item.name for item in run.performances}
    assert any("kept simple" in line or "more than chance" in line for line in run.lines())


def test_a_challenger_that_knows_more_is_better_and_one_that_knows_nothing_is_not(toy, patients):
    evidence, outcomes, practice = patients(rows=600)

    class Poor(rival(toy, ("age", "sex", "sign"))):
        """Its model reads the age alone."""

        def learn(self, evidence, outcomes, seed=0):
            chosen = [item for item in self.card.inputs if item.name == "age"]
            groups = [item.subject for item in evidence.candidates]
            return train(evidence.table, outcomes, chosen, seed, groups=groups, replicates=0)

    better = study(Poor, evidence, outcomes, practice, **SMALL)
    assert better.challenger.better
    assert better.challenger.auroc.low > 0
    assert better.challenger.brier.value < 0
    assert "its gain is more than chance" in "\n".join(better.lines())
    simple = study(rival(toy, ("age",)), evidence, outcomes, practice, **SMALL)
    assert not simple.challenger.better
    assert simple.challenger.auroc.value < 0
    assert "kept simple" in "\n".join(simple.lines())


def test_without_what_it_is_learned_with_there_is_no_challenger(toy, patients):
    run = study(rival(toy, None), *patients(), **SMALL)
    assert run.challenger is None


def test_a_challenger_that_comes_and_goes_is_refused(toy, patients):
    class Fickle(rival(toy)):
        """Every other fold."""

        def challenger(self, evidence, outcomes, seed=0):
            return super().challenger(evidence, outcomes, seed) if len(evidence) % 2 else None

    evidence, outcomes, practice = patients(rows=161)
    with pytest.raises(InvalidCard, match="not the same in every fold"):
        study(Fickle, evidence, outcomes, practice, **SMALL)


def test_one_split_alone_is_foretold_as_with_a_challenger_and_proposals_beside_it(toy, patients):
    evidence, outcomes, _ = patients(rows=200)
    row = np.where(np.arange(200) < 150, -1, 0)
    people = [each.subject for each in evidence.candidates]
    both = begun(Learning(toy, evidence, outcomes, 5), row[None], people)
    beside = hold_out(toy, evidence, both, row[None], 5, lambda: None)

    class Alone(toy):
        """Nothing but the model is asked for."""

        def challenger(self, evidence, outcomes, seed=0):
            raise AssertionError

        suggest = challenger

    turn = split(row, people)
    taught = Learning(Alone, evidence, outcomes, 5).begin(turn.rows, "quick")
    assert foretold(evidence, turn, taught).tolist() == beside.probability[0, 150:].tolist()


def test_two_processes_say_what_one_says(patients):
    from datetime import UTC, datetime

    import pyarrow as pa

    from vesalius.usecase import Candidate, Evidence
    from vesalius.usecases.urine import Urine

    rng = np.random.default_rng(0)
    outcomes = rng.random(90) < 0.4
    known = {"nitrite": np.where(outcomes ^ (rng.random(90) < 0.2), "positive", "negative").tolist()}
    columns = {
        item.name: pa.array(
            known.get(item.name, [None] * 90), pa.bool_() if item.kind == "boolean" else pa.string()
        )
        for item in Urine.card.inputs
    }
    columns["age"] = pa.array(rng.integers(20, 90, 90).astype(float))
    for item in Urine.card.inputs:
        if item.kind == "number" and item.name != "age":
            columns[item.name] = pa.nulls(90, pa.float64())
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    people = tuple(Candidate(f"Patient/{n}", f"Specimen/{n}", moment) for n in range(90))
    evidence = Evidence(people, pa.table(columns), tuple({} for _ in people), 1)
    folds = (np.arange(90) % 2)[None, :]
    made = []
    for workers in (1, 2):
        with Learning(Urine, evidence, outcomes, 5, workers) as learning:
            whole = learning.begin(list(range(90)), "whole")
            waiting = begun(learning, folds, [each.subject for each in people])
            made.append((hold_out(Urine, evidence, waiting, folds, 5, lambda: None), whole()[0].hash))
    (one, own), (two, other) = made
    assert own == other
    assert (one.probability == two.probability).all()
    assert (one.rival == two.rival).all()
    assert (one.sets == two.sets).all()
    assert one.options == two.options
