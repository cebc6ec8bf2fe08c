"""The files that the synthetic hospital sends, one sending after the other, as its systems would."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from vesalius.demo import discharges, faults, laboratory, records
from vesalius.demo.plan import Plan
from vesalius.demo.population import Population
from vesalius.demo.urine import Case, urine_case

RECORD = "dossier.ndjson"
RESULTS = "laboratoire.csv"
CULTURES = "microbiologie.csv"
BROKEN_AT = (0.5, 0.95, 0.99)
"""Where in the run of samples something is broken on purpose."""


@dataclass(frozen=True, slots=True)
class Sending:
    """The files sent together at one moment.

    Attributes:
        at: when; everything in them was known by then.
        phase: ``history``, ``silent`` or ``live``.
        files: the bytes, by file name.
    """

    at: datetime
    phase: str
    files: dict[str, bytes]

    @property
    def folder(self) -> str:
        """The name of the folder that the files lie in: the moment of sending."""
        return f"{self.at:%Y-%m-%dT%H%M}"

    def write(self, inbox: Path) -> list[Path]:
        """Writes the files under ``inbox``, as the hospital's file drop, and names them."""
        folder = inbox / self.folder
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in self.files.items():
            (folder / name).write_bytes(data)
        return [folder / name for name in self.files]


def cases(plan: Plan) -> Iterator[Case]:
    """Every urine sample of the plan, in the order they were taken."""
    population = Population(plan.seed)
    for count, moment in enumerate(plan.moments(), 1):
        number = f"{moment:%y}-{count:06d}"
        rng = Random(f"{plan.seed}/case/{count}")  # noqa: S311 - synthetic data must be repeatable, not secret
        yield urine_case(rng, number, population.patient(moment.date()), moment)


def sendings(plan: Plan) -> Iterator[Sending]:
    """The files of the plan, in the order they are sent, from the first week until now.

    What becomes known after ``plan.now`` (cultures that still grow) is not in them.
    """
    slots = list(plan.sendings())
    bag = _mail(plan, [moment for _, moment in slots])
    for (phase, moment), content in zip(slots, bag.contents, strict=True):
        yield Sending(moment, phase, content.files())


class _Content:
    """The lines of one sending, as they come in."""

    def __init__(self) -> None:
        self.record: list[tuple[datetime, bytes]] = []
        self.results: list[tuple[datetime, laboratory.Row]] = []
        self.cultures: list[tuple[datetime, laboratory.Row]] = []

    def files(self) -> dict[str, bytes]:
        for lines in (self.record, self.results, self.cultures):
            lines.sort(key=_when)  # stable: what became known together stays together
        made = {
            RECORD: b"".join(line + b"\n" for _, line in self.record),
            RESULTS: laboratory.table(laboratory.RESULTS, (row for _, row in self.results)),
            CULTURES: laboratory.table(laboratory.CULTURES, (row for _, row in self.cultures)),
        }
        said = {RECORD: self.record, RESULTS: self.results, CULTURES: self.cultures}
        return {name: data for name, data in made.items() if said[name]}


def _when(line: tuple[datetime, Any]) -> datetime:
    return line[0]


class _Mailbag:
    """Puts each line in the first sending after it became known; what is known after the last is dropped."""

    def __init__(self, plan: Plan, ends: list[datetime]) -> None:
        self._plan = plan
        self.contents = [_Content() for _ in ends]
        self._ends = ends
        self._later = _Content()
        self._people: set[str] = set()
        self._encode = msgspec.json.Encoder().encode

    def at(self, moment: datetime) -> _Content:
        place = bisect_left(self._ends, moment)
        return self.contents[place] if place < len(self.contents) else self._later

    def resource(self, known: records.Known) -> None:
        self.line(known[0], self._encode(known[1]))

    def line(self, moment: datetime, line: bytes) -> None:
        self.at(moment).record.append((moment, line))

    def case(self, case: Case) -> None:
        if case.person.number not in self._people:
            self._people.add(case.person.number)
            self.resource(records.patient(case.person, case.admitted))
        for known in discharges.record(self._plan, case):
            self.resource(known)
        for moment, row in laboratory.results(case):
            self.at(moment).results.append((moment, row))
        for moment, row in laboratory.cultures(case):
            self.at(moment).cultures.append((moment, row))

    def broken(self, case: Case) -> None:
        """The lines that are wrong on purpose, beside the good ones of a case."""
        for row in faults.broken_rows(case).values():
            self.at(case.issued).results.append((case.issued, row))
        for line in faults.broken_resources(case).values():
            self.line(case.noted, line)


def _mail(plan: Plan, ends: list[datetime]) -> _Mailbag:
    bag = _Mailbag(plan, ends)
    made = list(cases(plan))
    for known in records.wards(plan.begins):
        bag.resource(known)
    for case in made:
        bag.case(case)
    for share in BROKEN_AT:
        bag.broken(made[int(share * (len(made) - 1))])
    return bag
