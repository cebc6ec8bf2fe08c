"""The audit at the command line: verified, signed, proved to others, exported, and told to a patient."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from vesalius import fhir
from vesalius.cli import main
from vesalius.governance import audit, people
from vesalius.governance.audit import Action, Entry
from vesalius.hospital import Hospital

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path):
    hospital = Hospital.open(tmp_path / "home")
    people.add(hospital.engine, "anna", name="Dr Anna", role="doctor", at=AT)
    detail = {"subject": "Patient/p1", "purpose": "TREAT"}
    read = [Entry("anna", Action.SUGGESTION_READ, f"s{n}", detail, AT) for n in range(3)]
    everything = Entry("client:lab", Action.EXPORT_READ, "e1/Patient", {"count": 9}, AT)
    audit.record_all(hospital.engine, [*read, everything])
    hospital.close()
    return tmp_path / "home"


def run(home, *words):
    return CliRunner().invoke(main, ["audit", *map(str, words), "--home", str(home)])


def test_the_chain_is_verified_with_or_without_a_word(home):
    assert run(home).output == "5 events, chain intact\n"
    assert run(home, "verify").output == "5 events, chain intact\n"


def test_a_head_is_noted_proofs_are_checked_offline_and_a_false_one_is_refused(home, tmp_path):
    old, key, proof, grown = (tmp_path / name for name in ("old.jws", "key.jwk", "proof.json", "grown.json"))
    assert run(home, "head", "--out", old).exit_code == 0
    key.write_text(CliRunner().invoke(main, ["model", "key", "--home", str(home)]).output)
    assert run(home, "proof", 3, "--out", proof).exit_code == 0
    assert run(home, "about", "Patient/p1").exit_code == 0  # which is an event too
    assert run(home, "consistency", old, "--out", grown).exit_code == 0
    assert "event 3 is one of the 5" in run(tmp_path / "elsewhere", "check-proof", proof, "--key", key).output
    assert "the first 5 of 6 events" in run(tmp_path / "elsewhere", "check-proof", grown, "--key", key).output
    assert run(home, "check-proof", proof).exit_code == 0
    assert run(tmp_path / "elsewhere", "check-proof", proof).exit_code == 1  # it knows no key
    assert run(home, "verify", "--head", old).output == "6 events, chain intact\n"
    told = json.loads(proof.read_bytes())
    told["event"]["actor"] = "bart"
    proof.write_text(json.dumps(told))
    refused = run(home, "check-proof", proof)
    assert refused.exit_code == 1
    assert "event 3 was altered" in refused.output
    assert '"event": null' in run(home, "proof", 3, "--hash-only").stdout
    assert run(home, "proof", 99).exit_code == 1
    proof.write_text("{}")
    assert run(home, "check-proof", proof).exit_code == 1


def test_the_audit_is_exported_as_valid_fhir_and_that_is_an_event(home, tmp_path):
    out = tmp_path / "audit.ndjson"
    assert run(home, "export", "--fhir", "--out", out).exit_code == 0
    lines = [json.loads(line) for line in out.read_bytes().splitlines()]
    assert len(lines) == 6
    for each in lines:
        fhir.check(each)
    assert lines[-1]["subtype"][-1]["code"] == "audit.read"
    mine = run(home, "export", "--fhir", "--patient", "Patient/p1").stdout.splitlines()
    assert len(mine) == 4  # three readings, and this export
    assert all("Patient/p1" in each for each in mine)


def test_who_looked_at_a_patient_is_told_and_that_it_was_asked_is_noted(home):
    said = run(home, "about", "Patient/p1").output
    assert said.startswith("3 events about Patient/p1")
    assert said.count("Dr Anna") == 3
    assert "doctor" in said
    assert "TREAT" in said
    assert "1 times export.read of many by client:lab" in said
    assert "audit.read" in run(home, "about", "Patient/p1").output
    assert run(home, "about", "p1").exit_code == 1


def test_the_audit_is_hashed_with_a_later_algorithm_on_demand(home):
    assert run(home, "algorithm").output == "sha256, of sha256, sha3-256\n"
    assert run(home, "algorithm", "sha3-256").output == "sha3-256, of sha256, sha3-256\n"
    back = run(home, "algorithm", "sha256")
    assert back.exit_code == 1
    assert "the audit is hashed with sha3-256 (there is no later one)" in back.output
    assert run(home).output == "6 events, chain intact\n"
