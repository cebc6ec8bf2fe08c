"""FHIRPath: what is read, what it gives, and that nothing but InvalidView comes out of bad text."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.errors import InvalidView
from vesalius.views._rows import plain
from vesalius.views.fhirpath._compiled import Scope
from vesalius.views.fhirpath._evaluator import compile_expression
from vesalius.views.fhirpath._parser import parse
from vesalius.views.fhirpath._types import Shape

PATIENT = {
    "resourceType": "Patient",
    "birthDate": "1970-06-15",
    "name": [{"family": "Peeters", "given": ["An", "Els"]}, {"given": ["Annie"]}],
    "multipleBirthInteger": 2,
}


def evaluate(text, resource=PATIENT):
    shape = Shape((resource.get("resourceType", ""),), many=False)
    found = compile_expression(parse(text), shape, {}).run([resource], Scope(resource))
    return [plain(item) for item in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", [7]),
        ("(1 + 2) * 3", [9]),
        ("-1 + 2", [1]),
        ("2 - 1 - 1", [0]),
        ("7 div 2", [3]),
        ("-7 div 2", [-3]),
        ("-7 mod 2", [-1]),
        ("1 / 4", [Decimal("0.25")]),
        ("1 / 0", []),
        ("0.1 + 0.2 = 0.3", [True]),
        ("'a' + 'b'", ["ab"]),
        ("'a' & {}", ["a"]),
        ("'a' + {}", []),
        ("true and {}", []),
        ("false and {}", [False]),
        ("true or {}", [True]),
        ("{} implies true", [True]),
        ("1 = 1.0", [True]),
        ("1 = '1'", [False]),
        ("1 | 2 | 1", [1, 2]),
        ("2 in (1 | 2)", [True]),
        ("(1 | 2) contains 3", [False]),
        ("@2020 < @2021-01", [True]),
        ("@2020 = @2020-01", []),
        ("@2020-01-01T10:00+02:00 = @2020-01-01T08:00Z", [True]),
        ("@2020-01-01T01:00+02:00 = @2019-12-31T23:00Z", [True]),
        ("@T10:00 < @T10:01", [True]),
        ("'abc'.substring(1, 1)", ["b"]),
        ("'a,b'.split(',').join('-')", ["a-b"]),
        ("'abc'.replaceMatches('(b)', '[$1]')", ["a[b]c"]),
        ("'A\\u0042\\n'.length()", [3]),
        ("iif(1 > 2, 'x', 'y')", ["y"]),
        ("(1 | 2 | 3).where($this > 1).first()", [2]),
        ("(1 | 2 | 3).where($index = 1)", [2]),
        ("(1 | 2 | 3).aggregate($this + $total, 0)", [6]),
        ("(1 | 2 | 3).all($this > 0)", [True]),
        ("{}.all($this > 0)", [True]),
        ("1.5.round()", [2]),
        ("2.toString() & '!'", ["2!"]),
        ("'2'.toInteger() + 1", [3]),
        ("'x'.convertsToInteger()", [False]),
        ("4 'mg' = 4 'mg'", [True]),
        ("1 day = 1 days", [True]),
        ("name.given.first()", ["An"]),
        ("name.given[1]", ["Els"]),
        ("name[5].given", []),
        ("name.given.last()", ["Annie"]),
        ("name.given.tail()", ["Els", "Annie"]),
        ("name.select(given.count())", [2, 1]),
        ("name.where(given contains 'Els').family", ["Peeters"]),
        ("name.where(use.empty()).count()", [2]),
        ("`name`.`family`", ["Peeters"]),
        ("Patient.name.family", ["Peeters"]),
        ("Observation.status", []),
        ("birthDate > @1970", []),
        ("birthDate > @1969", [True]),
        ("birthDate.lowBoundary()", ["1970-06-15"]),
        ("multipleBirth is integer", [True]),
        ("multipleBirth.ofType(integer) + 1", [3]),
        ("1.0.lowBoundary()", [Decimal("0.95")]),
        ("@2010-02.highBoundary()", ["2010-02-28"]),
        ("name // the names\n .family /* once */", ["Peeters"]),
    ],
)
def test_an_expression_gives(text, expected):
    found = evaluate(text)
    assert found == expected
    assert [type(item) is bool for item in found] == [type(item) is bool for item in expected]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "ends too soon"),
        ("@@", "character 1"),
        ("name.", "ends too soon"),
        ("name.where(", "ends too soon"),
        ("name)", "did not expect"),
        ("'open", "cannot read"),
        ("'\\q'", "escape"),
        ("name[0", "expected ']'"),
        ("name..given", "expected a name"),
        ("name.$this", "cannot follow"),
        ("and", "expected a name"),
        ("frst()", "no function frst"),
        ("now()", "same rows"),
        ("name.first(1)", "takes 0 arguments"),
        ("%nothing", "no constant %nothing"),
        ("@2020-13", "is no Date"),
        ("1 + name[0]", "cannot calculate"),
        ("name.given + 'x'", "3 values"),
        ("name[0] > 'x'", "cannot put"),
        ("name.given.upper()", "3 values"),
        ("'a'.matches('(')", "regular expression"),
        ("(" * 200 + "1" + ")" * 200, "deeper"),
        ("1" * 20_000, "longer"),
        ("1" + "+1" * 3_000, "steps in a row"),
        ("a" + ".a" * 3_000, "steps in a row"),
        ("name.type()", "not supported"),
        ("defineVariable('a')", "constants"),
    ],
)
def test_what_is_wrong_is_said(text, message):
    with pytest.raises(InvalidView, match=message.replace("(", "\\(").replace("$", "\\$")):
        evaluate(text)


WORDS = """
name given . ( ) [ ] { } 'x' 1 2.5 @2020 @T10 %c $this and or = != < + - * / | & , in is as \\ ' ` @
not() where( exists() Patient ofType( Quantity contains mod value first() count() iif( birthDate
"""
SCRAPS = st.sampled_from(WORDS.split())


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=30), st.lists(SCRAPS, max_size=10).map(" ".join)))
def test_any_text_is_read_or_refused_with_our_own_error(text):
    with suppress(InvalidView):
        evaluate(text)


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.sampled_from(["1", "'a'", "name", "true", "{}"]),
        lambda inner: st.tuples(
            inner, st.sampled_from(["+", "and", "|", "=", "<", "in", "implies", "&"]), inner
        ).map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"),
        max_leaves=8,
    )
)
def test_brackets_around_what_is_bracketed_change_nothing(text):
    assert parse(text) == parse(f"({text})")


@pytest.mark.parametrize(
    ("loose", "strict"),
    [
        ("a = b and c or d", "((a = b) and c) or d"),
        ("a implies b or c", "a implies (b or c)"),
        ("a + b * c", "a + (b * c)"),
        ("a | b = c", "(a | b) = c"),
        ("a is Quantity and b", "(a is Quantity) and b"),
        ("-a.b", "-(a.b)"),
        ("a < b = c", "(a < b) = c"),
        ("a in b and c", "(a in b) and c"),
    ],
)
def test_operators_bind_as_the_grammar_says(loose, strict):
    assert parse(loose) == parse(strict)
