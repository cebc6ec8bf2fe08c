"""Broken glass and the units of accounts at the command line."""

from datetime import UTC, datetime

from click.testing import CliRunner

from vesalius.cli import main
from vesalius.governance import glass, people
from vesalius.hospital import Hospital


def run(home, *words):
    return CliRunner().invoke(main, ["access", *words, "--home", str(home)])


def test_units_are_set_shown_and_taken_away_and_broken_glass_is_listed_without_words(tmp_path):
    hospital = Hospital.open(tmp_path)
    anna, dora = (
        people.add(hospital.engine, login, name=login, role=role)
        for login, role in (("anna", "doctor"), ("dora", "dpo"))
    )
    assert run(tmp_path, "units", "anna", "Location/GER", "Urologie").output == "Location/GER\nUrologie\n"
    assert run(tmp_path, "units", "anna").output == "Location/GER\nUrologie\n"
    assert run(tmp_path, "units", "anna", "--none").output == ""
    assert run(tmp_path, "units", "nobody").exit_code == 1
    at = datetime(2026, 5, 4, 12, tzinfo=UTC)
    said = {"ward": "", "code": "vital", "words": "Arrest on the corridor", "hours": 4, "at": at}
    made = glass.break_(hospital.engine, anna, "p77", **said)
    listed = run(tmp_path, "list").output
    assert "anna" in listed
    assert "to review" in listed
    assert "corridor" not in listed
    assert "p77" not in listed
    glass.review(hospital.engine, made.id, dora, "justified", "It was")
    assert run(tmp_path, "list").output == ""
    assert "justified" in run(tmp_path, "list", "--all").output
    hospital.close()
