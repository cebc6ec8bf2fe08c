"""What is proposed: thresholds, reasons, changes, limits, resources, words."""

import math
from datetime import UTC, datetime

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius import fhir
from vesalius.card import LANGUAGES
from vesalius.errors import InvalidModel
from vesalius.usecase import Candidate, Evidence, encode
from vesalius.usecases.urine.suggestions import ASKABLE, MOST_CHANGES, arrow_type
from vesalius.usecases.urine.urine import Urine

WOMAN = {"age": 40.0, "sex": "female", "nitrite": "negative", "leukocytes_strip": "small", "dysuria": True}


def evidence(*rows):
    candidates = tuple(
        Candidate(f"Patient/{n}", f"Specimen/{n}", datetime(2026, 3, 2, tzinfo=UTC)) for n in range(len(rows))
    )
    columns = {
        item.name: pa.array([row.get(item.name) for row in rows], arrow_type(item))
        for item in Urine.card.inputs
    }
    sources = tuple({name: (f"Observation/{name}/_history/1",) for name in row} for row in rows)
    return Evidence(candidates, pa.table(columns), sources, 3)


def suggestion(facts=None, usecase=None, **more):
    (made,) = (usecase or Urine()).suggest(evidence({**(WOMAN if facts is None else facts), **more}))
    return made


@pytest.mark.parametrize(
    ("start_from", "withhold_below", "option"),
    [(0.2, 0.0, "start"), (0.95, 0.0, "wait"), (0.95, 0.2, "none")],
)
def test_the_two_thresholds_of_the_hospital_decide(start_from, withhold_below, option):
    usecase = Urine(settings={"start_from": start_from, "withhold_below": withhold_below})
    facts = WOMAN if option != "none" else {**WOMAN, "leukocytes_strip": "negative"}
    assert suggestion(facts, usecase).option == option


def test_a_probability_at_the_threshold_starts_and_just_below_it_does_not():
    made = Urine().model.score(evidence(WOMAN).table).probability[0]
    assert suggestion(usecase=Urine(settings={"start_from": made})).option == "start"
    assert suggestion(usecase=Urine(settings={"start_from": math.nextafter(made, 1)})).option == "wait"


def test_reasons_hold_every_known_fact_with_its_sources_the_strongest_first():
    made = suggestion()
    known = [reason for reason in made.reasons if reason.value is not None]
    assert {reason.input for reason in known} == set(WOMAN)
    assert all(reason.sources == (f"Observation/{reason.input}/_history/1",) for reason in known)
    weights = [abs(reason.contribution) for reason in made.reasons]
    assert weights == sorted(weights, reverse=True)


def test_base_and_contributions_are_the_log_odds():
    made = suggestion()
    total = made.base + sum(reason.contribution for reason in made.reasons)
    assert made.probability == round(1 / (1 + math.exp(-total)), 6)
    low, high = made.interval
    assert 0 < low < made.probability < high < 1


def test_rules_come_before_facts_and_name_their_source_in_every_language():
    made = suggestion(pregnant=True)
    assert [reason.input for reason in made.reasons if reason.rule] == ["pregnant_symptoms"]
    assert made.reasons[0].sources == ("Observation/pregnant/_history/1", "Observation/dysuria/_history/1")
    for language in LANGUAGES:
        assert "NICE NG109" in Urine.card.say(made.reasons[0].rule, language)


def test_out_of_scope_there_is_no_probability_and_the_facts_weigh_nothing():
    made = suggestion(age=9.0)
    assert (made.option, made.probability, made.interval, made.base) == ("refer", None, None, 0.0)
    assert all(reason.contribution == 0 for reason in made.reasons)
    assert made.changes == ()
    assert made.resources == ()


def test_counts_are_shown_but_add_nothing_where_the_model_learnt_from_none():
    made = suggestion(bacteria_count=8000.0)
    (reason,) = [reason for reason in made.reasons if reason.input == "bacteria_count"]
    assert (reason.value, reason.contribution) == (8000.0, 0.0)
    assert "flow_cytometry" in made.limits
    assert made.probability == suggestion().probability


def test_severe_infection_is_critical_and_comes_first():
    made = suggestion(systolic_pressure="low", leukocytes_strip="negative")
    assert (made.indicator, made.option, made.priority) == ("critical", "refer", 1.0)
    assert made.probability is not None
    assert "sepsis" in Urine.card.say(made.summary, "en")


def test_the_worklist_puts_critical_before_start_before_refer_before_wait_before_none():
    rows = [
        {**WOMAN, "systolic_pressure": "low"},
        {**WOMAN, "nitrite": "positive", "leukocytes_strip": "large"},
        {**WOMAN, "age": 9.0},
        WOMAN,
        {**WOMAN, "dysuria": False, "lower_abdominal_pain": True, "leukocytes_strip": "negative"},
    ]
    made = Urine(settings={"withhold_below": 0.1}).suggest(evidence(*rows))
    assert [each.option for each in made] == ["refer", "start", "refer", "wait", "none"]
    priorities = [each.priority for each in made]
    assert priorities == sorted(priorities, reverse=True)


def test_what_would_change_it_does_change_it():
    for facts in (WOMAN, {**WOMAN, "pregnant": True}, {**WOMAN, "sex": "male"}, {**WOMAN, "nitrite": None}):
        made = suggestion(facts)
        assert 0 < len(made.changes) <= MOST_CHANGES
        for change in made.changes:
            assert change.input in ASKABLE
            assert suggestion(facts, **{change.input: change.value}).option == change.option != made.option


def test_what_is_not_known_is_offered_before_what_is():
    known = [WOMAN.get(change.input) is not None for change in suggestion().changes]
    assert known == sorted(known)


@pytest.mark.parametrize("more", [{"sex": "male"}, {"age": 70.0}])
def test_a_pregnancy_is_not_offered_to_men_or_late_in_life(more):
    assert "pregnant" not in {change.input for change in suggestion(**more).changes}


@pytest.mark.parametrize(
    ("more", "limit"),
    [
        ({"age": 65.0}, "over_65"),
        ({"sex": "male"}, "men"),
        ({"pregnant": True}, "pregnant"),
        ({"catheter": True}, "catheter"),
        ({"immunocompromised": True}, "immunocompromised"),
        ({"leukocytes_count": 5.0}, "flow_cytometry"),
    ],
)
def test_limits_say_what_was_not_tested_for_this_patient(more, limit):
    assert limit in suggestion(**more).limits
    assert limit not in suggestion().limits


def test_some_limits_hold_for_everyone():
    assert suggestion().limits == ("primary_care", "belgium", "other_symptoms")


def test_a_model_of_the_hospitals_own_does_not_claim_the_limits_of_the_shipped_one():
    shipped = Urine().model
    own = msgspec.structs.replace(shipped, base=shipped.base + 1)
    made = suggestion(usecase=Urine(own), sex="male")
    assert made.limits == ("own_model", "other_symptoms")
    assert made.model == own.hash


@pytest.mark.parametrize(("ordered", "count"), [(None, 1), (False, 1), (True, 0)])
def test_a_culture_is_proposed_once(ordered, count):
    made = suggestion(culture_ordered=ordered)
    assert len(made.resources) == count
    for resource in made.resources:
        fhir.check(resource)
        assert (resource["status"], resource["intent"]) == ("draft", "proposal")
        assert resource["specimen"] == [{"reference": "Specimen/0"}]


def test_nothing_is_proposed_that_names_a_drug():
    words = encode(
        [suggestion(nitrite="positive", leukocytes_strip="large"), suggestion(pregnant=True)]
    ).decode()
    assert "Medication" not in words
    assert "J01" not in words


def test_without_a_model_it_says_how_to_train_one():
    usecase = Urine()
    usecase.model = None
    with pytest.raises(InvalidModel, match="vesalius train urine"):
        usecase.suggest(evidence(WOMAN))


VALUES = {"number": st.one_of(st.none(), st.floats(0, 110)), "boolean": st.sampled_from([None, False, True])}
ROW = st.fixed_dictionaries(
    {item.name: VALUES.get(item.kind, st.sampled_from([None, *item.levels])) for item in Urine.card.inputs}
)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=4))
def test_any_facts_give_one_suggestion_each_that_can_be_said_and_does_not_depend_on_the_others(rows):
    usecase = Urine()
    together = evidence(*rows)
    made = usecase.suggest(together)
    alone = [usecase.suggest(together.take([row]))[0] for row in range(len(rows))]
    assert [encode(each) for each in made] == [encode(each) for each in alone]
    for row, each in zip(rows, made, strict=True):
        assert set(each.missing) == {name for name, value in row.items() if value is None}
        assert {reason.input for reason in each.reasons} >= {
            name for name, value in row.items() if value is not None and name != "culture_ordered"
        }
        for language in LANGUAGES:
            assert "{" not in Urine.card.say(each.summary, language)
            assert all(Urine.card.say(reason.rule, language) for reason in each.reasons if reason.rule)
