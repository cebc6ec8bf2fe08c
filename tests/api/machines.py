"""Clients of the API, and what they send."""

import json
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime

from vesalius.api import app
from vesalius.card import Text
from vesalius.governance import clients
from vesalius.hospital import Hospital
from vesalius.settings import Settings
from vesalius.usecase import Suggestion

with warnings.catch_warnings():
    # Starlette would rather have httpx2; httpx does the same here.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

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


def transaction(*entries, kind="transaction"):
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def posted(resource, url="", full=""):
    made = {"resource": resource, "request": {"method": "POST", "url": url or resource["resourceType"]}}
    return {"fullUrl": full, **made} if full else made


def put(resource, **more):
    url = f"{resource['resourceType']}/{resource['id']}"
    return {"resource": resource, "request": {"method": "PUT", "url": url, **more}}


def suggestion(subject, **rest):
    """What the use case for urine said of a patient."""
    known = {
        "usecase": "urine", "version": "1.0", "model": "ab" * 32, "subject": subject, "focus": "Specimen/s1",
        "as_of": datetime(2026, 3, 2, 12, tzinfo=UTC), "position": 1, "option": "start", "indicator": "warning",
        "summary": Text("option.start"), "probability": 0.62, "interval": (0.4, 0.8),
    }  # fmt: skip
    return Suggestion(**known | rest)


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
        if path.startswith("http"):
            path = path.partition("/fhir")[2]
        return self.http.request(method, f"/fhir{path}", content=body, headers=named)

    def get(self, path, **headers):
        return self("GET", path, **headers)

    def post(self, path, body, **headers):
        return self("POST", path, body, **headers)

    def put(self, path, body, **headers):
        return self("PUT", path, body, **headers)


def opened(home, url=""):
    return Hospital.open(home, Settings(database=url, hospital="Test"))


def machine(hospital, name="feed", may=("read", "write", "export", "audit"), source=""):
    token = clients.add(hospital.engine, name, source=source or name, may=may)
    return Machine(TestClient(app(hospital), raise_server_exceptions=True), token)


def issues(response):
    """The path and the words of each issue of an OperationOutcome."""
    outcome = response.json()
    assert outcome["resourceType"] == "OperationOutcome"
    return [(each.get("expression", [""])[0], each["diagnostics"]) for each in outcome["issue"]]
