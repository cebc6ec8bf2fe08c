"""On real stays in intensive care, received as the tables they are; and the model that is shipped."""

import csv
import gzip
import itertools
import os
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from vesalius.evaluation.cohort import gather, receive_folder
from vesalius.hospital import Hospital
from vesalius.settings import Settings
from vesalius.usecases.early_warning import EarlyWarning
from vesalius.usecases.early_warning.card import FOLDER
from vesalius.usecases.early_warning.early_warning import MODEL

pytestmark = pytest.mark.data

KNOWN_AT = datetime(2026, 1, 1, tzinfo=UTC)
STAYS = {"a": 6, "c": 40}


def part(data, folder, name, stays):
    """The first stays of a set, as tables of the same names."""
    kept = None
    for table in ("static", "outcomes", "series"):
        with gzip.open(data / f"set_{name}_{table}.csv.gz", "rt", encoding="utf-8") as lines:
            head = next(lines)
            body = (line for line in lines if kept is None or line.partition(",")[0] in kept)
            wanted = list(itertools.islice(body, stays) if kept is None else body)
        kept = kept or {line.partition(",")[0] for line in wanted}
        (folder / f"set_{name}_{table}.csv").write_text(head + "".join(wanted), encoding="utf-8")
    return kept


@pytest.fixture(scope="module")
def received(shared_data):
    data = shared_data / "icu-mortality-2012"
    with ExitStack() as stack:
        home = Path(stack.enter_context(TemporaryDirectory()))
        folder = home / "data" / "icu-mortality-2012"
        folder.mkdir(parents=True)
        kept = {name: part(data, folder, name, stays) for name, stays in STAYS.items()}
        hospital = Hospital.open(home / "hospital", Settings())
        stack.callback(hospital.close)
        receipts = receive_folder(hospital.lake, folder, FOLDER / "maps")
        cohort = gather(EarlyWarning(), hospital.lake, until=KNOWN_AT, known_at=KNOWN_AT)
        yield folder, receipts, kept, cohort


def rows_of(cohort, site):
    return [row for row, name in enumerate(cohort.sites) if name == site]


def test_every_row_is_taken_in(received):
    _, receipts, _, _ = received
    assert [receipt.quarantined for receipt in receipts] == [0] * 6


def test_every_stay_is_due_once_at_48_hours_with_its_outcome(received):
    folder, _, kept, cohort = received
    assert {each.as_of for each in cohort.evidence.candidates} == {datetime(2008, 1, 3, tzinfo=UTC)}
    patients = {each.subject.removeprefix("Patient/icu-") for each in cohort.evidence.candidates}
    assert patients == kept["a"] | kept["c"]
    for name in STAYS:
        with (folder / f"set_{name}_outcomes.csv").open(encoding="utf-8") as lines:
            deaths = sum(row["In-hospital_death"] == "1" for row in csv.DictReader(lines))
        assert int(cohort.outcomes[rows_of(cohort, f"set {name}")].sum()) == deaths


def test_no_patient_is_in_both_sets(received):
    *_, cohort = received
    sides = [
        {cohort.evidence.candidates[row].subject for row in rows_of(cohort, f"set {name}")} for name in STAYS
    ]
    assert [len(side) for side in sides] == list(STAYS.values())
    assert not sides[0] & sides[1]


def test_the_numbers_are_those_of_the_table(received):
    folder, _, _, cohort = received
    series: dict[str, list[tuple[int, float]]] = {}
    with (folder / "set_c_series.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["HR"] and 10 <= float(row["HR"]) <= 350:
                series.setdefault(row["RecordID"], []).append((int(row["minute"]), float(row["HR"])))
    table = cohort.evidence.table
    for row in rows_of(cohort, "set c"):
        name = cohort.evidence.candidates[row].subject.removeprefix("Patient/icu-")
        values = [value for _, value in series.get(name, [])]
        if values:
            assert table["heart_rate_max"][row].as_py() == max(values)
            assert table["heart_rate_mean"][row].as_py() == pytest.approx(np.mean(values))
        else:
            assert table["heart_rate_max"][row].as_py() is None


def test_the_shipped_model_tells_the_dying_of_the_other_set(received):
    *_, cohort = received
    rows = rows_of(cohort, "set c")
    use = EarlyWarning()
    made = use.suggest(cohort.evidence.take(rows))
    chances = np.array([each.probability for each in made])
    died = cohort.outcomes[rows]
    assert chances[died].mean() > chances[~died].mean() + 0.1
    baselines = use.baselines(cohort.evidence)
    assert set(baselines) == {"news2", "news2_worst", "saps1", "sofa"}
    assert all(np.isfinite(scores).all() for scores in baselines.values())


def test_the_model_is_the_one_of_the_page():
    model = EarlyWarning().model
    assert MODEL.stat().st_size < 3_000_000
    assert (model.facts.rows, model.facts.events, model.facts.seed) == (4000, 554, 1514)
    page = FOLDER.parents[3] / "docs" / "use-cases" / "early-warning.md"
    assert model.hash in page.read_text(encoding="utf-8")
    assert "intensive_care" not in model.inputs


def test_the_shipped_model_learnt_from_every_stay_of_the_first_set(shared_data):
    table = shared_data / "icu-mortality-2012" / "set_a_outcomes.csv.gz"
    with gzip.open(table, "rt", encoding="utf-8") as lines:
        died = [row["In-hospital_death"] == "1" for row in csv.DictReader(lines)]
    facts = EarlyWarning().model.facts
    assert (facts.rows, facts.events) == (len(died), sum(died))


@pytest.mark.skipif("VESALIUS_FULL" not in os.environ, reason="takes ten minutes: set VESALIUS_FULL")
def test_the_shipped_model_is_what_the_data_gives(shared_data, tmp_path):
    hospital = Hospital.open(tmp_path / "hospital", Settings())
    receive_folder(hospital.lake, shared_data / "icu-mortality-2012", FOLDER / "maps", files="set_a_*")
    cohort = gather(EarlyWarning(), hospital.lake)
    made = EarlyWarning().learn(cohort.evidence, cohort.outcomes, seed=1514)
    hospital.close()
    assert made.to_bytes() == MODEL.read_bytes()
