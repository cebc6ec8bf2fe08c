"""Each detector fires on its leak, and is silent on honest rows."""

import csv
import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from vesalius.card import Input
from vesalius.errors import InvalidSetting, Leak
from vesalius.evaluation import Pass, leakage, study
from vesalius.usecase import Candidate, Evidence

START = datetime(2024, 1, 1, tzinfo=UTC)
INPUTS = (
    Input("age", "number"),
    Input("creatinine", "number"),
    Input("weight", "number"),
    Input("stays", "number"),
    Input("sex", "category", ("female", "male")),
    Input("code", "category"),
)


class Card:
    """As much of a card as a detector reads."""

    inputs = INPUTS


def honest(rows=2000, seed=0, share=0.15):
    """Rows as a hospital has them: whole years, one decimal, few codes, a few patients more than once."""
    rng = np.random.default_rng(seed)
    age, stays = rng.integers(40, 95, rows), rng.poisson(0.7, rows)
    creatinine, weight = rng.lognormal(0, 0.4, rows), rng.normal(75, 14, rows)
    logits = np.log(share / (1 - share)) + 0.6 * (stays - 0.7) + 0.03 * (age - 67)
    outcomes = rng.random(rows) < 1 / (1 + np.exp(-logits))
    table = pa.table(
        {
            "age": pa.array(age.astype(float)),
            "creatinine": pa.array(np.round(creatinine, 1)),
            "weight": pa.array(np.round(weight, 1), mask=rng.random(rows) < 0.1),
            "stays": pa.array(stays.astype(float)),
            "sex": pa.array(rng.choice(["female", "male"], rows).tolist()),
            "code": pa.array([f"c{number}" for number in rng.integers(0, 12, rows)]),
        }
    )
    return of(table, rng.integers(0, rows, rows).tolist()), outcomes


def of(table, patients):
    candidates = tuple(
        Candidate(f"Patient/{name}", f"Encounter/{row}", START + timedelta(minutes=row))
        for row, name in enumerate(patients)
    )
    return Evidence(candidates, table, tuple({} for _ in patients), 1)


def renamed(evidence):
    return of(evidence.table, [f"n{row}" for row in range(len(evidence))])


def failed(evidence, outcomes, card=Card):
    return {check.detector: check for check in leakage.inspect(evidence, outcomes, card) if not check.passed}


def oversampled(outcomes, seed=0):
    rng = np.random.default_rng(seed)
    rare, common = np.flatnonzero(outcomes), np.flatnonzero(~outcomes)
    return np.concatenate([common, rng.choice(rare, len(common))])


@pytest.mark.parametrize("seed", range(5))
def test_honest_rows_pass_every_detector(seed):
    evidence, outcomes = honest(seed=seed)
    checks = leakage.inspect(evidence, outcomes, Card)
    assert all(check.passed for check in checks)
    assert {check.detector for check in checks} == set(leakage.DETECTORS) - {
        "same_patient",
        "known_later",
        "outcome_known",
    }


def test_facts_so_coarse_that_people_are_alike_are_no_copies():
    evidence, outcomes = honest(rows=5000)
    table = evidence.table.select(["stays", "sex", "code"])
    alike = next(
        c for c in leakage.inspect(of(table, range(5000)), outcomes, Card) if c.detector == "same_row"
    )
    assert alike.passed
    assert alike.figures["rows"] > 4000
    assert 0.5 < alike.figures["odds"] < 2


def test_inputs_that_tell_nobody_apart_are_said_to_be_too_coarse():
    _, outcomes = honest()
    check = leakage.copies(np.zeros((2000, 2), dtype=np.int64), range(2000), outcomes)[0]
    assert check.passed
    assert "too coarse" in check.found
    assert leakage.copies(np.zeros((0, 2), dtype=np.int64), [], outcomes[:0])[0].passed


def test_the_same_row_under_another_patient_is_found():
    evidence, outcomes = honest()
    rows = [*range(2000), *range(0, 2000, 50)]
    found = failed(renamed(evidence.take(rows)), outcomes[rows])
    assert set(found) == {"same_row"}
    assert 80 <= found["same_row"].figures["rows"] < 100


def test_a_minority_sampled_again_is_named_as_such_under_new_names():
    evidence, outcomes = honest()
    rows = oversampled(outcomes)
    found = failed(renamed(evidence.take(rows.tolist())), outcomes[rows])
    assert set(found) == {"oversampled"}
    assert "with the outcome are copies" in found["oversampled"].found
    assert found["oversampled"].figures["without"] < 20


def test_a_minority_sampled_again_is_named_as_such_under_the_old_names():
    evidence, outcomes = honest()
    rows = oversampled(outcomes)
    found = failed(evidence.take(rows.tolist()), outcomes[rows])
    assert set(found) == {"oversampled", "duplicated_rows"}


def repeated(candidates, ages):
    table, outcomes = pa.table({"age": ages}), np.array([True, False])
    codes = leakage._codes(table, Card)
    return leakage.repeated_rows(Evidence(tuple(candidates), table, ({}, {}), 1), outcomes, codes)


@pytest.mark.parametrize(
    ("focus", "ages"),
    [("Encounter/1", [50.0, 60.0]), ("Encounter/1", [50.0, 50.0]), ("Encounter/2", [50.0, 50.0])],
)
def test_a_row_that_is_there_twice_is_found(focus, ages):
    first = Candidate("Patient/1", "Encounter/1", START)
    found = repeated([first, Candidate("Patient/1", focus, START)], ages)
    assert [check.passed for check in found] == [False]


def test_two_stays_at_one_moment_are_no_row_twice_when_their_facts_differ():
    first = Candidate("Patient/1", "Encounter/1", START)
    assert repeated([first, Candidate("Patient/1", "Encounter/2", START)], [50.0, 60.0])[0].passed
    assert repeated([first, Candidate("Patient/1", "Encounter/2", START + timedelta(days=1))], [50.0, 50.0])[
        0
    ].passed


def interpolated(columns, outcomes, seed=0):
    """What SMOTE makes: points between two of the five nearest rows of the rare class."""
    rng = np.random.default_rng(seed)
    points = np.stack(columns, axis=1)
    rare = points[outcomes]
    scaled = (rare - rare.mean(axis=0)) / rare.std(axis=0)
    far = ((scaled[:, None] - scaled[None]) ** 2).sum(axis=2)
    near = np.argsort(far, axis=1)[:, 1:6]
    first = rng.integers(0, len(rare), (~outcomes).sum() - len(rare))
    second = near[first, rng.integers(0, 5, len(first))]
    return np.vstack([points, rare[first] + rng.random((len(first), 1)) * (rare[second] - rare[first])])


def test_numbers_between_the_steps_of_measurement_in_one_class_are_found():
    evidence, outcomes = honest()
    columns = [np.array(evidence.table[name].to_pylist()) for name in ("age", "creatinine", "stays")]
    points = interpolated(columns, outcomes)
    table = pa.table({name: points[:, place] for place, name in enumerate(("age", "creatinine", "stays"))})
    truth = np.concatenate([outcomes, np.ones(len(points) - len(outcomes), dtype=bool)])
    found = failed(of(table, range(len(points))), truth)
    assert "invented_rows" in found
    assert "between the steps" in found["invented_rows"].found


def test_rows_on_the_line_between_two_others_are_found():
    rng = np.random.default_rng(1)
    outcomes = rng.random(1500) < 0.15
    columns = [rng.normal(0, 1, 1500) for _ in range(4)]
    names = ["age", "creatinine", "weight", "stays"]
    honest_table = pa.table(dict(zip(names, columns, strict=True)))
    assert not failed(of(honest_table, range(1500)), outcomes)
    points = interpolated(columns, outcomes)
    table = pa.table(dict(zip(names, points.T, strict=True)))
    truth = np.concatenate([outcomes, np.ones(len(points) - 1500, dtype=bool)])
    found = failed(of(table, range(len(points))), truth)
    assert set(found) == {"invented_rows"}
    assert "between two others" in found["invented_rows"].found


@pytest.mark.parametrize("how", ["value", "category", "missing"])
def test_a_single_input_that_knows_the_answer_is_found(how):
    evidence, outcomes = honest()
    rng = np.random.default_rng(2)
    seen = np.where(rng.random(2000) < 0.01, ~outcomes, outcomes)
    column = {
        "value": pa.array(seen * 10.0 + rng.random(2000)),
        "category": pa.array(np.where(seen, "late", "never").tolist()),
        "missing": pa.array(rng.random(2000), mask=~seen),
    }[how]
    kind = "category" if how == "category" else "number"
    card = type("Card", (), {"inputs": (*INPUTS, Input("told", kind))})
    table = evidence.table.append_column("told", column)
    found = failed(of(table, range(2000)), outcomes, card)
    assert set(found) == {"single_input"}
    assert "told" in found["single_input"].found
    known = type("Card", (), {"inputs": (*INPUTS, Input("told", kind, strong="a_source"))})
    assert not failed(of(table, range(2000)), outcomes, known)


def test_an_input_with_a_value_of_its_own_for_each_row_tells_nothing():
    _, outcomes = honest()
    table = pa.table({"code": [f"c{row}" for row in range(2000)]})
    check = leakage.single_input(of(table, range(2000)), outcomes, Card)
    assert check.passed
    assert check.figures["code"] == pytest.approx(0.5, abs=0.05)


def test_a_patient_on_two_sides_is_found_unless_left_out():
    groups = ["a", "b", "a", "c"]
    assert not leakage.apart(groups, np.array([0, 0, 1, 1])).passed
    assert not leakage.apart(groups, np.array([0, -1, -1, -1])).passed
    assert leakage.apart(groups, np.array([0, 0, 0, 1])).passed
    assert leakage.apart(groups, np.array([-1, 0, -2, 0])).passed


class Shelf:
    """A lake that knows when two versions were recorded."""

    def read(self, reference):
        if reference == "Observation/none/_history/1":
            return None
        late = reference.endswith("/2")
        return type("Version", (), {"recorded_at": START + timedelta(days=2 if late else 0)})


@pytest.mark.parametrize(("version", "passed"), [(1, True), (2, False)])
def test_a_fact_that_was_recorded_after_the_moment_is_found(version, passed):
    candidate = Candidate("Patient/1", "Encounter/1", START + timedelta(days=1))
    sources = ({"age": (f"Observation/1/_history/{version}",)},)
    check = leakage.known_later(Shelf(), Evidence((candidate,), pa.table({"age": [50.0]}), sources, 1))
    assert check.passed is passed
    assert "Observation" not in check.found


def test_a_source_that_is_not_in_the_lake_is_refused():
    candidate = Candidate("Patient/1", "Encounter/1", START)
    evidence = Evidence(
        (candidate,), pa.table({"age": [50.0]}), ({"age": ("Observation/none/_history/1",)},), 1
    )
    with pytest.raises(Leak, match="does not hold"):
        leakage.known_later(Shelf(), evidence)


def test_outcomes_that_were_known_at_the_moment_are_found():
    moments = [START] * 200
    assert leakage.outcome_known(moments, [START + timedelta(days=1)] * 200).passed
    assert leakage.outcome_known(moments, [*[START] * 2, *[START + timedelta(days=1)] * 198]).passed
    check = leakage.outcome_known(moments, [*[START] * 3, *[START + timedelta(days=1)] * 197])
    assert not check.passed
    assert "3 of 200" in check.found


def test_a_validation_stops_at_a_leak_and_names_nobody(toy, patients):
    evidence, outcomes, _ = patients(rows=240)
    rows = oversampled(outcomes)
    with pytest.raises(Leak, match="oversampled: one class was sampled again") as caught:
        study(
            toy,
            evidence.take(rows.tolist()),
            outcomes[rows],
            [None] * len(rows),
            repeats=1,
            folds=2,
            draws=5,
        )
    assert "Patient/" not in str(caught.value)
    assert toy.learned_on == []


def test_a_person_may_let_it_go_on_and_stays_in_the_run(toy, patients):
    evidence, outcomes, practice = patients()
    told = evidence.table.set_column(1, "sex", pa.array(np.where(outcomes, "female", "male").tolist()))
    leaky = Evidence(evidence.candidates, told, evidence.sources, evidence.position)
    how = {"repeats": 1, "folds": 3, "draws": 5}
    with pytest.raises(Leak, match="single_input"):
        study(toy, leaky, outcomes, practice, **how)
    run = study(toy, leaky, outcomes, practice, allowed={"single_input": Pass("ada", "a test of it")}, **how)
    (signed,) = [check for check in run.checks if not check.passed]
    assert (signed.detector, signed.by, signed.reason) == ("single_input", "ada", "a test of it")
    assert run.checks[0].detector == "same_patient"
    clean = study(toy, evidence, outcomes, practice, allowed={"single_input": Pass("ada", "in vain")}, **how)
    assert all(check.passed and not check.by for check in clean.checks)


@pytest.mark.parametrize(
    "given", [{"unknown": Pass("ada", "x")}, {"same_row": Pass("", "x")}, {"same_row": Pass("ada", " ")}]
)
def test_a_pass_without_detector_name_or_reason_is_refused(given):
    with pytest.raises(InvalidSetting):
        leakage.stop((), given)


NUMBERS = (
    "time_in_hospital",
    "num_lab_procedures",
    "num_procedures",
    "num_medications",
    "number_outpatient",
    "number_emergency",
    "number_inpatient",
    "number_diagnoses",
)
CODES = ("gender", "age", "medical_specialty", "diag_1", "diag_2", "insulin", "change", "diabetesMed")


@pytest.mark.data
def test_oversampling_of_the_real_readmissions_before_the_split_is_refused(shared_data):
    with gzip.open(shared_data / "readmission-diabetes130" / "diabetic_data.csv.gz", "rt") as file:
        rows = [row for _, row in zip(range(10_000), csv.DictReader(file), strict=False)]
    table = pa.table(
        {name: [float(row[name]) for row in rows] for name in NUMBERS}
        | {name: [row[name] if row[name] != "?" else None for row in rows] for name in CODES}
    )
    outcomes = np.array([row["readmitted"] == "<30" for row in rows])
    inputs = [Input(name, "number") for name in NUMBERS] + [Input(name, "category") for name in CODES]
    card = type("Card", (), {"inputs": tuple(inputs)})
    evidence = of(table, [row["patient_nbr"] for row in rows])
    assert not failed(evidence, outcomes, card)
    again = oversampled(outcomes)
    found = failed(renamed(evidence.take(again.tolist())), outcomes[again], card)
    assert set(found) == {"oversampled"}
    assert found["oversampled"].figures["with"] > 0.95 * found["oversampled"].figures["of_with"]


def test_the_documentation_names_every_detector_and_no_other():
    page = (Path(__file__).parents[2] / "docs" / "engineer" / "validation.md").read_text(encoding="utf-8")
    section = page.split("## Detectors of leaks")[1].split("\n## ")[0]
    named = {line.split("`")[1] for line in section.splitlines() if line.startswith("| `")}
    assert named == set(leakage.DETECTORS)
