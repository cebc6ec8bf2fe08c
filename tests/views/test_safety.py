"""No view can run SQL of its own, read a file, or put what patients hold into a message."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vesalius.errors import InvalidView
from vesalius.views import View
from vesalius.views import _duckdb as engine
from vesalius.views.sql._dialect import Dialect

from .test_routes import assert_same, patient

ATTACKS = (
    "'; DROP TABLE made; --",
    '"; SELECT 1; --',
    "' || (SELECT content FROM read_text('/etc/passwd')) || '",
    "\\'; ATTACH 'x.db'; --",
    "official' OR '1'='1",
    "$$; COPY base TO 'x'; $$",
    "\u2019; --",
    "e'\\x27'",
    "/* */ --\n",
)


def view_of(**constant):
    return View.load(
        {
            "resource": "Patient",
            "constant": [{"name": "c", **constant}],
            "select": [{"column": [{"name": "is", "path": "name.family = %c"}, {"name": "c", "path": "%c"}]}],
        }
    )


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_constant_is_only_text(attack, make_lake, make_files):
    view = view_of(valueString=attack)
    assert view.route == "duckdb"
    patients = [patient(1, name=[{"family": attack}]), patient(2, name=[{"family": "x"}])]
    rows = assert_same(view, make_lake(patients), make_files(patients))
    assert rows["is"].to_pylist() == [True, False]
    assert rows["c"].to_pylist() == [attack, attack]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=40))
def test_any_text_literal_comes_back_as_it_went_in(text):
    import duckdb

    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        return
    assert duckdb.sql(f"SELECT {Dialect().text(text)}").fetchall() == [(text,)]


def test_a_zero_character_never_reaches_the_engine():
    assert view_of(valueString="a\0b").route.startswith("python")


@pytest.mark.parametrize("attack", [*ATTACKS, "", "1a", "a b", 'a"b', "_a", "a-b", "é"])
def test_a_column_name_that_is_no_name_is_refused(attack):
    with pytest.raises(InvalidView, match="column"):
        View.load({"resource": "Patient", "select": [{"column": [{"name": attack, "path": "id"}]}]})


@pytest.mark.parametrize("attack", ["Patient; DROP TABLE x", "../Patient", "patient", "Patient'--", ""])
def test_a_resource_that_is_no_name_is_refused(attack):
    with pytest.raises(InvalidView, match="resource"):
        View.load({"resource": attack, "select": [{"column": [{"name": "a", "path": "id"}]}]})


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_path_is_fhirpath_or_nothing(attack, make_lake):
    for path in (
        attack,
        f"`{attack}`",
        f"name.where(`{attack}` = 1).exists()",
        f"'{attack}'",
        f"%`{attack}`",
    ):
        try:
            view = View.load({"resource": "Patient", "select": [{"column": [{"name": "a", "path": path}]}]})
        except InvalidView:
            continue
        view.table(make_lake([patient(1)]))


def test_the_engine_reads_the_files_it_is_given_and_nothing_else(tmp_path, make_lake):
    import duckdb

    secret = tmp_path / "secret.txt"
    secret.write_text("secret", encoding="utf-8")
    files = make_lake([patient(1)]).columns("Patient").files
    with engine.connect(files) as connection:
        assert connection.sql(f"SELECT count(*) FROM {engine.parquet(files)}").fetchall() == [(1,)]
        for attack in (
            f"SELECT * FROM read_text('{secret}')",
            f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'",
            f"ATTACH '{tmp_path / 'x.db'}'",
            "SET enable_external_access = true",
            "INSTALL httpfs",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(attack)


@pytest.mark.parametrize(
    ("definition", "place"),
    [
        (
            {"resource": "Patient", "select": [{"column": [{"name": "a", "path": "@@"}]}]},
            "select[0].column[0]",
        ),
        ({"resource": "Patient", "select": [{"forEach": "@@", "column": []}]}, "select[0]"),
        (
            {
                "resource": "Patient",
                "select": [{"unionAll": [{"column": [{"name": "a", "path": "id"}], "forEach": "%x"}]}],
            },
            "select[0].unionAll[0].forEach",
        ),
        (
            {
                "resource": "Patient",
                "where": [{"path": "f()"}],
                "select": [{"column": [{"name": "a", "path": "id"}]}],
            },
            "where[0]",
        ),
        (
            {"resource": "Patient", "select": [{"column": [{"name": 1, "path": "id"}]}]},
            "select[0].column[0].name",
        ),
    ],
)
def test_an_error_names_its_place(definition, place):
    with pytest.raises(InvalidView) as caught:
        View.load(definition)
    assert caught.value.place == place


def test_a_file_that_is_no_view_is_refused_with_its_name(tmp_path):
    for content in ("{", "[]", '{"resourceType": "Patient", "resource": "Patient", "select": []}'):
        (tmp_path / "view.json").write_text(content, encoding="utf-8")
        with pytest.raises(InvalidView):
            View.load(tmp_path / "view.json")
    with pytest.raises(InvalidView, match=r"absent\.json"):
        View.load(tmp_path / "absent.json")


@pytest.mark.parametrize(
    "spelling", ["ViewDefinition", "https://sql-on-fhir.org/ig/StructureDefinition/ViewDefinition", None]
)
def test_every_spelling_of_the_resource_type_is_read(spelling, tmp_path):
    definition = {"resource": "Patient", "select": [{"column": [{"name": "a", "path": "id"}]}]}
    file = tmp_path / "view.json"
    file.write_text(
        json.dumps(definition | ({"resourceType": spelling} if spelling else {})), encoding="utf-8"
    )
    assert View.load(file).rows([patient(7)]) == [{"a": "7"}]


# --- whatever is written in a view, its SQL is one SELECT and says the same words ------------------------------

LETTERS = st.sampled_from(list("'\"`\\;-/*$%@{}()[].,|=<> \n\0é€'ab1")) | st.characters(codec="utf-8")
TEXTS = st.text(LETTERS, max_size=24) | st.sampled_from(ATTACKS)


def words_of(sql):
    """The kinds of the words of a statement, in order: what it does, apart from its texts."""
    import duckdb

    (statement,) = duckdb.extract_statements(sql)
    assert statement.type == duckdb.StatementType.SELECT
    return [kind for _, kind in duckdb.tokenize(sql)]


def with_texts(text):
    """A view that puts one text wherever a view can hold text: constants, literals, urls, arguments, keys."""
    written = "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("`", "\\`") + "'"
    columns = {
        "constant": "%c",
        "literal": written,
        "same": f"name.family = {written}",
        "chosen": f"name.where(use = %c or family != {written}).given.join({written})",
        "extension": f"extension(%c).extension({written}).value.ofType(string).first()",
        "beside": f"birthDate.extension({written}).url.first()",
        "starts": f"gender.startsWith(%c) and gender.contains({written})",
        "joined": f"gender & {written} & %c",
        "among": f"gender in ({written} | %c | 'x')",
        "chosen_one": f"iif(active, {written}, %c)",
    }
    return View.load(
        {
            "resource": "Patient",
            "constant": [{"name": "c", "valueString": text}],
            "where": [{"path": f"gender != {written}"}],
            "select": [
                {"column": [{"name": name, "path": path} for name, path in columns.items()]},
                {
                    "forEachOrNull": f"contact.where(name.family != {written})",
                    "column": [{"name": "z", "path": "%c"}],
                },
                {
                    "repeat": [f"extension.where(url != {written})"],
                    "column": [{"name": "url", "path": "url"}],
                },
            ],
        }
    )


@settings(max_examples=50, deadline=None)
@given(TEXTS)
def test_any_text_in_a_view_is_only_text_in_its_sql(text):
    view = with_texts(text)
    if view.route == "duckdb":
        assert words_of(view.explain()) == words_of(with_texts("x").explain())
    else:
        assert "\0" in text


@settings(max_examples=150, deadline=None)
@given(
    TEXTS,
    st.sampled_from(
        [
            "{}",
            "name.{}",
            "'{}'",
            "`{}`",
            "%{}",
            "%`{}`",
            "name.where({})",
            "extension('{}')",
            "iif({}, 1, 2)",
        ]
    ),
)
def test_any_path_is_one_select_or_refused(text, around):
    path = around.replace("{}", text)
    definition = {"resource": "Patient", "select": [{"column": [{"name": "a", "path": path}]}]}
    try:
        view = View.load(definition)
    except InvalidView:
        return
    if view.route == "duckdb":
        words_of(view.explain())


@settings(max_examples=80, deadline=None)
@given(TEXTS)
def test_any_name_is_a_plain_name_or_refused(text):
    """Of columns, of constants, and of the resource."""
    column = {"name": "a", "path": "id"}
    for definition in (
        {"resource": "Patient", "select": [{"column": [column | {"name": text}]}]},
        {"resource": text, "select": [{"column": [column]}]},
        {
            "resource": "Patient",
            "constant": [{"name": text, "valueString": "x"}],
            "select": [{"column": [column]}],
        },
        {"resource": "Patient", "select": [{"column": [column | {"type": text}]}]},
    ):
        try:
            view = View.load(definition)
        except InvalidView:
            continue
        if view.route == "duckdb":
            words_of(view.explain())
