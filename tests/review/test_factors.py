"""What people did, counted day by day."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reviewed_card import MINUTE, NOON

from vesalius.review import Display, factors, tallying
from vesalius.review.factors import Act, Factors, day_of, quantile, total
from vesalius.store import reading, writing
from vesalius.usecase import Outcome

DAY = timedelta(days=1)
TODAY = day_of(NOON)


def fill(review, suggest):
    """Two wards, two days: shown, accepted, overridden, undone, and what came true."""
    made = [suggest(), suggest(), suggest(option="none", indicator="info"), suggest()]
    wards = [Display(ward=ward) for ward in ("A", "A", "B", "B")]
    review.file(made, "live", NOON + MINUTE, wards)
    review.file([suggest()], "silent", NOON + MINUTE)
    review.decide(made[0].id, "accepted", by="anna", role="doctor", at=NOON + 10 * MINUTE)
    review.decide(made[1].id, "overridden", reason="known", by="anna", role="doctor", at=NOON + DAY)
    review.decide(made[2].id, "accepted", by="bart", role="biologist", at=NOON + DAY)
    undone = review.decide(made[3].id, "accepted", by="bart", role="biologist", at=NOON + DAY)
    review.undo(undone.id, "bart", NOON + DAY + MINUTE, minutes=10)
    review.record_outcomes(
        [(made[0].id, Outcome(True, NOON)), (made[2].id, Outcome(True, NOON))], NOON + 2 * DAY
    )
    return made


def counted(engine, *days):
    with reading(engine) as connection:
        return factors.count(connection, "urine", days)


def test_each_day_counts_what_was_shown_and_what_was_decided_on_it(review, suggest, engine):
    fill(review, suggest)
    found = counted(engine, TODAY, TODAY + 1, TODAY + 2)
    assert set(found) == {TODAY, TODAY + 1}
    first, second = found[TODAY], found[TODAY + 1]
    assert (first.shown, first.silent, first.live) == ({"A": 2, "B": 2}, 1, 4)
    assert first.acts == (Act("A", "start", "accepted", 1),)
    assert second.acts == (Act("A", "start", "overridden", 1), Act("B", "none", "accepted", 1))
    assert second.reasons == {"known": 1}
    assert (first.right, first.wrong) == ((1, 1), (0, 0))
    assert (second.right, second.wrong) == ((0, 0), (1, 1))  # "none" was accepted, and the outcome came


def test_a_day_that_was_not_asked_for_is_not_counted(review, suggest, engine):
    fill(review, suggest)
    assert set(counted(engine, TODAY + 1)) == {TODAY + 1}
    assert counted(engine) == {}


def test_days_are_touched_by_decisions_undoings_and_outcomes(review, suggest, engine):
    fill(review, suggest)
    with reading(engine) as connection:
        assert factors.days_touched(connection, "urine", NOON) == {TODAY, TODAY + 1}
        assert factors.days_touched(connection, "urine", NOON + DAY) == {TODAY, TODAY + 1}
        assert factors.days_touched(connection, "urine", NOON + 2 * DAY) == set()
        assert factors.first_day(connection, "urine") == TODAY
        assert factors.first_day(connection, "other") is None


def test_a_delay_is_read_back_to_an_eighth(review, suggest, engine):
    fill(review, suggest)
    first = counted(engine, TODAY)[TODAY]
    assert quantile(first.to_suggestion, 0.5) == MINUTE
    assert quantile(first.to_decision, 0.5) / (10 * MINUTE) == pytest.approx(1, rel=0.13)
    assert quantile({}, 0.5) is None


counts = st.builds(
    Factors,
    shown=st.dictionaries(st.sampled_from("ABC"), st.integers(1, 9)),
    silent=st.integers(0, 9),
    acts=st.lists(st.builds(Act, st.sampled_from("AB"), st.just("start"), st.just("accepted"), st.integers(1, 9)),
                  max_size=1).map(tuple),
    reasons=st.dictionaries(st.sampled_from("xy"), st.integers(1, 9)),
    to_decision=st.dictionaries(st.integers(0, 40), st.integers(1, 9)),
)  # fmt: skip


@given(counts, counts, counts)
def test_counts_can_be_added_in_any_order(one, two, three):
    assert total([one, two, three]) == (three + one) + two
    assert total([one]) == one + Factors()


def test_each_suggestion_and_each_outcome_is_counted_once(review, suggest, engine):
    made = fill(review, suggest)
    model = made[0].model
    with writing(engine) as connection:
        assert tallying.waiting(connection, "urine") == 5
        days = {day_of(each.as_of) for each in made}
        assert (
            tallying.untallied_outcomes(connection, "urine", model, days, 10) == []
        )  # not before the suggestion
        found = tallying.untallied(connection, "urine", model, 10)
        assert len(found) == 5
        assert tallying.mark(connection, [each.id for each in found], NOON)
        assert not tallying.mark(connection, [found[0].id], NOON)
        known = tallying.untallied_outcomes(connection, "urine", model, days, 10)
        assert [each.outcome for each in known] == [True, True]
        assert tallying.mark_outcomes(connection, [each.id for each in known], NOON)
        assert tallying.models(connection, "urine") == []
        tallying.forget(connection, "urine", model)
        assert tallying.models(connection, "urine") == [model]
        assert len(tallying.first(connection, "urine", model, 10)) == 5
