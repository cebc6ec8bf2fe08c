"""How long the worklist takes at the store, with 10,000 open suggestions and 50,000 decided ones behind them.

Run it with ``.venv/bin/python benchmarks/worklist.py``; it prints a table and fails above the bound.
"""

import random
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from vesalius.card import Text
from vesalius.review import Display, Review
from vesalius.store import open_store, writing
from vesalius.usecase import Reason, Suggestion

OPEN, DECIDED, ROUNDS, BOUND = 10_000, 50_000, 50, 20.0
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
FAMILIES = ("Peeters", "Janssens", "Maes", "Dubois", "Lambert", "Müller", "Élise", "Van den Berghe")
WARDS = tuple(f"Ward {letter}{floor}" for letter in "ABCD" for floor in range(1, 7))

QUESTIONS = {
    "first page": {},
    "first page of a ward": {"ward": "Ward C3"},
    "an option and an urgency": {"option": "start", "indicator": "warning"},
    "a name": {"text": "elise 77"},
    "a name nobody has": {"text": "zzz"},
    "page 100": {"offset": 4_950},
    "last page": {"offset": 9_950},
    "decided, first page": {"status": "decided"},
}


def suggestion(number: int, chance: random.Random) -> Suggestion:
    option, indicator = chance.choice((("start", "warning"), ("wait", "info"), ("none", "info")))
    names = ("nitrite", "leukocytes_strip", "age", "sex", "fever", "bacteria_count", "catheter")
    return Suggestion(
        usecase="urine", version="1.0", model="a" * 64, settings="b" * 64, subject=f"Patient/{number // 2}",
        focus=f"Specimen/{number}", as_of=NOW - timedelta(minutes=chance.randrange(10_000)),
        position=1_000_000, option=option, indicator=indicator, summary=Text("summary", {"percent": 40}),
        priority=chance.random(), probability=chance.random(), interval=(0.1, 0.9),
        reasons=tuple(Reason(name, 1.5, 0.7, (f"Observation/{number}-{name}/_history/1",)) for name in names),
    )  # fmt: skip


def fill(engine: sa.Engine) -> Review:
    chance, review = random.Random(1514), Review(engine)
    for start in range(0, OPEN + DECIDED, 5_000):
        made = [suggestion(number, chance) for number in range(start, start + 5_000)]
        shown = [
            Display(
                f"{chance.choice(FAMILIES)} {number % 100}, Anna",
                "1950-01-01",
                chance.choice(WARDS),
                f"S-{number}",
            )
            for number in range(start, start + 5_000)
        ]
        review.file(made, "live", NOW, shown)
    with writing(engine) as connection:
        some = "SELECT id FROM suggestion LIMIT :n"
        decided = f"UPDATE suggestion SET status = 'accepted', revision = 1 WHERE id IN ({some})"
        connection.execute(sa.text(decided), {"n": DECIDED})
    return review


def measure(review: Review, question: dict) -> list[float]:
    """Milliseconds of each round; the first is not counted."""
    times = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        review.worklist(**question, now=NOW)
        times.append((time.perf_counter() - start) * 1000)
    return sorted(times[1:])


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        engine = open_store(f"sqlite:///{Path(folder) / 'bench.sqlite'}")
        review = fill(engine)
        print(f"{OPEN} open, {DECIDED} decided, SQLite; milliseconds a page of 50, {ROUNDS} rounds")
        print(f"{'question':<28} {'median':>8} {'p95':>8} {'total':>8}")
        slow = []
        for name, question in QUESTIONS.items():
            times = measure(review, question)
            median, p95 = statistics.median(times), times[int(0.95 * len(times))]
            print(f"{name:<28} {median:8.2f} {p95:8.2f} {review.worklist(**question, now=NOW).total:8}")
            if median > BOUND and question.get("status") != "decided":
                slow.append(name)
        engine.dispose()
    if slow:
        print(f"above {BOUND:g} ms: {', '.join(slow)}")
    return bool(slow)


if __name__ == "__main__":
    raise SystemExit(main())
