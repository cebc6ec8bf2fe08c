"""The loop can be walked by machine, each stage with its counts; a stage that fails is named."""

from datetime import UTC, datetime

import pytest

from vesalius import demo
from vesalius.demo import walk
from vesalius.errors import NotAllowed, NotEnoughData
from vesalius.governance import people
from vesalius.lake import Lake
from vesalius.store import open_store

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)


def test_the_whole_loop_is_walked_and_every_stage_produces_something(tmp_path):
    stages = demo.check(tmp_path, samples=300, now=NOW)
    names = "receive views learn silence suggest review outcome evaluate replay govern"
    assert [stage.name for stage in stages] == names.split()
    assert [stage.words for stage in stages if not stage.ok] == []
    assert all(count > 0 for stage in stages for count in stage.counts.values())


def test_after_a_stage_that_failed_the_rest_are_not_walked(tmp_path, monkeypatch):
    def fails(self):
        raise NotEnoughData("no culture known")

    monkeypatch.setattr(walk.Walk, "receive", lambda self: {"resources": 3})
    monkeypatch.setattr(walk.Walk, "views", fails)
    stages = demo.check(tmp_path, samples=300, now=NOW)
    assert [stage.ok for stage in stages] == [True] + [False] * 9
    assert stages[1].words == "no culture known"
    assert {stage.words for stage in stages[2:]} == {"not reached"}


def test_a_stage_that_produces_nothing_is_not_ok(tmp_path, monkeypatch):
    monkeypatch.setattr(walk.Walk, "receive", lambda self: {"resources": 0})
    assert not demo.check(tmp_path, samples=300, now=NOW)[0].ok


def test_a_database_that_holds_something_is_never_filled_with_synthetic_patients(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'real.sqlite'}"
    engine = open_store(url)
    people.add(engine, "doctor", name="Doctor", role="doctor")
    monkeypatch.setenv("VESALIUS_DATABASE", url)
    for make in (demo.check, demo.make_hospital):
        with pytest.raises(NotAllowed, match="not empty"):
            make(tmp_path / make.__name__, now=NOW)
    assert Lake(engine, tmp_path).position() == 0
    engine.dispose()
