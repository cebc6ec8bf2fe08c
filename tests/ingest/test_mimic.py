"""MIMIC-IV's demo, 100 real de-identified patients, loads whole; what was known then is what is read then."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from vesalius import fhir
from vesalius.cli import main
from vesalius.hospital import Hospital

pytestmark = pytest.mark.data

LATER = datetime(2210, 1, 1, tzinfo=UTC)
"""After the last of its dates, which were shifted to the years 2110 to 2202."""

# The README of the data, which counted the lines of each file; here by resource type.
COUNTS = {
    "Condition": 4_506 + 545,
    "Encounter": 275 + 222 + 140,
    "Location": 31,
    "Medication": 1_480 + 314,
    "MedicationAdministration": 36_131 + 20_404,
    "MedicationDispense": 14_293 + 1_082,
    "MedicationRequest": 17_552,
    "MedicationStatement": 2_411,
    "Observation": 15_280 + 9_362 + 6_300 + 2_742 + 1_893 + 1_036 + 338,
    "Organization": 1,
    "Patient": 100,
    "Procedure": 722 + 1_260 + 1_468,
    "Specimen": 1_336 + 11_122,
}


def vesalius(*arguments):
    result = CliRunner().invoke(main, [str(each) for each in arguments])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def home(shared_data, tmp_path_factory):
    """A hospital that received all 28 files, as if in 2210."""
    home = tmp_path_factory.mktemp("mimic")
    files = sorted((shared_data / "mimic-iv-demo" / "fhir").glob("*.ndjson.gz"))
    assert len(files) == 28
    received = ("--received", f"{LATER:%Y-%m-%dT%H:%M:%S%z}")
    said = vesalius("ingest", *files, "--source", "mimic", *received, "--home", home)
    assert said.count(" 0 quarantined") == 28, said
    return home


@pytest.fixture
def lake(home):
    hospital = Hospital.open(home)
    yield hospital.lake
    hospital.close()


def test_every_line_of_the_28_files_is_in_the_lake(home):
    found = json.loads(vesalius("lake", "stats", "--json", "--home", home))
    assert {each["type"]: each["versions"] for each in found["types"]} == COUNTS
    assert {each["type"]: each["resources"] for each in found["types"]} == COUNTS
    assert found["position"] == sum(COUNTS.values())


def test_a_prescription_is_known_from_when_it_was_written(lake):
    version = next(lake.resources("MedicationRequest"))
    assert version.recorded_at == fhir.parse_time(version.resource["authoredOn"])
    before, name = version.recorded_at - timedelta(seconds=1), f"MedicationRequest/{version.id}"
    assert lake.read(name, before) is None
    assert lake.read(name, version.recorded_at).body == version.body
    assert version not in lake.patient(version.subject, before)


def test_a_stay_is_known_as_over_only_once_it_is_over(lake):
    stays = [version for version in lake.resources("Encounter") if version.resource["status"] == "finished"]
    assert len(stays) == COUNTS["Encounter"]
    for version in stays[:50]:
        over = fhir.parse_time(version.resource["period"]["end"])
        assert version.recorded_at == over
        assert lake.read(f"Encounter/{version.id}", over - timedelta(minutes=1)) is None


def test_a_fluid_balance_is_known_when_it_was_issued_not_when_it_was_measured(lake):
    issued = [version for version in lake.resources("Observation") if "issued" in version.resource]
    assert len(issued) == 15_280 + 9_362
    late = [
        version
        for version in issued
        if fhir.parse_time(version.resource["effectiveDateTime"]) < version.recorded_at
    ]
    assert late, "some were entered after they were measured"
    version = late[0]
    measured = fhir.parse_time(version.resource["effectiveDateTime"])
    assert lake.read(f"Observation/{version.id}", measured) is None
    assert lake.read(f"Observation/{version.id}", version.recorded_at) == version


def test_a_culture_that_does_not_say_when_it_was_issued_was_not_known_when_the_sample_was_taken(lake):
    profile = "mimic-observation-micro-test"
    cultures = [
        version
        for version in lake.resources("Observation", since=LATER - timedelta(seconds=1))
        if version.resource["meta"]["profile"][0].endswith(profile)
    ]
    assert len(cultures) == 1_893
    version = cultures[0]
    taken = fhir.parse_time(version.resource["effectiveDateTime"])
    assert lake.read(f"Observation/{version.id}", taken + timedelta(days=365)) is None
    assert lake.read(f"Observation/{version.id}", LATER) == version
