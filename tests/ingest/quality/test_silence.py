"""A feed that falls silent is noticed, and one that sleeps at night is left alone."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

from vesalius.ingest import quality
from vesalius.ingest.quality import Alarm

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
QUARTER = timedelta(minutes=15)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def busy(days, per_hour=12, seed=1):
    """Messages as a laboratory sends them: by day, few at night, fewer at the weekend."""
    random, moment, found = Random(seed), START, []
    while moment < START + days * DAY:
        rate = per_hour * (1.0 if 7 <= moment.hour < 19 else 0.15) * (0.3 if moment.weekday() >= 5 else 1.0)
        moment += HOUR * random.expovariate(per_hour)
        if random.random() < rate / per_hour:
            found.append(moment)
    return found


def nightly(days):
    return [START + n * DAY + timedelta(hours=2, minutes=n * 7 % 11) for n in range(days)]


def assess(arrivals, now):
    known = [each for each in arrivals if each <= now]
    starts = [START + (each - START) // QUARTER * QUARTER for each in known]
    return quality.assess(known[-1] if known else None, sorted(Counter(starts).items()), now)


def until(arrivals, moment):
    return [each for each in arrivals if each <= moment]


def test_a_feed_that_never_sent_anything_cannot_be_judged():
    assert assess([], START).alarm == Alarm.UNKNOWN
    assert assess(nightly(3), START + 10 * DAY).alarm == Alarm.UNKNOWN


def test_a_busy_feed_is_silent_within_two_hours_of_a_working_morning():
    stop = START + 35 * DAY + timedelta(hours=9)  # a Monday at nine
    arrivals = until(busy(40), stop)
    assert assess(arrivals, stop + timedelta(minutes=5)).alarm == Alarm.FINE
    found = assess(arrivals, stop + 2 * HOUR)
    assert found.alarm == Alarm.SILENT
    assert found.expected >= 7


def test_the_same_feed_is_left_alone_at_night():
    stop = START + 33 * DAY + timedelta(hours=23)  # a Saturday night
    assert assess(until(busy(40), stop), stop + 2 * HOUR).alarm != Alarm.SILENT


def test_a_nightly_file_that_does_not_come_is_noticed_the_same_morning():
    arrivals = nightly(28)
    night = START + 28 * DAY + timedelta(hours=2)
    assert assess(arrivals, night - HOUR).alarm == Alarm.FINE
    assert assess(arrivals, night + timedelta(hours=4)).alarm == Alarm.LATE
    assert assess(arrivals, night + timedelta(hours=7)).alarm == Alarm.SILENT


def test_a_file_of_working_days_is_not_missed_on_a_sunday_but_on_a_tuesday():
    arrivals = [each for each in nightly(60) if each.weekday() < 5]
    sunday, tuesday = START + 34 * DAY, START + 36 * DAY + timedelta(hours=2)
    assert assess(until(arrivals, sunday), sunday).alarm == Alarm.FINE
    assert assess(until(arrivals, tuesday - HOUR), tuesday - HOUR).alarm == Alarm.FINE
    assert assess(until(arrivals, tuesday - HOUR), tuesday + timedelta(hours=7)).alarm == Alarm.SILENT


def test_an_outage_of_last_week_does_not_hide_the_next_one():
    out = (START + 28 * DAY + timedelta(hours=8), START + 28 * DAY + timedelta(hours=16))
    stop = START + 35 * DAY + timedelta(hours=9)
    arrivals = [each for each in until(busy(40), stop) if not out[0] <= each <= out[1]]
    assert assess(arrivals, stop + 2 * HOUR).alarm == Alarm.SILENT


def test_a_young_feed_is_compared_with_the_days_before():
    stop = START + 4 * DAY + timedelta(hours=10)
    assert assess(until(busy(10), stop), stop + 3 * HOUR).alarm == Alarm.SILENT
