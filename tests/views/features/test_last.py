"""The last value known before each candidate's moment, held against a model simple enough to be read."""

from datetime import timedelta
from random import Random
from time import process_time

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.errors import InvalidView
from vesalius.views.features import Feature

from . import asof
from .asof import DAWN, LOINC, Candidate, made, naive, row, table


def one(*rows, feature=None, **candidate):
    return asof.one(*rows, feature=feature or Feature("f", codes=(f"{LOINC}|x",)), **candidate)


def test_the_newest_value_is_taken_with_the_version_it_came_from():
    value, sources = one(row("a", hour=1, value=1.0), row("b", hour=2, value=2.0))
    assert value == 2.0
    assert sources == {"f": ("Observation/b/_history/1",)}


def test_what_was_recorded_after_the_moment_does_not_count():
    assert one(row("a", hour=1), row("b", hour=11, value=2.0))[0] == 1.0


def test_what_was_recorded_at_the_very_moment_counts():
    assert one(row("a", hour=10, value=3.0))[0] == 3.0


def test_a_correction_counts_from_when_it_was_recorded():
    rows = [row("a", 1, hour=1, value=1.0), row("a", 2, hour=5, value=9.0)]
    assert one(*rows)[0] == 9.0
    assert one(*rows, as_of=DAWN + timedelta(hours=4))[0] == 1.0


def test_of_two_versions_recorded_at_once_the_later_arrival_counts():
    assert one(row("a", 1, hour=1, value=1.0, seq=7), row("a", 2, hour=1, value=2.0, seq=8))[0] == 2.0


def test_a_resource_withdrawn_later_counts_until_then():
    rows = [row("a", 1, hour=1), row("a", 2, hour=5, status="entered-in-error")]
    assert one(*rows) == (None, {})
    assert one(*rows, as_of=DAWN + timedelta(hours=4))[0] == 1.0


def test_what_was_withdrawn_at_the_very_moment_does_not_count():
    rows = [row("a", 1, hour=1), row("a", 2, hour=10, status="entered-in-error")]
    assert one(*rows) == (None, {})


def test_of_values_recorded_at_once_that_of_the_greater_resource_counts():
    rows = [row("a", hour=1, value=9.0), row("b", hour=1, value=1.0), row("aa", hour=1, value=99.0)]
    assert one(*rows)[0] == one(*reversed(rows))[0] == 1.0


def test_of_two_values_in_one_version_the_one_that_reads_greater_counts():
    rows = [row("a", hour=1, value=9.0), row("a", hour=1, value=10.0)]
    assert one(*rows)[0] == one(*reversed(rows))[0] == 9.0


def test_a_withdrawn_resource_uncovers_the_one_before_it():
    rows = [row("a", hour=1), row("b", hour=2, value=2.0, status="cancelled")]
    assert one(*rows)[0] == 1.0


def test_a_correction_that_changes_the_code_takes_the_value_away():
    assert one(row("a", 1, hour=1), row("a", 2, hour=2, code="y"))[0] is None


def test_a_correction_that_changes_the_patient_takes_the_value_away():
    assert one(row("a", 1, hour=1), row("a", 2, hour=2, _subject="Patient/2"))[0] is None


def test_a_row_without_a_value_is_passed_over():
    assert one(row("a", hour=1), row("b", hour=2, value=None))[0] == 1.0


def test_a_value_older_than_the_feature_allows_does_not_count():
    feature = Feature("f", within=timedelta(hours=5))
    assert one(row("a", hour=4), feature=feature)[0] is None
    assert one(row("a", hour=5), feature=feature)[0] == 1.0


@pytest.mark.parametrize(
    "reference", ["Specimen/1", "http://hospital.example/fhir/Specimen/1", "Specimen/1/_history/3", "1"]
)
def test_a_link_is_followed_however_the_reference_is_written(reference):
    assert one(row(specimen=reference), feature=Feature("f", link="specimen"))[0] == 1.0


@pytest.mark.parametrize("reference", ["Specimen/2", "Encounter/1", None])
def test_what_is_linked_to_something_else_does_not_count(reference):
    assert one(row(specimen=reference), feature=Feature("f", link="specimen"))[0] is None


def test_of_values_recorded_at_once_the_later_in_effect_counts_across_time_zones():
    early = row("b", hour=1, value=1.0, effective="2024-01-01T10:00:00+02:00")
    late = row("a", hour=1, value=2.0, effective="2024-01-01T09:00:00Z")
    assert one(early, late)[0] == 2.0


def test_rows_that_lack_a_column_are_refused_by_name():
    with pytest.raises(InvalidView, match="specimen"):
        made(table().drop_columns(["specimen"]), [Candidate()], [Feature("f", link="specimen")])


def test_no_candidates_give_no_rows_and_keep_the_types():
    found, sources = made(table(row()), [], [Feature("f")])
    assert found.schema == pa.schema([("f", pa.float64())])
    assert (found.num_rows, sources) == (0, ())


# --- against the naive model ------------------------------------------------------------------------------

rows_strategy = st.lists(
    st.builds(
        dict,
        resource=st.sampled_from("abcd"),
        hour=st.integers(0, 6),
        value=st.one_of(st.none(), st.integers(0, 3).map(float)),
        code=st.sampled_from("xy"),
        status=st.sampled_from(["final", "final", "entered-in-error"]),
        specimen=st.sampled_from(["Specimen/1", "Specimen/2", None]),
        _subject=st.sampled_from(["Patient/1", "Patient/2"]),
        effective=st.sampled_from([None, "2024-01-01", "2024-01-01T05:00:00Z"]),
    ),
    max_size=12,
)
candidates_strategy = st.lists(
    st.builds(
        Candidate,
        st.sampled_from(["Patient/1", "Patient/2", "Patient/3"]),
        st.sampled_from(["Specimen/1", "Specimen/2"]),
        st.integers(0, 7).map(lambda hour: DAWN + timedelta(hours=hour)),
    ),
    max_size=4,
)
FEATURES = (
    Feature("any"),
    Feature("x", codes=(f"{LOINC}|x",)),
    Feature("recent", codes=(f"{LOINC}|x", f"{LOINC}|y"), within=timedelta(hours=2)),
    Feature("linked", link="specimen"),
)


def numbered(drawn):
    versions, rows = {}, []
    for seq, each in enumerate(drawn, start=1):
        version = versions[each["resource"]] = versions.get(each["resource"], 0) + 1
        rows.append(row(**each, version=version, seq=seq))
    return rows


@settings(max_examples=150, deadline=None)
@given(rows_strategy, candidates_strategy, st.randoms(use_true_random=False))
def test_latest_is_what_the_naive_model_says_in_any_order_and_for_one_as_for_many(drawn, asked, random):
    rows = numbered(drawn)
    shuffled = random.sample(rows, len(rows))
    found, sources = made(table(*shuffled), asked, FEATURES)
    for at, candidate in enumerate(asked):
        alone, own = made(table(*rows), [candidate], FEATURES)
        assert own[0] == sources[at]
        assert alone.to_pylist()[0] == found.to_pylist()[at]
        for feature in FEATURES:
            expected = naive(rows, candidate, feature)
            assert (found[feature.name][at].as_py(), sources[at].get(feature.name, ())) == expected


@settings(max_examples=80, deadline=None)
@given(rows_strategy, candidates_strategy, rows_strategy)
def test_nothing_recorded_after_the_moment_has_any_influence(drawn, asked, later):
    rows = numbered(drawn)
    future = numbered([*drawn, *({**each, "hour": each["hour"] + 8} for each in later)])
    now, sources = made(table(*rows), asked, FEATURES)
    then, later_sources = made(table(*future), asked, FEATURES)
    assert (now, sources) == (then, later_sources)


def test_fifty_thousand_candidates_take_seconds():
    random = Random(1)
    rows = table(
        *(
            row(
                str(at),
                hour=random.randrange(1000),
                code=random.choice("xyz"),
                seq=at,
                _subject=f"Patient/{at % 5000}",
            )
            for at in range(20_000)
        )
    )
    asked = [
        Candidate(f"Patient/{at % 5000}", as_of=DAWN + timedelta(hours=at % 1000)) for at in range(50_000)
    ]
    start = process_time()
    made(rows, asked, FEATURES[1:3])
    assert process_time() - start < 10
