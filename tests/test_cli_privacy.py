"""``vesalius privacy risk`` and ``vesalius privacy anonymise``."""

import json
import re

import msgspec
import pyarrow as pa
import pytest
from click.testing import CliRunner

from vesalius.card import LANGUAGES
from vesalius.cli import main
from vesalius.evaluation.anonymity import document, page
from vesalius.evaluation.anonymity.report import texts
from vesalius.privacy import Result, anonymise, read_table, risks_of, write_table
from vesalius.privacy import plan as plans

PLAN = """
suppression = 0.1
[columns.name]
role = "identifying"
[columns.age]
role = "quasi-identifying"
hierarchy = { kind = "intervals", widths = [10, 50], low = 0, high = 100 }
[columns.sex]
role = "quasi-identifying"
hierarchy = { kind = "all" }
[columns.illness]
role = "sensitive"
[[models]]
kind = "k-anonymity"
k = 4
"""


@pytest.fixture
def folder(tmp_path):
    number = range(60)
    table = pa.table(
        {
            "name": [f"Peeters {n}" for n in number],
            "age": [str(20 + n * n * 7 % 60) for n in number],
            "sex": ["fm"[n * n % 7 % 2] for n in number],
            "illness": [f"i{n % 3}" for n in number],
        }
    )
    write_table(table, tmp_path / "people.csv")
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    return tmp_path


def run(*args):
    return CliRunner().invoke(main, ["privacy", *map(str, args)])


def test_the_risk_of_a_file_is_said(folder):
    said = run("risk", folder / "people.csv", "--quasi", "age, sex", "--sensitive", "illness")
    assert said.exit_code == 0
    risks = risks_of(read_table(folder / "people.csv"), ["age", "sex"])
    assert f"60 records in {risks.classes} classes" in said.stdout
    assert "illness: k 1" in said.stdout
    found = run("risk", folder / "people.csv", "--quasi", "age,sex", "--drawn-from", 1000, "--json")
    read = json.loads(found.stdout)
    assert read["risks"]["classes"] == risks.classes
    assert 0 <= read["population_uniques"] <= 1


def test_a_file_is_made_anonymous_with_its_report(folder):
    said = run(
        "anonymise", folder / "people.csv", "--plan", folder / "plan.toml", "--out", folder / "out.csv"
    )
    assert said.exit_code == 0, said.output
    table = read_table(folder / "out.csv")
    assert "name" not in table.column_names
    assert risks_of(table, ["age", "sex"]).smallest >= 4
    result = json.loads((folder / "out.csv.json").read_text())
    assert result["suppressed"] == 60 - table.num_rows
    assert "nothing loses less" in said.stdout
    pages = [folder / f"out.csv.{language}.html" for language in LANGUAGES]
    assert {path.name for path in folder.iterdir()} == {
        "people.csv", "plan.toml", "out.csv", "out.csv.json", *(path.name for path in pages),
    }  # fmt: skip
    for path in pages:
        assert "Peeters" not in path.read_text(encoding="utf-8")


def test_nothing_is_written_where_the_plan_cannot_be_met(folder):
    (folder / "plan.toml").write_text(PLAN.replace("k = 4", "k = 400"), encoding="utf-8")
    before = set(folder.iterdir())
    said = run(
        "anonymise", folder / "people.csv", "--plan", folder / "plan.toml", "--out", folder / "out.csv"
    )
    assert said.exit_code == 1
    assert "k-anonymity would leave out 60 of 60 records" in said.stderr
    assert set(folder.iterdir()) == before


@pytest.mark.parametrize("out", ["people.csv", "plan.toml", "nowhere/out.csv"])
def test_what_is_read_is_not_overwritten(folder, out):
    body = (folder / "people.csv").read_bytes()
    said = run("anonymise", folder / "people.csv", "--plan", folder / "plan.toml", "--out", folder / out)
    assert said.exit_code == 2
    assert (folder / "people.csv").read_bytes() == body
    assert (folder / "plan.toml").read_text() == PLAN


def test_wrong_files_and_columns_end_in_one_line(folder):
    (folder / "empty.csv").write_bytes(b"")
    for args in (
        ["risk", folder / "empty.csv", "--quasi", "age"],
        ["risk", folder / "people.csv", "--quasi", "weight"],
        ["risk", folder / "people.csv", "--quasi", ","],
        ["anonymise", folder / "people.csv", "--plan", folder / "people.csv", "--out", folder / "out.csv"],
    ):
        said = run(*args)
        assert said.exit_code == 1, args
        assert said.stderr.startswith("vesalius: ")
        assert "Peeters" not in said.output


def every_model() -> Result:
    columns = {
        "a <b>": plans.Column(role="quasi-identifying", hierarchy=plans.All()),
        "s": plans.Column(role="sensitive"),
    }
    table = pa.table({"a <b>": [str(n % 3) for n in range(1200)], "s": [str(n % 4) for n in range(1200)]})
    models = [
        plans.KAnonymity(k=2),
        plans.KMap(k=2),
        plans.DistinctDiversity(column="s", l=2),
        plans.EntropyDiversity(column="s", l=1.5),
        plans.RecursiveDiversity(column="s", c=2, l=2),
        plans.Closeness(column="s", t=0.25),
        plans.Disclosure(column="s", delta=1),
        plans.Presence(high=0.5),
    ]
    plan = plans.Plan(columns=columns, models=models)
    return anonymise(table, plan, pa.concat_tables([table, table])).result


@pytest.fixture(scope="module")
def result():
    return every_model()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_every_rule_and_figure(result, language):
    shown = page(result, language, "t.csv")
    assert shown == page(result, language, "t.csv")
    assert "a &lt;b&gt;" in shown
    assert "a <b>" not in shown
    assert not re.search(r"<script|style=\"|https?://(?!www\.w3\.org)", shown)
    made = document(result, language, "t.csv")
    assert len(made.section("rules").blocks[0].points) == 8
    assert not re.search(r"[{}]", " ".join(each for each in texts(language).values() if "{" not in each))


def test_every_language_says_the_same_things():
    fields = {
        language: {key: set(re.findall(r"{(\w+)}", text)) for key, text in texts(language).items()}
        for language in LANGUAGES
    }
    assert all(each == fields["en"] for each in fields.values())
    assert all(text.strip() for language in LANGUAGES for text in texts(language).values())


def test_a_search_cut_short_is_said_on_the_page(result):
    cut = msgspec.structs.replace(result, optimal=False)
    assert "cut short" in page(cut, "en", "t.csv")
    assert "cut short" not in page(result, "en", "t.csv")
