"""On the real stays of Strack 2014, received as the CSV they are; and what is shipped."""

import gzip
import tomllib
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

import strack
from vesalius.evaluation.cohort import gather, receive_folder
from vesalius.hospital import Hospital
from vesalius.modelling import load
from vesalius.usecases.readmission import Readmission, facts
from vesalius.usecases.readmission.readmission import MAPS, MODEL

ROWS = 1_500
KNOWN_AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_shipped_model_is_the_one_that_the_card_names_and_small():
    card = (facts.FOLDER / "card.toml").read_text("utf-8")
    model = load(MODEL.read_bytes())
    assert f"# The shipped model: {model.hash}\n" in card
    assert tomllib.loads(card)["name"] == "readmission"
    assert len(MODEL.read_bytes()) < 3_000_000
    assert Readmission().shipped_model().hash == model.hash


def test_the_shipped_model_learnt_from_no_race_and_from_nothing_that_the_data_lacks():
    inputs = load(MODEL.read_bytes()).inputs
    assert set(inputs) == {item.name for item in facts.card().inputs} - {"haemoglobin", "sodium"}


@pytest.mark.data
def test_the_shipped_model_learnt_from_the_rows_that_the_data_gives(shared_data):
    stays = strack.stays(shared_data)
    told = load(MODEL.read_bytes()).facts
    assert (told.rows, told.events) == (len(stays.evidence), int(stays.outcomes.sum())) == (96_342, 10_920)


@pytest.fixture(scope="module")
def cohort(shared_data):
    """The first stays, beside the list of codes that lies in the same folder and is no data."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory())) / "some-stays"
        folder.mkdir()
        with gzip.open(shared_data / strack.FILE, "rb") as file:
            (folder / "diabetic_data.csv.gz").write_bytes(gzip.compress(b"".join(islice(file, ROWS + 1))))
        (folder / "IDs_mapping.csv").write_bytes(
            (shared_data / strack.FILE).with_name("IDs_mapping.csv").read_bytes()
        )
        hospital = Hospital.open(folder / "home")
        stack.callback(hospital.close)
        receipts = receive_folder(hospital.lake, folder, MAPS)
        yield receipts, gather(Readmission(), hospital.lake, until=KNOWN_AT, known_at=KNOWN_AT)


@pytest.mark.data
def test_every_stay_is_received_and_the_list_of_codes_is_passed_over(cohort):
    (receipt,), _ = cohort
    assert (receipt.name, receipt.read, receipt.quarantined) == ("diabetic_data.csv.gz", ROWS, 0)


@pytest.mark.data
def test_the_lake_gives_what_the_file_says(cohort, shared_data):
    _, found = cohort
    stays = strack.stays(shared_data, ROWS)
    order = {each.focus: row for row, each in enumerate(stays.evidence.candidates)}
    rows = [order[each.focus] for each in found.evidence.candidates]
    assert len(rows) == len(order)
    assert found.evidence.candidates == stays.evidence.take(rows).candidates
    assert found.evidence.table.equals(stays.evidence.table.take(rows))
    assert np.array_equal(found.outcomes, stays.outcomes[rows])


@pytest.mark.data
def test_every_fact_but_the_past_that_is_none_has_its_source(cohort):
    _, found = cohort
    for row, sources in zip(
        found.evidence.table.slice(0, 200).to_pylist(), found.evidence.sources, strict=False
    ):
        known = {name for name, value in row.items() if value is not None and value is not False}
        assert known - {"insulin"} <= set(sources)


@pytest.mark.data
def test_a_suggestion_for_each_of_the_real_stays(cohort):
    _, found = cohort
    use = Readmission()
    made = use.suggest(found.evidence.take(range(200)))
    assert {each.option for each in made} == {"transition_bundle", "follow_up_call", "usual_care"}
    bundles = [each for each in made if each.option == "transition_bundle"]
    assert all(any(reason.advice for reason in each.reasons) for each in bundles)


@pytest.mark.data
def test_what_is_shipped_tells_patients_apart_better_than_the_published_scores(cohort):
    """Not a validation: these rows were learnt from. It would fail if inputs and model were mixed up."""
    from sklearn.metrics import roc_auc_score

    _, found = cohort
    said = Readmission().model.score(found.evidence.table).probabilities
    rules = Readmission().baselines(found.evidence)
    assert set(rules) == {"lace", "hospital", "previous_stays"}
    assert roc_auc_score(found.outcomes, said) > max(
        roc_auc_score(found.outcomes, each) for each in rules.values()
    )
