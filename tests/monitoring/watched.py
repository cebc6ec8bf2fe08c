"""The small use that is watched, and the world that it runs in."""

import math
import random
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from vesalius import fhir, loop
from vesalius.card import Card, Input, Option, StopRule, Text
from vesalius.governance import uses
from vesalius.lake import Arrival
from vesalius.monitoring import refreshing
from vesalius.usecase import Candidate, Evidence, Outcome, UseCase

START = datetime(2026, 3, 2, 8, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
STAFF = {
    "doctor": "doctor", "dpo": "dpo", "director": "director", "engineer": "engineer",
    "biologist": "biologist", "nurse": "nurse", "legal": "legal", "works_council": "works_council",
}  # fmt: skip
WORDS = {
    "title": "Fever", "purpose": "t", "population": "t", "not_for": "t", "action": "t", "target": "t",
    "option.treat": "Treat", "option.wait": "Wait", "input.crp": "CRP", "input.sex": "Sex",
    "level.female": "woman", "level.male": "man", "reason.other": "Another reason",
}  # fmt: skip


class Fever(UseCase):
    """Due when a specimen comes; its probability is a known function of one number; the outcome is a later flag."""

    card = Card(
        name="fever", version="1.0", risk_class="test", reviewers=("doctor",),
        inputs=(Input("crp", "number", unit="mg/L"), Input("sex", "category", levels=("female", "male"))),
        options=(Option("treat", "warning"), Option("wait")), override_reasons=("other",), window_hours=48,
        stop_rules=(
            StopRule("outcomes", limit=0.1, strictest=1.0, loosest=0.02, minimum=40),
            StopRule("override", limit=0.7, strictest=0.4, loosest=0.9, minimum=20, days=28),
        ),
        texts=dict.fromkeys(("fr", "nl", "de", "en"), WORDS),
    )  # fmt: skip

    def candidates(self, lake, since, until):
        due = lake.resources("Specimen", as_of=until, since=since)
        return [Candidate(each.subject, f"Specimen/{each.id}", each.recorded_at) for each in due]

    def evidence(self, lake, candidates):
        crp, sex = {}, {}
        for version in lake.patients({each.subject for each in candidates}, ["Observation", "Patient"]):
            if version.type == "Patient":
                sex[f"Patient/{version.id}"] = version.resource.get("gender")
            elif "valueQuantity" in version.resource:
                crp[version.subject] = float(version.resource["valueQuantity"]["value"])
        table = pa.table({
            "crp": pa.array([crp.get(each.subject) for each in candidates], pa.float64()),
            "sex": pa.array([sex.get(each.subject) for each in candidates], pa.string()),
        })  # fmt: skip
        return Evidence(tuple(candidates), table, ({},) * len(candidates), lake.position())

    def suggest(self, evidence):
        return [self._one(evidence, row, crp) for row, crp in enumerate(evidence.table["crp"].to_pylist())]

    def _one(self, evidence, row, crp):
        chance = said(crp if crp is not None else 50)
        option = "treat" if chance >= 0.4 else "wait"
        return self.suggestion(evidence, row, option, Text("title"), probability=chance)

    def outcome(self, lake, candidates, as_of):
        flags = {}
        for version in lake.patients({each.subject for each in candidates}, ["Observation"]):
            if "valueBoolean" in version.resource:
                flags[version.subject] = Outcome(version.resource["valueBoolean"], version.recorded_at)
        return [flags.get(each.subject) for each in candidates]


def said(crp):
    """What the use says: one in four at a CRP of 50."""
    return 1 / (1 + math.exp(-(-1.1 + (crp - 50) / 20)))


class Point:
    """An entry point to a class that needs no package."""

    def __init__(self, name, kind):
        self.name, self.kind = name, kind

    def load(self):
        return self.kind


class World:
    """Patients come, suggestions are made, outcomes follow, clinicians decide."""

    def __init__(self, hospital, staff):
        self.hospital, self.staff = hospital, staff
        self.random, self.number, self.now = random.Random(1514), 0, START

    @property
    def engine(self):
        return self.hospital.engine

    def sign(self, *names):
        for name in names:
            uses.sign(self.engine, "fever", self.staff[name], reason="agreed", despite="a test", at=self.now)

    def silent(self):
        self.sign("dpo", "engineer", "doctor", "director")

    def speak(self):
        self.sign("director", "dpo", "legal", "works_council", "doctor")

    def day(self, count=12, *, truth=None, refresh=False, crp=None, known=True, days=1):
        """One day: ``count`` patients come, the loop turns, and a day later their outcomes are known.

        Args:
            count: how many.
            truth: the chance of the outcome, from the CRP; by default what the use says.
            refresh: whether the monitoring is refreshed.
            crp: makes the CRP; None for a feed that is dead.
            known: whether outcomes come.
            days: how far the clock goes on.
        """
        made = self.receive(count, crp or (lambda: self.random.gauss(50, 25)))
        loop.turn(self.hospital, "fever", self.now + HOUR)
        if known:
            self.tell(made, truth or said)
        self.now += days * DAY
        return refreshing.refresh_use(self.hospital, "fever", self.now) if refresh else None

    def receive(self, count, crp):
        made, resources = [], []
        for _ in range(count):
            self.number += 1
            number, value = self.number, crp()
            subject = {"reference": f"Patient/p{number}"}
            at = (self.now + timedelta(minutes=number % 50)).isoformat()
            resources.append({"resourceType": "Patient", "id": f"p{number}", "gender": ("female", "male")[number % 2],
                              "meta": {"lastUpdated": at}})  # fmt: skip
            if value is not None:
                resources.append({"resourceType": "Observation", "id": f"c{number}", "status": "final",
                                  "code": {"text": "CRP"}, "subject": subject, "issued": at,
                                  "valueQuantity": {"value": round(value, 1)}})  # fmt: skip
            resources.append(
                {"resourceType": "Specimen", "id": f"s{number}", "subject": subject, "receivedTime": at}
            )
            made.append((number, 50.0 if value is None else round(value, 1)))
        self.write(resources, self.now + HOUR)
        return made

    def tell(self, made, truth):
        at = self.now + DAY - HOUR
        self.write(
            [
                {"resourceType": "Observation", "id": f"f{number}", "status": "final", "code": {"text": "flag"},
                 "subject": {"reference": f"Patient/p{number}"}, "issued": at.isoformat(),
                 "valueBoolean": self.random.random() < truth(crp)}
                for number, crp in made
            ],
            at,
        )  # fmt: skip
        loop.outcomes(self.hospital, "fever", at)

    def write(self, resources, at):
        self.hospital.lake.write([Arrival.of(fhir.dump(each)) for each in resources], "laboratory", at)

    def weeks(self, count, **day):
        """Some weeks, each with one day on which patients come."""
        for _ in range(count):
            self.day(**{"count": 60, "days": 7, **day})

    def refresh(self):
        return refreshing.refresh_use(self.hospital, "fever", self.now)

    def open(self):
        return self.hospital.review.worklist(now=self.now, limit=500).items

    def decide(self, action="accepted", share=1.0, **more):
        """Decides on what is open."""
        items = [item for item in self.open() if self.random.random() < share]
        for item in items:
            self.hospital.review.decide(
                item.id, action, by="doctor", role="doctor", at=self.now - HOUR, **more
            )
        return len(items)
