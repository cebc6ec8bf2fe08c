"""A tree written out reads back as the same tree."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.views.fhirpath import _nodes as ast
from vesalius.views.fhirpath._parser import BINDING, parse
from vesalius.views.fhirpath._written import written

NAMES = st.one_of(
    st.sampled_from(["name", "given", "is", "div", "true", "contains"]), st.text(min_size=1, max_size=6)
)
TEXTS = st.text(max_size=8)
DECIMALS = st.decimals(0, 10**6, places=3).map(lambda value: value.copy_abs())
LEAVES = st.one_of(
    st.builds(ast.Member, st.none(), NAMES),
    st.builds(ast.Variable, st.sampled_from(["this", "index", "total"])),
    st.builds(ast.Constant, NAMES),
    st.builds(ast.Literal, st.integers(0, 10**9), st.just("Integer")),
    st.builds(ast.Literal, DECIMALS, st.just("Decimal")),
    st.builds(ast.Literal, TEXTS, st.just("String")),
    st.builds(ast.Literal, st.booleans(), st.just("Boolean")),
    st.builds(ast.Literal, DECIMALS, st.just("Quantity"), st.sampled_from(["mg", "day", "weeks", "m'x"])),
    st.just(ast.Literal(None, "Empty")),
    st.just(ast.Literal("2020-02", "Date")),
    st.just(ast.Literal("T10:30", "Time")),
)
OPERATORS = st.sampled_from(sorted(BINDING.keys() - {"is", "as"}))


def grown(inner):
    no_variable = inner.filter(lambda node: not isinstance(node, ast.Variable))
    return st.one_of(
        st.builds(ast.Member, inner, NAMES),
        st.builds(ast.Call, st.none() | inner, NAMES, st.lists(no_variable, max_size=2).map(tuple)),
        st.builds(ast.Item, inner, inner),
        st.builds(ast.Unary, st.sampled_from(["+", "-"]), inner),
        st.builds(ast.Binary, OPERATORS, inner, inner),
        st.builds(ast.TypeTest, st.sampled_from(["is", "as"]), inner, NAMES, st.sampled_from(["", "FHIR"])),
    )


@settings(max_examples=500, deadline=None)
@given(st.recursive(LEAVES, grown, max_leaves=8))
def test_what_is_written_reads_back_as_the_same_tree(tree):
    assert parse(written(tree)) == tree


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(a+b)*c", "(a + b) * c"),
        ("a+(b*c)", "a + b * c"),
        ("a-(b-c)", "a - (b - c)"),
        ("-a.b", "-a.b"),
        ("(-a).b", "(-a).b"),
        ("(a|b).first()[0]", "(a | b).first()[0]"),
        ("x is System . Integer", "x is System.Integer"),
        ("`div`.`it's`", "`div`.`it's`"),
        ("'it\\'s' & 1 day", "'it\\'s' & 1 day"),
        ("sort(a desc, b asc, c)", "sort(-a, b, c)"),
        ("%`a b` /* why */ + %c", "%`a b` + %c"),
    ],
)
def test_brackets_stand_only_where_they_are_needed(text, expected):
    assert written(parse(text)) == expected


def test_the_digits_of_a_decimal_stay():
    assert written(ast.Literal(Decimal("1.00"), "Decimal")) == "1.00"
