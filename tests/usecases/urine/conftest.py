"""A patient with a urine sample, and a lake that holds some."""

from contextlib import ExitStack
from datetime import timedelta

import pytest
from charts import RESULT, Chart

from vesalius.usecases import _worlds as worlds


@pytest.fixture
def chart():
    """An empty chart of a woman of 45."""
    made = Chart()
    made.patient()
    return made


@pytest.fixture
def lake_with():
    """Puts charts in a lake that lasts as long as the test."""
    with ExitStack() as stack:

        def make(*charts):
            resources = [each for chart in charts for each in chart.resources]
            return stack.enter_context(
                worlds.lake_of(worlds.arrivals(resources), RESULT - timedelta(days=400))
            )

        yield make
