"""Create, update, read, history: what goes in comes out, with its version; what conflicts is refused."""

import json
import re
import threading
from datetime import UTC, datetime

import pytest
from machines import PATIENT, issues, machine, observation

from vesalius import fhir, identity
from vesalius.governance import audit


def stored(hospital, name):
    version = hospital.lake.read(name)
    return version and version.resource


def test_a_resource_is_created_under_an_id_of_the_server_and_read_where_location_says(feed):
    made = feed.post("/Observation", observation("mine"))
    assert made.status_code == 201
    assert made.headers["etag"] == 'W/"1"'
    found = re.search(r"/fhir/Observation/([0-9a-f-]{36})/_history/1$", made.headers["location"])
    assert found
    assert found[1] != "mine"
    assert made.json()["id"] == found[1]
    read = feed.get(f"/Observation/{found[1]}")
    assert read.json() == made.json()
    assert read.headers["last-modified"].endswith("GMT")
    assert read.headers["content-type"] == "application/fhir+json"


def test_an_update_makes_a_resource_then_versions_of_it(feed):
    first = feed.put("/Patient/p1", PATIENT)
    second = feed.put("/Patient/p1", PATIENT | {"gender": "male"})
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.headers["etag"] == 'W/"2"'
    assert second.json()["meta"]["versionId"] == "2"
    assert feed.get("/Patient/p1/_history/1").json()["gender"] == "female"
    history = feed.get("/Patient/p1/_history").json()
    assert [each["resource"]["meta"]["versionId"] for each in history["entry"]] == ["2", "1"]
    assert history["total"] == 2


def test_what_is_read_and_sent_back_unchanged_makes_no_new_version(feed):
    feed.put("/Patient/p1", PATIENT)
    again = feed.put("/Patient/p1", feed.get("/Patient/p1").json())
    assert (again.status_code, again.headers["etag"]) == (200, 'W/"1"')


def test_what_was_written_last_is_read_next_even_when_it_goes_back_or_says_an_earlier_moment(feed):
    a = observation(issued="2024-05-02T10:00:00Z", value=1)
    b = observation(issued="2024-05-03T10:00:00Z", value=2)
    for number, each in enumerate((a, b, a, b, a, b), start=1):
        assert feed.put("/Observation/o1", each).headers["etag"] == f'W/"{number}"'
        assert feed.get("/Observation/o1").json()["valueQuantity"] == each["valueQuantity"]


def test_an_update_is_never_known_before_what_it_replaces(feed, hospital):
    feed.put("/Observation/o1", observation(issued="2024-05-03T10:00:00Z", value=2))
    feed.put("/Observation/o1", observation(issued="2024-05-02T10:00:00Z", value=1))
    then = datetime(2024, 5, 2, 12, tzinfo=UTC)
    assert hospital.lake.read("Observation/o1", as_of=then) is None


def test_a_moment_that_the_client_puts_into_meta_is_the_servers_to_give(feed, hospital):
    old = PATIENT | {"meta": {"lastUpdated": "2001-01-01T00:00:00Z", "versionId": "77", "source": "urn:x"}}
    feed.put("/Patient/p1", old)
    assert hospital.lake.read("Patient/p1", as_of=datetime(2002, 1, 1, tzinfo=UTC)) is None
    meta = feed.get("/Patient/p1").json()["meta"]
    assert meta["versionId"] == "1"
    assert meta["lastUpdated"] > "2026"
    assert meta["source"] == "urn:x"


def test_decimals_keep_their_digits_there_and_back(single):
    body = json.dumps(observation()).replace('"value": 1', '"value": 1.50').encode()
    assert b'"value": 1.50' in body
    single.put("/Observation/o1", body)
    assert '"value":1.50' in single.get("/Observation/o1").text
    made = single.post("/Observation", body)
    assert '"value":1.50' in single.get(made.headers["location"].removesuffix("/_history/1")).text


def test_a_client_writes_under_the_name_of_its_feed(small):
    machine(small, "lab-robot", source="laboratory").put("/Patient/p1", PATIENT)
    assert small.lake.read("Patient/p1").source == "laboratory"


@pytest.mark.parametrize(
    ("wanted", "kind"),
    [("minimal", None), ("representation", "Patient"), ("OperationOutcome", "OperationOutcome")],
)
def test_the_client_says_what_it_wants_back(single, wanted, kind):
    made = single.put("/Patient/p1", PATIENT, Prefer=f"return={wanted}")
    assert made.status_code == 201
    assert (made.json()["resourceType"] if made.content else None) == kind


def test_an_update_of_another_version_than_the_one_in_force_is_refused(feed, hospital):
    feed.put("/Patient/p1", PATIENT)
    feed.put("/Patient/p1", PATIENT | {"gender": "male"}, If_Match='W/"1"')
    late = feed.put("/Patient/p1", PATIENT | {"gender": "other"}, If_Match='W/"1"')
    assert late.status_code == 412
    assert stored(hospital, "Patient/p1")["gender"] == "male"
    assert feed.put("/Patient/new", PATIENT | {"id": "new"}, If_Match='W/"1"').status_code == 412
    assert feed.put("/Patient/p1", PATIENT, If_None_Match="*").status_code == 412
    assert hospital.lake.position() == 2


def test_of_many_updates_that_name_the_same_version_exactly_one_wins(feed, hospital):
    feed.put("/Patient/p1", PATIENT)
    statuses = []

    def send(number):
        other = machine(hospital, f"c{number}")
        changed = PATIENT | {"name": [{"family": f"n{number}"}]}
        statuses.append(other.put("/Patient/p1", changed, If_Match='W/"1"').status_code)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 412, 412, 412, 412, 412]
    assert [each.version for each in hospital.lake.history("Patient/p1")] == [1, 2]


def test_a_version_that_the_client_already_has_is_not_sent_again(single):
    single.put("/Patient/p1", PATIENT)
    for known in ('W/"1"', '"1"', 'W/"7", W/"1"', "*"):
        same = single.get("/Patient/p1", If_None_Match=known)
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", 'W/"1"')
    for other in ('W/"7"', "1", "x"):
        assert single.get("/Patient/p1", If_None_Match=other).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/Patient/none", 404),
        ("GET", "/Patient/none/_history", 404),
        ("GET", "/Patient/p1/_history/2", 404),
        ("GET", "/Patient/p1/_history/x", 404),
        ("GET", "/Patient/p1/_history/99999999999999999999", 404),
        ("GET", "/Nothing/1", 404),
        ("GET", "/Patient/" + "x" * 65, 404),
        ("GET", "/Patient/a%00b", 404),
        ("GET", "/Patient/%ED%A0%80", 404),
        ("GET", "/a/b/c/d/e", 404),
        ("DELETE", "/Patient/p1", 405),
        ("PATCH", "/Patient/p1", 405),
        ("PUT", "/Patient", 405),
    ],
)
def test_what_is_not_there_or_not_done_is_said_clearly(single, method, path, status):
    single.put("/Patient/p1", PATIENT)
    refused = single(method, path)
    assert refused.status_code == status
    assert issues(refused)


def test_nothing_is_deleted_and_the_answer_says_so(single):
    single.put("/Patient/p1", PATIENT)
    assert "nothing is deleted" in issues(single("DELETE", "/Patient/p1"))[0][1]
    assert single.get("/Patient/p1").status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/Patient/p2", PATIENT, {}, 400),
        ("/Observation/p1", PATIENT, {}, 400),
        ("/Patient/p1", PATIENT, {"If_Match": "1"}, 400),
        ("/Patient/p1", PATIENT, {"If_None_Match": 'W/"1"'}, 400),
        ("/Patient/p1", b"", {}, 400),
        ("/Patient/p1", b"{", {}, 400),
        ("/Patient/p1", b"[]", {}, 400),
        ("/Patient/p1", b"\xff\xfe{}", {}, 400),
        ("/Patient/p1", b'{"a":' * 20_000, {}, 400),
        ("/Patient/p1", PATIENT, {"Content_Type": "application/fhir+xml"}, 415),
        ("/Patient/p1", PATIENT, {"Content_Type": "application/json; charset=latin-1"}, 415),
        ("/Patient/p1", PATIENT, {"Content_Type": "application/fhir+json; fhirVersion=5.0"}, 415),
        ("/Patient/p1", PATIENT, {"Content_Encoding": "br"}, 415),
        ("/Patient/p1", PATIENT, {"Accept": "application/fhir+xml"}, 406),
        ("/Patient/p1?_format=xml", PATIENT, {}, 406),
        ("/Patient/p1?x=%ff", PATIENT, {}, 400),
    ],
)
def test_a_request_that_cannot_be_right_is_refused_and_writes_nothing(
    single, small, path, body, headers, status
):
    assert single.put(path, body, **headers).status_code == status
    assert small.lake.position() == 0


UNLESS = "identifier=urn:oid:1.2|A1"


def test_a_conditional_create_makes_what_is_not_there_and_finds_what_is(feed, hospital):
    made = feed.post("/Patient", PATIENT, If_None_Exist=UNLESS)
    again = feed.post("/Patient", PATIENT | {"gender": "male"}, If_None_Exist=UNLESS)
    assert (made.status_code, again.status_code) == (201, 200)
    assert again.headers["location"] == made.headers["location"]
    assert again.json() == made.json()
    assert hospital.lake.position() == 1
    assert feed.post("/Patient", PATIENT, If_None_Exist="identifier=urn:oid:9|A1").status_code == 201
    assert feed.post("/Patient", PATIENT, If_None_Exist="identifier=A1").status_code == 412  # there are two


def test_of_many_conditional_creates_at_once_exactly_one_makes_something(feed, hospital):
    others = [machine(hospital, f"c{number}") for number in range(3)]  # each with a writer of its own
    senders = [*others, *others, feed, feed]
    statuses, ready = [], threading.Barrier(len(senders))

    def send(client):
        ready.wait()
        statuses.append(client.post("/Patient", PATIENT, If_None_Exist=UNLESS).status_code)

    threads = [threading.Thread(target=send, args=(client,)) for client in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 7 + [201]
    assert hospital.lake.position() == 1


@pytest.mark.parametrize(
    "condition", ["name=x", "identifier=A1&name=x", "identifier=", "identifier=urn:x|", "identifier=a,b", "x"]
)
def test_a_condition_that_is_not_supported_is_refused_rather_than_doubled(single, small, condition):
    assert single.post("/Patient", PATIENT, If_None_Exist=condition).status_code == 412
    assert single.post("/Parameters", {"resourceType": "Parameters"}, If_None_Exist=UNLESS).status_code == 412
    assert small.lake.position() == 0


def test_a_date_from_the_future_and_another_birth_date_are_refused_with_their_cause(feed, hospital):
    future = feed.put("/Observation/o1", observation(issued="2999-01-01T00:00:00Z"))
    assert future.status_code == 422
    assert "future-date" in issues(future)[0][1]
    feed.put("/Patient/p1", PATIENT)
    other = feed.put("/Patient/p1", PATIENT | {"birthDate": "1971-07-07"})
    assert other.status_code == 422
    assert "birth-date-conflict" in issues(other)[0][1]
    assert "1971" not in other.text
    assert hospital.lake.position() == 1


def test_every_reading_and_writing_is_in_the_audit_without_a_clinical_value(feed, hospital):
    feed.put("/Patient/p1", PATIENT)
    feed.put("/Observation/o1", observation(value=987654))
    feed.get("/Observation/o1")
    feed.get("/Observation/o1/_history/1")
    feed.get("/Observation?patient=p1")
    feed.get("/Observation/o1/_history")
    told = audit.events(hospital.engine, thing="Patient/p1")
    assert [each.action for each in told[::-1]] == [
        "resource.written", "resource.written", "resource.read", "resource.read", "resource.searched",
        "resource.read",
    ]  # fmt: skip
    assert {each.actor for each in told} == {"client:feed"}
    assert all("987654" not in str(each.detail) for each in told)
    assert audit.verify(hospital.engine) > 5


def test_a_write_without_its_audit_event_is_not_kept(single, small, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("secret value of a patient")

    monkeypatch.setattr(audit, "record", broken)
    failed = single.put("/Patient/p1", PATIENT)
    assert failed.status_code == 500
    assert "secret" not in failed.text
    assert small.lake.position() == 0


def test_a_defect_becomes_an_answer_with_a_number_and_its_words_stay_out_of_the_log(
    single, monkeypatch, caplog
):
    def broken(*_, **__):
        raise RuntimeError("secret value of a patient")

    monkeypatch.setattr(fhir, "load", broken)
    failed = single.put("/Patient/p1", PATIENT)
    assert failed.status_code == 500
    number = re.search(r"incident (\w{8})", issues(failed)[0][1])[1]
    assert number in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    "accept", ["text/html, application/fhir+json;q=0.9", "application/json", "*/*", "a/b,*/*;q=0.1"]
)
def test_whoever_takes_json_among_others_gets_it(single, accept):
    assert single.get("/Patient", Accept=accept).status_code == 200


def test_a_slash_at_the_end_and_a_plus_that_comes_as_a_space_do_no_harm(single):
    assert single.put("/Patient/p1/", PATIENT).status_code == 201
    assert single.post("/", {"resourceType": "Bundle", "type": "batch"}).status_code == 200
    assert single.get("/Patient/p1?_format=application/fhir+json").status_code == 200
    head = single("HEAD", "/Patient/p1")
    assert (head.status_code, head.headers["etag"], head.content) == (200, 'W/"1"', b"")


def test_what_is_written_about_a_merged_patient_is_answered_as_it_is_read_next(feed, hospital):
    for name in ("p1", "p2"):
        feed.put(f"/Patient/{name}", PATIENT | {"id": name})
    feed.put("/Observation/o1", observation("o1"))
    identity.merge(hospital.lake, "p1", "p2", by="records", reason="one person")
    for value in (7, 8, 8):
        told = feed.put("/Observation/o1", observation("o1", value=value))
        read = feed.get("/Observation/o1")
        assert told.headers["etag"] == read.headers["etag"]
        assert told.json() == read.json()
        assert told.json()["subject"]["reference"] == "Patient/p2"
    matched = {"If-Match": feed.get("/Observation/o1").headers["etag"]}
    assert feed.put("/Observation/o1", observation("o1", value=9), **matched).status_code == 200
    made = feed.post("/Observation", observation("x"))
    assert made.json() == feed.get(f"/Observation/{made.json()['id']}").json()
