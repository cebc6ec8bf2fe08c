"""A lake to run views on."""

from datetime import UTC, datetime

import msgspec
import pytest

from vesalius import fhir
from vesalius.lake import Arrival, Lake
from vesalius.store import open_store
from vesalius.views import Files

RECEIVED = datetime(2024, 5, 1, tzinfo=UTC)


def arrivals(resources):
    return [Arrival.of(fhir.dump(resource)) for resource in resources]


@pytest.fixture
def make_lake(tmp_path):
    """Makes a lake that holds the resources, each call an empty one to start with."""
    engines = []

    def make(resources, *batches):
        folder = tmp_path / f"lake{len(engines)}"
        folder.mkdir()
        engine = open_store(f"sqlite:///{folder / 'log.db'}")
        engines.append(engine)
        lake = Lake(engine, folder / "columns")
        for batch in (resources, *batches):
            lake.write(arrivals(batch), "test", RECEIVED)
        return lake

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture
def make_files(tmp_path):
    """Makes a file of NDJSON that holds the resources."""

    def make(resources, name="resources.ndjson"):
        path = tmp_path / name
        path.write_bytes(b"".join(fhir.dump(resource) + b"\n" for resource in resources))
        return Files(path)

    return make


@pytest.fixture
def plain():
    """JSON text as a decoded resource, decimals with their digits."""
    return lambda resource: fhir.load(msgspec.json.encode(resource))
