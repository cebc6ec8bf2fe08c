"""Drift: seen where there is some, rarely where there is none, and a change of unit by its name."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from monitored import INPUTS, rows

from vesalius.card import Input
from vesalius.evaluation.monitoring import Reference, Tally, drift, multivariate
from vesalius.evaluation.monitoring.drift import fisher, two_samples


def counted(some, against):
    return Tally.of(against, some.table, some.probability)


def reference(count=4000, seed=1):
    some = rows(count, seed)
    return Reference.of(INPUTS, some.table, some.probability, some.outcomes)


REFERENCE = reference()


def about(found, name):
    return next(each for each in found if each.input == name)


def test_nothing_drifts_when_nothing_happens_and_p_is_uniform():
    values, distances = [], []
    for seed in range(12):
        against = reference(1500, 100 + seed)
        tally = counted(rows(600, 900 + seed), against)
        values += [each.p for each in drift(against, tally)]
        distances.append(multivariate(against, tally, 0.05))
    share = np.mean(np.array(values) < 0.05)
    assert 0.0 <= share < 0.16
    assert not any(each.strange or each.moved for each in distances)
    assert abs(np.mean([each.z for each in distances])) < 0.9
    assert np.mean([each.distance > each.distance_limit for each in distances]) < 0.3


def test_the_limit_of_the_index_follows_from_the_number_of_rows():
    few, many = (about(drift(REFERENCE, counted(rows(size, 5), REFERENCE)), "age") for size in (60, 6000))
    assert few.psi_limit > 0.4
    assert many.psi_limit == pytest.approx(0.1)
    assert not few.drifted
    assert not many.drifted


def test_older_patients_are_a_drift_of_age_and_of_what_hangs_on_it_together():
    found = drift(REFERENCE, counted(rows(1500, 6, older=9), REFERENCE))
    age = about(found, "age")
    assert age.drifted
    assert age.unit is None
    assert age.p < 1e-9
    assert age.distance > 0.1
    assert not about(found, "ward").drifted
    assert not about(found, "diabetes").drifted


def test_a_missing_input_is_lost_and_a_new_level_is_outside():
    gone = about(drift(REFERENCE, counted(rows(300, 7, missing=0.4), REFERENCE)), "creatinine")
    assert gone.lost
    assert gone.missing == pytest.approx(0.4, abs=0.1)
    some = rows(400, 8)
    wards = pa.array(["new ward" if row % 3 == 0 else "surgery" for row in range(400)])
    moved = about(
        drift(REFERENCE, Tally.of(REFERENCE, some.table.set_column(2, "ward", wards), some.probability)),
        "ward",
    )
    assert moved.drifted
    assert moved.outside == pytest.approx(1 / 3, abs=0.01)


@pytest.mark.parametrize(
    ("factor", "words"),
    [(88.4, "creatinine"), (1 / 88.4, "creatinine"), (1000, "1000"), (0.1, "10")],
)
def test_a_change_of_unit_is_named(factor, words):
    found = about(drift(REFERENCE, counted(rows(200, 9, factor=factor), REFERENCE)), "creatinine")
    assert found.drifted
    assert found.unit is not None
    assert words in found.unit.what
    assert found.unit.factor == pytest.approx(factor, rel=0.01)
    assert found.unit.share == 1


def test_a_change_of_unit_in_one_of_two_laboratories_is_named_with_its_share():
    some = rows(900, 10)
    values = np.array(some.table["creatinine"].to_pylist(), dtype=float)
    values[:360] *= 88.4
    table = some.table.set_column(1, "creatinine", pa.array(values, from_pandas=True))
    found = about(drift(REFERENCE, Tally.of(REFERENCE, table, some.probability)), "creatinine")
    assert found.unit is not None
    assert found.unit.share == pytest.approx(0.4, abs=0.08)


@pytest.mark.parametrize("factor", [1.3, 0.75, 3.0])
def test_another_mix_of_patients_is_no_change_of_unit(factor):
    found = about(drift(REFERENCE, counted(rows(600, 11, factor=factor), REFERENCE)), "creatinine")
    assert found.drifted
    assert found.unit is None or abs(np.log(found.unit.factor / factor)) < 0.25


def test_inputs_that_no_longer_hang_together_are_strange_though_each_is_as_before():
    rng = np.random.default_rng(1)
    names = [f"x{number}" for number in range(6)]

    def table(count, tied):
        common = rng.normal(size=count)
        parts = {
            name: (common if tied else rng.normal(size=count)) + 0.4 * rng.normal(size=count)
            for name in names
        }
        return pa.table(parts)

    inputs = [Input(name, "number") for name in names]
    against = Reference.of(inputs, table(3000, True), np.full(3000, 0.2))
    tally = Tally.of(against, table(600, False), np.full(600, 0.2))
    assert not any(each.drifted for each in drift(against, tally))
    found = multivariate(against, tally)
    assert found.strange
    assert not multivariate(against, Tally.of(against, table(600, True), np.full(600, 0.2))).strange


def test_a_constant_input_that_begins_to_vary_drifts():
    against = Reference.of([Input("x", "number")], pa.table({"x": np.ones(500)}), np.full(500, 0.2))
    now = Tally.of(against, pa.table({"x": np.repeat([0.5, 1.0], 100)}), np.full(200, 0.2))
    (found,) = drift(against, now)
    assert found.drifted
    assert found.outside == pytest.approx(0.5)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=2, max_size=8),
)
def test_the_test_of_two_samples_is_that_of_scipy_where_no_bin_is_rare(pairs):
    from scipy.stats import chi2_contingency

    table = np.array(pairs, dtype=float).T + 40
    expected = chi2_contingency(table, correction=False)
    statistic, freedom, p = two_samples(table[0], table[1])
    assert statistic == pytest.approx(expected.statistic, abs=1e-6)
    assert freedom == expected.dof
    assert p == pytest.approx(expected.pvalue, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 40), st.integers(0, 300), st.integers(0, 30), st.integers(0, 60))
def test_the_exact_test_is_that_of_scipy(hits, rest, hits_now, rest_now):
    from scipy.stats import fisher_exact

    expected = fisher_exact([[hits, rest], [hits_now, rest_now]])[1]
    assert fisher(hits, hits + rest, hits_now, hits_now + rest_now) == pytest.approx(expected, abs=1e-6)


def test_without_rows_nothing_is_said():
    found = drift(
        REFERENCE, Tally(counts=tuple((0,) * len(f.counts) for f in REFERENCE.fields), logs=((0, 0, 0),) * 4)
    )
    assert not any(each.drifted or each.lost for each in found)
    assert multivariate(REFERENCE, Tally()) is None
