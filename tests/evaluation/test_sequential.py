"""Group-sequential designs: the published figures, and properties that hold for any looks."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, multivariate_normal

from vesalius.errors import InvalidSetting
from vesalius.evaluation.sequential import (
    Bounds,
    always_above,
    at_looks,
    crossing,
    design,
    efficacy,
    evidence_above,
    repeated,
    spent,
)

FIFTHS = (0.2, 0.4, 0.6, 0.8, 1.0)
NEVER = -8.0


def test_the_bounds_that_spend_like_obrien_and_fleming_are_those_of_lan_and_demets():
    # ldbounds(t = 1:5/5, iuse = 1, alpha = 0.025, sides = 1) of the R package ldbounds: 4.8769 3.3569 2.6803
    # 2.2898 2.0310; Reboussin et al., Control Clin Trials 2000;21:190-207, print the same.
    assert efficacy(FIFTHS, 0.025, "obrien-fleming") == pytest.approx(
        (4.8769, 3.3569, 2.6803, 2.2898, 2.0310), abs=5e-4
    )


def test_the_bounds_that_spend_like_pocock_are_those_of_lan_and_demets():
    # the same, iuse = 2
    assert efficacy(FIFTHS, 0.025, "pocock") == pytest.approx(
        (2.4380, 2.4268, 2.4101, 2.3966, 2.3859), abs=5e-4
    )


@pytest.mark.parametrize(
    ("constant", "shape"),
    [(2.0401, lambda share: share**-0.5), (2.4132, lambda share: 1.0)],
    ids=["O'Brien-Fleming", "Pocock"],
)
def test_the_classical_constants_of_five_looks_spend_alpha(constant, shape):
    # Jennison & Turnbull 2000, tables 2.1 and 2.3, alpha 0.05 two-sided: 2.413 and 2.040
    bounds = Bounds(FIFTHS, tuple(constant * shape(each) for each in FIFTHS), (NEVER,) * 5)
    assert crossing(bounds, 0.0).power == pytest.approx(0.025, abs=2e-5)


def test_a_design_with_futility_is_that_of_gsdesign():
    # gsDesign 3.x, tests/testthat/_snaps/independent-test-print.gsDesign.md, "test.type=4, n.fix = 1": k = 5,
    # alpha 0.025, power 0.9, HSD gamma -4 and -2, n.fix = 800
    made = design(FIFTHS, spending=-4.0, futility=-2.0)
    assert made.bounds.upper == pytest.approx((3.25, 2.99, 2.69, 2.37, 2.03), abs=5e-3)
    assert made.bounds.lower == pytest.approx((-0.90, -0.04, 0.69, 1.36, 2.03), abs=5e-3)
    assert [math.ceil(800 * made.inflation * each) for each in FIFTHS] == [177, 353, 529, 705, 882]
    null, there = crossing(made.bounds, 0.0), crossing(made.bounds, made.drift)
    assert null.success == pytest.approx((0.0006, 0.0013, 0.0028, 0.0062, 0.0117), abs=6e-5)
    assert null.futility == pytest.approx((0.1836, 0.3201, 0.2700, 0.1477, 0.0559), abs=6e-5)
    assert there.success == pytest.approx((0.0417, 0.1679, 0.2806, 0.2654, 0.1444), abs=6e-5)
    assert there.futility == pytest.approx((0.0077, 0.0115, 0.0171, 0.0256, 0.0381), abs=6e-5)
    assert (800 * made.expected[0], 800 * made.expected[2]) == pytest.approx((458.0, 595.2), abs=0.06)


def test_the_chances_are_those_of_the_normal_integral_of_all_looks_at_once():
    bounds, drift = Bounds((0.25, 0.6, 1.0), (2.9, 2.5, 2.1), (-0.5, 0.4, 2.1)), 1.7
    at = np.array(bounds.fractions)
    spread = np.sqrt(np.minimum.outer(at, at) / np.maximum.outer(at, at))
    mean, low, high = drift * np.sqrt(at), np.array(bounds.lower), np.array(bounds.upper)
    whole = multivariate_normal(mean[:2], spread[:2, :2]).cdf(high[:2], lower_limit=low[:2])
    upto = multivariate_normal(mean, spread).cdf([*high[:2], high[2]], lower_limit=[*low[:2], -40.0])
    assert crossing(bounds, drift).success[2] == pytest.approx(whole - upto, abs=1e-5)


LOOKS = st.lists(st.integers(5, 95), min_size=1, max_size=6, unique=True).map(
    lambda shares: (*(share / 100 for share in sorted(shares)), 1.0)
)


@settings(max_examples=25)
@given(LOOKS, st.sampled_from(["obrien-fleming", "pocock", -4.0, 0.0, 1.0]), st.sampled_from([0.025, 0.05]))
def test_whenever_the_looks_come_alpha_is_spent_and_no_more(looks, spending, alpha):
    upper = efficacy(looks, alpha, spending)
    found = crossing(Bounds(looks, upper, (NEVER,) * len(looks)), 0.0).success
    assert sum(found) == pytest.approx(alpha, abs=1e-6)
    assert np.cumsum(found) == pytest.approx([spent(spending, alpha, each) for each in looks], abs=1e-6)


@settings(max_examples=8)
@given(LOOKS, st.sampled_from([0.8, 0.9, 0.95]))
def test_a_design_has_the_power_it_was_planned_for(looks, power):
    made = design(looks, power=power)
    there = crossing(made.bounds, made.drift)
    assert there.power == pytest.approx(power, abs=1e-5)
    assert sum(there.futility) == pytest.approx(1 - power, abs=1e-5)
    # heeding the futility bound only lowers the chance of a false success
    assert crossing(made.bounds, 0.0).power <= made.alpha + 1e-9
    assert made.expected[0] < made.inflation
    assert made.inflation > 1


def test_a_look_that_ends_the_trial_early_spends_what_is_left():
    made = design(FIFTHS)
    ended = at_looks(made, (0.2, 0.55), last=True)
    assert crossing(Bounds(ended.fractions, ended.upper, (NEVER,) * 2), 0.0).power == pytest.approx(0.025)
    assert ended.lower[-1] == ended.upper[-1]
    on_time = at_looks(made, (0.2, 0.55))
    assert on_time.upper[-1] > ended.upper[-1]
    assert on_time.upper[0] == ended.upper[0]


def test_the_planned_bounds_come_back_when_the_looks_come_as_planned():
    made = design((1 / 3, 2 / 3, 1.0))
    assert at_looks(made, (1 / 3, 2 / 3, 1.0), last=True).upper == pytest.approx(made.bounds.upper)
    assert at_looks(made, (1 / 3, 2 / 3)).lower == pytest.approx(made.bounds.lower[:2])


def test_a_design_with_one_look_is_the_usual_test():
    made = design((1.0,))
    assert made.bounds.upper == pytest.approx((1.959964,), abs=1e-6)
    assert made.inflation == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("looks", [(), (0.5,), (0.5, 0.5, 1.0), (0.7, 0.5, 1.0), (0.0, 1.0), (math.nan, 1.0)])
def test_looks_that_are_none_are_refused(looks):
    with pytest.raises(InvalidSetting):
        design(looks)


@pytest.mark.parametrize(
    ("alpha", "power"), [(0.0, 0.9), (0.5, 0.9), (0.025, 1.0), (0.025, 0.1), (math.nan, 0.9)]
)
def test_chances_that_are_none_are_refused(alpha, power):
    with pytest.raises(InvalidSetting):
        design((0.5, 1.0), alpha=alpha, power=power)


def test_a_repeated_interval_is_as_wide_as_its_bound():
    found = repeated(0.8, 0.02, 2.5)
    assert (found.low, found.high) == pytest.approx((0.75, 0.85))


@given(st.integers(0, 60), st.integers(0, 60), st.floats(0.05, 0.95))
def test_a_bet_against_a_share_is_fair_where_the_share_is_true(hits, misses, value):
    """The expected e-value after one more patient is the e-value before: nobody gains by looking often."""
    of = hits + misses
    after = value * evidence_above(hits + 1, of + 1, value) + (1 - value) * evidence_above(
        hits, of + 1, value
    )
    assert after == pytest.approx(evidence_above(hits, of, value), rel=1e-6)


@pytest.mark.parametrize("value", [0.3, 0.8])
def test_looking_after_each_patient_never_finds_a_false_success_too_often(value):
    """The exact chance that the e-value ever reaches 1/alpha in 400 patients, by adding up the paths."""
    alpha, alive, crossed = 0.05, np.array([1.0]), 0.0
    for of in range(1, 401):
        spread = np.zeros(of + 1)
        spread[:-1] += alive * (1 - value)
        spread[1:] += alive * value
        hits = np.arange(of + 1)
        over = np.array([evidence_above(int(each), of, value) >= 1 / alpha for each in hits])
        crossed += spread[over].sum()
        spread[over] = 0.0
        alive = spread
    assert 0.001 < crossed <= alpha


def test_the_lower_end_that_always_holds_lies_below_the_one_that_holds_once():
    hits, of = 88, 100
    low = always_above(hits, of, 0.025)
    assert evidence_above(hits, of, low) == pytest.approx(40, rel=1e-3)
    exact = next(share / 1000 for share in range(1000) if binom.sf(hits - 1, of, share / 1000) > 0.025)
    assert 0.6 < low < exact
    assert always_above(0, 0, 0.025) == 0.0
