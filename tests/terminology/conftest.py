"""A lake of one's own, on SQLite and on PostgreSQL."""

import pytest

from vesalius.lake import Lake


@pytest.fixture
def lake(engine, tmp_path) -> Lake:
    return Lake(engine, tmp_path / "columns")
