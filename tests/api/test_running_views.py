"""Views over HTTP: the rows, in every format, of what may be seen; whatever is wrong is said before or breaks off."""

import csv
import http.client
import io
import json
import socket
import threading
import time
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest
import uvicorn
from machines import PATIENT, issues, machine, observation

from vesalius.api import app, views
from vesalius.governance import audit, people
from vesalius.governance import views as saved
from vesalius.views import library, output

VIEW = {
    "resourceType": "ViewDefinition",
    "name": "mine",
    "resource": "Observation",
    "select": [
        {
            "column": [
                {"name": "id", "path": "id"},
                {"name": "value", "path": "value.ofType(Quantity).value"},
                {"name": "patient", "path": "subject.getReferenceKey(Patient)"},
            ]
        }
    ],
}


def parameters(*pairs):
    made = []
    for name, value in pairs:
        kind = "resource" if isinstance(value, dict) and "resourceType" in value else "value"
        if kind == "value":
            kind = {bool: "valueBoolean", int: "valueInteger", dict: "valueReference"}.get(
                type(value), "valueString"
            )
        made.append({"name": name, kind: value})
    return {"resourceType": "Parameters", "parameter": made}


@pytest.fixture
def filled(small):
    feed = machine(small)
    for resource in (PATIENT, PATIENT | {"id": "p2"}, observation("o1"), observation("o2", "p2", 2)):
        feed.put(f"/{resource['resourceType']}/{resource['id']}", resource)
    feed.put("/Observation/o1", observation("o1", value=7))
    return small


@pytest.fixture
def viewer(filled):
    return machine(filled, "viewer", may=("view",))


def ids(answer):
    assert answer.status_code == 200, answer.text
    return sorted(json.loads(line)["id"] for line in answer.text.splitlines())


def run(client, *pairs, **headers):
    return client.post("/$sql-run", parameters(("subjectResource", VIEW), *pairs), **headers)


def test_a_view_in_the_request_gives_each_resource_once_as_it_is_in_force(viewer):
    answer = run(viewer)
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert sorted(map(json.loads, answer.text.splitlines()), key=lambda row: row["id"]) == [
        {"id": "o1", "value": 7, "patient": "p1"},
        {"id": "o2", "value": 2, "patient": "p2"},
    ]


def test_the_names_of_2_1_mean_the_same(viewer):
    assert ids(viewer.post("/$viewdefinition-run", parameters(("viewResource", VIEW)))) == ["o1", "o2"]
    answer = viewer.get("/$viewdefinition-run?viewReference=ViewDefinition/patients")
    assert ids(answer) == ["p1", "p2"]


def test_every_format_says_the_same(viewer):
    assert len(run(viewer, ("_format", "json")).json()) == 2
    rows = list(csv.DictReader(io.StringIO(run(viewer, ("_format", "text/csv")).text)))
    assert {row["id"]: float(row["value"]) for row in rows} == {"o1": 7, "o2": 2}
    assert len(run(viewer, ("_format", "csv"), ("header", False)).text.splitlines()) == 2
    answer = run(viewer, ("_format", "parquet"))
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    assert pq.read_table(io.BytesIO(answer.content)).num_rows == 2


def test_the_format_is_as_asked_else_as_accepted_else_ndjson(viewer):
    def kind(*pairs, accept="*/*"):
        return run(viewer, *pairs, Accept=accept).headers["content-type"].partition(";")[0]

    assert kind() == "application/x-ndjson"
    assert kind(accept="text/csv") == "text/csv"
    assert kind(("_format", "json"), accept="text/csv") == "application/json"
    assert run(viewer, Accept="application/fhir+json").status_code == 406
    assert run(viewer, ("_format", "fhir")).status_code == 400


def test_views_of_the_library_and_saved_ones_are_listed_read_and_run(viewer, filled):
    engineer = people.add(filled.engine, "ada", name="Ada", role="engineer")
    saved.save(filled.engine, "my_own", json.dumps(VIEW | {"url": "urn:x:own", "version": "2"}), engineer)
    listed = viewer.get("/ViewDefinition").json()
    assert listed["total"] == len(library.names()) + 1
    assert viewer.get("/ViewDefinition?name=my_own").json()["entry"][0]["resource"]["id"] == "my-own"
    assert viewer.get("/ViewDefinition/my-own").json()["select"] == VIEW["select"]
    assert viewer.get("/ViewDefinition/nothing").status_code == 404
    assert ids(viewer.get("/ViewDefinition/my-own/$viewdefinition-run")) == ["o1", "o2"]
    for query in (
        "subjectReference=ViewDefinition/my-own",
        "subjectCanonical=urn:x:own",
        "subjectCanonical=urn:x:own%7C2",
    ):
        assert ids(viewer.get(f"/$sql-run?{query}")) == ["o1", "o2"]
    assert viewer.get("/$sql-run?subjectCanonical=urn:x:own%7C3").status_code == 404
    url = f"{library.BASE}patients"
    assert ids(viewer.get(f"/$sql-run?subjectCanonical={url}")) == ["p1", "p2"]


def test_patients_a_moment_and_a_limit_narrow_it(viewer):
    assert ids(run(viewer, ("patient", {"reference": "Patient/p2"}))) == ["o2"]
    assert ids(run(viewer, ("patient", {"reference": "Patient/p1"}), ("patient", "p2"))) == ["o1", "o2"]
    assert ids(run(viewer, ("_since", datetime.now(UTC).isoformat()))) == []
    assert ids(run(viewer, ("_since", "2020-01-01T00:00:00Z"))) == ["o1", "o2"]
    assert len(ids(run(viewer, ("_limit", 1)))) == 1


def test_resources_at_hand_are_not_kept_and_bundles_are_opened(viewer, filled):
    position = filled.lake.position()
    bundle = {"resourceType": "Bundle", "entry": [{"resource": observation("in")}, {"resource": PATIENT}]}
    assert ids(run(viewer, ("resource", observation("out")), ("resource", bundle))) == ["in", "out"]
    assert filled.lake.position() == position


@pytest.mark.parametrize(
    ("pairs", "status", "path"),
    [
        ([], 400, ""),
        ([("subjectResource", VIEW), ("subjectReference", {"reference": "ViewDefinition/vitals"})], 400, ""),
        ([("subjectReference", {"reference": "ViewDefinition/none"})], 404, ""),
        ([("subjectReference", {"reference": "Library/x"})], 404, "subjectReference"),
        ([("subjectResource", {"resourceType": "Library"})], 422, "subjectResource"),
        ([("subjectResource", "text")], 400, "subjectResource"),
        ([("subjectResource", VIEW | {"resource": "patient"})], 422, "ViewDefinition.resource"),
        ([("subjectResource", VIEW | {"select": []})], 422, "ViewDefinition.select"),
        ([("subjectResource", VIEW), ("_format", "xlsx")], 400, "_format"),
        ([("subjectResource", VIEW), ("_limit", 0)], 400, "_limit"),
        ([("subjectResource", VIEW), ("_limit", "many")], 400, "_limit"),
        ([("subjectResource", VIEW), ("_limit", views.MOST_ROWS + 1)], 400, "_limit"),
        ([("subjectResource", VIEW), ("header", "perhaps")], 400, "header"),
        ([("subjectResource", VIEW), ("_since", "yesterday")], 400, "_since"),
        ([("subjectResource", VIEW), ("patient", {"reference": "Patient/nobody"})], 400, "patient"),
        ([("subjectResource", VIEW), ("patient", {"reference": "Group/p1"})], 400, "patient"),
        ([("subjectResource", VIEW), ("patient", "Patient/../p1")], 400, "patient"),
        ([("subjectResource", VIEW), ("group", {"reference": "Group/1"})], 400, "group"),
        ([("subjectResource", VIEW), ("source", "s3://x")], 400, "source"),
        ([("subjectResource", VIEW), ("context", VIEW)], 400, "context"),
        ([("subjectResource", VIEW), ("resource", "x")], 400, "resource"),
        ([("subjectResource", VIEW), ("resource", PATIENT), ("patient", "p1")], 400, ""),
        ([("subjectResource", VIEW), ("colour", "x")], 400, "Parameters.parameter[1]"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(viewer, pairs, status, path):
    answer = viewer.post("/$sql-run", parameters(*pairs))
    assert answer.status_code == status, answer.text
    assert issues(answer)[0][0] == path


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", json.dumps(VIEW).encode(), b'{"resourceType":"Parameters","parameter":[3]}']
)
def test_a_body_that_is_no_parameters_is_refused(viewer, body):
    assert viewer.post("/$sql-run", body).status_code == 400


def test_an_address_carries_no_resources(viewer):
    for query in ("subjectResource={}", "resource={}", "colour=red"):
        assert viewer.get(f"/$sql-run?{query}").status_code == 400


def test_a_view_that_does_not_fit_a_resource_is_an_outcome_that_names_the_column(viewer, filled):
    machine(filled, "other").put("/Patient/p3", PATIENT | {"id": "p3", "name": [{"given": ["A", "B"]}]})
    view = {"resource": "Patient", "select": [{"column": [{"name": "given", "path": "name.given"}]}]}
    answer = viewer.post(
        "/$sql-run", parameters(("subjectResource", view | {"resourceType": "ViewDefinition"}))
    )
    assert answer.status_code == 422
    assert "given" in answer.text
    assert "A" not in {words for _, words in issues(answer)}


def test_what_is_too_long_or_too_slow_is_refused(viewer, monkeypatch):
    monkeypatch.setattr(views, "MOST_ROWS", 1)
    for form in ("ndjson", "csv", "json", "parquet"):
        assert run(viewer, ("_format", form)).status_code == 413
    monkeypatch.undo()
    monkeypatch.setattr(views, "MOST_SECONDS", -1)
    assert run(viewer).status_code == 503
    monkeypatch.undo()
    assert ids(run(viewer)) == ["o1", "o2"]


def test_an_answer_that_goes_wrong_on_its_way_breaks_off(viewer, monkeypatch):
    monkeypatch.setattr(views, "MOST_ROWS", 1)
    monkeypatch.setattr(output, "CHUNK", 1)
    with pytest.raises(views.Refusal, match="more than 1 rows"):  # a server closes the connection
        run(viewer, ("resource", observation("a")), ("resource", observation("b")))
    assert views._turns.acquire(blocking=False)
    views._turns.release()


@pytest.fixture
def served(filled, monkeypatch):
    """A real server, which makes one row at a time; gives a way to ask it."""
    monkeypatch.setattr(output, "CHUNK", 1)
    token = machine(filled, "far", may=("view",)).token
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app(filled), log_level="critical"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)

    def ask(count):
        connection = http.client.HTTPConnection("127.0.0.1", listening.getsockname()[1], timeout=30)
        some = [("resource", observation(f"o{number}")) for number in range(count)]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"}
        body = json.dumps(parameters(("subjectResource", VIEW), *some))
        connection.request("POST", "/fhir/$sql-run", body, headers)
        return connection, connection.getresponse()

    yield ask
    server.should_exit = True
    thread.join(10)
    listening.close()


def test_over_a_real_connection_an_answer_that_breaks_off_has_no_end(served, monkeypatch):
    monkeypatch.setattr(views, "MOST_ROWS", 1)
    connection, answer = served(2)
    assert answer.status == 200
    with pytest.raises(http.client.IncompleteRead):
        answer.read()
    connection.close()


def test_a_client_that_goes_away_in_the_middle_gives_its_turn_back(served):
    for _ in range(views.AT_ONCE + 1):
        connection, answer = served(3000)
        assert answer.status == 200
        answer.read(100)
        connection.close()
        end = time.monotonic() + 20
        while not views._turns.acquire(blocking=False):
            assert time.monotonic() < end
            time.sleep(0.01)
        views._turns.release()
    free = [views._turns.acquire(timeout=20) for _ in range(views.AT_ONCE)]
    for _ in free:
        views._turns.release()
    assert all(free)


def test_a_turn_is_given_back_whatever_happens_and_who_comes_too_many_waits(viewer):
    for _ in range(views.AT_ONCE * 3):
        run(viewer)
        viewer.post("/$sql-run", parameters(("subjectResource", VIEW | {"resource": "Zebra"})))
    held = [views._turns.acquire(blocking=False) for _ in range(views.AT_ONCE)]
    assert all(held)
    try:
        answer = run(viewer)
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
    finally:
        for _ in held:
            views._turns.release()


def test_every_reading_is_in_the_audit_and_says_what_was_read(viewer, filled):
    run(viewer, ("patient", "p1"))
    viewer.get("/$sql-run?subjectReference=ViewDefinition/patients")
    second, first = audit.events(filled.engine, action="view.read")
    assert first.actor == "client:viewer"
    assert first.detail["resource"] == "Observation"
    assert first.detail["columns"] == ["id", "value", "patient"]
    assert first.detail["subjects"] == ["Patient/p1"]
    assert audit.events(filled.engine, thing="Patient/p1")[0].seq == first.seq
    assert second.object == "patients"
    assert second.detail["digest"] == saved.digest(library.definition("patients"))


@pytest.mark.parametrize("right", ["read", "write", "export"])
def test_no_other_right_opens_it(filled, right):
    client = machine(filled, right, may=(right,))
    assert run(client).status_code == 403
    assert client.get("/ViewDefinition").status_code == 403


def test_no_view_runs_sql(viewer):
    for name, path in (("id", "'x' || (select 1)"), ("id; drop", "id"), ("id", "id') from x --")):
        view = {"resourceType": "ViewDefinition", "resource": "Patient"}
        view["select"] = [{"column": [{"name": name, "path": path}]}]
        assert viewer.post("/$sql-run", parameters(("subjectResource", view))).status_code == 422
