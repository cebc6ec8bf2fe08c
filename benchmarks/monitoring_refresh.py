"""How long a refresh of the monitoring and the board take, where ten uses have a million suggestions each.

Run ``.venv/bin/python benchmarks/monitoring_refresh.py``. The tallies are those of a year, made with the
real counting from simulated rows (``--rows`` a day; each tally is then added to itself until it stands for
enough, so alarms that chance alone explains are to be expected), with 30 inputs and six subgroups. A refresh
makes the week of a new day of every use, looks at all windows and rules, and settles. What people did is
filled in beside, and not counted: no suggestion is in the database. The board is asked for as a browser does,
signed in. Limits: a refresh under 10 s, the board under 0.2 s, on a quiet machine; CPU seconds say more on a
busy one.
"""

from __future__ import annotations

import argparse
import io
import statistics
import sys
import tempfile
import time
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from vesalius import usecase
from vesalius.card import Card, Input, Option
from vesalius.console import app
from vesalius.evaluation.monitoring import Reference, Tally
from vesalius.governance import people, uses
from vesalius.hospital import Hospital
from vesalius.monitoring import _references, _tallies, _weeks, refreshing
from vesalius.monitoring._tables import people as people_table
from vesalius.monitoring._tallies import Key
from vesalius.review.factors import Act, Factors, day_of
from vesalius.settings import Settings
from vesalius.store import writing
from vesalius.usecase import UseCase

USES, DAYS, SUGGESTIONS, INPUTS = 10, 365, 1_000_000, 30
WORDS = {
    key: key
    for key in ("title", "purpose", "population", "not_for", "action", "target", "option.act", "option.leave",
                "reason.other", *(f"input.x{number}" for number in range(INPUTS)), "input.sex", "input.age",
                "level.female", "level.male")
}  # fmt: skip


def made(name: str) -> type[UseCase]:
    """A use that is never asked anything: its tallies are there already."""
    numbers = (Input(f"x{number}", "number") for number in range(INPUTS - 2))
    sex, age = Input("sex", "category", levels=("female", "male")), Input("age", "number", unit="a")
    options = (Option("act", "warning"), Option("leave"))
    texts = dict.fromkeys(("fr", "nl", "de", "en"), WORDS)
    card = Card(name, "1", "bench", ("doctor",), (*numbers, sex, age), options, ("other",), texts=texts)
    body = dict.fromkeys(("candidates", "evidence", "suggest", "outcome"), lambda *_: [])
    return type("Bench", (UseCase,), {"card": card, **body})


class Point:
    """An entry point to a class that needs no package."""

    def __init__(self, name: str, kind: type[UseCase]) -> None:
        self.name, self.kind = name, kind

    def load(self) -> type[UseCase]:
        return self.kind


def rows(card: Card, count: int, rng: np.random.Generator) -> tuple[pa.Table, np.ndarray, np.ndarray, dict]:
    """Simulated rows: evidence, probabilities, outcomes and groups."""
    columns = {item.name: rng.normal(size=count) for item in card.inputs if item.kind == "number"}
    columns["age"] = rng.integers(18, 95, count).astype(float)
    columns["sex"] = np.where(rng.random(count) < 0.5, "female", "male")
    probability = 1 / (1 + np.exp(-(columns["x0"] + columns["x1"] - 1.5)))
    bands = np.select(
        [columns["age"] < 40, columns["age"] < 65, columns["age"] < 80], ["18-39", "40-64", "65-79"], "80+"
    )
    groups = {"sex": columns["sex"].tolist(), "age": bands.tolist()}
    return pa.table(columns), probability, rng.random(count) < probability, groups


def fill(
    hospital: Hospital, name: str, card: Card, today: int, per_day: int, rng: np.random.Generator
) -> int:
    """A year of tallies and of what people did; how many suggestions they stand for."""
    table, probability, outcomes, groups = rows(card, 20_000, rng)
    reference = Reference.of(card.inputs, table, probability, outcomes, groups, days=200)
    kept = _references._kept(reference, "first", datetime.now(UTC))
    doublings = int(np.log2(SUGGESTIONS / DAYS / per_day))
    stands = 0
    with writing(hospital.engine) as connection:
        _references.keep(connection, name, "", kept)
        for day in range(today - DAYS + 1, today + 1):
            table, probability, outcomes, groups = rows(card, per_day, rng)
            for kind, truth in (("filed", None), ("known", outcomes)):
                tally = Tally.of(reference, table, probability, probability > 0.4, truth, groups)
                for _ in range(doublings):
                    tally += tally
                _tallies.add(connection, name, "", kind, {Key("", day): tally})
            stands += tally.rows
            acts = tuple(Act(ward, option, action, 60) for ward in "ABCD" for option in ("act", "leave")
                         for action in ("accepted", "overridden"))  # fmt: skip
            body = Factors(
                dict.fromkeys("ABCD", 600),
                0,
                acts,
                {"other": 240},
                {20: 900},
                {36: 900},
                (500, 700),
                (90, 200),
            )
            values = {"usecase": name, "day": day, "body": refreshing.msgspec.json.encode(body).decode()}
            connection.execute(people_table.insert().values(values))
    return stands


def live(hospital: Hospital, names: list[str], at: datetime) -> None:
    """Everybody signs."""
    roles = ("dpo", "engineer", "doctor", "director", "biologist", "legal", "works_council")
    order = (
        "dpo",
        "engineer",
        "doctor",
        "director",
        "director",
        "dpo",
        "legal",
        "works_council",
        "biologist",
    )
    staff = {role: people.add(hospital.engine, role, name=role, role=role, at=at) for role in roles}
    for name in names:
        for role in order:
            uses.sign(hospital.engine, name, staff[role], reason="benchmark", despite="benchmark", at=at)


def board(hospital: Hospital) -> list[float]:
    """Seconds of the board, as a browser asks for it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from starlette.testclient import TestClient
    browser = TestClient(app(hospital))
    token = browser.get("/about").text.split('name="token" value="')[1].split('"')[0]
    browser.post("/sign-in", data={"token": token, "login": "director"})
    seconds = []
    for _ in range(12):
        start = time.perf_counter()
        answer = browser.get("/board")
        seconds.append(time.perf_counter() - start)
        assert answer.status_code == 200
        assert answer.text.count('id="use-') == USES
    return seconds[2:]


def main() -> None:
    """Fills, refreshes, asks for the board, and says how long each took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=340, help="simulated rows a day")
    options = parser.parse_args()
    kinds = {f"bench{number}": made(f"bench{number}") for number in range(USES)}
    usecase.entry_points = lambda group, name=None: [  # type: ignore[assignment]  # noqa: ARG005
        Point(key, kind) for key, kind in kinds.items() if name in (None, key)
    ]
    now, rng = datetime.now(UTC), np.random.Generator(np.random.PCG64(1514))
    with tempfile.TemporaryDirectory() as folder:
        hospital = Hospital.open(Path(folder), Settings(synthetic=True))
        live(hospital, list(kinds), now - timedelta(days=200))
        stands = [
            fill(hospital, name, kind.card, day_of(now), options.rows, rng) for name, kind in kinds.items()
        ]
        with writing(hospital.engine) as connection:
            connection.execute(refreshing.use_table.delete())
        refreshing._count_people, kept = (lambda *_: None), refreshing._count_people
        for label in ("first refresh, all weeks made", "refresh, one new day of each use"):
            with writing(hospital.engine) as connection:
                for name in kinds:
                    _weeks.dirty(connection, name, "", [day_of(now)])
            start, cpu = time.perf_counter(), time.process_time()
            done = refreshing.refresh(hospital, now)
            said = f"{label}: {time.perf_counter() - start:.2f} s, {time.process_time() - cpu:.2f} s of CPU"
            assert not any(each.error for each in done), done
            print(said)
        refreshing._count_people = kept
        print(
            f"{USES} uses, tallies for {min(stands):,} to {max(stands):,} suggestions each, {INPUTS} inputs"
        )
        seconds = board(hospital)
        print(
            f"board: median {statistics.median(seconds):.3f} s, worst {max(seconds):.3f} s of {len(seconds)}"
        )
        hospital.close()


if __name__ == "__main__":
    sys.stdout = io.TextIOWrapper(sys.stdout.buffer, line_buffering=True)
    main()
