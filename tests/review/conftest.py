"""A review with a small card, on SQLite and on PostgreSQL."""

import itertools

import pytest
from reviewed_card import CARD, NOON

from vesalius.card import Text
from vesalius.governance import audit
from vesalius.review import Display, Review
from vesalius.usecase import Reason, Suggestion


@pytest.fixture
def review(engine):
    return Review(engine, witness=audit.record, cards=lambda _: CARD)


@pytest.fixture
def suggest():
    """Makes suggestions, each about another specimen."""
    numbers = itertools.count(1)

    def make(**changes):
        number = next(numbers)
        given = {
            "usecase": "urine", "version": "1.0", "model": "a" * 64, "settings": "b" * 64,
            "subject": f"Patient/{number}", "focus": f"Specimen/{number}", "as_of": NOON, "position": 7,
            "option": "start", "indicator": "warning", "summary": Text("summary", {"percent": 81}),
            "priority": 0.5, "probability": 0.81, "interval": (0.7, 0.9),
            "reasons": (Reason("nitrite", "positive", 1.5, (f"Observation/{number}/_history/1",)),),
        }  # fmt: skip
        return Suggestion(**{**given, **changes})

    return make


@pytest.fixture
def filed(review, suggest):
    """One live suggestion on the worklist."""
    made = suggest()
    review.file([made], "live", NOON, [Display("Peeters, Hélène", "1950-02-01", "C3", "S-12")])
    return made.id
