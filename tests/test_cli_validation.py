"""The command ``validate``: what it refuses at the door, and what it says."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from vesalius.cli import main
from vesalius.governance import people
from vesalius.hospital import Hospital

EXAMPLES = Path(__file__).parents[1] / "src" / "vesalius" / "usecases" / "urine" / "examples"


def run(*arguments, home):
    return CliRunner().invoke(main, [*map(str, arguments), "--home", str(home)])


@pytest.fixture
def one(tmp_path):
    """A folder with one patient."""
    folder = tmp_path / "data"
    folder.mkdir()
    example = min(EXAMPLES.iterdir())
    (folder / "resources.ndjson").write_bytes((example / "resources.ndjson").read_bytes())
    return folder


def refused(result):
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    return next(line for line in result.output.splitlines() if line.startswith("vesalius: "))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("--plan", "leave-one-out"), "there is no plan"),
        (("--test-from", "soon"), "is no moment"),
        (("--plan", "nested", "--test-from", "2024-01-01"), "goes with the plan time"),
        (("--plan", "time", "--test-on", "north"), "go with the plan external"),
        (("--plan", "external"), "needs the site"),
        (("--despite", "same_row"), "needs --by LOGIN and --reason WHY"),
        (("--despite", "bad_luck", "--by", "ada", "--reason", "x"), "there is no detector"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_read(one, tmp_path, asked, words):
    result = run("validate", "urine", "--data", one, *asked, home=tmp_path / "home")
    assert words in refused(result)
    assert "resources.ndjson" not in result.output


def test_a_leak_is_let_pass_only_by_an_account_with_its_password(one, tmp_path):
    home = tmp_path / "home"
    hospital = Hospital.open(home)
    people.add(hospital.engine, "ada", name="Ada", role="engineer", password="correct horse 1")
    hospital.close()
    asked = ("--despite", "same_row", "--by", "ada", "--reason", "looked into it", "--password")
    wrong = run("validate", "urine", "--data", one, *asked, "wrong", home=home)
    assert "password is wrong" in refused(wrong)
    right = run("validate", "urine", "--data", one, *asked, "correct horse 1", home=home)
    assert "password" not in refused(right)


def test_too_few_patients_are_refused_in_words(one, tmp_path):
    line = refused(run("validate", "urine", "--data", one, home=tmp_path / "home"))
    assert "outcome" in line


def test_an_empty_folder_is_refused(tmp_path):
    (tmp_path / "data").mkdir()
    line = refused(run("validate", "urine", "--data", tmp_path / "data", home=tmp_path / "home"))
    assert "name the folder that holds the data files" in line
