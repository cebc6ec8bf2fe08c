"""No view runs SQL of its own on Spark, whatever its constants hold and however the session is set."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vesalius.views import View, spark
from vesalius.views.spark._dialect import SHARED, SparkDialect
from vesalius.views.sql._dialect import Dialect
from vesalius.views.sql._plan import NotCompiledError

from ..test_routes import patient
from ..test_safety import ATTACKS, view_of
from .test_equal import BY_PYTHON, assert_same

OF_SPARK = (
    *ATTACKS,
    "${env:HOME}",
    "${system:user.home}",
    "${spark.app.name}",
    "\\' OR 1=1 --",
    "\\u0027 OR 1=1 --",
    "\\047); --",
    "r'x'",
    "`x`",
    ":name ? {frame}",
    "a\\",
    "%\\_",
    "\r\n\t\b",
    "é€😀\u2028",
)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=30) | st.text(
    "'\\`${}:envHOME\"0u27;-/* \n?", max_size=30
)


@pytest.mark.parametrize("attack", OF_SPARK)
def test_a_constant_is_only_text(attack, session, make_lake):
    view = view_of(valueString=attack)
    assert spark.route(view) == "spark"
    people = [patient(1, name=[{"family": attack}]), patient(2, name=[{"family": "x"}])]
    found = assert_same(view, session, make_lake(people))
    assert sorted(found["is"].to_pylist()) == [False, True]
    assert found["c"].to_pylist() == [attack, attack]


@pytest.mark.parametrize("raw", ["true", "false"])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXTS, min_size=1, max_size=12))
def test_any_text_literal_comes_back_as_it_went_in_whatever_the_session_says(raw, session, texts):
    session.conf.set("spark.sql.parser.escapedStringLiterals", raw)
    try:
        found = session.sql(f"SELECT array({', '.join(map(SparkDialect().text, texts))}) AS texts").first()
    finally:
        session.conf.unset("spark.sql.parser.escapedStringLiterals")
    assert found["texts"] == texts


@given(st.text(max_size=30))
def test_a_literal_is_letters_between_two_quotes_or_bytes(text):
    try:
        written = SparkDialect().text(text)
    except NotCompiledError:
        assert any("\ud800" <= letter <= "\udfff" for letter in text)
        return
    inside = written.removeprefix("CAST(X").removesuffix(" AS STRING)")
    assert (inside[0], inside[-1]) == ("'", "'")
    assert not set(inside[1:-1]) & set("'\\$`\"{}\n;")


@pytest.mark.parametrize("attack", [*OF_SPARK, "a`b", "a b", "", "1a", "é"])
def test_a_name_that_is_no_name_never_reaches_the_engine(attack):
    with pytest.raises(NotCompiledError):
        SparkDialect().name(attack)


def test_what_only_duckdb_can_write_goes_the_python_route():
    dialect = SparkDialect()
    for name, method in vars(Dialect).items():
        if callable(method) and name[0] != "_" and name not in SHARED and name not in vars(SparkDialect):
            with pytest.raises(NotCompiledError):
                getattr(dialect, name)()
    assert not SHARED - set(vars(Dialect))


def test_a_view_says_how_spark_runs_it():
    view = View.load({"resource": "Patient", "select": [{"column": [{"name": "a", "path": "gender"}]}]})
    assert spark.route(view) == "spark"
    assert "r.`gender`" in spark.explain(view)
    other = View.load(BY_PYTHON)
    assert spark.route(other) == "python (repeat)"
    assert "in Python on the executors" in spark.explain(other)
