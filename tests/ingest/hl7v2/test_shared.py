"""A value that resources share is copied before anything is put into it."""

from pathlib import Path

from vesalius.ingest import hl7v2
from vesalius.ingest.hl7v2._language import path
from vesalius.ingest.hl7v2._paths import merge, setter
from vesalius.ingest.hl7v2._run import Run
from vesalius.ingest.hl7v2._shared import Known, own
from vesalius.ingest.hl7v2._structure import Frame, structure

RAW = (Path(__file__).parent / "pairs" / "admission-nl-latin1.hl7").read_bytes()


def begun() -> Run:
    return Run(hl7v2.parse(RAW), hl7v2.Tables.standard(), Frame(structure("ADT_A01", []), None))


def code() -> Known:
    return Known({"coding": [{"code": "B"}]})


def test_what_is_put_into_a_shared_element_changes_only_that_resource():
    run, shared, one, other = begun(), code(), {}, {}
    whole, text = (setter("Observation", path(each), -1, "") for each in ("code", "code.text"))
    whole.put(run, one, shared, 0)
    whole.put(run, other, shared, 0)
    text.put(run, one, "potassium", 0)
    whole.put(run, one, Known({"coding": [{"code": "C"}]}), 0)
    assert one == {"code": {"coding": [{"code": "B"}, {"code": "C"}], "text": "potassium"}}
    assert other["code"] is shared
    assert shared == code()


def test_of_two_equal_values_in_a_list_only_the_one_that_is_meant_changes():
    run, shared, resource = begun(), code(), {}
    whole, text = (setter("Observation", path(each), 0, "") for each in ("category", "category.text"))
    for repetition in range(3):
        whole.put(run, resource, shared, repetition)
    text.put(run, resource, "second", 1)
    whole.put(run, resource, {"text": "third"}, 2)
    assert resource["category"] == [
        code(),
        {"coding": [{"code": "B"}], "text": "second"},
        {"coding": [{"code": "B"}], "text": "third"},
    ]
    assert shared == code()


def test_merging_takes_nothing_of_a_shared_value_with_it():
    run, shared = begun(), code()
    known: dict = {"inner": shared}
    merge(run, known, shared)
    known["coding"].append({"code": "D"})
    merge(run, known, {"inner": {"text": "x"}})
    assert known["inner"] == {"coding": [{"code": "B"}], "text": "x"}
    assert shared == code()


def test_a_copy_shares_nothing():
    shared = code()
    own(shared)["coding"][0]["code"] = "E"
    assert type(own(shared)) is dict
    assert shared == code()
