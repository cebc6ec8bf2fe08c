"""Dates moved by days of the patient's own."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.errors import InvalidPlan, InvalidResource
from vesalius.fhir import parse_time
from vesalius.privacy.dates import Shifting, birth_year, shift_of, shifted
from vesalius.privacy.pseudonyms import Pseudonyms

MADE = Pseudonyms(bytes(32), "study")
DAYS = st.dates(date(1900, 1, 1), date(2100, 1, 1))
SHIFTS = st.integers(-3653, 3653).map(lambda days: timedelta(days=days))


@given(
    st.text("0123456789abc", min_size=1),
    st.integers(7, 3653),
    st.booleans(),
    st.sampled_from(["both", "backward"]),
)
def test_a_shift_keeps_its_bounds_and_is_never_nothing(patient, days, weekdays, direction):
    how = Shifting(days, weekdays, direction)
    made = shift_of(MADE, f"Patient/{patient}", how)
    assert made == shift_of(MADE, f"Patient/{patient}", how)
    assert 0 < abs(made.days) <= days
    assert not weekdays or made.days % 7 == 0
    assert direction == "both" or made.days < 0


def test_every_number_of_days_is_as_likely():
    drawn = Counter(shift_of(MADE, f"Patient/{n}", Shifting(5)).days for n in range(10_000))
    assert sorted(drawn) == [-5, -4, -3, -2, -1, 1, 2, 3, 4, 5]
    # Chi-squared of 9 degrees of freedom; 33.7 has a chance of 10^-4, and the secret is fixed.
    assert sum((count - 1000) ** 2 / 1000 for count in drawn.values()) < 33.7


def test_two_permits_move_a_patient_apart():
    other = Pseudonyms(bytes(32), "other")
    pairs = [
        (shift_of(MADE, f"Patient/{n}", Shifting()), shift_of(other, f"Patient/{n}", Shifting()))
        for n in range(300)
    ]
    assert sum(first == second for first, second in pairs) < 10


@pytest.mark.parametrize("how", [Shifting(0), Shifting(-3), Shifting(3654), Shifting(6, weekdays=True)])
def test_a_plan_that_moves_nothing_or_too_far_is_refused(how):
    with pytest.raises(InvalidPlan):
        shift_of(MADE, "Patient/1", how)


@given(
    st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),
    st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),
    SHIFTS,
)
def test_what_lies_between_two_moments_stays(first, second, by):
    texts = [f"{moment.isoformat(timespec='microseconds')}+02:00" for moment in (first, second)]
    moved = [shifted(text, by) for text in texts]
    assert parse_time(moved[0]) - parse_time(moved[1]) == first - second
    assert all(new.endswith(old[10:]) for old, new in zip(texts, moved, strict=True)), (
        "time of day and offset stay"
    )


@given(DAYS, DAYS, SHIFTS, st.sampled_from([4, 7, 10]))
def test_partial_dates_stay_partial_and_in_order(first, second, by, length):
    early, late = sorted(day.isoformat()[:length] for day in (first, second))
    assert len(shifted(early, by)) == length
    assert shifted(early, by) <= shifted(late, by)


@given(DAYS, SHIFTS)
def test_moving_back_gives_the_day_again(day, by):
    assert shifted(shifted(day.isoformat(), by), -by) == day.isoformat()


def test_a_leap_second_keeps_its_second():
    assert shifted("2016-12-31T23:59:60Z", timedelta(days=1)) == "2017-01-01T23:59:60Z"


@pytest.mark.parametrize(
    "bad", ["", "24-01-01", "2024-13", "2024-02-30", "2024-1-1", "9999-12-31", "20240101", "2024T10:00"]
)
def test_what_is_no_day_is_refused(bad):
    with pytest.raises(InvalidResource):
        shifted(bad, timedelta(days=1))


@given(DAYS, DAYS)
def test_who_is_older_than_89_is_told_from_none_older(birth, today):
    told = birth_year(birth.isoformat(), today)
    assert int(told) >= today.year - 90
    assert told in {str(birth.year), str(today.year - 90)}
    assert birth_year(birth.isoformat()[:4], today) == told


def test_a_birth_date_that_is_none_is_refused():
    with pytest.raises(InvalidResource):
        birth_year("01/01/1950", datetime.now(UTC).date())
