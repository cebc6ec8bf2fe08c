"""The commands of a silent trial: propose, register, look, show."""

import json

import pytest
from click.testing import CliRunner
from scales import DAY, START

from vesalius.cli import main
from vesalius.governance import people

PASSWORD = "correct horse battery"


@pytest.fixture
def vesalius(hospital, silent):
    people.add(hospital.engine, "segers", name="Segers", role="engineer", password=PASSWORD)
    home = str(hospital.home)

    def run(*words, fails=False):
        done = CliRunner().invoke(main, ["trial", *words, "--home", home])
        assert (done.exit_code != 0) == fails, done.output
        return done.output

    return run


@pytest.fixture
def planned(vesalius, tmp_path):
    """A plan that was proposed, changed and registered at the command line."""
    path = tmp_path / "plan.json"
    said = vesalius(
        "plan", "scale", "--endpoint", "sensitivity", "--out", str(path), "--set", "value=0.6",
        "--set", "expected=0.85", "--set", "prevalence=0.5", "--set", "looks=2", "--set", "wait_days=0",
    )  # fmt: skip
    assert "at most about 66 patients, 2 looks" in said
    assert "success from z = 2.963" in said
    done = vesalius(
        "register", "scale", str(path), "--by", "segers", "--reason", "agreed", "--password", PASSWORD
    )
    assert "plan 1 of scale" in done
    return path


def test_a_trial_is_planned_registered_shown_and_looked_at(vesalius, planned, case, hospital):
    from datetime import UTC, datetime

    days = (datetime.now(UTC) - START) / DAY + 1  # after the plan, which was registered now
    for place in range(18):
        case(days + place / 1000, tool=True)
    later = (START + (days + 5) * DAY).strftime("%Y-%m-%dT%H:%M:%S+0000")
    said = vesalius("show", "scale", "--now", later)
    assert "go on" in said
    assert "seen 18 patients, 18 with the outcome: 55% of the information" in said
    assert "next look at 50%" in said
    assert ": due" in said
    said = vesalius("look", "scale", "--now", later)
    assert "enough seen: success" in said
    body = json.loads(vesalius("show", "scale", "--now", later, "--json"))
    assert body["verdict"] == "success"
    assert body["seal"].endswith(":success")
    assert "ended: success" in vesalius("look", "scale", "--now", later, fails=True)


def test_what_cannot_be_is_said_in_one_line(vesalius, planned, tmp_path):
    assert "no look is due" in vesalius("look", "scale", fails=True)
    assert "changes nothing" in vesalius("plan", "scale", "--set", "weather=1", fails=True)
    assert "does not hold together" in vesalius("plan", "scale", "--set", "power=high", fails=True)
    assert "does not lie above" in vesalius("plan", "scale", "--set", "expected=0.7", fails=True)
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    said = vesalius(
        "register",
        "scale",
        str(broken),
        "--by",
        "segers",
        "--reason",
        "x",
        "--password",
        PASSWORD,
        fails=True,
    )
    assert "is not a plan" in said


def test_a_use_without_a_plan_says_so(vesalius):
    assert vesalius("show", "scale") == "scale: nothing is registered\n"
