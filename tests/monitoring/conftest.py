"""A hospital with one use whose patients, outcomes and clinicians the tests make up, day by day."""

import pytest
import watched
from watched import START, Fever, Point, World

from vesalius.governance import people
from vesalius.hospital import Hospital
from vesalius.settings import Settings


@pytest.fixture
def installed(monkeypatch):
    """The use cases installed, by name."""
    kinds = {"fever": type("Fever", (Fever,), {})}

    def points(group, name=None):
        return [Point(key, kind) for key, kind in kinds.items() if name in (None, key)]

    monkeypatch.setattr("vesalius.usecase.entry_points", points)
    return kinds


@pytest.fixture
def hospital(tmp_path, installed, database_url):
    """Open, on SQLite and on PostgreSQL."""
    opened = Hospital.open(tmp_path / "home", Settings(synthetic=True, database=database_url))
    yield opened
    opened.close()


@pytest.fixture
def small(tmp_path, installed):
    """Open, on SQLite alone, where the database makes no difference."""
    opened = Hospital.open(tmp_path / "home", Settings(synthetic=True))
    yield opened
    opened.close()


@pytest.fixture
def world(hospital):
    return _world(hospital)


@pytest.fixture
def tiny(small):
    return _world(small)


def _world(hospital):
    staff = {
        name: people.add(hospital.engine, name, name=name.title(), role=role, at=START)
        for name, role in watched.STAFF.items()
    }
    return World(hospital, staff)
