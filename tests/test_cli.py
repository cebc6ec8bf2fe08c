"""The commands, as a person types them: what they print, and what they refuse with one clear line."""

import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

import vesalius.usecases.urine
from vesalius import card, loop
from vesalius.cli import main
from vesalius.cli._shared import LANGUAGES
from vesalius.governance import audit, people, uses
from vesalius.hospital import Hospital
from vesalius.ingest import receive_message

EXAMPLE = Path(vesalius.usecases.urine.__file__).parent / "examples" / "start" / "resources.ndjson"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def run(*arguments, home=None):
    given = [str(each) for each in arguments] + (["--home", str(home)] if home else [])
    return CliRunner().invoke(main, given)


@pytest.fixture
def home(tmp_path):
    """A hospital that has received one patient."""
    result = run("ingest", EXAMPLE, "--source", "laboratory", home=tmp_path)
    assert result.exit_code == 0, result.output
    return tmp_path


def test_ingest_says_what_became_of_a_file(tmp_path):
    first = run("ingest", EXAMPLE, "--source", "laboratory", home=tmp_path)
    lines = EXAMPLE.read_text().count("\n")
    assert f"{lines} read, {lines} written, 0 unchanged, 0 quarantined" in first.output
    again = run("ingest", EXAMPLE, "--source", "laboratory", home=tmp_path)
    assert "received before: nothing to do" in again.output


def test_hl7v2_shows_where_each_field_goes(tmp_path):
    path = Path(__file__).parent / "ingest" / "hl7v2" / "pairs" / "results-nl.hl7"
    result = run("hl7v2", path)
    assert "message 1: ORU^R01 as ORU_R01" in result.output
    assert "Observation[2].valueQuantity.value" in result.output
    only = run("hl7v2", "--unmapped", path).output
    assert "not mapped" in only
    assert "Observation[2]" not in only


def test_ingest_reads_hl7v2_through_a_hospitals_own_rows(tmp_path):
    path = Path(__file__).parent / "ingest" / "hl7v2" / "pairs" / "results-nl.hl7"
    own = tmp_path / "own.toml"
    own.write_text('[systems]\n"AZV" = "https://voorbeeld.example/patients"\n')
    result = run("ingest", path, "--map", own, "--source", "lab", "--home", tmp_path / "home")
    assert "1 read" in result.output
    assert "0 quarantined" in result.output


def test_lake_counts_what_it_holds(home):
    assert "types" in run("lake", "rebuild", home=home).output
    output = run("lake", "stats", home=home).output
    assert re.search(r"^Patient +1 +1 +1 +0\.\d +0 ", output, flags=re.MULTILINE)
    stats = json.loads(run("lake", "stats", "--json", home=home).output)
    patients = next(each for each in stats["types"] if each["type"] == "Patient")
    assert (patients["resources"], patients["behind"]) == (1, 0)


def test_a_backup_is_a_hospital_that_opens(home, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    assert run("lake", "backup", copy / "vesalius.sqlite", home=home).exit_code == 0
    of_both = [_versions(run("lake", "stats", "--json", home=each).output) for each in (copy, home)]
    assert of_both[0] == of_both[1]


def test_a_backup_is_restored_into_an_empty_hospital_and_into_another_only_when_told(home, tmp_path):
    file, empty = tmp_path / "copy.sqlite", tmp_path / "empty"
    assert run("lake", "backup", file, home=home).exit_code == 0
    restored = run("lake", "restore", file, home=empty)
    assert "chain intact" in restored.output, restored.output
    before = run("lake", "stats", "--json", home=home).output
    assert _versions(run("lake", "stats", "--json", home=empty).output) == _versions(before)
    refused = run("lake", "restore", file, home=empty)
    assert (refused.exit_code, "not empty" in refused.output) == (1, True)
    assert run("lake", "restore", file, "--replace", home=empty).exit_code == 0
    noted = [_noted(each) for each in (home, empty)]  # the copy was made before its event
    assert noted == [[("lake.backed_up", "copy.sqlite")], [("lake.restored", "copy.sqlite")]]


def test_the_lake_is_written_out_as_ndjson(home, tmp_path):
    result = run("lake", "export", tmp_path / "out", "--type", "Patient", home=home)
    assert re.search(r"^Patient +1$", result.output, flags=re.MULTILINE), result.output
    (line,) = (tmp_path / "out" / "Patient.ndjson").read_bytes().splitlines()
    assert line in EXAMPLE.read_bytes().splitlines()
    again = run("lake", "export", tmp_path / "out", "--type", "Patient", home=home)
    assert (again.exit_code, "already" in again.output) == (1, True)


def test_compaction_and_retention_say_what_they_did(home):
    assert "replaced ones stay" in run("lake", "compact", home=home).output
    assert run("lake", "retention", "--days", "30", home=home).output == "0 released items emptied\n"
    both = run("lake", "retention", "--days", "30", "--messages", home=home).output
    assert both == "0 released items emptied\n0 messages emptied\n"
    assert run("lake", "retention", home=home).exit_code == 2


def test_replay_says_how_many_messages_were_emptied(home):
    path = Path(__file__).parent / "ingest" / "hl7v2" / "pairs" / "results-nl.hl7"
    hospital = Hospital.open(home)
    assert receive_message(hospital.lake, path.read_bytes(), source="laboratory").status == "taken"
    hospital.close()
    assert run("lake", "retention", "--days", "0", "--messages", home=home).output.endswith(
        "\n1 messages emptied\n"
    )
    replayed = run("messages", "--replay", home=home).output.splitlines()
    assert replayed[0].startswith("0 messages converted again")
    assert replayed[1] == "1 messages left as they are: retention emptied them"


def _noted(home):
    hospital = Hospital.open(home)
    found = [(each.action, each.object) for each in audit.events(hospital.engine, actor="system", limit=5)]
    hospital.close()
    return [each for each in found if each[0].startswith("lake.")]


def _versions(stats):
    return {each["type"]: each["versions"] for each in json.loads(stats)["types"]}


def test_quarantine_lists_what_was_held_and_why(home, tmp_path):
    bad = tmp_path / "bad.ndjson"
    bad.write_text('{"resourceType": "Patient", "id": "x", "gender": "f"}\n{"resourceType": "Pat')
    result = run("ingest", bad, "--source", "laboratory", home=home)
    assert "2 read, 0 written, 0 unchanged, 2 quarantined" in result.output
    listed = run("quarantine", home=home).output
    assert "Patient.gender" in listed
    assert "(such as 2)" in listed
    assert "line 2" in run("quarantine", "show", "2", home=home).output
    assert run("quarantine", "retry", home=home).exit_code == 0


def test_a_csv_without_a_map_is_refused_with_what_to_do(home, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("a,b\n1,2\n")
    result = run("ingest", table, "--source", "laboratory", home=home)
    assert result.exit_code == 1
    assert "map" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "nosuch"),
        ("validate", "nosuch"),
        ("train", "nosuch"),
        ("run", "nosuch"),
        ("replay", "nosuch"),
        ("validate", "urine"),
        ("new", "Not A Name"),
    ],
)
def test_what_does_not_exist_is_refused_in_one_line(tmp_path, monkeypatch, arguments):
    monkeypatch.setenv("VESALIUS_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 1, result.output
    assert result.output.startswith("vesalius: ")
    assert result.output.count("\n") == 1


def test_a_broken_settings_file_is_named(tmp_path):
    (tmp_path / "vesalius.toml").write_text("prot = 1")
    result = run("lake", "stats", home=tmp_path)
    assert result.exit_code == 1
    assert "vesalius.toml" in result.output


def test_usecases_lists_urine():
    assert re.search(r"^urine +\d+\.\d+\.\d+ ", run("usecases").output, flags=re.MULTILINE)


def test_a_use_that_passed_no_gate_does_not_run(home):
    result = run("run", "urine", "--now", "2026-03-02T12:00:00+0000", home=home)
    assert result.output == "urine: 0 due, 0 new suggestions (off)\n"
    assert "urine: 0 due, 0 new suggestions (off)" in run("run", home=home).output.splitlines()


def test_a_suggestion_is_replayed_byte_for_byte_by_another_process_after_new_data(home):
    suggestion, body = _suggested(home)
    later = home / "later.ndjson"
    later.write_text(EXAMPLE.read_text().replace("260349009", "260385009").replace('"+++"', '"-"'))
    assert run("ingest", later, "--source", "late corrections", home=home).exit_code == 0
    command = [sys.executable, "-m", "vesalius", "replay", suggestion, "--home", str(home)]
    assert subprocess.run(command, capture_output=True, check=True).stdout == body + b"\n"
    hospital = Hospital.open(home)  # who reads a patient's data leaves a trace, at the command line too
    (event,) = audit.events(hospital.engine, action="suggestion.replayed")
    hospital.close()
    assert event.object == suggestion


def _suggested(home):
    """The id and the bytes of a suggestion that was made in silence."""
    hospital = Hospital.open(home)
    try:
        for role in ("dpo", "engineer", "doctor", "director"):  # each signs the gate that waits for them
            person = people.add(hospital.engine, role, name=role, role=role, password="correct horse 1")
            uses.sign(hospital.engine, "urine", person, reason="tested", despite="a test", at=NOW)
        assert loop.turn(hospital, "urine", NOW).filed == 1
        filed = hospital.review.worklist(mode="silent").items[0]
        return filed.id, hospital.review.get(filed.id).body
    finally:
        hospital.close()


def test_audit_verifies_and_names_what_was_tampered_with(home):
    _suggested(home)
    assert "chain intact" in run("audit", home=home).output
    database = home / "vesalius.sqlite"
    _alter(database)
    result = run("audit", home=home)
    assert result.exit_code == 1
    assert "event 2" in result.output


def _alter(database):
    import sqlite3

    connection = sqlite3.connect(database)
    triggers = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_event'"
    )
    for (name,) in triggers.fetchall():
        connection.execute(f'DROP TRIGGER "{name}"')
    connection.execute("UPDATE audit_event SET actor = 'someone else' WHERE seq = 2")
    connection.commit()
    connection.close()


def test_new_makes_a_use_case_that_can_be_read(tmp_path):
    result = run("new", "falls", "--into", tmp_path)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "falls" / "pyproject.toml").exists()
    assert run("new", "falls", "--into", tmp_path).exit_code == 1


def test_a_learnt_model_is_put_in_force_by_a_named_engineer(home):
    hospital = Hospital.open(home)
    people.add(hospital.engine, "lotte", name="Lotte", role="engineer", password="correct horse 1")
    people.add(hospital.engine, "cam", name="Camille", role="doctor", password="correct horse 1")
    model = hospital.models.save(hospital.usecase("urine").model)
    hospital.close()
    given = ("adopt", "urine", model, "--reason", "learnt here", "--password", "correct horse 1")
    assert run(*given, "--by", "cam", home=home).exit_code == 1
    assert run(*given[:-1], "wrong", "--by", "lotte", home=home).exit_code == 1
    assert run("adopt", "urine", "0" * 64, *given[3:], "--by", "lotte", home=home).exit_code == 1
    assert f"urine is idea with model {model}" in run(*given, "--by", "lotte", home=home).output


def test_train_writes_a_model_that_another_run_writes_again(shared_data, tmp_path):
    source = tmp_path / "uti-primary-care"
    shutil.copytree(shared_data / "uti-primary-care", source)
    shipped = EXAMPLE.parents[2] / "model.json"
    result = run("train", "urine", "--data", source, "--out", tmp_path / "model.json", home=tmp_path)
    assert "472 patients, 128 with the outcome" in result.output
    assert (tmp_path / "model.json").read_bytes() == shipped.read_bytes()


def test_training_on_a_folder_leaves_the_database_of_the_environment_alone(tmp_path, monkeypatch):
    real = tmp_path / "real.sqlite"
    monkeypatch.setenv("VESALIUS_DATABASE", f"sqlite:///{real}")
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(EXAMPLE, data / "resources.ndjson")
    result = run("train", "urine", "--data", data, "--out", tmp_path / "model.json", home=tmp_path)
    assert "resources.ndjson: " in result.output
    assert not real.exists()


def test_the_commands_speak_the_languages_of_the_cards():
    assert LANGUAGES == card.LANGUAGES


def test_a_damaged_database_is_one_line_and_no_traceback(tmp_path):
    (tmp_path / "vesalius.sqlite").write_bytes(b"not a database" * 100)
    result = run("lake", "stats", home=tmp_path)
    assert result.exit_code == 1
    assert result.output.startswith("vesalius: the database does not answer: file is not a database (restore")
    assert result.output.count("\n") == 1
