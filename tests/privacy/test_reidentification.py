"""The risk that somebody is recognised."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.errors import InvalidPlan, NotEnoughData
from vesalius.privacy import population_uniqueness, risks, risks_of
from vesalius.privacy.risk import BINS, fit_pitman


@given(st.lists(st.integers(1, 300), min_size=1, max_size=50), st.floats(0, 1))
def test_the_risks_of_a_table_are_those_of_its_records(sizes, threshold):
    found = risks(np.array(sizes), threshold)
    each = [1 / size for size in sizes for _ in range(size)]
    assert found.records == len(each) == sum(found.spread)
    assert found.prosecutor_max == max(each)
    assert found.prosecutor_mean == pytest.approx(sum(each) / len(each))
    assert found.above == pytest.approx(sum(risk > threshold for risk in each) / len(each))
    assert found.spread[0] == found.uniques == sizes.count(1)
    assert found.journalist_max == found.prosecutor_max
    assert found.marketer == pytest.approx(found.prosecutor_mean)
    assert len(found.spread) == len(BINS)


def test_a_journalist_looks_in_the_population():
    table = pa.table({"sex": ["f", "f", "m"], "age": [30, 30, 40]})
    population = pa.table({"age": [30] * 4 + [40] * 10 + [50], "sex": ["f"] * 4 + ["m"] * 10 + ["m"]})
    found = risks_of(table, ["sex", "age"], population=population)
    assert (found.prosecutor_max, found.journalist_max) == (1.0, 0.25)
    assert found.marketer == pytest.approx((2 / 4 + 1 / 10) / 3)


def test_a_population_without_everybody_of_the_table_is_refused():
    table = pa.table({"sex": ["f", "f"]})
    with pytest.raises(InvalidPlan, match="lacks"):
        risks_of(table, ["sex"], population=pa.table({"sex": ["f", "m"]}))
    with pytest.raises(InvalidPlan, match="population has no column 'sex'"):
        risks_of(table, ["sex"], population=pa.table({"age": [1]}))
    with pytest.raises(InvalidPlan, match="no column 'age'"):
        risks_of(table, ["age"])
    with pytest.raises(InvalidPlan, match="name the columns"):
        risks_of(table, [])
    with pytest.raises(NotEnoughData):
        risks_of(table.slice(0, 0), ["sex"])


def test_empty_cells_are_a_value_of_their_own():
    found = risks_of(pa.table({"sex": ["f", None, "f", None, ""]}), ["sex"])
    assert (found.classes, found.uniques) == (3, 1)


def restaurant(theta: float, alpha: float, size: int, seed: int) -> np.ndarray:
    """The table at which each guest of Pitman's restaurant sits."""
    deal = np.random.default_rng(seed)
    tables: list[int] = []
    seats = []
    for guest in range(size):
        if deal.random() < (theta + alpha * len(tables)) / (theta + guest):
            seats.append(len(tables))
            tables.append(1)
        else:
            # A seated guest is joined, unless the part alpha of a table turns the newcomer away.
            while True:
                at = seats[deal.integers(guest)]
                if deal.random() < 1 - alpha / tables[at]:
                    break
            seats.append(at)
            tables[at] += 1
    return np.array(seats)


def test_the_uniques_of_a_population_are_foreseen_from_a_sample():
    population = restaurant(40.0, 0.5, 20_000, seed=3)
    sample = np.random.default_rng(4).choice(population, 2_000, replace=False)
    truth = (np.bincount(population) == 1).sum() / len(population)
    foreseen = population_uniqueness(np.unique(sample, return_counts=True)[1], len(population))
    in_the_sample = (np.unique(sample, return_counts=True)[1] == 1).sum() / len(sample)
    assert foreseen == pytest.approx(truth, rel=0.3)  # a tenth of the people: alpha is not known better
    assert abs(foreseen - truth) < abs(in_the_sample - truth) / 5


def test_the_model_of_the_population_finds_what_it_was_made_with():
    sizes = np.bincount(restaurant(40.0, 0.5, 20_000, seed=5))
    fitted = fit_pitman(sizes)
    assert fitted.alpha == pytest.approx(0.5, abs=0.06)
    assert fitted.theta == pytest.approx(40, rel=0.5)


def test_a_model_that_cannot_be_fitted_says_so():
    with pytest.raises(NotEnoughData):
        population_uniqueness(np.ones(5, int), 100)
    with pytest.raises(NotEnoughData):
        population_uniqueness(np.array([7]), 100)
    with pytest.raises(InvalidPlan, match="smaller"):
        population_uniqueness(np.array([7, 1, 1]), 5)
