"""``vesalius report`` and ``vesalius answer``."""

import pytest
from click.testing import CliRunner

from vesalius.cli import main
from vesalius.evaluation.metrics import Estimate
from vesalius.evaluation.run import (
    Benefit,
    Coverage,
    Curve,
    Histogram,
    Missing,
    Performance,
    Proposed,
    Run,
    Threshold,
)
from vesalius.governance import people
from vesalius.hospital import Hospital

GUESS = Estimate(0.8, 0.75, 0.85)
LINE = Curve((0.0, 0.5, 1.0), (0.0, 0.7, 1.0))


def made_up() -> Run:
    """A run with made-up figures: for the files it makes, not for what they say."""
    model = Performance(
        name="model", auroc=GUESS, auprc=GUESS, brier=GUESS, scaled_brier=GUESS, intercept=GUESS, slope=GUESS,
        ici=GUESS, roc=LINE,
    )  # fmt: skip
    shares = dict.fromkeys(("sensitivity", "specificity", "ppv", "npv"), GUESS)
    rows = tuple(
        Threshold(
            probability=step / 10,
            acted=50.0,
            caught=20.0,
            missed=7.0,
            avoided=50.0,
            avoided_with_outcome=7.0,
            **shares,
        )
        for step in range(1, 10)
    )
    coverage = Coverage(
        level=0.9, overall=0.9, with_outcome=0.9, without_outcome=0.9, single=0.6, both=0.4, empty=0.0
    )
    return Run(
        usecase="urine", version="1.0.0", model="ab" * 32, data="cd" * 32, kind="logistic", position=5,
        first="2024-01-01", last="2024-06-30", rows=100, patients=100, events=27, seed=1, repeats=1, folds=3,
        draws=10, performances=(model,), calibration=LINE, histogram=Histogram((5.0, 22.0), (60.0, 13.0)),
        thresholds=rows, reference="all", benefits=(Benefit("model", (0.1, 0.5), (0.2, 0.1)),), subgroups=(),
        missing=(Missing("age", 0, 0.0, None, 0.27),), coverage=coverage, decided=(),
        proposed=(Proposed("start", 100, 27, None),), importance=(("age", 0.5),),
    )  # fmt: skip


@pytest.fixture
def home(tmp_path):
    hospital = Hospital.open(tmp_path / "home")
    people.add(
        hospital.engine, "marchal", name="Julie Marchal", role="director", password="long enough a word"
    )
    hospital.close()
    made_up().save(tmp_path / "home" / "runs")
    return tmp_path / "home"


def call(home, *arguments, words=""):
    return CliRunner().invoke(main, [*arguments, "--home", str(home)], input=words)


def test_the_report_is_written_in_the_formats_and_languages_that_are_asked(home, tmp_path):
    out = tmp_path / "out"
    done = call(
        home, "report", "urine", "--language", "nl", "--format", "pdf", "--format", "xml", "--out", str(out)
    )
    assert done.exit_code == 0, done.output
    assert {path.name for path in out.iterdir()} == {"urine.nl.pdf", "urine.nl.xml"}
    assert made_up().id in done.output
    assert "of 52 parts filled by machine" in done.output


def test_the_report_of_a_named_run_lies_with_the_hospital(home):
    done = call(home, "report", "urine", "--run", made_up().id, "--language", "fr", "--format", "html")
    assert done.exit_code == 0, done.output
    page = (home / "reports" / "urine.fr.html").read_text("utf-8")
    assert made_up().id in page
    assert "Synthetic" not in page


@pytest.mark.parametrize(
    "run", ["urine-0123456789abcdef", "../urine-0123456789abcdef", "other-0123456789abcdef", "x"]
)
def test_a_run_that_is_not_there_is_refused(home, run):
    done = call(home, "report", "urine", "--run", run)
    assert done.exit_code == 1
    assert "run" in done.output
    assert not (home / "reports").exists()


def test_without_a_validation_there_is_no_report(tmp_path):
    done = call(tmp_path / "new", "report", "urine")
    assert done.exit_code == 1
    assert "vesalius validate urine" in done.output


def test_questions_are_listed_answered_and_taken_back(home):
    listed = call(home, "answer", "urine")
    assert "funding" in listed.output
    assert "management, before the silent trial" in listed.output
    told = call(
        home, "answer", "urine", "funding", "The hospital.", "--by", "marchal", words="long enough a word\n"
    )
    assert told.exit_code == 0, told.output
    assert "Julie Marchal: The hospital." in call(home, "answer", "urine").output
    back = call(home, "answer", "urine", "funding", "--undo", "--by", "marchal", words="long enough a word\n")
    assert "open again" in back.output
    assert "The hospital." not in call(home, "answer", "urine").output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("funding", "x", "--by", "marchal"), "wrong\n"),
        (("ethics", "x", "--by", "marchal"), "long enough a word\n"),
        (("colour", "x", "--by", "marchal"), "long enough a word\n"),
        (("funding", "x"), ""),
        (("funding", "--by", "marchal"), ""),
        (("funding", "x", "--undo", "--by", "marchal"), ""),
    ],
)
def test_an_answer_that_cannot_be_is_refused(home, arguments, words):
    done = call(home, "answer", "urine", *arguments, words=words)
    assert done.exit_code in (1, 2)
    assert "x" not in [line.rpartition(": ")[2] for line in call(home, "answer", "urine").output.splitlines()]
