"""Some hundred paths (`../paths.json`), in columns, in columns of lists and in criteria: Spark gives the same."""

import pytest

from vesalius.views import spark

from ..test_paths import PATHS, TYPES, view_of, view_where

AT_ONCE = 25
"""Columns of one view: a plan of hundreds takes Spark long."""


def compiled(kind, paths, **column):
    return [path for path in paths if spark.route(view_of(kind, [path], **column)) == "spark"]


def assert_columns_agree(kind, paths, session, source, **column):
    for start in range(0, len(paths), AT_ONCE):
        some = paths[start : start + AT_ONCE]
        view = view_of(kind, some, **column)
        ours, theirs = spark.table(view, session, source), view.table(source, engine="python")
        if "_seq" in ours.column_names:
            ours = ours.sort_by("_seq")
        for name, path in zip(view.columns, some, strict=True):
            assert ours[name].to_pylist() == theirs[name].to_pylist(), path
            assert ours[name].type == theirs[name].type, path


@pytest.mark.parametrize("kind", TYPES)
def test_every_path_gives_the_same_in_a_column(kind, session, make_lake):
    paths = compiled(kind, PATHS["columns"][kind])
    assert len(paths) > 0.8 * len(PATHS["columns"][kind])
    assert_columns_agree(kind, paths, session, make_lake(PATHS["resources"]))


@pytest.mark.parametrize("kind", TYPES)
def test_every_path_gives_the_same_in_a_column_of_lists(kind, session, make_lake):
    paths = compiled(kind, PATHS["collections"][kind], collection=True)
    assert len(paths) > 0.8 * len(PATHS["collections"][kind])
    assert_columns_agree(kind, paths, session, make_lake(PATHS["resources"]), collection=True)


def test_every_criterion_keeps_the_same_resources(session, make_lake, subtests):
    lake = make_lake(PATHS["resources"])
    for path in PATHS["criteria"]["Observation"]:
        view = view_where("Observation", path)
        if spark.route(view) == "spark":
            with subtests.test(path=path):
                kept = spark.table(view, session, lake)["id"].to_pylist()
                assert sorted(kept) == sorted(view.table(lake, engine="python")["id"].to_pylist())
