"""How soon a dead feed is noticed, and how often a living one is called silent, over a simulated year.

Feeds as hospitals have them: laboratory messages (busy by day, few at night, a third at the weekend, weeks up
to 30 % busier or quieter, Belgian public holidays like Sundays), admissions, a nightly file, a file of
working days. The state of each is asked every hour for a year: a *false alarm* is a time at which it
becomes silent while it lives. Then it is cut at 40 random moments: how long until it is called silent.

    .venv/bin/python benchmarks/silence.py
"""

import random
from bisect import bisect_left, bisect_right
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from statistics import median, quantiles

from vesalius.ingest.quality import Alarm, assess

START = datetime(2026, 1, 1, tzinfo=UTC)
LEARNT, YEAR = timedelta(days=35), timedelta(days=365)
STEP, BACK, QUARTER = timedelta(hours=1), timedelta(days=35), timedelta(minutes=15)
HOLIDAYS = {date(2026, 4, 6), date(2026, 5, 1), date(2026, 5, 14), date(2026, 5, 25), date(2026, 7, 21)}
HOLIDAYS |= {date(2026, 8, 15), date(2026, 11, 1), date(2026, 11, 11), date(2026, 12, 25)}
CUTS = 40


def messages(chance, per_hour, night, weekend):
    """Random arrivals whose rate follows the hour, the day and the week."""
    moment, end = START, START + LEARNT + YEAR
    weeks = [chance.uniform(0.7, 1.3) for _ in range(60)]
    while moment < end:
        moment += timedelta(hours=chance.expovariate(per_hour * 1.3))
        share = weeks[(moment - START).days // 7] / 1.3
        share *= 1.0 if 7 <= moment.hour < 19 else night
        share *= weekend if moment.weekday() >= 5 or moment.date() in HOLIDAYS else 1.0
        if chance.random() < share:
            yield moment


def files(chance, working_days):
    """One file a night, within half an hour."""
    for day in range((LEARNT + YEAR).days):
        moment = START + timedelta(days=day, hours=2, minutes=chance.uniform(0, 30))
        if not working_days or (moment.weekday() < 5 and moment.date() not in HOLIDAYS):
            yield moment


class Feed:
    """A feed as the page reads it: by the quarter of an hour."""

    def __init__(self, moments):
        self.moments = list(moments)
        starts = Counter(START + (each - START) // QUARTER * QUARTER for each in self.moments)
        self.quarters = sorted(starts.items())

    def asked(self, moment, end=None):
        """The state at a moment, of a feed that was cut at ``end``."""
        end = min(moment, end or moment)
        last = self.moments[bisect_right(self.moments, end) - 1]
        first = bisect_left(self.quarters, (moment - BACK, 0))
        return assess(last, self.quarters[first : bisect_right(self.quarters, (end, 0))], moment).alarm


def false_alarms(feed):
    found, before, moment = 0, Alarm.FINE, START + LEARNT
    while moment < START + LEARNT + YEAR:
        now = feed.asked(moment)
        found += now == Alarm.SILENT != before
        before, moment = now, moment + STEP
    return found


def noticed(feed, chance):
    waits = []
    for _ in range(CUTS):
        cut = START + LEARNT + chance.random() * (YEAR - timedelta(days=14))
        moment = cut
        while feed.asked(moment, cut) != Alarm.SILENT:
            moment += STEP
        waits.append((moment - cut) / timedelta(hours=1))
    return waits


def main():
    chance = random.Random(1514)
    feeds = {
        "laboratory, 60 an hour": messages(chance, 60, 0.15, 0.35),
        "admissions, 8 an hour": messages(chance, 8, 0.2, 0.6),
        "clinic letters, 1 an hour": messages(chance, 1, 0.05, 0.1),
        "a nightly file": files(chance, working_days=False),
        "a file of working days": files(chance, working_days=True),
    }
    print(f"{'feed':<28} {'arrivals':>9} {'false alarms':>13}  noticed after, hours: median (9 in 10)")
    for name, made in feeds.items():
        feed = Feed(made)
        waits = noticed(feed, chance)
        said = f"{median(waits):.1f} ({quantiles(waits, n=10)[-1]:.1f})"
        print(f"{name:<28} {len(feed.moments):>9} {false_alarms(feed):>13}  {said}", flush=True)


if __name__ == "__main__":
    main()
