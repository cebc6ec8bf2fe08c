"""The leakage guard: what could see past its moment does not compile, and says where and why."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.errors import InvalidView, Leak
from vesalius.views import View
from vesalius.views._view import ONLINE
from vesalius.views.features import STEADY, Feature, Features

from .asof import DEFINITION, LOINC, VIEW, Candidate, row, table

X = f"{LOINC}|x"
HOUR = timedelta(hours=1)


def refused(error, feature, **more):
    with pytest.raises(error) as caught:
        Features(VIEW, [Feature("fine"), feature], **more)
    return caught.value


# --- windows and times ------------------------------------------------------------------------------------


def test_a_window_that_ends_after_the_moment_does_not_compile():
    error = refused(Leak, Feature("f", ending=-HOUR))
    assert error.place == "features[1].ending"
    assert "ends 1:00:00 after the moment" in str(error)


def test_a_window_that_begins_after_the_moment_does_not_compile():
    assert refused(Leak, Feature("f", within=-HOUR)).place == "features[1].within"


@pytest.mark.parametrize("time", ["effective", "issued", "_seq"])
def test_values_placed_by_when_something_happened_do_not_compile(time):
    error = refused(Leak, Feature("f", time=time))
    assert error.place == "features[1].time"
    assert "not when it was known" in str(error)


@given(st.timedeltas(max_value=timedelta(0)).filter(bool))
def test_no_window_reaches_past_its_moment(length):
    assert refused(Leak, Feature("f", ending=length)).place == "features[1].ending"


# --- the outcome ------------------------------------------------------------------------------------------


def test_a_feature_of_the_outcome_does_not_compile():
    error = refused(Leak, Feature("f", column="value"), outcome=["value"])
    assert error.place == "features[0].column"  # the first one reads it as well
    assert "would know the answer" in str(error)
    assert refused(Leak, Feature("f", link="specimen"), outcome=["specimen"]).place == "features[1].link"


def test_an_outcome_that_is_no_column_is_a_mistake():
    assert refused(InvalidView, Feature("f"), outcome=["verdict"]).place == "outcome[0]"


# --- what makes no sense ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("feature", "place"),
    [
        (Feature("f", within=HOUR, ending=2 * HOUR), "features[1].ending"),
        (Feature("f", per=timedelta(0)), "features[1].per"),
        (Feature("f", column="nothing"), "features[1].column"),
        (Feature("f", link="nothing"), "features[1].link"),
        (Feature("f", codes=("2160-0",)), "features[1].codes[0]"),
        (Feature("f", column="_seq"), "features[1].column"),
        (Feature("f", column="status", take="mean"), "features[1]"),
        (Feature("fine"), "features[1].name"),
        (Feature(""), "features[1].name"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(feature, place):
    error = refused(InvalidView, feature)
    assert error.place == place


def test_codes_need_the_columns_of_codes():
    bare = View.load({"resource": "Patient", "select": [{"column": [{"name": "value", "path": "gender"}]}]})
    with pytest.raises(InvalidView, match="no column code") as caught:
        Features(bare, [Feature("f", (X,))])
    assert caught.value.place == "features[0].codes"


def test_arithmetic_on_an_added_column_of_text_is_refused_when_the_rows_come():
    features = Features(VIEW, [Feature("f", column="more", take="mean")], added=["more"])
    rows = table(row())
    assert (
        features.of(rows.append_column("more", pa.array([2.5])), [Candidate()]).table["f"][0].as_py() == 2.5
    )
    with pytest.raises(InvalidView, match="needs numbers") as caught:
        features.of(rows.append_column("more", pa.array(["2.5"])), [Candidate()])
    assert caught.value.place == "features[0]"
    with pytest.raises(InvalidView, match="lack the columns more"):
        features.of(rows, [Candidate()])


# --- views that leave out versions ------------------------------------------------------------------------

COLUMNS = {"column": [{"name": "value", "path": "id"}]}


def view(*selects, where=()):
    return {
        "resource": "Observation",
        "select": [COLUMNS, *selects],
        "where": [{"path": path} for path in where],
    }


def leak(definition):
    with pytest.raises(Leak) as caught:
        Features(View.load(definition), [Feature("f")])
    return caught.value


@pytest.mark.parametrize(
    ("path", "element"),
    [
        ("status = 'final'", "status"),
        ("$this.status = 'final'", "status"),
        ("Observation.status = 'final'", "status"),
        ("%resource.status = 'final'", "status"),
        ("code.coding.exists(%resource.status = 'final')", "status"),
        ("where(status = 'final').exists()", "status"),
        ("(status | issued).exists()", "issued, status"),
        ("iif(code.exists(), status = 'final', false)", "status"),
        ("(status = 'final').not()", "status"),
        ("value.ofType(Quantity).value > 3", "value"),
        ("interpretation.exists()", "interpretation"),
        ("effective.ofType(dateTime) > @2024-01-01T00:00:00Z", "effective"),
        ("code.exists() and status = 'final'", "status"),
        ("component[0].exists()", "component"),
        ("extension('http://a').exists()", "extension()"),
        ("value is Quantity", "value"),
    ],
)
def test_a_view_that_filters_on_what_can_change_does_not_compile(path, element):
    error = leak(view(where=["code.exists()", path]))
    assert error.place == "view.where[1]"
    assert f"by {element}, which can change" in str(error)


@pytest.mark.parametrize(
    "path",
    [
        "code.coding.exists(system = 'http://loinc.org' and code = '630-4')",
        "category.coding.where(code = 'laboratory').exists()",
        "code.coding.where(status = 'x').exists()",  # an element of a Coding, were there one, is not the resource's
        "subject.reference.startsWith('Patient/')",
        "identifier.exists() or id = 'a'",
        "(code | category).exists()",
        "iif(code.exists(), true, category.exists())",
    ],
)
def test_a_view_may_filter_on_what_a_resource_is(path):
    Features(View.load(view(where=[path])), [Feature("f")])


@pytest.mark.parametrize(
    ("select", "place"),
    [
        ({"forEach": "interpretation", **COLUMNS}, "view.select[1].forEach"),
        ({"forEach": "code.coding.where(%resource.status = 'final')", **COLUMNS}, "view.select[1].forEach"),
        ({"repeat": ["component"], **COLUMNS}, "view.select[1].repeat"),
        ({"select": [{"forEach": "note", **COLUMNS}]}, "view.select[1].select[0].forEach"),
        (
            {"forEachOrNull": "component", "select": [{"forEach": "code.coding", **COLUMNS}]},
            "view.select[1].select[0].forEach",
        ),
        (
            {"unionAll": [{"forEach": "note", **COLUMNS}, {"forEach": "component", **COLUMNS}]},
            "view.select[1].unionAll[0].forEach",
        ),
    ],
)
def test_a_loop_that_may_give_no_row_for_a_version_does_not_compile(select, place):
    definition = view(json.loads(json.dumps(select).replace('"value"', '"other"')))
    assert leak(definition).place == place


@pytest.mark.parametrize(
    "select",
    [
        {"forEachOrNull": "interpretation", **COLUMNS},
        {"forEach": "code.coding", **COLUMNS},
        {"forEach": "code", "select": [{"forEach": "coding", **COLUMNS}]},
        {"forEachOrNull": "code", "select": [{"forEach": "coding.where(system = 'a')", **COLUMNS}]},
        {"unionAll": [{"forEach": "note", **COLUMNS}, {"forEachOrNull": "component", **COLUMNS}]},
    ],
)
def test_a_loop_that_keeps_every_version_compiles(select):
    definition = view(json.loads(json.dumps(select).replace('"value"', '"other"')))
    Features(View.load(definition), [Feature("f")])


def test_nothing_that_can_change_counts_as_steady():
    assert not STEADY & {"status", "value", "issued", "effective", "interpretation", "meta", "period"}


# --- the JSON form ----------------------------------------------------------------------------------------

DECLARED = {
    "view": DEFINITION,
    "outcome": ["specimen"],
    "features": [
        {"name": "last", "codes": [X], "within": "P30D"},
        {"name": "trend", "codes": [X], "take": "slope", "within": "P7D", "ending": "PT6H", "per": "PT1H"},
    ],
}
SAME = (
    Feature("last", (X,), within=timedelta(days=30)),
    Feature("trend", (X,), take="slope", within=timedelta(days=7), ending=6 * HOUR, per=HOUR),
)


def test_json_and_python_say_the_same():
    assert Features.load(DECLARED).features == SAME


def test_a_declaration_lies_beside_its_view(tmp_path):
    (tmp_path / "laboratory.json").write_text(json.dumps(DEFINITION))
    (tmp_path / "features.json").write_text(json.dumps({**DECLARED, "view": "laboratory.json"}))
    found = Features.load(tmp_path / "features.json")
    assert found.features == SAME
    assert found.view.columns == VIEW.columns


def with_feature(**more):
    return {**DECLARED, "features": [{"name": "f", **more}]}


@pytest.mark.parametrize(
    ("declared", "place", "error"),
    [
        (with_feature(ending="-PT1H"), "features[0].ending", Leak),
        (with_feature(time="effective"), "features[0].time", Leak),
        (with_feature(column="specimen"), "features[0].column", Leak),
        (with_feature(take="median"), "features[0].take", InvalidView),
        (with_feature(within="a month"), "features[0].within", InvalidView),
        (with_feature(wihtin="P1D"), "features[0]", InvalidView),
        ({"features": []}, "", InvalidView),
        (
            {**DECLARED, "view": {**DEFINITION, "where": [{"path": "status = 'final'"}]}},
            "view.where[0]",
            Leak,
        ),
    ],
)
def test_errors_of_a_declaration_name_the_place(declared, place, error):
    with pytest.raises(error) as caught:
        Features.load(declared)
    assert caught.value.place == place


def test_a_file_that_is_no_declaration_is_refused(tmp_path):
    (tmp_path / "a.json").write_text("{")
    for name in ("a.json", "b.json"):
        with pytest.raises(InvalidView, match=f"cannot read {name}"):
            Features.load(tmp_path / name)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_is_read_gives_features_or_an_error_of_ours(anything):
    for declared in (
        {"view": anything},
        {"view": DEFINITION, "features": anything},
        {**DECLARED, "outcome": anything},
    ):
        with suppress(InvalidView, Leak):
            assert Features.load(declared).features is not None


# --- from a lake ------------------------------------------------------------------------------------------


CROWD = [Candidate(f"Patient/other{at}") for at in range(ONLINE)]
"""So many patients that the rows come from the lake's columns."""


def observation(number, value, status="final", issued="2024-02-01T08:00:00Z"):
    return {
        "resourceType": "Observation",
        "id": number,
        "status": status,
        "code": {"coding": [{"system": LOINC, "code": "x"}]},
        "subject": {"reference": "Patient/1"},
        "issued": issued,
        "valueQuantity": {"value": value},
    }


def test_features_of_a_lake_know_what_the_hospital_knew(make_lake):
    lake = make_lake(
        [observation("a", 4.0), observation("b", 8.0, issued="2024-02-03T08:00:00Z")],
        [observation("b", 8.0, "entered-in-error", issued="2024-02-05T08:00:00Z")],
    )
    days = [datetime(2024, 2, day, tzinfo=UTC) for day in (1, 2, 4, 6)]
    asked = [Candidate("Patient/1", "Patient/1", day) for day in days]
    features = Features(VIEW, [Feature("mean", (X,), take="mean"), Feature("last", (X,))])
    found = features.table(lake, asked)
    assert found.table["mean"].to_pylist() == [None, 4.0, 6.0, 4.0]
    assert found.table["last"].to_pylist() == [None, 4.0, 8.0, 4.0]
    assert found.sources[2] == {
        "mean": ("Observation/a/_history/1", "Observation/b/_history/1"),
        "last": ("Observation/b/_history/1",),
    }
    assert features.table(lake, []).table.num_rows == 0
    assert features.table(lake, [*asked, *CROWD]).table.slice(0, 4) == found.table


def test_a_correction_that_takes_a_result_out_of_the_filter_takes_its_value_away(make_lake):
    """The view gives no row for the second version, which replaces the first all the same."""
    corrected = {**observation("a", 4.0, issued="2024-02-03T08:00:00Z"), "code": {"text": "another"}}
    lake = make_lake([observation("a", 4.0)], [corrected])
    select = [DEFINITION["select"][0], {**DEFINITION["select"][1], "forEach": "code.coding"}]
    del select[1]["forEachOrNull"]
    looping = View.load({**DEFINITION, "select": select})
    filtering = View.load({**DEFINITION, "where": [{"path": "code.coding.exists(code = 'x')"}]})
    asked = [Candidate("Patient/1", "Patient/1", datetime(2024, 2, day, tzinfo=UTC)) for day in (2, 4)]
    for each in (looping, filtering):
        found = Features(each, [Feature("last", (X,))]).table(lake, asked)
        assert found.table["last"].to_pylist() == [4.0, None]
        crowded = Features(each, [Feature("last", (X,))]).table(lake, [*asked, *CROWD])
        assert crowded.table.slice(0, 2) == found.table
        assert crowded.sources[:2] == list(found.sources)
