"""Who is due, and which facts are read: codes, units, moments, samples, stays."""

from datetime import UTC, datetime, timedelta

import pytest
from charts import RESULT, Chart

from vesalius.usecase import Candidate
from vesalius.usecases.urine import facts
from vesalius.usecases.urine.urine import Urine

BEFORE = RESULT - timedelta(days=1)
AFTER = RESULT + timedelta(days=1)
WOMAN = Candidate("Patient/p1", "Specimen/s1", RESULT)
DUE = RESULT + facts.SETTLING
WOMAN_DUE = Candidate("Patient/p1", "Specimen/s1", DUE)


def known(lake, candidate=WOMAN):
    evidence = Urine().evidence(lake, [candidate])
    return evidence.table.to_pylist()[0], evidence.sources[0]


def test_a_sample_is_due_when_its_first_result_has_settled(chart, lake_with):
    chart.finding("protein", "negative", RESULT + timedelta(minutes=5))
    chart.finding("nitrite", "negative", RESULT)
    assert Urine().candidates(lake_with(chart), BEFORE, AFTER) == [WOMAN_DUE]


def test_the_rest_of_the_same_urinalysis_is_in_its_suggestion(chart, lake_with):
    chart.finding("nitrite", "negative", RESULT)
    chart.finding("leukocytes_count", 250, RESULT + timedelta(minutes=6), unit="/uL")
    lake = lake_with(chart)
    row, _ = known(lake, Urine().candidates(lake, BEFORE, AFTER)[0])
    assert (row["nitrite"], row["leukocytes_count"]) == ("negative", 250.0)


def test_a_sample_is_due_once_in_the_time_in_which_it_settles(chart, lake_with):
    chart.finding("nitrite", "negative")
    chart.finding("protein", "small", RESULT + timedelta(hours=1))
    lake = lake_with(chart)
    assert Urine().candidates(lake, DUE, AFTER) == []
    assert Urine().candidates(lake, BEFORE, DUE) == [WOMAN_DUE]
    assert Urine().candidates(lake, DUE - timedelta(microseconds=1), DUE) == [WOMAN_DUE]
    assert Urine().candidates(lake, BEFORE, DUE - timedelta(microseconds=1)) == []


def test_a_long_time_and_a_short_one_find_the_same_samples(lake_with):
    charts = [Chart(str(n)) for n in range(5)]
    for n, chart in enumerate(charts):
        chart.patient()
        chart.finding("leukocytes_count", 10 * n, RESULT + timedelta(hours=n), unit="/uL")
    lake = lake_with(*charts)
    short = Urine().candidates(lake, BEFORE, AFTER)
    assert short == Urine().candidates(lake, datetime(1900, 1, 1, tzinfo=UTC), AFTER)
    assert [each.focus for each in short] == [f"Specimen/s{n}" for n in range(5)]


def test_a_second_sample_of_the_same_patient_is_a_candidate_of_its_own(chart, lake_with):
    chart.finding("nitrite", "negative")
    chart.finding("nitrite", "positive", RESULT + timedelta(hours=2), specimen="t")
    found = Urine().candidates(lake_with(chart), BEFORE, AFTER)
    assert [each.focus for each in found] == ["Specimen/s1", "Specimen/t1"]


@pytest.mark.parametrize("status", ["registered", "entered-in-error", "cancelled"])
def test_a_result_that_says_nothing_makes_nobody_due(chart, lake_with, status):
    chart.finding("nitrite", "negative", status=status)
    assert Urine().candidates(lake_with(chart), BEFORE, AFTER) == []


def test_other_laboratory_results_make_nobody_due(chart, lake_with):
    chart.asked("temperature", 38.5, unit="Cel")
    chart.culture("POS", RESULT)
    chart.finding("nitrite", None)
    assert Urine().candidates(lake_with(chart), BEFORE, AFTER) == []


@pytest.mark.parametrize("grade", ["negative", "trace", "small", "moderate", "large"])
def test_grades_of_the_strip(chart, lake_with, grade):
    chart.finding("leukocytes_strip", grade)
    assert known(lake_with(chart))[0]["leukocytes_strip"] == grade


@pytest.mark.parametrize(
    ("name", "grade", "value"),
    [
        ("leukocytes_strip", "positive", "small"),
        ("nitrite", "positive", "positive"),
        ("nitrite", "small", "positive"),
        ("nitrite", "trace", None),
        ("nitrite", "negative", "negative"),
        ("clarity", "cloudy", "cloudy"),
        ("clarity", "greenish", None),
        ("blood", "not done", None),
    ],
)
def test_what_a_strip_can_say(chart, lake_with, name, grade, value):
    chart.finding(name, grade)
    facts_, sources = known(lake_with(chart))
    assert facts_[name] == value
    assert (name in sources) == (value is not None)


@pytest.mark.parametrize(
    ("value", "unit", "read"),
    [
        (412, "/uL", 412.0),
        (0.4, "10*3/uL", 400.0),
        (55, "10*6/L", 55.0),
        (7, "/[HPF]", None),
        (7, None, None),
    ],
)
def test_a_count_is_known_only_in_a_unit_that_is_understood(chart, lake_with, value, unit, read):
    chart.finding("leukocytes_count", value, unit=unit)
    assert known(lake_with(chart))[0]["leukocytes_count"] == read


@pytest.mark.parametrize(
    ("name", "value", "unit", "flag", "read"),
    [
        ("temperature", 38.0, "Cel", None, "high"),
        ("temperature", 37.9, "Cel", "H", "normal"),
        ("temperature", 101.3, "[degF]", None, None),
        ("temperature", 101.3, "[degF]", "H", "high"),
        ("temperature", None, None, "N", "normal"),
        ("heart_rate", 101, "/min", None, "high"),
        ("heart_rate", 100, "/min", None, "normal"),
        ("systolic_pressure", 100, "mm[Hg]", None, "low"),
        ("systolic_pressure", 101, "mm[Hg]", None, "normal"),
        ("systolic_pressure", None, None, "LL", "low"),
        ("respiratory_rate", 22, "/min", None, "high"),
        ("respiratory_rate", 21, "/min", None, "normal"),
        ("respiratory_rate", None, None, "??", None),
    ],
)
def test_vital_signs_by_number_first_then_by_flag(chart, lake_with, name, value, unit, flag, read):
    chart.asked(name, value, unit=unit, flag=flag)
    assert known(lake_with(chart))[0][name] == read


@pytest.mark.parametrize("answer", [True, False])
def test_a_symptom_is_yes_or_no_and_unknown_when_not_recorded(chart, lake_with, answer):
    chart.asked("dysuria", answer)
    row, sources = known(lake_with(chart))
    assert (row["dysuria"], row["fever"]) == (answer, None)
    assert set(sources) == {"dysuria", "sex", "age"}


@pytest.mark.parametrize(("code", "read"), [("77386006", True), ("60001007", False), ("261665006", None)])
def test_pregnancy(chart, lake_with, code, read):
    chart.pregnancy(code)
    assert known(lake_with(chart))[0]["pregnant"] is read


@pytest.mark.parametrize(
    ("name", "days", "read"),
    [("dysuria", 2, True), ("dysuria", 4, None), ("catheter", 4, None), ("history_uti", 300, True)],
)
def test_what_passes_is_forgotten_and_what_lasts_is_not(chart, lake_with, name, days, read):
    chart.asked(name, True, RESULT - timedelta(days=days))
    assert known(lake_with(chart))[0][name] is read


def test_a_pregnancy_counts_for_as_long_as_one_lasts(chart, lake_with):
    chart.pregnancy("77386006", RESULT - timedelta(weeks=41))
    assert known(lake_with(chart))[0]["pregnant"] is True
    later = Candidate("Patient/p1", "Specimen/s1", RESULT + timedelta(weeks=2))
    assert known(lake_with(chart), later)[0]["pregnant"] is None


def test_the_strip_of_another_sample_is_not_read(chart, lake_with):
    chart.finding("nitrite", "positive", RESULT - timedelta(hours=1), specimen="old")
    chart.finding("protein", "negative")
    assert known(lake_with(chart))[0]["nitrite"] is None


def test_another_patient_is_not_read(chart, lake_with):
    other = Chart("2")
    other.patient(gender="male")
    other.asked("fever", True)
    chart.finding("nitrite", "negative")
    assert known(lake_with(chart, other))[0]["fever"] is None


def test_a_correction_counts_from_when_it_was_issued(chart, lake_with):
    chart.finding("nitrite", "negative", id_="n")
    chart.finding("nitrite", "positive", RESULT + timedelta(hours=2), id_="n", status="corrected")
    lake = lake_with(chart)
    assert known(lake)[0]["nitrite"] == "negative"
    assert known(lake)[1]["nitrite"] == ("Observation/n-1/_history/1",)
    later = Candidate("Patient/p1", "Specimen/s1", RESULT + timedelta(hours=3))
    assert known(lake, later)[0]["nitrite"] == "positive"


def test_a_withdrawn_result_is_not_known(chart, lake_with):
    chart.finding("nitrite", "positive", RESULT - timedelta(minutes=9), id_="n")
    chart.finding("nitrite", "positive", RESULT, id_="n", status="entered-in-error")
    assert known(lake_with(chart))[0]["nitrite"] is None


def test_a_symptom_asked_after_the_result_is_not_known_then(chart, lake_with):
    chart.asked("fever", True, RESULT + timedelta(minutes=1))
    assert known(lake_with(chart))[0]["fever"] is None


@pytest.mark.parametrize(
    ("order", "ordered"),
    [
        ({}, True),
        ({"specimen": None}, True),
        ({"specimen": "other"}, False),
        ({"specimen": None, "at": RESULT - timedelta(days=2)}, False),
        ({"at": RESULT + timedelta(minutes=1)}, False),
        ({"status": "revoked"}, False),
        ({"status": "draft", "intent": "proposal"}, False),
        ({"status": "active", "intent": "proposal"}, False),
    ],
)
def test_whether_a_culture_was_ordered(chart, lake_with, order, ordered):
    chart.order(**order)
    assert known(lake_with(chart))[0]["culture_ordered"] is ordered


def test_a_culture_that_runs_was_ordered(chart, lake_with):
    chart.culture("NEG", RESULT, status="preliminary")
    assert known(lake_with(chart))[0]["culture_ordered"] is True


@pytest.mark.parametrize(
    ("birth", "years"),
    [
        ("1980-03-02", 46.0),
        ("1980-03-03", 45.0),
        ("1980-03", 46.0),
        ("1980-04", 45.0),
        ("1980", 46.0),
        ("2030", None),
    ],
)
def test_age_in_completed_years(birth, years):
    assert facts.age(birth, RESULT) == years


def test_nothing_known_is_null_everywhere_and_no_crash(lake_with):
    row, sources = known(lake_with(Chart()))
    assert {name for name, value in row.items() if value is not None} == {"culture_ordered"}
    assert sources == {}


def test_the_table_has_the_inputs_of_the_card_in_their_order(chart, lake_with):
    evidence = Urine().evidence(lake_with(chart), [WOMAN, WOMAN])
    assert evidence.table.column_names == [item.name for item in Urine.card.inputs]
    assert len(evidence) == 2
    assert evidence.position == len(chart.resources)


def test_no_candidates_give_no_rows_and_no_suggestions(chart, lake_with):
    evidence = Urine().evidence(lake_with(chart), [])
    assert (len(evidence), evidence.table.num_rows, Urine().suggest(evidence)) == (0, 0, [])
