"""A model is a file that can be checked with a pencil."""

import itertools
import math

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.errors import InvalidModel
from vesalius.modelling import Model, Term, _file, points_of
from vesalius.modelling import model as module
from vesalius.modelling._arithmetic import exponential, probability


def test_the_file_comes_back_as_it_was(model):
    again = Model.from_bytes(model.to_bytes())
    assert again == model
    assert again.hash == model.hash
    assert again.to_bytes() == model.to_bytes()


def test_any_damaged_byte_is_refused(model):
    raw = model.to_bytes()
    for place in range(0, len(raw), max(1, len(raw) // 200)):
        broken = bytearray(raw)
        broken[place] ^= 1
        with pytest.raises(InvalidModel):
            Model.from_bytes(bytes(broken))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        b"\x80\x04K\x01.",
        b"null",
        b"\xff\xfe",
        b'{"model":{},"schema":"vesalius-model-1","sha256":""}',
    ],
)
def test_what_is_not_a_model_is_refused(raw):
    with pytest.raises(InvalidModel):
        Model.from_bytes(raw)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail_otherwise(raw):
    with pytest.raises(InvalidModel):
        Model.from_bytes(raw)


def test_a_truncated_file_is_refused(model):
    with pytest.raises(InvalidModel, match="cannot be read"):
        Model.from_bytes(model.to_bytes()[:-20])


def test_another_schema_is_refused_by_its_name(model):
    raw = model.to_bytes().replace(b"vesalius-model-1", b"vesalius-model-9")
    with pytest.raises(InvalidModel, match="vesalius-model-9"):
        Model.from_bytes(raw)


def test_a_file_that_is_too_large_is_refused_unread(model, monkeypatch):
    monkeypatch.setattr(_file, "LARGEST_FILE", 100)
    with pytest.raises(InvalidModel, match="bytes"):
        Model.from_bytes(model.to_bytes())


def replace_term(model, **fields):
    first = msgspec.structs.replace(model.terms[0], **fields)
    return msgspec.structs.replace(model, terms=(first, *model.terms[1:]))


@pytest.mark.parametrize(
    "fields",
    [
        {"points": ()},
        {"points": (0.1,) * 5},
        {"points": (float("nan"),) * 5},
        {"missing": 1e300},
        {"edges": (5.0, 4.0, 3.0, 2.0, 1.0)},
        {"shape": ""},
        {"input": "nitrite"},
        {"kind": "text"},
    ],
)
def test_tables_that_do_not_fit_are_refused_even_with_a_right_check_sum(model, fields):
    with pytest.raises(InvalidModel):
        Model.from_bytes(replace_term(model, **fields).to_bytes())


def test_replicates_with_other_tables_are_refused(model):
    short = msgspec.structs.replace(model.replicates[0], points=model.replicates[0].points[1:])
    with pytest.raises(InvalidModel, match="replicate"):
        Model.from_bytes(msgspec.structs.replace(model, replicates=(short,)).to_bytes())


def test_contributions_sum_to_the_prediction_exactly_in_any_order(model, sample):
    scores = model.score(sample(50, seed=7)[0])
    for row, logit in zip(scores.contributions, scores.logit, strict=True):
        assert sum(row, scores.base) == logit
        assert sum(reversed(row), scores.base) == logit
        assert math.fsum((scores.base, *sorted(row))) == logit


def test_probabilities_follow_from_the_log_odds(model, sample):
    scores = model.score(sample(50, seed=7)[0])
    assert scores.probability == pytest.approx(
        [1 / (1 + math.exp(-logit)) for logit in scores.logit], abs=1e-12
    )
    for low, middle, high in zip(scores.low, scores.probability, scores.high, strict=True):
        assert 0 <= low <= middle <= high <= 1


def test_one_row_scores_as_many_do_bit_for_bit(model, sample):
    table, _ = sample(60, seed=3)
    many = model.score(table)
    shuffled = np.random.default_rng(0).permutation(60).tolist()
    mixed = model.score(table.take(shuffled))
    for row in range(60):
        one = model.score(table.slice(row, 1))
        place = shuffled.index(row)
        for name in ("contributions", "logit", "probability", "low", "high", "sets"):
            assert getattr(one, name)[0] == getattr(many, name)[row] == getattr(mixed, name)[place]


def test_no_row_at_all_is_no_error(model, sample):
    assert len(model.score(sample(5)[0].slice(0, 0))) == 0


def test_scores_are_plain_python_numbers(model, sample):
    scores = model.score(sample(2)[0])
    assert type(scores.logit[0]) is float
    assert type(scores.contributions[0][0]) is float
    msgspec.json.encode([scores.logit, scores.contributions, scores.probability, scores.low, scores.sets])


def test_a_pencil_finds_the_same_prediction(model):
    facts = {
        "age": [None],
        "nitrite": ["positive"],
        "leukocytes": ["large"],
        "sex": ["male"],
        "fever": [True],
    }
    types = {"age": pa.float64(), "fever": pa.bool_()}
    table = pa.table({k: pa.array(v, types.get(k, pa.string())) for k, v in facts.items()})
    table = table.append_column("never_known", pa.array([None], pa.float64()))
    points = points_of(model)
    by_hand = model.base + points["age"][""] + points["nitrite"]["positive"] + points["leukocytes"]["large"]
    by_hand += points["sex"]["male"] + points["fever"]["true"] + points["never_known"][""]
    assert model.score(table).logit[0] == by_hand


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), None])
def test_a_number_that_is_none_counts_as_missing(model, sample, value):
    table = sample(1)[0]
    changed = table.set_column(0, "age", pa.array([value], pa.float64()))
    number = model.inputs.index("age")
    assert model.score(changed).contributions[0][number] == model.terms[number].missing


def test_a_level_that_the_model_does_not_know_counts_as_missing(model, sample):
    table = sample(1)[0].set_column(1, "nitrite", pa.array(["purple"]))
    assert model.score(table).contributions[0][1] == model.terms[1].missing


def test_a_number_beyond_what_was_seen_counts_as_the_last_one_seen(model, sample):
    table = sample(2)[0].set_column(0, "age", pa.array([1e9, -1e9]))
    gains = [row[0] for row in model.score(table).contributions]
    assert gains == [model.terms[0].points[-1], model.terms[0].points[0]]


def test_a_missing_column_is_named(model, sample):
    with pytest.raises(InvalidModel, match="fever"):
        model.score(sample(2)[0].drop_columns(["fever"]))


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("age", pa.array(["elderly"])),
        ("nitrite", pa.array([1.0])),
        ("fever", pa.array(["yes"])),
        ("age", pa.array([True])),
    ],
)
def test_a_column_of_another_kind_is_refused_without_its_values(model, sample, name, column):
    table = sample(1)[0]
    with pytest.raises(InvalidModel, match=name) as caught:
        model.score(table.set_column(table.column_names.index(name), name, column))
    assert "elderly" not in str(caught.value)
    assert "yes" not in str(caught.value)


@settings(deadline=None)
@given(st.floats(-700, 700))
def test_the_exponential_is_the_exponential(value):
    assert float(exponential(value)) == pytest.approx(math.exp(value), rel=4e-16)


@settings(deadline=None)
@given(st.lists(st.floats(-60, 60), min_size=2, max_size=20))
def test_probabilities_keep_the_order_and_the_bounds(logits):
    together = probability(logits)
    assert [float(probability(logit)) for logit in logits] == together.tolist()
    ordered = probability(sorted(logits))
    assert all(a <= b for a, b in itertools.pairwise(ordered.tolist()))
    assert 0 <= together.min() <= together.max() <= 1


def test_steps_read_an_edge_as_the_step_above_it():
    term = Term(
        input="x", kind="number", shape="steps", edges=(1.0, 2.0), points=(0.0, 1.0, 2.0), missing=9.0
    )
    low, high, part = module.locate(term, [0.5, 1.0, 1.5, 2.0, 3.0, None])
    assert low.tolist() == high.tolist() == [0, 1, 1, 2, 2, 3]
    assert not part.any()


def test_a_line_is_drawn_between_its_knots():
    term = Term(input="x", kind="number", shape="line", edges=(0.0, 10.0), points=(0.0, 1.0), missing=9.0)
    low, high, part = module.locate(term, [-5.0, 2.5, 10.0, None])
    at = low + part * (high - low)
    assert at.tolist() == [0.0, 0.25, 1.0, 2.0]


def test_the_strongest_inputs_come_first(model, sample):
    scores = model.score(sample(5)[0])
    weights = [abs(gain) for _, gain in scores.strongest(0)]
    assert weights == sorted(weights, reverse=True)
    assert {name for name, _ in scores.strongest(0)} == set(model.inputs)
