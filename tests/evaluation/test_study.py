"""A study is honest, reproducible, and refuses what it cannot answer."""

import msgspec
import numpy as np
import pytest

from vesalius.errors import Leak, NotEnoughData, NotFound, UnreadableInput
from vesalius.evaluation import Run, compare, latest, metrics, study
from vesalius.evaluation.metrics import resamples

SMALL = {"repeats": 2, "folds": 3, "draws": 40}


def test_the_same_rows_and_seed_give_the_same_run(run, toy, patients):
    assert study(toy, *patients(), seed=3, repeats=2, folds=3, draws=60).to_bytes() == run.to_bytes()


def test_another_seed_gives_another_run(run, toy, patients):
    assert study(toy, *patients(), seed=4, repeats=2, folds=3, draws=60).id != run.id


def test_nobody_is_predicted_by_a_model_that_saw_them(toy, patients):
    evidence, outcomes, practice = patients(rows=200, patients=90)
    study(toy, evidence, outcomes, practice, **SMALL)
    everyone = {item.subject for item in evidence.candidates}
    *folds, whole = toy.learned_on
    assert whole == everyone
    for repeat in (folds[:3], folds[3:]):
        held = [everyone - seen for seen in repeat]
        assert set.union(*held) == everyone
        assert sum(map(len, held)) == len(everyone)


def test_what_cannot_be_learned_is_not_found(toy, patients):
    evidence, outcomes, practice = patients(rows=240)
    noise = np.random.default_rng(5).permutation(outcomes)
    found = study(toy, evidence, noise, practice, **SMALL).performance.auroc
    assert found.low < 0.5 < found.high


def test_figures_are_about_right(run, patients):
    _evidence, outcomes, _ = patients()
    assert run.rows == run.patients == 160
    assert run.events == int(outcomes.sum())
    assert 0.6 < run.performance.auroc.value < 0.9
    assert run.performance.auroc.low < run.performance.auroc.value < run.performance.auroc.high
    assert {item.name for item in run.performances} == {"model", "grade", "much"}
    assert all(item.gain for item in run.performances[1:])
    assert run.position == 42
    assert run.importance[0][0] == "sign"
    assert (run.first, run.last) == ("2024-01-01", "2024-01-07")


def test_the_counts_of_the_thresholds_fit_together(run, patients):
    _, _outcomes, practice = patients()
    acts = sum(act is True for act in practice)
    for row in run.thresholds:
        assert row.caught + row.missed == pytest.approx(run.events, abs=0.01)
        assert 0 <= row.avoided_with_outcome <= row.avoided <= acts
        assert row.caught <= row.acted <= run.rows
        assert row.sensitivity.value == pytest.approx(row.caught / run.events, abs=1e-4)
    missed = [row.missed for row in run.thresholds]
    assert missed == sorted(missed)
    assert run.reference == "practice"


def test_the_clinicians_are_counted_exactly(run, patients):
    _, outcomes, practice = patients()
    known = [
        (outcome, act) for outcome, act in zip(outcomes.tolist(), practice, strict=True) if act is not None
    ]
    first, second = run.decided
    assert first.name == "practice"
    assert first.acted_with == sum(outcome and act for outcome, act in known)
    assert first.left_with == sum(outcome and not act for outcome, act in known)
    assert first.acted == second.acted
    assert first.acted_with + first.left_with == second.acted_with + second.left_with


def test_where_practice_is_not_known_nothing_is_said_of_it(toy, patients):
    evidence, outcomes, practice = patients()
    found = study(toy, evidence, outcomes, [None] * len(practice), **SMALL)
    assert found.decided == ()
    assert found.practice is None
    assert found.reference == "all"
    assert found.thresholds[-1].avoided == pytest.approx(found.rows - found.thresholds[-1].acted, abs=0.01)
    assert "practice" not in {item.name for item in found.benefits}
    assert all(item.acted is None for item in found.proposed)


def test_small_subgroups_get_no_figure(run):
    sizes = {row.level: (row.rows, row.auroc) for row in run.subgroups if row.input == "sex"}
    assert sizes["female"][1] is not None
    assert sizes["male"][0] < 20
    assert sizes["male"][1] is None
    assert sum(row.rows for row in run.subgroups if row.input == "age") == run.rows


def test_missing_facts_are_counted(run, patients):
    evidence, _, _ = patients()
    rows = {row.input: row for row in run.missing}
    assert rows["sign"].rows == evidence.table["sign"].null_count
    assert rows["never"].share == 1
    assert rows["never"].outcome_known is None


def test_every_proposal_is_counted_once(run):
    assert sum(item.rows for item in run.proposed) == run.rows
    assert sum(item.events for item in run.proposed) == run.events


def test_prediction_sets_hold_what_they_promise(run):
    assert run.coverage.overall > 0.8
    assert run.coverage.single + run.coverage.both + run.coverage.empty == pytest.approx(1, abs=1e-5)


def test_progress_counts_every_model(toy, patients):
    told = []
    study(toy, *patients(), progress=lambda done, total: told.append((done, total)), **SMALL)
    assert told == [(number, 7) for number in range(1, 8)]


def test_a_run_is_saved_under_its_name_and_comes_back(run, tmp_path):
    path = run.save(tmp_path / "runs")
    assert path.name == f"{run.id}.json"
    assert Run.load(path) == run
    assert latest(path.parent, "toy") == run
    assert latest(path.parent, "other") is None
    msgspec.structs.replace(run, usecase="toy-child").save(path.parent)
    assert latest(path.parent, "toy") == run


def test_a_run_holds_no_patient(run):
    assert b"Patient/" not in run.to_bytes()
    assert b"Specimen/" not in run.to_bytes()


def test_a_run_that_is_damaged_or_absent_is_refused(run, tmp_path):
    path = run.save(tmp_path)
    path.write_bytes(path.read_bytes().replace(b'"rows":160', b'"rows":161'))
    with pytest.raises(UnreadableInput, match="promises"):
        Run.load(path)
    path.write_bytes(b"{")
    with pytest.raises(UnreadableInput):
        Run.load(path)
    with pytest.raises(NotFound):
        Run.load(tmp_path / "none.json")


def test_the_lines_for_the_terminal_name_the_main_figures(run):
    text = "\n".join(run.lines())
    for word in ("AUROC model", "AUROC grade", "Brier", "calibration slope", "practice: sensitivity", run.id):
        assert word in text


@pytest.mark.parametrize("value", [True, False])
def test_one_class_is_not_enough(toy, patients, value):
    evidence, outcomes, practice = patients()
    with pytest.raises(NotEnoughData):
        study(toy, evidence, np.full(len(outcomes), value), practice, **SMALL)


def test_no_rows_are_not_enough(toy, patients):
    evidence, _, _ = patients()
    with pytest.raises(NotEnoughData):
        study(toy, evidence.take([]), np.zeros(0, bool), [], **SMALL)


def test_lengths_that_differ_are_refused(toy, patients):
    evidence, outcomes, practice = patients()
    with pytest.raises(NotEnoughData, match="same number"):
        study(toy, evidence, outcomes, practice[1:], **SMALL)


def test_a_row_that_is_there_twice_is_refused(toy, patients):
    evidence, outcomes, practice = patients()
    rows = [*range(160), 0]
    with pytest.raises(Leak):
        study(toy, evidence.take(rows), outcomes[rows], [practice[row] for row in rows], **SMALL)


def test_a_challenger_that_is_better_is_seen_to_be():
    rng = np.random.default_rng(0)
    truth = (rng.random(400) < 0.4).astype(float)
    good, poor = truth + rng.normal(0, 0.7, 400), truth + rng.normal(0, 2, 400)
    counts = resamples(range(400), 300, rng)
    gain = compare(truth, poor, good, counts)
    assert gain.low > 0
    assert gain.value == pytest.approx(metrics.auroc(truth, good) - metrics.auroc(truth, poor), abs=1e-6)
    assert compare(truth, good, good, counts).high == 0


@pytest.mark.data
def test_the_published_replay_comes_out_exactly(shared_data):
    import csv
    import gzip

    from vesalius.evaluation.tables import decide

    path = shared_data / "uti-primary-care" / "PrimaryCare_Deidentified.tsv.gz"
    with gzip.open(path, "rt") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    found = decide(
        "practice",
        np.array([row["UCX_abnormal"] == "yes" for row in rows]),
        np.array([row["rx_abx"] == "1" for row in rows]),
    )
    assert (round(found.sensitivity.value, 3), round(found.specificity.value, 3)) == (0.656, 0.802)
    assert (found.acted, found.acted_without, found.left_with) == (152, 68, 44)


def test_a_baseline_that_gives_no_number_is_refused(toy, patients):
    class Holed(toy):
        """One of its rules says nothing about one patient."""

        def baselines(self, evidence):
            return {"holed": np.r_[np.nan, np.zeros(len(evidence) - 1)]}

    with pytest.raises(NotEnoughData, match="baseline holed"):
        study(Holed, *patients(), **SMALL)


def test_a_use_without_a_baseline_is_told_so(toy, patients):
    class Alone(toy):
        """No rule beside the model."""

        def baselines(self, evidence):
            return {}

    run = study(Alone, *patients(), **SMALL)
    assert any("no simple rule stands beside the model" in line for line in run.lines())


def test_a_run_from_before_there_were_plans_keeps_its_name(run):
    old = msgspec.json.decode(run.to_bytes())
    for name in ("plan", "checks", "sample", "errors", "in_force", "monitoring", "untimed", "learned"):
        old.pop(name, None)
    old.pop("learned_events")
    for row in old["thresholds"]:
        for name in ("helped", "harmed", "left", "evaluate"):
            row.pop(name, None)
    raw = msgspec.json.encode(old, order="sorted")
    assert msgspec.json.decode(raw, type=Run).to_bytes() == raw
