"""Each clinical rule, both ways: where it speaks, and where it does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.usecases.urine import rules
from vesalius.usecases.urine.facts import card
from vesalius.usecases.urine.rules import LADDER, NONE, REFER, START, WAIT, judge, settle

WOMAN = {"age": 40.0, "sex": "female", "nitrite": "negative", "leukocytes_strip": "small", "dysuria": True}


def names(facts, option=WAIT, learnt=()):
    return [verdict.rule for verdict in judge(facts, option, learnt)]


def settled(facts, option, learnt=()):
    return settle(option, judge(facts, option, learnt))


def test_nothing_speaks_for_an_adult_woman_with_dysuria():
    assert names(WOMAN) == []
    assert [settled(WOMAN, option) for option in LADDER] == list(LADDER)


@pytest.mark.parametrize(("age", "rule"), [(17.0, "child"), (None, "age_unknown"), (0.0, "child")])
def test_children_and_unknown_ages_are_out_of_scope_and_get_no_probability(age, rule):
    facts = {**WOMAN, "age": age}
    assert names(facts) == [rule]
    assert settled(facts, START) == REFER
    assert all(verdict.silent for verdict in judge(facts, START))


def test_eighteen_years_is_in_scope():
    assert names({**WOMAN, "age": 18.0}) == []


def test_without_strip_and_count_there_is_no_suggestion():
    facts = {**WOMAN, "nitrite": None, "leukocytes_strip": None}
    assert names(facts) == ["no_urine"]
    assert settled(facts, START) == REFER
    assert names({**facts, "nitrite": "negative"}) == []


@pytest.mark.parametrize(
    "sign", [{"altered_mental_status": True}, {"systolic_pressure": "low"}, {"respiratory_rate": "high"}]
)
@pytest.mark.parametrize("option", LADDER)
def test_a_sign_of_severe_infection_is_critical_and_never_reads_wait_or_none(sign, option):
    verdicts = judge({**WOMAN, **sign}, option)
    severe = next(verdict for verdict in verdicts if verdict.rule == "severe")
    assert (severe.critical, severe.count, severe.source) == (True, 1, "sepsis3")
    assert settle(option, verdicts) == (START if option == START else REFER)


@pytest.mark.parametrize(
    "calm", [{"altered_mental_status": False}, {"systolic_pressure": "high"}, {"respiratory_rate": "low"}, {}]
)
def test_other_values_of_the_same_signs_are_not_severe(calm):
    assert "severe" not in names({**WOMAN, **calm})


def test_all_signs_of_severe_infection_are_counted():
    facts = {**WOMAN, "altered_mental_status": True, "systolic_pressure": "low", "respiratory_rate": "high"}
    assert next(verdict.count for verdict in judge(facts, NONE) if verdict.rule == "severe") == 3


@pytest.mark.parametrize(
    "sign", [{"fever": True}, {"temperature": "high"}, {"flank_pain": True}, {"cva_tenderness": True}]
)
def test_a_possible_upper_infection_is_never_none(sign):
    facts = {**WOMAN, **sign}
    assert names(facts) == ["upper"]
    assert [settled(facts, option) for option in LADDER] == [WAIT, WAIT, START]


def test_the_picture_of_pyelonephritis_does_not_wait_unless_the_urine_makes_it_unlikely():
    facts = {**WOMAN, "fever": True, "flank_pain": True}
    assert names(facts, WAIT) == ["pyelonephritis"]
    assert [settled(facts, option) for option in LADDER] == [WAIT, START, START]


def test_no_fever_and_no_pain_is_no_upper_infection():
    calm = {"fever": False, "temperature": "normal", "flank_pain": False, "cva_tenderness": False}
    assert names({**WOMAN, **calm}) == []


def test_in_pregnancy_the_culture_is_always_taken_and_symptoms_do_not_wait():
    facts = {**WOMAN, "pregnant": True}
    assert [settled(facts, option) for option in LADDER] == [WAIT, START, START]
    assert names(facts, NONE) == ["pregnant"]
    assert names(facts, WAIT) == ["pregnant_symptoms"]


def test_in_pregnancy_without_symptoms_the_culture_decides_unless_the_probability_is_high():
    facts = {**WOMAN, "pregnant": True, "dysuria": False}
    assert names(facts, WAIT) == ["pregnant"]
    assert [settled(facts, option) for option in LADDER] == [WAIT, WAIT, START]


@pytest.mark.parametrize("answer", [False, None])
def test_not_pregnant_or_not_known_changes_nothing(answer):
    assert names({**WOMAN, "pregnant": answer}) == []


def test_a_man_with_symptoms_is_never_none():
    man = {**WOMAN, "sex": "male"}
    assert names(man) == ["man"]
    assert [settled(man, option) for option in LADDER] == [WAIT, WAIT, START]
    assert "man" not in names({**man, "dysuria": False, "fever": True})


@pytest.mark.parametrize("answer", [False, None])
def test_without_a_symptom_bacteria_are_not_treated(answer):
    facts = {**WOMAN, "dysuria": answer}
    assert names(facts) == ["no_symptoms"]
    assert [settled(facts, option) for option in LADDER] == [NONE, WAIT, WAIT]


@pytest.mark.parametrize("sign", ["dysuria", "abdominal_pain", "lower_abdominal_pain", "flank_pain", "fever"])
def test_any_symptom_lifts_the_cap(sign):
    facts = {**WOMAN, "dysuria": None, sign: True}
    assert "no_symptoms" not in names(facts)
    assert settled(facts, START) == START


def test_delirium_alone_is_no_urinary_symptom_but_instability_is_a_reason():
    confused = {**WOMAN, "dysuria": None, "altered_mental_status": True}
    assert settled(confused, START) == REFER
    unstable = {**confused, "systolic_pressure": "low"}
    assert "no_symptoms" not in names(unstable)
    assert settled(unstable, START) == START


def test_a_catheter_without_signs_caps_at_wait():
    facts = {**WOMAN, "catheter": True}
    assert names(facts) == ["catheter"]
    assert [settled(facts, option) for option in LADDER] == [NONE, WAIT, WAIT]


@pytest.mark.parametrize("sign", [{"fever": True}, {"flank_pain": True}, {"lower_abdominal_pain": True}])
def test_a_catheter_with_compatible_signs_caps_nothing(sign):
    facts = {**WOMAN, "catheter": True, **sign}
    assert "catheter" not in names(facts)
    assert settled(facts, START) == START


@pytest.mark.parametrize("answer", [False, None])
def test_no_catheter_caps_nothing(answer):
    assert names({**WOMAN, "catheter": answer}) == []


def test_counts_that_no_model_learnt_from_leave_it_to_the_culture():
    facts = {**WOMAN, "nitrite": None, "leukocytes_strip": None, "bacteria_count": 9000.0}
    assert names(facts) == ["untrained"]
    assert [settled(facts, option) for option in LADDER] == [WAIT, WAIT, WAIT]
    assert judge(facts, WAIT)[-1].silent


def test_counts_that_the_model_learnt_from_are_as_good_as_a_strip():
    facts = {**WOMAN, "nitrite": None, "leukocytes_strip": None, "bacteria_count": 9000.0}
    assert names(facts, learnt=("bacteria_count",)) == []


def test_safety_wins_over_restraint():
    facts = {**WOMAN, "catheter": True, "pregnant": True}
    assert settled(facts, WAIT) == START


VALUES = {
    "number": st.one_of(st.none(), st.floats(0, 110)),
    "boolean": st.sampled_from([None, False, True]),
}
FACTS = st.fixed_dictionaries(
    {item.name: VALUES.get(item.kind, st.sampled_from([None, *item.levels])) for item in card().inputs}
)


@given(facts=FACTS, option=st.sampled_from(LADDER))
def test_every_verdict_has_a_source_and_a_text_and_settles_on_an_option(facts, option):
    verdicts = judge(facts, option)
    texts = card().texts["en"]
    for verdict in verdicts:
        assert verdict.source in {source.key for source in card().sources}
        assert f"rule.{verdict.rule}" in texts
        assert set(verdict.inputs) <= set(facts)
    chosen = settle(option, verdicts)
    assert chosen in (*LADDER, REFER)
    if rules.present(facts, rules.QSOFA):
        assert chosen in (START, REFER)


@given(facts=FACTS)
def test_a_greater_probability_never_gives_less(facts):
    rungs = [settled(facts, option) for option in LADDER]
    known = [LADDER.index(option) for option in rungs if option != REFER]
    assert known == sorted(known)
