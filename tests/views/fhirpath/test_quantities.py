"""Units, quantities, boundaries and arithmetic on dates, by the examples of the specifications."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.errors import InvalidView
from vesalius.views.fhirpath import _units, evaluate
from vesalius.views.fhirpath._units import comparable, converted, unit

KNOWN = (*_units._atoms(), *_units._BASE.split(), *_units._ARBITRARY.split(), *_units._METRIC.split())


def values(text):
    return [str(item.value) for item in evaluate(text, None)]


@pytest.mark.parametrize("code", KNOWN)
def test_every_unit_of_the_table_can_be_read(code):
    assert unit(code) is not None


@pytest.mark.parametrize(
    ("value", "have", "want", "expected"),
    [
        ("1", "[lb_av]", "kg", "0.45359237"),
        ("1", "[in_i]", "cm", "2.54"),
        ("1", "[gal_us]", "L", "3.785411784"),
        ("37", "Cel", "K", "310.15"),
        ("98.6", "[degF]", "Cel", "37"),
        ("1", "mg/dL", "g/L", "0.01"),
        ("1", "10*3/uL", "10*9/L", "1"),
        ("760", "mm[Hg]", "kPa", "101.32472"),
        ("1", "kcal", "kJ", "4.184"),
        ("1", "wk", "d", "7"),
        ("1", "mmol/L", "umol/mL", "1"),
        ("5", "%", "1", "0.05"),
        ("60", "mL/min", "L/h", "3.6"),
        ("1", "kg.m/s2", "N", "1"),
        ("2", "m[IU]/L", "u[IU]/mL", "2"),
        ("24", "g/(24.h)", "g/h", "1"),
        ("3", "{beats}/min", "/min", "3"),
    ],
)
def test_a_value_in_another_unit(value, have, want, expected):
    assert converted(Fraction(value), have, want) == Fraction(expected)


@pytest.mark.parametrize(
    "pair", [("g", "m"), ("mg/dL", "mmol/L"), ("[iU]", "mg"), ("Cel", "s"), ("foo", "g")]
)
def test_what_measures_something_else_does_not_compare(pair):
    assert not comparable(*pair)
    assert converted(Fraction(1), *pair) is None


@pytest.mark.parametrize(
    "code", ["", "foo", "m//s", "m..s", "(m", "m)", "m s", "/", "-", "m99", "kk", "()", "{", "0"]
)
def test_a_code_that_is_no_unit_is_not_read(code):
    assert unit(code) is None


@settings(max_examples=300)
@given(st.text("mgLk/.*10()[]{}'iU-2", max_size=12))
def test_any_text_is_a_unit_or_not(code):
    found = unit(code)
    assert found is None or found.size > 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4 'g' = 4000 'mg'", ["true"]),
        ("1 'g' = 1 'm'", []),
        ("1 'g' < 1 'kg'", ["true"]),
        ("1 'g' < 1 's'", []),
        ("4 'g' ~ 4040 'mg'", ["true"]),
        ("4.0 'g' ~ 4040 'mg'", ["true"]),
        ("4.12 'g' ~ 4240 'mg'", ["false"]),
        ("1 'g' ~ 1 's'", ["false"]),
        ("1 year = 12 months", ["true"]),
        ("1 year = 365 days", ["true"]),
        ("1 year = 1 'a'", []),
        ("1 year ~ 1 'a'", ["true"]),
        ("1 month > 20 days", ["true"]),
        ("2 hours = 120 'min'", ["true"]),
        ("1 'kg' + 5 'g'", ["1005 'g'"]),
        ("1 'g' + 1 's'", []),
        ("3 'm' * 2 'm'", ["6 'm.m'"]),
        ("10 'mg' / 2 'mL'", ["5 'mg/mL'"]),
        ("10 'mg' / 2 'g'", ["0.005 '1'"]),
        ("10 'mg' / 0 'mL'", []),
        ("-(2 'mg')", ["-2 'mg'"]),
        ("(-2.5 'mg').abs()", ["2.5 'mg'"]),
        ("'1.5 \\'g\\''.toQuantity('mg')", ["1500 'mg'"]),
        ("'2 weeks'.toQuantity('d')", ["14 'd'"]),
        ("'2 wk'.convertsToQuantity()", ["false"]),
        ("(1 'g' | 2 'g').sum()", ["3 'g'"]),
        ("(3 'g' | 20 'mg').min()", ["20 'mg'"]),
        ("(1 'cm').comparable(1 '[in_i]')", ["true"]),
        ("2 'L' in (1000 'mL' | 2000 'mL')", ["true"]),
        ("5 > 1 '1'", ["true"]),
        ("5 > 1 'mg'", []),
        ("(5 'mg').value", ["5"]),
        ("(5 'mg').unit", ["mg"]),
        ("0.ln()", []),
        ("0.power(-1)", []),
    ],
)
def test_quantities_across_units(text, expected):
    assert [value.lower() if value in ("True", "False") else value for value in values(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@2019-03-01 + 24 months", "2021-03-01"),
        ("@2014 + 24 months", "2016"),
        ("@2019-03 + 60 days", "2019-05"),
        ("@2014 + 364 days", "2014"),
        ("@2020-02-29 + 1 year", "2021-02-28"),
        ("@2020-03-31 - 1 month", "2020-02-29"),
        ("@2020-03-01 - 1 day", "2020-02-29"),
        ("@1973-12-25 + 7.7 days", "1974-01-01"),
        ("@2020-01-01T00:30:00Z - 1 hour", "2019-12-31T23:30:00Z"),
        ("@2020-01-01T10:00:00.000+02:00 + 10 'ms'", "2020-01-01T10:00:00.010+02:00"),
        ("@2020-01-01T10:00 + 90 seconds", "2020-01-01T10:01"),
        ("@T23:30 + 2 hours", "01:30"),
        ("@T00:30 - 1 hour", "23:30"),
        ("@T10:00 + 2 days", "10:00"),
        ("@2020T + 1 year", "2021T"),
    ],
)
def test_a_moment_some_time_later(text, expected):
    assert values(text) == [expected]


@pytest.mark.parametrize(
    "text", ["@9999-12-31 + 1 day", "@0001-01-01 - 1 year", "@2020-01-01 + 99999999999 years"]
)
def test_a_moment_that_no_calendar_has_is_empty(text):
    assert values(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "@2020-01-01 + 1 'mo'",
        "@2020-01-01 + 1 'a'",
        "@2020-01-01 + 1 'cm'",
        "@2020-01-01 + 1",
        "@T10 + 1 year",
    ],
)
def test_what_cannot_be_counted_on_a_calendar_is_an_error(text):
    with pytest.raises(InvalidView):
        values(text)


@settings(max_examples=200, deadline=None)
@given(st.dates(), st.integers(-50_000, 50_000))
def test_days_added_and_taken_away_again_give_the_same_date(day, count):
    there = f"@{day.isoformat()} + {count} days" if count >= 0 else f"@{day.isoformat()} - {-count} days"
    back = f"({there}) {'-' if count >= 0 else '+'} {abs(count)} days"
    assert values(back) in ([day.isoformat()], [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.587.lowBoundary(0)", "1"),
        ("1.587.highBoundary(0)", "2"),
        ("(-1.587).lowBoundary()", "-1.58750000"),
        ("(-1.587).highBoundary(2)", "-1.58"),
        ("@2014.lowBoundary(6)", "2014-01"),
        ("@2014.highBoundary()", "2014-12-31"),
        ("@2012-02.highBoundary()", "2012-02-29"),
        ("@2014-01-01T08.highBoundary(17)", "2014-01-01T08:59:59.999-12:00"),
        ("@2014-01-01T08Z.lowBoundary()", "2014-01-01T08:00:00.000Z"),
        ("@2014-01-01T08:05.highBoundary(14)", "2014-01-01T08:05:59-12:00"),
        ("@T10:30.highBoundary()", "10:30:59.999"),
        ("1.587 'cm'.highBoundary(4)", "1.5875 'cm'"),
        ("1.58700.precision()", "5"),
        ("@2014.precision()", "4"),
        ("@2014-01-05T10:30:00.000.precision()", "17"),
        ("@T10:30.precision()", "4"),
        ("@T10:30:00.000.precision()", "9"),
    ],
)
def test_boundaries_and_precision(text, expected):
    assert values(text) == [expected]


@pytest.mark.parametrize(
    "text", ["1.5.lowBoundary(-1)", "1.5.lowBoundary(40)", "@2014.lowBoundary(5)", "@2014.lowBoundary(17)"]
)
def test_a_precision_that_the_type_does_not_have_gives_nothing(text):
    assert values(text) == []


@settings(max_examples=200)
@given(st.decimals(-1000, 1000, places=3), st.integers(0, 8))
def test_a_value_lies_between_its_boundaries(value, places):
    text = f"({value})"
    low, high = (evaluate(f"{text}.{side}Boundary(8)", None)[0].value for side in ("low", "high"))
    assert low < value < high
    assert high - low == Decimal("0.001")
    rounded = evaluate(f"{text}.highBoundary({places})", None)[0].value
    assert -rounded.as_tuple().exponent == places


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@2025-01-02.duration(@2025-01-07, 'week')", ["0"]),
        ("@2025-01-01.duration(@2025-09-01, 'year')", ["0"]),
        ("@2024-12-01.duration(@2025-09-01, 'year')", ["0"]),
        ("@2020-02-29.duration(@2024-02-28, 'years')", ["3"]),
        ("@2020-01-31.duration(@2020-03-30, 'month')", ["1"]),
        ("@2020-03-30.duration(@2020-01-31, 'month')", ["-1"]),
        ("@2020-01-01T10:00Z.duration(@2020-01-01T13:30+02:00, 'hour')", ["1"]),
        ("@T10:00:00.duration(@T10:00:01.5, 'millisecond')", ["1500"]),
        ("@2024-12-31.difference(@2025-01-01, 'year')", ["1"]),
        ("@2024-12-28.difference(@2024-12-29, 'week')", ["1"]),
        ("@2024-12-29.difference(@2025-01-04, 'week')", ["0"]),
        ("@2020-01-01T23:59.difference(@2020-01-02T00:01, 'day')", ["1"]),
        ("@T10:59.difference(@T11:00, 'hour')", ["1"]),
        ("@2020.duration(@2021-02, 'month')", []),
        ("@2020-01.duration(@2021-01, 'year')", ["1"]),
        ("{}.duration(@2020, 'year')", []),
    ],
)
def test_the_periods_between_two_moments(text, expected):
    assert values(text) == expected


@pytest.mark.parametrize(
    "text", ["@2020.duration(@T10, 'year')", "@T10.duration(@T11, 'day')", "@2020.duration(@2021, 'age')"]
)
def test_periods_that_cannot_be_counted_are_an_error(text):
    with pytest.raises(InvalidView, match="cannot count"):
        values(text)


@settings(max_examples=200, deadline=None)
@given(st.dates(), st.dates(), st.sampled_from(["year", "month", "week", "day"]))
def test_periods_count_the_same_both_ways_and_never_more_than_the_boundaries(start, end, unit):
    whole, back, crossed = (
        int(values(f"@{a.isoformat()}.{name}(@{b.isoformat()}, '{unit}')")[0])
        for a, b, name in ((start, end, "duration"), (end, start, "duration"), (start, end, "difference"))
    )
    assert whole == -back
    assert abs(whole) <= abs(crossed) <= abs(whole) + 1
