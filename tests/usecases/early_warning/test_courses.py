"""How the vital signs went: what the page draws is what was known at the moment."""

from datetime import timedelta

import pytest
from bedsides import NOON, Bedside, hours

from vesalius.usecase import Candidate
from vesalius.usecases.early_warning import EarlyWarning

MOMENT = NOON + timedelta(minutes=15)


def drawn(lake):
    found = EarlyWarning().courses(lake, Candidate("Patient/p", "Encounter/p-e", MOMENT))
    return {course.name.removeprefix("measured."): course for course in found}


def test_each_sign_has_its_values_in_order_and_what_is_normal(lake_of):
    bedside = Bedside().stay().round(NOON, hr=112).round(NOON - hours(6), hr=90)
    courses = drawn(lake_of(bedside))
    assert list(courses) == [
        "respiratory_rate",
        "oxygen_saturation",
        "systolic_pressure",
        "heart_rate",
        "temperature",
        "gcs",
    ]
    rate = courses["heart_rate"]
    assert rate.points == ((NOON - hours(6), 90.0), (NOON, 112.0))
    assert (rate.unit, rate.normal) == ("/min", (51.0, 90.0))


@pytest.mark.parametrize(("shift", "many"), [(hours(0), 1), (hours(1), 0), (-hours(49), 0)])
def test_only_the_last_48_hours_until_the_moment_are_drawn(lake_of, shift, many):
    lake = lake_of(Bedside().stay().measure("8867-4", 80, NOON + shift))
    assert len(drawn(lake)) == many


def test_a_value_that_was_corrected_is_drawn_as_it_was_known(lake_of):
    bedside = Bedside().stay().measure("8867-4", 80, NOON - hours(2), key="one")
    bedside.measure("8867-4", 180, NOON - hours(1), key="one", status="corrected")
    bedside.measure("8867-4", 20, MOMENT + hours(1), key="one", status="corrected")
    assert [value for _, value in drawn(lake_of(bedside))["heart_rate"].points] == [180.0]


def test_what_was_withdrawn_or_is_not_believed_is_not_drawn(lake_of):
    bedside = Bedside().stay().measure("8867-4", 80, NOON - hours(2), key="one")
    bedside.measure("8867-4", 80, NOON - hours(1), key="one", status="entered-in-error")
    bedside.measure("8310-5", 98.6, NOON, unit="Cel")
    assert drawn(lake_of(bedside)) == {}
