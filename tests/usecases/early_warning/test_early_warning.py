"""Evidence, suggestions and outcomes of early warning."""

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from bedsides import ADMITTED, NOON, Bedside, hours

from vesalius.card import LANGUAGES
from vesalius.modelling import train
from vesalius.usecase import Candidate
from vesalius.usecases.checks import run_checks
from vesalius.usecases.early_warning import EarlyWarning
from vesalius.usecases.early_warning.facts import MOST
from vesalius.usecases.early_warning.suggestions import RULE_ONLY

BEGINNING = datetime(1900, 1, 1, tzinfo=UTC)
LATER = NOON + timedelta(days=30)
MOMENT = NOON + timedelta(minutes=15)


def asked(lake, moment=MOMENT, focus="Encounter/p-e", subject="Patient/p"):
    evidence = EarlyWarning().evidence(lake, [Candidate(subject, focus, moment)])
    return evidence, evidence.table.to_pylist()[0]


def suggested(lake, moment=MOMENT, usecase=None):
    use = usecase or EarlyWarning()
    (made,) = use.suggest(use.evidence(lake, [Candidate("Patient/p", "Encounter/p-e", moment)]))
    return made


def rules(made):
    return {reason.input: reason for reason in made.reasons if reason.rule}


def test_it_passes_the_checks_of_every_use_case():
    assert [check for check in run_checks(EarlyWarning) if not check.passed] == []


def test_every_input_has_its_words_in_four_languages():
    card = EarlyWarning.card
    assert len(card.inputs) > 60
    for language in LANGUAGES:
        words = [card.say(f"input.{item.name}", language) for item in card.inputs]
        assert len(set(words)) == len(words)
    assert card.say("input.creatinine_max", "fr") == "Créatinine : maximum en 48 h"


def test_the_evidence_is_what_was_known_of_48_hours(lake_of):
    bedside = Bedside().stay()
    for number, value in enumerate((60, 80, 100, 90)):
        bedside.measure("8867-4", value, NOON - hours(10 - number))
    bedside.measure("8867-4", 200, NOON + hours(1)).measure("8867-4", 30, NOON - hours(49))
    bedside.measure("2160-0", 1.0, NOON - hours(40)).measure("2160-0", 150, NOON, unit="umol/L")
    bedside.measure("9187-6", 500, NOON - hours(2)).measure("9187-6", 300, NOON - hours(30))
    _, row = asked(lake_of(bedside))
    assert [row[f"heart_rate_{name}"] for name in ("last", "max", "mean")] == [90.0, 100.0, 82.5]
    assert row["creatinine_last"] == pytest.approx(1.6968)
    assert row["creatinine_delta"] == pytest.approx(0.6968)
    assert row["urine_sum"] == 500.0
    assert (row["age"], row["sex"], row["intensive_care"]) == (75.0, "female", False)
    assert row["lactate_last"] is None


def test_a_value_of_exactly_the_age_of_the_window_counts(lake_of):
    lake = lake_of(Bedside().stay().measure("2524-7", 3.0, MOMENT - hours(48)))
    assert asked(lake)[1]["lactate_last"] == 3.0
    assert asked(lake, MOMENT + timedelta(seconds=1))[1]["lactate_last"] is None


def test_sources_are_named_and_of_a_mean_only_the_newest(lake_of):
    bedside = Bedside().stay()
    for number in range(9):
        bedside.measure("8867-4", 80 + number, NOON - hours(9 - number))
    evidence, _ = asked(lake_of(bedside))
    sources = evidence.sources[0]
    assert len(sources["heart_rate_mean"]) == MOST
    assert sources["heart_rate_max"] == ("Observation/p-8867-4-021100/_history/1",)
    assert sources["intensive_care"] == ("Encounter/p-e/_history/1",)
    assert "lactate_last" not in sources
    assert set(sources) <= set(evidence.table.column_names)


@pytest.mark.parametrize(
    ("extra", "given"),
    [
        ({"3151-8": 2}, True),
        ({"3150-6": 21}, False),
        ({"3150-6": 28}, True),
        ({"3151-8": 0, "3150-6": 28}, True),
        ({}, None),
    ],
)
def test_oxygen_is_given_where_more_than_air_is(lake_of, extra, given):
    bedside = Bedside().stay().round(without=("flow",))
    for code, value in extra.items():
        bedside.measure(code, value)
    assert asked(lake_of(bedside))[1]["now_oxygen"] is given


def test_who_is_confused_is_not_alert_though_the_coma_scale_is_full(lake_of):
    said = {"valueCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": "130987000"}]}}
    bedside = Bedside().stay().round().measure("67775-7", said)
    assert asked(lake_of(bedside))[1]["now_consciousness"] == "not_alert"


def test_a_complete_round_on_a_ward_is_explained_part_by_part(lake_of):
    made = suggested(lake_of(Bedside().stay().round(rr=26, spo2=93, hr=112)))
    assert (made.option, made.indicator) == ("critical_care_review", "critical")
    assert made.summary.values == {"news2": "7"}
    assert rules(made)["news2_emergency"].sources
    parts = [reason.rule.values["points"] for reason in made.reasons if reason.input == "part"]
    assert parts == [3, 2, 2]
    assert made.probability is None
    assert "ward_rule" in made.limits
    assert "incomplete" not in made.limits


def test_one_red_measurement_asks_for_a_review(lake_of):
    made = suggested(lake_of(Bedside().stay().round(rr=8)))
    assert (made.option, next(iter(rules(made)))) == ("urgent_review", "news2_red")


def test_missing_measurements_are_named_and_make_a_range(lake_of):
    made = suggested(lake_of(Bedside().stay().round(hr=112, without=("rr", "spo2"))))
    assert made.option == "measure"
    assert made.summary.values == {"news2": "2–8"}
    unmeasured = [reason.rule.values["what"] for reason in made.reasons if reason.input == "unmeasured"]
    assert unmeasured == ["input.now_respiratory_rate", "input.now_oxygen_saturation"]
    assert {"now_respiratory_rate", "now_oxygen_saturation"} <= set(made.missing)
    assert "incomplete" in made.limits


def test_what_is_missing_never_makes_an_urgent_set_less_urgent(lake_of):
    made = suggested(lake_of(Bedside().stay().round(rr=26, spo2=91, hr=112, without=("temp", "gcs"))))
    assert made.option == "critical_care_review"
    assert made.summary.values == {"news2": "8–14"}


def test_scale_two_is_used_where_it_is_prescribed(lake_of):
    local = "https://vesalius.example/fhir/CodeSystem/early-warning"
    bedside = Bedside().stay().round(spo2=90, rr=22)
    assert suggested(lake_of(bedside)).summary.values == {"news2": "5"}
    bedside.measure("spo2-scale-2", True, NOON - hours(20), system=local)
    made = suggested(lake_of(bedside))
    assert made.summary.values == {"news2": "2"}
    assert "scale_2" not in made.limits


def test_nothing_at_all_is_known_of_a_patient(lake_of):
    made = suggested(lake_of(Bedside().stay()))
    assert made.option == "measure"
    assert made.summary.values == {"news2": "0–20"}


def test_words_are_complete_in_four_languages(lake_of):
    made = suggested(lake_of(Bedside().stay().round(hr=112, flow=2, gcs=14, without=("rr", "spo2"))))
    for language in LANGUAGES:
        for reason in made.reasons:
            if reason.rule:
                said = EarlyWarning.card.say(reason.rule, language)
                assert "input." not in said
                assert "level." not in said
                assert "{" not in said


def taught(*, wards):
    """A small model of the heart rate, with or without having seen wards."""
    rng = np.random.default_rng(7)
    rates = rng.normal(90, 20, 400)
    truth = rng.random(400) < 1 / (1 + np.exp(-(rates - 110) / 10))
    columns = {"heart_rate_max": rates, "intensive_care": [bool(row % 2) for row in range(400)]}
    names = ["heart_rate_max", *(["intensive_care"] if wards else [])]
    inputs = [item for item in EarlyWarning.card.inputs if item.name in names]
    return train(pa.table(columns), truth, inputs, 0, replicates=4)


def test_on_a_ward_a_model_that_has_seen_no_ward_is_silent(lake_of):
    lake = lake_of(Bedside().stay().round(hr=140))
    made = suggested(lake, usecase=EarlyWarning(taught(wards=False)))
    assert made.probability is None
    assert made.option == "urgent_review"


def test_on_a_ward_a_model_of_the_hospital_never_asks_for_less_than_news2(lake_of):
    lake = lake_of(Bedside().stay().round(rr=26, spo2=91, hr=60))
    made = suggested(lake, usecase=EarlyWarning(taught(wards=True)))
    assert made.probability < 0.1
    assert made.option == "urgent_review"
    assert "rule_more" in rules(made)
    assert "own_model" in made.limits


def test_in_intensive_care_the_model_decides_and_a_disagreement_is_said(lake_of):
    bedside = Bedside().stay(intensive=True).round(rr=30, spo2=85, flow=10, hr=60)
    made = suggested(lake_of(bedside), usecase=EarlyWarning(taught(wards=False)))
    assert made.option == "routine"
    said = EarlyWarning.card.say(rules(made)["rule_more"].rule, "en")
    assert "“Review by critical care now” against “Routine monitoring”" in said
    assert "news2_intensive_care" in made.limits


@pytest.mark.parametrize(("born", "said"), [("1946-03-02", True), ("1946-03-03", False)])
def test_from_80_years_on_the_shipped_model_says_that_it_is_less_sure(lake_of, born, said):
    made = suggested(lake_of(Bedside(born=born).stay(intensive=True).round()))
    assert made.probability is not None
    assert ("over_80" in made.limits) is said


@pytest.mark.parametrize(
    ("thresholds", "option"),
    [
        ({"monitor_from": 0.02, "urgent_from": 0.9, "critical_from": 0.95}, "increase_monitoring"),
        ({"urgent_from": 0.1, "critical_from": 0.95}, "urgent_review"),
        ({"critical_from": 0.3}, "critical_care_review"),
    ],
)
def test_the_hospital_chooses_the_thresholds_of_the_model(lake_of, thresholds, option):
    lake = lake_of(Bedside().stay(intensive=True).round(hr=112))
    made = suggested(lake, usecase=EarlyWarning(taught(wards=False), thresholds))
    assert 0.3 < made.probability < 0.9
    assert made.option == option


def test_without_a_model_news2_speaks_alone_in_intensive_care_too(lake_of):
    use = EarlyWarning()
    use.model = None
    made = suggested(lake_of(Bedside().stay(intensive=True).round(rr=26, spo2=91)), usecase=use)
    assert (made.model, made.probability, made.option) == ("", None, "urgent_review")


def test_a_model_learns_from_no_rule_and_from_the_place_only_where_it_differs(lake_of):
    beds = [Bedside("p").stay().round(), *(Bedside(f"q{n}").stay(intensive=True).round() for n in range(30))]
    lake = lake_of(*beds)
    asked_of = [Candidate(f"Patient/{bed.name}", f"Encounter/{bed.name}-e", MOMENT) for bed in beds]
    use = EarlyWarning()
    both = {item.name for item in use._learnable(use.evidence(lake, asked_of))}
    care = {item.name for item in use._learnable(use.evidence(lake, asked_of[1:]))}
    assert not both & set(RULE_ONLY)
    assert "intensive_care" in both
    assert "intensive_care" not in care
    assert "heart_rate_last" in care
    assert "lactate_last" not in care


def test_the_baselines_are_numbers_for_every_row(lake_of):
    bedside = Bedside().stay().round(NOON - hours(20), rr=30).round()
    use = EarlyWarning()
    evidence = use.evidence(lake_of(bedside), [Candidate("Patient/p", "Encounter/p-e", MOMENT)])
    found = {name: scores.tolist() for name, scores in use.baselines(evidence).items()}
    assert found == {"news2": [0.0], "news2_worst": [3.0]}
    for name in found:
        assert use.card.say(f"baseline.{name}", "nl")


def outcome(lake, moment=MOMENT, at=LATER):
    asked_of = [Candidate("Patient/p", "Encounter/p-e", moment)]
    use = EarlyWarning()
    return use.outcome(lake, asked_of, at)[0], use.practice(lake, asked_of, at)[0]


@pytest.mark.parametrize(("over", "died"), [("exp", True), ("home", False)])
def test_in_intensive_care_the_outcome_is_how_the_stay_ended(lake_of, over, died):
    bedside = Bedside().stay(intensive=True)
    bedside.stay(intensive=True, at=NOON + hours(90), over=over, end=NOON + hours(90))
    lake = lake_of(bedside)
    found, acted = outcome(lake)
    assert (found.value, found.known_at, acted) == (died, NOON + hours(90), None)
    assert outcome(lake, at=NOON + hours(89))[0] is None


def test_a_stay_that_ended_we_know_not_how_has_no_outcome(lake_of):
    bedside = Bedside().stay(intensive=True)
    bedside.stay(intensive=True, at=NOON + hours(9), status="finished")
    assert outcome(lake_of(bedside))[0] is None


@pytest.mark.parametrize(("after", "value"), [(1, True), (24, True), (25, False)])
def test_on_a_ward_it_is_intensive_care_within_24_hours(lake_of, after, value):
    bedside = Bedside().stay().stay(intensive=True, start=MOMENT + hours(after), key="icu")
    found, acted = outcome(lake_of(bedside))
    assert (found.value, acted) == (value, value)


def test_on_a_ward_it_is_death_within_24_hours(lake_of):
    bedside = Bedside().stay().stay(at=MOMENT + hours(6), over="exp", end=MOMENT + hours(5))
    found, acted = outcome(lake_of(bedside))
    assert (found.value, found.label, acted) == (True, "death", False)


def test_on_a_ward_nothing_is_known_before_the_24_hours_are_over(lake_of):
    lake = lake_of(Bedside().stay())
    assert outcome(lake, at=MOMENT + hours(23)) == (None, None)
    assert outcome(lake, at=MOMENT + hours(24))[0].value is False


def test_the_site_is_the_provider_of_the_stay(lake_of):
    use, asked_of = EarlyWarning(), [Candidate("Patient/p", "Encounter/p-e", MOMENT)]
    assert use.sites(lake_of(Bedside().stay()), asked_of) is None
    lake = lake_of(Bedside().stay(serviceProvider={"display": "set a"}))
    assert use.sites(lake, asked_of) == ["set a"]


def test_nothing_recorded_after_the_moment_changes_a_suggestion(lake_of):
    bedside = Bedside().stay(intensive=True).round(NOON, rr=26, spo2=91, hr=112)
    use = EarlyWarning(taught(wards=False))
    before = suggested(lake_of(bedside), usecase=use)
    bedside.round(MOMENT + timedelta(microseconds=1), rr=12, spo2=99, hr=60)
    bedside.measure("8867-4", 60, MOMENT + hours(1), key="p-8867-4-021200", status="corrected")
    bedside.stay(intensive=True, at=MOMENT + hours(2), over="exp", end=MOMENT)
    after = suggested(lake_of(bedside), usecase=use)
    assert msgspec.structs.replace(after, position=before.position) == before
    assert before.as_of > ADMITTED
