"""The outcome and the practice: what happened afterwards, as far as it is known."""

from datetime import timedelta

import pytest
from charts import RESULT

from vesalius.usecase import Candidate
from vesalius.usecases.urine.facts import SETTLING
from vesalius.usecases.urine.urine import Urine

DAY = timedelta(days=1)
WOMAN = Candidate("Patient/p1", "Specimen/s1", RESULT + SETTLING)


def outcome(lake, as_of=RESULT + 9 * DAY):
    return Urine().outcome(lake, [WOMAN], as_of)[0]


def practice(lake, as_of=RESULT + 9 * DAY):
    return Urine().practice(lake, [WOMAN], as_of)[0]


@pytest.mark.parametrize(("verdict", "value"), [("POS", True), ("NEG", False)])
def test_the_final_culture_of_the_sample_is_the_outcome(chart, lake_with, verdict, value):
    chart.culture(verdict, RESULT + 2 * DAY)
    found = outcome(lake_with(chart))
    assert (found.value, found.known_at, found.label) == (value, RESULT + 2 * DAY, "Escherichia coli")
    assert found.sources == ("Observation/culture-1/_history/1",)


def test_before_it_was_issued_there_is_no_outcome(chart, lake_with):
    chart.culture("POS", RESULT + 2 * DAY)
    assert outcome(lake_with(chart), RESULT + DAY) is None


@pytest.mark.parametrize("status", ["preliminary", "registered", "entered-in-error"])
def test_a_culture_that_is_not_final_is_no_outcome(chart, lake_with, status):
    chart.culture("NEG", RESULT + DAY, status=status)
    assert outcome(lake_with(chart)) is None


def test_a_correction_replaces_the_outcome(chart, lake_with):
    chart.culture("NEG", RESULT + 2 * DAY)
    chart.culture("POS", RESULT + 3 * DAY, status="corrected")
    lake = lake_with(chart)
    assert outcome(lake, RESULT + 2 * DAY).value is False
    assert (outcome(lake).value, outcome(lake).known_at) == (True, RESULT + 3 * DAY)


def test_a_withdrawn_culture_is_no_outcome_any_more(chart, lake_with):
    chart.culture("POS", RESULT + 2 * DAY)
    chart.culture("POS", RESULT + 3 * DAY, status="entered-in-error")
    assert outcome(lake_with(chart)) is None


def test_one_positive_finding_of_two_is_positive(chart, lake_with):
    chart.culture("POS", RESULT + 2 * DAY, id_="a")
    chart.culture("NEG", RESULT + 3 * DAY, id_="b", organism="Candida")
    assert outcome(lake_with(chart)).value is True


def test_the_culture_of_another_sample_does_not_count(chart, lake_with):
    chart.culture("POS", RESULT + 2 * DAY, specimen="other")
    assert outcome(lake_with(chart)) is None


@pytest.mark.parametrize(
    ("atc", "authored", "more", "given"),
    [
        ("J01XE01", (RESULT + timedelta(hours=1)).isoformat(), {}, True),
        ("J01", RESULT.isoformat(), {}, True),
        ("J01XE01", (RESULT + DAY).isoformat(), {}, True),
        ("J01XE01", (RESULT + DAY + timedelta(seconds=1)).isoformat(), {}, False),
        ("J01XE01", (RESULT - timedelta(hours=1)).isoformat(), {}, False),
        ("J01XE01", "2026-03-02", {}, True),
        ("J01XE01", "2026-03-01", {}, False),
        ("A02BC01", (RESULT + timedelta(hours=1)).isoformat(), {}, False),
        ("J01XE01", (RESULT + timedelta(hours=1)).isoformat(), {"status": "entered-in-error"}, False),
        ("J01XE01", (RESULT + timedelta(hours=1)).isoformat(), {"intent": "proposal"}, False),
        ("J01XE01", (RESULT + timedelta(hours=1)).isoformat(), {"encounter": "other"}, False),
    ],
)
def test_an_antibiotic_of_the_stay_within_a_day_is_what_clinicians_did(
    chart, lake_with, atc, authored, more, given
):
    chart.finding("nitrite", "negative")
    chart.drug(atc, authored, **more)
    assert practice(lake_with(chart)) is given


def test_where_no_prescription_was_ever_received_the_data_does_not_say(chart, lake_with):
    chart.finding("nitrite", "negative")
    assert practice(lake_with(chart)) is None


def test_before_the_day_is_over_no_antibiotic_is_not_a_no(chart, lake_with):
    chart.finding("nitrite", "negative")
    chart.drug("A02BC01", (RESULT - DAY).isoformat())
    lake = lake_with(chart)
    assert practice(lake, RESULT + timedelta(hours=2)) is None
    assert practice(lake, RESULT + DAY) is False


def test_a_prescription_that_was_withdrawn_does_not_count(chart, lake_with):
    chart.finding("nitrite", "negative")
    chart.drug("J01XE01", (RESULT + timedelta(hours=1)).isoformat(), id_="m")
    chart.drug("J01XE01", (RESULT + timedelta(hours=2)).isoformat(), id_="m", status="cancelled")
    lake = lake_with(chart)
    assert practice(lake) is False
    assert practice(lake, RESULT + timedelta(hours=1)) is True
