"""Monitoring in a running hospital: it counts once, compares, and stops by itself."""

from vesalius.governance import audit, uses
from vesalius.monitoring import status


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
        assert uses.speaks(world.engine, "fever")
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
