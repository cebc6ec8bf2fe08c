"""The commands: from the work-list to a mapping, its sharing and its withdrawal."""

import json
import re

import pytest
from click.testing import CliRunner
from lab import LAB, result

from vesalius.cli import main


@pytest.fixture
def run(tmp_path):
    home = tmp_path / "home"

    def call(*arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(main, [*arguments, "--home", str(home)])
        assert done.exit_code == code, done.output
        return done.output

    lines = "\n".join(json.dumps(result(f"o{number}")) for number in range(3))
    (tmp_path / "lab.ndjson").write_text(lines)
    call("ingest", str(tmp_path / "lab.ndjson"), "--source", "lab")
    call("person", "add", "bio", "--name", "B", "--role", "biologist", "--password", "a long enough one")
    call("person", "add", "doc", "--name", "D", "--role", "doctor", "--password", "a long enough one")
    return call


BY = ("--by", "bio", "--reason", "our list")


def test_from_the_work_list_to_a_mapping_and_back(run, tmp_path):
    said = run("codes")
    assert re.search(rf"3  Observation.code\s+{LAB}\|K \[mmol/L\] 'Kalium'  \? LOINC 2823-3", said)
    said = run("codes", "map", f"{LAB}|K", "2823-3", *BY)
    assert "re-coded 3 versions of the past" in said
    uid = re.search(r"decided: (\S+)", said)[1]
    assert "Kalium" not in run("codes")
    assert "= 2823-3 (bio)" in run("codes", "--all")
    file = tmp_path / "map.json"
    assert "wrote 1 codes" in run("codes", "export", str(file))
    assert json.loads(file.read_text())["group"][0]["element"][0]["display"] == "Kalium"
    assert "0 added, 1 in force already, 0 decided otherwise" in run("codes", "import", str(file), *BY)
    assert "re-coded 3 versions" in run("codes", "withdraw", uid, *BY)
    assert "withdrawn by bio: our list" in run("codes", "history")
    assert "1 added" in run("codes", "import", str(file), "--wait", *BY)
    assert "1 decisions are not applied to the past yet" in run("codes")
    assert "re-coded 3 versions" in run("codes", "apply", "--recount")
    assert "re-coded 0 versions" in run("codes", "apply")


def test_what_means_nothing_standard_is_said_so(run):
    run("codes", "map", f"{LAB}|K", "none", "--kind", "Observation.code", *BY)
    assert "= not mappable (bio)" in run("codes", "--all")


@pytest.mark.parametrize(
    "wrong",
    [
        (f"{LAB}|K", "2823-4", *BY),
        (f"{LAB}|K", "LOINK|2823-3", *BY),
        ("K", "2823-3", *BY),
        ("text|Kalium", "2823-3", *BY),
        (f"{LAB}|K", "2823-3", "--by", "doc", "--reason", "x"),
        (f"{LAB}|K", "2823-3", "--by", "nobody", "--reason", "x"),
    ],
)
def test_what_cannot_be_is_one_line_and_changes_nothing(run, wrong):
    assert run("codes", "map", *wrong, code=1).startswith("vesalius: ")
    assert run("codes", "history") == ""
