"""Scenarios: each does what it says, and a small replay sees it with the monitors that watch live."""

import numpy as np
import pyarrow.compute as pc
import pytest

from vesalius.card import Input
from vesalius.errors import NotEnoughData, NotFound
from vesalius.governance.watching import stop_rules
from vesalius.simulation import SCENARIOS, Plan, find, made_up, picture, simulate
from vesalius.simulation.replay import Watched, _note, seeing
from vesalius.simulation.sherpa import AFTER, BEFORE, discrimination, faded, weights
from vesalius.usecase import find as use

POOL = made_up(use("urine"), 2000, 1)
SMALL = Plan(repeats=1, a_day=40, delay=3, before=98, calm=7, after=12)


def changed(name):
    return find(name).change(POOL, np.random.default_rng(0))


def test_made_up_patients_have_every_input_and_outcomes_that_the_model_foretells():
    assert POOL.table.column_names == [item.name for item in POOL.card.inputs]
    assert POOL.outcomes.mean() == pytest.approx(POOL.probability.mean(), abs=0.04)
    assert set(POOL.importance()) <= set(POOL.table.column_names)


def test_a_use_without_a_model_has_no_made_up_patients():
    class Bare(use("urine")):
        def shipped_model(self):
            return None

    with pytest.raises(NotEnoughData, match="ships no model"):
        made_up(Bare, 500, 1)


def test_a_doubling_of_the_odds_doubles_the_odds():
    after = changed("concept").pool.outcomes.mean()
    before = POOL.outcomes.mean()
    expected = np.mean(2 * POOL.probability / (1 + POOL.probability))
    assert after > before
    assert after == pytest.approx(expected, abs=0.04)
    assert (changed("concept").pool.probability == POOL.probability).all()


def test_a_change_of_unit_multiplies_and_what_happens_to_the_patients_stays():
    change = changed("unit")
    ratio = pc.divide(change.pool.table[change.about], POOL.table[change.about])
    assert set(np.round([value for value in ratio.to_pylist() if value is not None], 3)) == {
        12.0
    }  # years to months
    assert (change.pool.outcomes == POOL.outcomes).all()


def test_a_dead_input_is_missing_everywhere_and_a_new_ward_is_unknown_to_the_card():
    dead = changed("dead-input")
    assert dead.pool.table[dead.about].null_count == len(POOL)
    ward = changed("ward")
    levels = next(item.levels for item in POOL.card.inputs if item.name == ward.about)
    words = ward.pool.table[ward.about].to_pylist()
    assert sum(word not in levels and word is not None for word in words) == pytest.approx(667, abs=80)


@pytest.mark.parametrize("name", ["dead-input", "dead-feed", "unit", "coding"])
def test_the_monitor_that_should_see_it_does(name):
    scenario = find(name)
    found = simulate(POOL, scenario, stop_rules(POOL.card), SMALL)
    seen = {line.monitor for line in found.monitors if line.share}
    assert seen & set(scenario.sees), seen
    if name == "dead-input":
        assert found.stopped == 1
        assert "feed" in {line.monitor for line in found.rules}
    assert "<svg" in picture(found)


def test_nothing_is_seen_when_nothing_happens():
    found = simulate(POOL, find("nothing"), stop_rules(POOL.card), SMALL)
    assert (found.false_alarms, found.false_stops, found.stopped) == (0, 0, 0)
    assert found.a_year[2] > 1  # three weeks prove little, and the interval says so


def test_the_same_seed_gives_the_same():
    plan = Plan(repeats=1, a_day=20, delay=3, before=98, calm=7, after=7)
    assert simulate(POOL, find("covariate"), (), plan) == simulate(POOL, find("covariate"), (), plan)


def test_an_alarm_that_stands_or_comes_back_within_four_weeks_is_one():
    found, last = Watched(), {}
    for day in (10, 11, 12, 30, 70):
        _note(found, last, {"drift age"}, day, 0, 20)
    assert (found.onsets, found.false) == (2, 1)
    assert found.first == {"drift": 70}


def test_what_was_never_seen_has_no_day():
    assert seeing("drift", [None, None], 40).days is None
    line = seeing("drift", [3, None, 5], 40)
    assert (line.days, line.earliest, line.latest) == (5, 4, 6)
    assert line.share == pytest.approx(2 / 3)


def test_an_unknown_scenario_names_those_that_are_known():
    with pytest.raises(NotFound, match="covariate"):
        find("flood")
    assert len({each.name for each in SCENARIOS}) == len(SCENARIOS)


def test_the_score_of_functional_decline_starts_and_ends_where_the_papers_say():
    score = weights()
    truth = faded(score)
    assert discrimination(score, score) == pytest.approx(BEFORE[0], abs=0.002)
    assert discrimination(score, truth) == pytest.approx(AFTER[0], abs=0.002)


def test_inputs_of_every_kind_can_be_made_up():
    from vesalius.simulation.pool import _column

    class Nothing:
        inputs = ()

    rng = np.random.default_rng(0)
    for kind in ("number", "boolean", "category", "grade"):
        column = _column(Input("x", kind, ("a", "b")), Nothing(), 200, rng)
        assert len(column) == 200
        assert 0 < column.null_count < 30
