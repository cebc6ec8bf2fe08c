"""Bulk: what goes out comes in again, equal; nothing is lost between two exports; jobs survive their process."""

import gzip
import json
import time
from datetime import UTC, datetime

import pytest
from machines import PATIENT, issues, machine, observation, opened, put, transaction

from vesalius import fhir
from vesalius.api import imports, jobs
from vesalius.governance import audit
from vesalius.ingest import causes
from vesalius.lake import Arrival

ASYNC = {"Prefer": "respond-async"}


@pytest.fixture
def filled(feed):
    entries = [put(PATIENT), put({"resourceType": "Organization", "id": "lab"})]
    entries += [put(observation(f"a{number}", value=number)) for number in range(1, 1202)]
    assert feed.post("", transaction(*entries)).status_code == 200
    return feed


def manifest(client, path, **headers):
    asked = client.get(path, **ASYNC, **headers)
    assert asked.status_code == 202, asked.text
    return finished(client, asked)


def finished(client, asked):
    job = asked.headers["content-location"]
    while (answer := client.get(job)).status_code == 202:
        assert answer.headers["x-progress"]
        time.sleep(0.02)
    return job, answer


def files(client, answer):
    return {each["type"]: client.get(each["url"]).content.splitlines() for each in answer.json()["output"]}


def test_everything_that_is_in_force_comes_out_once_and_byte_for_byte(filled, hospital):
    filled.put("/Patient/p1", PATIENT | {"gender": "male"})
    odd = b'{"resourceType": "Observation",\n "id":"odd","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.50}}'
    hospital.lake.write([Arrival.of(odd)], "x", datetime.now(UTC))
    _, answer = manifest(filled, "/$export")
    assert answer.json()["requiresAccessToken"] is True
    assert answer.headers["expires"]
    counts = {each["type"]: each["count"] for each in answer.json()["output"]}
    assert counts == {"Observation": 1202, "Organization": 1, "Patient": 1}
    lines = files(filled, answer)
    assert {kind: len(each) for kind, each in lines.items()} == counts
    assert json.loads(lines["Patient"][0])["gender"] == "male"
    assert b'"value":1.50' in lines["Observation"][-1]
    stored = {each.body for each in hospital.lake.resources("Observation") if each.id != "odd"}
    assert set(lines["Observation"][:-1]) == stored


def test_what_comes_after_the_question_is_left_for_the_next_export(filled):
    asked = filled.get("/$export?_type=Observation", **ASYNC)
    filled.put("/Observation/new", observation("new"))
    _, answer = finished(filled, asked)
    assert answer.json()["output"][0]["count"] == 1201
    moment = answer.json()["transactionTime"]
    _, later = manifest(filled, f"/$export?_since={moment}")
    assert [json.loads(line)["id"] for line in files(filled, later)["Observation"]] == ["new"]


def test_what_was_on_its_way_in_during_an_export_is_in_the_next_one(filled, hospital):
    before = datetime.now(UTC)  # a long file: received now, written after the export was asked for
    _, answer = manifest(filled, "/$export?_type=Observation")
    late = json.dumps(observation("late")).encode()
    hospital.lake.write([Arrival.of(late)], "file", before)
    _, later = manifest(filled, f"/$export?_since={answer.json()['transactionTime']}")
    assert [json.loads(line)["id"] for line in files(filled, later)["Observation"]] == ["late"]


def test_the_export_of_all_patients_leaves_out_what_is_about_nobody(filled):
    filled.put("/Observation/pool", observation("pool", subject={"display": "the pool"}))
    _, answer = manifest(filled, "/Patient/$export")
    assert {each["type"]: each["count"] for each in answer.json()["output"]} == {
        "Observation": 1201,
        "Patient": 1,
    }


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("", {}, 400),
        ("?_outputFormat=csv", ASYNC, 400),
        ("?_type=Zebra", ASYNC, 400),
        ("?_since=yesterday", ASYNC, 400),
        ("?_typeFilter=x", ASYNC, 400),
        ("?_typeFilter=x", {"Prefer": "respond-async, handling=lenient"}, 202),
        ("?_outputFormat=ndjson&_type=Patient,Observation&_since=2020-01-01T00:00:00%2B01:00", ASYNC, 202),
    ],
)
def test_an_export_is_asked_for_properly_or_refused(single, query, headers, status):
    assert single.get(f"/$export{query}", **headers).status_code == status


def test_an_export_that_is_ended_or_old_or_somebody_elses_is_not_there(filled, hospital, monkeypatch):
    job, answer = manifest(filled, "/$export")
    url = answer.json()["output"][0]["url"]
    other = machine(hospital, "other")
    assert other.get(job).status_code == 404
    assert other.get(url).status_code == 404
    assert other("DELETE", job).status_code == 404
    assert filled.get(f"{job}/Zebra.ndjson").status_code == 404
    assert filled.get(f"{job}/..%2f..%2fvesalius.toml").status_code == 404
    assert filled("DELETE", job).status_code == 202
    assert filled.get(job).status_code == 404
    assert filled.get(url).status_code == 404
    again, _ = manifest(filled, "/$export")
    monkeypatch.setattr(jobs, "KEPT", jobs.KEPT * 0)
    assert filled.get(again).status_code == 404
    noted = [each.action for each in audit.events(hospital.engine, actor="client:feed")]
    assert {"export.asked", "export.ended"} <= set(noted)


def test_another_process_answers_about_the_same_job(filled, hospital, database_url):
    job, answer = manifest(filled, "/$export")
    other = opened(hospital.home, database_url)
    there = type(filled)(machine(other, "x").http, filled.token)
    assert there.get(job).json() == answer.json()
    assert (
        there.get(answer.json()["output"][0]["url"]).content
        == filled.get(answer.json()["output"][0]["url"]).content
    )
    other.close()


def uploaded(client, lines, kind="application/fhir+ndjson", **headers):
    body = b"\n".join(json.dumps(line).encode() if isinstance(line, dict) else line for line in lines)
    body = gzip.compress(body) if headers.get("Content_Encoding") == "gzip" else body
    return client.post("/$import", body, kind=kind, **headers)


def test_what_was_exported_is_imported_elsewhere_and_equal(filled, tmp_path):
    _, answer = manifest(filled, "/$export")
    target = opened(tmp_path / "other")
    other = machine(target)
    for kind, lines in files(filled, answer).items():
        _, done = finished(other, uploaded(other, lines, Content_Encoding="gzip"))
        state = done.json()["extension"]
        assert (state["read"], state["written"], state["quarantined"]) == (len(lines), len(lines), 0)
        assert {each.body for each in target.lake.resources(kind)} == set(lines)
    target.close()


def test_what_an_import_cannot_take_in_is_held_and_told(feed, hospital):
    lines = [PATIENT, {"resourceType": "Patient", "id": "x", "gender": "zebra"}, b"{", observation()]
    job, done = finished(feed, uploaded(feed, lines))
    answer = done.json()
    assert answer["extension"]["written"] == 2
    assert answer["error"][0]["count"] == 2
    told = [json.loads(line) for line in feed.get(f"{job}/errors.ndjson").content.splitlines()]
    assert [each["issue"][0]["diagnostics"].partition(":")[0] for each in told] == ["line 2", "line 3"]
    assert "zebra" not in str(told)
    assert causes(hospital.engine) == {"invalid-resource": 1, "malformed": 1}
    assert hospital.lake.read("Patient/p1").source == "feed"
    assert not list((hospital.home / "imports").iterdir())
    noted = audit.events(hospital.engine, action="data.received")
    assert [(each.actor, each.detail["quarantined"]) for each in noted] == [("client:feed", 2)]


def test_the_same_upload_again_adds_nothing(single, small):
    finished(single, uploaded(single, [PATIENT]))
    _, again = finished(single, uploaded(single, [PATIENT]))
    assert again.json()["extension"]["repeated"] is True
    assert small.lake.position() == 1


def test_an_import_of_a_bundle_and_of_bytes_that_are_none(single, small):
    _, done = finished(single, uploaded(single, [transaction(put(PATIENT))], kind="application/fhir+json"))
    assert done.json()["extension"]["written"] == 1
    _, done = finished(single, uploaded(single, [b"\x00\xff\xfe"], kind="application/fhir+json"))
    assert done.json()["extension"]["quarantined"] == 1


def test_an_upload_that_is_too_large_or_of_another_kind_leaves_no_file(single, small, monkeypatch):
    assert uploaded(single, [PATIENT], kind="text/csv").status_code == 415
    assert uploaded(single, [PATIENT], Content_Encoding="br").status_code == 415
    monkeypatch.setattr(imports, "MAX_UPLOAD", 10)
    assert uploaded(single, [PATIENT]).status_code == 413
    assert not list((small.home / "imports").iterdir())


def test_an_import_whose_process_was_killed_goes_on_where_it_stopped(single, small, monkeypatch):
    with monkeypatch.context() as asleep:
        asleep.setattr(imports, "resume", lambda _: None)  # the process that took it in dies here
        asked = uploaded(single, [PATIENT, observation()])
    assert jobs.claim(small.engine, "import", datetime.now(UTC)) is not None  # another began, and died too
    assert single.get(asked.headers["content-location"]).status_code == 202
    monkeypatch.setattr(jobs, "SILENT", jobs.SILENT * 0)
    _, done = finished(single, asked)
    assert done.json()["extension"]["written"] == 2


def test_an_upload_that_became_no_job_is_swept_away_and_one_that_waits_is_not(single, small, monkeypatch):
    with monkeypatch.context() as asleep:
        asleep.setattr(imports, "resume", lambda _: None)
        waiting = uploaded(single, [PATIENT]).headers["content-location"].rpartition("/")[2]
        ended = uploaded(single, [observation()]).headers["content-location"]
        assert single("DELETE", ended).status_code == 202
    inbox = small.home / "imports"
    (inbox / "orphan").write_bytes(b"{")
    monkeypatch.setattr(imports, "IDLE_SECONDS", -60.0)
    imports._sweep(small)
    assert [file.name for file in inbox.iterdir()] == [waiting]


def test_a_client_that_may_only_write_follows_its_import_but_not_an_export(small):
    writer = machine(small, "writer", may=("write",))
    _, done = finished(writer, uploaded(writer, [PATIENT]))
    assert done.status_code == 200
    assert writer.get("/$export", **ASYNC).status_code == 403


def test_a_message_is_taken_in_entry_by_entry_and_answered_with_a_message(feed, hospital):
    header = {
        "resourceType": "MessageHeader",
        "id": "m1",
        "eventUri": "urn:admit",
        "source": {"endpoint": "urn:his"},
    }
    wrong = {"resourceType": "Observation", "id": "bad", "status": "zebra"}
    message = {"resourceType": "Bundle", "type": "message",
               "entry": [{"resource": each} for each in (header, PATIENT, wrong)]}  # fmt: skip
    answer = feed.post("/$process-message", message)
    assert answer.status_code == 200
    reply = answer.json()["entry"][0]["resource"]
    assert reply["response"]["identifier"] == "m1"
    assert reply["response"]["code"] == "fatal-error"
    assert "zebra" not in answer.text
    assert hospital.lake.read("Patient/p1")
    assert causes(hospital.engine) == {"invalid-resource": 1}
    good = {**message, "entry": message["entry"][:2]}
    assert feed.post("/$process-message", good).json()["entry"][0]["resource"]["response"]["code"] == "ok"


def test_the_reply_to_a_message_is_itself_valid_fhir(single):
    header = {
        "resourceType": "MessageHeader",
        "id": "m1",
        "eventUri": "urn:a",
        "source": {"endpoint": "urn:his"},
    }
    message = {"resourceType": "Bundle", "type": "message", "entry": [{"resource": header}]}
    fhir.check(single.post("/$process-message", message).content)


@pytest.mark.parametrize(
    "bundle",
    [
        {"type": "message"},
        {"type": "message", "entry": [{"resource": PATIENT}]},
        {"type": "batch", "entry": []},
        {"type": "message", "entry": {"0": 1}},
    ],
)
def test_a_message_without_its_header_is_refused(single, small, bundle):
    refused = single.post("/$process-message", {"resourceType": "Bundle", **bundle})
    assert refused.status_code == 422
    assert issues(refused)
    assert small.lake.position() == 0


def test_a_document_is_received_like_a_file(single, small):
    composition = {
        "resourceType": "Composition", "id": "c", "status": "final", "type": {"text": "letter"},
        "subject": {"reference": "Patient/p1"}, "date": "2024-01-01", "author": [{"display": "x"}], "title": "Letter",
    }  # fmt: skip
    document = {"resourceType": "Bundle", "type": "document",
                "entry": [{"resource": composition}, {"resource": PATIENT}]}  # fmt: skip
    answer = single.post("", document)
    assert "2 entries read, 2 written" in answer.json()["issue"][0]["diagnostics"]
    assert small.lake.read("Composition/c").source == "feed"


@pytest.mark.data
@pytest.mark.parametrize("kind", ["MedicationRequest", "Goal", "ImagingStudy"])
def test_real_files_go_in_and_come_out_equal_as_json_to_the_last_digit(single, small, shared_data, kind):
    path = shared_data / "synthea-r4" / f"{kind}.ndjson.gz"
    packed = path.read_bytes()
    asked = single.post("/$import", packed, kind="application/fhir+ndjson", Content_Encoding="gzip")
    _, done = finished(single, asked)
    sent = {fhir.load(line)["id"]: fhir.load(line) for line in gzip.decompress(packed).splitlines()}
    assert done.json()["extension"]["written"] == len(sent)
    assert done.json()["extension"]["quarantined"] == 0
    _, answer = manifest(single, "/$export")
    assert {each["id"]: each for each in map(fhir.load, files(single, answer)[kind])} == sent
