"""Views that only pick elements, read with Arrow: the same rows as by Python, whatever is absent or repeated."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vesalius.errors import InvalidView, NotFound, UnreadableInput
from vesalius.views import Files, View

from .test_routes import assert_same, in_order, patient

PICKS = {
    "resource": "Observation",
    "select": [
        {
            "column": [
                {"name": "id", "path": "getResourceKey()"},
                {"name": "status", "path": "Observation.status"},
                {"name": "patient", "path": "subject.reference"},
                {"name": "category", "path": "category.coding.code.first()"},
                {"name": "second", "path": "category[0].coding[0].system"},
                {"name": "value", "path": "value.ofType(Quantity).value"},
                {"name": "count", "path": "value.ofType(integer)"},
                {"name": "truth", "path": "value.ofType(boolean)"},
                {"name": "effective", "path": "effective.ofType(dateTime)"},
            ]
        },
        {
            "forEach": "component",
            "column": [{"name": "part", "path": "code.text"}],
            "select": [{"forEach": "code.coding", "column": [{"name": "code", "path": "code"}]}],
        },
    ],
}


def picks(**changes):
    return {"resource": "Patient", "select": [{"column": [{"name": "x", **changes}]}]}


def test_a_view_that_only_picks_is_read_with_arrow_and_one_that_does_more_is_not(make_lake):
    lake = make_lake([patient(1)])
    assert View.load(picks(path="gender")).table(lake, engine="arrow")["x"].to_pylist() == ["female"]
    for path in ("name.family.join(' ')", "name.where(use = 'usual').family.first()", "%rowIndex", "contact"):
        view = View.load(picks(path=path))
        assert isinstance(view._projection, str)
        with pytest.raises(InvalidView, match="Arrow"):
            view.table(lake, engine="arrow")
        assert view.table(lake).num_rows == 1


def test_it_says_which_columns_it_reads_or_what_stands_in_the_way():
    read = "-- reads id, status, subject.reference, category.coding.code, category.coding.system, "
    assert View.load(PICKS).explain(engine="arrow").startswith(read)
    assert (
        View.load(picks(path="name.family.join(' ')")).explain(engine="arrow").startswith("-- not by Arrow")
    )


CODINGS = st.lists(
    st.fixed_dictionaries({}, optional={"code": st.sampled_from("abc"), "system": st.just("s")}).map(
        lambda coding: coding or {"display": "d"}
    ),
    max_size=3,
)
CONCEPTS = CODINGS.map(lambda codings: {"coding": codings} if codings else {"text": "t"})
VALUES = st.one_of(
    st.just({}),
    st.floats(-5, 5).map(lambda value: {"valueQuantity": {"value": round(value, 3)}}),
    st.integers(-9, 9).map(lambda value: {"valueInteger": value}),
    st.booleans().map(lambda value: {"valueBoolean": value}),
)
OBSERVATIONS = st.lists(
    st.tuples(st.lists(CONCEPTS, max_size=3), st.lists(CONCEPTS, max_size=3), VALUES), min_size=1, max_size=8
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(OBSERVATIONS)
def test_what_is_absent_or_repeated_is_picked_as_python_picks_it(make_lake, made):
    resources = [
        {
            "resourceType": "Observation",
            "id": str(at),
            "status": "final",
            "code": {"text": "x"},
            **({"category": categories} if categories else {}),
            **({"component": [{"code": code} for code in parts]} if parts else {}),
            **value,
        }
        for at, (categories, parts, value) in enumerate(made)
    ]
    view, lake = View.load(PICKS), make_lake(resources)
    found = view.table(lake, engine="arrow")
    assert found.schema == view.table(lake, engine="python").schema
    assert in_order(found) == in_order(view.table(lake, engine="python"))
    assert_same(view, lake)


def test_several_values_in_one_cell_fail_by_name_and_without_the_values(make_lake):
    lake = make_lake([patient(1, name=[{"family": "Peeters"}, {"family": "Maes"}])])
    with pytest.raises(InvalidView, match="the column x") as caught:
        View.load(picks(path="name.family")).table(lake, engine="arrow")
    assert "Peeters" not in str(caught.value)


def test_a_pinned_lake_gives_nothing_later_from_a_group_that_holds_later_rows(make_lake):
    lake = make_lake([patient(1), patient(2)], [patient(1, gender="male")])
    view, pinned = View.load(picks(path="gender")), lake.pinned(2)
    assert view.table(lake, engine="arrow").num_rows == 3
    lake.compact_columns()  # now one group of rows holds all three
    found = view.table(pinned, engine="arrow")
    assert found["_reference"].to_pylist() == ["Patient/1/_history/1", "Patient/2/_history/1"]
    assert found.equals(view.table(pinned, engine="python"))
    assert view.table(pinned, engine="arrow", origin=()).num_rows == 2


def test_many_batches_of_columns_come_in_the_order_of_the_log(make_lake):
    batches = [[patient(number + 10 * batch) for number in range(10)] for batch in range(30)]
    lake = make_lake(*batches)
    view = View.load(picks(path="getResourceKey()"))
    for engine in ("arrow", "duckdb"):
        assert view.table(lake, engine=engine)["_seq"].to_pylist() == list(range(1, 301))


def test_arrow_reads_columns_only(make_lake, make_files, tmp_path):
    view = View.load(picks(path="gender"))
    with pytest.raises(NotFound, match="columns"):
        view.table(make_files([patient(1)]), engine="arrow")
    with pytest.raises(NotFound, match="columns"):
        view.table(make_lake([patient(1)]), ["Patient/1"], engine="arrow")
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(b"PAR1")
    with pytest.raises(UnreadableInput, match=r"damaged\.parquet"):
        view.table(Files(damaged), engine="arrow")


def test_a_file_that_goes_while_it_is_known_is_an_error_by_its_name(make_lake):
    view, lake = View.load(picks(path="gender")), make_lake([patient(1)])
    files = Files(lake.columns("Patient").files)
    assert view.table(files).num_rows == 1
    files.paths[0].unlink()
    with pytest.raises(UnreadableInput, match=files.paths[0].name):
        view.table(files, engine="arrow")
