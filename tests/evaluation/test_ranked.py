"""The quick figures of a bootstrap sample are those of the plain ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.evaluation import compare, metrics
from vesalius.evaluation.ranked import FIGURES, Job, Ranked, Resamples, draw, figures

PLAIN = {
    "auroc": metrics.auroc,
    "auprc": metrics.auprc,
    "brier": metrics.brier,
    "scaled_brier": metrics.scaled_brier,
    "intercept": metrics.calibration_intercept,
    "slope": metrics.calibration_slope,
    "ici": metrics.ici,
}


def world(rows, seed, digits=15):
    rng = np.random.default_rng(seed)
    logits = rng.normal(-1, 1.2, rows)
    chance = np.clip(np.round(1 / (1 + np.exp(-logits)), digits), 0.001, 0.999)
    return (rng.random(rows) < chance).astype(float), chance, rng.integers(0, 4, rows).astype(float)


@settings(deadline=None, max_examples=40)
@given(st.integers(5, 300), st.integers(0, 1000), st.sampled_from([1, 2, 15]))
def test_every_figure_of_a_weighted_sample_is_that_of_the_plain_function(rows, seed, digits):
    truth, chance, weights = world(rows, seed, digits)
    way = Ranked(truth, chance)
    quick = dict(zip(FIGURES, figures(way, way.steps(weights)), strict=True))
    for name, metric in PLAIN.items():
        plain = metric(truth, chance, weights)
        if not abs(plain) >= 20:  # a slope beyond is that of classes which do not overlap: it has no end
            assert quick[name] == pytest.approx(plain, abs=1e-7, nan_ok=True), name


@pytest.mark.parametrize("digits", [3, 15])
def test_many_rows_are_grouped_to_nearly_the_same_calibration(digits):
    truth, chance, weights = world(20_000, 1, digits)
    way = Ranked(truth, chance)
    quick = dict(zip(FIGURES, figures(way, way.steps(weights)), strict=True))
    for name in ("auroc", "auprc", "brier", "scaled_brier"):
        assert quick[name] == pytest.approx(PLAIN[name](truth, chance, weights), abs=1e-9), name
    for name in ("intercept", "slope", "ici"):
        assert quick[name] == pytest.approx(PLAIN[name](truth, chance, weights), abs=3e-4), name


def test_the_distances_to_the_curve_are_in_order():
    truth, chance, _ = world(500, 2)
    way = Ranked(truth, chance)
    quick = dict(zip(FIGURES, figures(way, way.steps()), strict=True))
    assert 0 <= quick["e50"] <= quick["e90"] <= quick["most"]
    assert quick["e50"] < quick["ici"] * 2
    assert quick["ratio"] == pytest.approx(truth.sum() / chance.sum())


def test_the_samples_are_those_of_the_plain_function_as_often_as_they_are_asked():
    groups = ["a", "b", "a", "c", "d"]
    plain = metrics.resamples(groups, 20, np.random.Generator(np.random.PCG64(7)))
    lazy = Resamples(groups, 20, 7)
    assert len(lazy) == 20
    for _ in range(2):
        assert (np.array(list(lazy)) == plain).all()


def test_counts_at_a_threshold_include_the_threshold():
    truth, chance = np.array([1, 0, 1, 0.0]), np.array([0.2, 0.2, 0.5, 0.7])
    (drawn,) = draw([Job([Ranked(truth, chance)], (), (0.2, 0.5, 0.6, 0.9))], Resamples(range(4), 3, 0))
    counts = list(Resamples(range(4), 3, 0))
    for row, weights in enumerate(counts):
        for place, at in enumerate((0.2, 0.5, 0.6, 0.9)):
            assert drawn.true[row, place] == (weights * truth * (chance >= at)).sum()
            assert drawn.false[row, place] == (weights * (1 - truth) * (chance >= at)).sum()


def test_an_estimate_is_that_of_the_plain_bootstrap():
    truth, chance, _ = world(200, 3)
    other = np.random.default_rng(0).permutation(chance)
    samples = Resamples(range(200), 100, 5)
    counts = np.array(list(samples))
    one, two = draw([Job([Ranked(truth, row)], FIGURES) for row in (chance, other)], samples)
    for name, metric in PLAIN.items():
        assert one.estimate(name) == metrics.estimate(metric, truth, chance[None, :], counts), name
    assert one.less(two, "auroc") == compare(truth, other, chance, counts)


def test_one_class_or_nobody_gives_no_number():
    for truth in (np.ones(5), np.zeros(5)):
        way = Ranked(truth, np.linspace(0.1, 0.9, 5))
        found = dict(zip(FIGURES, figures(way, way.steps()), strict=True))
        assert np.isnan([found[name] for name in ("auroc", "auprc", "scaled_brier", "slope")]).all()
    way = Ranked(np.array([1.0, 0.0]), np.array([0.2, 0.3]))
    assert np.isnan(figures(way, way.steps(np.zeros(2)))).all()
