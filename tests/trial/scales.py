"""A small use whose cases say by their names what becomes of them, and a plan for its trial."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from vesalius.card import Card, Input, Option, Setting
from vesalius.evaluation.endpoints import Aim
from vesalius.modelling import train
from vesalius.trial import Draft
from vesalius.usecase import Evidence, UseCase

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
LATE = START + 60 * DAY


def _model():
    values = np.linspace(0, 1, 60)
    table = pa.table({"glucose": values})
    return train(table, values > 0.5, [Input("glucose", "number")], 1, "logistic")


MODEL = _model()


class Scale(UseCase):
    """Everything about a case is in the names of its patient and its specimen, as the test wrote them."""

    card = Card(
        name="scale", version="1.0", risk_class="test", reviewers=("doctor",),
        inputs=(Input("sex", "category", ("female", "male")), Input("age", "number", unit="a"), Input("glucose", "number")),
        options=(Option("start", "warning"), Option("wait"), Option("none")), override_reasons=("other",),
        settings=(Setting("start_from", 0.5, 0, 1),),
    )  # fmt: skip

    def shipped_model(self):
        return MODEL

    def candidates(self, lake, since, until):
        return []

    def evidence(self, lake, candidates):
        parts = [each.subject.removeprefix("Patient/").split("-") for each in candidates]
        table = pa.table({
            "sex": [{"f": "female", "m": "male"}.get(part[0]) for part in parts],
            "age": [float(part[1]) if len(part) > 1 else None for part in parts],
        })  # fmt: skip
        if any(part[0] == "broken" for part in parts):
            raise ValueError("unbearable")
        return Evidence(tuple(candidates), table, ({},) * len(parts), lake.position())

    def suggest(self, evidence):
        return []

    def outcome(self, lake, candidates, as_of):
        return [None] * len(candidates)

    def practice(self, lake, candidates, as_of):
        return [{"y": True, "n": False}.get(each.focus[-1]) for each in candidates]


def draft(**changes) -> Draft:
    """Sensitivity above 60 %, 85 % expected, two looks: 33 patients with the outcome."""
    aim = Aim(endpoint="sensitivity", value=0.6, expected=0.85, prevalence=0.5)
    given = {"aim": aim, "looks": 2, "acts": ("start",), "wait_days": 10, "longest_days": 200}
    return Draft(**{**given, **changes})


def many(case, hits, misses, *, day=1.0, others=0, **rest):
    """Patients with the outcome whom the tool finds, and does not; and others without it."""
    for place in range(hits + misses + others):
        case(
            day + place / 1000,
            tool=place < hits,
            outcome=place < hits + misses,
            **rest,
        )
