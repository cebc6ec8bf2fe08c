"""Small tables with a known truth."""

import numpy as np
import pyarrow as pa
import pytest

from vesalius.card import Input
from vesalius.modelling import _ebm

GRADES = ("negative", "trace", "small", "moderate", "large")
INPUTS = (
    Input("age", "number", unit="a"),
    Input("nitrite", "grade", ("negative", "positive")),
    Input("leukocytes", "grade", GRADES),
    Input("sex", "category", ("female", "male", "other")),
    Input("fever", "boolean"),
    Input("never_known", "number"),
)


def make(rows, seed=0):
    """A table of ``rows`` patients, with gaps, and outcomes that depend on it."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(18, 95, rows)
    nitrite = rng.random(rows) < 0.2
    grade = rng.integers(0, 5, rows)
    fever = rng.random(rows) < 0.3
    logit = -2.5 + 2 * nitrite + 0.5 * grade + 0.02 * (age - 50)
    outcomes = rng.random(rows) < 1 / (1 + np.exp(-logit))

    def gaps(column, share=0.1):
        return [None if gone else value for value, gone in zip(column, rng.random(rows) < share, strict=True)]

    table = pa.table(
        {
            "age": pa.array(gaps(age.round(1).tolist()), pa.float64()),
            "nitrite": pa.array(gaps(["positive" if n else "negative" for n in nitrite]), pa.string()),
            "leukocytes": pa.array(gaps([GRADES[g] for g in grade]), pa.string()),
            "sex": pa.array(gaps(rng.choice(["female", "male"], rows).tolist()), pa.string()),
            "fever": pa.array(gaps(fever.tolist()), pa.bool_()),
            "never_known": pa.array([None] * rows, pa.float64()),
        }
    )
    return table, outcomes


@pytest.fixture(scope="session", autouse=True)
def _few_bags():
    """Boosting machines of few bags: they learn a little less, and a test waits less."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_ebm, "_BAGS", 2)
        patch.setattr(_ebm, "_FULL_BAGS", 4)
        yield


@pytest.fixture(scope="session")
def inputs():
    return INPUTS


@pytest.fixture(scope="session")
def sample():
    """Makes a table and its outcomes."""
    return make


@pytest.fixture(scope="session")
def model():
    from vesalius.modelling import train

    return train(*make(300), INPUTS, seed=1)
