"""``vesalius system``: the register at the command line."""

from click.testing import CliRunner

from vesalius.cli import main
from vesalius.governance import people
from vesalius.hospital import Hospital
from vesalius.settings import Settings

ENTRY = [
    "--title",
    "Holter",
    "--maker",
    "Maker",
    "--purpose",
    "rhythm",
    "--ce-class",
    "IIa",
    "--version",
    "3.2",
    "--device",
    "Device/holter",
]
WHO = ("--by", "legal", "--password", "correct horse battery")
ANSWERS = [
    "origin=bought",
    "purpose=care",
    "ce_class=IIa",
    "prohibited=no",
    "persons=yes",
    "personal_data=yes",
    "workers=yes",
    "public=yes",
    "generates=no",
    "processor=yes",
    "secondary=no",
    "legacy=no",
]


def test_a_system_is_added_answered_and_its_duties_kept(tmp_path):
    Settings(synthetic=True, second_factor="none").save(tmp_path)
    hospital = Hospital.open(tmp_path)
    people.add(hospital.engine, "legal", name="Legal", role="legal", password="correct horse battery")
    hospital.close()

    def run(*words, ok=True):
        done = CliRunner().invoke(main, ["system", *words, "--home", str(tmp_path)])
        assert (done.exit_code == 0) is ok, done.output
        return done.output

    assert "holter is registered" in run("add", "holter", *ENTRY, *WHO)
    assert "Was it made in this hospital" in run("answer", "holter")
    run("answer", "holter", "origin=bought", *WHO, "--reason", "x", ok=False)
    assert "high-risk" in run("answer", "holter", *ANSWERS, *WHO, "--reason", "read")
    assert "GDPR-28     open" in run("obligations", "holter")
    run("duty", "holter", "GDPR-28", "done", *WHO, ok=False)
    run("duty", "holter", "GDPR-28", "done", "--note", "signed", "--due", "tomorrow", *WHO, ok=False)
    run("duty", "holter", "GDPR-28", "done", "--note", "signed", "--due", "2027-01-01", *WHO)
    assert "GDPR-28     done           2027-01-01" in run("obligations", "holter")
    assert "to data_approved it needs dpo" in run("list")
    assert "ce_class       IIa" in run("show", "holter")
    run("sign", "holter", *WHO, "--reason", "x", ok=False)  # the lawyer has no part in that gate
