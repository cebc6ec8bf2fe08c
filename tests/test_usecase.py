"""The contract of a use case: encoding, identity, finding, what a suggestion is filled with."""

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.card import Text
from vesalius.errors import InvalidCard, InvalidModel, NotFound
from vesalius.usecase import (
    Candidate,
    Evidence,
    Reason,
    Suggestion,
    decode_suggestion,
    encode,
    find,
    installed,
)
from vesalius.usecases.template.usecase import Template
from vesalius.usecases.urine import Urine

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def evidence(*values):
    candidates = tuple(Candidate(f"Patient/{n}", f"Observation/{n}", NOW) for n in range(len(values)))
    table = pa.table({"temperature": pa.array(values, pa.float64())})
    return Evidence(candidates, table, tuple({} for _ in values), 7)


def test_urine_is_found_through_its_entry_point():
    assert find("urine") is Urine
    assert installed()["urine"] is Urine


def test_an_unknown_use_case_is_an_error_that_names_those_there_are():
    with pytest.raises(NotFound, match="urine"):
        find("nothing")


def test_a_suggestion_survives_its_own_bytes():
    (made,) = Template().suggest(evidence(39.5))
    assert decode_suggestion(encode(made)) == made
    assert encode(decode_suggestion(encode(made))) == encode(made)


@pytest.mark.parametrize(
    "change",
    [
        {"position": 8},
        {"as_of": NOW + timedelta(seconds=1)},
        {"focus": "Observation/x"},
        {"model": "other"},
        {"settings": "other"},
        {"version": "2"},
        {"subject": "Patient/x"},
        {"usecase": "x"},
    ],
)
def test_another_question_has_another_id(change):
    (made,) = Template().suggest(evidence(39.5))
    assert msgspec.structs.replace(made, **change).id != made.id


def test_another_answer_to_the_same_question_has_the_same_id():
    (made,) = Template().suggest(evidence(39.5))
    assert msgspec.structs.replace(made, option="nothing").id == made.id


def test_suggestion_fills_in_what_a_replay_needs():
    usecase = Template(settings={"from": 39.5})
    made = usecase.suggestion(evidence(39.0, None), 1, "nothing", Text("option.nothing"))
    assert isinstance(made, Suggestion)
    assert (made.usecase, made.version, made.model) == ("template", "0.1.0", "")
    assert made.settings == usecase.settings_hash != Template().settings_hash
    assert (made.subject, made.focus, made.position) == ("Patient/1", "Observation/1", 7)
    assert (made.indicator, made.missing) == ("info", ("temperature",))
    assert (
        usecase.suggestion(evidence(39.0), 0, "look", Text("option.look"), indicator="critical").indicator
        == "critical"
    )


def test_an_option_that_the_card_lacks_is_refused():
    with pytest.raises(InvalidCard):
        Template().suggestion(evidence(39.0), 0, "operate", Text("option.look"))


def test_a_use_case_of_rules_has_nothing_to_learn_and_no_baseline():
    usecase = Template()
    with pytest.raises(InvalidCard, match="nothing to learn"):
        usecase.learn(evidence(39.0), [True])
    assert usecase.baselines(evidence(39.0)) == {}
    assert usecase.practice(None, evidence(39.0).candidates, NOW) == [None]
    assert usecase.challenger(evidence(39.0), np.array([True])) is None
    assert usecase.sites(None, evidence(39.0).candidates) is None


def test_a_reason_without_advice_has_the_bytes_it_had_before_there_was_advice():
    assert encode(Reason("x", 1.0)) == b'{"input":"x","value":1.0}'
    told = Reason("x", 1.0, advice=Text("advice.x", {"n": 2}))
    assert msgspec.json.decode(encode(told), type=Reason) == told


def test_taking_rows_keeps_candidate_row_and_sources_together():
    three = evidence(38.0, 39.0, None)
    taken = three.take([2, 0])
    assert [each.subject for each in taken.candidates] == ["Patient/2", "Patient/0"]
    assert taken.table["temperature"].to_pylist() == [None, 38.0]
    assert (len(taken), taken.position) == (2, 7)


@given(st.dictionaries(st.text(), st.one_of(st.integers(), st.floats(allow_nan=False), st.text(), st.none())))
def test_equal_values_have_equal_bytes_whatever_their_order(value):
    assert encode(value) == encode(dict(reversed(value.items())))


def test_a_use_case_that_cannot_be_loaded_takes_no_other_down_with_it(monkeypatch, caplog):
    from importlib.metadata import EntryPoint, EntryPoints

    from vesalius import usecase

    ours = EntryPoint("urine", "vesalius.usecases.urine:Urine", usecase.GROUP)
    gone = EntryPoint("broken", "no_such_module_of_theirs:UseCase", usecase.GROUP)
    points = EntryPoints([gone, ours])
    monkeypatch.setattr(usecase, "entry_points", lambda **wanted: points.select(**wanted))
    assert installed() == {"urine": Urine}
    assert "broken cannot be loaded: ModuleNotFoundError" in caplog.text
    with pytest.raises(InvalidCard, match="broken cannot be loaded"):
        find("broken")


def test_evidence_counts_the_rows_in_which_an_input_is_known():
    facts = evidence(39.5, None, 36.0)
    assert (facts.known("temperature"), facts.patients) == (2, ["Patient/0", "Patient/1", "Patient/2"])


def test_a_use_that_ships_a_model_says_whether_it_is_the_one_in_use():
    use = Urine()
    assert use.model.hash == Urine.ships[1]
    assert use.is_shipped
    assert not Urine(msgspec.structs.replace(use.model, base=use.model.base + 1)).is_shipped


def test_a_use_refuses_a_file_that_is_not_the_model_that_it_names(tmp_path):
    (tmp_path / "model.json").write_bytes(Urine().model.to_bytes() + b" ")
    other = type("Other", (Urine,), {"ships": (tmp_path / "model.json", Urine.ships[1])})
    with pytest.raises(InvalidModel, match="names"):
        other()


def test_a_use_whose_file_is_not_there_or_that_ships_none_has_no_model(tmp_path):
    other = type("Other", (Urine,), {"ships": (tmp_path / "model.json", Urine.ships[1])})
    for use in (other(), Template()):
        assert use.model is None
        assert not use.is_shipped
        with pytest.raises(InvalidModel, match="no model"):
            use.needed_model()
