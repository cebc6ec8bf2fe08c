"""The work-list: counted from the log, exact, made again at will, and without words about one person."""

import json
from itertools import islice

import pytest
from lab import LAB, LOINC, POTASSIUM, UCUM, at, receive, result, words

from vesalius import identity, terminology
from vesalius.errors import Conflict
from vesalius.identity import _tables as identity_tables
from vesalius.lake import erasing
from vesalius.lake._version import MADE_HERE
from vesalius.terminology import TEXT, Decision, Key, decide, seen, worklist
from vesalius.terminology._progress import Place

WHO = {"by": "vermeulen", "reason": "the laboratory's own list"}
K = Key("Observation.code", LAB, "K", "mmol/L")


def counted(lake, **filters):
    while not terminology.refresh(lake):
        pass
    return worklist(lake.engine, **filters)


def about(patient: str) -> dict:
    return {"subject": {"reference": f"Patient/{patient}"}}


def test_local_codes_come_by_frequency_with_their_feeds_and_units(lake):
    receive(lake, *(result(f"a{number}") for number in range(3)), source="north", received_at=at(30))
    receive(lake, *(result(f"b{number}") for number in range(2)), source="south", received_at=at(40))
    receive(lake, result("c", "NA"), result("d", valueQuantity={"value": 1, "unit": "mg/dl"}), source="south")
    found = counted(lake)
    assert [(each.key, each.count) for each in found.entries] == [
        (K, 5),
        (Key("Observation.code", LAB, "K", "mg/dl"), 1),
        (Key("Observation.code", LAB, "NA", "mmol/L"), 1),
    ]
    assert found.entries[0].feeds == {"north": 3, "south": 2}
    assert (found.entries[0].first_seen, found.entries[0].last_seen) == (at(30), at(40))
    assert found.entries[0].names == ("Kalium",)
    assert [each.count for each in counted(lake, source="north").entries] == [3]
    assert not counted(lake, kind="Quantity").entries


def test_what_came_with_a_standard_code_is_coded_and_in_no_work_list(lake):
    both = {"code": {"coding": [{"system": LAB, "code": "K"}, {"system": LOINC, "code": "2823-3"}]}}
    receive(lake, result("a") | both, result("b"))
    found = counted(lake, kind="Observation.code")
    assert [each.count for each in found.entries] == [1]
    assert (found.whole.total, found.whole.standard, found.whole.before) == (2, 1, 0.5)


def test_mapping_and_applying_change_the_share_and_never_the_counts(lake):
    receive(lake, result("a"), result("b"), result("c", "NA"))
    before = counted(lake, kind="Observation.code")
    assert before.curve() == [0.0, 2 / 3, 1.0]
    decide(lake.engine, POTASSIUM, **WHO)
    mapped = worklist(lake.engine, kind="Observation.code")
    assert (mapped.whole.before, mapped.whole.after) == (0.0, 2 / 3)
    assert [each.key.code for each in mapped.open] == ["NA"]
    terminology.apply(lake)
    receive(lake, result("d"))
    after = counted(lake, kind="Observation.code")
    assert [(each.key.code, each.count) for each in after.entries] == [("K", 3), ("NA", 1)]


def test_a_batch_is_counted_once_whatever_interrupts_it(lake):
    receive(lake, *(result(f"a{number}") for number in range(30)))
    assert not terminology.refresh(lake, limit=10)
    assert worklist(lake.engine).entries[0].count == 10
    assert terminology.behind(lake) == 20

    receive(lake, *(result(f"b{number}") for number in range(30)))
    part = list(islice(lake.versions("Observation"), 20))
    with pytest.raises(Conflict):  # of somebody who began before the ten were counted
        seen._count(lake.engine, "Observation", Place(), part, frozenset())
    assert counted(lake).entries[0].count == 60


def test_counting_again_gives_the_same(lake):
    receive(
        lake, *(result(f"a{number}") for number in range(5)), *(words(f"w{n}", "Natrium") for n in range(4))
    )
    terminology.refresh(lake, limit=4)
    decide(lake.engine, POTASSIUM, **WHO)
    terminology.apply(lake)
    first = counted(lake)
    terminology.recount(lake.engine)
    assert counted(lake) == first


def test_words_about_one_patient_or_too_long_are_counted_and_not_shown(lake):
    receive(
        lake,
        *(words(f"a{number}", "Jan Peeters belt terug", **about("p1")) for number in range(5)),
        *(words(f"b{number}", "Ionen", **about(f"p{number}")) for number in range(2)),
        *(words(f"c{number}", "x" * 81, **about(f"p{number}")) for number in range(3)),
    )
    found = counted(lake, kind="Observation.code")
    assert [(each.name, each.count) for each in found.entries] == [("Ionen", 2)]
    assert found.hidden == 8
    assert found.whole.total == 10


def test_a_name_that_came_once_is_not_shown(lake):
    receive(
        lake, result("a") | {"code": {"coding": [{"system": LAB, "code": "K"}], "text": "voor Jan Peeters"}}
    )
    (found,) = counted(lake, kind="Observation.code").entries
    assert (found.names, found.name) == ((), "K")


def test_a_name_about_one_patient_is_not_shown_however_often_it_came(lake):
    named = {"code": {"coding": [{"system": LAB, "code": "K"}], "text": "voor Jan Peeters"}}
    receive(lake, *(result(f"a{number}") | named | about("p1") for number in range(3)))
    receive(lake, result("b", **about("p2")))
    receive(lake, result("c", **about("p3")))
    (found,) = counted(lake, kind="Observation.code").entries
    assert found.names == ("Kalium",)
    assert "voor Jan Peeters" in found.guesses


def test_the_usual_size_is_told_of_many_and_names_no_single_value(lake):
    receive(
        lake,
        *(
            result(f"a{number}", valueQuantity={"value": 3 + number / 100, "unit": "x"})
            for number in range(99)
        ),
    )
    receive(lake, result("few", "NA"))
    many, few = (each for each in counted(lake, kind="Observation.code").entries)
    low, high = many.usual
    assert low <= 3.1
    assert high >= 3.9
    assert low > 2
    assert high < 6
    assert few.usual is None
    text = json.dumps([each.decode() if isinstance(each, bytes) else str(each) for each in many.usual])
    assert "3.37" not in text


def test_units_in_words_are_on_the_list_and_ucum_is_coded(lake):
    receive(
        lake, *(result(f"a{n}", valueQuantity={"value": 1, "unit": "G/L"}) for n in range(3)), result("b")
    )
    found = counted(lake, kind="Quantity")
    assert [(each.key, each.count) for each in found.entries] == [(Key("Quantity", TEXT, "G/L", ""), 3)]
    assert found.whole.standard == 1


def test_what_other_elements_hold_is_counted_too(lake):
    receive(
        lake,
        {"resourceType": "Specimen", "id": "s", "type": {"coding": [{"system": LAB, "code": "UR"}]}},
        {
            "resourceType": "MedicationRequest", "id": "m", "status": "active", "intent": "order",
            "medicationCodeableConcept": {"coding": [{"system": LAB, "code": "AMOX"}]}, **about("p1"),
        },
        {
            "resourceType": "Condition", "id": "c", **about("p1"),
            "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "N39.0"}]},
        },
    )  # fmt: skip
    found = counted(lake)
    assert {(each.key.kind, each.key.code) for each in found.entries} == {
        ("Specimen.type", "UR"),
        ("Medication", "AMOX"),
    }
    assert [(each.name, each.before) for each in found.kinds if each.name == "Condition.code"] == [
        ("Condition.code", 1.0)
    ]


def test_what_no_database_takes_is_counted_without_a_name(lake):
    receive(lake, result("a", "K\0"), result("b", "K" * 300))
    found = counted(lake, kind="Observation.code")
    assert not found.entries
    assert found.hidden == 2


def test_suggestions_come_from_senders_names_and_the_table(lake):
    both = {"code": {"coding": [{"system": LAB, "code": "X1"}, {"system": LOINC, "code": "2951-2"}]}}
    same = {"code": {"coding": [{"system": LOINC, "code": "2075-0"}], "text": "Chloor Z"}}
    receive(
        lake,
        result("a", "X1"),
        result("b") | both,
        result("c") | same,
        words("d", "chloor z"),
        words("e", "Chloor Z"),
    )
    spelled = {"valueQuantity": {"value": 1, "unit": "mmol/l"}}
    receive(
        lake, result("k"), *(result(f"f{number}", **spelled, **about(f"p{number}")) for number in range(2))
    )
    found, guesses = counted(lake), terminology.Suggestions(lake.engine)
    best = {each.key.code: guesses.of(each)[0] for each in found.entries if guesses.of(each)}
    assert (best["X1"].code, best["X1"].why, best["X1"].seen) == ("2951-2", "beside", 1)
    assert (best["chloor z"].code, best["chloor z"].why) == ("2075-0", "same-name")
    assert (best["K"].code, best["K"].why) == ("2823-3", "table")
    assert (best["mmol/l"].code, best["mmol/l"].system) == ("mmol/L", UCUM)


def test_not_mappable_is_a_decision_too(lake):
    receive(lake, words("a", "Ionen"), words("b", "Ionen"))
    nothing = Decision(system=TEXT, code="ionen", kind="Observation.code", equivalence="unmatched")
    decide(lake.engine, nothing, **WHO)
    found = counted(lake, kind="Observation.code")
    assert not found.open
    assert not found.entries[0].mapped
    assert found.whole.after == 0.0


def test_what_a_merge_copied_is_counted_with_the_feed_that_sent_it(lake):
    people = [{"resourceType": "Patient", "id": each, "gender": "female"} for each in ("a", "b")]
    receive(lake, *people, result("x", **about("a")), source="north")
    identity.merge(lake, "a", "b", by="records", reason="one")
    assert lake.read("Observation/x").source == "identity"
    assert counted(lake).entries[0].feeds == {"north": 1}


def test_every_room_that_writes_versions_is_known_not_to_be_a_feed():
    assert {terminology.application.SOURCE, identity_tables.SOURCE, erasing.SOURCE} == MADE_HERE
