"""The commands of views, as a person types them."""

import json

import pytest
from click.testing import CliRunner

from vesalius.cli import main
from vesalius.governance import audit, people, views
from vesalius.hospital import Hospital

PATIENTS = b"".join(
    json.dumps(
        {"resourceType": "Patient", "id": f"p{at}", "gender": "female", "birthDate": "1950-01-01"}
    ).encode()
    + b"\n"
    for at in range(30)
)
TEXT = '{"resource": "Patient", "select": [{"column": [{"name": "key", "path": "id"}]}]}'


def run(*arguments):
    return CliRunner().invoke(main, [str(each) for each in arguments])


@pytest.fixture
def home(tmp_path):
    file = tmp_path / "patients.ndjson"
    file.write_bytes(PATIENTS)
    result = run("ingest", file, "--source", "admission", "--home", tmp_path / "home")
    assert result.exit_code == 0, result.output
    return tmp_path / "home"


@pytest.fixture
def view(tmp_path):
    path = tmp_path / "view.json"
    path.write_text(TEXT)
    return path


def test_the_first_rows_are_shown_as_a_table(home):
    result = run("view", "run", "patients", "--home", home)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].split()[:2] == ["id", "identifier"]
    assert len(lines) == 2 + 20 + 1
    assert "the first 20 rows" in lines[-1]
    assert len(run("view", "run", "patients", "--home", home, "--limit", 25).stdout.splitlines()) == 2 + 25


@pytest.mark.parametrize("engine", ["auto", "duckdb", "python"])
def test_every_engine_and_format_gives_all_rows(home, view, tmp_path, engine):
    common = ("view", "run", view, "--home", home, "--engine", engine)
    text = run(*common, "--to", "ndjson").stdout
    assert {json.loads(line)["key"] for line in text.splitlines()} == {f"p{at}" for at in range(30)}
    assert len(run(*common, "--to", "csv").stdout.splitlines()) == 31
    out = tmp_path / "rows.parquet"
    result = run(*common, "--to", "parquet", "--out", out)
    assert result.exit_code == 0, result.output
    import pyarrow.parquet as pq

    assert pq.read_table(out).num_rows == 30


def test_files_are_read_where_they_lie(tmp_path, view):
    file = tmp_path / "here.ndjson"
    file.write_bytes(PATIENTS)
    result = run("view", "run", view, "--from", file, "--to", "csv", "--limit", 2)
    assert result.stdout.splitlines() == ["key", '"p0"', '"p1"']
    assert not (tmp_path / ".vesalius").exists()


def test_what_was_known_at_a_moment(home, view):
    past = run("view", "run", view, "--home", home, "--to", "csv", "--as-of", "2001-01-01T00:00:00Z")
    assert past.stdout.splitlines() == ["key"]


def test_reading_the_lake_is_in_the_audit_and_reading_files_is_not(home, view, tmp_path):
    run("view", "run", view, "--home", home)
    file = tmp_path / "here.ndjson"
    file.write_bytes(PATIENTS)
    run("view", "run", view, "--from", file, "--home", home)
    hospital = Hospital.open(home)
    (event,) = audit.events(hospital.engine, action="view.read")
    hospital.close()
    assert event.actor == "system"
    assert event.detail["resource"] == "Patient"
    assert event.detail["columns"] == ["key"]


def test_parquet_needs_a_file_and_a_failure_leaves_none(home, tmp_path):
    assert run("view", "run", "patients", "--home", home, "--to", "parquet").exit_code == 2
    bad = tmp_path / "bad.json"
    bad.write_text(TEXT.replace('"id"', '"name.given"'))
    out = tmp_path / "out.csv"
    file = tmp_path / "two.ndjson"
    file.write_text('{"resourceType":"Patient","id":"x","name":[{"given":["A","B"]}]}\n')
    result = run("view", "run", bad, "--from", file, "--to", "csv", "--out", out)
    assert result.exit_code == 1
    assert "key" in result.stderr
    assert not out.exists()
    assert not list(tmp_path.glob(".out*"))


def test_check_names_the_place_and_what_to_do(view, tmp_path, home):
    good = run("view", "check", view, "--home", tmp_path / "none")
    assert good.exit_code == 0
    assert "1 columns of Patient" in good.output
    view.write_text(TEXT.replace('"id"', '"id +"'))
    bad = run("view", "check", view)
    assert bad.exit_code == 1
    assert "line 1: error: select[0].column[0]" in bad.output
    view.write_text(TEXT.replace(' "select"', '\n"select"').replace('"id"', '"idd"'))
    lost = run("view", "check", view)
    assert lost.exit_code == 1
    assert "line 2" in lost.output
    assert "did you mean id?" in lost.output
    view.write_text("{\n oops")
    assert "line 2" in run("view", "check", view).output
    assert run("view", "check", "nothing", "--home", home).exit_code == 1
    assert not (tmp_path / "none").exists()


def test_explain_shows_the_route_and_the_sql(view):
    shown = run("view", "explain", view).output
    assert "duckdb" in shown
    assert "SELECT" in shown


def test_the_library_is_listed_and_shown():
    assert "vitals" in run("view", "list").output
    assert json.loads(run("view", "show", "vitals").output)["name"] == "vitals"
    assert run("view", "show", "nothing").exit_code == 1


def test_a_saved_view_runs_by_its_name(home):
    hospital = Hospital.open(home)
    engineer = people.add(hospital.engine, "ada", name="Ada", role="engineer")
    views.save(hospital.engine, "mine", TEXT, engineer)
    hospital.close()
    assert run("view", "run", "mine", "--home", home, "--to", "csv").stdout.startswith("key\n")


def test_conformance_counts_per_file_and_engine_and_fails_on_a_failure(tmp_path):
    cases = [
        {"title": "one", "view": json.loads(TEXT), "expect": [{"key": "a"}]},
        {"title": "two", "view": json.loads(TEXT), "expect": []},
    ]
    (tmp_path / "tests").mkdir()
    resources = [{"resourceType": "Patient", "id": "a"}]
    for name, some in (("good", cases[:1]), ("bad", cases)):
        content = {"title": name, "resources": resources, "tests": some}
        (tmp_path / "tests" / f"{name}.json").write_text(json.dumps(content))
    common = ("view", "conformance", tmp_path, "--engine", "python", "--engine", "duckdb")
    result = run(*common, "--report", tmp_path / "out")
    assert result.exit_code == 1
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["bad.json", "2", "1", "1"] in lines
    assert ["all", "3", "2", "2"] in lines
    assert "python: bad.json: two: gives other rows" in result.stdout
    report = json.loads((tmp_path / "out" / "duckdb.test_report.json").read_text())
    assert report["good.json"]["tests"][0]["result"] == {"passed": True}
    assert run("view", "conformance", tmp_path / "tests" / "good.json", "--engine", "python").exit_code == 0
