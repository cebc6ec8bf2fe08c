"""Lakes that hold some bedsides."""

from contextlib import ExitStack
from datetime import timedelta

import pytest
from bedsides import ADMITTED

from vesalius.usecases import _worlds as worlds


@pytest.fixture
def lake_of():
    """Puts bedsides in a lake that lasts as long as the test."""
    with ExitStack() as stack:

        def make(*bedsides):
            resources = [each for bedside in bedsides for each in bedside.resources]
            arriving = worlds.arrivals(resources)
            return stack.enter_context(worlds.lake_of(arriving, ADMITTED - timedelta(days=1)))

        yield make
