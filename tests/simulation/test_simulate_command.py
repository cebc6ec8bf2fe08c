"""The command that simulates: its table, its JSON, its pictures, and what it refuses."""

import json

import pytest
from click.testing import CliRunner

from vesalius.cli import main

SMALL = ("--use", "urine", "--repeats", "1", "--a-day", "20", "--delay", "2", "--days", "28")


def ran(*words):
    return CliRunner().invoke(main, ["simulate", *words])


def test_a_scenario_is_told_as_a_table_with_a_picture(tmp_path):
    done = ran("drift", *SMALL, "--scenario", "dead-feed", "--pictures", str(tmp_path))
    assert done.exit_code == 0, done.output
    assert "one suggestion in twenty still comes" in done.output
    assert "volume" in done.output
    assert "never:" in done.output
    svg = (tmp_path / "urine-dead-feed.svg").read_text()
    assert svg.startswith("<svg")
    assert "<style>" in svg


def test_an_unknown_scenario_or_use_is_refused_with_those_that_are_known():
    done = ran("drift", *SMALL, "--scenario", "flood")
    assert done.exit_code == 1
    assert "one of nothing, covariate" in done.output
    assert ran("drift", "--use", "no-such-use").exit_code == 1


def test_the_ten_years_can_be_had_as_json(monkeypatch):
    from vesalius.simulation import sherpa

    monkeypatch.setattr(sherpa, "YEARS", 1)
    done = ran("sherpa", "--repeats", "1", "--a-day", "1", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.output[done.output.index("{") :])
    assert [year["year"] for year in told["years"]] == [0, 1]
    assert told["years"][0]["truth"] == pytest.approx(0.73, abs=0.002)
