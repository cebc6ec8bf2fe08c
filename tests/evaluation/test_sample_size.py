"""Sample sizes are those of the published examples."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from vesalius.evaluation import sample_size
from vesalius.evaluation.metrics import calibration_slope
from vesalius.evaluation.sample_size import Need


def test_development_is_that_of_the_published_example_of_chagas_disease():
    # Riley et al., Stat Med 2019;38:1276-1296, section 6, and the example in the help of pmsampsize:
    # R squared 0.288, 24 parameters, prevalence 0.174 need 662 rows, 4.8 events per parameter.
    assert sample_size.shrinkage(24, 0.288) == 623
    assert sample_size.optimism(24, 0.288, 0.174) == 662
    assert sample_size.risk(0.174) == 221
    assert round(662 * 0.174 / 24, 1) == 4.8  # events per parameter, in the abstract


def test_validation_is_that_of_the_published_example_of_heart_valves():
    # Riley et al., Stat Med 2021;40:4230-4251, and the example in the help of pmvalsampsize: prevalence 0.018,
    # AUROC 0.8, an interval 1 wide for observed/expected. Its search walks in steps of 0.0001 of the standard
    # error, which makes the first figure one row smaller than the closed form.
    assert sample_size.ratio(0.018, 1.0) == pytest.approx(905, abs=1)
    assert sample_size.auroc(0.018, 0.8) == 4252


def test_the_rows_for_a_slope_give_a_slope_that_precise():
    logits = -2 + norm.ppf((np.arange(2000) + 0.5) / 2000)
    rows = sample_size.slope(logits, 0.2)
    rng = np.random.default_rng(0)
    found = []
    for _ in range(60):
        drawn = rng.choice(logits, rows)
        truth = rng.random(rows) < 1 / (1 + np.exp(-drawn))
        found.append(calibration_slope(truth, 1 / (1 + np.exp(-drawn))))
    assert 2 * 1.96 * np.std(found) == pytest.approx(0.2, rel=0.25)


@given(st.integers(1, 200), st.floats(0.01, 0.5), st.floats(0.02, 0.5))
def test_more_parameters_need_more_rows_and_a_better_model_fewer(parameters, explained, prevalence):
    if explained < sample_size.greatest(prevalence) * 0.95:
        first = sample_size.shrinkage(parameters, explained)
        assert sample_size.shrinkage(parameters + 1, explained) >= first
        assert sample_size.shrinkage(parameters, explained / 2) >= first
        assert sample_size.optimism(parameters, explained, prevalence) > 0


def test_what_cannot_be_said_is_not_said():
    assert sample_size.shrinkage(10, -0.1) is None
    assert sample_size.shrinkage(10, 0.95) is None
    assert sample_size.optimism(10, 0.0, 0.2) is None
    assert sample_size.auroc(0.2, 0.5) is None
    assert sample_size.auroc(0.2, 1.0) is None
    assert sample_size.slope(np.full(100, -1.0)) is None


def test_cox_snell_is_that_of_the_likelihoods():
    truth = np.array([0, 0, 1, 1.0])
    chance = np.array([0.2, 0.4, 0.6, 0.9])
    own = math.log(0.8 * 0.6 * 0.6 * 0.9)
    none = 4 * math.log(0.5)
    assert sample_size.cox_snell(truth, chance) == pytest.approx(1 - math.exp((none - own) * 2 / 4))
    assert sample_size.cox_snell(truth, np.full(4, 0.5)) == pytest.approx(0)


def test_a_need_without_a_number_is_not_met():
    assert Need(criterion="x", rows=10, given=10).met
    assert not Need(criterion="x", rows=11, given=10).met
    assert not Need(criterion="x", rows=None, given=10).met


def test_a_run_says_what_sample_it_needs(run):
    needs = {need.criterion: need for need in run.sample.needs}
    assert len(needs) == 6
    assert run.sample.parameters == 8  # four knots apart, one of two sexes, two steps, one yes or no
    assert run.sample.events_per_parameter == round(run.events / 8, 3)
    assert needs["validation.auroc"].given == run.rows
    assert not needs["validation.slope"].met
