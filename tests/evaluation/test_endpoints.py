"""The endpoints of a silent trial: each figure against a way to compute it by hand, and the size of a
trial.
"""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.integrate import quad

from vesalius.errors import InvalidSetting
from vesalius.evaluation.endpoints import (
    NAMES,
    Aim,
    Sample,
    delong,
    extremes,
    hanley,
    information,
    measure,
    needed,
    planned_power,
    secondary,
)
from vesalius.evaluation.metrics import auroc
from vesalius.evaluation.sequential import at_looks, design

AIMS = {
    "sensitivity": Aim(endpoint="sensitivity", value=0.8, expected=0.9, prevalence=0.3),
    "ppv": Aim(endpoint="ppv", value=0.3, expected=0.4, prevalence=0.2, flagged=0.3),
    "auroc": Aim(endpoint="auroc", value=0.75, expected=0.82, prevalence=0.25),
    "sensitivity_gain": Aim(endpoint="sensitivity_gain", value=0.0, expected=0.12, prevalence=0.3),
    "net_benefit_gain": Aim(
        endpoint="net_benefit_gain", value=0.0, expected=0.04, prevalence=0.3, threshold=0.3
    ),
    "calibration": Aim(endpoint="calibration", value=0.8, upper=1.25, expected=1.0, prevalence=0.2),
}


def sample(outcome, acted, probability=None, practice=None) -> Sample:
    none = [math.nan] * len(outcome)
    given_ = (outcome, acted, probability or none, practice or none)
    return Sample(*(np.array(each, dtype=float) for each in given_))


def drawn(rng, aim: Aim, count: int, truth: float) -> Sample:
    """Patients of a world in which the endpoint's figure is ``truth``."""
    outcome = (rng.random(count) < aim.prevalence).astype(float)
    chance, none = rng.random(count), np.full(count, np.nan)
    if aim.endpoint == "sensitivity":
        return Sample(outcome, (chance < np.where(outcome > 0, truth, 0.3)).astype(float), none, none)
    if aim.endpoint == "sensitivity_gain":
        alone = (aim.disagreement + truth) / 2
        agree = (rng.random(count) < 0.6).astype(float)
        tool = np.where(chance < alone, 1.0, np.where(chance < aim.disagreement, 0.0, agree))
        people = np.where(chance < alone, 0.0, np.where(chance < aim.disagreement, 1.0, agree))
        return Sample(outcome, tool, none, people)
    probability = rng.beta(2, 2 / aim.prevalence - 2, count)
    outcome = (chance < np.clip(probability * truth, 0, 1)).astype(float)
    return Sample(outcome, (probability > 0.2).astype(float), probability, none)


def test_shares_are_tested_with_the_variance_of_the_value():
    acted = [1] * 18 + [0] * 2 + [1] * 6 + [0] * 24
    found = measure(AIMS["sensitivity"], sample([1] * 20 + [0] * 30, acted))
    assert found.value == pytest.approx(0.9)
    assert found.z == pytest.approx((0.9 - 0.8) / math.sqrt(0.8 * 0.2 / 20))
    assert found.information == 20
    found = measure(AIMS["ppv"], sample([1] * 20 + [0] * 30, acted))
    assert found.value == pytest.approx(18 / 24)
    assert found.information == 24


def test_a_gain_over_the_clinicians_is_mcnemars_test_where_the_value_is_nothing():
    tool, people = [1] * 14 + [0] * 5 + [1] * 20, [0] * 14 + [1] * 5 + [1] * 20
    found = measure(AIMS["sensitivity_gain"], sample([1] * 39, tool, practice=people))
    assert found.value == pytest.approx(9 / 39)
    assert found.z == pytest.approx((14 - 5) / math.sqrt(14 + 5))


def test_tangos_score_solves_its_own_equation():
    """The share under the value is where the likelihood of the three cells is greatest: found by search."""
    alone, missed, total, value = 4, 9, 80, -0.1
    outcome = [1] * total
    tool = [1] * alone + [0] * missed + [1] * (total - alone - missed)
    people = [0] * alone + [1] * missed + [1] * (total - alone - missed)
    shares = np.linspace(0.1001, 0.5, 400_000)  # of patients whom only the clinicians act on
    log = alone * np.log(shares + value) + missed * np.log(shares)
    log += (total - alone - missed) * np.log(1 - 2 * shares - value)
    best = shares[np.argmax(log)]
    wanted = (alone - missed - total * value) / math.sqrt(total * (2 * best + value * (1 - value)))
    aim = Aim(endpoint="sensitivity_gain", value=value, expected=0.0, prevalence=0.3)
    assert measure(aim, sample(outcome, tool, practice=people)).z == pytest.approx(wanted, abs=1e-3)


def test_a_net_benefit_counts_each_needless_act_at_the_odds_of_the_threshold():
    found = measure(
        AIMS["net_benefit_gain"], sample([1, 1, 0, 0, 0], [1, 1, 1, 0, 0], practice=[0, 1, 0, 1, 0])
    )
    odds = 0.3 / 0.7
    assert found.value == pytest.approx((1 + 0 - odds + odds + 0) / 5)


def test_a_calibration_must_clear_both_bounds():
    chances = [0.2] * 500
    good = sample([1] * 100 + [0] * 400, [0] * 500, chances)
    low, high = (sample([1] * count + [0] * (500 - count), [0] * 500, chances) for count in (76, 130))
    assert measure(AIMS["calibration"], good).value == pytest.approx(1.0)
    assert measure(AIMS["calibration"], good).z > 2
    assert measure(AIMS["calibration"], low).z < 0
    assert measure(AIMS["calibration"], high).z < 0


@given(
    arrays(float, st.integers(5, 40), elements=st.sampled_from([0.1, 0.2, 0.3, 0.5, 0.9])),
    st.integers(0, 2**30),
)
def test_the_variance_of_an_area_is_delongs_pair_by_pair(scores, seed):
    outcomes = np.random.default_rng(seed).integers(0, 2, len(scores)).astype(float)
    high, low = scores[outcomes > 0], scores[outcomes == 0]
    area, variance = delong(outcomes, scores)
    if len(high) < 2 or len(low) < 2:
        assert math.isnan(area)
        return
    pairs = (high[:, None] > low).astype(float) + (high[:, None] == low) / 2
    assert area == pytest.approx(pairs.mean())
    assert area == pytest.approx(auroc(outcomes, scores))
    wanted = pairs.mean(axis=1).var(ddof=1) / len(high) + pairs.mean(axis=0).var(ddof=1) / len(low)
    assert variance == pytest.approx(wanted, abs=1e-12)


def test_the_variance_of_hanley_and_mcneil_is_that_of_exponential_scores():
    """Their two chances, by integration: two with the outcome above one without, one with above two
    without.
    """
    area, events, others = 0.85, 40, 100
    rate = (1 - area) / area
    both = quad(lambda x: math.exp(-x) * math.exp(-rate * x) ** 2, 0, math.inf)[0]
    above = quad(lambda x: rate * math.exp(-rate * x) * (1 - math.exp(-x)) ** 2, 0, math.inf)[0]
    wanted = area * (1 - area) + (events - 1) * (both - area**2) + (others - 1) * (above - area**2)
    assert hanley(area, events, others) == pytest.approx(wanted / events / others, rel=1e-6)


def test_nothing_is_said_before_anything_can_be():
    for name, aim in AIMS.items():
        found = measure(aim, sample([0, 0], [0, 0], [0.1, 0.2], [0, 0]))
        assert (found.value, found.z) == (None, 0.0) or name == "auroc", name
        empty = sample([], [])
        assert measure(aim, empty).value is None


@settings(max_examples=60)
@given(st.sampled_from(NAMES), st.integers(1, 5), st.integers(0, 2**30))
def test_the_extremes_are_those_of_every_way_to_fill_the_gaps(name, gaps, seed):
    rng = np.random.default_rng(seed)
    count = 24
    outcome = rng.integers(0, 2, count).astype(float)
    outcome[:gaps] = np.nan
    probability = np.round(rng.random(count), 1)
    whole = Sample(
        outcome,
        rng.integers(0, 2, count).astype(float),
        probability,
        rng.integers(0, 2, count).astype(float),
    )
    values = []
    for filled in itertools.product((0.0, 1.0), repeat=gaps):
        truth = outcome.copy()
        truth[:gaps] = filled
        values.append(measure(AIMS[name], Sample(truth, whole.acted, probability, whole.practice)).value)
    known = [value for value in values if value is not None]
    assert extremes(AIMS[name], whole) == pytest.approx((min(known), max(known)))


def test_no_gap_no_extremes():
    assert extremes(AIMS["ppv"], sample([1, 0], [1, 1])) is None


@pytest.mark.parametrize("name", NAMES)
def test_more_is_needed_to_show_less(name):
    aim = AIMS[name]
    near = Aim(**{**{field: getattr(aim, field) for field in aim.__struct_fields__}, **(
        {"value": 0.9, "upper": 1.11} if name == "calibration" else {"value": (aim.value + aim.expected) / 2}
    )})  # fmt: skip
    assert needed(near, 0.025, 0.9).patients > 2 * needed(aim, 0.025, 0.9).patients
    assert needed(aim, 0.025, 0.95).patients > needed(aim, 0.025, 0.9).patients
    assert needed(aim, 0.025, 0.9, 1.1).information >= needed(aim, 0.025, 0.9).information


def test_a_share_needs_what_the_textbook_says():
    # Fleiss: (1.96 √(.8 × .2) + 1.2816 √(.9 × .1))² / .1² = 136.6 patients with the outcome
    assert needed(AIMS["sensitivity"], 0.025, 0.9).information == 137
    # Connor: psi .3, difference .12
    assert needed(AIMS["sensitivity_gain"], 0.025, 0.9).information == 215


WRONG = [
    ({"value": 0.9, "expected": 0.9}, "does not lie above"),
    ({"value": 1.2, "expected": 0.9}, "no possible"),
    ({"prevalence": 0.0}, "prevalence"),
    ({"prevalence": math.nan}, "prevalence"),
]


@pytest.mark.parametrize(("change", "words"), WRONG)
def test_an_aim_that_cannot_be_reached_is_refused(change, words):
    fields = {"endpoint": "sensitivity", "value": 0.8, "expected": 0.9, "prevalence": 0.3} | change
    with pytest.raises(InvalidSetting, match=words):
        needed(Aim(**fields), 0.025, 0.9)


def test_other_aims_that_cannot_be_reached_are_refused():
    wrong = [
        Aim(endpoint="calibration", value=1.1, upper=1.25, expected=1.15, prevalence=0.2),
        Aim(endpoint="calibration", value=0.8, upper=1.25, expected=1.3, prevalence=0.2),
        Aim(endpoint="sensitivity_gain", value=0.0, expected=0.4, prevalence=0.2, disagreement=0.3),
        Aim(endpoint="auroc", value=0.4, expected=0.8, prevalence=0.2),
    ]
    for aim in wrong:
        with pytest.raises(InvalidSetting):
            needed(aim, 0.025, 0.9)


@pytest.mark.parametrize("name", ["sensitivity", "sensitivity_gain", "calibration"])
def test_a_trial_ends_with_a_false_success_rarely_and_with_a_true_one_as_often_as_planned(name):
    """2,000 trials each: under the value no more than alpha, where the expected is true the planned power."""
    aim, trials = AIMS[name], 2000
    made = design((0.5, 1.0), power=planned_power(name, 0.9))
    size = needed(aim, made.alpha, made.power, made.inflation)
    for truth, low, high in ((aim.value, 0.0, 0.025), (aim.expected, 0.9, 1.0)):
        rng, wins = np.random.default_rng(1514), 0
        for _ in range(trials):
            whole, shares = drawn(rng, aim, size.patients, truth), []
            for last in (False, True):
                part = whole if last else whole.take(slice(0, size.patients // 2))
                found = measure(aim, part)
                shares.append(round(found.information / size.information, 1))
                bounds = _bounds(made, tuple(shares), last)
                if found.z >= bounds.upper[-1]:
                    wins += 1
                if found.z >= bounds.upper[-1] or found.z <= bounds.lower[-1]:
                    break
        chance = wins / trials
        room = 3 * math.sqrt(0.1 * 0.9 / trials) if low else 3 * math.sqrt(0.025 * 0.975 / trials)
        assert low - room <= chance <= high + room, (name, truth, chance)


KEPT = {}


def _bounds(made, shares, last):
    key = (made, shares, last)
    if key not in KEPT:
        rising = shares if len(shares) == 1 or shares[0] < shares[1] else (shares[0], shares[0] + 0.1)
        KEPT[key] = at_looks(made, rising, last=last)
    return KEPT[key]


def test_the_other_figures_come_with_their_intervals():
    truth = [1, 1, 1, 0, 0, 0, 0, 0]
    found = secondary(
        sample(
            truth,
            [1, 1, 0, 1, 0, 0, 0, 0],
            [0.9, 0.8, 0.4, 0.6, 0.3, 0.2, 0.2, 0.1],
            [1, 0, 0, 0, 0, 1, 0, 0],
        )
    )
    assert found["sensitivity"].value == pytest.approx(2 / 3, abs=1e-6)
    assert found["practice_sensitivity"].value == pytest.approx(1 / 3, abs=1e-6)
    assert found["observed_expected"].value == pytest.approx(3 / 3.5)
    assert all(each.low <= each.value <= each.high for each in found.values())


def test_the_information_counts_only_those_who_can_be_compared():
    whole = sample([1, 1, 1, 0], [1, 1, 0, 0], practice=[1, math.nan, 0, 1])
    assert information(AIMS["sensitivity_gain"], whole) == 2
    assert information(AIMS["net_benefit_gain"], whole) == 3
