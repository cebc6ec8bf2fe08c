"""A hospital on SQLite and on PostgreSQL, and a client that may do everything there."""

import pytest
from machines import machine, opened


@pytest.fixture
def hospital(tmp_path, database_url):
    made = opened(tmp_path / "home", database_url)
    yield made
    made.close()


@pytest.fixture
def small(tmp_path):
    """A hospital on SQLite alone, where the database makes no difference."""
    made = opened(tmp_path / "home")
    yield made
    made.close()


@pytest.fixture
def feed(hospital):
    """A client on both databases."""
    return machine(hospital)


@pytest.fixture
def single(small):
    """A client of a hospital on SQLite alone."""
    return machine(small)
