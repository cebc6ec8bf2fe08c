"""Monitoring in a running hospital: it counts once, compares, and stops by itself."""

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from watched import DAY, HOUR

from vesalius import loop
from vesalius.cli import main
from vesalius.errors import Conflict
from vesalius.governance import audit, uses
from vesalius.monitoring import _counting, _references, _tallies, alarms, status
from vesalius.review import tallying
from vesalius.store import reading, writing


def test_a_live_use_whose_outcomes_turn_bad_falls_silent_by_itself(world):
    world.silent()
    world.weeks(5)
    world.refresh()
    world.speak()
    before = status(world.engine, "fever")
    assert before.figures.origin == "first"
    assert before.light == "fine"

    silenced: list[str] = []
    while not silenced or not silenced[-1]:
        assert uses.speaks(world.engine, "fever", world.now)
        silenced.append(world.day(count=15, truth=lambda _: 0.9, refresh=True).silenced)
    assert "outcomes" in silenced[-1]
    assert 3 <= len(silenced) <= 8  # not before 40 cases, of 15 a day, are known
    assert uses.current(world.engine, "fever").state == "silent"
    assert world.open() == ()
    change = uses.history(world.engine, "fever")[0]
    assert (change.by, change.kind, change.after) == ("system", "moved", "silent")
    assert change.reason == silenced[-1]
    after = status(world.engine, "fever")
    assert after.light == "stopped"
    (stop,) = [each for each in after.alarms if each.level == "stop"]
    assert stop.monitor == "stop.outcomes"
    assert stop.figures["cases"] >= 40
    events = audit.events(world.engine, action="alarm.raised")
    assert {event.detail["level"] for event in events} >= {"stop"}
    assert audit.verify(world.engine)


def test_a_stopped_use_speaks_again_only_when_signed_and_is_not_stopped_for_what_was_before(tiny):
    world = bad_days(tiny)
    assert status(world.engine, "fever").light == "stopped"
    world.day(truth=lambda _: 0.9, refresh=True)
    world.refresh()
    assert not uses.speaks(world.engine, "fever", world.now)
    assert len(stops(world)) == 1  # in silence it is measured, and stopped no second time

    world.now += DAY
    world.speak()
    done = world.refresh()
    assert uses.speaks(world.engine, "fever", world.now)
    assert not done.silenced
    assert stops(world) == []
    assert [each.monitor for each in alarms.past(world.engine, "fever") if each.level == "stop"] == [
        "stop.outcomes"
    ]
    charts = {chart.name: chart for chart in status(world.engine, "fever").figures.charts}
    assert charts == {}  # they begin anew with the first case since
    assert not world.day(refresh=True).silenced
    assert {chart.cases for chart in status(world.engine, "fever").figures.charts} == {12}


def test_a_rule_never_fires_on_fewer_cases_than_its_minimum(tiny):
    world = live(tiny)
    done = [world.day(count=13, truth=lambda _: 1.0, refresh=True) for _ in range(3)]  # 39 cases of 40
    assert [each.silenced for each in done] == ["", "", ""]
    rule = next(each for each in status(world.engine, "fever").figures.rules if each.name == "outcomes")
    assert (rule.cases, rule.minimum, rule.fires) == (39, 40, False)
    assert world.day(count=1, truth=lambda _: 1.0, refresh=True).silenced


def test_people_who_override_nearly_all_of_it_stop_it(tiny):
    world = live(tiny)
    world.day()  # the day of the signature does not count: its rule looks at whole days
    world.decide("overridden", reason="other")
    world.now += DAY
    silenced = ""
    while not silenced:
        assert uses.speaks(world.engine, "fever", world.now)
        world.receive(12, lambda: world.random.gauss(50, 25))
        loop.turn(world.hospital, "fever", world.now + HOUR)
        world.now += DAY
        assert world.decide("overridden", reason="other") == 12
        silenced = world.refresh().silenced
    assert "override" in silenced
    assert uses.current(world.engine, "fever").state == "silent"


def test_a_needed_input_that_no_longer_comes_stops_it(tiny):
    world = live(tiny)
    world.day(count=40, crp=lambda: None, known=False)
    silenced = [world.day(count=40, crp=lambda: None, known=False, refresh=True).silenced for _ in range(2)]
    assert any("feed of crp" in each for each in silenced)


def test_what_was_counted_is_not_counted_again(tiny):
    world = silent(tiny)
    world.refresh()
    before = tallies(world)
    assert sum(rows for _, rows in before) == 2 * 300  # each suggestion, and each of its outcomes
    assert world.refresh().counted == 0
    assert tallies(world) == before
    world.day(count=7)
    assert world.refresh().counted == 14


def test_of_two_that_count_the_same_one_is_told_and_nothing_is_counted_twice(world):
    silent(world)
    world.refresh()
    world.day(count=9)
    with reading(world.engine) as connection:
        rows = tallying.untallied(connection, "fever", "", 100)
    batch = _counting.Counted("filed", rows, rows)
    before = tallies(world)
    with writing(world.engine) as connection:  # somebody else was faster
        assert tallying.mark(connection, [rows[0].id], world.now)
    with pytest.raises(Conflict, match="elsewhere"), writing(world.engine) as connection:
        _counting.keep(connection, "fever", "", batch, world.now)
    assert tallies(world) == before
    with reading(world.engine) as connection:
        assert len(tallying.untallied(connection, "fever", "", 100)) == 8


def test_a_crash_between_counting_and_writing_loses_nothing(tiny, monkeypatch):
    world = silent(tiny)
    world.refresh()
    world.day(count=9)
    before = tallies(world)

    def crash(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(_tallies, "add", crash)
        with pytest.raises(KeyboardInterrupt):
            world.refresh()
    assert tallies(world) == before
    assert world.refresh().counted == 18


def test_without_a_run_the_first_weeks_are_the_reference_and_until_then_all_wait(tiny):
    world = tiny
    world.silent()
    world.weeks(3)
    world.refresh()
    early = status(world.engine, "fever")
    assert (early.light, early.figures.origin, early.figures.waiting) == ("early", "", 180)
    world.weeks(2)
    world.refresh()
    later = status(world.engine, "fever").figures
    assert (later.origin, later.waiting) == ("first", 0)
    assert 240 <= later.origin_rows < 300
    assert later.estimated.value > 0.6
    assert later.realised.low < later.estimated.value < later.realised.high


def test_a_use_that_does_not_run_reads_no_patient(tiny, monkeypatch):
    world = silent(tiny)
    world.refresh()
    uses.suspend(world.engine, "fever", world.staff["doctor"], reason="stop", at=world.now)
    monkeypatch.setattr(_counting, "facts", None)
    assert world.refresh().counted == 0
    assert status(world.engine, "fever").light == "off"


def test_what_happened_waits_until_most_of_its_day_is_known_as_its_absence_takes_longer(tiny):
    world = live(tiny)
    late = []
    for _ in range(8):
        made = world.receive(20, lambda: world.random.gauss(50, 25))
        loop.turn(world.hospital, "fever", world.now + HOUR)
        world.tell(made[:8], lambda _: 1.0)  # known at once; that it did not happen is not
        late += made[8:]
        world.now += DAY
        done = world.refresh()
        assert (done.counted, done.silenced) == (20, "")
    assert status(world.engine, "fever").figures.charts == ()
    world.tell(late[:24], lambda _: 0.0)  # of the first two days all, of the others none
    world.now += DAY
    assert world.refresh().counted == 40
    assert {chart.cases for chart in status(world.engine, "fever").figures.charts} == {40}
    world.now += 180 * DAY
    assert world.refresh().counted == 6 * 8  # nothing more will be known of these days


def test_the_first_weeks_are_a_reference_without_outcomes_that_are_nearly_all_events(tiny):
    tiny.silent()
    for _ in range(5):
        made = tiny.receive(60, lambda: tiny.random.gauss(50, 25))
        loop.turn(tiny.hospital, "fever", tiny.now + HOUR)
        tiny.tell(made[:20], lambda _: 1.0)
        tiny.now += 7 * DAY
    tiny.refresh()
    with reading(tiny.engine) as connection:
        reference = _references.in_force(connection, "fever", "").reference
    assert reference.rows > 240
    assert reference.scored.known == 0


def test_an_erased_suggestion_is_passed_over(tiny):
    world = silent(tiny)
    world.refresh()
    world.day(count=5)
    with writing(world.engine) as connection:
        rows = tallying.untallied(connection, "fever", "", 100)
        connection.execute(sa.text("UPDATE suggestion SET erased = 1 WHERE id = :id"), {"id": rows[0].id})
    before = sum(rows for _, rows in tallies(world))
    world.refresh()
    assert sum(rows for _, rows in tallies(world)) == before + 2 * 4


def test_evidence_that_fails_for_one_patient_does_not_keep_the_others_from_being_counted(tiny, installed):
    world = silent(tiny)
    world.refresh()
    world.day(count=5)
    whole = installed["fever"].evidence

    def fails(self, lake, candidates):
        if any(each.subject.endswith("3") for each in candidates):
            raise ValueError("a name that must not be told")
        return whole(self, lake, candidates)

    installed["fever"].evidence = fails
    before = sum(rows for _, rows in tallies(world))
    assert world.refresh().counted == 10
    assert sum(rows for _, rows in tallies(world)) == before + 2 * 4


def test_drift_is_a_notice_and_goes_when_it_is_over(tiny):
    world = silent(tiny)
    world.refresh()
    for _ in range(8):
        world.day(count=40, crp=lambda: world.random.gauss(50, 5), known=False)
    world.refresh()
    found = status(world.engine, "fever")
    assert "crp" in found.figures.drifted
    assert {(each.monitor, each.about, each.level) for each in found.alarms} >= {("drift", "crp", "notice")}
    assert found.light in ("notice", "alarm")
    world.now += 60 * DAY
    world.refresh()
    assert all(each.monitor != "drift" for each in alarms.standing(world.engine, "fever"))


def test_a_turn_of_all_refreshes_and_the_command_tells(tiny):
    world = live(tiny)
    told = []
    loop.turn_all(world.hospital, world.now, told.append)
    assert [each.usecase for each in told] == ["fever"]
    home = str(world.hospital.home)
    shown = CliRunner().invoke(main, ["monitor", "--home", home])
    assert shown.exit_code == 0
    assert "fever: live, " in shown.output
    assert CliRunner().invoke(main, ["monitor", "fever", "--check", "--home", home]).exit_code == 0
    assert CliRunner().invoke(main, ["monitor", "none", "--home", home]).exit_code == 1
    world = bad_days(world, fresh=False)
    failed = CliRunner().invoke(main, ["monitor", "--check", "--home", home])
    assert failed.exit_code == 1
    assert "STOP stop.outcomes" in failed.output


def silent(world):
    world.silent()
    world.weeks(5)
    return world


def live(world):
    silent(world)
    world.refresh()
    world.speak()
    return world


def bad_days(world, *, fresh=True):
    world = live(world) if fresh else world
    for _ in range(8):
        if world.day(count=15, truth=lambda _: 0.9, refresh=True).silenced:
            return world
    raise AssertionError("it was not silenced")


def stops(world):
    return [each for each in alarms.standing(world.engine, "fever") if each.level == "stop"]


def tallies(world):
    with reading(world.engine) as connection:
        found = connection.execute(sa.text("SELECT kind, rows FROM monitoring_tally ORDER BY kind, day"))
        return [tuple(row) for row in found]
