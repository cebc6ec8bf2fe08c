"""Decisions: what can be decided, what is in force, and what stands in their way."""

import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lab import DAY, LAB, LOINC, POTASSIUM, UCUM, result

from vesalius import fhir
from vesalius.errors import Conflict, InvalidMap, NotFound
from vesalius.terminology import (
    APPLIED,
    EQUIVALENCES,
    TEXT,
    Codebook,
    Decision,
    Withdrawal,
    decide,
    decisions,
    in_force,
    withdraw,
)
from vesalius.terminology.concepts import Key, plain
from vesalius.terminology.mappings import checked

WHO = {"by": "vermeulen", "reason": "the laboratory's own list"}
SNOMED = "http://snomed.info/sct"


def made(number: int = 1, **changes) -> Decision:
    return msgspec.structs.replace(POTASSIUM, id=number, uid=f"u{number}", at=DAY, **changes)


@pytest.mark.parametrize(
    "change",
    [
        {"target_code": "2823-4"},
        {"target_code": "K"},
        {"target_system": "http://example.org/own"},
        {"target_system": SNOMED, "target_code": "112283008"},
        {"target_system": UCUM, "target_code": "mmol / L", "kind": "Quantity"},
        {"kind": "Observation.interpretation"},
        {"kind": "Observation.nothing"},
        {"system": LOINC, "code": "2823-3"},
        {"system": TEXT},
        {"code": " "},
        {"system": ""},
        {"code": "x" * 256},
        {"code": "K\0"},
        {"equivalence": "same"},
        {"equivalence": "unmatched"},
    ],
    ids=str,
)
def test_what_cannot_be_decided_is_refused_with_its_reason(change):
    with pytest.raises(InvalidMap):
        checked(made(**WHO | change))


@pytest.mark.parametrize("missing", [{"by": " "}, {"reason": ""}, {"reason": "x" * 2001}])
def test_a_decision_needs_a_person_and_a_reason(missing):
    with pytest.raises(InvalidMap):
        checked(made(**WHO | missing))


def test_the_last_decision_on_a_code_counts_and_the_same_one_twice_is_refused(engine):
    decide(engine, POTASSIUM, **WHO)
    with pytest.raises(Conflict):
        decide(engine, POTASSIUM, **WHO)
    other = decide(engine, msgspec.structs.replace(POTASSIUM, target_code="6298-4"), **WHO)
    assert [each.uid for each in in_force(decisions(engine))] == [other.uid]
    assert len(decisions(engine)) == 2


def test_not_mappable_ends_a_mapping_and_a_mapping_ends_not_mappable(engine):
    decide(engine, POTASSIUM, **WHO)
    nothing = Decision(system=LAB, code="K", equivalence="unmatched")
    decide(engine, nothing, **WHO)
    assert [each.equivalence for each in in_force(decisions(engine))] == ["unmatched"]
    decide(engine, POTASSIUM, **WHO)
    assert [each.equivalence for each in in_force(decisions(engine))] == ["equivalent"]


def test_a_code_can_have_a_target_in_each_of_several_systems(engine):
    drug = Decision(system=LAB, code="AMOX", target_system="http://www.whocc.no/atc", target_code="J01CA04")
    decide(engine, drug, **WHO)
    decide(engine, msgspec.structs.replace(drug, target_system=SNOMED, target_code="27658006"), **WHO)
    found = Codebook(decisions(engine)).targets([Key("Medication", LAB, "AMOX", "")])
    assert [each.target_code for each in found] == ["J01CA04", "27658006"]


def test_a_withdrawal_is_kept_with_its_reason_and_made_only_once(engine):
    first = decide(engine, POTASSIUM, **WHO)
    withdraw(engine, first.uid, by="segers", reason="wrong specimen", at=DAY)
    (found,) = decisions(engine)
    assert (found.withdrawn.by, found.withdrawn.reason, found.withdrawn.at) == (
        "segers",
        "wrong specimen",
        DAY,
    )
    assert not in_force(decisions(engine))
    with pytest.raises(Conflict):
        withdraw(engine, first.uid, by="segers", reason="again")
    with pytest.raises(NotFound):
        withdraw(engine, "nothing", by="segers", reason="again")
    with pytest.raises(InvalidMap):
        withdraw(engine, first.uid, by="segers", reason=" ")


def test_a_mapping_for_one_unit_comes_before_one_for_any_and_holds_for_no_other():
    book = Codebook([made(1), made(2, unit="mg/dL", target_code="2339-0")])
    target = {
        unit: book.targets([Key("Observation.code", LAB, "K", unit)])[0].target_code for unit in ("", "mg/dL")
    }
    assert target == {"": "2823-3", "mg/dL": "2339-0"}
    only = Codebook([made(1, unit="")])
    assert not only.targets([Key("Observation.code", LAB, "K", "mg/dL")])


def test_a_mapping_of_any_kind_holds_only_where_its_target_is_standard():
    book = Codebook([made(1)])
    assert book.targets([Key("ServiceRequest.code", LAB, "K", "")])
    assert not book.targets([Key("Observation.interpretation", LAB, "K", "")])
    assert not book.targets([Key("Quantity", LAB, "K", "")])


@pytest.mark.parametrize("equivalence", EQUIVALENCES)
def test_only_what_is_true_of_the_local_code_is_added_to_data(equivalence):
    target = {} if equivalence != "unmatched" else {"target_system": "", "target_code": ""}
    book = Codebook([made(1, equivalence=equivalence, **target)])
    assert (book.recoded(result()) is not None) == (equivalence in APPLIED)


def test_a_concept_that_came_with_a_code_of_that_system_gets_no_other():
    coded = {"coding": [{"system": LAB, "code": "K"}, {"system": LOINC, "code": "6298-4"}]}
    assert Codebook([made(1)]).recoded(result() | {"code": coded}) is None


def test_a_mark_of_another_hospital_is_left_alone():
    book, there = Codebook([made(1)]), Codebook([made(2, target_code="6298-4")])
    elsewhere = there.recoded(result())
    assert book.recoded(elsewhere) is None


def test_decimals_keep_their_digits():
    body = fhir.load(json.dumps(result()).replace('"value": 4', '"value": 4.00').encode())
    assert (
        Codebook([made(1)]).recoded(body)["valueQuantity"]["value"].as_tuple() == Decimal("4.00").as_tuple()
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["code", "coding", "system", "text", "unit", "valueQuantity", "component", "extension", "url"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)
UNIT = Decision(
    system=TEXT, code="G/L", kind="Quantity", target_system=UCUM, target_code="10*9/L", id=9, uid="u9", at=DAY
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(["code", "component", "valueQuantity", "interpretation"]), JSON))
def test_no_shape_of_a_resource_breaks_the_step_and_it_is_its_own_fixed_point(body):
    book = Codebook([made(1), UNIT])
    resource = {"resourceType": "Observation", **body}
    before = json.dumps(resource)
    once = book.recoded(resource)
    assert json.dumps(resource) == before, "what was given is not changed"
    assert once is None or book.recoded(once) is None


CODING = st.fixed_dictionaries(
    {"system": st.sampled_from([LAB, LOINC, SNOMED]), "code": st.sampled_from("KN")}
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(CODING, max_size=3),
    st.sampled_from(["", "Kalium", "Natrium"]),
    st.sampled_from(["", "G/L", "%"]),
)
def test_withdrawing_gives_back_exactly_what_was_received(of, text, unit):
    concept = ({"coding": of} if of else {}) | ({"text": text} if text else {})
    resource = {"resourceType": "Observation", "code": concept, "valueQuantity": {"value": 1, "unit": unit}}
    named = made(2, system=TEXT, code=plain("KALIUM"), kind="Observation.code")
    everything = [made(1), named, UNIT]
    done = Codebook(everything).recoded(resource)
    if done is not None:
        back = Withdrawal("segers", DAY, "no", 99)
        nothing = Codebook(msgspec.structs.replace(each, withdrawn=back) for each in everything)
        assert nothing.recoded(done) == resource
        kept = [each for each in done["code"].get("coding", []) if "extension" not in each]
        assert kept == of
