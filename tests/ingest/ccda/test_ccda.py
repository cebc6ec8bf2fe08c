"""C-CDA: all samples convert, sections and entries are counted, the readable text can do nothing."""

import gzip
import io
import json

import pytest

from vesalius import fhir
from vesalius.ingest import Cause, ccda
from vesalius.ingest.ccda import _data

from ..pairs import paths


def document(name):
    return next(path for path in paths("ccda") if path.stem == name).read_text(encoding="utf-8")


def found(text, kind):
    resources, _ = ccda.converted(text.encode())
    return [one for one in resources if one["resourceType"] == kind]


@pytest.mark.data
def test_all_samples_convert_and_every_resource_is_valid(shared_data):
    documents, sections, entries, mapped = 0, 0, 0, 0
    for path in sorted((shared_data / "ccda-samples").glob("*.xml.gz")):
        resources, account = ccda.converted(gzip.decompress(path.read_bytes()))
        for one in resources:
            fhir.check(one)
        there = {f"{one['resourceType']}/{one['id']}" for one in resources}
        assert len(there) == len(resources), path.name
        assert {name for one in resources for name in fhir.references(one)} <= there
        assert account.entries.total() == account.mapped.total() + account.unmapped.total()
        documents, sections = documents + 1, sections + account.sections
        entries, mapped = entries + account.entries.total(), mapped + account.mapped.total()
    assert (documents, sections, entries, mapped) == (18, 174, 204, 189)


@pytest.mark.data
def test_where_both_map_a_kind_we_find_no_fewer_than_the_other_converter(shared_data):
    """Counts of what an entry becomes beside Microsoft's templates; fewer only where it is explained."""
    kinds = ("AllergyIntolerance", "Condition", "Immunization", "FamilyMemberHistory", "Procedure")
    rows = gzip.decompress((shared_data / "ccda-samples" / "expected_ms.ndjson.gz").read_bytes()).splitlines()
    fewer = {}
    for row in map(json.loads, rows):
        raw = gzip.decompress((shared_data / "ccda-samples" / f"{row['file']}.gz").read_bytes())
        ours, theirs = [one["resourceType"] for one in ccda.converted(raw)[0]], []
        theirs = [entry["resource"]["resourceType"] for entry in row["bundle"]["entry"]]
        fewer |= {(row["file"], kind): 1 for kind in kinds if ours.count(kind) < theirs.count(kind)}
    assert fewer == {}


def test_the_readable_text_keeps_its_words_and_can_do_nothing():
    (composition,) = found(document("summary_fr"), "Composition")
    text = "".join(section["text"]["div"] for section in composition["section"])
    assert "Amoxicilline</span> : urticaire <span>détails</span>" in text
    assert '<td colspan="2">Metformine 850 mg</td>' in text
    for active in ("href", "script", "style", "border", "onclick"):
        assert active not in text


def test_script_in_the_text_is_words():
    text = document("summary_fr").replace(
        "<paragraph>Diabète", "<paragraph onclick='x()'><script>alert(1)</script>&lt;script&gt;Diabète"
    )
    (composition,) = found(text, "Composition")
    written = composition["section"][1]["text"]["div"]
    assert "<script" not in written
    assert "onclick" not in written
    assert "&lt;script&gt;Diabète" in written


def test_an_entry_that_no_table_knows_is_counted_by_kind():
    _, account = ccda.converted(document("summary_fr").encode())
    assert account.unmapped == {"act EVN 999": 1}
    assert (account.entries["Problèmes"], account.mapped["Problèmes"]) == (2, 1)


def test_what_was_refused_is_not_done():
    (vaccine,) = found(document("discharge_nl"), "Immunization")
    assert vaccine["status"] == "not-done"
    taken = document("summary_fr").replace(
        'moodCode="EVN">\n              <templateId root="2.16.840.1.113883.10.20.22.4.16"',
        'moodCode="EVN" negationInd="true">\n              <templateId root="2.16.840.1.113883.10.20.22.4.16"',
    )
    (medication,) = found(taken, "MedicationStatement")
    assert medication["status"] == "not-taken"


def test_a_medication_that_is_only_planned_is_intended():
    planned = document("summary_fr").replace("20.22.4.16", "20.22.4.42")
    (medication,) = found(planned, "MedicationStatement")
    assert medication["status"] == "intended"


def test_a_problem_that_is_denied_is_refuted():
    denied = document("summary_fr").replace(
        '<observation classCode="OBS" moodCode="EVN">',
        '<observation classCode="OBS" moodCode="EVN" negationInd="true">',
    )
    (condition,) = found(denied, "Condition")
    assert condition["verificationStatus"]["coding"][0]["code"] == "refuted"


def test_two_entries_with_one_number_do_not_overwrite_each_other():
    twice = document("summary_fr").replace('extension="P-1-1"', 'extension="A-1-1"')
    twice = twice.replace('"2.16.840.1.113883.10.20.22.4.999"', '"2.16.840.1.113883.10.20.22.4.14"')
    twice = twice.replace('extension="X-1"', 'extension="M-1"')
    resources, _ = ccda.converted(twice.encode())
    ids = [(one["resourceType"], one["id"]) for one in resources]
    assert len(set(ids)) == len(ids)


def test_the_same_number_of_another_patient_is_another_thing():
    (mine,) = found(document("summary_fr"), "Condition")
    (other,) = found(document("summary_fr").replace("50010200027", "50010299912"), "Condition")
    assert mine["id"] != other["id"]


def test_a_long_text_that_many_entries_refer_to_is_not_copied_into_each():
    long = "x" * 500_000
    text = document("summary_fr").replace(">Amoxicilline</content>", f">{long}</content>")
    (allergy,) = found(text, "AllergyIntolerance")
    assert len(allergy["code"]["text"]) < 20_000
    assert long in found(text, "Composition")[0]["section"][0]["text"]["div"]


@pytest.mark.parametrize(
    ("written", "time"),
    [
        ("20250304083000+0100", "2025-03-04T08:30:00+01:00"),
        ("20250304083000.1234-0500", "2025-03-04T08:30:00.123-05:00"),
        ("202507040830", "2025-07-04T08:30:00+02:00"),  # no zone: Brussels
        ("2025030408", "2025-03-04"),  # an hour alone is no time of FHIR
        ("20250304", "2025-03-04"),
        ("202503", "2025-03"),
        ("2025", "2025"),
        ("20250230", ""),
        ("soon", ""),
        ("", ""),
    ],
)
def test_times_keep_their_precision_and_zone(written, time):
    element = type("Element", (), {"get": lambda self, name, default=None: written})()
    assert _data.time(element) == time


def test_a_document_without_time_patient_or_number_is_held():
    text = document("summary_fr")
    for gone, why in (
        ('<effectiveTime value="20250304083000+0100"/>', Cause.MISSING_VALUE),
        ("recordTarget", Cause.MISSING_VALUE),
        ('<id root="2.16.840.1.113883.2.51.99" extension="DOC-1"/>', Cause.NO_ID),
        ('<id root="2.16.840.1.113883.3.6777.5.1" extension="50010200027"/>', Cause.NO_ID),
        ("ClinicalDocument", Cause.UNSUPPORTED),
    ):
        changed = text.replace(gone, "" if gone.startswith("<") else "other")
        (item,) = ccda.read(io.BytesIO(changed.encode()))
        assert (item.fault.cause, item.raw) == (why, changed.encode())
