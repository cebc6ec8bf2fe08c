"""What the reviews add up to."""

from datetime import timedelta

import pytest
from reviewed_card import MINUTE, NOON

from vesalius.review import Count
from vesalius.store import open_store
from vesalius.usecase import Outcome


@pytest.fixture
def engine(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path / 'review.sqlite'}")
    yield opened
    opened.dispose()


def fill(review, suggest):
    made = [suggest(), suggest(), suggest(option="none"), suggest()]
    review.file(made, "live", NOON + MINUTE)
    review.file([suggest()], "silent", NOON + MINUTE)
    review.decide(made[0].id, "accepted", by="anna", role="doctor", at=NOON + 5 * MINUTE)
    review.decide(made[1].id, "overridden", reason="known", by="anna", role="doctor", at=NOON + 10 * MINUTE)
    review.decide(made[2].id, "modified", option="wait", by="bart", role="biologist", at=NOON + 30 * MINUTE)
    undone = review.decide(made[3].id, "accepted", by="bart", role="biologist", at=NOON + 40 * MINUTE)
    review.undo(undone.id, "bart", NOON + 41 * MINUTE, minutes=10)
    review.record_outcomes([(made[0].id, Outcome(True, NOON))], NOON + 50 * MINUTE)
    return made


def test_counts_are_by_use_mode_and_status(review, suggest):
    fill(review, suggest)
    assert review.counts() == [
        Count("urine", "live", "accepted", 1),
        Count("urine", "live", "modified", 1),
        Count("urine", "live", "open", 1),
        Count("urine", "live", "overridden", 1),
        Count("urine", "silent", "open", 1),
    ]


def test_agreement_counts_what_stands_beside_what_happened(review, suggest):
    fill(review, suggest)
    found = review.agreement("urine")
    assert (found.decided, found.accepted, found.modified, found.overridden) == (3, 1, 1, 1)
    assert found.share == 1 / 3
    assert found.reasons == {"known": 1}
    fates = {(cell.suggested, cell.action, cell.chosen, cell.outcome): cell.count for cell in found.cells}
    assert fates == {
        ("start", "accepted", "start", True): 1,
        ("start", "overridden", "", None): 1,
        ("none", "modified", "wait", None): 1,
    }


def test_agreement_of_nothing_is_unknown_not_zero(review):
    assert review.agreement("urine").share is None
    assert review.delays("urine").to_decision is None


def test_agreement_can_start_at_a_moment(review, suggest):
    fill(review, suggest)
    assert review.agreement("urine", NOON + 9 * MINUTE).decided == 2


def test_delays_run_from_the_data_to_the_suggestion_and_to_the_decision(review, suggest):
    fill(review, suggest)
    found = review.delays("urine")
    assert found.count == 3
    assert found.to_suggestion == MINUTE
    assert found.to_decision == 10 * MINUTE
    assert found.to_decision_p90 == 30 * MINUTE


def test_days_count_what_was_filed_and_decided(review, suggest):
    fill(review, suggest)
    (day,) = review.daily("urine", NOON - timedelta(days=1), NOON + timedelta(days=1))
    assert (day.day, day.filed, day.decided) == (NOON.date(), 5, 3)
