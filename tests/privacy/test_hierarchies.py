"""Making values coarser, level by level."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.errors import InvalidPlan
from vesalius.privacy import plan as plans
from vesalius.privacy.hierarchies import Hierarchy, build

FORMS = {
    "ages": (plans.Intervals(widths=[5, 10, 20], low=0, high=90), st.integers(-3, 120).map(str)),
    "doses": (plans.Intervals(widths=[0.1, 0.3, 0.9], low=0.05), st.floats(0, 30).map(lambda x: f"{x:.3f}")),
    "days": (plans.Dates(steps=("month", "quarter", "year", "decade")), st.dates().map(str)),
    "codes": (plans.Prefixes(lengths=[3, 2, 1]), st.from_regex(r"\A[A-Z][0-9]{0,4}\Z")),
    "all": (plans.All(), st.text(max_size=3)),
}


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_every_level_is_coarser_than_the_one_before(form, data):
    spec, one = FORMS[form]
    values = data.draw(st.lists(one, min_size=1, max_size=20, unique=True))
    made = build(spec, values, "x")
    levels = made.codes(values)
    assert [names[0] for names in [made.rows[value] for value in values]] == values
    assert len(set(levels[-1][0])) == 1
    for (finer, _), (coarser, _) in itertools.pairwise(levels):
        pairs = set(zip(finer.tolist(), coarser.tolist(), strict=True))
        assert len(pairs) == len(set(finer.tolist()))
    shares = made.shares(values)
    assert (np.diff(shares, axis=0) >= 0).all()
    assert shares[-1] == pytest.approx(np.ones(len(values)))


def names(spec, value):
    return build(spec, [value], "x").rows[value]


def test_values_get_the_names_that_people_use():
    ages = plans.Intervals(widths=[5, 20], low=0, high=90)
    assert names(ages, "47") == ("47", "45-49", "40-59", "*")
    assert names(ages, "93") == ("93", "90+", "90+", "*")
    assert names(ages, "88") == ("88", "85-89", "80-89", "*")
    assert names(ages, "-1") == ("-1", "<0", "<0", "*")
    assert names(plans.Intervals(widths=[0.5]), "1.7") == ("1.7", "[1.5, 2[", "*")
    assert names(plans.Dates(), "2026-11-25") == ("2026-11-25", "2026-11", "2026-Q4", "2026", "*")
    assert names(plans.Dates(steps=("decade",)), "1987-01-02T10:00") == ("1987-01-02T10:00", "1980s", "*")
    assert names(plans.Prefixes(lengths=[3, 1]), "C50.1") == ("C50.1", "C50*", "C*", "*")
    assert names(plans.Prefixes(lengths=[3]), "C5") == ("C5", "C5", "*")


def test_an_empty_cell_stays_empty_until_everything_is_one():
    made = build(plans.Prefixes(lengths=[1]), ["1000", None], "x")
    assert made.rows[None] == (None, None, "*")
    made = build(plans.Rows(rows=[["", "unknown", "*"], ["1", "one", "*"]]), ["1", None], "x")
    assert made.rows[None] == (None, "unknown", "*")
    assert build(plans.All(), [None], "x").rows == {None: (None, "*")}


def test_a_file_lists_also_what_does_not_occur(tmp_path):
    path = tmp_path / "h.csv"
    path.write_text("\ufeff1;low;*\n2;low;*\n3;high;*\n9;high;*\n", encoding="utf-8")
    made = build(plans.FromFile(path=str(path)), ["1", "3"], "x")
    assert made.shares(["1", "3"]).tolist() == [[0.25, 0.25], [0.5, 0.5], [1.0, 1.0]]


@pytest.mark.parametrize(
    ("spec", "values", "message"),
    [
        (plans.Rows(rows=[["a", "x", "*"], ["b", "x", "+"]]), ["a"], "level 2 is not coarser than level 1"),
        (plans.Rows(rows=[["a", "*"], ["b"]]), ["a"], "row 2: 1 levels"),
        (plans.Rows(rows=[["a", "*"], ["a", "*"]]), ["a"], "row 2: its value has a row already"),
        (plans.Rows(rows=[]), ["a"], "is empty"),
        (plans.Intervals(widths=[5, 12]), ["1"], "width 12 is no multiple of 5"),
        (plans.Intervals(widths=[5, 5]), ["1"], "width 5 is no multiple of 5"),
        (plans.Intervals(widths=[5], low=10, high=10), ["1"], "high is not above low"),
        (plans.Intervals(widths=[5]), ["Peeters"], "no number"),
        (plans.Intervals(widths=[5]), ["nan"], "no number"),
        (plans.Dates(), ["Peeters"], "no day"),
        (plans.Dates(steps=("year", "month")), ["2026-01-01"], "from month to decade"),
        (plans.Prefixes(lengths=[1, 3]), ["1000"], "from the longest to the shortest"),
        (plans.FromFile(path="/nowhere/h.csv"), ["a"], "h.csv cannot be read"),
    ],
)
def test_a_wrong_hierarchy_says_what_is_wrong_and_not_whose(spec, values, message):
    with pytest.raises(InvalidPlan, match=message) as raised:
        build(spec, values, "weight")
    assert "weight" in str(raised.value)
    assert "Peeters" not in str(raised.value)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "h.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidPlan, match="not UTF-8"):
        build(plans.FromFile(path=str(path)), ["a"], "x")


def test_a_value_without_a_row_is_counted_not_named():
    made = Hierarchy({"a": ("a", "*")}, "town")
    with pytest.raises(InvalidPlan, match="'town' lacks 1 of the column's 2 values") as raised:
        made.codes(["a", "Peeters"])
    assert "Peeters" not in str(raised.value)
