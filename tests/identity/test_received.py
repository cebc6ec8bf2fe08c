"""Merges that come in files: through the pipeline, the quarantine, a hospital that is opened again, and commands."""

import io
import json

import pytest
from click.testing import CliRunner
from people import at, body, replaced, result, subject
from people import full as ahead

from vesalius import identity
from vesalius.cli import main
from vesalius.errors import InvalidSetting
from vesalius.governance import audit, people
from vesalius.hospital import Hospital
from vesalius.ingest import receive, retry
from vesalius.settings import Settings


def full(id_, **more):
    """A patient who is born: the pipeline refuses others."""
    return ahead(id_, birthDate="1950-03-02", **more)


PASSWORD = "correct horse battery"


def file(lake, name, *resources, when, source="adt"):
    data = "\n".join(json.dumps(each) for each in resources).encode()
    return receive(lake, name, io.BytesIO(data), source=source, received_at=at(when))


def test_a_file_with_a_merge_in_it_moves_what_came_before_and_after(lake, monkeypatch):
    monkeypatch.setattr("vesalius.ingest.pipeline.BATCH", 2)
    parts = [
        result("r1", "a"),
        full("a", seen=0.1),
        full("b"),
        replaced("a", by="b", seen=0.5),
        result("r2", "a"),
        result("r3", "b"),
    ]
    told = file(lake, "adt.ndjson", *parts, when=1)
    assert (told.written, told.unchanged, told.quarantined) == (6, 0, 0)
    assert {subject(lake, f"Observation/r{n}") for n in (1, 2, 3)} == {"Patient/b"}
    again = file(lake, "adt.ndjson", *parts, when=2)
    assert again.repeated
    end = lake.position()
    file(lake, "other.ndjson", *parts[:-1], when=3)
    assert lake.position() == end, "other bytes, same content"


def test_what_is_released_from_quarantine_follows_a_merge_made_meanwhile(lake):
    early = result("late", "a") | {"issued": at(9).isoformat()}  # of tomorrow, when it was received
    told = file(lake, "a.ndjson", full("a"), full("b"), early, when=1)
    assert told.quarantined == 1
    identity.merge(lake, "a", "b", by="rita", reason="one", at=at(5))
    assert retry(lake, received_at=at(10)).held == 0
    assert subject(lake, "Observation/late") == "Patient/b"


def test_no_feed_bears_the_name_of_what_is_written_here(lake):
    with pytest.raises(InvalidSetting, match="identity"):
        file(lake, "x.ndjson", full("a"), when=1, source="identity")


@pytest.fixture
def home(tmp_path):
    """A hospital with two registrations of one person, and somebody who keeps the records."""
    hospital = Hospital.open(tmp_path / "home", Settings(synthetic=True))
    file(hospital.lake, "a.ndjson", full("a"), full("b"), result("ra", "a"), result("rz", "a"), when=1)
    for login, role in (("sabine", "records"), ("lotte", "engineer")):
        people.add(hospital.engine, login, name=login, role=role, password=PASSWORD)
    hospital.close()
    return tmp_path / "home"


def run(home, *arguments):
    return CliRunner().invoke(main, ["identity", *arguments, "--home", str(home)])


def test_a_move_that_was_broken_off_goes_on_when_the_hospital_is_opened(home, monkeypatch):
    monkeypatch.setattr("vesalius.identity.merging.AT_ONCE", 1)
    monkeypatch.setattr("vesalius.identity.merging.resume", lambda lake: 0)
    hospital = Hospital.open(home)
    made = identity.merge(hospital.lake, "a", "b", by="rita", reason="one")
    assert made.todo == "Observation/ra"
    hospital.close()
    monkeypatch.undo()
    again = Hospital.open(home)
    assert subject(again.lake, "Observation/ra") == subject(again.lake, "Observation/rz") == "Patient/b"
    again.close()


def test_the_commands_list_merge_and_take_back_and_the_audit_has_it(home):
    assert "1 new pairs" in run(home, "refresh").output
    listed = CliRunner().invoke(main, ["identity", "--home", str(home)]).output
    assert "pair 1: Patient/a Patient/b R3" in listed
    decided = ("--by", "sabine", "--password", PASSWORD)
    refused = run(home, "merge", "a", "b", "--by", "lotte", "--password", PASSWORD, "--reason", "x", "--yes")
    assert refused.exit_code == 1
    assert "may not merge patients" in refused.output
    done = run(home, "merge", "a", "b", *decided, "--reason", "same card", "--yes")
    assert "2 resources move from Patient/a to Patient/b: 2 Observation" in done.output
    undone = run(home, "unmerge", "1", *decided, "--reason", "two")
    assert "are two again" in undone.output
    hospital = Hospital.open(home)
    kinds = [each.action for each in audit.events(hospital.engine, thing="Patient/a")]
    assert kinds == ["patients.unmerged", "patients.merged"]
    assert "link" not in body(hospital.lake, "Patient/a")
    hospital.close()


def test_a_doubtful_rule_set_automatic_is_refused_before_anything_is_merged(home):
    Settings(synthetic=True, identity_automatic="R3").save(home)
    refused = run(home, "refresh")
    assert refused.exit_code == 1
    assert "only R1 can" in refused.output


@pytest.mark.parametrize(("number", "code"), [("93.05.18-223.61", 0), ("93.05.18-223.62", 1)])
def test_a_number_is_checked_on_the_command_line(number, code):
    done = CliRunner().invoke(main, ["identity", "check", number])
    assert done.exit_code == code
    assert ("not valid" in done.output) == bool(code)


def test_a_merge_that_a_feed_says_and_takes_back_is_in_the_audit(engine, tmp_path):
    hospital = Hospital.open(
        tmp_path / "other", Settings(database=engine.url.render_as_string(hide_password=False))
    )
    file(hospital.lake, "a.ndjson", full("a"), full("b"), replaced("a", by="b", seen=0.5), when=1)
    file(hospital.lake, "b.ndjson", full("a", seen=2) | {"active": True}, when=3)
    told = audit.events(hospital.engine, thing="Patient/a")
    assert [(each.action, each.actor, each.object) for each in told] == [
        ("patients.unmerged", "feed:adt", "Patient/b"),
        ("patients.merged", "feed:adt", "Patient/b"),
    ]
    assert audit.verify(hospital.engine) == 2
    hospital.close()
