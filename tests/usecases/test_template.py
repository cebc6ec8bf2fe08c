"""The template: small, complete, and copied under another name."""

import subprocess
import sys

import pytest

from vesalius.errors import Conflict, InvalidCard
from vesalius.usecases.template import HERE, PLACES, create


def test_the_whole_template_is_under_150_lines_texts_included():
    lines = sum(len((HERE / name).read_text(encoding="utf-8").splitlines()) for name in PLACES)
    assert lines < 150


def test_every_file_of_the_folder_is_copied():
    there = {
        path.relative_to(HERE).as_posix()
        for path in HERE.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert there - {"__init__.py"} == set(PLACES)


def test_a_copy_bears_the_new_name_and_no_trace_of_the_old(tmp_path):
    made = create(tmp_path, "low_sodium")
    text = (made / "src" / "low_sodium" / "__init__.py").read_text()
    assert "class LowSodium(UseCase)" in text
    assert 'low_sodium = "low_sodium:LowSodium"' in (made / "pyproject.toml").read_text()
    for path in made.rglob("*"):
        if path.is_file():
            assert "template" not in path.read_text(encoding="utf-8").lower()


def test_a_copy_passes_every_check(tmp_path):
    made = create(tmp_path, "copied")
    code = (
        "from copied import Copied; from vesalius.usecases.checks import run_checks;"
        "bad = [c for c in run_checks(Copied) if not c.passed]; print(bad); raise SystemExit(len(bad))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=made / "src",
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "name", ["", "1st", "Sodium", "so dium", "../up", "class", "vesalius", "x" * 60, "template"]
)
def test_a_name_that_no_package_can_have_is_refused(tmp_path, name):
    with pytest.raises(InvalidCard):
        create(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path):
    create(tmp_path, "mine")
    with pytest.raises(Conflict):
        create(tmp_path, "mine")
