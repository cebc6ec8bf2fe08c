"""The audit over HTTP: valid BALP AuditEvents, page by page, for who has the right; and it is noted."""

from datetime import UTC, datetime

import pytest
from machines import issues, machine

from vesalius import fhir
from vesalius.governance import audit
from vesalius.governance.audit import Action, Entry

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def reader(hospital):
    detail = {"purpose": "TREAT"}
    audit.record_all(
        hospital.engine,
        [
            Entry("anna", Action.SUGGESTION_READ, f"s{n}", {"subject": f"Patient/p{n % 2}", **detail}, AT)
            for n in range(6)
        ]
        + [
            Entry(
                "client:lab",
                Action.RESOURCE_SEARCHED,
                "Condition",
                {"subjects": ["Patient/p0", "Patient/p9"]},
            )
        ],
    )
    return machine(hospital, "auditor", may=["audit"])


def entries(answer):
    assert answer.status_code == 200, answer.text
    fhir.check(answer.content)
    return [each["resource"] for each in answer.json().get("entry", [])]


def link(answer, relation):
    return next((each["url"] for each in answer.json()["link"] if each["relation"] == relation), None)


def test_pages_follow_each_other_and_hold_every_event_once(reader):
    answer, seen = reader.get("/AuditEvent?_count=3"), []
    while True:
        seen += [each["id"] for each in entries(answer)]
        assert len(entries(answer)) <= 3
        if not (url := link(answer, "next")):
            break
        answer = reader.get(url)
    assert seen == ["1", "2", "3", "4", "5", "6", "7-1", "7-2", "8"]  # 8: the client was added


def test_one_patients_events_are_found_by_either_way_with_their_purpose(reader, hospital):
    for answer in (
        reader.get("/AuditEvent?patient=Patient/p0"),
        reader("POST", "/AuditEvent/_search", b"patient=p0", kind="application/x-www-form-urlencoded"),
    ):
        found = entries(answer)
        assert [each["id"] for each in found][:4] == ["1", "3", "5", "7-1"]
        assert found[0]["purposeOfEvent"][0]["coding"][0]["code"] == "TREAT"
        assert "Patient/p9" not in str(found)
    asked = audit.events(hospital.engine, actor="client:auditor", action="audit.read")
    assert [each.detail.get("subject") for each in asked] == ["Patient/p0", "Patient/p0"]


def test_moments_and_actors_narrow_the_search(reader):
    assert len(entries(reader.get("/AuditEvent?date=2026-03-02&agent=anna"))) == 6
    assert entries(reader.get("/AuditEvent?date=gt2026-03-02&agent=anna")) == []
    assert len(entries(reader.get("/AuditEvent?date=ge2026-03-02&date=lt2026-03-03"))) == 6
    assert entries(reader.get("/AuditEvent?_count=0")) == []


def test_one_event_is_read_by_its_number(reader):
    answer = reader.get("/AuditEvent/7-2")
    assert answer.status_code == 200
    fhir.check(answer.content)
    assert "Patient/p9" in answer.text
    for wrong in ("99", "7", "7-3", "x", "0", "9" * 18):
        assert reader.get(f"/AuditEvent/{wrong}").status_code == 404


@pytest.mark.parametrize(
    "query",
    ["code=x", "patient=a b", "date=nonsense", "_count=x", "_page=x", "_page=99999-1", "agent:exact=a"],
)
def test_what_is_not_understood_is_refused_not_ignored(reader, query):
    answer = reader.get(f"/AuditEvent?{query}")
    assert answer.status_code == 400
    assert issues(answer)


def test_who_may_read_patients_may_not_read_the_audit_nor_the_other_way_round(reader, hospital):
    feed = machine(hospital, "reads", may=["read", "write", "export", "view"])
    assert feed.get("/AuditEvent").status_code == 403
    assert reader.get("/Patient").status_code == 403
