"""Every route of the API × every set of rights that a client can have, and whoever has no valid token.

The routes are found in the application itself; what each needs is said here, apart from what it declares. Every
cell is asked for: who has the right gets an answer of success, and nobody else gets one byte of a resource.
"""

import json
import time
from collections import Counter
from itertools import combinations

import pytest
from machines import PATIENT, Machine, machine, opened, suggestion, transaction

from vesalius.governance import care, clients, people
from vesalius.governance.clients import May
from vesalius.review import Display

ANYBODY, ITS_OWN = "anybody", "whose it is"
UNDECLARED = (
    "declare it in tests/api/test_every_client.py: which right does it need, and a request that is right?"
)
MARK = "Janssens-of-the-cells"
VIEW = {"resourceType": "ViewDefinition", "resource": "Patient", "status": "active",
        "select": [{"column": [{"name": "key", "path": "id"}]}]}  # fmt: skip
RUN = {"resourceType": "Parameters", "parameter": [{"name": "viewResource", "resource": VIEW}]}
NEW = {"resourceType": "Patient", "gender": "female"}
MESSAGE = {
    "resourceType": "Bundle", "type": "message",
    "entry": [
        {"fullUrl": "urn:uuid:6f0e1d1c-0000-4000-8000-000000000001",
         "resource": {"resourceType": "MessageHeader", "id": "m", "eventUri": "urn:test:event", "source": {"endpoint": "urn:test:sender"}}},
    ],
}  # fmt: skip

EXPECTED: dict[str, tuple[str, str, object]] = {
    "GET /fhir/metadata": (ANYBODY, "/metadata", None),
    "POST /fhir": (May.WRITE, "", transaction()),
    "POST /fhir/$process-message": (May.WRITE, "/$process-message", MESSAGE),
    "GET /fhir/$export": (May.EXPORT, "/$export", None),
    "GET /fhir/Patient/$export": (May.EXPORT, "/Patient/$export", None),
    "POST /fhir/$import": (May.WRITE, "/$import", NEW),
    "GET /fhir/$jobs/{job}": (ITS_OWN, "/$jobs/{job}", None),
    "DELETE /fhir/$jobs/{job}": (ITS_OWN, "/$jobs/{job}", None),
    "GET /fhir/$jobs/{job}/{file}": (ITS_OWN, "/$jobs/{job}/{file}", None),
    "GET /fhir/$sql-run": (May.VIEW, "/$sql-run?viewReference=ViewDefinition/{view}", None),
    "POST /fhir/$sql-run": (May.VIEW, "/$sql-run", RUN),
    "GET /fhir/$viewdefinition-run": (
        May.VIEW, "/$viewdefinition-run?viewReference=ViewDefinition/{view}", None,
    ),
    "POST /fhir/$viewdefinition-run": (May.VIEW, "/$viewdefinition-run", RUN),
    "GET /fhir/ViewDefinition": (May.VIEW, "/ViewDefinition", None),
    "GET /fhir/ViewDefinition/{id}": (May.VIEW, "/ViewDefinition/{view}", None),
    "GET /fhir/ViewDefinition/{id}/$viewdefinition-run": (
        May.VIEW, "/ViewDefinition/{view}/$viewdefinition-run", None,
    ),
    "GET /fhir/AuditEvent": (May.AUDIT, "/AuditEvent", None),
    "POST /fhir/AuditEvent/_search": (May.AUDIT, "/AuditEvent/_search", b"_count=2"),
    "GET /fhir/AuditEvent/{id}": (May.AUDIT, "/AuditEvent/1", None),
    "GET /fhir/$suggestion/{id}": (May.READ, "/$suggestion/{suggestion}?person=doctor", None),
    "GET /fhir/{type}": (May.READ, "/Patient", None),
    "POST /fhir/{type}": (May.WRITE, "/Patient", NEW),
    "POST /fhir/{type}/_search": (May.READ, "/Patient/_search", b"gender=female"),
    "GET /fhir/{type}/{id}": (May.READ, "/Patient/p1", None),
    "PUT /fhir/{type}/{id}": (May.WRITE, "/Patient/p2", NEW | {"id": "p2"}),
    "DELETE /fhir/{type}/{id}": (May.WRITE, "/Patient/p1", None),
    "PATCH /fhir/{type}/{id}": (May.WRITE, "/Patient/p1", None),
    "GET /fhir/{type}/{id}/_history": (May.READ, "/Patient/p1/_history", None),
    "GET /fhir/{type}/{id}/_history/{version}": (May.READ, "/Patient/p1/_history/1", None),
}  # fmt: skip
"""Every route: the right it needs, an address, and a body that is right."""

NEVER = {"DELETE /fhir/{type}/{id}", "PATCH /fhir/{type}/{id}"}
"""Answered with 405 to those who may write: nothing is deleted, nothing patched."""

SETS = [each for size in range(1, len(May) + 1) for each in combinations(May, size)]
WRONG = {
    "nobody": "",
    "an empty token": "Bearer ",
    "an invented token": "Bearer vesalius_0123456789abcdef_" + "x" * 43,
    "another scheme": "Basic YWRtaW46YWRtaW4=",
}


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    hospital = opened(tmp_path_factory.mktemp("cells") / "home")
    all_of = machine(hospital, "everything", tuple(May))
    named = PATIENT | {"name": [{"family": MARK}]}
    assert all_of.put("/Patient/p1", named).status_code == 201
    http, known = all_of.http, {}
    for rights in SETS:
        token = clients.add(hospital.engine, "-".join(rights), source="cells", may=rights)
        known[rights] = Machine(http, token)
    revoked = clients.add(hospital.engine, "gone", source="cells", may=tuple(May))
    clients.revoke(hospital.engine, "gone")
    view = all_of.get("/ViewDefinition").json()["entry"][0]["resource"]["id"]
    places = {"view": view, "suggestion": suggested(hospital)}
    yield known, all_of, places, {"a revoked token": f"Bearer {revoked}"} | WRONG
    hospital.close()


def suggested(hospital) -> str:
    """A suggestion about that patient, and a doctor who may see it."""
    people.add(hospital.engine, "doctor", name="Dr", role="doctor")
    care.set_units(hospital.engine, "doctor", [care.EVERYWHERE])
    made = suggestion("Patient/p1")
    hospital.review.file([made], "live", made.as_of, [Display(MARK, "", "", "")])
    return made.id


def export(client: Machine) -> dict[str, str]:
    """An export of this client, finished; its number and the name of one of its files."""
    begun = client.get("/$export", Prefer="respond-async")
    assert begun.status_code == 202
    where = begun.headers["content-location"].partition("/fhir")[2]
    for _ in range(400):
        answer = client.get(where)
        if answer.status_code == 200:
            url = next(each["url"] for each in answer.json()["output"] if each["type"] == "Patient")
            return {"job": where.rpartition("/")[2], "file": url.rpartition("/")[2]}
        time.sleep(0.02)
    raise AssertionError("the export never ended")


def ask(client: Machine, name: str, places: dict[str, str], **headers):
    _, path, body = EXPECTED[name]
    for key, value in places.items():
        path = path.replace(f"{{{key}}}", value)
    kind = "application/x-www-form-urlencoded" if isinstance(body, bytes) else "application/fhir+json"
    if name.endswith("$import"):
        body, kind = json.dumps(body).encode() + b"\n", "application/fhir+ndjson"
    if name.endswith("$export"):
        headers["Prefer"] = "respond-async"
    return client(name.partition(" ")[0], path, body, kind, **headers)


def test_every_route_of_the_api_has_an_expectation_and_no_other(cells):
    _, all_of, _, _ = cells
    found = {
        f"{method} {route.path}" for route in all_of.http.app.routes for method in route.methods - {"HEAD"}
    }
    assert found == set(EXPECTED), UNDECLARED


def test_without_a_valid_token_no_route_gives_anything(cells):
    _, all_of, places, wrong = cells
    for name, (needs, _, _) in EXPECTED.items():
        for who, given in wrong.items():
            answer = ask(all_of, name, places | {"job": "x" * 32, "file": "a"}, Authorization=given)
            if needs == ANYBODY:
                assert answer.status_code == 200, (name, who)
                continue
            # Enough wrong tokens from one address, and they are no longer looked at.
            assert answer.status_code in (401, 429), (name, who, answer.status_code)
            assert answer.json()["resourceType"] == "OperationOutcome", (name, who)
            assert MARK not in answer.text, (name, who)


def test_a_session_of_the_console_opens_nothing(cells):
    _, all_of, places, _ = cells
    for name, (needs, _, _) in EXPECTED.items():
        headers = {"Authorization": "", "Cookie": "vesalius=signed"}
        answer = ask(all_of, name, places | {"job": "x" * 32, "file": "a"}, **headers)
        assert answer.status_code == (200 if needs == ANYBODY else 401), name


def test_every_set_of_rights_on_every_route(cells):
    known, all_of, places, _ = cells
    wrong, count = [], Counter()
    for name, (needs, _, _) in EXPECTED.items():
        if needs == ITS_OWN:
            continue
        for rights, client in known.items():
            answer = ask(client, name, places)
            may = needs == ANYBODY or needs in rights
            good = answer.status_code == 405 if name in NEVER else 200 <= answer.status_code < 300
            count[may] += 1
            if may != good or (not may and (answer.status_code != 403 or MARK in answer.text)):
                wrong.append(f"{name} with {'+'.join(rights)}: {answer.status_code} {answer.text[:200]}")
    assert not wrong, "\n".join(wrong)
    assert count[True] + count[False] == (len(EXPECTED) - 3) * len(SETS)
    assert all_of.get("/Patient/p1").json()["name"] == [{"family": MARK}]


def test_a_job_is_its_clients_alone_whatever_rights_another_has(cells):
    known, _, _, _ = cells
    owner = known[May.EXPORT,]
    places = export(owner)
    for rights, client in known.items():
        if client is owner:
            continue
        for name, (needs, _, _) in EXPECTED.items():
            if needs == ITS_OWN:
                answer = ask(client, name, places)
                assert answer.status_code == 404, (name, rights)
                assert MARK not in answer.text, (name, rights)
    assert MARK in ask(owner, "GET /fhir/$jobs/{job}/{file}", places).text
    assert ask(owner, "DELETE /fhir/$jobs/{job}", places).status_code == 202
