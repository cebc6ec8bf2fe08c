"""A lake on each database."""

import pytest

from vesalius.lake import Lake


@pytest.fixture
def lake(engine, tmp_path):
    return Lake(engine, tmp_path / "columns")
