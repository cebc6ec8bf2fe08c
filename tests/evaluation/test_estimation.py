"""Expected performance before outcomes come: NannyML's figures, and what counting in bins costs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from monitored import INPUTS, rows

from vesalius.errors import InvalidModel
from vesalius.evaluation import metrics
from vesalius.evaluation.monitoring import Reference, Tally, cbpe, estimated

# What NannyML 0.13.1 (numpy 2.4, pandas 3.1) says of this case; its own test found no need to calibrate:
#   NML_DISABLE_USAGE_LOGGING=1 PEERS/bin/python benchmarks/monitoring.py nannyml
NANNYML = {
    "auroc": 0.7642796022327396,
    "accuracy": 0.7287799479678795,
    "specificity": 0.757287590836029,
    "sensitivity": 0.625482076622266,
    "ppv": 0.4156153759588155,
    "f1": 0.49939603211279177,
}


def case(count, seed, shift=0.0):
    rng = np.random.Generator(np.random.PCG64(seed))
    probability = 1 / (1 + np.exp(-rng.normal(-1.2 + shift, 1.1, count)))
    return probability, rng.random(count) < probability


def test_expected_figures_equal_nannyml_to_three_decimals():
    probability, _ = case(2000, 12, -0.4)
    found = cbpe(probability, probability >= 0.25)
    for name, value in NANNYML.items():
        assert getattr(found, name).value == pytest.approx(value, abs=5e-4), name


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.001, 0.999), min_size=2, max_size=60))
def test_the_expected_auroc_is_that_of_weighing_each_row_as_both(probabilities):
    share = np.array(probabilities)
    both = np.concatenate([np.ones(len(share)), np.zeros(len(share))])
    weights = np.concatenate([share, 1 - share])
    expected = metrics.auroc(both, np.concatenate([share, share]), weights)
    assert cbpe(share).auroc.value == pytest.approx(expected, abs=1e-6)


def test_expected_figures_are_those_that_come_true_when_probabilities_are_calibrated():
    probability, outcomes = case(40_000, 33)
    acted = probability >= 0.25
    found = cbpe(probability, acted)
    assert found.auroc.low < metrics.auroc(outcomes, probability) < found.auroc.high
    assert found.ppv.low < metrics.ppv(outcomes, acted) < found.ppv.high
    assert found.brier.low < metrics.brier(outcomes, probability) < found.brier.high
    assert found.prevalence.low < outcomes.mean() < found.prevalence.high


def test_the_interval_holds_what_comes_true_as_often_as_it_says():
    probability, _ = case(1500, 4)
    acted = probability >= 0.3
    found = cbpe(probability, acted)
    rng = np.random.default_rng(0)
    hits = dict.fromkeys(("auroc", "brier", "sensitivity", "ppv", "f1"), 0)
    for _ in range(300):
        outcomes = rng.random(1500) < probability
        tp, fp, fn = (acted & outcomes).sum(), (acted & ~outcomes).sum(), (~acted & outcomes).sum()
        real = {
            "auroc": metrics.auroc(outcomes, probability),
            "brier": metrics.brier(outcomes, probability),
            "sensitivity": tp / (tp + fn),
            "ppv": tp / (tp + fp),
            "f1": 2 * tp / (2 * tp + fp + fn),
        }
        for name, value in real.items():
            hits[name] += getattr(found, name).low <= value <= getattr(found, name).high
    assert all(278 <= count <= 299 for count in hits.values()), hits


def test_many_rows_are_counted_in_fine_bins_and_give_the_same():
    probability, _ = case(12_000, 5)
    acted = probability >= 0.25
    many, few = cbpe(probability, acted), cbpe(probability[:9_000], acted[:9_000])
    assert 0 < many.binning < 1e-4
    assert few.binning == 0
    both = np.concatenate([np.ones(12_000), np.zeros(12_000)])
    weights = np.concatenate([probability, 1 - probability])
    exact = metrics.auroc(both, np.concatenate([probability, probability]), weights)
    assert abs(many.auroc.value - exact) <= many.binning + 1e-6
    tight = 0.2 + 1e-7 * np.arange(12_000)  # all in one bin: sorted after all
    assert cbpe(tight).binning == 0


@pytest.mark.parametrize("seed", range(5))
def test_the_error_of_a_tally_of_bins_is_within_what_it_says(seed):
    some, base = rows(4000, seed + 50), rows(3000, 1)
    against = Reference.of(INPUTS, base.table, base.probability)
    acted = some.probability > 0.3
    found = estimated(against, Tally.of(against, some.table, some.probability, acted))
    exact = cbpe(some.probability, acted)
    assert 0 < found.binning < 0.01
    assert abs(found.auroc.value - exact.auroc.value) <= found.binning
    for name in ("brier", "accuracy", "sensitivity", "specificity", "ppv", "npv", "f1", "prevalence"):
        assert getattr(found, name).value == pytest.approx(getattr(exact, name).value, abs=2e-3), name


def test_a_reference_with_outcomes_recalibrates_what_is_expected():
    some = rows(6000, 7)
    bold = 1 / (1 + np.exp(-2 * np.log(some.probability / (1 - some.probability))))  # twice too sure
    against = Reference.of(INPUTS, some.table, bold, some.outcomes)
    found = estimated(against, Tally.of(against, some.table, bold))
    naive = cbpe(bold).auroc.value
    real = metrics.auroc(some.outcomes, some.probability)
    assert abs(found.auroc.value - real) < 0.02 < abs(naive - real)


def test_it_is_blind_to_concept_shift_and_says_so():
    some = rows(5000, 8, odds=3.0)
    base = rows(5000, 9)
    against = Reference.of(INPUTS, base.table, base.probability, base.outcomes)
    found = estimated(against, Tally.of(against, some.table, some.probability, outcomes=some.outcomes))
    assert found.blind_to_concept_shift
    assert found.prevalence.high < some.outcomes.mean()


def test_without_rows_or_acts_nothing_is_made_up():
    assert cbpe([]).auroc.value is None
    assert cbpe([0.2, 0.4]).ppv is None
    assert cbpe([0.2, 0.4], [False, False]).ppv.value is None


@pytest.mark.parametrize(("share", "acted"), [([1.2], None), ([float("nan")], None), ([0.2], [True, False])])
def test_what_is_no_probability_is_refused(share, acted):
    with pytest.raises(InvalidModel):
        cbpe(share, acted)
