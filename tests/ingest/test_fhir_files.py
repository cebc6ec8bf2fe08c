"""NDJSON and bundles."""

import gzip
import json
import tracemalloc

import pytest

from vesalius.ingest import Cause, causes, held

PATIENT = {"resourceType": "Patient", "id": "p1"}


def lines(*resources):
    return "\n".join(value if isinstance(value, str) else json.dumps(value) for value in resources)


def bundle(*entries, kind="transaction"):
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": list(entries)}, indent=1)


def put(resource, url="", **more):
    return {"fullUrl": url, "resource": resource, "request": {"method": "PUT", "url": "x"}} | more


def test_each_line_is_kept_byte_for_byte(send, lake):
    raw = b'{ "id":"o1", "resourceType" : "Observation","status":"final","code":{"text":"a"},'
    raw += b'"valueQuantity":{"value":1.00}}'
    receipt = send(raw + b"\n\n", name="results.ndjson")
    assert (receipt.read, receipt.written, receipt.format) == (1, 1, "ndjson")
    assert lake.read("Observation/o1").body == raw


@pytest.mark.parametrize(
    ("bad", "cause"),
    [
        ("{", Cause.MALFORMED),
        ("[]", Cause.MALFORMED),
        ({"resourceType": "Patient"}, Cause.NO_ID),
        ({"id": "a"}, Cause.INVALID_RESOURCE),
        (PATIENT | {"gender": "x"}, Cause.INVALID_RESOURCE),
        (PATIENT | {"birthDate": "2023-02-30"}, Cause.INVALID_RESOURCE),
        (PATIENT | {"birthDate": "2030"}, Cause.FUTURE_DATE),
        (PATIENT | {"meta": {"lastUpdated": "2026-05-04T12:06:00Z"}}, Cause.FUTURE_DATE),
        ({"resourceType": "Bundle", "type": "history", "entry": []}, Cause.UNSUPPORTED),
        ({"resourceType": "Bundle", "type": "batch", "entry": 5}, Cause.INVALID_RESOURCE),
    ],
)  # fmt: skip
def test_a_bad_line_is_held_and_the_good_lines_land(send, lake, bad, cause):
    receipt = send(lines(PATIENT | {"id": "a"}, bad, PATIENT | {"id": "b"}), name="patients.ndjson")
    assert (receipt.read, receipt.written, receipt.quarantined) == (3, 2, 1)
    (item,) = held(lake.engine)
    assert item.cause == cause
    assert item.place.startswith("line 2")


def test_a_sender_whose_clock_is_a_little_ahead_is_believed(send):
    ahead = PATIENT | {"meta": {"lastUpdated": "2026-05-04T12:04:00Z"}}
    assert send(lines(ahead), name="patients.ndjson").written == 1


def test_a_record_dated_today_is_known_when_it_is_received(send, lake):
    condition = {
        "resourceType": "Condition",
        "id": "c",
        "subject": {"reference": "Patient/p1"},
        "recordedDate": "2026-05-04",
    }
    send(lines(condition), name="conditions.ndjson")
    version = lake.read("Condition/c")
    assert version.recorded_at == version.received_at


def test_bytes_that_are_not_utf_8_are_held(send, lake):
    send(b'{"resourceType":"Patient","id":"a","name":[{"family":"No\xebl"}]}\n', name="patients.ndjson")
    assert causes(lake.engine) == {"undecodable": 1}


def test_a_file_without_ending_is_recognised_by_its_first_line(send):
    assert send(lines(PATIENT), name="export").format == "ndjson"
    assert send(bundle(put(PATIENT)), name="message").format == "bundle"
    assert send(gzip.compress(lines(PATIENT, PATIENT).encode()), name="packed").format == "ndjson"


def test_a_resource_by_itself_in_a_json_file_lands(send):
    assert send(json.dumps(PATIENT, indent=2), name="patient.json").written == 1


@pytest.mark.parametrize("kind", ["transaction", "batch", "collection", "document", "message", "searchset"])
def test_every_kind_of_bundle_lands_with_its_references_resolved(send, lake, kind):
    observation = {
        "resourceType": "Observation", "id": "o1", "status": "final", "code": {"text": "a"},
        "subject": {"reference": "urn:uuid:9b1c3a52-0000-4000-8000-000000000001"},
        "performer": [{"reference": "http://elsewhere.example/fhir/Organization/7"}],
        "valueQuantity": {"value": 1.0},
    }  # fmt: skip
    entries = [
        put({"resourceType": "Patient"}, "urn:uuid:9b1c3a52-0000-4000-8000-000000000001"),
        put(observation, "urn:uuid:9b1c3a52-0000-4000-8000-000000000002"),
        put(
            {"resourceType": "Organization", "id": "7", "name": "A"},
            "http://elsewhere.example/fhir/Organization/7",
        ),
    ]
    for entry in entries:
        entry["request"] = {"method": "POST", "url": "x"}
    receipt = send(bundle(*entries, kind=kind).replace("1.0\n", "1.00\n"), name="message.json")
    assert (receipt.read, receipt.written, receipt.quarantined) == (3, 3, 0)
    found = lake.read("Observation/o1")
    assert found.subject == "Patient/9b1c3a52-0000-4000-8000-000000000001"
    assert found.resource["performer"] == [{"reference": "Organization/7"}]
    assert b'"value":1.00' in found.body


@pytest.mark.parametrize(
    ("entry", "cause"),
    [
        ({"request": {"method": "DELETE", "url": "Patient/p1"}}, Cause.UNSUPPORTED),
        (put(PATIENT, request={"method": "PATCH", "url": "Patient/p1"}), Cause.UNSUPPORTED),
        ({"fullUrl": "urn:uuid:1"}, Cause.UNSUPPORTED),
        ({"resource": {"resourceType": "Patient"}}, Cause.NO_ID),
        ({"resource": 5}, Cause.INVALID_RESOURCE),
        (5, Cause.INVALID_RESOURCE),
        (
            put({"resourceType": "Flag", "id": "f", "subject": {"reference": "urn:uuid:none"}}),
            Cause.UNRESOLVED_REFERENCE,
        ),
    ],
)
def test_a_bad_entry_is_held_and_the_others_land(send, lake, entry, cause):
    receipt = send(bundle(put(PATIENT), entry, put(PATIENT | {"id": "p2"})), name="message.json")
    assert (receipt.read, receipt.written, receipt.quarantined) == (3, 2, 1)
    (item,) = held(lake.engine)
    assert (item.cause, item.place) == (cause, "entry[1]")
    assert json.loads(item.raw) == entry


def test_the_request_names_a_resource_that_does_not_name_itself(send, lake):
    send(
        bundle({"resource": {"resourceType": "Patient"}, "request": {"method": "PUT", "url": "Patient/p9"}}),
        name="m.json",
    )
    assert lake.read("Patient/p9")


@pytest.mark.parametrize("data", ["", "{", '{"resourceType":"Bundle"}', "\x00"])
def test_a_bundle_that_cannot_be_read_is_held_whole(send, lake, data):
    receipt = send(data, name="message.json")
    assert receipt.written == 0
    assert receipt.quarantined == bool(data)


def test_a_bundle_in_a_line_of_ndjson_is_taken_apart(send, lake):
    compact = json.dumps(json.loads(bundle(put(PATIENT), {"resource": 5})))
    receipt = send(lines(PATIENT | {"id": "a"}, compact), name="bundles.ndjson")
    assert (receipt.read, receipt.written, receipt.quarantined) == (3, 2, 1)
    assert held(lake.engine)[0].place == "line 2, entry[1]"


def test_two_birth_dates_in_one_file_keep_the_first(send, lake):
    born = [PATIENT | {"birthDate": value} for value in ("1950", "1950-03", "1950-03-02", "1950", "1951")]
    receipt = send(lines(*born), name="patients.ndjson")
    assert receipt.quarantined == 1
    assert causes(lake.engine) == {"birth-date-conflict": 1}


def test_a_bundle_of_short_lines_takes_little_more_memory_than_its_bytes(send):
    raw = b'{"resourceType":"Bundle","type":"batch","entry":[\n' + b" \n" * 2_000_000 + b"]}"
    tracemalloc.start()
    try:
        assert send(gzip.compress(raw, 1), name="long.json.gz").quarantined == 0
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * len(raw)
