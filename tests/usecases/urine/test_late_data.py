"""Corrections, withdrawals, back-dated and late messages: a sensible answer each time, and never a crash."""

import logging
from datetime import timedelta
from decimal import Decimal

import pytest
from charts import RESULT, Chart

from vesalius import fhir, loop
from vesalius.governance import people, uses
from vesalius.hospital import Hospital
from vesalius.lake import Arrival
from vesalius.settings import Settings
from vesalius.usecase import Candidate
from vesalius.usecases.urine import facts
from vesalius.usecases.urine.urine import Urine

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
DUE = RESULT + facts.SETTLING
BEFORE = RESULT - 24 * HOUR
ONE, TWO = (Candidate(f"Patient/p{n}", "Specimen/s1", DUE) for n in (1, 2))


@pytest.fixture
def hospital(tmp_path):
    """A hospital in which the use case runs in silence."""
    opened = Hospital.open(tmp_path / "home", Settings(synthetic=True))
    for role in ("dpo", "engineer", "doctor", "director"):
        person = people.add(opened.engine, role, name=role, role=role)
        uses.sign(opened.engine, "urine", person, reason="agreed", despite="a test", at=RESULT - 99 * HOUR)
    yield opened
    opened.close()


def receive(hospital, *charts, at=RESULT - HOUR):
    resources = [each for chart in charts for each in chart.resources]
    for chart in charts:
        chart.resources = []
    hospital.lake.write([Arrival.of(fhir.dump(each)) for each in resources], "laboratory", at)


def turn(hospital, at=DUE):
    return loop.turn(hospital, "urine", at)


def filed(hospital):
    page = hospital.review.worklist(mode="silent", status="all", now=DUE)
    return {item.focus: hospital.review.get(item.id) for item in page.items}


def value(suggestion, name):
    return next((reason.value for reason in suggestion.reasons if reason.input == name), None)


def moved(chart, number, at):
    """The chart's last resource, found to be another patient's."""
    last = chart.resources[-1]
    chart.resources.append(
        {
            **last,
            "subject": {"reference": f"Patient/p{number}"},
            "status": "corrected",
            "issued": at.isoformat(),
        }
    )


@pytest.mark.parametrize("company", [(), ("2",), tuple(f"n{n}" for n in range(70))])
def test_a_result_that_was_moved_to_another_patient_is_not_read_any_more(lake_with, company):
    chart, others = Chart("1"), [Chart(tag) for tag in company]
    chart.patient()
    chart.finding("nitrite", "negative", id_="n")
    chart.asked("fever", True)
    moved(chart, 2, DUE - MINUTE)
    lake = lake_with(chart, *others)
    asked = [ONE, *(Candidate(f"Patient/p{each.tag}", f"Specimen/s{each.tag}", DUE) for each in others)]
    assert Urine().evidence(lake, asked).table["fever"].to_pylist()[0] is None
    early = Candidate("Patient/p1", "Specimen/s1", DUE - 2 * MINUTE)
    assert Urine().evidence(lake, [early, *asked[1:]]).table["fever"].to_pylist()[0] is True
    assert Urine().evidence(lake, [TWO, *asked[1:]]).table["fever"].to_pylist()[0] is True


def test_a_result_that_was_moved_before_it_settled_makes_the_right_patient_due(lake_with):
    chart = Chart("1")
    chart.finding("nitrite", "positive", id_="n")
    moved(chart, 2, RESULT + 5 * MINUTE)
    lake = lake_with(chart)
    assert Urine().candidates(lake, BEFORE, DUE + HOUR) == [
        Candidate("Patient/p2", "Specimen/s1", DUE + 5 * MINUTE)
    ]


def test_a_result_withdrawn_before_it_settled_makes_nobody_due_until_the_next(chart, lake_with):
    chart.finding("nitrite", "positive", id_="n")
    chart.finding("nitrite", "positive", RESULT + MINUTE, id_="n", status="entered-in-error")
    assert Urine().candidates(lake_with(chart), BEFORE, DUE + 9 * HOUR) == []
    chart.finding("nitrite", "negative", RESULT + HOUR)
    due = Candidate("Patient/p1", "Specimen/s1", DUE + HOUR)
    assert Urine().candidates(lake_with(chart), BEFORE, DUE + 9 * HOUR) == [due]


def test_a_result_replaced_before_it_settled_is_due_as_if_it_had_come_at_once(chart, lake_with):
    chart.finding("nitrite", "negative", id_="n", status="preliminary")
    chart.finding("nitrite", "positive", RESULT + MINUTE, id_="n")
    lake = lake_with(chart)
    assert Urine().candidates(lake, BEFORE, DUE + HOUR) == [ONE]
    assert Urine().evidence(lake, [ONE]).table["nitrite"].to_pylist() == ["positive"]


def test_a_correction_that_takes_the_code_away_takes_the_value_away(chart, lake_with):
    chart.finding("nitrite", "positive", id_="n")
    last = chart.finding("nitrite", "positive", RESULT + MINUTE, id_="n", status="corrected")
    last["code"] = {"text": "see the remark"}
    assert Urine().evidence(lake_with(chart), [ONE]).table["nitrite"].to_pylist() == [None]


@pytest.mark.parametrize("status", ["corrected", "entered-in-error", "cancelled"])
def test_what_is_corrected_after_the_suggestion_changes_nothing_of_it(hospital, chart, status):
    chart.finding("nitrite", "positive", id_="n")
    receive(hospital, chart)
    assert turn(hospital).filed == 1
    chart.finding("nitrite", "negative", DUE + MINUTE, id_="n", status=status)
    receive(hospital, chart, at=DUE + MINUTE)
    again = turn(hospital, DUE + HOUR)
    assert (again.filed, again.error) == (0, "")
    (kept,) = filed(hospital).values()
    assert value(kept.suggestion, "nitrite") == "positive"
    assert loop.replay(hospital, kept.id) == kept.body


def test_a_correction_dated_back_before_the_suggestion_does_not_change_its_replay(hospital, chart):
    chart.finding("nitrite", "positive", id_="n")
    receive(hospital, chart)
    turn(hospital)
    chart.finding("nitrite", "negative", RESULT + MINUTE, id_="n", status="corrected")
    receive(hospital, chart, at=DUE + MINUTE)
    (kept,) = filed(hospital).values()
    assert loop.replay(hospital, kept.id) == kept.body


@pytest.mark.parametrize("known", [None, DUE + MINUTE])
def test_without_a_patient_record_at_its_moment_the_tool_says_that_it_cannot_judge(hospital, known):
    chart = Chart("1")
    chart.finding("nitrite", "positive")
    receive(hospital, chart)
    if known:
        chart.patient()
        receive(hospital, chart, at=known)
    assert turn(hospital, DUE + HOUR).filed == 1
    (kept,) = filed(hospital).values()
    assert (kept.option, kept.probability) == ("refer", None)
    assert "age" in kept.suggestion.missing
    assert kept.display.birth_date == ("1980-06-02" if known else "")


def test_references_with_a_server_are_the_same_sample_and_stay(hospital, chart):
    server = "https://laboratory.example/fhir/"
    for name in ("nitrite", "protein"):
        result = chart.finding(name, "positive" if name == "nitrite" else "trace")
        result["specimen"]["reference"] = f"{server}Specimen/s1/_history/3"
        result["encounter"]["reference"] = f"{server}Encounter/e1"
    chart.culture("POS", DUE + HOUR)["specimen"]["reference"] = f"{server}Specimen/s1"
    chart.drug("J01XE01", (RESULT + HOUR).isoformat())
    receive(hospital, chart)
    turn(hospital)
    (kept,) = filed(hospital).values()
    assert (kept.focus, value(kept.suggestion, "nitrite")) == ("Specimen/s1", "positive")
    assert value(kept.suggestion, "protein") == "trace"
    assert loop.outcomes(hospital, "urine", DUE + 2 * HOUR) == 1
    assert Urine().practice(hospital.lake, [ONE], DUE + 48 * HOUR) == [True]


def test_two_samples_of_one_stay_have_each_their_own_suggestion_and_outcome(hospital, chart):
    for specimen, grade, after in (("s", "positive", 0), ("t", "negative", 2)):
        chart.finding("nitrite", grade, RESULT + after * HOUR, specimen=specimen)
    chart.culture("POS", DUE + 30 * HOUR, id_="c", specimen="s")
    chart.culture("NEG", DUE + 30 * HOUR, id_="d", specimen="t")
    receive(hospital, chart)
    assert turn(hospital, DUE + 3 * HOUR).filed == 2
    assert loop.outcomes(hospital, "urine", DUE + 31 * HOUR) == 2
    found = {
        focus: (value(each.suggestion, "nitrite"), each.outcome.value)
        for focus, each in filed(hospital).items()
    }
    assert found == {"Specimen/s1": ("positive", True), "Specimen/t1": ("negative", False)}


def test_a_culture_issued_before_the_strip_is_no_evidence_but_its_outcome_counts_at_once(hospital, chart):
    chart.culture("POS", RESULT - HOUR)
    chart.finding("nitrite", "negative")
    receive(hospital, chart)
    assert turn(hospital).filed == 1
    (kept,) = filed(hospital).values()
    assert kept.suggestion.resources == ()  # the culture runs already: it is not proposed again
    cultures = {
        source for reason in kept.suggestion.reasons for source in reason.sources if "culture" in source
    }
    assert cultures == set()
    assert loop.outcomes(hospital, "urine", DUE) == 1
    assert next(iter(filed(hospital).values())).outcome.known_at == RESULT - HOUR


@pytest.mark.parametrize(
    ("name", "number", "unit"),
    [
        ("leukocytes_count", "-5", "/uL"),
        ("bacteria_count", "1e308", "10*3/uL"),
        ("heart_rate", "-1", "/min"),
    ],
)
@pytest.mark.parametrize("company", [0, 70])
def test_a_number_that_no_body_has_is_not_known(lake_with, name, number, unit, company):
    chart = Chart("1")
    chart.patient()
    chart.finding(name, 7, unit=unit)["valueQuantity"]["value"] = Decimal(number)
    lake = lake_with(chart)
    others = [Candidate(f"Patient/x{n}", f"Specimen/x{n}", DUE) for n in range(company)]
    assert Urine().evidence(lake, [ONE, *others]).table[name].to_pylist()[0] is None


@pytest.mark.parametrize(
    "patient",
    [
        {"birthDate": "0001"},
        {"birthDate": "1980-02-31"},
        {"birthDate": "not a date"},
        {"birthDate": ""},
        {"birthDate": 1980},
        {"gender": "unknown"},
        {"gender": "other", "birthDate": "2031"},
    ],
)
def test_a_strange_patient_does_not_keep_the_others_from_their_suggestions(hospital, patient, caplog):
    charts = [Chart(tag) for tag in ("1", "2", "3")]
    for chart in charts:
        chart.patient().update(patient if chart.tag == "2" else {})
        chart.finding("nitrite", "positive")
    receive(hospital, *charts)
    with caplog.at_level(logging.DEBUG):
        done = turn(hospital)
    assert done.filed + done.failed == 3
    assert {"Specimen/s1", "Specimen/s3"} <= set(filed(hospital))
    assert "1980" not in caplog.text
