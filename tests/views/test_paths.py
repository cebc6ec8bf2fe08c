"""Some hundred paths on resources that have a bit of everything: both routes give the same, value by value.

`paths.json` holds the resources, the paths that compile to SQL by the kind of place they stand in, those that fail
on a resource on both routes, and those that are left to Python, each with the reason that the view tells.
"""

import json
from pathlib import Path

import pytest

from vesalius.errors import InvalidView
from vesalius.views import View

PATHS = json.loads((Path(__file__).parent / "paths.json").read_text(encoding="utf-8"))
TYPES = ("Patient", "Observation")


def view_of(kind, paths, **column):
    columns = [{"name": f"c{at}", "path": path, **column} for at, path in enumerate(paths)]
    return View.load({"resource": kind, "select": [{"column": columns}]})


def assert_columns_agree(view, paths, source):
    assert view.route == "duckdb"
    fast, slow = (view.table(source, engine=engine) for engine in ("duckdb", "python"))
    assert fast.num_rows > 0
    for name, path in zip(view.columns, paths, strict=True):
        assert fast[name].to_pylist() == slow[name].to_pylist(), path
        assert fast[name].type == slow[name].type, path


@pytest.fixture(params=["lake", "files"])
def source(request, make_lake, make_files):
    return (make_lake if request.param == "lake" else make_files)(PATHS["resources"])


@pytest.mark.parametrize("kind", TYPES)
def test_every_path_gives_the_same_in_a_column(kind, source):
    paths = PATHS["columns"][kind]
    assert_columns_agree(view_of(kind, paths), paths, source)


@pytest.mark.parametrize("kind", TYPES)
def test_every_path_gives_the_same_in_a_column_of_lists(kind, source):
    paths = [*PATHS["collections"][kind], "id", "language"]
    assert_columns_agree(view_of(kind, paths, collection=True), paths, source)


def view_where(kind, path):
    columns = [{"name": "id", "path": "getResourceKey()"}]
    return View.load({"resource": kind, "where": [{"path": path}], "select": [{"column": columns}]})


def test_every_criterion_keeps_the_same_resources(make_lake, subtests):
    lake = make_lake(PATHS["resources"])
    for path in PATHS["criteria"]["Observation"]:
        with subtests.test(path=path):
            view = view_where("Observation", path)
            kept = [view.table(lake, engine=engine)["id"].to_pylist() for engine in ("duckdb", "python")]
            assert kept[0] == kept[1]


@pytest.mark.parametrize(("kind", "path"), [(kind, path) for kind in TYPES for path in PATHS["fails"][kind]])
def test_what_fails_fails_on_both_routes(kind, path, make_lake):
    view, lake = view_of(kind, [path]), make_lake(PATHS["resources"])
    for engine in ("duckdb", "python"):
        with pytest.raises(InvalidView, match="values"):
            view.table(lake, engine=engine)


@pytest.mark.parametrize(("path", "reason"), PATHS["python"].items())
def test_what_is_left_to_python_says_why(path, reason):
    kind, _, path = path.partition(" ")
    view = view_of(kind[:-1], [path]) if kind[-1] == ":" else view_where(kind[:-1], path)
    assert view.route == f"python ({reason})"


def test_what_is_left_to_python_is_refused_where_duckdb_is_asked_for(make_lake):
    with pytest.raises(InvalidView, match="does not run on DuckDB: it uses upper"):
        view_of("Patient", ["gender.upper()"]).table(make_lake([]), engine="duckdb")
