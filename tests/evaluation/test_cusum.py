"""Charts on outcomes: the published figures of cardiac surgery, and daily updates against one pass."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.errors import InvalidModel, InvalidSetting
from vesalius.evaluation.monitoring import Chart, Scored, State, cusum, run_length, sprt
from vesalius.evaluation.monitoring._scored import place, score

# Parsonnet scores of the first two years of the cardiac surgery data of Steiner et al. 2000 (as in R's spcadjust):
# how many operations, and how many deaths within 30 days, per score.
SCORES = [*range(45), *range(46, 55), 57, 58, 60, 62, 67, 69]

OPERATIONS = [
    312,
    53,
    131,
    166,
    88,
    128,
    74,
    106,
    54,
    65,
    68,
    51,
    57,
    23,
    32,
    27,
    21,
    24,
    25,
    51,
    27,
    15,
    11,
    9,
    15,
]
OPERATIONS += [
    10,
    15,
    12,
    8,
    11,
    4,
    5,
    10,
    3,
    3,
    7,
    2,
    1,
    1,
    2,
    3,
    4,
    3,
    1,
    1,
    2,
    3,
    1,
    1,
    2,
    3,
    2,
    2,
    1,
    1,
    3,
    2,
    2,
]
OPERATIONS += [1, 1]
DEATHS = [
    1,
    0,
    0,
    3,
    4,
    3,
    2,
    2,
    5,
    4,
    5,
    2,
    7,
    5,
    3,
    3,
    2,
    1,
    4,
    8,
    0,
    2,
    0,
    2,
    5,
    0,
    3,
    5,
    1,
    0,
    1,
    0,
    4,
    0,
    0,
    2,
]
DEATHS += [0, 1, 0, 0, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 2, 1, 0, 2, 1, 1, 1, 0]


def chart(odds=2.0, limit=4.5, **rest):
    return Chart(kind="cusum", odds=odds, limit=limit, **rest)


@pytest.mark.parametrize(
    ("odds", "score", "died", "weight"),
    [  # Steiner et al. 2000, p. 446; Steiner, Statistics in Action, 2014, p. 234
        (2, 0, 0, -0.024),
        (2, 0, 1, 0.669),
        (2, 50, 0, -0.433),
        (2, 50, 1, 0.260),
        (0.5, 0, 0, 0.012),
        (0.5, 0, 1, -0.681),
        (0.5, 50, 0, 0.316),
        (0.5, 50, 1, -0.377),
    ],
)
def test_a_case_weighs_what_steiner_says(odds, score, died, weight):
    risk = 1 / (1 + np.exp(3.68 - 0.077 * score))
    assert chart(odds).weights([risk], [died])[0] / 1e6 == pytest.approx(weight, abs=5e-4)


def fitted():
    """The logistic regression of death on the score, by Newton's method."""
    x, n, d = (np.array(each, float) for each in (SCORES, OPERATIONS, DEATHS))
    at = np.array([-3.0, 0.05])
    design = np.column_stack([np.ones_like(x), x])
    for _ in range(30):
        risk = 1 / (1 + np.exp(-design @ at))
        at = at + np.linalg.solve((design.T * (n * risk * (1 - risk))) @ design, design.T @ (d - n * risk))
    return 1 / (1 + np.exp(-design @ at))


def surgery():
    risk = np.repeat(fitted(), OPERATIONS)
    return score(place(risk), risk, None, None)


def test_the_limit_for_the_surgery_data_is_that_of_the_r_package_vlad():
    # vlad 0.2.2, racusum_crit_mc(L0 = 370, RA = 2): 1.8592, on a chain of 600 steps to one
    planned = cusum(surgery(), 2.0, 370, 1.0)
    assert planned.limit == pytest.approx(1.8592, abs=0.03)


@pytest.mark.parametrize("maker", [cusum, sprt])
def test_false_alarms_come_as_rarely_as_was_asked(maker):
    rng = np.random.default_rng(5)
    share = 1 / (1 + np.exp(-rng.normal(-1.5, 1, 20_000)))
    mix = score(place(share), share, None, None)
    planned = maker(mix, 2.0, 2000, 1.0)
    drawn = rng.choice(share, 240_000)
    state = planned.update(planned.start(), drawn, rng.random(240_000) < drawn)
    assert 120 * 0.75 < state.signals < 120 * 1.25
    truth = 2 * drawn / (1 + drawn)
    soon = planned.update(planned.start(), drawn, rng.random(240_000) < truth)
    assert 240_000 / soon.signals == pytest.approx(run_length(planned, mix, 2.0), rel=0.05)
    assert run_length(planned, mix, 2.0) < 150


def test_a_chart_starts_from_the_references_own_calibration():
    rng = np.random.default_rng(6)
    said = 1 / (1 + np.exp(-rng.normal(-1.5, 1, 20_000)))
    truth = 2 * said / (1 + said)
    outcomes = rng.random(20_000) < truth
    mix = score(place(said), said, None, outcomes.astype(float))
    planned = cusum(mix, 2.0, 5000, 0.1)
    assert planned.add == pytest.approx(np.log(2), abs=0.1)
    again = rng.random(20_000) < truth
    assert not planned.update(planned.start(), said, again).signalled


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(["cusum", "sprt"]),
    cases=st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=4),
)
def test_daily_updates_give_exactly_what_one_pass_gives(kind, cases, cuts):
    plan = Chart(kind=kind, odds=2.0, limit=1.5, floor=0.0 if kind == "cusum" else -1.0)
    share, outcomes = [case[0] for case in cases], [case[1] for case in cases]
    state = plan.start()
    ends = [0, *sorted(min(cut, len(cases)) for cut in cuts), len(cases)]
    for start, end in pairwise(ends):
        state = plan.update(state, share[start:end], outcomes[start:end])
    assert state == plan.update(plan.start(), share, outcomes)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 0.99), st.booleans()), min_size=1, max_size=80))
def test_the_cusum_is_the_textbook_recursion(cases):
    plan = chart(limit=100.0)
    share, outcomes = np.array([case[0] for case in cases]), np.array([case[1] for case in cases])
    total, expected = 0.0, []
    for risk, died in zip(share, outcomes, strict=True):
        total = max(0.0, total + np.log((2.0 if died else 1.0) / (1 + risk)))
        expected.append(total)
    _, path = plan.trace(plan.start(), share, outcomes)
    assert np.allclose(path / 1e6, expected, atol=1e-4)


def test_a_signal_has_the_number_of_its_case_and_the_chart_starts_again():
    plan = chart(limit=1.0)
    state = plan.update(plan.start(), [0.01] * 6, [1, 1, 0, 0, 1, 1])
    assert (state.first, state.last, state.signals) == (2, 6, 2)
    assert state.total == 0
    assert state.signalled


@pytest.mark.parametrize(
    ("share", "outcomes"),
    [([0.2], [None]), ([0.2], [2]), ([1.5], [1]), ([0.2, 0.3], [1]), ([float("nan")], [1])],
)
def test_a_case_without_a_probability_or_an_outcome_is_refused(share, outcomes):
    with pytest.raises(InvalidModel):
        chart().update(State(), share, outcomes)


@pytest.mark.parametrize(
    "change", [{"odds": 1.0}, {"odds": 0.0}, {"cases": 0}, {"alarms": 0}, {"scored": Scored()}]
)
def test_a_chart_that_looks_for_nothing_is_refused(change):
    given_ = {"scored": surgery(), "odds": 2.0, "cases": 1000, "alarms": 1.0} | change
    with pytest.raises(InvalidSetting):
        cusum(**given_)
