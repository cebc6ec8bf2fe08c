"""Every plan keeps a patient on one side, and says what it cannot do."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from vesalius.errors import InvalidSetting, Leak, NotEnoughData
from vesalius.evaluation import leakage, plans, study
from vesalius.evaluation.run import Plan
from vesalius.usecase import Candidate, Evidence

START = datetime(2024, 1, 1, tzinfo=UTC)
KINDS = [kind for kind in plans.KINDS if kind != "external"]


def world(rows=400, seed=0, patients=250, days=60):
    rng = np.random.default_rng(seed)
    groups = [f"Patient/{name}" for name in rng.integers(0, patients, rows)]
    moments = [START + timedelta(days=float(day)) for day in rng.uniform(0, days, rows)]
    sites = rng.choice(["north", "south", "west"], rows).tolist()
    return rng.random(rows) < 0.4, groups, moments, sites


@pytest.mark.parametrize(
    ("rows", "kind", "repeats", "folds"),
    [
        (472, "nested", 10, 10),
        (3000, "grouped", 1, 5),
        (100_000, "grouped", 1, 5),
        (2_000_000, "patient", 1, 1),
    ],
)
def test_the_size_chooses(rows, kind, repeats, folds):
    plan = plans.choose(rows)
    assert (plan.kind, plan.repeats, plan.folds, plan.asked) == (kind, repeats, folds, False)


def test_a_person_chooses_over_the_size():
    plan = plans.choose(472, "time", cut="2024-02-01")
    assert (plan.kind, plan.cut, plan.asked) == ("time", "2024-02-01T00:00:00+00:00", True)
    assert plans.choose(472, "external", held=["north"]).held == ("north",)


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "leave_one_out"},
        {"kind": "time", "cut": "soon"},
        {"kind": "nested", "cut": "2024-02-01"},
        {"kind": "sites", "held": ["north"]},
        {"kind": "external"},
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(asked):
    with pytest.raises(InvalidSetting):
        plans.choose(100, **asked)


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(KINDS), st.integers(0, 1000))
def test_nobody_is_on_both_sides_in_any_plan(kind, seed):
    outcomes, groups, moments, sites = world(seed=seed)
    try:
        plan, folds = plans.deal_out(plans.choose(400, kind), outcomes, groups, moments, sites, seed)
    except NotEnoughData:  # a rare world has too few outcomes after the cut, and is told so
        reject()
    assert plans.check(plan, folds, groups).passed
    held_once = np.zeros(400, dtype=int)
    for fold in plans.folds_of(folds[0]):
        held = np.flatnonzero(folds[0] == fold)
        held_once[held] += 1
        learners = plans.learners(folds[0], fold, groups)
        assert not {groups[row] for row in held} & {groups[row] for row in learners}
        assert not set(held) & set(learners)
        assert len(learners)
    assert held_once.max() == 1
    if kind in ("nested", "grouped", "sites"):
        assert held_once.min() == 1


def test_a_split_by_time_learns_from_what_came_before():
    outcomes, groups, moments, _ = world()
    plan, (row,) = plans.deal_out(plans.choose(400, "time"), outcomes, groups, moments, None, 0)
    cut = datetime.fromisoformat(plan.cut)
    assert max(moment for moment, side in zip(moments, row, strict=True) if side == plans.LEARNS) < cut
    assert min(moment for moment, side in zip(moments, row, strict=True) if side == 0) >= cut
    before = {group for group, side in zip(groups, row, strict=True) if side == plans.LEARNS}
    out = [group for group, side in zip(groups, row, strict=True) if side == plans.OUT]
    assert out
    assert set(out) <= before
    assert 0.2 < (np.array(moments) >= cut).mean() < 0.3


def test_an_external_validation_leaves_the_side_that_learns_whole():
    outcomes, groups, moments, sites = world()
    plan = plans.choose(400, "external", held=["south"])
    _, (row,) = plans.deal_out(plan, outcomes, groups, moments, sites, 0)
    assert ((row == plans.LEARNS) == (np.array(sites) != "south")).all()


@pytest.mark.parametrize("days", [1, 9])
def test_too_few_days_cannot_be_split_by_time(days):
    outcomes, groups, _, _ = world()
    moments = [START + timedelta(days=row % days) for row in range(400)]
    with pytest.raises(NotEnoughData, match=f"{days} different days"):
        plans.deal_out(plans.choose(400, "time"), outcomes, groups, moments, None, 0)


def test_a_moment_that_leaves_one_side_empty_is_refused():
    outcomes, groups, moments, _ = world()
    for cut in ("2020-01-01", "2030-01-01"):
        with pytest.raises(NotEnoughData, match="0 rows"):
            plans.deal_out(plans.choose(400, "time", cut=cut), outcomes, groups, moments, None, 0)


def test_sites_that_are_not_known_or_not_there_are_refused():
    outcomes, groups, moments, sites = world()
    with pytest.raises(NotEnoughData, match="does not say where"):
        plans.deal_out(plans.choose(400, "sites"), outcomes, groups, moments, None, 0)
    with pytest.raises(NotEnoughData, match="one site"):
        plans.deal_out(plans.choose(400, "sites"), outcomes, groups, moments, ["north"] * 400, 0)
    with pytest.raises(NotEnoughData, match="east") as caught:
        plans.deal_out(plans.choose(400, "external", held=["east"]), outcomes, groups, moments, sites, 0)
    assert "north, south, west" in str(caught.value)


def test_many_small_sites_are_held_out_together():
    outcomes, groups, moments, _ = world()
    sites = [f"ward {row % 30}" for row in range(400)]
    plan, (row,) = plans.deal_out(plans.choose(400, "sites"), outcomes, groups, moments, sites, 0)
    assert plan.folds == plans.MOST_SITES + 1
    assert plan.held[-1] == plans.REST
    assert (row == plans.MOST_SITES).sum() == 400 - sum(sites.count(name) for name in plan.held[:-1])


def test_a_patient_on_two_sides_would_stop_the_run():
    check = plans.check(Plan(kind="grouped"), np.array([[0, 1]]), ["Patient/1", "Patient/1"])
    with pytest.raises(Leak, match="1 patients"):
        leakage.stop((check,))


def spread(evidence, days):
    candidates = tuple(
        Candidate(each.subject, each.focus, START + timedelta(days=row * days / len(evidence)))
        for row, each in enumerate(evidence.candidates)
    )
    return Evidence(candidates, evidence.table, evidence.sources, evidence.position)


def test_a_study_by_time_asks_only_about_the_later_ones(toy, patients):
    evidence, outcomes, practice = patients(rows=240)
    run = study(toy, spread(evidence, 40), outcomes, practice, plan=plans.choose(240, "time"), draws=20)
    assert run.plan.kind == "time"
    assert run.rows == 60
    assert run.learned == 180
    assert run.first == run.plan.cut[:10]
    assert run.events == int(outcomes[180:].sum())
    assert run.sides == ()
    first, whole = toy.learned_on
    assert (len(first), len(whole)) == (180, 240)


def test_a_study_by_patient_tells_of_a_later_time_beside_it(toy, patients):
    evidence, outcomes, practice = patients(rows=240)
    how = {"repeats": 1, "folds": 3, "draws": 20}
    (side,) = study(toy, spread(evidence, 40), outcomes, practice, **how).sides
    assert side.plan.kind == "time"
    assert (side.learned, side.rows) == (180, 60)
    assert side.auroc.low <= side.auroc.value <= side.auroc.high
    assert study(toy, spread(evidence, 5), outcomes, practice, **how).untimed == "days"


def test_a_study_by_site_tells_of_each(toy, patients):
    evidence, outcomes, practice = patients(rows=240)
    sites = ["big"] * 140 + ["small"] * 90 + ["tiny"] * 10
    run = study(toy, evidence, outcomes, practice, plan=plans.choose(240, "sites"), sites=sites, draws=20)
    assert [(side.name, side.rows) for side in run.sides] == [("big", 140), ("small", 90), ("tiny", 10)]
    assert run.sides[0].learned == 100
    assert run.sides[2].auroc is None
    assert run.rows == 240


def test_an_external_study_speaks_for_the_model_of_the_other_sites(toy, patients):
    evidence, outcomes, practice = patients(rows=240)
    sites = ["here"] * 150 + ["there"] * 90
    plan = plans.choose(240, "external", held=["there"])
    run = study(toy, evidence, outcomes, practice, plan=plan, sites=sites, draws=20)
    assert run.rows == 90
    alone = toy().learn(evidence.take(range(150)), outcomes[:150], 0)
    assert run.model == alone.hash


def test_the_number_of_sites_must_fit(toy, patients):
    evidence, outcomes, practice = patients()
    with pytest.raises(NotEnoughData, match="sites"):
        study(toy, evidence, outcomes, practice, sites=["one"])
