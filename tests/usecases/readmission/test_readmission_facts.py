"""Who is due, and what was known about a stay at its discharge."""

from datetime import UTC, datetime, timedelta

import pytest
from discharges import DUE, LEFT, Chart

from vesalius.usecase import Candidate, encode
from vesalius.usecases.readmission import Readmission, stays, words
from vesalius.usecases.readmission.diagnoses import ICD9

BEGINNING = datetime(1900, 1, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def chart():
    return Chart().patient().stay().diagnosis("I50.9")


def due(lake, since=BEGINNING, until=DUE):
    return Readmission().candidates(lake, since, until)


# -- who is due ------------------------------------------------------------------------------------------------


def test_a_discharge_is_due_a_quarter_of_an_hour_after_it_was_recorded(lake_with):
    lake = lake_with(chart())
    assert due(lake) == [Candidate("Patient/p", "Encounter/stay", DUE)]
    assert due(lake, until=DUE - timedelta(seconds=1)) == []
    assert due(lake, since=DUE, until=DUE + DAY) == []
    assert due(lake, since=DUE - DAY) == due(lake)


def test_a_stay_that_goes_on_and_a_visit_are_not_due(lake_with):
    going_on = Chart("a").patient().stay("a", status="in-progress")
    visit = Chart("b").patient().stay("b", kind="AMB").stay("c", kind="EMER")
    assert due(lake_with(going_on, visit)) == []


def test_a_discharge_that_was_taken_back_at_once_makes_nobody_due_and_the_next_one_does(lake_with):
    moved = Chart().patient().stay().stay(status="in-progress", known=LEFT + timedelta(minutes=5))
    moved.stay(known=LEFT + DAY)
    lake = lake_with(moved)
    assert due(lake) == []
    assert [each.as_of for each in due(lake, until=DUE + 2 * DAY)] == [DUE + DAY]


def test_a_stay_is_due_once_though_it_is_recorded_again(lake_with):
    lake = lake_with(Chart().patient().stay().stay(known=LEFT + 3 * DAY))
    assert len(due(lake, until=DUE + 9 * DAY)) == 1


def test_a_stay_that_was_entered_in_error_is_not_due(lake_with):
    lake = lake_with(
        Chart().patient().stay().stay(status="entered-in-error", known=LEFT + timedelta(minutes=1))
    )
    assert due(lake, until=DUE + DAY) == []


# -- the stay --------------------------------------------------------------------------------------------------


def test_the_facts_of_a_stay(facts_of):
    coded = {"coding": [{"system": words.SNOMED, "code": "394579002"}]}
    facts = facts_of(Chart().patient().stay(days=7, to="snf", serviceType=coded).diagnosis("I50.9"))
    assert (facts["age"], facts["sex"]) == ("age_70", "female")
    assert (facts["length_of_stay"], facts["destination"]) == (7.0, "nursing_home")
    assert (facts["admission"], facts["specialty"]) == ("emergency", "cardiology")
    assert (facts["principal_diagnosis"], facts["diagnoses"], facts["charlson"]) == (
        "heart_failure",
        1.0,
        1.0,
    )
    assert (facts["has_heart_failure"], facts["has_copd"]) == (True, False)


def test_what_is_not_recorded_is_not_known(facts_of):
    facts = facts_of(Chart().patient(born="", sex="unknown").stay(to="", priority="", principal=""))
    known = {name for name, value in facts.items() if value is not None}
    assert known == {"length_of_stay", "previous_inpatient", "previous_emergency", "previous_outpatient"}


def test_codes_that_nobody_taught_it_are_not_known(facts_of):
    facts = facts_of(Chart().patient().stay(to="moon", priority="XX").diagnosis("1", system="urn:other"))
    assert facts["destination"] is facts["admission"] is facts["principal_diagnosis"] is None
    assert facts["diagnoses"] == 1.0


def test_diagnoses_of_both_codings_and_only_of_this_stay(facts_of):
    made = chart().diagnosis("585.9", "b", system=ICD9).diagnosis("J44.1", "c", stay="another")
    facts = facts_of(made)
    assert (facts["diagnoses"], facts["charlson"]) == (2.0, 3.0)
    assert (facts["has_kidney_chronic"], facts["has_copd"]) == (True, False)


def test_a_diagnosis_that_was_refuted_does_not_count(facts_of):
    made = chart().diagnosis("C78.7", "b", known=LEFT - DAY).diagnosis("C78.7", "b", verified="refuted")
    facts = facts_of(made)
    assert (facts["diagnoses"], facts["has_metastatic_cancer"]) == (1.0, False)


def test_medicines_by_class_and_dose(facts_of):
    made = chart().medicine("A10AB01", "a", dose="dose increased during the stay").medicine("A10BD05", "b")
    facts = facts_of(made.medicine("C09AA02", "c"))
    assert (facts["insulin"], facts["metformin"], facts["glitazone"]) == ("increased", True, True)
    assert (facts["sulfonylurea"], facts["diabetes_medicine"], facts["medicines"]) == (False, True, 3.0)
    assert facts_of(chart().medicine("A10AB01", "a"))["insulin"] == "taken"
    assert facts_of(chart())["insulin"] is None


@pytest.mark.parametrize(
    ("loinc", "value", "unit", "name", "expected"),
    [
        ("4548-4", 8.1, "%", "hba1c", "above_8"),
        ("59261-8", 48, "mmol/mol", "hba1c", "below_7"),
        ("4548-4", 8.1, "mg/dL", "hba1c", None),
        ("14749-6", 17.0, "mmol/L", "glucose", "above_300"),
        ("2345-7", 200, "mg/dL", "glucose", "to_200"),
        ("718-7", 118, "g/L", "haemoglobin", 11.8),
        ("2951-2", 133, "mmol/L", "sodium", 133.0),
    ],
)
def test_results_in_the_units_that_are_understood(facts_of, loinc, value, unit, name, expected):
    assert facts_of(chart().result(loinc, value, unit, "r"))[name] == expected


def test_the_highest_glucose_and_the_last_sodium_of_the_stay(facts_of):
    made = chart()
    for number, (glucose, sodium) in enumerate([(310, 131), (150, 138)]):
        known = LEFT - (2 - number) * DAY
        made.result("2345-7", glucose, "mg/dL", f"g{number}", known=known)
        made.result("2951-2", sodium, "mmol/L", f"s{number}", known=known)
    facts = facts_of(made)
    assert (facts["glucose"], facts["sodium"], facts["laboratory_tests"]) == ("above_300", 138.0, 4.0)


# -- the year before -------------------------------------------------------------------------------------------


def test_stays_and_visits_of_the_year_before_are_counted(facts_of):
    made = chart().stay("a", left=LEFT - 30 * DAY).stay("b", left=LEFT - 300 * DAY)
    made.stay("too-old", left=LEFT - 400 * DAY)
    made.stay("c", kind="EMER", days=0, left=LEFT - 20 * DAY).stay(
        "d", kind="AMB", days=0, left=LEFT - 90 * DAY
    )
    facts = facts_of(made)
    counts = [facts[f"previous_{kind}"] for kind in ("inpatient", "emergency", "outpatient")]
    assert counts == [2.0, 1.0, 1.0]


def test_the_visit_that_became_this_stay_is_not_an_earlier_one(facts_of):
    visit = chart().stay("v", kind="EMER", days=0.2, left=LEFT - 5 * DAY + HOUR)
    assert facts_of(visit)["previous_emergency"] == 0.0


def test_a_count_that_the_source_gives_goes_before_what_the_record_holds(facts_of):
    made = chart().stay("a", left=LEFT - 30 * DAY)
    made.add(
        "Observation",
        id="n",
        status="final",
        code={"coding": [{"system": words.SOURCE, "code": "number-inpatient"}]},
        subject={"reference": "Patient/p"},
        encounter={"reference": "Encounter/stay"},
        issued=LEFT.isoformat(),
        valueInteger=7,
    )
    assert facts_of(made)["previous_inpatient"] == 7.0


def test_an_earlier_stay_is_a_source_of_the_count(lake_with):
    lake = lake_with(chart().stay("a", left=LEFT - 30 * DAY))
    use = Readmission()
    evidence = use.evidence(lake, use.candidates(lake, DUE - HOUR, DUE))
    assert evidence.sources[0]["previous_inpatient"] == ("Encounter/a/_history/1",)
    assert evidence.sources[0]["charlson"] == ("Condition/main/_history/1",)


# -- nothing after discharge -----------------------------------------------------------------------------------


def test_nothing_that_is_recorded_after_discharge_changes_a_suggestion(lake_with):
    after = LEFT + HOUR
    plain = chart().stay("a", left=LEFT - 30 * DAY)
    later = chart().stay("a", left=LEFT - 30 * DAY)
    later.stay("back", left=LEFT + 9 * DAY, days=4).stay("old", left=LEFT - 60 * DAY, known=after)
    later.diagnosis("C78.7", "late", known=after).diagnosis("A41.9", known=after)
    later.medicine("A10AB01", "late", known=after).result("4548-4", 11, "%", "late", known=after)
    later.stay(to="exp", known=after).patient(born="1910-01-01")
    later.resources[-1]["meta"]["lastUpdated"] = after.isoformat()
    use = Readmission()
    said = []
    for made in (plain, later):
        lake = lake_with(made)
        (candidate,) = use.candidates(lake, DUE - HOUR, DUE)
        evidence = use.evidence(lake, [candidate])
        said.append((evidence.table.to_pylist(), dict(evidence.sources[0])))
    assert said[0] == said[1]


def test_one_candidate_has_the_facts_that_it_has_among_many(lake_with):
    charts = [
        Chart(name).patient().stay(f"{name}1", days=days, principal="").stay(f"{name}2", left=LEFT - 40 * DAY)
        for name, days in (("a", 2), ("b", 9))
    ]
    lake = lake_with(*charts)
    use = Readmission()
    candidates = use.candidates(lake, BEGINNING, DUE)
    assert len(candidates) == 4
    together = use.evidence(lake, candidates)
    for row, candidate in enumerate(candidates):
        alone = use.evidence(lake, [candidate])
        assert alone.table.to_pylist()[0] == together.table.to_pylist()[row]
        assert encode(dict(alone.sources[0])) == encode(dict(together.sources[row]))


# -- small pieces ----------------------------------------------------------------------------------------------


def test_a_moment_that_cannot_be_read_is_none():
    assert stays.moment("next week") is None
    assert stays.moment(None) is None


def test_ages_have_their_bands():
    assert [words.age_band(years) for years in (None, -1, 17.99, 18, 29.9, 90, 200)] == [
        None, None, None, "age_18", "age_18", "age_90", "age_90",
    ]  # fmt: skip
