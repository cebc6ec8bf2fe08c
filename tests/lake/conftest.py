"""A lake on each database."""

import pytest

from vesalius.lake import Lake
from vesalius.store import open_store


@pytest.fixture
def lake(engine, tmp_path):
    return Lake(engine, tmp_path / "columns")


@pytest.fixture
def sqlite_lake(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path / 'own.sqlite'}")
    yield Lake(opened, tmp_path / "columns")
    opened.dispose()
