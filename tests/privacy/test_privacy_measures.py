"""What a table achieves, as pycanon finds it and as its definition says.

The figures of pycanon 1.3.6 are those that ``benchmarks/anonymisation_peers.py`` prints. Two are not its own:
it rounds the entropy l down, and its recursive c takes the rarest value for the most frequent one (its counts are
sorted the wrong way round), so that c is held to the definition instead.
"""

import itertools
import math
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from vesalius.errors import InvalidPlan, NotEnoughData
from vesalius.privacy import achieved, read_table, risks_of
from vesalius.privacy._cells import Sensitive
from vesalius.privacy.models import closeness

QUASI = ["age", "sex", "zone"]

PYCANON = {
    "illness": {
        "k": 3,
        "alpha": 0.6666666666666666,
        "distinct_l": 2,
        "basic_beta": 2.809523809523809,
        "enhanced_beta": 2.809523809523809,
        "t": 0.53,
        "delta": 1.3375041969504586 / math.log(2),
    },
    "score": {
        "k": 3,
        "alpha": 0.5,
        "distinct_l": 3,
        "basic_beta": 4.769230769230769,
        "enhanced_beta": 3.138833117194664,
        "t": 0.1611904761904762,
        "delta": 1.7525387560747736 / math.log(2),
    },
}

PYCANON_ADULT = {
    "k": 1,
    "alpha": 1.0,
    "distinct_l": 1,
    "basic_beta": 3350.3333333333335,
    "enhanced_beta": 8.11711355558441,
    "t": 0.9997016112989857,
    "delta": 8.11711355558441 / math.log(2),
}


def table() -> pa.Table:
    number = range(600)
    return pa.table(
        {
            "age": [f"{n * 37 % 7}0s" for n in number],
            "sex": ["fm"[n * n % 11 % 2] for n in number],
            "zone": [f"z{n * 53 % 5 % 3}" for n in number],
            "illness": [f"i{(n * 29 + n * n) % 17 % 6}" for n in number],
            "score": [(n * 31 + n * n * 7) % 23 % 9 for n in number],
        }
    )


@pytest.mark.parametrize(("secret", "entropy"), [("illness", 1), ("score", 2)])
def test_the_measures_are_those_of_pycanon(secret, entropy):
    found = achieved(table(), QUASI, secret)
    for name, figure in PYCANON[secret].items():
        assert getattr(found, name) == pytest.approx(figure, rel=1e-9), name
    assert math.floor(found.entropy_l) == entropy


def test_the_risks_and_the_discernibility_are_those_of_pycanon():
    risks = risks_of(table(), QUASI)
    counted = Counter(zip(*(table()[name].to_pylist() for name in QUASI), strict=True))
    assert risks.classes == len(counted) == 600 / (4.761904761904762 * 3)
    assert sum(size**2 for size in counted.values()) == 11_210
    assert sum(1 / size for size in counted.values()) / len(counted) == pytest.approx(0.1013094330330355)


@pytest.mark.data
def test_the_measures_of_adult_are_those_of_pycanon(shared_data):
    adult = read_table(shared_data / "adult-arx" / "adult.csv.gz")
    quasi = [name for name in adult.column_names if name != "occupation"]
    found = achieved(adult, quasi, "occupation")
    for name, figure in PYCANON_ADULT.items():
        assert getattr(found, name) == pytest.approx(figure, rel=1e-9), name
    assert found.recursive_c is None
    assert risks_of(adult, quasi).classes == 30_162 / 2.4210948787927435


def test_c_is_the_least_whole_number_that_makes_the_table_recursively_diverse():
    found = achieved(table(), QUASI, "score")
    rows = zip(*(table()[name].to_pylist() for name in [*QUASI, "score"]), strict=True)
    classes: dict[tuple, Counter] = {}
    for *key, value in rows:
        classes.setdefault(tuple(key), Counter())[value] += 1

    def diverse(c: float) -> bool:
        counts = [sorted(each.values(), reverse=True) for each in classes.values()]
        return all(each[0] < c * sum(each[found.distinct_l - 1 :]) for each in counts)

    assert diverse(found.recursive_c)
    assert not diverse(found.recursive_c - 1)


def moved(share, spread, distance) -> float:
    """The earth mover's distance as a linear programme."""
    size = len(share)
    out = np.kron(np.eye(size), np.ones(size))
    into = np.kron(np.ones(size), np.eye(size))
    solved = linprog(distance.ravel(), A_eq=np.vstack([out, into]), b_eq=np.concatenate([share, spread]))
    return solved.fun


TREE = [
    np.array([0, 1, 2, 3, 4], np.int32),
    np.array([0, 0, 1, 2, 2], np.int32),
    np.array([0, 0, 0, 1, 1], np.int32),
    np.array([0, 0, 0, 0, 0], np.int32),
]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 5), min_size=5, max_size=5).filter(any),
    st.lists(st.integers(1, 6), min_size=5, max_size=5),
    st.sampled_from(["equal", "ordered", "hierarchical"]),
)
def test_the_distance_is_what_moving_the_earth_costs(counts, whole, distance):
    share, spread = np.array(counts) / sum(counts), np.array(whole) / sum(whole)
    ground = np.zeros((5, 5))
    for one, other in itertools.permutations(range(5), 2):
        common = next(height for height, names in enumerate(TREE) if names[one] == names[other])
        ground[one, other] = {"equal": 1.0, "ordered": abs(one - other) / 4, "hierarchical": common / 3}[
            distance
        ]
    none = np.zeros(0, np.int64)
    column = Sensitive(5, none, none, none, np.arange(5), TREE)
    found = closeness(np.array([counts], float), spread, distance, column)
    assert found[0] == pytest.approx(moved(share, spread, ground), abs=1e-9)


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(InvalidPlan, match="'weight'"):
        achieved(table(), ["age", "weight"], "illness")
    with pytest.raises(NotEnoughData):
        achieved(table().slice(0, 0), ["age"], "illness")
    with pytest.raises(InvalidPlan, match="order"):
        achieved(table(), ["age"], "illness", distance="ordered")
