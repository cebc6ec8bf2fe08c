"""Saved views: every version is kept, the last change is undone and brought back, and nobody overwrites unseen."""

import json

import pytest
import sqlalchemy as sa

from vesalius.errors import Conflict, InvalidSetting, InvalidView, NotAllowed, NotFound
from vesalius.governance import audit, views
from vesalius.store import open_store
from vesalius.views import library

A = '{"resource": "Patient", "select": [{"column": [{"name": "sex", "path": "gender"}]}]}'
B = A.replace("sex", "gender")


@pytest.fixture
def engine(database_url):
    opened = open_store(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def engineer(staff):
    return staff["engineer"]


def words(engine, name="mine"):
    return [(each.version, each.text, each.restores) for each in reversed(views.history(engine, name))]


def test_each_change_is_a_version_and_an_event(engine, engineer):
    first = views.save(engine, "mine", A, engineer)
    second = views.save(engine, "mine", B, engineer, after=1)
    assert (first.version, second.version) == (1, 2)
    assert views.current(engine, "mine").definition == json.loads(B)
    assert [each.name for each in views.everyone(engine)] == ["mine"]
    event = audit.events(engine, action="view.saved")[0]
    assert (event.actor, event.object, event.detail["version"]) == ("engineer", "mine", 2)
    assert event.detail["digest"] == views.digest(json.loads(B))


def test_undoing_goes_back_step_by_step_and_deletes_nothing(engine, engineer):
    views.save(engine, "mine", A, engineer)
    views.save(engine, "mine", B, engineer, after=1)
    views.undo(engine, "mine", engineer, after=2)
    assert words(engine) == [(1, A, None), (2, B, None), (3, A, 1)]
    views.undo(engine, "mine", engineer, after=3)
    assert views.everyone(engine) == []
    with pytest.raises(NotFound):
        views.current(engine, "mine")
    views.undo(engine, "mine", engineer, after=4)
    assert words(engine)[3:] == [(4, "", None), (5, A, 1)]
    views.save(engine, "mine", B, engineer, after=5)
    views.undo(engine, "mine", engineer, after=6)
    assert views.current(engine, "mine").text == A
    assert len(audit.events(engine, action="view.undone")) == 4


def test_of_two_who_change_the_same_version_one_is_told(engine, engineer):
    views.save(engine, "mine", A, engineer)
    views.save(engine, "mine", B, engineer, after=1)
    for attempt in (
        lambda: views.save(engine, "mine", A, engineer, after=1),
        lambda: views.save(engine, "mine", A, engineer),
        lambda: views.undo(engine, "mine", engineer, after=1),
    ):
        with pytest.raises(Conflict):
            attempt()
    assert len(words(engine)) == 2


@pytest.mark.parametrize("name", ["", "Mine", "1st", "a-b", "../x", "a" * 64, "ä", "a\n"])
def test_a_name_has_one_form(engine, engineer, name):
    with pytest.raises(InvalidSetting):
        views.save(engine, name, A, engineer)


def test_a_name_of_the_library_stays_the_librarys(engine, engineer):
    with pytest.raises(Conflict):
        views.save(engine, library.names()[0], A, engineer)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", ""),
        ("[]", ""),
        ('{\n"resource": "Patient",\n "select": oops}', "line 3"),
        ('{"resource": "Patient", "select": []}', "select"),
        (A.replace("gender", "gender +"), "select[0].column[0]"),
        (" " * views.LONGEST + A, ""),
        ("[" * 9000, ""),
    ],
)
def test_a_view_that_is_wrong_is_not_saved_and_the_error_names_the_place(engine, engineer, text, place):
    with pytest.raises(InvalidView) as told:
        views.save(engine, "mine", text, engineer)
    assert told.value.place.startswith(place)
    with pytest.raises(NotFound):
        views.history(engine, "mine")


@pytest.mark.parametrize("role", ["doctor", "biologist", "nurse", "dpo", "director", "legal", "records"])
def test_only_who_may_saves_or_undoes(engine, staff, engineer, role):
    views.save(engine, "mine", A, engineer)
    with pytest.raises(NotAllowed):
        views.save(engine, "mine", B, staff[role], after=1)
    with pytest.raises(NotAllowed):
        views.undo(engine, "mine", staff[role], after=1)


def test_what_was_never_saved_is_not_found(engine, engineer):
    with pytest.raises(NotFound):
        views.undo(engine, "nothing", engineer, after=0)
    with pytest.raises(NotFound):
        views.current(engine, "nothing")


def test_the_versions_are_rows_of_one_table(engine, engineer):
    views.save(engine, "mine", A, engineer)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM saved_view")).scalar() == 1
