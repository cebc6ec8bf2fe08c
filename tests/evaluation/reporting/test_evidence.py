"""What a run holds beyond its main figures: challenger, later patients, sites, detectors, sample size."""

import msgspec
import pytest

from vesalius.card import LANGUAGES
from vesalius.evaluation.metrics import Estimate
from vesalius.evaluation.reporting import document, page, pdf
from vesalius.evaluation.reporting.document import Notice, Points, Table, paths
from vesalius.evaluation.reporting.figures import find
from vesalius.evaluation.reporting.names import texts
from vesalius.evaluation.run import Challenger, Checked, Need, Plan, SampleSize, Side
from vesalius.evaluation.words import catalogue

GUESS = Estimate(0.01, -0.01, 0.03)


def challenger(run, *, better):
    return Challenger(
        kind="lightgbm",
        performance=run.performance,
        auroc=GUESS,
        brier=GUESS,
        benefits=(GUESS,) * len(run.in_force),
        better=better,
    )


def side(name="", cut="2024-01-05T00:00:00+00:00", auroc=GUESS):
    plan = Plan(kind="sites" if name else "time", cut="" if name else cut)
    return Side(
        name=name, plan=plan, learned=100, learned_events=30, rows=40, patients=40, events=11, left_out=0,
        auroc=auroc, brier=GUESS, slope=Estimate(1.1, 0.8, 1.4), intercept=GUESS,
    )  # fmt: skip


def words_of(document_, key):
    return "".join(
        span.text
        for block in document_.section(key).blocks
        if isinstance(block, Points)
        for point in block.points
        for span in point
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_run_with_everything_is_told_whole(run, toy, language):
    needs = (
        Need(criterion="development.shrinkage", rows=500, given=160),
        Need(criterion="validation.slope", rows=None, given=160),
    )
    whole = msgspec.structs.replace(
        run,
        challenger=challenger(run, better=False),
        sides=(side(), side("Ward <1>")),
        sample=SampleSize(parameters=9, events_per_parameter=4.5, r_squared=0.2, needs=needs),
    )
    made = document(whole, toy.card, language)
    html = page(made)
    said = texts(language)
    for key in ("section.challenger", "table.challenger", "table.sides", "table.sample", "section.sides"):
        assert said[key] in html.replace("&#39;", "'"), key
    assert "Ward &lt;1&gt;" in html
    assert pdf(made).startswith(b"%PDF")
    assert "challenger.auroc" in paths(made)
    for path in paths(made):
        find(whole, path)


@pytest.mark.parametrize(
    ("better", "expected"), [(True, "does better beyond chance"), (False, "not shown to do better")]
)
def test_the_challenger_is_said_to_be_better_only_where_the_run_says_so(run, toy, better, expected):
    made = document(msgspec.structs.replace(run, challenger=challenger(run, better=better)), toy.card, "en")
    assert f"A freer model that is harder to explain {'was ' if not better else ''}{expected}" in words_of(
        made, "summary"
    )


def test_a_detector_that_was_let_pass_opens_the_report_with_name_and_reason(run, toy):
    let = Checked(
        detector="oversampled", passed=False, found="9 copies <b>", by="Dr X", reason="A known & harmless one"
    )
    made = document(msgspec.structs.replace(run, checks=(*run.checks, let)), toy.card, "en")
    for key in ("summary", "leakage"):
        notices = [block.text for block in made.section(key).blocks if isinstance(block, Notice)]
        assert notices == [
            "A class sampled again before the split: found (9 copies <b>); let pass by Dr X: “A known & harmless one”"
        ]
    assert "9 copies &lt;b&gt;" in page(made)
    assert pdf(made).startswith(b"%PDF")


def test_every_detector_has_a_name_in_every_language():
    from vesalius.evaluation.leakage import DETECTORS

    for language in LANGUAGES:
        assert {f"detector.{name}" for name in DETECTORS} <= texts(language).keys()


def test_every_plan_and_every_criterion_has_words_in_every_language(run):
    from vesalius.evaluation.plans import KINDS

    assert run.sample
    for language in LANGUAGES:
        assert {f"plan.{kind}" for kind in KINDS} <= texts(language).keys()
        assert {f"need.{need.criterion}" for need in run.sample.needs} <= (
            catalogue(language) | texts(language)
        ).keys()


@pytest.mark.parametrize(
    ("kind", "study", "comparison"),
    [("grouped", "internal", False), ("time", "external", True), ("external", "external", True)],
)
def test_the_kind_of_study_follows_from_the_plan(run, toy, kind, study, comparison):
    plan = Plan(kind=kind, cut="2024-01-05T00:00:00+00:00", held=("elsewhere",))
    made = document(msgspec.structs.replace(run, plan=plan), toy.card, "en")
    told = "".join(span.text for span in made.section("tripod").blocks[1].spans)
    assert told == texts("en")[f"tripod.study_{study}"]
    table = next(block for block in made.section("tripod").blocks if isinstance(block, Table))
    standing = {row.cells[0]: row.cells[3] for row in table.rows}
    assert standing["20c"] == ("question open" if comparison else "does not apply")
    assert standing["16"] == ("question open" if comparison else "filled")


def test_a_run_that_is_older_than_all_this_is_still_told(run, toy):
    old = msgspec.structs.replace(
        run, plan=None, learned=0, learned_events=0, in_force=(), errors=None, sides=(), untimed="", sample=None,
        checks=(), monitoring=None, thresholds=run.thresholds[: len(run.thresholds) - len(run.in_force)],
    )  # fmt: skip
    made = document(old, toy.card, "nl")
    assert page(made)
    open_questions = {
        question.key for block in made.blocks() if hasattr(block, "questions") for question in block.questions
    }
    assert {"sample_size", "characteristics"} <= open_questions


def test_characteristics_are_those_that_monitoring_keeps(run, toy):
    table = next(
        block
        for block in document(run, toy.card, "en").section("participants").blocks
        if isinstance(block, Table)
    )
    said = {row.cells[0]: row.cells for row in table.rows}
    assert said["Age"][1] == str(run.rows)
    assert said["Age"][2].startswith("middle ")
    assert "female" in said["Sex"][2]
    assert "Never" not in said, "what is never known has no characteristics"
