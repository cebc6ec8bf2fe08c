"""The look of every day: what it sees, what it leaves alone, and which outcomes it dares to count."""

import numpy as np
import pytest
from monitored import INPUTS, rows

from vesalius.evaluation.monitoring import Plan, Reference, Seen, Tally, look, volume
from vesalius.evaluation.monitoring.looks import SHARES, ripe

BASE = rows(5000, 1)
REFERENCE = Reference.of(INPUTS, BASE.table, BASE.probability, BASE.outcomes, {"sex": BASE.sex})


def days(first, last, seed, a_day=40, **change):
    rng = np.random.default_rng(seed)
    found = {}
    for day in range(first, last):
        some = rows(int(rng.poisson(a_day)), seed * 1000 + day, **change)
        found[day] = Tally.of(
            REFERENCE, some.table, some.probability, some.probability > 0.3, some.outcomes, {"sex": some.sex}
        )
    return found


CALM = days(0, 120, 1)


def looked(change, last=150, delay=0):
    filed = CALM | change
    known = {day: tally for day, tally in filed.items() if day <= last - delay}
    return {(sign.monitor, sign.about): sign for sign in look(Seen(REFERENCE, filed, known, last))}


def test_nothing_is_seen_when_nothing_happens():
    signs = [look(Seen(REFERENCE, CALM, CALM, day)) for day in range(60, 120, 3)]
    assert not any(signs)


def test_the_shares_of_the_monitors_are_the_whole():
    assert sum(SHARES.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"factor": 88.4}, ("unit", "creatinine")),
        ({"missing": 1.0}, ("missing", "creatinine")),
        ({"older": 8}, ("drift", "age")),
        ({"wards": (0.2, 0.2, 0.6)}, ("drift", "ward")),
        ({"odds": 2.5}, ("calibration", "")),
    ],
)
def test_each_change_is_seen_by_its_monitor(change, expected):
    assert expected in looked(days(120, 151, 2, **change))


def test_a_change_of_unit_is_told_once_and_not_as_a_drift_as_well():
    found = looked(days(120, 151, 2, factor=88.4))
    assert ("drift", "creatinine") not in found
    assert "creatinine" in found["unit", "creatinine"].what


def test_a_feed_that_stops_is_seen_on_the_first_whole_day():
    assert ("volume", "silent") in looked({}, last=120)
    assert not looked({}, last=119)


def test_outcomes_of_days_that_are_not_ripe_are_not_counted():
    # Only events are known of the last thirty days: taken at face value everybody had one.
    late = {}
    for day in range(90, 120):
        some = rows(40, 5000 + day)
        outcomes = [True if value else None for value in some.outcomes]
        late[day] = Tally.of(REFERENCE, some.table, some.probability, None, outcomes, {"sex": some.sex})
    assert ripe(CALM, CALM) == set(CALM)
    assert not ripe(late, late)
    found = look(Seen(REFERENCE, CALM | late, CALM | late, 119))
    assert not found


def test_a_day_late_in_the_future_is_not_looked_at():
    odd = days(130, 140, 3, factor=88.4)
    assert not look(Seen(REFERENCE, CALM | odd, CALM, 119))


def test_fewer_rows_than_asked_say_nothing():
    few = {day: CALM[day] for day in range(1)}
    assert not look(Seen(REFERENCE, few, {}, 0), Plan(fewest=200))


def test_a_weekly_rhythm_is_no_alarm_and_a_dead_day_is():
    rng = np.random.default_rng(4)
    mean = [60, 60, 60, 60, 60, 12, 10]
    counts = [int(rng.poisson(mean[day % 7])) for day in range(140)]
    assert not any(volume(counts[:day]).silent for day in range(60, 140))
    assert not any(volume(counts[:day]).flooded for day in range(60, 140))
    assert volume([*counts, 3]).silent  # a Monday
    assert not volume([*counts[:138], 9]).silent  # a Saturday has few
    assert volume([*counts, 300]).flooded


def test_a_feed_that_has_been_dead_for_weeks_does_not_become_usual():
    counts = [40] * 60 + [0] * 30
    assert volume(counts).silent
    assert volume([40] * 10) is None
    assert volume([0] * 60) is None
