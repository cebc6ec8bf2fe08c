"""What outcomes say: performance, calibration with its proposal, groups."""

import numpy as np
import pytest
from monitored import INPUTS, rows

from vesalius.evaluation import metrics
from vesalius.evaluation.monitoring import Reference, Tally, calibration, realised, subgroups
from vesalius.evaluation.monitoring.realised import holm


def counted(some, against, said=None, sex=None):
    said = some.probability if said is None else said
    return Tally.of(against, some.table, said, said > 0.3, some.outcomes, {"sex": sex or some.sex})


def reference(seed=1, count=5000):
    some = rows(count, seed)
    return Reference.of(INPUTS, some.table, some.probability, some.outcomes, {"sex": some.sex})


REFERENCE = reference()


def test_figures_from_bins_are_those_from_rows():
    some = rows(3000, 2)
    found = realised(counted(some, REFERENCE))
    assert abs(found.auroc.value - metrics.auroc(some.outcomes, some.probability)) <= found.binning
    assert found.brier.value == pytest.approx(metrics.brier(some.outcomes, some.probability), abs=1e-6)
    slope, intercept = metrics.calibration_slope, metrics.calibration_intercept
    assert found.slope.value == pytest.approx(slope(some.outcomes, some.probability), abs=0.01)
    assert found.intercept.value == pytest.approx(intercept(some.outcomes, some.probability), abs=0.01)
    assert found.ratio.value == pytest.approx(some.outcomes.sum() / some.probability.sum(), abs=1e-6)
    assert found.alert_rate.value == pytest.approx((some.probability > 0.3).mean())


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    hits = dict.fromkeys(("auroc", "slope", "intercept", "ratio"), 0)
    whole = rows(60_000, 3)
    truth = {
        "auroc": metrics.auroc(whole.outcomes, whole.probability),
        "slope": 1,
        "intercept": 0,
        "ratio": 1,
    }
    for seed in range(80):
        found = realised(counted(rows(800, 500 + seed), REFERENCE))
        for name, value in truth.items():
            hits[name] += getattr(found, name).low <= value <= getattr(found, name).high
    assert all(70 <= count <= 80 for count in hits.values()), hits


@pytest.mark.parametrize(
    ("change", "proposal"),
    [
        (lambda logits: logits, "keep"),
        (lambda logits: logits - 0.6, "intercept"),
        (lambda logits: 2 * logits, "intercept and slope"),
    ],
)
def test_the_closed_test_proposes_the_smallest_update_that_is_enough(change, proposal):
    some = rows(4000, 4)
    logits = np.log(some.probability / (1 - some.probability))
    said = 1 / (1 + np.exp(-change(logits)))
    found = calibration(REFERENCE, counted(some, REFERENCE, said))
    assert found.proposal == proposal
    mended = 1 / (1 + np.exp(-(found.add + found.multiply * change(logits))))
    assert metrics.calibration_slope(some.outcomes, mended) == pytest.approx(1, abs=0.12)
    assert metrics.calibration_intercept(some.outcomes, mended) == pytest.approx(0, abs=0.12)


def test_an_update_that_is_not_needed_is_proposed_once_in_twenty():
    proposals = [
        calibration(REFERENCE, counted(rows(700, 2000 + seed), REFERENCE)).proposal for seed in range(80)
    ]
    assert sum(each != "keep" for each in proposals) <= 11


def test_few_outcomes_propose_nothing():
    some = rows(40, 5)
    found = calibration(REFERENCE, Tally.of(REFERENCE, some.table, some.probability, outcomes=[None] * 40))
    assert (found.proposal, found.slope.value, found.known) == ("keep", None, 0)
    assert realised(Tally()).auroc.value is None


def test_a_group_whose_outcomes_are_foretold_worse_is_a_gap_and_the_others_are_not():
    some = rows(6000, 6)
    sex = np.array(some.sex)
    outcomes = some.outcomes.copy()
    women = np.flatnonzero(sex == "female")
    rng = np.random.default_rng(0)
    outcomes[women] = rng.permutation(outcomes[women])
    tally = Tally.of(REFERENCE, some.table, some.probability, None, outcomes, {"sex": some.sex})
    found = {gap.group: gap for gap in subgroups(REFERENCE, tally)}
    assert found["sex=female"].gap
    assert found["sex=female"].auroc_gap.low > 0.05
    assert found["sex=male"].auroc_gap.value < 0


def test_groups_that_are_alike_have_no_gap():
    false = 0
    for seed in range(40):
        some = rows(1200, 3000 + seed)
        rng = np.random.default_rng(seed)
        eight = rng.integers(0, 8, 1200).astype(str).tolist()
        false += any(gap.gap for gap in subgroups(REFERENCE, counted(some, REFERENCE, sex=eight)))
    assert false <= 6


def test_holm_multiplies_the_least_by_all_and_never_goes_back():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []
