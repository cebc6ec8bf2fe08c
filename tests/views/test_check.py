"""What `check` finds in a view before it runs, and what is refused as soon as it is loaded."""

import json
from string import ascii_letters, digits

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.errors import InvalidView
from vesalius.views import Problem, View, check


def view(path, resource="Observation", **column):
    return {"resource": resource, "select": [{"column": [{"name": "a", "path": path, **column}]}]}


def only(definition):
    (found,) = check(definition)
    return found


GOOD = {
    "resource": "Patient",
    "constant": [{"name": "use", "valueCode": "official"}],
    "where": [{"path": "active"}, {"path": "name.exists()"}],
    "select": [
        {
            "column": [
                {"name": "id", "path": "getResourceKey()"},
                {"name": "born", "path": "birthDate", "type": "date"},
                {"name": "names", "path": "name.given", "collection": True},
                {"name": "race", "path": "extension('x').extension('y').value.ofType(Coding).code.first()"},
                {"name": "absent", "path": "birthDate.extension('x').value.ofType(code).first()"},
                {"name": "died", "path": "deceased.ofType(dateTime) > birthDate"},
            ]
        },
        {
            "forEachOrNull": "name.where(use = %use)",
            "column": [{"name": "family", "path": "family"}, {"name": "index", "path": "%rowIndex"}],
        },
        {"forEach": "contained.ofType(Organization)", "column": [{"name": "place", "path": "name"}]},
    ],
}


def test_a_good_view_has_no_problems():
    assert check(GOOD) == []


@pytest.mark.parametrize(
    ("path", "at", "message", "hint"),
    [
        ("stats", 0, "Observation has no element stats", "did you mean status?"),
        ("code.codin.code", 5, "CodeableConcept has no element codin", "did you mean coding?"),
        (
            "component.where(cod.text = 'x').id.first()",
            16,
            "Observation.component has no element cod",
            "code",
        ),
        ("valueQuantity.value", 0, "no element valueQuantity", "write value.ofType(Quantity)"),
        ("value.ofType(Money).value", 6, "it is never a Money", "Quantity"),
        ("status = 5", 7, "compares a code with an integer", ""),
        ("subject.getReferenceKey(Patien)", 24, "R4 has no resource type Patien", "did you mean Patient?"),
        ("code.getReferenceKey()", 5, "which is no Reference", ""),
        ("Patient.id", 0, "the path starts on an Observation, not on a Patient", ""),
    ],
)
def test_a_mistake_in_a_path_loads_and_is_told_with_its_place(path, at, message, hint):
    problem = check(view(path))[0]
    assert (problem.place, problem.at, problem.severity) == ("select[0].column[0]", at, "error")
    assert message in problem.message
    assert hint in problem.hint
    View.load(view(path))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("status > 5", "compares a code with an integer, at character 8"),
        ("status + 5", "cannot calculate with \\+ on a code and an integer, at character 8"),
        ("1 + 2 + status", "at character 7"),
        ("code.coding['a']", "an index must be a whole number, at character 13"),
        ("status.nothing()", "nothing"),
        ("status.substring()", "substring"),
        ("(status", "at character 8"),
    ],
)
def test_what_can_never_work_is_refused_with_its_place(path, message):
    with pytest.raises(InvalidView, match=message) as caught:
        View.load(view(path))
    assert caught.value.place == "select[0].column[0]"
    assert only(view(path)).place == "select[0].column[0]"


@pytest.mark.parametrize("path", ["status", "code", "component.count()", "code.coding.code | status", "'x'"])
def test_a_criterion_that_is_no_boolean_is_refused(path):
    definition = view("id") | {"where": [{"path": "status.exists()"}, {"path": path}]}
    with pytest.raises(InvalidView, match="not true or false") as caught:
        View.load(definition)
    assert caught.value.place == "where[1]"


@pytest.mark.parametrize(
    "path", ["$this", "%resource", "where(id = 'x')", "%resource.item", "Questionnaire", "first()"]
)
def test_a_repeat_that_comes_back_to_where_it_was_is_refused(path):
    select = {"repeat": ["item", path], "column": [{"name": "a", "path": "linkId"}]}
    with pytest.raises(InvalidView, match="without end") as caught:
        View.load({"resource": "Questionnaire", "select": [{"select": [select]}]})
    assert caught.value.place == "select[0].select[0].repeat[1]"


def test_a_view_that_holds_itself_is_refused():
    select = {"column": [{"name": "a", "path": "id"}]}
    select["unionAll"] = [select]
    with pytest.raises(InvalidView, match="holds itself"):
        View.load({"resource": "Patient", "select": [select]})


def test_selects_inside_each_other_have_a_depth():
    select = {"column": [{"name": "a", "path": "id"}]}
    for _ in range(31):
        select = {"select": [select]}
    View.load({"resource": "Patient", "select": [select]})
    with pytest.raises(InvalidView, match="nested deeper than 32") as caught:
        View.load({"resource": "Patient", "select": [{"select": [select]}]})
    assert caught.value.place.startswith("select[0].select[0]")


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ({"path": "status", "type": "integer"}, "says integer, but the path gives a code"),
        ({"path": "value.ofType(Quantity).value", "type": "boolean"}, "but the path gives a decimal"),
        ({"path": "code", "type": "string"}, ""),
        ({"path": "status", "type": "strin"}, "there is no type strin"),
    ],
)
def test_a_type_that_the_path_does_not_have_is_told(column, message):
    found = check(view(**column))
    assert [each.message for each in found] == ([each.message for each in found if message in each.message])
    assert bool(found) == bool(message)


def test_several_values_where_the_column_is_no_collection_are_a_warning():
    problem = only(view("component.code.text"))
    assert (problem.severity, problem.place) == ("warning", "select[0].column[0]")
    assert check(view("component.code.text", collection=True)) == []


def test_branches_of_different_types_and_unused_constants_are_told():
    kinds = (("multipleBirth.ofType(integer)", "integer"), ("id", "id"))
    branches = [{"column": [{"name": "a", "path": path, "type": kind}]} for path, kind in kinds]
    constant = {"name": "c", "valueCode": "x"}
    found = check({"resource": "Patient", "constant": [constant], "select": [{"unionAll": branches}]})
    assert [(each.place, each.severity) for each in found] == [
        ("select[0].unionAll[1]", "error"),
        ("constant[0]", "warning"),
    ]


def test_a_resource_type_that_r4_does_not_have_is_told_with_the_nearest():
    assert only(view("id", resource="Observaton")) == Problem(
        "resource", "R4 has no resource type Observaton", "error", "did you mean Observation?"
    )


def test_a_view_that_does_not_load_has_the_one_problem_that_loading_raises(tmp_path):
    assert only({}).message == "Object missing required field `resource`"
    (tmp_path / "view.json").write_text("[", encoding="utf-8")
    assert only(tmp_path / "view.json").message.startswith("cannot read view.json")
    (tmp_path / "view.json").write_text(json.dumps(GOOD), encoding="utf-8")
    assert check(tmp_path / "view.json") == []


def test_a_problem_reads_as_one_line():
    assert str(only(view("stats"))) == (
        "error: select[0].column[0], at character 1: Observation has no element stats (did you mean status?)"
    )


WORDS = st.sampled_from(
    [
        "id",
        "status",
        "code",
        "value",
        "component",
        "where(",
        "first()",
        "ofType(",
        ")",
        ".",
        "=",
        "'a'",
        "1",
        "|",
        " and ",
    ]
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(WORDS, max_size=12).map("".join)
    | st.text(alphabet=ascii_letters + digits + ".()[]'%$@=+-*", max_size=30)
)
def test_any_path_is_checked_without_another_error(path):
    for definition in (view(path), view("id") | {"where": [{"path": path}]}):
        for problem in check(definition):
            assert problem.message
            assert problem.severity in ("error", "warning")
