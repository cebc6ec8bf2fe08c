"""What was erased is gone for clients too: 410, no search finds it, and it does not come back unasked."""

from machines import PATIENT, observation

from vesalius import erasure
from vesalius.governance import people

ORDER = erasure.Order(asked_by="patient", ground="objection", reason="asked in writing")


def erase(hospital, reference):
    known = {each.id: each for each in people.everyone(hospital.engine)}
    person = known.get("dpo") or people.add(hospital.engine, "dpo", name="D. P. O.", role="dpo")
    erasure.forget(hospital, erasure.plan(hospital, reference), ORDER, person)
    erasure.finish(hospital)
    return person


def filled(feed):
    numbered = PATIENT | {"identifier": [{"system": "urn:x", "value": "A1"}]}
    assert feed.put("/Patient/p1", numbered).status_code == 201
    assert feed.put("/Observation/o1", observation("o1")).status_code == 201
    assert feed.put("/Patient/p2", PATIENT | {"id": "p2"}).status_code == 201


def test_reading_it_is_gone_and_not_unknown(feed, hospital):
    filled(feed)
    erase(hospital, "Patient/p1")
    for path in ("/Patient/p1", "/Patient/p1/_history/1", "/Patient/p1/_history", "/Observation/o1"):
        answer = feed.get(path)
        assert answer.status_code == 410, path
        assert answer.json()["issue"][0]["code"] == "deleted"
    assert feed.get("/Patient/unknown").status_code == 404
    assert feed.get("/Patient/p2").status_code == 200


def test_no_search_and_no_identifier_finds_it(feed, hospital):
    filled(feed)
    assert feed.get("/Patient?identifier=urn:x|A1&_total=accurate").json()["total"] == 1
    erase(hospital, "Patient/p1")
    assert feed.get("/Patient?identifier=urn:x|A1&_total=accurate").json()["total"] == 0
    assert feed.get("/Observation?patient=p1&_total=accurate").json()["total"] == 0
    everyone = feed.get("/Patient?_total=accurate").json()
    assert everyone["total"] == 1
    assert [each["resource"]["id"] for each in everyone["entry"]] == ["p2"]
    assert feed.get("/Observation?_summary=count").json()["total"] == 0


def test_writing_it_again_is_refused_with_the_cause_until_a_person_allows_it(feed, hospital):
    filled(feed)
    person = erase(hospital, "Patient/p1")
    for path, resource in (("/Patient/p1", PATIENT), ("/Observation/o1", observation("o1"))):
        answer = feed.put(path, resource)
        assert answer.status_code == 422
        assert "erased on request" in answer.json()["issue"][0]["diagnostics"]
    assert feed.post("/Observation", observation("new")).status_code == 422
    erasure.allow(hospital, "Patient/p1", person, "admitted again")
    assert feed.put("/Patient/p1", PATIENT).status_code == 201
    assert feed.get("/Patient/p1").headers["etag"] == 'W/"1"'
