"""Mapping once for all data: what arrives, what is there, as it was known, and back again."""

import random
import signal
import subprocess
import sys
import time

import pytest
from lab import LAB, LOINC, POTASSIUM, UCUM, at, codes, receive, result, words

from vesalius import fhir
from vesalius.errors import Conflict, NotAllowed
from vesalius.lake import Lake, Recoding
from vesalius.store import open_store, writing
from vesalius.terminology import (
    MARK,
    TEXT,
    Codebook,
    Decision,
    Translation,
    apply,
    decide,
    decisions,
    waiting,
    withdraw,
)
from vesalius.views import View

WHO = {"by": "vermeulen", "reason": "the laboratory's own list"}


def test_what_arrives_gets_the_standard_coding_beside_the_local_one(lake):
    made = decide(lake.engine, POTASSIUM, **WHO)
    receive(lake, result())
    local, added = lake.read("Observation/o1").resource["code"]["coding"]
    assert local == {"system": LAB, "code": "K", "userSelected": True}
    mark = {"url": MARK, "valueUri": f"urn:uuid:{made.uid}"}
    assert added == {"extension": [mark], "system": LOINC, "code": "2823-3"}
    fhir.check(lake.read("Observation/o1").body)


def test_what_matches_no_mapping_is_kept_byte_for_byte(lake):
    decide(lake.engine, POTASSIUM, **WHO)
    receive(lake, result(code="NA"))
    assert lake.read("Observation/o1").version == 1
    assert codes(lake.read("Observation/o1")) == ["NA"]


def test_the_past_is_recoded_at_the_moment_at_which_it_was_known(lake):
    receive(lake, result(issued=1), result("o2", "NA"))
    before = lake.position()
    raw = lake.read("Observation/o1").body
    decide(lake.engine, POTASSIUM, **WHO)
    assert waiting(lake.engine) == 1
    assert apply(lake) == 1
    assert waiting(lake.engine) == 0
    assert codes(lake.read("Observation/o1")) == ["K", "2823-3"]
    assert codes(lake.read("Observation/o1", as_of=at(1))) == ["K", "2823-3"]
    assert lake.read("Observation/o1", as_of=at(0.9)) is None
    assert lake.pinned(before).read("Observation/o1").body == raw
    assert [each.recorded_at for each in lake.history("Observation/o1")] == [at(1), at(1)]
    assert codes(lake.read("Observation/o2")) == ["NA"]


def test_applying_again_adds_nothing_and_withdrawing_takes_away_what_was_added(lake):
    receive(lake, result(), words("o2", "Kalium :"))
    raw = {each: fhir.digest(lake.read(each).body) for each in ("Observation/o1", "Observation/o2")}
    first = decide(lake.engine, POTASSIUM, **WHO)
    second = decide(
        lake.engine,
        Decision(
            system=TEXT, code="KALIUM", kind="Observation.code", target_system=LOINC, target_code="2823-3"
        ),
        **WHO,
    )
    assert apply(lake) == 2
    assert codes(lake.read("Observation/o2")) == ["2823-3"]
    assert apply(lake) == 0
    receive(lake, result("o3"))
    for made in (first, second):
        withdraw(lake.engine, made.uid, by="segers", reason="another method")
    assert waiting(lake.engine) == 2
    assert apply(lake) == 3
    assert {each: fhir.digest(lake.read(each).body) for each in raw} == raw
    assert codes(lake.read("Observation/o3")) == ["K"]
    receive(lake, result("o4"))
    assert codes(lake.read("Observation/o4")) == ["K"]


def test_mapped_again_after_a_withdrawal_it_is_coded_again(lake):
    receive(lake, result())
    for _ in range(2):
        made = decide(lake.engine, POTASSIUM, **WHO)
        assert apply(lake) == 1
        assert codes(lake.read("Observation/o1")) == ["K", "2823-3"]
        withdraw(lake.engine, made.uid, by="segers", reason="no")
        assert apply(lake) == 1
        assert codes(lake.read("Observation/o1")) == ["K"]


def test_a_file_that_comes_again_after_the_mapping_adds_nothing(lake):
    receive(lake, result())
    decide(lake.engine, POTASSIUM, **WHO)
    apply(lake)
    again = receive(lake, result(), words("other", "x"))  # other bytes: it is read again
    assert (again.written, again.unchanged) == (1, 1)


def test_of_what_was_known_at_several_moments_each_is_recoded_and_the_order_stays(lake):
    receive(lake, result(issued=1))
    receive(lake, result(issued=3, status="corrected"))
    decide(lake.engine, POTASSIUM, **WHO)
    assert apply(lake) == 2
    assert lake.read("Observation/o1").resource["status"] == "corrected"
    assert lake.read("Observation/o1", as_of=at(2)).resource["status"] == "final"
    for moment in (at(2), at(4)):
        assert codes(lake.read("Observation/o1", as_of=moment)) == ["K", "2823-3"]
    assert [each.version for each in lake.history("Observation/o1")] == [1, 2, 3, 4]


def test_a_version_that_a_later_one_of_the_same_moment_hides_is_not_brought_back(lake):
    receive(lake, result(valueQuantity={"value": 4}))
    receive(lake, result(valueQuantity={"value": 5}))
    decide(lake.engine, POTASSIUM, **WHO)
    assert apply(lake) == 1
    assert lake.read("Observation/o1").resource["valueQuantity"] == {"value": 5}


def test_a_correction_that_comes_between_reading_and_writing_is_not_hidden(lake):
    receive(lake, result(valueQuantity={"value": 4}))
    decide(lake.engine, POTASSIUM, **WHO)
    old = lake.read("Observation/o1")
    new = Codebook(decisions(lake.engine)).recoded(old.resource)
    receive(lake, result(valueQuantity={"value": 5}))
    with writing(lake.engine) as connection:
        done = lake.recode([Recoding(old, fhir.dump(new))], "test", at(30), connection)
    assert (done.written, done.unchanged) == (0, 1)
    assert lake.read("Observation/o1").resource["valueQuantity"] == {"value": 5}


def test_a_pinned_lake_is_not_recoded(lake):
    with writing(lake.engine) as connection, pytest.raises(NotAllowed):
        lake.pinned(0).recode([], "test", at(1), connection)


def test_what_arrives_by_an_old_codebook_is_found_by_the_next_application(lake, monkeypatch):
    monkeypatch.setattr(Translation, "_refresh", lambda self: None)
    stale = Translation(lake.engine)
    decide(lake.engine, POTASSIUM, **WHO)
    apply(lake)
    assert stale(result()) is None
    monkeypatch.setattr(Codebook, "recoded", lambda *_: None)
    receive(lake, result())
    monkeypatch.undo()
    assert codes(lake.read("Observation/o1")) == ["K"]
    assert apply(lake) == 1
    assert codes(lake.read("Observation/o1")) == ["K", "2823-3"]


def test_a_long_running_translation_learns_of_a_decision(lake, monkeypatch):
    translation = Translation(lake.engine)
    assert translation(result()) is None
    decide(lake.engine, POTASSIUM, **WHO)
    monkeypatch.setattr(translation, "_until", 0.0)
    assert [each["code"] for each in translation(result())["code"]["coding"]] == ["K", "2823-3"]


def test_a_decision_during_an_application_waits_for_the_next(lake, monkeypatch):
    receive(lake, result(), words("o2", "Kalium"))
    decide(lake.engine, POTASSIUM, **WHO)

    def meddle(*_):
        if len(decisions(lake.engine)) == 1:
            by_words = {"kind": "Observation.code", "target_system": LOINC, "target_code": "2823-3"}
            decide(lake.engine, Decision(system=TEXT, code="kalium", **by_words), **WHO)

    assert apply(lake, tick=meddle) == 1
    assert waiting(lake.engine) == 1
    assert apply(lake) == 1
    assert waiting(lake.engine) == 0


def test_two_that_apply_at_once_do_not_both_go_on(lake):
    receive(lake, result())
    decide(lake.engine, POTASSIUM, **WHO)
    met = []

    def meddle(type_, *_):
        if type_ == "Observation" and not met:
            met.append(apply(lake))

    with pytest.raises(Conflict):
        apply(lake, tick=meddle)
    apply(lake)
    assert len(lake.history("Observation/o1")) == 2


def test_a_unit_in_words_gets_its_ucum_code_and_keeps_its_value(lake):
    quantity = {"value": 140.0, "unit": "G/L"}
    receive(lake, result(valueQuantity=quantity, referenceRange=[{"low": {"value": 1, "unit": "G/L"}}]))
    unit = Decision(system=TEXT, code="G/L", kind="Quantity", target_system=UCUM, target_code="10*9/L")
    in_giga = {"unit": "G/L", "target_system": LOINC, "target_code": "777-3"}
    made = decide(lake.engine, unit, **WHO)
    decide(lake.engine, Decision(system=LAB, code="K", **in_giga), **WHO)
    assert apply(lake) == 1
    found = lake.read("Observation/o1").resource
    assert codes(lake.read("Observation/o1")) == ["K", "777-3"]
    assert found["valueQuantity"] | {"extension": []} == quantity | {
        "extension": [], "system": UCUM, "code": "10*9/L",
    }  # fmt: skip
    assert found["referenceRange"][0]["low"]["code"] == "10*9/L"
    fhir.check(lake.read("Observation/o1").body)
    assert apply(lake) == 0
    withdraw(lake.engine, made.uid, by="segers", reason="no")
    assert apply(lake) == 1
    assert lake.read("Observation/o1").resource["valueQuantity"] == quantity


VIEW = View.load(
    {
        "resourceType": "ViewDefinition",
        "status": "active",
        "resource": "Observation",
        "name": "loinc",
        "select": [
            {
                "column": [
                    {"name": "id", "path": "getResourceKey()"},
                    {"name": "loinc", "path": f"code.coding.where(system='{LOINC}').code.first()"},
                ]
            }
        ],
    }
)


def loinc(lake) -> list[tuple[str, str | None]]:
    """What SQL reads: of every version, in order of arrival."""
    rows = sorted(VIEW.table(lake).to_pylist(), key=lambda row: row["_seq"])
    return [(row["_recorded_at"], row["id"].removeprefix("Observation/"), row["loinc"]) for row in rows]


def test_the_typed_columns_show_the_coding_as_of_then_and_not_to_the_pinned(lake):
    receive(lake, result(), result("o2", "NA"))
    lake.refresh_columns()
    before = lake.position()
    decide(lake.engine, POTASSIUM, **WHO)
    apply(lake)
    raw = [(at(1), "o1", None), (at(1), "o2", None)]
    assert loinc(lake.pinned(before)) == raw
    assert loinc(lake) == [*raw, (at(1), "o1", "2823-3")]


CODE = """
import sys
from pathlib import Path
from vesalius.lake import Lake
from vesalius.store import open_store
from vesalius.terminology import application
application.WRITTEN = 20
home = Path(sys.argv[1])
lake = Lake(open_store(f"sqlite:///{home / 'hospital.sqlite'}"), home / "columns")
application.apply(lake, tick=lambda *done: print(*done, flush=True))
print("end", flush=True)
"""


def test_killed_at_random_moments_it_goes_on_and_codes_each_once(tmp_path):
    engine = open_store(f"sqlite:///{tmp_path / 'hospital.sqlite'}")
    lake = Lake(engine, tmp_path / "columns")
    receive(lake, *(result(f"o{number}") for number in range(2_000)))
    decide(engine, POTASSIUM, **WHO)
    chance, kills = random.Random(7), 0
    for _ in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", CODE, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(chance.randrange(1, 15)):
            process.stdout.readline()
        time.sleep(chance.random() * 0.01)
        process.send_signal(signal.SIGKILL)
        process.stdout.close()
        kills += process.wait() == -signal.SIGKILL
    assert kills
    apply(lake)
    assert all(len(lake.history(f"Observation/o{number}")) == 2 for number in range(2_000))
    assert all(codes(each) == ["K", "2823-3"] for each in lake.resources("Observation"))
    assert waiting(engine) == 0
    engine.dispose()
