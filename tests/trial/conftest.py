"""A hospital with one small use in silence, and patients whose fates a test chooses."""

from datetime import timedelta

import pytest
from scales import DAY, MODEL, START, Scale

from vesalius.card import Text
from vesalius.governance import people, uses
from vesalius.hospital import Hospital
from vesalius.review import Display
from vesalius.settings import Settings
from vesalius.usecase import Outcome, Suggestion


class Point:
    def __init__(self, name, kind):
        self.name, self.kind = name, kind

    def load(self):
        return self.kind


@pytest.fixture
def installed(monkeypatch):
    kinds = {"scale": Scale}

    def points(group, name=None):
        return [Point(key, kind) for key, kind in kinds.items() if name in (None, key)]

    monkeypatch.setattr("vesalius.usecase.entry_points", points)
    return kinds


@pytest.fixture
def database() -> str:
    """Where the hospital keeps its tables: in its own folder, unless a test says otherwise."""
    return ""


@pytest.fixture
def hospital(tmp_path, installed, database):
    opened = Hospital.open(tmp_path / "home", Settings(synthetic=True, database=database))
    yield opened
    opened.close()


@pytest.fixture
def staff(hospital):
    names = ("doctor", "dpo", "director", "engineer", "biologist", "nurse", "legal", "works_council")
    return {name: people.add(hospital.engine, name, name=name, role=name) for name in names}


@pytest.fixture
def sign(hospital, staff):
    def signed(*names, at=START - DAY, **rest):
        for name in names:
            uses.sign(
                hospital.engine, "scale", staff[name], reason="agreed", at=at, **{"despite": "a test"} | rest
            )

    return signed


@pytest.fixture
def silent(sign):
    sign("dpo", "engineer", "doctor", "director")


@pytest.fixture
def case(hospital):
    """Files one case in silence: what the tool says, what came of it, what the clinicians did."""
    numbers = iter(range(1, 100_000))

    def make(
        day=1.0,
        *,
        tool=True,
        outcome=True,
        clinicians=None,
        sex="f",
        age=50,
        subject=None,
        mode="silent",
        **rest,
    ):
        number = next(numbers)
        did = {True: "y", False: "n", None: "u"}[clinicians]
        at = START + day * DAY
        made = Suggestion(
            **{
                "usecase": "scale", "version": "1.0", "model": MODEL.hash, "settings": Scale().settings_hash,
                "subject": subject or f"Patient/{sex}-{age}-{number}", "focus": f"Specimen/{number}-{did}",
                "as_of": at, "position": 0, "option": "start" if tool else "none", "indicator": "info",
                "summary": Text("title"), "probability": 0.9 if tool else 0.1,
            } | rest
        )  # fmt: skip
        hospital.review.file([made], mode, at + timedelta(minutes=5), [Display()])
        if outcome is not None:
            known = Outcome(outcome, at + 2 * DAY)
            hospital.review.record_outcomes([(made.id, known)], at + 2 * DAY)
        return made.id

    return make
