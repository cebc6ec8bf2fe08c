"""Conformal intervals of a predicted number."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.modelling import margin, quantile_margin

ROWS = np.arange(57)
PREDICTED = 10 + np.sin(ROWS) * 3
TRUTH = PREDICTED + np.cos(ROWS * 1.7) * (1 + ROWS % 5) / 2 + ((ROWS * 37) % 11 - 5) / 4
SPREAD = 1 + (ROWS % 5) / 2


# crepes 0.9.1: ConformalRegressor().fit(TRUTH - PREDICTED[, sigmas=SPREAD]), .predict_int(y, confidence=…)
@pytest.mark.parametrize(
    ("level", "spread", "theirs"),
    [
        (0.9, None, 3.52756888 - 1.0),
        (0.8, None, 2.74792922 - 1.0),
        (0.9, SPREAD, (1.5196472 - 1.0) / 0.5),
    ],
)
def test_margins_are_those_of_crepes(level, spread, theirs):
    assert margin(TRUTH, PREDICTED, level, spread) == pytest.approx(theirs, abs=1e-7)


@given(st.integers(20, 300), st.floats(0.5, 0.95))
def test_a_margin_covers_its_own_errors_at_the_level_or_a_little_more(rows, level):
    truth = np.random.default_rng(rows).normal(size=rows)
    found = margin(truth, np.zeros(rows), level)
    held = int((np.abs(truth) <= found).sum())
    assert held == (rows if math.isinf(found) else math.ceil((rows + 1) * level))


def test_too_few_errors_give_no_interval():
    assert margin(np.ones(8), np.zeros(8), 0.9) == math.inf
    assert margin(np.ones(9), np.zeros(9), 0.9) == 1.0


def test_new_values_lie_inside_as_often_as_said_whatever_the_spread():
    rng = np.random.default_rng(0)
    spread = rng.uniform(0.2, 3, 6000)
    truth = spread * rng.normal(size=6000)
    wide = margin(truth[:3000], np.zeros(3000), 0.9, spread[:3000])
    inside = np.abs(truth[3000:]) <= wide * spread[3000:]
    assert inside.mean() == pytest.approx(0.9, abs=0.02)
    assert inside[spread[3000:] > 2].mean() == pytest.approx(0.9, abs=0.03)


def test_quantiles_are_widened_or_narrowed_to_the_level():
    rng = np.random.default_rng(0)
    truth, new = rng.normal(size=(2, 4000))
    for half in (0.5, 4.0):
        low, high = np.full(4000, -half), np.full(4000, half)
        found = quantile_margin(truth, low, high)
        assert found == pytest.approx(1.645 - half, abs=0.1)
        assert np.mean((new >= low - found) & (new <= high + found)) == pytest.approx(0.9, abs=0.02)
