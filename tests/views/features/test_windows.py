"""Windows before a moment, held against a model that is slow and obvious: same bits, whoever else is asked about."""

from datetime import timedelta
from typing import get_args

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.errors import InvalidView
from vesalius.views.features import Feature, Features, Take

from .asof import DAWN, LOINC, VIEW, Candidate, made, naive, one, row, table

X, Y = f"{LOINC}|x", f"{LOINC}|y"
HOUR = timedelta(hours=1)


def value(take, *rows, **more):
    return one(*rows, feature=Feature("f", (X,), take=take, per=HOUR, **more))[0]


SERIES = [row("a", hour=2, value=4.0), row("b", hour=4, value=1.0), row("c", hour=8, value=7.0)]


@pytest.mark.parametrize(
    ("take", "expected"),
    [
        ("last", 7.0),
        ("first", 4.0),
        ("count", 3),
        ("ever", True),
        ("since", 2.0),
        ("min", 1.0),
        ("max", 7.0),
        ("sum", 12.0),
        ("mean", 4.0),
        ("delta", 3.0),
    ],
)
def test_each_way_to_take_a_window(take, expected):
    assert value(take, *SERIES) == expected


def test_the_slope_of_a_straight_line_is_its_slope():
    rows = [row(str(hour), hour=hour, value=3.0 + 0.5 * hour) for hour in (1, 2, 5, 9)]
    assert value("slope", *rows) == pytest.approx(0.5)


@pytest.mark.parametrize("take", get_args(Take))
def test_where_nothing_was_known_only_a_count_and_a_presence_have_a_value(take):
    expected = {"count": 0, "ever": False}.get(take)
    assert value(take) == expected
    assert value(take, *SERIES, within=timedelta(0)) == expected
    assert one(*SERIES, feature=Feature("f", (X,), take=take), subject="Patient/9") == (expected, {})


@pytest.mark.parametrize("take", ["delta", "slope"])
def test_a_change_needs_two_values(take):
    assert value(take, SERIES[0]) is None


def test_values_recorded_at_once_have_no_trend():
    assert value("slope", row("a", hour=1), row("b", hour=1, value=9.0)) is None


def test_a_window_holds_what_was_recorded_at_either_end_of_it():
    assert value("count", *SERIES, within=timedelta(hours=8), ending=timedelta(hours=2)) == 3
    short = {"within": timedelta(hours=8) - timedelta(microseconds=1)}
    assert value("count", *SERIES, **short) == 2
    assert value("count", *SERIES, ending=timedelta(hours=2, microseconds=1)) == 2


def test_a_version_replaced_since_the_window_does_not_come_back():
    """In force is what was in force at the moment, not at the end of the window."""
    rows = [row("a", 1, hour=2, value=1.0), row("a", 2, hour=9, value=5.0)]
    assert value("last", *rows, ending=timedelta(hours=5)) is None
    assert value("last", *rows) == 5.0


def test_a_replaced_value_counts_until_it_was_replaced():
    rows = [row("a", 1, hour=1, value=1.0), row("a", 2, hour=5, value=9.0), row("b", hour=2, value=2.0)]
    feature = Feature("f", (X,), take="sum")
    assert one(*rows, feature=feature, as_of=DAWN + timedelta(hours=4))[0] == 3.0
    assert one(*rows, feature=feature, as_of=DAWN + timedelta(hours=5))[0] == 11.0


def test_a_resource_with_two_of_the_codes_counts_once():
    rows = [row("a", hour=1, value=2.0), row("a", hour=1, value=2.0, code="y"), row("b", hour=1, value=3.0)]
    found, sources = one(*rows, feature=Feature("f", (X, Y), take="sum"))
    assert (found, len(sources["f"])) == (5.0, 2)


def test_sums_are_added_in_order_oldest_first():
    """0.1 + 0.2 + 0.3 is another number than 0.3 + 0.2 + 0.1."""
    rows = [row(str(at), hour=at, value=number) for at, number in enumerate([0.1, 0.2, 0.3])]
    assert value("sum", *reversed(rows)) == 0.1 + 0.2 + 0.3 != 0.3 + 0.2 + 0.1


def test_sources_are_the_newest_hundred_and_their_number_is_known():
    rows = table(*(row(f"{at:03}", hour=at / 100, value=1.0, seq=at) for at in range(150)))
    found = Features(VIEW, [Feature("f", (X,), take="count")]).of(rows, [Candidate()])
    assert found.table["f"].to_pylist() == [150]
    assert found.sources[0]["f"] == tuple(f"Observation/{at:03}/_history/1" for at in range(50, 150))
    assert found.sources.many(0, "f") == 150


def test_sources_are_a_sequence_like_any_other():
    asked = [Candidate(as_of=DAWN + timedelta(hours=hour)) for hour in (9, 3, 1)]
    sources = Features(VIEW, [Feature("f", (X,))]).of(table(*SERIES), asked).sources
    last, middle, first = ({"f": ("Observation/c/_history/1",)}, {"f": ("Observation/a/_history/1",)}, {})
    assert list(sources) == [last, middle, first]
    assert (sources[-1], sources[1:], len(sources)) == (first, [middle, first], 3)
    with pytest.raises(IndexError):
        sources[3]


def test_values_of_any_type_can_be_the_last_the_first_or_counted():
    rows = table(*SERIES)
    features = [Feature("last", (X,), "status"), Feature("count", (X,), "status", take="count")]
    assert made(rows, [Candidate()], features)[0].to_pylist() == [{"last": "final", "count": 3}]


def test_whole_numbers_stay_exact():
    large = 2**53 + 1
    rows = table(row("a", hour=1)).append_column("whole", pa.array([large], pa.int64()))
    features = Features(VIEW, [Feature("f", (X,), "whole", take="max")], added=["whole"])
    assert features.of(rows, [Candidate()]).table["f"].to_pylist() == [large]


# --- moments ----------------------------------------------------------------------------------------------


def moments(**columns):
    return pa.table(columns)


def test_moments_can_be_a_table():
    when = pa.array([DAWN + timedelta(hours=5), DAWN], pa.timestamp("us", tz="UTC"))
    asked = moments(subject=["Patient/1", "Patient/1"], as_of=when)
    found = Features(VIEW, [Feature("f", (X,))]).of(table(*SERIES), asked)
    assert found.table["f"].to_pylist() == [1.0, None]


def test_moments_that_cannot_be_read_are_refused():
    features = Features(VIEW, [Feature("f", (X,))])
    aware = pa.timestamp("us", tz="UTC")
    bad = {
        "lack the column as_of": moments(subject=["Patient/1"]),
        "lack the column subject": moments(as_of=pa.array([DAWN], aware)),
        "time zone": moments(subject=["Patient/1"], as_of=pa.array([None], aware)),
        "moment with": moments(subject=["Patient/1"], as_of=["2024"]),
        "finer": moments(subject=["Patient/1"], as_of=pa.array([1], pa.timestamp("ns", tz="UTC"))),
        "no time zone": [Candidate(as_of=DAWN.replace(tzinfo=None))],
    }
    for message, asked in bad.items():
        with pytest.raises(InvalidView, match=message):
            features.of(table(), asked)


def test_a_link_needs_moments_with_a_focus():
    features = Features(VIEW, [Feature("f", link="specimen")])
    asked = moments(subject=["Patient/1"], as_of=pa.array([DAWN], pa.timestamp("us", tz="UTC")))
    with pytest.raises(InvalidView, match="focus"):
        features.of(table(), asked)


# --- against the model ------------------------------------------------------------------------------------

values = st.sampled_from([None, 0.1, 0.2, 0.3, -1e9, 1e-9, 3.0])
part = st.fixed_dictionaries(
    {
        "code": st.sampled_from("xxxy"),
        "value": values,
        "effective": st.sampled_from([None, "2024-01-01", "2024-01-01T05:00:00Z"]),
    }
)
version = st.fixed_dictionaries(
    {
        "resource": st.sampled_from("abc"),
        "hour": st.integers(0, 3),
        "status": st.sampled_from(["final", "final", "final", "entered-in-error"]),
        "specimen": st.sampled_from(["Specimen/1", "Specimen/1", "Specimen/2", "1", "Encounter/1", None]),
        "_subject": st.sampled_from(["Patient/1", "Patient/1", "Patient/1", "Patient/2"]),
        "rows": st.lists(part, min_size=1, max_size=2),
    }
)
candidates = st.lists(
    st.builds(
        Candidate,
        st.sampled_from(["Patient/1", "Patient/1", "Patient/2", "Patient/3"]),
        st.sampled_from(["Specimen/1", "Specimen/2"]),
        st.integers(0, 5).map(lambda hour: DAWN + timedelta(hours=hour)),
    ),
    min_size=1,
    max_size=5,
)
hours = st.integers(0, 3).map(lambda hour: timedelta(hours=hour))


@st.composite
def feature_sets(draw):
    found = []
    for at in range(draw(st.integers(1, 4))):
        ending, longer = draw(hours), draw(hours)
        found.append(
            Feature(
                f"f{at}",
                draw(st.sampled_from([(), (X,), (X,), (X, Y), ("other|x",)])),
                within=draw(st.sampled_from([None, ending + longer])),
                ending=ending * draw(st.sampled_from([0, 1])),
                link=draw(st.sampled_from([None, None, "specimen"])),
                take=draw(st.sampled_from(get_args(Take))),
                per=draw(st.sampled_from([HOUR, timedelta(days=7)])),
            )
        )
    return found


def rows_of(drawn):
    numbers, found = {}, []
    for seq, each in enumerate(drawn, start=1):
        resource = each["resource"]
        numbers[resource] = numbers.get(resource, 0) + 1
        shared = {key: cell for key, cell in each.items() if key != "rows"}
        found += [row(**shared, **inner, version=numbers[resource], seq=seq) for inner in each["rows"]]
    return found


@settings(max_examples=400, deadline=None)
@given(
    st.lists(version, min_size=2, max_size=14), candidates, feature_sets(), st.randoms(use_true_random=False)
)
def test_every_feature_is_what_the_model_says_to_the_last_bit(drawn, asked, features, random):
    rows = rows_of(drawn)
    found, sources = made(table(*random.sample(rows, len(rows))), asked, features)
    for at, candidate in enumerate(asked):
        for feature in features:
            expected = naive(rows, candidate, feature)
            assert (found[feature.name][at].as_py(), sources[at].get(feature.name, ())) == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(version, max_size=14), candidates, feature_sets(), st.lists(version, max_size=8))
def test_neither_the_future_nor_the_others_asked_about_change_a_bit(drawn, asked, features, later):
    rows = rows_of(drawn)
    future = rows_of([*drawn, *({**each, "hour": each["hour"] + 9} for each in later)])
    together = made(table(*rows), asked, features)
    assert made(table(*future), asked, features) == together
    for at, candidate in enumerate(asked):
        alone, own = made(table(*rows), [candidate], features)
        assert (alone.to_pylist()[0], own[0]) == (together[0].to_pylist()[at], together[1][at])
