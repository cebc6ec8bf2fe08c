"""A small use case that learns, with patients whose truth is known."""

from datetime import UTC, datetime, timedelta
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pytest

from vesalius.card import LANGUAGES, Card, Input, Option, Source
from vesalius.modelling import train
from vesalius.usecase import Candidate, Evidence, Suggestion, Text, UseCase

INPUTS = (
    Input("age", "number", unit="a"),
    Input("sex", "category", ("female", "male")),
    Input("sign", "grade", ("none", "some", "much")),
    Input("never", "boolean"),
)
WORDS = {
    "title": "Toy",
    "purpose": "To <test> & see",
    "population": "Made-up people",
    "not_for": "Anything else",
    "action": "an act",
    "target": "the outcome",
    "option.do": "Do",
    "option.leave": "Leave",
    "limit.toy": "It is a toy",
    **{f"input.{item.name}": item.name.title() for item in INPUTS},
    **{f"level.{level}": level for item in INPUTS for level in item.levels},
}


class Toy(UseCase):
    """Learns one model and acts from one half on."""

    card = Card(
        name="toy",
        version="1",
        risk_class="none",
        reviewers=("doctor",),
        inputs=INPUTS,
        options=(Option("do"), Option("leave")),
        override_reasons=(),
        limits=("toy",),
        sources=(Source("x", "A source"),),
        texts={language: dict(WORDS) for language in LANGUAGES},
    )
    learned_on: ClassVar[list] = []

    def candidates(self, lake, since, until):
        return []

    def evidence(self, lake, candidates):
        raise NotImplementedError

    def suggest(self, evidence):
        scores = self.model.score(evidence.table)
        return [
            Suggestion(
                usecase="toy",
                version="1",
                subject=item.subject,
                focus=item.focus,
                as_of=item.as_of,
                position=0,
                option="do" if probability >= 0.5 else "leave",
                indicator="info",
                summary=Text("title"),
            )
            for item, probability in zip(evidence.candidates, scores.probability, strict=True)
        ]

    def outcome(self, lake, candidates, as_of):
        return [None] * len(candidates)

    def learn(self, evidence, outcomes, seed=0):
        type(self).learned_on.append({item.subject for item in evidence.candidates})
        groups = [item.subject for item in evidence.candidates]
        return train(evidence.table, outcomes, self.card.inputs, seed, groups=groups, replicates=3)

    def baselines(self, evidence):
        signs = evidence.table["sign"].to_pylist()
        return {
            "grade": np.array([("none", "some", "much").index(sign or "none") for sign in signs], float),
            "much": np.array([float(sign == "much") for sign in signs]),
        }


def cohort(rows=160, seed=0, patients=None):
    """Evidence, outcomes and practice of ``rows`` candidates."""
    rng = np.random.default_rng(seed)
    age, sign = rng.integers(18, 95, rows).astype(float), rng.integers(0, 3, rows)
    outcomes = rng.random(rows) < 1 / (1 + np.exp(2 - 1.5 * sign))
    practice = [None if draw < 0.1 else bool(draw < 0.55) for draw in rng.random(rows)]
    table = pa.table(
        {
            "age": pa.array(age),
            "sex": pa.array(rng.choice(["female", "male"], rows, p=[0.9, 0.1]).tolist()),
            "sign": pa.array(
                [None if rng.random() < 0.2 else ("none", "some", "much")[s] for s in sign], pa.string()
            ),
            "never": pa.array([None] * rows, pa.bool_()),
        }
    )
    start = datetime(2024, 1, 1, tzinfo=UTC)
    names = rng.integers(0, patients, rows).tolist() if patients else list(range(rows))
    candidates = tuple(
        Candidate(f"Patient/{name}", f"Specimen/{row}", start + timedelta(hours=row))
        for row, name in enumerate(names)
    )
    return Evidence(candidates, table, tuple({} for _ in range(rows)), 42), outcomes, practice


@pytest.fixture
def toy():
    """The class, which notes on whom it learned."""
    Toy.learned_on = []
    return Toy


@pytest.fixture(scope="session")
def patients():
    """Makes evidence, outcomes and practice."""
    return cohort


@pytest.fixture(scope="session")
def run():
    """A small validation run."""
    from vesalius.evaluation import study

    return study(Toy, *cohort(), seed=3, repeats=2, folds=3, draws=60)
