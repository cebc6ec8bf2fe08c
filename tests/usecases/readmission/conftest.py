"""A lake that holds some charts, and what the use case says about it."""

from contextlib import ExitStack
from datetime import timedelta

import pytest
from discharges import DUE, LEFT

from vesalius.usecases import _worlds as worlds
from vesalius.usecases.readmission import Readmission


@pytest.fixture
def lake_with():
    """Puts charts in a lake that lasts as long as the test."""
    with ExitStack() as stack:

        def make(*charts):
            resources = [each for chart in charts for each in chart.resources]
            arrivals = worlds.arrivals(resources)
            return stack.enter_context(worlds.lake_of(arrivals, LEFT - timedelta(days=900)))

        yield make


@pytest.fixture
def facts_of(lake_with):
    """The facts about the only stay that is due at :data:`DUE`, by input."""

    def read(chart):
        lake = lake_with(chart)
        use = Readmission()
        (candidate,) = use.candidates(lake, DUE - timedelta(minutes=1), DUE)
        return use.evidence(lake, [candidate]).table.to_pylist()[0]

    return read
