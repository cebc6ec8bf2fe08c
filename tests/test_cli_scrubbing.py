"""``vesalius privacy pseudonymise``, ``scrub-text``, ``scrub-dicom`` and ``secrets``."""

import gzip
import json
import stat
from pathlib import Path

import pydicom
import pytest
from click.testing import CliRunner

from vesalius.cli import main
from vesalius.privacy.pseudonyms import FILE, Secrets
from vesalius.privacy.text import Found, Kind

SAMPLES = Path(pydicom.__file__).parent / "data" / "test_files"
PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "name": [{"family": "Zonderland", "given": ["Quirijn"]}],
    "birthDate": "1950-02-03",
}
STAY = {
    "resourceType": "Encounter",
    "id": "e1",
    "status": "finished",
    "class": {"code": "IMP"},
    "subject": {"reference": "Patient/p1", "display": "Quirijn Zonderland"},
    "period": {"start": "2024-01-01", "end": "2024-01-04"},
    "reasonCode": [{"text": "Zonderland viel thuis"}],
}


def run(tmp_path, *args):
    return CliRunner().invoke(main, ["privacy", *map(str, args), "--home", str(tmp_path / "home")])


@pytest.fixture
def resources(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    lines = [
        json.dumps(PATIENT),
        "",
        "{not json",
        json.dumps({"resourceType": "Patient", "implicitRules": "x:y"}),
    ]
    (folder / "Zonderland.ndjson").write_text("\n".join(lines), encoding="utf-8")
    (folder / "stays.ndjson.gz").write_bytes(gzip.compress(json.dumps(STAY).encode()))
    (folder / "broken.ndjson.gz").write_bytes(gzip.compress(json.dumps(STAY).encode())[:60])
    return folder


def test_resources_come_out_by_type_and_the_rest_is_held_back_with_its_reason(tmp_path, resources):
    said = run(tmp_path, "pseudonymise", resources, "--permit", "study-a", "--out", tmp_path / "out")
    assert said.exit_code == 0, said.output
    assert "5 read, 2 written, 3 held back" in said.stdout
    out = tmp_path / "out"
    assert sorted(path.name for path in out.iterdir()) == [
        "Encounter.ndjson",
        "Patient.ndjson",
        "report.json",
    ]
    patient = json.loads((out / "Patient.ndjson").read_text(encoding="utf-8"))
    stay = json.loads((out / "Encounter.ndjson").read_text(encoding="utf-8"))
    assert stay["subject"] == {"reference": f"Patient/{patient['id']}"}
    assert "reasonCode" not in stay
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert (report["permit"], report["secret"], report["read"], report["written"]) == ("study-a", 1, 5, 2)
    assert report["changed"]["names"] == 1
    assert "onderland" not in said.stdout + "".join(
        path.read_text(encoding="utf-8") for path in out.iterdir()
    )
    held_file = tmp_path / "out.held.ndjson"
    assert stat.S_IMODE(held_file.stat().st_mode) == 0o600
    held = [json.loads(line) for line in held_file.read_text(encoding="utf-8").splitlines()]
    assert {(one["file"], one["place"]) for one in held} == {
        ("Zonderland.ndjson", 3),
        ("Zonderland.ndjson", 4),
        ("broken.ndjson.gz", 1),
    }
    assert not any("onderland" in one["reason"] for one in held)


def test_words_are_scrubbed_when_asked_by_names_of_another_file(tmp_path, resources):
    run(tmp_path, "pseudonymise", resources, "--permit", "a", "--out", tmp_path / "out", "--texts", "scrub")
    stay = json.loads((tmp_path / "out" / "Encounter.ndjson").read_text(encoding="utf-8"))
    assert stay["reasonCode"] == [{"text": "[NAME] viel thuis"}]


def test_a_permit_makes_the_same_twice_and_another_permit_does_not(tmp_path, resources):
    made = []
    for number, permit in enumerate(("a", "a", "b")):
        out = tmp_path / f"out{number}"
        assert run(tmp_path, "pseudonymise", resources, "--permit", permit, "--out", out).exit_code == 0
        made.append((out / "Encounter.ndjson").read_bytes())
    assert made[0] == made[1] != made[2]


def test_nothing_is_written_where_something_is(tmp_path, resources):
    (tmp_path / "out").mkdir()
    said = run(tmp_path, "pseudonymise", resources, "--permit", "a", "--out", tmp_path / "out")
    assert said.exit_code == 1
    assert "is there already" in said.stderr
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--permit", "../x"], "a permit is named by"),
        (["--permit", "a", "--weekdays", "--days", "3"], "by whole weeks at least 7"),
    ],
)
def test_wrong_settings_leave_nothing_behind(tmp_path, resources, args, words):
    said = run(tmp_path, "pseudonymise", resources, "--out", tmp_path / "out", *args)
    assert said.exit_code == 1
    assert words in said.stderr
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".out*"))


def test_texts_are_scrubbed_into_files_that_name_nobody(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "Zonderland.txt").write_text(
        "Dhr. Zonderland kwam op 3/2/2024, dochter Zilverberg.", encoding="utf-8"
    )
    (folder / "latin.txt").write_bytes(b"\xe9t\xe9")
    (tmp_path / "names.txt").write_text("Zilverberg\n\n", encoding="utf-8")
    said = run(tmp_path, "scrub-text", folder, "--out", tmp_path / "out", "--names", tmp_path / "names.txt")
    assert said.exit_code == 0, said.output
    assert "2 read, 1 written, 1 held back" in said.stdout
    assert "is not UTF-8" in said.stdout
    texts = [path.read_text(encoding="utf-8") for path in (tmp_path / "out").glob("*.txt")]
    assert texts == ["Dhr. [NAME] kwam op [DATE], dochter [NAME]."]
    args = ("--out", tmp_path / "moved", "--permit", "a", "--patient", "p1", "--weekdays")
    assert run(tmp_path, "scrub-text", folder, *args).exit_code == 0
    (path,) = (tmp_path / "moved").glob("*.txt")
    assert "Zonderland" not in path.name
    assert "/202" in path.read_text(encoding="utf-8")


def test_a_patient_without_a_permit_is_refused_and_so_is_an_empty_folder(tmp_path):
    assert run(tmp_path, "scrub-text", tmp_path, "--out", tmp_path / "o", "--patient", "1").exit_code == 2
    assert "holds no file" in run(tmp_path, "scrub-text", tmp_path, "--out", tmp_path / "o").stderr


def test_a_recogniser_that_is_installed_is_used_and_another_is_named(tmp_path, monkeypatch):
    def model(text):
        return [Found(0, 3, Kind.NAME)]

    class Point:
        name = "model"

        def load(self):
            return model

    monkeypatch.setattr(
        "importlib.metadata.entry_points", lambda group: [Point()] if "recognisers" in group else []
    )
    (tmp_path / "a.txt").write_text("abc def", encoding="utf-8")
    run(tmp_path, "scrub-text", tmp_path / "a.txt", "--out", tmp_path / "o", "--recogniser", "model")
    assert (tmp_path / "o" / "000001.txt").read_text(encoding="utf-8") == "[NAME] def"
    said = run(tmp_path, "scrub-text", tmp_path / "a.txt", "--out", tmp_path / "p", "--recogniser", "none")
    assert "no recogniser 'none'" in said.stderr


def test_images_come_out_under_their_new_uid_and_the_rest_is_held_back(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("CT_small.dcm", "SC_rgb_rle.dcm", "test-SR.dcm"):
        (folder / name).write_bytes((SAMPLES / name).read_bytes())
    (folder / "letter.pdf").write_bytes(b"%PDF-1.4")
    said = run(tmp_path, "scrub-dicom", folder, "--permit", "a", "--out", tmp_path / "out", "--keep", "dates")
    assert said.exit_code == 0, said.output
    assert "4 read, 1 written, 3 held back" in said.stdout
    assert "no rule says where" in said.stdout
    (path,) = (tmp_path / "out").glob("*.dcm")
    old = pydicom.dcmread(SAMPLES / "CT_small.dcm")
    permit = Secrets(tmp_path / "home").pseudonyms("a")
    assert path.stem == permit.uid(old.SOPInstanceUID)
    (tmp_path / "patients.csv").write_text(f"number,patient\n{old.PatientID},p7\n", encoding="utf-8")
    args = ("--permit", "a", "--out", tmp_path / "again", "--patients", tmp_path / "patients.csv")
    assert run(tmp_path, "scrub-dicom", folder / "CT_small.dcm", *args).exit_code == 0
    (path,) = (tmp_path / "again").glob("*.dcm")
    assert pydicom.dcmread(path).PatientID == permit.of("Patient", "p7")


def test_secrets_are_told_by_version_and_never_shown(tmp_path):
    Secrets(tmp_path / "home").pseudonyms("study-a")
    said = run(tmp_path, "secrets", "--rotate")
    assert said.stdout == "   1  study-a\n   2  no permit\n"
    assert run(tmp_path, "secrets", "--destroy", "1").exit_code == 0
    assert (
        "destroyed"
        in run(tmp_path, "pseudonymise", tmp_path, "--permit", "study-a", "--out", tmp_path / "o").stderr
    )
    kept = json.loads((tmp_path / "home" / FILE).read_text(encoding="utf-8"))
    assert list(kept["secrets"]) == ["2"]
    assert kept["secrets"]["2"] not in said.output
