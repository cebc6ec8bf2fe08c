"""A validation to speak of."""

from types import SimpleNamespace as Some

import pytest

from vesalius.evaluation.metrics import Estimate


@pytest.fixture(scope="session")
def run():
    """The shape of a validation that the sheets read, with made-up figures."""
    rows = [
        Some(probability=0.1, sensitivity=Estimate(0.95), specificity=Estimate(0.4)),
        Some(probability=0.4, sensitivity=Estimate(0.8), specificity=Estimate(0.9)),
    ]
    histogram = Some(with_outcome=(1.0, 10.0, 12.0, 9.0, 20.0), without_outcome=(50.0, 40.0, 30.0, 9.0, 5.0))
    return Some(
        thresholds=rows, in_force=(0.05, 0.38), histogram=histogram, patients=186, events=52, rows=186
    )
