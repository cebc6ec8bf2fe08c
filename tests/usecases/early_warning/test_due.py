"""Who is due, and when a ward hears nothing."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from bedsides import ADMITTED, NOON, Bedside, hours

from vesalius.usecases.early_warning import EarlyWarning
from vesalius.usecases.early_warning.due import FIRST, SETTLING

BEGINNING = datetime(1900, 1, 1, tzinfo=UTC)
LATER = NOON + timedelta(days=20)
EARLIER = ADMITTED - timedelta(days=1)


def moments(lake, since=EARLIER, until=LATER, **settings):
    return [each.as_of for each in EarlyWarning(settings=settings).candidates(lake, since, until)]


def test_a_stay_in_intensive_care_is_due_once_after_48_hours(lake_of):
    lake = lake_of(Bedside().stay(intensive=True))
    (due,) = EarlyWarning().candidates(lake, EARLIER, LATER)
    assert (due.subject, due.focus, due.as_of) == ("Patient/p", "Encounter/p-e", ADMITTED + FIRST)


@pytest.mark.parametrize("ended", [hours(47), hours(48)])
def test_a_stay_that_was_over_by_then_is_not_due(lake_of, ended):
    bedside = Bedside().stay(intensive=True)
    bedside.stay(intensive=True, at=ADMITTED + ended, over="home", end=ADMITTED + ended)
    assert moments(lake_of(bedside)) == []


def test_that_a_stay_ended_later_does_not_matter(lake_of):
    bedside = Bedside().stay(intensive=True)
    bedside.stay(intensive=True, at=ADMITTED + hours(60), over="exp", end=ADMITTED + hours(60))
    assert moments(lake_of(bedside)) == [ADMITTED + FIRST]


@pytest.mark.parametrize(("since", "until", "many"), [(0, 0, 1), (-1, -1, 0), (1, 1, 0)])
def test_the_stretch_of_time_begins_after_its_first_moment(lake_of, since, until, many):
    lake = lake_of(Bedside().stay(intensive=True))
    due = ADMITTED + FIRST
    assert len(moments(lake, due - hours(1) + hours(since), due + hours(until))) == many


def test_a_ward_is_told_when_the_round_has_settled(lake_of):
    bedside = Bedside().stay().round(rr=26, spo2=93)
    due = EarlyWarning().candidates(lake_of(bedside), EARLIER, LATER)
    assert [each.as_of for each in due] == [NOON + SETTLING]
    assert due[0].focus.startswith("Observation/p-")


def test_of_a_normal_round_a_ward_hears_nothing(lake_of):
    assert moments(lake_of(Bedside().stay().round())) == []


def test_few_points_make_nobody_due_when_the_set_is_complete(lake_of):
    assert moments(lake_of(Bedside().stay().round(hr=95, temp=38.4))) == []


def test_the_same_points_with_measurements_missing_ask_for_them(lake_of):
    lake = lake_of(Bedside().stay().round(hr=95, temp=38.4, without=("rr", "spo2")))
    assert moments(lake) == [NOON + SETTLING]


def test_nothing_wrong_and_something_missing_makes_nobody_due(lake_of):
    assert moments(lake_of(Bedside().stay().round(without=("rr", "spo2")))) == []


def test_a_ward_hears_again_when_the_patient_gets_worse_and_not_before(lake_of):
    bedside = Bedside().stay()
    bedside.round(NOON, rr=22, spo2=93, hr=95)  # 5: urgent
    bedside.round(NOON + hours(1), rr=22, spo2=93, hr=112)  # 6: still urgent
    bedside.round(NOON + hours(2), rr=26, spo2=93, hr=112)  # 7: an emergency
    bedside.round(NOON + hours(3), rr=26, spo2=91, hr=112)  # 8: still
    assert moments(lake_of(bedside)) == [NOON + SETTLING, NOON + hours(2) + SETTLING]


def test_a_patient_who_got_better_and_is_as_bad_again_waits_for_the_quiet_to_end(lake_of):
    bedside = Bedside().stay()
    bedside.round(NOON, rr=26, spo2=91).round(NOON + hours(4)).round(NOON + hours(8), rr=26, spo2=91)
    bedside.round(NOON + hours(12), rr=26, spo2=91)
    lake = lake_of(bedside)
    assert moments(lake) == [NOON + SETTLING, NOON + hours(12) + SETTLING]
    assert len(moments(lake, quiet_hours=8)) == 2
    assert len(moments(lake, quiet_hours=4)) == 3


def test_a_later_turn_finds_what_one_look_at_all_finds(lake_of):
    bedside = Bedside().stay()
    for number, rr in enumerate((22, 26, 16, 26, 26, 30)):
        bedside.round(NOON + hours(3 * number), rr=rr, spo2=93, hr=95)
    lake = lake_of(bedside)
    turns = [NOON + hours(3 * number) for number in range(-1, 8)]
    piecemeal = [each for one, two in pairwise(turns) for each in moments(lake, one, two)]
    assert piecemeal == moments(lake) == moments(lake, BEGINNING)
    assert len(piecemeal) > 1


def test_an_old_measurement_is_not_one_of_now(lake_of):
    bedside = Bedside().stay().round(NOON, rr=26, spo2=91)
    bedside.measure("8867-4", 72, NOON + hours(13))
    assert moments(lake_of(bedside)) == [NOON + SETTLING]


def test_who_is_not_on_a_ward_is_not_due(lake_of):
    assert moments(lake_of(Bedside().round(rr=30, spo2=85))) == []
    over = Bedside().stay().stay(at=NOON - hours(2), over="home", end=NOON - hours(2)).round(rr=30, spo2=85)
    assert moments(lake_of(over)) == []
    outpatient = Bedside().stay(**{"class": {"code": "AMB"}}).round(rr=30, spo2=85)
    assert moments(lake_of(outpatient)) == []


@pytest.mark.parametrize(("born", "many"), [("2010-03-03", 0), ("2010-03-02", 1), ("2010", 1)])
def test_news2_is_not_for_children_under_16(lake_of, born, many):
    bedside = Bedside(born=born).stay().round(rr=30, spo2=85)
    assert len(moments(lake_of(bedside))) == many


def test_in_intensive_care_news2_makes_nobody_due(lake_of):
    bedside = Bedside().stay(intensive=True).round(rr=30, spo2=85)
    assert moments(lake_of(bedside)) == [ADMITTED + FIRST]


def test_a_measurement_that_was_withdrawn_before_it_settled_makes_nobody_due(lake_of):
    bedside = Bedside().stay()
    bedside.measure("9279-1", 30, NOON, key="slip")
    bedside.measure("9279-1", 30, NOON + timedelta(minutes=5), key="slip", status="entered-in-error")
    assert moments(lake_of(bedside)) == []


def test_what_is_recorded_later_changes_nothing_of_who_was_due(lake_of):
    bedside = Bedside().stay().round(NOON, rr=26, spo2=91)
    before = moments(lake_of(bedside), until=NOON + hours(1))
    bedside.measure("9279-1", 14, NOON + hours(2), key="p-9279-1-021200", status="corrected")
    bedside.stay(at=NOON + hours(3), over="home", end=NOON + hours(3))
    assert moments(lake_of(bedside), until=NOON + hours(1)) == before != []


@pytest.mark.parametrize(("days", "many"), [(29, 1), (31, 0)])
def test_a_turn_finds_a_stay_that_was_entered_weeks_before(lake_of, days, many):
    lake = lake_of(Bedside().stay(intensive=True, at=ADMITTED - timedelta(days=days)))
    due = ADMITTED + FIRST
    assert len(moments(lake, due - hours(1), due)) == many
    assert len(moments(lake, BEGINNING, due)) == 1
