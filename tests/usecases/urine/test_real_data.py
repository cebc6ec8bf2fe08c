"""On the 472 real patients, received as the CSV they are: what is shipped is what comes out."""

import csv
import gzip
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from vesalius.evaluation.cohort import gather, receive_folder
from vesalius.hospital import Hospital
from vesalius.modelling import deal
from vesalius.usecases.urine.urine import MAPS, MODEL, Urine

pytestmark = pytest.mark.data

KNOWN_AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(shared_data):
    return shared_data / "uti-primary-care"


@pytest.fixture(scope="module")
def cohort(folder):
    with ExitStack() as stack:
        home = stack.enter_context(TemporaryDirectory())
        hospital = Hospital.open(Path(home))
        stack.callback(hospital.close)
        receive_folder(hospital.lake, folder, MAPS)
        yield gather(Urine(), hospital.lake, until=KNOWN_AT, known_at=KNOWN_AT)


def area(outcomes, scores):
    """The area under the ROC curve: the share of pairs in the right order, ties a half."""
    positive, negative = np.asarray(scores)[outcomes], np.asarray(scores)[~outcomes]
    more = (positive[:, None] > negative[None, :]).mean()
    return more + 0.5 * (positive[:, None] == negative[None, :]).mean()


def test_the_shipped_model_is_what_the_data_gives(cohort):
    assert Urine().learn(cohort.evidence, cohort.outcomes, seed=1514).to_bytes() == MODEL.read_bytes()


def test_all_patients_come_through_with_their_outcome(cohort):
    assert len(cohort.evidence) == 472
    assert int(cohort.outcomes.sum()) == 128


def test_the_replay_of_what_clinicians_decided_gives_the_published_figures(cohort):
    treated = np.array(cohort.practice, dtype=bool)
    positive = cohort.outcomes
    assert int(treated.sum()) == 152
    assert int((treated & ~positive).sum()) == 68
    assert int((~treated & positive).sum()) == 44
    assert round((treated & positive).sum() / positive.sum(), 3) == 0.656
    assert round((~treated & ~positive).sum() / (~positive).sum(), 3) == 0.802


def test_ten_fold_cross_validation_reaches_what_an_honest_one_can(cohort):
    usecase, outcomes = Urine(), cohort.outcomes
    patients = [each.subject for each in cohort.evidence.candidates]
    folds = deal(outcomes, patients, 10, np.random.Generator(np.random.PCG64(1514)))
    scores = np.empty(len(outcomes))
    for fold in range(10):
        held, kept = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        model = usecase.learn(cohort.evidence.take(kept.tolist()), outcomes[kept])
        scores[held] = model.score(cohort.evidence.take(held.tolist()).table).probability
    assert area(outcomes, scores) >= 0.81


def test_the_rules_of_thumb_do_what_was_published_of_them(cohort):
    rules = Urine().baselines(cohort.evidence)
    assert round(area(cohort.outcomes, rules["nitrite_leukocytes"]), 2) == 0.82
    either = rules["nitrite_or_leukocytes"].astype(bool)
    assert round(either[cohort.outcomes].mean(), 2) == 0.90
    assert round((~either[~cohort.outcomes]).mean(), 2) == 0.50
    assert set(rules) == {key.split(".")[1] for key in Urine.card.texts["en"] if key.startswith("baseline.")}


def test_the_model_never_reads_what_the_clinician_decided(cohort):
    inputs = set(Urine().learn(cohort.evidence, cohort.outcomes).inputs)
    assert "culture_ordered" not in inputs
    assert inputs <= {item.name for item in Urine.card.inputs}
    assert not inputs & {"leukocytes_count", "erythrocytes_count", "bacteria_count"}


def test_every_patient_gets_a_suggestion_and_none_that_is_withheld_lightly(cohort):
    made = Urine().suggest(cohort.evidence)
    none = [row for row, each in enumerate(made) if each.option == "none"]
    start = [row for row, each in enumerate(made) if each.option == "start"]
    assert cohort.outcomes[none].mean() < 0.05
    assert cohort.outcomes[start].mean() > 0.6


@pytest.mark.parametrize(
    ("limit", "column", "value", "counts"),
    [
        ("men", "gender", "Male", (64, 11)),
        ("pregnant", "pregnant", "1", (27, 5)),
        ("immunocompromised", "immunocompromised", "1", (17, 4)),
    ],
)
def test_the_figures_in_the_limits_are_those_of_the_data(folder, limit, column, value, counts):
    with gzip.open(folder / "PrimaryCare_Deidentified.tsv.gz", "rt") as lines:
        rows = [row for row in csv.DictReader(lines, delimiter="\t") if row[column] == value]
    assert (len(rows), sum(row["UCX_abnormal"] == "yes" for row in rows)) == counts
    for texts in Urine.card.texts.values():
        assert f"{counts[0]} " in texts[f"limit.{limit}"]
        assert "472" in texts[f"limit.{limit}"]
        assert f" {counts[1]} " in texts[f"limit.{limit}"]
