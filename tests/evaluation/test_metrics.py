"""Figures against scikit-learn, closed forms and what must always hold."""

import inspect
import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from vesalius.evaluation import metrics

pairs = st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=2, max_size=60)
mixed = pairs.filter(lambda rows: 0 < sum(outcome for outcome, _ in rows) < len(rows))


def apart(rows):
    return np.array([outcome for outcome, _ in rows], float), np.array([score for _, score in rows], float)


@settings(deadline=None)
@given(mixed)
def test_auroc_is_that_of_scikit_learn_and_of_all_pairs(rows):
    truth, score = apart(rows)
    value = metrics.auroc(truth, score)
    assert value == pytest.approx(roc_auc_score(truth, score))
    differences = score[truth == 1][:, None] - score[truth == 0][None, :]
    assert value == pytest.approx(np.mean((np.sign(differences) + 1) / 2))


@settings(deadline=None)
@given(mixed)
def test_auroc_does_not_change_under_a_monotone_map_and_mirrors_under_a_reversal(rows):
    truth, score = apart(rows)
    value = metrics.auroc(truth, score)
    assert metrics.auroc(truth, np.exp(score / 7) - 3) == pytest.approx(value)
    assert metrics.auroc(truth, -score) == pytest.approx(1 - value)
    assert metrics.auroc(1 - truth, score) == pytest.approx(1 - value)


@settings(deadline=None)
@given(mixed)
def test_average_precision_is_that_of_scikit_learn(rows):
    truth, score = apart(rows)
    assert metrics.auprc(truth, score) == pytest.approx(average_precision_score(truth, score))


@settings(deadline=None)
@given(mixed, st.integers(0, 10))
def test_a_weight_counts_a_row_that_often(rows, seed):
    truth, score = apart(rows)
    weights = np.random.default_rng(seed).integers(0, 4, len(rows)).astype(float)
    repeated = np.repeat(np.arange(len(rows)), weights.astype(int))
    if not 0 < truth[repeated].sum() < len(repeated):
        return
    probability = (score + 0.5) / 21.5
    for metric in (
        metrics.auroc,
        metrics.auprc,
        metrics.brier,
        metrics.scaled_brier,
        metrics.calibration_intercept,
    ):
        assert metric(truth, probability, weights) == pytest.approx(
            metric(truth[repeated], probability[repeated]), abs=1e-7
        )


@settings(deadline=None)
@given(mixed)
def test_the_roc_curve_climbs_from_corner_to_corner_and_holds_the_auroc(rows):
    truth, score = apart(rows)
    false, true = metrics.roc(truth, score)
    assert (false[0], true[0], false[-1], true[-1]) == pytest.approx((0, 0, 1, 1))
    assert (np.diff(false) >= 0).all()
    assert (np.diff(true) >= 0).all()
    assert np.trapezoid(true, false) == pytest.approx(metrics.auroc(truth, score))


def test_brier_and_its_scale():
    truth = np.array([1, 0, 0, 1.0])
    assert metrics.brier(truth, truth) == 0
    assert metrics.scaled_brier(truth, truth) == 1
    assert metrics.brier(truth, np.full(4, 0.5)) == 0.25
    assert metrics.scaled_brier(truth, np.full(4, 0.5)) == 0


def world(rows=6000, seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(-1, 1.5, rows)
    probability = 1 / (1 + np.exp(-logits))
    return (rng.random(rows) < probability).astype(float), logits, probability


def test_true_probabilities_are_calibrated():
    truth, _, probability = world()
    assert metrics.calibration_slope(truth, probability) == pytest.approx(1, abs=0.08)
    assert metrics.calibration_intercept(truth, probability) == pytest.approx(0, abs=0.08)
    assert metrics.ici(truth, probability) < 0.02


def test_predictions_that_are_too_extreme_have_half_the_slope():
    truth, logits, _ = world()
    assert metrics.calibration_slope(truth, 1 / (1 + np.exp(-2 * logits))) == pytest.approx(0.5, abs=0.05)


def test_predictions_that_are_too_low_have_a_positive_intercept():
    truth, logits, _ = world()
    assert metrics.calibration_intercept(truth, 1 / (1 + np.exp(-(logits - 1)))) == pytest.approx(1, abs=0.1)
    assert metrics.ici(truth, 1 / (1 + np.exp(-(logits - 1)))) > 0.08


def test_calibration_is_that_of_a_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    truth, logits, probability = world(400)
    theirs = LogisticRegression(C=1e9, tol=1e-12, max_iter=5000).fit(logits[:, None], truth)
    assert metrics.calibration_slope(truth, probability) == pytest.approx(theirs.coef_[0, 0], abs=1e-3)


def test_the_smoother_follows_a_straight_line_exactly():
    score = np.linspace(0, 1, 200)
    at = np.array([0.1, 0.5, 0.9])
    assert metrics.smooth(score, score, None, at) == pytest.approx(at)


def test_many_patients_are_smoothed_by_groups_to_the_same_curve():
    truth, _, probability = world(5000)
    at = np.linspace(0.05, 0.9, 10)
    whole = metrics.smooth(truth, probability, None, at)
    parts = metrics.smooth(truth[:1999], probability[:1999], None, at)
    assert whole == pytest.approx(parts, abs=0.05)


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=50))
def test_shares_of_decisions_are_those_of_the_four_counts(rows):
    truth, acted = apart(rows)
    both, needless = (truth * acted).sum(), ((1 - truth) * acted).sum()
    left, spared = (truth * (1 - acted)).sum(), ((1 - truth) * (1 - acted)).sum()
    wanted = {
        metrics.sensitivity: (both, both + left),
        metrics.specificity: (spared, spared + needless),
        metrics.ppv: (both, both + needless),
        metrics.npv: (spared, spared + left),
    }
    for metric, (part, of) in wanted.items():
        value = metric(truth, acted)
        assert value == pytest.approx(part / of) if of else math.isnan(value)


def test_net_benefit_of_everyone_and_no_one():
    truth = np.array([1, 0, 0, 0.0])
    assert metrics.net_benefit(truth, np.ones(4), 0.25) == pytest.approx(0)
    assert metrics.net_benefit(truth, np.zeros(4), 0.25) == 0
    assert metrics.net_benefit(truth, truth, 0.9) == 0.25


@pytest.mark.parametrize(
    "metric",
    [
        metrics.auroc,
        metrics.auprc,
        metrics.scaled_brier,
        metrics.calibration_slope,
        metrics.calibration_intercept,
    ],
)
def test_one_class_gives_no_number(metric):
    assert math.isnan(metric(np.ones(5), np.linspace(0.1, 0.9, 5)))
    assert math.isnan(metric(np.zeros(5), np.linspace(0.1, 0.9, 5)))
    assert math.isnan(metric(np.zeros(0), np.zeros(0)))


def test_a_constant_score_has_no_slope():
    assert math.isnan(metrics.calibration_slope([1, 0, 1, 0], np.full(4, 0.5)))


def test_exact_intervals_are_those_of_clopper_and_pearson():
    from scipy.stats import binomtest

    for hits, of in ((0, 10), (3, 10), (10, 10), (84, 128)):
        theirs = binomtest(hits, of).proportion_ci(0.95, "exact")
        ours = metrics.exact(hits, of)
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-6)
    assert metrics.exact(0, 0).value is None


def test_the_rows_of_one_patient_are_drawn_together():
    counts = metrics.resamples(["a", "b", "a", "c"], 50, np.random.default_rng(0))
    assert (counts[:, 0] == counts[:, 2]).all()
    assert (counts[:, [0, 1, 3]].sum(axis=1) == 3).all()


def test_an_interval_holds_its_figure_and_the_truth_most_of_the_time():
    held = 0
    for seed in range(40):
        truth, _, probability = world(150, seed)
        counts = metrics.resamples(range(150), 200, np.random.default_rng(seed))
        found = metrics.estimate(metrics.auroc, truth, probability[None, :], counts)
        assert found.low <= found.value <= found.high
        held += found.low <= 0.847 <= found.high
    assert held >= 34


def test_draws_without_a_value_are_left_out():
    assert metrics.around(0.5, [math.nan, 0.4, 0.6]).low == pytest.approx(0.405)
    assert metrics.around(0.5, []).low is None
    assert metrics.around(math.nan, [0.4]).value is None


def test_the_documentation_names_every_metric_and_no_other():
    page = (Path(__file__).parents[2] / "docs" / "engineer" / "validation.md").read_text(encoding="utf-8")
    section = page.split("## The figures")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    ours = {
        name
        for name, value in vars(metrics).items()
        if inspect.isfunction(value) and value.__module__ == metrics.__name__ and not name.startswith("_")
    }
    assert named == ours


def test_every_metric_says_its_source_or_what_it_is_made_of():
    for name in (
        "auroc",
        "auprc",
        "brier",
        "scaled_brier",
        "ici",
        "net_benefit",
        "sensitivity",
        "npv",
        "smooth",
    ):
        assert re.search(r"\d{4}", inspect.getdoc(getattr(metrics, name))), name
