"""Figures are those of dcurves and statsmodels on one case, whose figures are written down here.

Made by dcurves 1.1.7 and statsmodels 0.15.0 (``benchmarks/validation_peers.py`` makes them again).
"""

import numpy as np
import pytest

from vesalius.evaluation import metrics
from vesalius.evaluation.ranked import FIGURES, Ranked, figures

NUMBER = np.arange(400)
CHANCE = ((NUMBER * 37) % 400 + 0.5) / 400 * 0.9 + 0.02
TRUTH = (((NUMBER * 53) % 101) / 101 < CHANCE**1.3).astype(float)

NET_BENEFIT = {
    0.1: (0.346111, 0.341667),
    0.2: (0.290625, 0.259375),
    0.3: (0.236429, 0.153571),
    0.5: (0.142500, -0.185000),
    0.7: (0.061667, -0.975000),
}


@pytest.mark.parametrize(("at", "theirs"), NET_BENEFIT.items())
def test_net_benefit_is_that_of_dcurves(at, theirs):
    model = metrics.net_benefit(TRUTH, at <= CHANCE, at)
    everyone = metrics.net_benefit(TRUTH, np.ones(400), at)
    assert (model, everyone) == pytest.approx(theirs, abs=1e-6)


def test_calibration_is_that_of_statsmodels():
    way = Ranked(TRUTH, CHANCE)
    ours = dict(zip(FIGURES, figures(way, way.steps()), strict=True))
    # GLM(y, [1, logit p], Binomial) and GLM(y, 1, Binomial, offset=logit p)
    assert ours["slope"] == pytest.approx(1.067116765065886, abs=1e-6)
    assert ours["intercept"] == pytest.approx(-0.34659751906848074, abs=1e-6)
    # lowess(y, p, frac=0.75, it=0): the same curve but for how the width of the window is rounded
    assert ours["ici"] == pytest.approx(0.057774886748152475, abs=1e-4)
    assert ours["e50"] == pytest.approx(0.062118030543991204, abs=5e-4)
    assert ours["e90"] == pytest.approx(0.08823514822414404, abs=5e-4)
    assert ours["most"] == pytest.approx(0.08962790630762074, abs=5e-4)


def test_the_band_of_a_decision_curve_holds_the_curve(run):
    for way in run.benefits:
        assert len(way.low) == len(way.high) == len(way.value)
        inside = [
            low - 0.02 <= value <= high + 0.02
            for low, value, high in zip(way.low, way.value, way.high, strict=True)
        ]
        assert all(inside), way.name


def test_a_threshold_says_what_becomes_of_a_thousand_patients(run):
    for row in run.thresholds:
        per = 1000 / run.rows
        assert row.helped.value == pytest.approx(row.caught * per, abs=0.02)
        assert row.harmed.value == pytest.approx((row.acted - row.caught) * per, abs=0.02)
        assert row.left.value == pytest.approx(row.missed * per, abs=0.02)
        assert row.helped.low <= row.helped.value <= row.helped.high
        if row.caught > 5:
            assert row.evaluate.value == pytest.approx(row.acted / row.caught, abs=0.02)


def test_a_subgroup_tells_calibration_benefit_and_coverage(run):
    whole = [row for row in run.subgroups if row.auroc is not None]
    assert whole
    for row in whole:
        assert row.slope is not None
        assert row.ratio.value == pytest.approx(row.observed.value / row.expected, rel=0.02)
        assert len(row.benefits) == len(run.in_force)
        assert 0.5 < row.coverage.value <= 1
    small = [row for row in run.subgroups if row.rows < 20]
    assert all(row.slope is None and row.coverage is None and row.benefits == () for row in small)


def test_the_coverage_has_its_interval(run):
    assert run.coverage.interval.value == pytest.approx(run.coverage.overall, abs=1e-6)
    assert run.coverage.interval.low <= run.coverage.overall <= run.coverage.interval.high


def test_the_reference_of_monitoring_holds_counts_and_no_patient(run):
    assert run.monitoring.rows == run.rows
    assert {field.name for field in run.monitoring.fields} == {"age", "sex", "sign", "never"}
    assert b"Patient/" not in run.to_bytes()
