"""Options, rules, reasons, advice, limits, proposals."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from discharges import DUE, LEFT, Chart
from hypothesis import given
from hypothesis import strategies as st

from vesalius import fhir
from vesalius.card import LANGUAGES
from vesalius.errors import InvalidCard, InvalidModel
from vesalius.modelling import Scores
from vesalius.usecase import Candidate, Evidence
from vesalius.usecases.readmission import Readmission, advice, facts, proposals, rules
from vesalius.usecases.readmission.suggestions import MOST_ADVICE, Case

CARD = facts.card()
SETTINGS = CARD.fill({})
HOME = {"age": "age_70", "destination": "home", "length_of_stay": 5.0, "diagnoses": 3.0}


def case(probability, known=HOME, added=None):
    """A stay of which the model says ``probability``, with these contributions."""
    added = added or {}
    odds = max(probability, 1e-12) / max(1 - probability, 1e-12)
    logits = np.log([odds * (1 + 1e-12)])
    scores = Scores(
        tuple(added),
        0.0,
        logits,
        (logits - 0.5, logits + 0.5),
        np.array([[True, False]]),
        lambda: np.array([list(added.values())]),
    )
    candidate = Candidate("Patient/p", "Encounter/stay", DUE)
    return Case(
        card=CARD, settings=SETTINGS, facts=known, sources={}, scores=scores, row=0, candidate=candidate
    )


# -- options ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("probability", "option"),
    [(0.0, "usual_care"), (0.1199, "usual_care"), (0.12, "follow_up_call"), (0.2, "transition_bundle")],
)
def test_two_thresholds_part_three_options(probability, option):
    assert case(probability).option == option


def test_where_the_thresholds_cross_the_bundle_wins():
    settings = CARD.fill({"bundle_from": 0.1, "call_from": 0.5})
    assert rules.band(0.3, settings) == "transition_bundle"


def test_a_threshold_outside_its_bounds_is_refused():
    with pytest.raises(InvalidCard, match="bundle_from"):
        Readmission(settings={"bundle_from": 0.01})


@pytest.mark.parametrize(
    ("known", "rule"),
    [
        ({"destination": "death"}, "death"),
        ({"destination": "hospice"}, "hospice"),
        ({"destination": "transfer"}, "transfer"),
        ({"length_of_stay": 0.0}, "day_stay"),
        ({"age": None}, "child"),
    ],
)
def test_out_of_scope_there_is_no_score_and_no_proposal(known, rule):
    said = case(0.6, HOME | known, {"previous_inpatient": 1.0})
    assert (said.option, said.probability, said.interval) == ("out_of_scope", None, None)
    assert said.summary.key == f"summary.{rule}"
    assert said.resources == ()
    assert [reason.rule.key for reason in said.reasons if reason.rule] == [f"rule.{rule}"]
    assert not any(reason.contribution or reason.advice for reason in said.reasons)
    assert said.priority == 0.0


def test_after_heart_failure_nobody_gets_usual_care():
    known = HOME | {"principal_diagnosis": "heart_failure"}
    assert case(0.03, known).option == "follow_up_call"
    assert case(0.3, known).option == "transition_bundle"


@given(
    st.floats(0, 1),
    st.sampled_from(
        [None, *(level for item in CARD.inputs if item.name == "destination" for level in item.levels)]
    ),
)
def test_the_worklist_puts_bundles_before_calls_before_usual_care(probability, destination):
    said = case(probability, HOME | {"destination": destination})
    bounds = {
        "transition_bundle": (0.5, 1),
        "follow_up_call": (0.25, 0.5),
        "usual_care": (0, 0.25),
        "out_of_scope": (0, 0),
    }
    low, high = bounds[said.option]
    assert low <= said.priority <= high


# -- reasons and advice ----------------------------------------------------------------------------------------


def test_what_raises_the_risk_comes_with_what_can_be_done_about_it():
    known = HOME | {
        "previous_inpatient": 4.0,
        "destination": "nursing_home",
        "insulin": "increased",
        "medicines": 20.0,
    }
    added = {"previous_inpatient": 0.9, "destination": 0.3, "insulin": 0.2, "medicines": -0.2}
    reasons = {reason.input: reason for reason in case(0.3, known, added).reasons}
    given = {name: reason.advice.key for name, reason in reasons.items() if reason.advice}
    assert given == {
        "previous_inpatient": "advice.transition",
        "destination": "advice.handover",
        "insulin": "advice.diabetes",
    }


def test_an_advice_is_given_once_and_not_more_than_five():
    known = (
        HOME
        | {f"has_{name}": True for name in advice.BY_DIAGNOSIS}
        | {"previous_inpatient": 3.0, "medicines": 9.0}
    )
    added = {name: 0.5 - place / 100 for place, name in enumerate(known) if name != "age"}
    given = [reason.advice.key for reason in case(0.4, known, added).reasons if reason.advice]
    assert len(given) == len(set(given)) == MOST_ADVICE


def test_with_usual_care_nothing_is_advised():
    assert not any(reason.advice for reason in case(0.02, added={"length_of_stay": 0.5}).reasons)


def test_a_weak_reason_and_one_that_lowers_the_risk_bring_no_advice():
    assert advice.about("previous_inpatient", 3.0, 0.04) is None
    assert advice.about("previous_inpatient", 0.0, -0.5) is None
    assert advice.about("hba1c", None, 0.2) == "hba1c"
    assert advice.about("sex", "female", 0.2) is None


def test_every_advice_can_be_said_in_four_languages_and_names_a_source_of_the_card():
    sources = {source.key for source in CARD.sources}
    assert set(advice.ADVICE) == set(proposals.ACTIVITIES)
    assert set(advice.BY_INPUT.values()) | set(advice.BY_DIAGNOSIS.values()) | set(
        advice.BY_VALUE.values()
    ) == set(advice.ADVICE)
    for name, source in advice.ADVICE.items():
        assert source in sources
        for language in LANGUAGES:
            assert "{" not in CARD.say(advice.text(name), language)


def test_advice_speaks_of_inputs_and_levels_of_the_card():
    levels = {item.name: {*item.levels, None} for item in CARD.inputs}
    assert set(advice.BY_INPUT) <= set(levels)
    assert all(value in levels[name] for name, value in advice.BY_VALUE)
    assert set(advice.BY_DIAGNOSIS) <= levels["principal_diagnosis"]


# -- limits and proposals --------------------------------------------------------------------------------------


def test_limits_of_the_shipped_model_are_not_said_of_another():
    shipped, own = case(0.2).limits(shipped=True), case(0.2).limits(shipped=False)
    assert set(shipped) - set(own) == set(CARD.shipped_limits)
    assert set(own) - set(shipped) == set(CARD.own_limits)
    assert "few_facts" in case(0.2, HOME | {"diagnoses": None}).limits(shipped=True)


def test_proposals_are_drafts_with_their_dates():
    call = case(0.15).resources
    assert [each["resourceType"] for each in call] == ["Task"]
    bundle = case(0.4, HOME | {"previous_inpatient": 2.0}, {"previous_inpatient": 0.6}).resources
    assert [each["resourceType"] for each in bundle] == ["CarePlan", "ServiceRequest", "Task"]
    for resource in bundle:
        fhir.check(resource)
        assert (resource["status"], resource["intent"]) == ("draft", "proposal")
    assert bundle[1]["occurrencePeriod"]["end"] == (DUE + timedelta(days=7)).isoformat()
    assert bundle[2]["restriction"]["period"]["end"] == (DUE + timedelta(hours=72)).isoformat()
    assert bundle[0]["activity"][0]["detail"]["description"] == proposals.ACTIVITIES["transition"]
    assert case(0.01).resources == ()


# -- the whole -------------------------------------------------------------------------------------------------


def test_a_suggestion_adds_up_to_its_probability_and_says_why(lake_with):
    chart = Chart().patient().stay(to="snf").diagnosis("I50.9").diagnosis("N18.5", "kidney")
    for number in range(4):
        chart.stay(f"old{number}", left=LEFT - timedelta(days=30 + 60 * number))
    lake, use = lake_with(chart), Readmission()
    (made,) = use.suggest(use.evidence(lake, use.candidates(lake, DUE - timedelta(hours=1), DUE)))
    assert made.probability is not None
    assert made.interval[0] <= made.probability <= made.interval[1]
    assert made.option in ("transition_bundle", "follow_up_call")
    heaviest = max(
        (reason for reason in made.reasons if not reason.rule), key=lambda reason: reason.contribution
    )
    assert heaviest.input == "previous_inpatient"
    assert len(heaviest.sources) == 4


def test_nobody_is_suggested_nothing_and_without_a_model_nothing_is_said():
    use = Readmission()
    empty = pa.table({item.name: pa.array([], facts.arrow_type(item)) for item in CARD.inputs})
    assert use.suggest(Evidence((), empty, (), 0)) == []
    use.model = None
    with pytest.raises(InvalidModel, match="no model"):
        use.suggest(Evidence((), empty, (), 0))
