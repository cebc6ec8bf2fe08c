"""Counting: what is counted in parts is what is counted at once, and bad input says what is wrong."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from monitored import INPUTS, rows

from vesalius.card import Input
from vesalius.errors import InvalidModel, NotEnoughData
from vesalius.evaluation.monitoring import Reference, Tally, total


def reference(count=3000, seed=1):
    some = rows(count, seed)
    return Reference.of(INPUTS, some.table, some.probability, some.outcomes, {"sex": some.sex}, days=30)


def tally(some, against, start=0, end=None):
    part = slice(start, end)
    return Tally.of(
        against,
        some.table.slice(start, None if end is None else end - start),
        some.probability[part],
        some.probability[part] > 0.3,
        some.outcomes[part],
        {"sex": some.sex[part]},
    )


def same(one, two):
    assert one.rows == two.rows
    assert one.counts == two.counts
    assert one.scored.bins == two.scored.bins
    assert one.scored.rows == two.scored.rows
    assert one.scored.acted == two.scored.acted
    assert one.scored.events == two.scored.events
    assert one.scored.others == two.scored.others
    assert one.groups.keys() == two.groups.keys()
    assert np.allclose(one.logs, two.logs, rtol=1e-5)
    assert np.allclose(one.errors, two.errors, rtol=1e-4)
    assert np.allclose(one.means, two.means, rtol=1e-4, atol=1e-3)


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 400), max_size=5))
def test_tallies_of_parts_add_up_to_the_tally_of_all(cuts):
    against, some = REFERENCE, ROWS
    ends = [0, *sorted(cuts), 400]
    parts = [tally(some, against, start, end) for start, end in pairwise(ends)]
    same(total(parts), tally(some, against))


REFERENCE, ROWS = reference(), rows(400, 2)


def test_a_tally_per_day_is_the_tally_of_that_days_rows_in_whatever_order_they_come():
    some, against = rows(300, 3), REFERENCE
    days = np.array(["2026-03-02", "2026-03-01", "2026-03-03"] * 100)
    found = Tally.by_day(
        against, days, some.table, some.probability, some.probability > 0.3, some.outcomes, {"sex": some.sex}
    )
    assert list(found) == ["2026-03-01", "2026-03-02", "2026-03-03"]
    here = np.flatnonzero(days == "2026-03-02")
    alone = Tally.of(
        against,
        some.table.take(here),
        some.probability[here],
        some.probability[here] > 0.3,
        some.outcomes[here],
        {"sex": [some.sex[row] for row in here]},
    )
    same(found["2026-03-02"], alone)


def test_every_row_is_counted_once_in_every_input():
    found = tally(ROWS, REFERENCE)
    assert [sum(counts) for counts in found.counts] == [400] * len(INPUTS)
    assert sum(found.scored.rows) == 400
    assert found.scored.positives == int(ROWS.outcomes.sum())
    assert found.groups["sex=female"].count + found.groups["sex=male"].count == 400


def test_the_bins_of_a_number_are_tenths_of_the_reference_with_both_ends_outside_and_missing_apart():
    some = Reference.of([Input("x", "number")], pa.table({"x": np.arange(1000.0)}), np.full(1000, 0.2))
    (field,) = some.fields
    assert len(field.edges) == 11
    assert field.counts[0] == field.counts[-1] == field.counts[-2] == 0
    assert all(95 <= count <= 105 for count in field.counts[1:-2])
    told = pa.table({"x": pa.array([-1.0, 0.0, 999.0, 1000.0, None, float("inf"), float("nan")])})
    counts = Tally.of(some, told, np.full(7, 0.2)).counts[0]
    assert (counts[0], counts[1], counts[-3], counts[-2], counts[-1]) == (1, 1, 1, 1, 3)


def test_a_level_that_the_card_does_not_name_is_unseen_and_a_null_is_missing():
    found = Tally.of(
        REFERENCE,
        pa.table(
            {
                "age": [50.0, 60.0, 70.0],
                "creatinine": [1.0, 1.0, 1.0],
                "ward": ["surgery", "day clinic", None],
                "diabetes": [True, None, False],
            }
        ),
        [0.1, 0.2, 0.3],
    )
    assert found.counts[2] == (0, 1, 0, 1, 1)
    assert found.counts[3] == (1, 1, 0, 1)


def test_a_reference_and_a_tally_come_back_from_their_bytes_and_hold_no_row():
    found = tally(ROWS, REFERENCE)
    assert Reference.from_bytes(REFERENCE.to_bytes()) == REFERENCE
    assert Tally.from_bytes(found.to_bytes()) == found
    assert len(found.to_bytes()) < 12_000
    with pytest.raises(InvalidModel, match="not a reference"):
        Reference.from_bytes(b"{}")
    with pytest.raises(InvalidModel, match="not a tally"):
        Tally.from_bytes(b"[]")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"table": ROWS.table.drop(["ward"])}, "no column 'ward'"),
        ({"table": ROWS.table.set_column(0, "age", pa.array(["old"] * 400))}, "holds no numbers"),
        ({"probability": ROWS.probability[:-1]}, "one probability per row"),
        ({"probability": ROWS.probability * 3}, "not between 0 and 1"),
        ({"probability": np.full(400, np.nan)}, "not between 0 and 1"),
        ({"acted": [True]}, "one act per row"),
        ({"outcomes": [True]}, "one outcome per row"),
        ({"outcomes": [2] * 400}, "neither true, false"),
        ({"groups": {"sex": ["female"]}}, "one label per row"),
    ],
)
def test_rows_that_do_not_fit_the_reference_say_what_is_wrong(change, words):
    given_ = {"table": ROWS.table, "probability": ROWS.probability} | change
    with pytest.raises(InvalidModel, match=words):
        Tally.of(REFERENCE, **given_)


def test_few_rows_are_no_reference_and_tallies_of_two_references_do_not_add():
    some = rows(29)
    with pytest.raises(NotEnoughData, match="29 rows"):
        Reference.of(INPUTS, some.table, some.probability)
    other = Reference.of(INPUTS[:1], ROWS.table, ROWS.probability)
    with pytest.raises(InvalidModel, match="different references"):
        _ = tally(ROWS, REFERENCE) + Tally.of(other, ROWS.table, ROWS.probability)


def test_outcomes_that_are_not_known_yet_count_as_rows_only():
    outcomes = [None if row % 2 else bool(value) for row, value in enumerate(ROWS.outcomes)]
    found = Tally.of(REFERENCE, ROWS.table, ROWS.probability, outcomes=outcomes)
    assert (found.scored.count, found.scored.known) == (400, 200)
    assert found.scored.positives == int(ROWS.outcomes[::2].sum())
