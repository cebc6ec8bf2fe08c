"""The academy at the command line: the list, the report and the export."""

import zipfile

import pytest
from click.testing import CliRunner

from vesalius.cli import main
from vesalius.governance import people
from vesalius.hospital import Hospital


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("academy") / "home"
    hospital = Hospital.open(folder)
    people.add(hospital.engine, "anna", name="Anna", role="doctor", language="en")
    hospital.close()
    return folder


def run(home, *arguments, code=0):
    result = CliRunner().invoke(main, ["academy", *map(str, arguments), "--home", str(home)])
    assert result.exit_code == code, result.output
    return result.output


def test_the_courses_are_listed_with_their_roles(home):
    assert "use-urine" in run(home, "list")
    assert "nurse" in run(home, "list", "--check")


def test_the_report_says_how_many_are_trained_and_who_is_not(home):
    told = run(home, "report")
    assert "urine: 0 of 1 trained (require_course: off)" in told
    assert "not yet: anna" in told


def test_an_export_is_written_whole_and_never_over_another_file(home, tmp_path):
    target = tmp_path / "urine.zip"
    assert "questions" in run(home, "export", "use-urine", target, "--language", "nl")
    assert "imsmanifest.xml" in zipfile.ZipFile(target).namelist()
    before = target.read_bytes()
    assert "there already" in run(home, "export", "use-urine", target, "--format", "moodle", code=1)
    assert target.read_bytes() == before
    run(home, "export", "use-urine", tmp_path / "urine.xml", "--format", "moodle")
    assert (tmp_path / "urine.xml").read_text().startswith("<?xml")


def test_an_export_of_no_course_or_to_nowhere_is_refused(home, tmp_path):
    assert "no course" in run(home, "export", "holter", tmp_path / "x.zip", code=1)
    assert "cannot write" in run(home, "export", "bedside", tmp_path / "no" / "x.zip", code=1)
    assert not list(tmp_path.iterdir())
