"""The commands for maps and tables of other databases, as a person types them."""

import re

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from vesalius.cli import main

RESULTS = "patient id;sex;CRP (mg/L)\n" + "".join(f"p{n};{'FM'[n % 2]};{n},5\n" for n in range(1, 30))


def run(*arguments, home=None, **options):
    given = [str(each) for each in arguments] + (["--home", str(home)] if home else [])
    return CliRunner().invoke(main, given, **options)


@pytest.fixture
def results(tmp_path):
    path = tmp_path / "results.csv"
    path.write_text(RESULTS)
    return path


@pytest.fixture
def database(tmp_path):
    """A table of another system, with a moment of change."""
    url = f"sqlite:///{tmp_path / 'other.sqlite'}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            'CREATE TABLE results ("patient id" TEXT, sex TEXT, "CRP (mg/L)" REAL, changed TEXT)'
        )
        rows = [(f"p{n}", "FM"[n % 2], n + 0.5, f"2026-05-01T10:{n:02}:00") for n in range(1, 30)]
        connection.exec_driver_sql("INSERT INTO results VALUES (?, ?, ?, ?)", rows)
    engine.dispose()
    return url


def test_from_a_file_to_resources_in_three_commands(results, tmp_path):
    out, home = tmp_path / "results.toml", tmp_path / "home"
    made = run("map", "new", results, "--out", out)
    assert made.exit_code == 0, made.output
    assert "loinc:1988-5" in made.output
    checked = run("map", "check", out, results)
    assert checked.exit_code == 0, checked.output
    assert "29 of 29 rows would be taken in: 29 Patient, 29 Observation" in checked.output
    assert '"resourceType": "Patient"' in checked.output
    received = run("ingest", results, "--map", out, "--source", "laboratory", home=home)
    assert "29 read, 58 written, 0 unchanged, 0 quarantined" in received.output


def test_a_map_goes_to_standard_output_and_overwrites_nothing(results, tmp_path):
    shown = run("map", "new", results)
    assert "[[resource]]" in shown.stdout
    existing = tmp_path / "mine.toml"
    existing.write_text("mine")
    refused = run("map", "new", results, "--out", existing)
    assert refused.exit_code == 2
    assert existing.read_text() == "mine"


def test_check_says_what_would_be_held_and_exits_with_two(results, tmp_path):
    out = tmp_path / "results.toml"
    run("map", "new", results, "--out", out)
    results.write_text(RESULTS + "p99;F;many\n")
    checked = run("map", "check", out, results, "--show", "0")
    assert checked.exit_code == 2
    assert "bad-value" in checked.output
    assert "line 31" in checked.output
    assert "many" not in checked.output


def test_a_table_is_read_from_where_the_last_run_stopped(database, results, tmp_path):
    out, home = tmp_path / "table.toml", tmp_path / "home"
    made = run("map", "new", "--sql", database, "--table", "results", "--out", out)
    assert made.exit_code == 0, made.output
    asked = (
        "ingest",
        "--sql",
        database,
        "--table",
        "results",
        "--watermark",
        "changed",
        "--map",
        out,
        "--source",
        "lis",
    )
    first = run(*asked, home=home)
    assert "29 read, 58 written" in first.output, first.output
    assert "nothing new" in run(*asked, home=home).output
    again = run(*asked, "--from-start", home=home)
    assert re.search(r"29 read, 0 written", again.output)


def test_the_address_can_come_from_a_variable_or_be_asked(database, tmp_path):
    named = run("map", "new", "--sql", "env:LIS", "--table", "results", env={"LIS": database})
    assert "[[resource]]" in named.stdout
    asked = run("map", "new", "--sql", "-", "--table", "results", input=f"{database}\n")
    assert "[[resource]]" in asked.stdout
    assert database not in asked.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("map", "new"), "name a file"),
        (("map", "new", "--sql", "postgresql://u:hush@h/d", "--table", "t"), "password"),
        (("map", "new", "--sql", "sqlite:////absent/x.sqlite", "--table", "t"), "does not answer"),
        (("ingest", "--source", "s"), "name files, or a database"),
        (("ingest", "--sql", "sqlite:///x", "--table", "t", "--source", "s"), "needs a --map"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(arguments, words, tmp_path):
    home = tmp_path if arguments[0] == "ingest" else None
    refused = run(*arguments, home=home)
    assert refused.exit_code in {1, 2}
    assert words in refused.output
    assert "hush" not in refused.output
    assert "Traceback" not in refused.output
