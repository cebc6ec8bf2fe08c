"""The library of views: each runs on real data, with the rows it had, and every column gives something."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from vesalius import fhir
from vesalius.errors import NotFound
from vesalius.fhir.antibiograms import antibiogram
from vesalius.views import Files, View, library
from vesalius.views.conformance import canonical

EXAMPLES = Path(__file__).parent / "library_examples.ndjson"
NAMES = library.names()

# Rows of each view on Synthea, the MIMIC demo and the Belgian laboratory reports.
ROWS = {
    "allergies": (374, 0, 0),
    "appointments": (0, 0, 0),
    "care_plans": (1769, 0, 0),
    "care_team": (18017, 0, 0),
    "conditions": (4546, 5051, 0),
    "documents": (0, 0, 0),
    "immunisations": (7389, 0, 0),
    "laboratory": (54953, 3267, 929),
    "medication_administrations": (0, 56535, 0),
    "medication_dispenses": (0, 15375, 0),
    "medication_orders": (4712, 17552, 0),
    "medication_statements": (0, 2411, 0),
    "medications": (0, 1794, 0),
    "orders": (0, 0, 214),
    "organisms": (0, 1374, 729),
    "patients": (615, 100, 49),
    "procedures": (14081, 3450, 0),
    "reports": (6262, 0, 49),
    "specimens": (0, 12458, 134),
    "stays": (18098, 637, 0),
    "susceptibilities": (0, 1036, 222),
    "vitals": (27300, 6300, 0),
    "ward_stays": (0, 1012, 0),
    "wards": (0, 31, 0),
}

# What none of the three holds: American data has no ATC and no Belgian product numbers, Synthea and MIMIC write
# no routes, reactions or lots, and nobody writes documents or appointments. The examples fill each of these columns.
ABSENT = {
    "allergies": {"rxnorm", "onset", "reaction", "severity"},
    "care_team": {"person_text", "role", "start", "end"},
    "immunisations": {"atc", "cnk", "lot", "dose_number"},
    "medication_administrations": {"medication", "atc", "rxnorm", "cnk", "text", "route"},
    "medication_dispenses": {"medication", "atc", "rxnorm", "cnk", "display", "quantity"},
    "medication_orders": {"atc", "cnk"},
    "medication_statements": {"start", "medication", "atc", "rxnorm", "cnk", "display"},
    "medications": {"atc", "rxnorm", "cnk", "display", "text", "form"},
    "orders": {"stay", "loinc", "snomed", "code_system", "code", "display", "text"},
    "patients": {"died"},
    "susceptibilities": {"comparator"},
    "ward_stays": {"ward_text"},
    "wards": {"part_of"},
    "appointments": set(library.load("appointments").columns),
    "documents": set(library.load("documents").columns),
}


def lines(path):
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        yield from map(json.loads, file)


def resources(folder, kind):
    """The resources of one type of a data set; Synthea repeats some under the same id."""
    pattern = f"{kind}.ndjson.gz" if folder.name == "synthea-r4" else f"fhir/Mimic{kind}*.ndjson.gz"
    if folder.name == "be-lab-fhir":
        bundles = (each for path in sorted(folder.glob("*.ndjson.gz")) for each in lines(path))
        entries = (entry["resource"] for each in bundles for entry in each["bundle"].get("entry", ()))
        return [each for each in entries if each["resourceType"] == kind]
    found = (each for path in sorted(folder.glob(pattern)) for each in lines(path))
    return list({each["id"]: each for each in found if each["resourceType"] == kind}.values())


@pytest.fixture(scope="module")
def data(shared_data):
    folders = [shared_data / name for name in ("synthea-r4", "mimic-iv-demo", "be-lab-fhir")]
    made = {}

    def read(at, kind):
        if (at, kind) not in made:
            for each in [each for each in made if each[0] == at]:
                del made[each]  # one type at a time: all at once would be gigabytes
            made[at, kind] = resources(folders[at], kind)
        return made[at, kind]

    return read


def filled(rows):
    return Counter(name for row in rows for name, cell in row.items() if cell is not None)


@pytest.mark.data
def test_each_view_gives_the_rows_it_gave_and_no_column_is_empty_without_a_reason(data, subtests):
    assert set(ROWS) == set(NAMES)
    for name in sorted(NAMES, key=lambda each: library.definition(each)["resource"]):
        view = library.load(name)
        with subtests.test(view=name):
            rows = [view.rows(data(at, view.definition.resource)) for at in range(3)]
            assert tuple(map(len, rows)) == ROWS[name]
            seen = sum(map(filled, rows), Counter())
            assert {column for column in view.columns if not seen[column]} == ABSENT.get(name, set())


@pytest.mark.data
def test_duckdb_gives_the_same_rows_from_the_files(data, shared_data, subtests):
    for name in sorted(NAMES, key=lambda each: library.definition(each)["resource"]):
        view = library.load(name)
        kind = view.definition.resource
        files = sorted((shared_data / "mimic-iv-demo" / "fhir").glob(f"Mimic{kind}*.ndjson.gz"))
        if files:
            with subtests.test(view=name):
                table = view.table(Files(files), engine="duckdb")
                assert canonical(table.to_pylist()) == canonical(view.rows(data(1, kind)))


@pytest.mark.parametrize("name", sorted(ABSENT))
def test_what_no_data_set_holds_is_filled_by_the_examples(name):
    seen = filled(library.load(name).rows(lines(EXAMPLES)))
    assert not {column for column in ABSENT[name] if not seen[column]}


def test_the_examples_are_valid():
    for line in EXAMPLES.read_bytes().splitlines():
        fhir.check(line)


@pytest.mark.parametrize("name", NAMES)
def test_each_view_says_what_it_gives_and_compiles(name):
    definition, view = library.definition(name), library.load(name)
    assert (definition["name"], definition["url"]) == (name, library.BASE + name)
    assert definition["title"]
    assert definition["description"].endswith(".")
    assert all(column.description for column in view.definition.columns)
    assert view.route == "duckdb"


@pytest.mark.parametrize("name", NAMES)
def test_every_pinned_system_and_code_is_used(name):
    text = library.text(name)
    for constant in library.definition(name).get("constant", ()):
        assert f"%{constant['name']}" in text


def test_what_is_joined_on_is_there():
    """Every column that says "to join on" or names another view's column names one that exists."""
    for name in NAMES:
        for column in library.load(name).definition.columns:
            other, _, key = column.description.rpartition(": ")[2].split(",")[0].partition(".")
            if other in NAMES and key:
                assert key in library.load(other).columns, (name, column.name)


def test_a_view_that_is_not_there_is_not_found():
    with pytest.raises(NotFound):
        library.load("../patients")


@pytest.mark.data
@pytest.mark.parametrize(("at", "least"), [(1, 1036), (2, 100)])
def test_joined_they_hold_every_answer_of_the_antibiograms(data, at, least):
    """The views beside :mod:`vesalius.fhir.antibiograms`, which reads the trees in code."""
    found = data(at, "Observation")
    answers = {row["id"]: row for row in library.load("susceptibilities").rows(found)}
    members = {row["member"]: row["id"] for row in library.load("organisms").rows(found)}
    known = list(antibiogram(found))
    assert len(known) >= least
    for each in known:
        row = answers[each.source.partition("/")[2]]
        assert each.answer in (row["answer"], row["answer_value"])
        assert each.parent.partition("/")[2] in (members.get(row["id"]), row["organism"])


def test_the_views_of_the_library_are_found_by_the_loader():
    assert View.load(library.FOLDER / "patients.json").columns == library.load("patients").columns
