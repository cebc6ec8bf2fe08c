"""Searching: by id, patient, identifier and moment; page by page; what is unknown is told."""

from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from machines import PATIENT, issues, machine, observation, posted, put, transaction

from vesalius.lake import Arrival


@pytest.fixture
def filled(feed):
    entries = [
        put(PATIENT),
        put(PATIENT | {"id": "p2", "identifier": [{"system": "urn:oid:9", "value": "A1"}]}),
    ]
    entries += [put(observation(f"a{number}", "p1", number)) for number in range(7)]
    entries += [put(observation(f"b{number}", "p2", number)) for number in range(3)]
    assert feed.post("", transaction(*entries)).status_code == 200
    return feed


def found(answer):
    assert answer.status_code == 200, answer.text
    entries = answer.json().get("entry", [])
    return sorted(each["resource"]["id"] for each in entries if each["search"]["mode"] == "match")


def link(answer, relation):
    return next((each["url"] for each in answer.json()["link"] if each["relation"] == relation), None)


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("/Observation?patient=p2", ["b0", "b1", "b2"]),
        ("/Observation?patient=Patient/p2", ["b0", "b1", "b2"]),
        ("/Observation?subject=Patient/p2&_id=b1,a1", ["b1"]),
        ("/Observation?patient=p1,p2&_id=b1,a1", ["a1", "b1"]),
        ("/Observation?patient=p1&patient=p2", []),
        ("/Observation?patient=none", []),
        ("/Observation?_id=a1&_id=a2", []),
        ("/Observation?_id=not!an!id", []),
        ("/Patient?identifier=A1", ["p1", "p2"]),
        ("/Patient?identifier=urn:oid:1.2|A1", ["p1"]),
        ("/Patient?identifier=urn:oid:1.2%7CA1,urn:oid:9%7CA1", ["p1", "p2"]),
        ("/Patient?identifier=urn:oid:1.2|A1&_id=p2", []),
        ("/Patient?identifier=|A1", []),
        ("/Patient?identifier=A", []),
        ("/Condition", []),
    ],
)
def test_what_is_wanted_is_found_and_nothing_else(filled, path, ids):
    assert found(filled.get(path)) == ids


def test_an_identifier_that_a_resource_no_longer_has_does_not_find_it(filled):
    filled.put("/Patient/p1", PATIENT | {"identifier": [{"value": "B2"}]})
    assert found(filled.get("/Patient?identifier=A1")) == ["p2"]
    assert found(filled.get("/Patient?identifier=|B2")) == ["p1"]


def test_pages_hold_everything_once_while_others_write(filled):
    page = filled.get("/Observation?_count=4&_total=accurate")
    assert page.json()["total"] == 10
    seen = found(page)
    while url := link(page, "next"):
        filled.post("/Observation", observation())
        page = filled.get(url)
        seen += found(page)
    assert sorted(seen) == [*(f"a{number}" for number in range(7)), *(f"b{number}" for number in range(3))]


def test_only_the_version_in_force_is_found_whatever_the_order_of_arrival(filled, hospital):
    late = Arrival.of(b'{"resourceType":"Observation","id":"a0","status":"final","code":{"text":"old"},'
                      b'"subject":{"reference":"Patient/p1"},"issued":"2001-01-01T00:00:00Z"}')  # fmt: skip
    hospital.lake.write([late], "late", datetime.now(UTC))
    answer = filled.get("/Observation?_id=a0")
    assert [each["resource"]["meta"]["versionId"] for each in answer.json()["entry"]] == ["1"]
    filled.put("/Observation/a0", observation("a0", "p2"))
    assert "a0" not in found(filled.get("/Observation?patient=p1"))


def test_counting_shows_none(filled):
    for path in ("/Observation?_summary=count&patient=p1", "/Observation?_count=0&patient=p1"):
        answer = filled.get(path).json()
        assert answer["total"] == 7
        assert "entry" not in answer


def test_the_moment_of_receipt_narrows_a_search(filled):
    moment = filled.get("/Observation/a0").json()["meta"]["lastUpdated"]
    filled.put("/Observation/new", observation("new"))
    assert found(filled.get(f"/Observation?_lastUpdated=gt{moment}")) == ["new"]
    assert len(found(filled.get(f"/Observation?_lastUpdated=le{moment}"))) == 10
    assert len(found(filled.get(f"/Observation?_lastUpdated={moment}"))) == 10
    assert found(filled.get(f"/Observation?_lastUpdated=lt{moment}")) == []
    assert len(found(filled.get(f"/Observation?_lastUpdated=ge{moment}"))) == 11
    assert len(found(filled.get(f"/Observation?_lastUpdated=ge{moment[:10]}&_lastUpdated=lt2999"))) == 11
    assert found(filled.get("/Observation?_lastUpdated=gt2999-12")) == []


@pytest.mark.parametrize(
    "query",
    [
        "_lastUpdated=xx2024", "_lastUpdated=2024-13", "_lastUpdated=", "_lastUpdated=ne2024", "_count=x", "_count=-1",
        "patient=", "patient=a b", "identifier=", "identifier=urn:x|", "_page=1", "_page=999999-0", "_id:not=p1",
        "patient:Patient=p1", "_lastUpdated=gt9999-12-31T23:59:59Z", "_lastUpdated=lt0001",
        f"_id={','.join(['x'] * 1001)}",
    ],
)  # fmt: skip
def test_a_parameter_that_means_nothing_is_refused(single, query):
    refused = single.get(f"/Observation?{query}")
    assert refused.status_code == 400
    assert issues(refused)


def test_unknown_parameters_are_ignored_and_told_or_refused_as_the_client_prefers(filled):
    answer = filled.get("/Observation?patient=p2&colour=red&_sort=date")
    assert found(answer) == ["b0", "b1", "b2"]
    assert link(answer, "self").endswith("/fhir/Observation?patient=p2")
    (outcome,) = (each["resource"] for each in answer.json()["entry"] if each["search"]["mode"] == "outcome")
    assert "colour" in outcome["issue"][0]["diagnostics"]
    strict = filled.get("/Observation?colour=red", Prefer="handling=strict")
    assert strict.status_code == 400
    assert "red" not in strict.text


def test_a_search_in_the_body_finds_the_same(filled):
    form = {"kind": "application/x-www-form-urlencoded"}
    assert found(filled.post("/Observation/_search", b"patient=p2&_count=2", **form)) == ["b0", "b1"]
    assert filled.post("/Observation/_search", b"\xff", **form).status_code == 400
    assert filled.post("/Observation/_search", b"{}").status_code == 415


def test_the_search_of_another_feed_sees_what_any_wrote(small):
    machine(small, "one").post("", transaction(posted(PATIENT)))
    assert len(found(machine(small, "two").get("/Patient"))) == 1


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["_id", "patient", "identifier", "_lastUpdated", "_count", "_page", "_summary", "x"])
    | st.text(),
    value=st.text(max_size=20),
)
def test_no_query_whatever_breaks_the_server(single, name, value):
    path = f"/Observation?{quote(name, errors='surrogatepass')}={quote(value, errors='surrogatepass')}"
    answer = single.get(path)
    assert answer.status_code in {200, 400, 406}, (name, value, answer.text)
