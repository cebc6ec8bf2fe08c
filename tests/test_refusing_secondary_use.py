"""Who refuses secondary use is in no rows, export, pseudonymous set or history; the commands say how many."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pydicom
import pytest
from click.testing import CliRunner

from refusals import refusal
from vesalius.cli import main
from vesalius.governance import audit, secondary
from vesalius.hospital import Hospital

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
SAMPLES = Path(pydicom.__file__).parent / "data" / "test_files"
TOLD = "left out, for they refuse any use but their care: <12 patients"


def patient(id_, *numbers):
    named = [{"system": "urn:mri", "value": number} for number in numbers]
    return {
        "resourceType": "Patient",
        "id": id_,
        "gender": "female",
        "birthDate": "1950-01-01",
        "identifier": named,
    }


def stay(id_, who):
    return {
        "resourceType": "Encounter", "id": id_, "status": "finished", "class": {"code": "IMP"},
        "subject": {"reference": f"Patient/{who}"},
    }  # fmt: skip


def lines(*resources):
    return b"".join(json.dumps(each).encode() + b"\n" for each in resources)


DATA = lines(
    *(patient(f"p{number}", f"N{number}") for number in range(4)),
    *(stay(f"e{number}", f"p{number}") for number in range(4)),
    {"resourceType": "Organization", "id": "ours"},
)


def run(*arguments):
    return CliRunner().invoke(main, [str(each) for each in arguments])


def succeeded(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A hospital in which p2 refuses secondary use, and p3 that tools speak of them."""
    folder = tmp_path_factory.mktemp("refusing")
    file = folder / "data.ndjson"
    file.write_bytes(DATA + lines(refusal("p2"), refusal("p3", kind="suggestions")))
    succeeded("ingest", file, "--source", "x", "--home", folder / "home")
    return folder / "home"


@pytest.fixture
def home(made, tmp_path):
    return shutil.copytree(made, tmp_path / "home")


def last(home, action):
    hospital = Hospital.open(home)
    try:
        return audit.events(hospital.engine, action=action, limit=1)[0].detail
    finally:
        hospital.close()


def test_the_rows_of_a_view_leave_them_out_unless_they_serve_care(home):
    common = ("view", "run", "patients", "--to", "ndjson", "--home", home)
    result = succeeded(*common)
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == ["p0", "p1", "p3"]
    assert TOLD in result.stderr
    assert last(home, "view.read")["left_out"] == 1
    care = succeeded(*common, "--for-care")
    assert len(care.stdout.splitlines()) == 4
    assert "left out" not in care.stderr
    assert last(home, "view.read")["purpose"] == "TREAT"


def test_an_export_leaves_them_out_and_the_audit_counts_them(home, tmp_path):
    result = succeeded("lake", "export", tmp_path / "out", "--home", home)
    assert TOLD in result.stderr
    written = b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir())
    assert b"p2" not in written
    assert b'"p3"' in written
    assert last(home, "lake.exported") | {"types": []} == {"types": [], "count": 8, "left_out": 1}
    succeeded("lake", "export", tmp_path / "whole", "--for-care", "--home", home)
    assert b"p2" in (tmp_path / "whole" / "Patient.ndjson").read_bytes()


def pseudonymised(home, source, out):
    return succeeded("privacy", "pseudonymise", source, "--permit", "study", "--out", out, "--home", home)


def test_a_pseudonymous_set_leaves_out_who_refuses_in_the_hospital(home, tmp_path):
    """The files may have been drawn before; what is made of them is drawn now."""
    source = tmp_path / "drawn.ndjson"
    source.write_bytes(DATA)
    assert TOLD in pseudonymised(home, source, tmp_path / "out").stdout
    found = {path.name: path.read_bytes().splitlines() for path in (tmp_path / "out").glob("*.ndjson")}
    assert {name: len(each) for name, each in found.items()} == {
        "Encounter.ndjson": 3,
        "Organization.ndjson": 1,
        "Patient.ndjson": 3,
    }
    report = json.loads((tmp_path / "out" / "report.json").read_bytes())
    assert (report["left_out"], report["read"], report["held"]) == ("<12", 7, {})
    assert b"refuses" in (tmp_path / "out.held.ndjson").read_bytes()


def test_without_a_hospital_the_consents_among_the_files_count(tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    (source / "Consent.ndjson").write_bytes(lines(refusal("p1")))
    (source / "Patient.ndjson").write_bytes(DATA)
    bundle = {
        "resourceType": "Bundle",
        "id": "b",
        "type": "collection",
        "entry": [{"resource": refusal("p2")}],
    }
    (source / "more.json").write_text(json.dumps(bundle))
    result = pseudonymised(tmp_path / "home", source, tmp_path / "out")
    assert "no hospital there" in result.stderr
    assert not (tmp_path / "home" / "vesalius.sqlite").exists()
    assert len((tmp_path / "out" / "Patient.ndjson").read_bytes().splitlines()) == 2
    assert len((tmp_path / "out" / "Encounter.ndjson").read_bytes().splitlines()) == 2


@pytest.mark.parametrize(("number", "other"), [("N2", None), ("X", "N2")])
def test_images_of_who_refuses_are_left_out_by_any_of_their_numbers(home, tmp_path, number, other):
    folder = tmp_path / "images"
    folder.mkdir()
    for name, id_, more in (("a.dcm", number, other), ("b.dcm", "N1", None)):
        image = pydicom.dcmread(SAMPLES / "CT_small.dcm")
        image.PatientID = id_
        if more:
            image.OtherPatientIDs = more
        image.save_as(folder / name)
    out = tmp_path / "out"
    result = succeeded(
        "privacy",
        "scrub-dicom",
        folder,
        "--permit",
        "study",
        "--out",
        out,
        "--system",
        "urn:mri",
        "--home",
        home,
    )
    assert TOLD in result.stdout
    assert len(list(out.glob("*.dcm"))) == 1
    assert "a.dcm" in (tmp_path / "out.held.ndjson").read_text()


def test_texts_of_who_refuses_are_not_scrubbed_for_others(home, tmp_path):
    (tmp_path / "note.txt").write_text("Goed.")
    asked = ("privacy", "scrub-text", tmp_path / "note.txt", "--permit", "study", "--home", home)
    refused = run(*asked, "--patient", "p2", "--out", tmp_path / "out")
    assert refused.exit_code == 1
    assert "refuses" in refused.output
    assert not (tmp_path / "out").exists()
    succeeded(*asked, "--patient", "p1", "--out", tmp_path / "out")


def test_a_consent_in_a_file_counts_while_it_is_in_force():
    ending = refusal("p1", provision={**refusal("p1")["provision"], "period": {"end": "2026-05-01"}})
    withdrawn = refusal("p2", status="inactive")
    bodies = [json.dumps(each).encode() for each in (ending, withdrawn, refusal("p3"), patient("Consent"))]
    assert secondary.said([*bodies, b"Consent {"], NOW) == {"Patient/p3"}
    assert secondary.said(bodies, NOW - timedelta(days=30)) == {"Patient/p1", "Patient/p3"}
