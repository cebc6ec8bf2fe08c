"""Erasing a patient: nothing of them is left anywhere, everybody else's stays, and it does not come back."""

import base64
import io
import json
import os
import re
import signal
import subprocess
import sys
import warnings
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from test_whole_loop import HOUR, NINE, culture, result, sign, silent, stay
from vesalius import erasure, identity, ingest, loop, terminology
from vesalius.cli import main
from vesalius.console import app
from vesalius.errors import Conflict, Erased, InvalidDecision, NotAllowed, NotFound, Tampered
from vesalius.governance import audit, consent, people, uses
from vesalius.hospital import Hospital
from vesalius.ingest import Cause, causes, held, messages, receive, receive_message, received_messages, retry
from vesalius.lake import Recoding
from vesalius.settings import Settings
from vesalius.store import metadata, open_store, reading, writing
from vesalius.usecase import decode_suggestion

MARK = "Zzyzxmarker"
"""A name that nobody else has: no file and no row may hold it in the end."""

NUMBER = "88112233"
ORDER = erasure.Order(asked_by="patient", ground="objection", reason="asked in writing, file 2026/14")
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def marked(number):
    """A stay whose every resource says the name."""
    for each in stay(number, positive=True):
        if each["resourceType"] == "Patient":
            each |= {"name": [{"family": MARK}], "identifier": [{"system": "urn:x", "value": NUMBER}]}
        elif each["resourceType"] == "Observation":
            each |= {"note": [{"text": f"told by {MARK}"}]}
        yield each


def lines(resources):
    return "\n".join(json.dumps(each) for each in resources).encode()


def send(hospital, name, resources, at=NINE, source="laboratory"):
    return receive(hospital.lake, name, io.BytesIO(lines(resources)), source=source, received_at=at)


@pytest.fixture
def hospital(tmp_path, database_url):
    opened = Hospital.open(tmp_path / "home", Settings(synthetic=True, database=database_url))
    yield opened
    opened.close()


@pytest.fixture
def small(tmp_path):
    """On SQLite alone, where the database makes no difference."""
    opened = Hospital.open(tmp_path / "home", Settings(synthetic=True))
    yield opened
    opened.close()


def officer(hospital):
    known = {each.id: each for each in people.everyone(hospital.engine)}
    return known.get("dpo") or people.add(hospital.engine, "dpo", name="D. P. O.", role="dpo")


def erase(hospital, reference="Patient/p1", **options):
    made = erasure.forget(
        hospital, erasure.plan(hospital, reference, **options), ORDER, officer(hospital), NOW
    )
    erasure.finish(hospital)
    return made


def filled(hospital):
    """Three patients, one marked, whose data is in every place that Vesalius has."""
    silent(hospital)
    sign(hospital, "director", "dpo", "legal", "works_council", "doctor")
    send(hospital, "morning.ndjson", [*marked(1), *stay(2, positive=False), *stay(3, positive=True)])
    corrected = result(1, "nitrite", "5802-4", NINE + HOUR / 2, valueString=MARK)
    raw = lines([corrected])
    receive_message(hospital.lake, raw, source="messages", format="ndjson", received_at=NINE + HOUR / 2)
    broken = json.dumps({"resourceType": "Patient", "id": "p1", "gender": MARK}).encode()
    other = json.dumps({"resourceType": "Patient", "id": "p2", "gender": "é"}).encode()
    for each in (broken, other):
        receive_message(hospital.lake, each, source="messages", format="ndjson", received_at=NINE + HOUR / 2)
    loop.turn(hospital, "urine", NINE + HOUR)
    one = next(each for each in suggestions(hospital) if each.subject == "Patient/p1")
    reason = uses.find("urine").card.override_reasons[0]
    hospital.review.decide(
        one.id, "overridden", by="doctor", role="doctor", reason=reason, words=f"{MARK} said no", at=NINE
    )
    send(hospital, "later.ndjson", [culture(n, NINE + HOUR, positive=True) for n in (1, 2)], NINE + HOUR)
    loop.outcomes(hospital, "urine", NINE + 2 * HOUR)
    loop.catch_up(hospital)
    hospital.lake.identified("Patient", NUMBER)
    hospital.lake.refresh_columns()
    return one


def suggestions(hospital):
    return hospital.review.worklist(status="all", limit=100, now=NINE).items


def everywhere(hospital):
    """All that is on disk: every file of the home, and every value of every table."""
    files = [path for path in hospital.home.rglob("*") if path.is_file()]
    found = {str(path): path.read_bytes() for path in files}
    with reading(hospital.engine) as connection:
        for table in metadata.sorted_tables:
            rows = connection.execute(sa.select(table)).all()
            found[table.name] = b"".join(
                bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
                for row in rows
                for value in row
            )
    return found


def holds(hospital, word):
    """Where a word is found, in any file or table."""
    return sorted(name for name, content in everywhere(hospital).items() if word.encode() in content)


def refusing(name, who, at=NINE, status="active"):
    """A Consent by which a patient refuses everything."""
    return {
        "resourceType": "Consent", "id": name, "status": status, "patient": {"reference": f"Patient/{who}"},
        "scope": {"coding": [{"code": "patient-privacy"}], "text": MARK if who == "p1" else "x"}, "provision": {"type": "deny"},
        "category": [{"text": "privacy"}], "policyRule": {"text": "ours"}, "dateTime": at.isoformat(),
        "meta": {"lastUpdated": at.isoformat()},
    }  # fmt: skip


def refuse(hospital):
    """Two patients refuse, the marked one too: by a Consent, in an entry, and a suggestion was withheld."""
    send(hospital, "consents.ndjson", [refusing("k1", "p1"), refusing("k2", "p2")])
    for who in ("Patient/p1", "Patient/p2"):
        consent.record(hospital.lake, officer(hospital), who, "secondary", at=NINE)
        with writing(hospital.engine) as connection:
            consent.withhold(connection, "urine", [(who, f"Specimen/of-{who[8:]}", NINE)], NINE)


def named_in(hospital, patient):
    """In which tables of what patients refuse one is named, by the id."""
    with reading(hospital.engine) as connection:
        return {
            name
            for name in consent.tables()
            for row in connection.execute(sa.select(metadata.tables[name].c.patient))
            if row.patient == patient
        }


def test_nothing_of_the_patient_is_left_in_any_file_or_table(hospital):
    filled(hospital)
    refuse(hospital)
    assert consent.excluded(hospital.lake, "care", NOW) == {"Patient/p1", "Patient/p2"}
    assert holds(hospital, MARK)
    assert named_in(hospital, "p1") == named_in(hospital, "p2") == set(consent.tables())
    made = erase(hospital)
    assert made.counts["Consent"] == 1
    assert named_in(hospital, "p1") == set()
    assert named_in(hospital, "p2") == set(consent.tables())
    assert consent.excluded(hospital.lake, "care", NOW) == {"Patient/p2"}
    assert [each.patient for each in consent.entries(hospital.engine)] == ["Patient/p2"]
    hospital.lake.refresh_columns()
    loop.catch_up(hospital)
    assert holds(hospital, MARK) == []
    assert holds(hospital, NUMBER) == []
    # The audit cannot be altered: that somebody read a page about Patient/p1 stays, and is found by it.
    files = {name for name in everywhere(hospital) if "sqlite" in name}
    assert set(holds(hospital, "Patient/p1")) - files == {"audit_event", "audit_subject"}
    assert audit.verify(hospital.engine)


def test_the_plan_lists_what_would_go_and_changes_nothing(hospital):
    one = filled(hospital)
    before = {name: content for name, content in everywhere(hospital).items() if name in metadata.tables}
    planned = erasure.plan(hospital, "Patient/p1")
    assert planned.versions == {"Observation": 5, "Patient": 1, "Specimen": 1}
    assert planned.resources == 6
    assert planned.suggestions == (one.id,)
    assert sorted(each.kind for each in planned.traces) == ["message", "message", "quarantine"]
    assert {each.source for each in planned.traces} == {"messages"}
    assert planned.counts["messages"] == 2
    after = {name: content for name, content in everywhere(hospital).items() if name in metadata.tables}
    assert before == after


def test_positions_stay_whole_and_the_others_are_as_they_were(hospital):
    filled(hospital)
    lake = hospital.lake
    position, others = lake.position(), [each.body for n in (2, 3) for each in lake.patient(f"Patient/p{n}")]
    made = erase(hospital)
    assert lake.position() == position
    with reading(hospital.engine) as connection:
        rows = connection.execute(
            sa.text(
                "SELECT seq, id, subject, source, erased, digest, body FROM resource_version ORDER BY seq"
            )
        ).all()
    assert [row.seq for row in rows] == list(range(1, position + 1))
    gone = [row for row in rows if row.erased]
    assert len(gone) == 7
    assert {(row.subject, row.source, row.erased) for row in gone} == {(None, "erased", made.id)}
    assert all(row.id.startswith("~") and len(row.digest) == 64 for row in gone)
    assert [each.body for n in (2, 3) for each in lake.patient(f"Patient/p{n}")] == others
    assert lake.count()["Patient"] == {"resources": 2, "versions": 2}
    assert [each.id for each in lake.versions("Patient")] == ["p2", "p3"]
    assert all(each.behind == 0 for each in [*refreshed(lake).types])
    assert lake.read("Patient/p1") is None
    assert lake.patient("Patient/p1") == lake.history("Patient/p1") == []


def refreshed(lake):
    lake.refresh_columns()
    return lake.stats()


def test_what_was_erased_is_held_when_it_comes_back_until_a_person_allows_it(hospital):
    filled(hospital)
    assert received_messages(hospital.engine, status="taken")
    erase(hospital)
    before = hospital.lake.position()
    # The same file is known; another with the same content is held line by line, whoever sends it.
    assert send(
        hospital, "morning.ndjson", [*marked(1), *stay(2, positive=False), *stay(3, positive=True)]
    ).repeated
    again = send(hospital, "again.ndjson", [*marked(1), *stay(2, positive=False)], source="another")
    assert (again.written, again.unchanged, again.quarantined) == (0, 5, 5)
    # The same message, sent again, is held too, and says why.
    raw = lines([result(1, "nitrite", "5802-4", NINE + HOUR / 2, valueString=MARK)])
    told = receive_message(hospital.lake, raw, source="messages", format="ndjson", received_at=NOW)
    assert (told.status, told.cause, told.repeated) == ("held", "erased", False)
    assert hospital.lake.position() == before
    assert causes(hospital.engine)[Cause.ERASED] == 6
    assert retry(hospital.lake).released == 0
    assert erasure.allow(hospital, "Patient/p1", officer(hospital), "admitted again", NOW) == 6
    assert retry(hospital.lake).released == 6
    assert hospital.lake.read("Patient/p1").version == 1
    # And erased once more: what came back goes, under a name of its own.
    second = erase(hospital)
    assert second.counts["Patient"] == 1
    assert holds(hospital, MARK) == []


def test_a_suggestion_that_rests_on_it_says_so_and_keeps_what_was_decided(hospital):
    one = filled(hospital)
    assert loop.replay(hospital, one.id) == one.body
    erase(hospital)
    left = hospital.review.get(one.id)
    assert (left.option, left.indicator, left.probability) == (one.option, one.indicator, one.probability)
    assert (left.status, left.decision.action, left.decision.words) == ("overridden", "overridden", "")
    assert left.outcome.value is True
    assert left.outcome.sources == ()
    assert left.display.patient == left.display.birth_date == ""
    assert left.subject.startswith("Patient/~")
    assert decode_suggestion(left.body).reasons == ()
    with pytest.raises(Erased, match=r"erased on request.*erasure 1, by dpo"):
        loop.replay(hospital, one.id)
    for each in suggestions(hospital):
        if each.id != one.id:
            assert loop.replay(hospital, each.id) == each.body


def test_one_resource_alone_and_the_suggestions_of_the_same_patient(small):
    filled(small)
    (two,) = (each for each in suggestions(small) if each.subject == "Patient/p2")
    cited = erase(small, "Observation/nitrite2")
    assert cited.counts["suggestions"] == 1
    assert small.lake.read("Observation/nitrite2") is None
    assert small.lake.read("Patient/p2") is not None
    with pytest.raises(Erased):
        loop.replay(small, two.id)


def test_a_suggestion_that_read_it_without_naming_it_is_not_called_tampered(small):
    filled(small)
    (two,) = (each for each in suggestions(small) if each.subject == "Patient/p3")
    # As if an earlier version had not cited the strip: only its making depends on it.
    with writing(small.engine) as connection:
        body = json.loads(two.body)
        body["reasons"] = []
        connection.execute(
            sa.text("UPDATE suggestion_body SET body = :body WHERE suggestion = :id"),
            {"body": json.dumps(body).encode(), "id": two.id},
        )
    with pytest.raises(Tampered):
        loop.replay(small, two.id)
    assert erase(small, "Observation/nitrite3").counts["suggestions"] == 0
    with pytest.raises(Erased, match="comes out differently"):
        loop.replay(small, two.id)


def test_who_may_and_what_an_order_must_say(small):
    filled(small)
    planned = erasure.plan(small, "Patient/p1")
    doctor = people.get(small.engine, "doctor")
    with pytest.raises(NotAllowed, match="dpo may"):
        erasure.forget(small, planned, ORDER, doctor)
    for wrong in ({"asked_by": "me"}, {"ground": "because"}, {"reason": " "}):
        order = erasure.Order(**{"asked_by": "patient", "ground": "objection", "reason": "x"} | wrong)
        with pytest.raises(InvalidDecision):
            erasure.forget(small, planned, order, officer(small))
    for unknown in ("Patient/nobody", "p1", "Patient/", "patient/p1", "Patient/~1-abc"):
        with pytest.raises(NotFound):
            erasure.plan(small, unknown)
    with pytest.raises(NotFound):
        erasure.allow(small, "Patient/p1", officer(small), "why")
    assert small.lake.read("Patient/p1") is not None


def test_the_audit_tells_how_much_and_on_what_ground_and_not_whom(small):
    filled(small)
    made = erase(small)
    (event,) = audit.events(small.engine, action="lake.forgotten")
    assert (event.actor, event.object) == ("dpo", f"erasure/{made.id}")
    assert event.detail == {"ground": "objection", "asked_by": "patient", "counts": made.counts}
    (listed,) = erasure.erasures(small.engine)
    assert listed.finished
    assert listed.reason == ORDER.reason


def test_two_merged_records_are_one_patient(hospital):
    filled(hospital)
    identity.merge(hospital.lake, "p3", "p1", by="records", reason=f"{MARK} is one")
    with pytest.raises(Conflict, match="merged into another"):
        erasure.plan(hospital, "Patient/p3")
    planned = erasure.plan(hospital, "Patient/p1")
    assert planned.patients == ("Patient/p1", "Patient/p3")
    erase(hospital)
    assert hospital.lake.read("Patient/p3") is None
    assert hospital.lake.read("Observation/nitrite3") is None
    assert hospital.lake.read("Patient/p2") is not None
    assert holds(hospital, MARK) == []
    (merge,) = identity.merges(hospital.engine)
    assert merge.source.startswith("~")
    assert merge.reason == "erased"


def test_what_was_filed_under_the_wrong_patient_stays_with_the_right_one(hospital):
    moved = result(1, "crp", "1988-5", NINE, valueString=MARK)
    right = result(2, "crp", "1988-5", NINE + HOUR, valueString="of the other")
    send(hospital, "a.ndjson", [*stay(1, positive=True), moved])
    send(hospital, "b.ndjson", [*stay(2, positive=True), right], NINE + HOUR)
    hospital.lake.refresh_columns()
    versions = {**right, "id": "crp1"}
    send(hospital, "c.ndjson", [versions], NINE + 2 * HOUR)
    planned = erasure.plan(hospital, "Patient/p1")
    assert planned.versions["Observation"] == 4
    erase(hospital)
    kept = hospital.lake.read("Observation/crp1")
    assert kept.resource["valueString"] == "of the other"
    assert [each.version for each in hospital.lake.history("Observation/crp1")] == [2]
    send(hospital, "d.ndjson", [{**versions, "valueString": "new"}], NINE + 3 * HOUR)
    assert [each.version for each in hospital.lake.history("Observation/crp1")] == [2, 3]
    assert holds(hospital, MARK) == []


def test_a_consent_that_was_filed_under_the_wrong_patient_counts_again_for_the_right_one(small):
    filled(small)
    send(small, "a.ndjson", [refusing("k", "p2")])
    send(small, "b.ndjson", [refusing("k", "p1", NINE + HOUR, "inactive")], NINE + HOUR)
    assert consent.excluded(small.lake, "care", NOW) == frozenset()
    erase(small)
    assert consent.excluded(small.lake, "care", NOW) == {"Patient/p2"}
    erase(small, "Consent/k")
    assert consent.excluded(small.lake, "care", NOW) == frozenset()
    assert named_in(small, "p2") == set()


def test_a_merge_that_was_taken_back_takes_nothing_of_the_other(hospital):
    filled(hospital)
    made = identity.merge(hospital.lake, "p1", "p2", by="records", reason="looked alike")
    identity.unmerge(hospital.lake, made.id, by="records", reason="they are two")
    erase(hospital, "Patient/p2")
    assert hospital.lake.read("Observation/nitrite1").resource["valueString"] == MARK
    assert hospital.lake.read("Patient/p1") is not None
    erase(hospital, "Patient/p1")
    assert holds(hospital, MARK) == []


def test_a_translation_and_a_file_of_the_patient_go_too(small):
    document = {
        "resourceType": "DocumentReference",
        "id": "d1",
        "status": "current",
        "subject": {"reference": "Patient/p1"},
        "content": [{"attachment": {"url": "Binary/b1"}}, {"attachment": {"url": "Binary/b2"}}],
    }
    other = {**document, "id": "d2", "subject": {"reference": "Patient/p2"}}
    other["content"] = [{"attachment": {"url": "Binary/b2"}}]
    data = base64.b64encode(MARK.encode()).decode()
    files = [
        {"resourceType": "Binary", "id": "b1", "contentType": "text/plain", "data": data},
        {"resourceType": "Binary", "id": "b2", "contentType": "text/plain", "data": "b3RoZXI="},
    ]
    send(small, "a.ndjson", [*marked(1), *stay(2, positive=True), document, other, *files])
    version = small.lake.read("Observation/nitrite1")
    body = json.dumps(version.resource | {"note": [{"text": f"{MARK} again"}]}, default=str).encode()
    with writing(small.engine) as connection:
        small.lake.recode([Recoding(version, body)], "codes", NINE + HOUR, connection)
    erase(small)
    assert small.lake.read("Binary/b1") is None
    assert small.lake.read("Binary/b2") is not None
    assert holds(small, MARK) == holds(small, data) == []


def test_a_resource_that_only_mentions_the_patient_is_named_and_stays(small):
    group = {"resourceType": "Group", "id": "g", "type": "person", "actual": True}
    group["member"] = [{"entity": {"reference": f"Patient/{each}"}} for each in ("p1", "p2")]
    near = {"resourceType": "Group", "id": "near", "type": "person", "actual": True}
    near["member"] = [{"entity": {"reference": "Patient/p11"}}]
    send(small, "a.ndjson", [*marked(1), group, near])
    (small.home / "runs").mkdir(exist_ok=True)
    (small.home / "runs" / "rows.txt").write_text(f"x {NUMBER} y")
    planned = erasure.plan(small, "Patient/p1")
    assert planned.mentions == ("Group/g",)
    assert planned.files == ("runs/rows.txt",)
    erase(small)
    assert small.lake.read("Group/g") is not None


def test_what_a_person_keeps_stays_and_what_a_person_adds_is_found(small):
    broken = [
        {"resourceType": "Patient", "gender": MARK},
        {"resourceType": "Patient", "gender": f"x{MARK}"},
        {"resourceType": "Patient", "id": "other", "gender": NUMBER},
    ]
    send(small, "a.ndjson", [*marked(1), *broken])
    assert [each.name for each in erasure.plan(small, "Patient/p1").traces] == ["quarantine/3"]
    planned = erasure.plan(small, "Patient/p1", also=[MARK], keep=["quarantine/3"])
    assert [each.name for each in planned.traces] == ["quarantine/1"]
    erasure.forget(small, planned, ORDER, officer(small))
    one = ingest.one(small.engine, 1)
    assert (one.raw, one.status, one.cause) == (b"", "aside", Cause.ERASED)
    assert {each.id for each in held(small.engine)} == {2, 3}
    ingest.mending.bring_back(small.engine, ingest.Chosen(ids=[1]), by="engineer")
    assert retry(small.lake, ingest.Chosen(ids=[1])).released == 0


def test_what_came_after_the_plan_goes_too(small):
    filled(small)
    planned = erasure.plan(small, "Patient/p1")
    late = result(1, "crp", "1988-5", NINE + HOUR, valueString=MARK)
    receive_message(small.lake, lines([late]), source="messages", format="ndjson", received_at=NOW)
    made = erasure.forget(small, planned, ORDER, officer(small))
    erasure.finish(small)
    assert made.counts["Observation"] == planned.versions["Observation"] + 1
    assert made.counts["messages"] == planned.counts["messages"] + 1
    small.lake.refresh_columns()
    assert holds(small, MARK) == []


def test_a_file_on_its_way_in_stops_bringing_what_was_erased_meanwhile(hospital, monkeypatch):
    monkeypatch.setattr("vesalius.ingest.pipeline.BATCH", 3)
    send(hospital, "first.ndjson", [next(marked(1))])
    data = lines([*stay(2, positive=True), *marked(1)])

    def meanwhile(done, _):
        if done == 3:
            erase(hospital)

    told = receive(
        hospital.lake, "long.ndjson", io.BytesIO(data), source="x", received_at=NINE, progress=meanwhile
    )
    assert (told.read, told.written, told.quarantined) == (10, 5, 5)
    assert hospital.lake.patient("Patient/p1") == []
    assert {each.cause for each in held(hospital.engine)} == {Cause.ERASED}


def test_what_was_judged_before_and_is_written_after_is_refused_whole(hospital, monkeypatch):
    send(hospital, "first.ndjson", [next(marked(1))])
    drafted = messages._drafted

    def slow(batch, *arguments):
        draft = drafted(batch, *arguments)
        if not erasure.erasures(hospital.engine):
            erase(hospital)
        return draft

    monkeypatch.setattr(messages, "_drafted", slow)
    raw = lines([list(marked(1))[2]])
    with pytest.raises(Conflict, match="erased on request"):
        receive_message(hospital.lake, raw, source="messages", format="ndjson", received_at=NOW)
    assert hospital.lake.patient("Patient/p1") == received_messages(hospital.engine) == []
    told = receive_message(hospital.lake, raw, source="messages", format="ndjson", received_at=NOW)
    assert (told.status, told.cause) == ("held", "erased")


def test_codes_are_counted_without_it(small):
    local = {"system": "urn:lab", "code": MARK, "display": MARK}
    coded = result(1, "x", "1988-5", NINE) | {"code": {"coding": [local], "text": MARK}}
    send(small, "a.ndjson", [*stay(1, positive=True), coded])
    assert terminology.refresh(small.lake)
    assert "code_seen" in holds(small, MARK)
    erase(small)
    terminology.refresh(small.lake)
    assert holds(small, MARK) == []


KILLED = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from vesalius import erasure, loop
from vesalius.governance import people
from vesalius.hospital import Hospital
from vesalius.lake import _columns, erasing
from vesalius.settings import Settings
where, home, url = sys.argv[1:]
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
hospital = Hospital.open(Path(home), Settings(database=url, synthetic=True))
person = people.get(hospital.engine, "dpo")
order = erasure.Order(asked_by="patient", ground="objection", reason="x")
if where == "rows":
    erasure.audit.record = die
elif where == "columns":
    _columns.Columns.drop = die
elif where == "files":
    erasure.scrub = die
else:
    erasing.cleaned = die
erasure.forget(hospital, erasure.plan(hospital, "Patient/p1"), order, person)
erasure.finish(hospital)
"""


@pytest.mark.parametrize("where", ["rows", "columns", "files", "end"])
def test_killed_half_way_it_is_not_done_or_is_finished(hospital, database_url, where):
    filled(hospital)
    officer(hospital)
    command = [sys.executable, "-c", KILLED, where, str(hospital.home), database_url]
    assert subprocess.run(command, check=False, env=os.environ).returncode == -signal.SIGKILL
    reopened = Hospital.open(hospital.home, hospital.settings)
    try:
        if where == "rows":
            assert erasure.erasures(reopened.engine) == []
            assert reopened.lake.read("Patient/p1") is not None
            erase(reopened)
        else:
            (left,) = erasure.erasures(reopened.engine)
            assert left.columns == []  # opening the hospital drops them
            assert not left.finished
            assert [each.id for each in erasure.finish(reopened)] == [left.id]
        reopened.lake.refresh_columns()
        assert holds(reopened, MARK) == []
        assert erasure.finish(reopened) == []
    finally:
        reopened.close()


def test_an_older_backup_does_not_bring_it_back(hospital, tmp_path):
    filled(hospital)
    officer(hospital)
    hospital.lake.backup(tmp_path / "old.sqlite")
    erase(hospital)
    copy = erasure.saved(hospital.engine)
    assert MARK.encode() not in copy
    hospital.lake.restore(tmp_path / "old.sqlite", replace=True)
    assert hospital.lake.read("Patient/p1") is not None
    assert erasure.again(hospital, copy) == 1
    hospital.lake.refresh_columns()
    assert hospital.lake.read("Patient/p1") is None
    assert holds(hospital, MARK) == []
    assert send(hospital, "again.ndjson", marked(1), source="another").quarantined == 5
    assert erasure.again(hospital, copy) == 0
    assert audit.verify(hospital.engine)


def test_a_backup_taken_afterwards_knows_it_on_the_other_database(hospital, tmp_path):
    filled(hospital)
    erase(hospital)
    hospital.lake.backup(tmp_path / "new.sqlite")
    assert MARK.encode() not in (tmp_path / "new.sqlite").read_bytes()
    engine = open_store(f"sqlite:///{tmp_path / 'third.sqlite'}")
    other = Hospital.open(tmp_path / "other", Settings(database=str(engine.url)))
    other.lake.restore(tmp_path / "new.sqlite")
    assert send(other, "again.ndjson", marked(1), source="another").quarantined == 5
    other.close()
    engine.dispose()


def test_a_reader_pinned_before_sees_it_no_longer(small):
    filled(small)
    pinned = small.lake.pinned()
    erase(small)
    assert pinned.read("Patient/p1") is None
    assert pinned.position() == small.lake.position()
    assert [each.id for each in pinned.resources("Patient")] == ["p2", "p3"]


PASSWORD = "correct horse battery"
WHO = ("--by", "anna", "--password", PASSWORD)
WHY = ("--asked-by", "patient", "--ground", "objection", "--reason", "letter of 2 May")


def run(home, *arguments, **options):
    return CliRunner().invoke(main, ["lake", *arguments, "--home", str(home)], **options)


@pytest.fixture
def home(small):
    filled(small)
    for login, role in (("anna", "dpo"), ("doc", "doctor")):
        people.add(small.engine, login, name=login, role=role, password=PASSWORD)
    small.close()
    return small.home


def test_the_command_lists_asks_and_erases(home):
    looked = run(home, "forget", "Patient/p1", "--dry-run", "--also", MARK)
    assert looked.exit_code == 0
    assert "7 versions of 6 resources" in looked.output
    assert "message/1" in looked.output
    assert "quarantine/1" in looked.output
    assert "1 suggestions that rest on it" in looked.output
    assert MARK not in looked.output
    other = run(home, "forget", "Patient/p1", *WHO, *WHY, input="Patient/p2\n")
    assert other.exit_code == 2
    assert "nothing was erased" in other.output
    for wrong, said in (
        (("forget", "Patient/p1", *WHO, "--confirm", "Patient/p1"), "say who asked"),
        (("forget", "Patient/p1", *WHY), "--by LOGIN"),
        (("forget",), "name what is to be erased"),
        (
            ("forget", "Patient/p1", *WHY, "--by", "doc", "--password", PASSWORD, "--confirm", "Patient/p1"),
            "dpo may",
        ),
        (
            ("forget", "Patient/p1", *WHY, "--by", "anna", "--password", "wrong", "--confirm", "Patient/p1"),
            "vesalius:",
        ),
    ):
        refused = run(home, *wrong)
        assert refused.exit_code in (1, 2), wrong
        assert said in refused.output
    done = run(home, "forget", "Patient/p1", *WHO, *WHY, input="Patient/p1\n")
    assert done.exit_code == 0
    assert "erasure 1 is finished" in done.output
    assert "nothing of Patient/p1 is here" in run(home, "forget", "Patient/p1", "--dry-run").output
    assert "0 erasures finished" in run(home, "forget", "--resume").output


def test_the_commands_that_keep_it_away_and_let_it_come_back(home, tmp_path):
    run(home, "backup", str(tmp_path / "old.sqlite"))
    run(home, "forget", "Patient/p1", *WHO, *WHY, "--confirm", "Patient/p1")
    listed = run(home, "erasures", "--save", str(tmp_path / "erasures.json"))
    assert "anna  Patient  objection  asked by patient" in listed.output
    assert "finished" in listed.output
    assert (tmp_path / "erasures.json").stat().st_mode & 0o077 == 0
    # The database remembers what the backup does not know; a new machine is told by the copy.
    back = run(home, "restore", str(tmp_path / "old.sqlite"), "--replace")
    assert "1 patients and resources that were erased before were erased again" in back.output
    fresh = tmp_path / "fresh"
    copy = ("--erasures", str(tmp_path / "erasures.json"))
    moved = run(fresh, "restore", str(tmp_path / "old.sqlite"), *copy)
    assert "erased again" in moved.output
    for where in (home, fresh):
        opened = Hospital.open(where)
        assert opened.lake.read("Patient/p1") is None
        assert opened.lake.erased("Patient/p1")
        assert holds(opened, MARK) == []
        opened.close()
    assert run(home, "allow", "Patient/p1", *WHO, "--reason", "admitted again").exit_code == 0
    assert run(home, "allow", "Patient/p1", *WHO, "--reason", "again").exit_code == 1
    assert run(
        home, "restore", str(tmp_path / "old.sqlite"), "--replace", "--erasures", str(home / "vesalius.toml")
    ).exit_code


def test_the_page_of_a_suggestion_says_that_it_was_erased(small):
    one = filled(small)
    erase(small)
    people.add(small.engine, "visitor", name="V", role="doctor", language="en")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in the tests of the console
        from starlette.testclient import TestClient
    reader = TestClient(app(small))
    token = re.search(r'name="token" value="([^"]+)"', reader.get("/sign-in").text)[1]
    reader.post("/sign-in", data={"token": token, "login": "visitor"})
    page = reader.get(f"/suggestions/{one.id}")
    assert page.status_code == 200
    assert "erased on request" in page.text
    assert MARK not in page.text
    assert reader.get("/").status_code == reader.get("/decisions").status_code == 200
