"""Our regular expressions mean what Python's mean, and never run away."""

import random
import re
import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vesalius.errors import InvalidView
from vesalius.views.fhirpath._regex import matches, matches_full, replaced

ATOMS = st.sampled_from(
    ["a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", r"\s", "(a)", "(?:ab)", r"\b", "^", r"\Z", "-", r"\."]
)
TIMES = st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,2}", "{2,}", "*?", "+?", "??"])
PIECES = st.tuples(ATOMS, TIMES).map(
    lambda pair: pair[0] + ("" if pair[0] in ("^", r"\b", r"\Z") else pair[1])
)
PATTERNS = st.recursive(
    st.lists(PIECES, min_size=1, max_size=4).map("".join),
    lambda inner: st.tuples(inner, inner, TIMES).map(lambda parts: f"({parts[0]}|{parts[1]}){parts[2]}"),
    max_leaves=4,
)
TEXTS = st.text("ab1 -.\n", max_size=8)


@settings(max_examples=400, deadline=None)
@given(PATTERNS, TEXTS)
def test_a_pattern_matches_where_pythons_does(pattern, text):
    assert matches(text, pattern) == bool(re.search(pattern, text, re.DOTALL))
    assert matches_full(text, pattern) == bool(re.fullmatch(pattern, text, re.DOTALL))


@settings(max_examples=300, deadline=None)
@given(PATTERNS, TEXTS)
def test_a_pattern_that_needs_a_character_replaces_what_pythons_does(pattern, text):
    assume(not re.search(pattern, "") and all(re.finditer(pattern, text, re.DOTALL)))
    assume(all(match[0] for match in re.finditer(pattern, text, re.DOTALL)))
    assert replaced(text, pattern, "<$0>") == re.sub(pattern, r"<\g<0>>", text, flags=re.DOTALL)


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|aa)+$", "(a*)*b", "(.*a){20}b", "a?" * 30 + "a" * 30 + "b"]
)
def test_a_pattern_that_hangs_pythons_engine_is_quick(pattern):
    begin = time.process_time()
    assert not matches("a" * 3_000 + "!", pattern)
    assert time.process_time() - begin < 2


def test_a_text_that_is_too_long_for_a_pattern_is_refused_not_run():
    with pytest.raises(InvalidView, match="too long"):
        matches("a" * 6_000_000, "b")
    with pytest.raises(InvalidView, match="too long"):  # a pattern whose steps are all different
        matches("".join(random.Random(1).choices("ab", k=100_000)), "(a|b)*a(a|b){200}c")
    with pytest.raises(InvalidView, match="too long"):
        replaced("ab" * 200_000, "(a|b)*c|a", "x")


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "not closed, at its character 2"),
        (")", "too many, at its character 1"),
        ("[a", "ends too soon"),
        ("*", "nothing to repeat"),
        ("a{3,2}", "wrong way round"),
        ("[z-a]", "wrong way round"),
        ("(?=a)", "looking around"),
        (r"(a)\1", "references back"),
        (r"\q", "no escape"),
        (r"\p{X", "category"),
        (r"\u00", "number of a character"),
        ("x" * 3_000, "longer"),
        ("(((a{500}){500}){500}){500}", "too large"),
        ("(" * 60 + "a" + ")" * 60, "too deep"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(pattern, message):
    with pytest.raises(InvalidView, match=re.escape(message)):
        matches("a", pattern)


@pytest.mark.parametrize(
    ("text", "pattern", "new", "expected"),
    [
        ("2020-01-02", r"(\d{4})-(?<month>\d\d)-(\d\d)", "$3/${month}/$1", "02/01/2020"),
        ("abc", "", "x", "abc"),
        ("abc", "x*", "-", "-a-b-c-"),
        ("aaa", "a+?", "b", "bbb"),
        ("été", r"\p{L}", "x", "xxx"),
    ],
)
def test_groups_and_empty_matches_are_replaced(text, pattern, new, expected):
    assert replaced(text, pattern, new) == expected


def test_flags_ignore_case_and_look_at_lines():
    assert matches("FHIR", "fhir", "i")
    assert matches("FHIR", "(?i)fhir")
    assert matches("one\ntwo", "^two$", "m")
    assert not matches("one\ntwo", "^two$")
    with pytest.raises(InvalidView, match="flags"):
        matches("a", "a", "z")


def test_a_replacement_that_names_no_group_is_refused():
    with pytest.raises(InvalidView, match="no group"):
        replaced("a", "a", "$1")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=12), st.text(max_size=6))
def test_any_pattern_is_read_or_refused_with_our_own_error(pattern, text):
    try:
        assert matches(text, pattern) in (True, False)
    except InvalidView:
        return
