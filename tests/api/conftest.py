"""A hospital on SQLite and on PostgreSQL, its API, and clients that may do this or that."""

import json
import warnings
from dataclasses import dataclass

import pytest
from starlette.testclient import TestClient

from vesalius.api import app
from vesalius.governance import clients
from vesalius.hospital import Hospital
from vesalius.settings import Settings

PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [{"system": "urn:oid:1.2", "value": "A1"}],
    "birthDate": "1950-03-02",
    "gender": "female",
}


def observation(id_="o1", patient="p1", value=1, **more):
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "1988-5"}]},
        "subject": {"reference": f"Patient/{patient}"},
        "valueQuantity": {"value": value, "unit": "mg/L"},
        **more,
    }


@dataclass
class Machine:
    """One client of the API, with its token."""

    http: TestClient
    token: str

    def __call__(self, method, path, body=None, kind="application/fhir+json", **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named = {"Authorization": f"Bearer {self.token}"} | named
        if body is not None:
            named.setdefault("Content-Type", kind)
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.http.request(method, f"/fhir{path}", content=body, headers=named)

    def get(self, path, **headers):
        return self("GET", path, **headers)

    def post(self, path, body, **headers):
        return self("POST", path, body, **headers)

    def put(self, path, body, **headers):
        return self("PUT", path, body, **headers)


def opened(home, url=""):
    return Hospital.open(home, Settings(database=url, hospital="Test"))


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


def machine(hospital, name="feed", may=("read", "write", "export"), source=""):
    token = clients.add(hospital.engine, name, source=source or name, may=may)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        http = TestClient(app(hospital), raise_server_exceptions=True)
    return Machine(http, token)


@pytest.fixture
def feed(hospital):
    return machine(hospital)


@pytest.fixture
def single(small):
    """A client of a hospital on SQLite."""
    return machine(small)
