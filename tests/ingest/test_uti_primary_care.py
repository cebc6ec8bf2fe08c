"""The 472 patients of uti-primary-care through their map: every row and figure of the source is there."""

from datetime import datetime
from pathlib import Path

import pytest

import vesalius
from vesalius.ingest import CsvMap, receive
from vesalius.lake import Lake
from vesalius.store import open_store

pytestmark = pytest.mark.data

NEG, POS = "NEG", "POS"


@pytest.fixture(scope="module")
def cohort(shared_data, tmp_path_factory):
    home = tmp_path_factory.mktemp("uti")
    engine = open_store(f"sqlite:///{home / 'hospital.sqlite'}")
    maps = Path(vesalius.__file__).parent / "usecases" / "urine" / "maps"
    csv_map = CsvMap.load(maps / "uti-primary-care.toml")
    lake = Lake(engine, home / "columns")
    path = shared_data / "uti-primary-care" / "PrimaryCare_Deidentified.tsv.gz"
    yield lake, [receive(lake, path.name, path, source="uti-primary-care", csv_map=csv_map) for _ in range(2)]
    engine.dispose()


def by_code(lake, code):
    for version in lake.resources("Observation"):
        if version.resource["code"]["coding"][0]["code"] == code:
            yield version.resource


def verdicts(lake):
    return {
        culture["subject"]["reference"]: culture["interpretation"][0]["coding"][0]["code"]
        for culture in by_code(lake, "630-4")
    }


def test_every_row_lands_and_again_adds_nothing(cohort):
    lake, (first, again) = cohort
    assert (first.read, first.quarantined) == (472, 0)
    assert (again.repeated, again.written) == (True, 0)
    counts = {kind: count["resources"] for kind, count in lake.count().items()}
    assert counts["Patient"] == counts["Encounter"] == counts["Specimen"] == 472
    assert counts["Condition"] == 158


def test_the_figures_of_the_source_are_there(cohort):
    lake, _ = cohort
    verdict = verdicts(lake)
    treated = {version.subject for version in lake.resources("MedicationRequest")}
    assert (len(verdict), sum(value == POS for value in verdict.values())) == (472, 128)
    assert len(treated) == 152
    assert sum(verdict[patient] == NEG for patient in treated) == 68
    assert sum(value == POS and patient not in treated for patient, value in verdict.items()) == 44


def test_each_column_has_the_counts_of_the_source(cohort):
    lake, _ = cohort
    grades = [result["valueCodeableConcept"]["text"] for result in by_code(lake, "5802-4")]
    assert (grades.count("positive"), grades.count("negative"), grades.count("other")) == (58, 412, 2)
    assert len(list(by_code(lake, "32167-9"))) == 469
    dysuria = [result["valueBoolean"] for result in by_code(lake, "49650001")]
    assert (dysuria.count(True), dysuria.count(False)) == (198, 237)
    fever = [result["valueBoolean"] for result in by_code(lake, "386661006")]
    assert (fever.count(True), fever.count(False)) == (27, 401)
    genders = [version.resource["gender"] for version in lake.resources("Patient")]
    assert (genders.count("female"), genders.count("male")) == (408, 64)
    assert len(list(by_code(lake, "9279-1"))) == 460


def test_the_age_is_the_one_of_the_source(cohort):
    lake, _ = cohort
    assert 2019 - int(lake.read("Patient/uti-1").resource["birthDate"]) == 38


def test_the_strip_is_known_before_the_decision_and_the_culture_two_days_later(cohort):
    lake, _ = cohort
    moment = datetime.fromisoformat("2019-06-03T09:30:00+00:00")
    known = lake.patient("Patient/uti-1", as_of=moment)
    assert {version.type for version in known} == {"Patient", "Encounter", "Specimen", "Observation"}
    coded = {
        version.resource["code"]["coding"][0]["code"] for version in known if version.type == "Observation"
    }
    assert "5802-4" in coded
    assert "630-4" not in coded
    culture = lake.read("Observation/uti-1-culture")
    assert culture.recorded_at.isoformat() == "2019-06-05T10:00:00+00:00"
