"""Anonymising a table by a plan: what comes out, and what is refused."""

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vesalius.errors import InvalidPlan, NotAnonymous, UnreadableInput
from vesalius.privacy import achieved, anonymise, read_plan, read_table, risks_of, write_table
from vesalius.privacy import plan as plans

PLAN = """
suppression = 0.1
threshold = 0.4

[columns.name]
role = "identifying"
[columns.age]
role = "quasi-identifying"
hierarchy = { kind = "intervals", widths = [10, 50], low = 0, high = 100 }
[columns.town]
role = "quasi-identifying"
hierarchy = { kind = "file", path = "towns.csv" }
[columns.illness]
role = "sensitive"
[columns.weight]
role = "insensitive"

[[models]]
kind = "k-anonymity"
k = 3
[[models]]
kind = "distinct-l-diversity"
column = "illness"
l = 2
"""

TOWNS = "Gent;East;*\nAalst;East;*\nLiège;Liège;*\nHuy;Liège;*\nSpa;Liège;*\n"


def people() -> pa.Table:
    number = range(40)
    return pa.table(
        {
            "name": [f"person {n}" for n in number],
            "age": [20 + n * 7 % 60 for n in number],
            "town": [("Gent", "Aalst", "Liège", "Huy")[n * n % 7 % 4] for n in number],
            "illness": [f"i{n % 3}" for n in number],
            "weight": [50.5 + n for n in number],
        }
    )


@pytest.fixture
def plan(tmp_path):
    (tmp_path / "towns.csv").write_text(TOWNS, encoding="utf-8")
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    return read_plan(tmp_path / "plan.toml")


def changed(plan, **columns):
    return msgspec.structs.replace(plan, columns=plan.columns | columns)


def test_the_published_table_keeps_what_the_plan_asks(plan):
    made = anonymise(people(), plan)
    assert made.table.column_names == ["age", "town", "illness", "weight"]
    assert made.result.removed == ["name"]
    assert made.suppressed == 40 - made.table.num_rows <= 4
    found = achieved(made.table, ["age", "town"], "illness")
    assert found.k >= 3
    assert found.distinct_l >= 2
    assert made.risks == risks_of(made.table, ["age", "town"], threshold=0.4)
    assert made.result.before == risks_of(people(), ["age", "town"], threshold=0.4)
    assert 0 < made.loss < 1
    assert made.loss == made.result.utility.loss
    # What is not made coarser goes with its record: the weight says whose it was.
    number = {weight: n for n, weight in enumerate(people()["weight"].to_pylist())}
    for row in made.table.to_pylist():
        assert row["illness"] == f"i{number[row['weight']] % 3}"


def test_the_same_table_and_plan_give_the_same_bytes(plan, tmp_path):
    for name in ("one.csv", "two.csv"):
        write_table(anonymise(people(), plan).table, tmp_path / name)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_the_order_of_the_records_says_nothing(plan, tmp_path):
    forth = anonymise(people(), plan)
    back = anonymise(people().take(list(range(39, -1, -1))), plan)
    assert forth.table.equals(back.table)


def test_levels_can_be_bounded(plan):
    spec = plan.columns["age"]
    made = anonymise(people(), changed(plan, age=msgspec.structs.replace(spec, lowest=2, highest=2)))
    assert made.levels["age"] == 2
    assert set(made.table["age"].to_pylist()) <= {"0-49", "50-99"}
    free = anonymise(people(), plan)
    assert free.loss <= made.loss


def test_empty_cells_are_published_as_their_own_value(plan):
    table = people().set_column(2, "town", pa.array(["Gent", None] * 20))
    only = msgspec.structs.replace(plan.columns["age"], lowest=3)
    made = anonymise(table, changed(plan, age=only))
    assert set(made.table["town"].to_pylist()) == {"Gent", None}


def test_a_search_that_is_cut_short_says_so(plan):
    made = anonymise(people(), msgspec.structs.replace(plan, checks=1, suppression=1.0))
    assert (made.searched, made.optimal) == (1, False)
    assert anonymise(people(), plan).optimal


def test_progress_is_told(plan):
    told = []
    columns = {
        f"c{n}": plans.Column(role="quasi-identifying", hierarchy=plans.Prefixes(lengths=[2, 1]))
        for n in range(4)
    }
    table = pa.table(
        {name: [f"{(n * 7 + at) % 37 * 13 % 50:03}" for n in range(300)] for at, name in enumerate(columns)}
    )
    plan = plans.Plan(columns=columns, models=[plans.KAnonymity(k=2)], suppression=1.0)
    anonymise(table, plan, progress=lambda done, nodes: told.append((done, nodes)))
    assert told
    assert all(0 < done <= nodes == 256 for done, nodes in told)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ([plans.KAnonymity(k=41)], "k-anonymity would leave out 40 of 40 records.*fewer records than k"),
        (
            [plans.DistinctDiversity(column="illness", l=4)],
            "distinct-l-diversity would leave out.*ask for less",
        ),
        (
            [plans.KAnonymity(k=2), plans.RecursiveDiversity(column="illness", c=0.1, l=2)],
            "coarsest levels: recursive-l-diversity would leave out 40",
        ),
    ],
)
def test_a_plan_that_cannot_be_met_says_which_rule_stops_it(plan, models, message):
    with pytest.raises(NotAnonymous, match=message):
        anonymise(people(), msgspec.structs.replace(plan, models=models))


def test_a_hierarchy_that_does_not_end_in_one_name_is_what_is_pointed_at(plan):
    spec = plans.Rows(rows=[[town, town[0]] for town in ("Gent", "Aalst", "Liège", "Huy")])
    wrong = changed(plan, town=plans.Column(role="quasi-identifying", hierarchy=spec))
    with pytest.raises(NotAnonymous, match="give town a coarser last level"):
        anonymise(people(), msgspec.structs.replace(wrong, models=[plans.KAnonymity(k=30)]))


def test_every_column_has_a_role_and_every_role_a_column(plan):
    with pytest.raises(InvalidPlan, match="says nothing of 'phone'"):
        anonymise(people().append_column("phone", pa.array(["1"] * 40)), plan)
    with pytest.raises(InvalidPlan, match="no column 'weight'"):
        anonymise(people().drop_columns("weight"), plan)
    with pytest.raises(InvalidPlan, match="no rows"):
        anonymise(people().slice(0, 0), plan)
    with pytest.raises(InvalidPlan, match="more than one column 'age'"):
        anonymise(people().append_column("age", people()["age"]), plan)
    with pytest.raises(InvalidPlan, match="type list"):
        anonymise(people().set_column(2, "town", pa.array([["Gent"]] * 40)), plan)


def test_a_value_without_a_row_in_its_hierarchy_is_counted_and_not_named(plan):
    table = people().set_column(2, "town", pa.array(["Peeters"] + ["Gent"] * 39))
    with pytest.raises(InvalidPlan, match="hierarchy of 'town' lacks 1 of the column's 2 values") as raised:
        anonymise(table, plan)
    assert "Peeters" not in str(raised.value)


def test_the_population_is_asked_for_where_it_is_needed(plan):
    for model in (plans.KMap(k=2), plans.Presence(high=0.5)):
        with pytest.raises(InvalidPlan, match="need the population"):
            anonymise(people(), msgspec.structs.replace(plan, models=[model]))
    with pytest.raises(InvalidPlan, match="the population lacks 10 of the table's records"):
        anonymise(people(), plan, people().slice(10))
    with pytest.raises(InvalidPlan, match="population has no column 'town'"):
        anonymise(people(), plan, people().drop_columns("town"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("k = 3", "k = 1", "k"),
        ("k = 3", "", "k"),
        ('kind = "k-anonymity"', 'kind = "k-anonimity"', "k-anonimity"),
        ("suppression = 0.1", "suppression = 5", "suppression"),
        ("suppression = 0.1", "supression = 0.1", "supression"),
        ('column = "illness"', 'column = "weight"', "needs a sensitive column, and 'weight' is none"),
        ('role = "identifying"', 'role = "secret"', "role"),
        ('hierarchy = { kind = "file", path = "towns.csv" }', "", "'town' has no hierarchy"),
        ("[columns.name]", "[columns.name", "plan.toml"),
    ],
)
def test_a_wrong_plan_names_the_place(tmp_path, old, new, message):
    path = tmp_path / "plan.toml"
    assert old in PLAN
    path.write_text(PLAN.replace(old, new), encoding="utf-8")
    with pytest.raises(InvalidPlan, match=message):
        read_plan(path)


def test_a_plan_that_is_not_there_or_no_text_is_refused(tmp_path):
    with pytest.raises(InvalidPlan, match="cannot be read"):
        read_plan(tmp_path / "plan.toml")
    (tmp_path / "plan.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidPlan):
        read_plan(tmp_path / "plan.toml")


def test_bounds_the_wrong_way_round_are_refused(plan):
    with pytest.raises(InvalidPlan, match="low is above high"):
        msgspec.structs.replace(plan, models=[plans.Presence(low=0.5, high=0.1)]).check()
    spec = msgspec.structs.replace(plan.columns["age"], lowest=2, highest=1)
    with pytest.raises(InvalidPlan, match="highest level is below"):
        changed(plan, age=spec).check()
    with pytest.raises(InvalidPlan, match="levels 0 to 3"):
        anonymise(people(), changed(plan, age=msgspec.structs.replace(plan.columns["age"], lowest=4)))
    closeness = plans.Closeness(column="illness", t=0.2, distance="hierarchical")
    with pytest.raises(InvalidPlan, match="hierarchical distance needs a hierarchy"):
        msgspec.structs.replace(plan, models=[closeness]).check()
    with pytest.raises(InvalidPlan, match="no quasi-identifying"):
        plans.Plan(columns={}, models=[plans.KAnonymity(k=2)]).check()


def test_a_lattice_that_is_too_large_is_refused_before_it_is_made():
    columns = {
        f"c{n}": plans.Column(role="quasi-identifying", hierarchy=plans.Prefixes(lengths=[5, 4, 3, 2, 1]))
        for n in range(9)
    }
    table = pa.table({name: ["123456"] for name in columns})
    with pytest.raises(InvalidPlan, match="the lattice has 40,353,607 nodes"):
        anonymise(table, plans.Plan(columns=columns, models=[plans.KAnonymity(k=2)]))


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet"])
def test_a_table_comes_back_as_it_was_written(tmp_path, name):
    table = pa.table({"code": ["007", None, 'a;"b"'], "town": ["Liège", "Spa", "x\ny"]})
    write_table(table, tmp_path / name)
    assert read_table(tmp_path / name).to_pydict() == table.to_pydict()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_file_that_is_no_table_is_refused_without_its_words(tmp_path):
    cases = {
        "empty.csv": b"",
        "latin.csv": "nom;âge\nPeeters;1\n".encode("latin-1"),
        "ragged.csv": b"a;b\nPeeters;1;2\n",
        "twice.csv": b"a;a\n1;2\n",
        "broken.csv.gz": b"\x1f\x8b\x08\x00Peeters",
        "no.parquet": b"Peeters",
    }
    for name, body in cases.items():
        (tmp_path / name).write_bytes(body)
        with pytest.raises(UnreadableInput) as raised:
            read_table(tmp_path / name)
        assert "Peeters" not in str(raised.value), name
    with pytest.raises(UnreadableInput, match="cannot be read"):
        read_table(tmp_path / "none.csv")


def test_what_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "there.csv").write_text("kept")
    table = pa.table({"a": [[1], [2]]})  # CSV has no lists
    with pytest.raises(UnreadableInput, match="cannot be written"):
        write_table(table, tmp_path / "there.csv")
    assert (tmp_path / "there.csv").read_text() == "kept"
    assert [path.name for path in tmp_path.iterdir()] == ["there.csv"]
    with pytest.raises(UnreadableInput, match="cannot be written"):
        write_table(table, tmp_path / "no folder" / "t.csv")
    write_table(table, tmp_path / "t.parquet")
    assert pq.read_table(tmp_path / "t.parquet").num_rows == 2
