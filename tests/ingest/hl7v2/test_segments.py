"""Segments with a map in the guide that no message map reaches, and those without a map: none goes unnoticed."""

import re
from pathlib import Path

import pytest

from vesalius import fhir
from vesalius.ingest import explained, hl7v2

PAIRS = Path(__file__).parent / "pairs"
ALLERGIES = (PAIRS / "allergies-nl.hl7").read_bytes()
PRESCRIPTION = (PAIRS / "prescription-insured-fr.hl7").read_bytes()
ADMISSION = (PAIRS / "admission-nl-latin1.hl7").read_bytes()
PAGE = Path(__file__).parents[3] / "docs" / "engineer" / "hl7v2.md"
CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
IN1 = b"IN1|1|110^^MUT|MUT|Mutuality||||||||20250101"


def of(kind: str, raw: bytes, tables: hl7v2.Tables | None = None) -> list[dict]:
    item = hl7v2.item(raw, "here", tables)
    assert item.fault is None, item.fault
    for found in item.found:
        fhir.check(found.body)
    return [found.resource for found in item.found if found.resource["resourceType"] == kind]


def said(resource: dict, element: str) -> str:
    return resource.get(element, {}).get("coding", [{}])[0].get("code", "")


# Allergies (IAM) -------------------------------------------------------------------------------------------


def test_what_is_known_of_an_allergy_follows_its_status_and_what_is_done_with_it():
    known = {each["identifier"][0]["value"]: each for each in of("AllergyIntolerance", ALLERGIES)}
    assert {
        number: (said(each, "clinicalStatus"), said(each, "verificationStatus"))
        for number, each in known.items()
    } == {
        "ALG77": ("active", "confirmed"),
        "ALG78": ("", "entered-in-error"),
        "ALG79": ("inactive", "confirmed"),
    }


@pytest.mark.parametrize(
    ("status", "clinical", "verification"),
    [
        (b"U", "active", "unconfirmed"),
        (b"P", "active", "unconfirmed"),
        (b"S", "active", "unconfirmed"),
        (b"D", "active", "unconfirmed"),
        (b"E", "", "entered-in-error"),
        (b"OTHER", "active", ""),
        (b"", "active", ""),
    ],
)
def test_how_sure_an_allergy_is_comes_of_its_own_status(status, clinical, verification):
    (first, *_) = of("AllergyIntolerance", ALLERGIES.replace(b"C^Bevestigd", status + b"^x"))
    assert (said(first, "clinicalStatus"), said(first, "verificationStatus")) == (clinical, verification)


def test_an_allergy_is_the_same_in_al1_and_iam_where_nothing_else_names_it():
    iam = ALLERGIES.replace(b"ALG77^HIS", b"").replace(b"372687004^amoxicilline^SCT", b"")
    al1 = re.sub(rb"IAM.*", b"AL1|1|DA|70618^penicilline^L|SV\r", ALLERGIES, flags=re.DOTALL)
    assert of("AllergyIntolerance", iam)[0]["id"] == of("AllergyIntolerance", al1)[0]["id"]


def test_allergies_of_both_segments_do_not_run_into_each_other():
    raw = ALLERGIES.replace(b"IAM|1", b"AL1|1|FA|9003^kiwi^L\rAL1|2|FA|9004^noten^L\rIAM|1")
    codes = [each["code"]["coding"][0]["code"] for each in of("AllergyIntolerance", raw)]
    assert sorted(codes) == ["70618", "9001", "9002", "9003", "9004"]


def test_only_another_person_who_reports_an_allergy_is_a_related_person():
    first, second, third = of("AllergyIntolerance", ALLERGIES)
    (brother,) = of("RelatedPerson", ALLERGIES)
    assert first["recorder"] == {"reference": f"RelatedPerson/{brother['id']}"}
    assert "recorder" not in second
    assert "recorder" not in third, "the patient herself"
    assert len(of("Patient", ALLERGIES)) == 1
    unsaid = ALLERGIES.replace(b"BRO^Broer^HL70063", b"")
    assert not of("RelatedPerson", unsaid), "who reported it is not known to be anything"


# Insurances wherever they stand ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head", [b"RDE^O11^RDE_O11", b"ORM^O01^ORM_O01", b"OUL^R22^OUL_R22", b"VXU^V04^VXU_V04"]
)
def test_an_insurance_is_read_in_every_message_that_holds_one(head):
    raw = PRESCRIPTION.replace(b"RDE^O11^RDE_O11", head)
    (cover,) = of("Coverage", raw)
    (patient,) = of("Patient", raw)
    assert cover["beneficiary"] == {"reference": f"Patient/{patient['id']}"}
    assert cover["period"] == {"start": "2025-01-01", "end": "2026-12-31"}


def test_two_insurances_where_no_structure_knows_them_are_two():
    raw = PRESCRIPTION.replace(b"RDE^O11^RDE_O11", b"OUL^R22^OUL_R22")
    raw = raw.replace(b"IN2|1", IN1.replace(b"110", b"200") + b"\rIN2|1")
    assert len(of("Coverage", raw)) == 2


def test_two_patients_of_one_plan_have_a_coverage_each():
    other = PRESCRIPTION.replace(b"CL-78", b"CL-79")
    assert of("Coverage", PRESCRIPTION)[0]["id"] != of("Coverage", other)[0]["id"]
    renewed = PRESCRIPTION.replace(b"|20261231|", b"|20271231|")
    assert of("Coverage", PRESCRIPTION)[0]["id"] == of("Coverage", renewed)[0]["id"]


def test_the_mother_of_two_patients_is_a_related_person_of_each():
    mother = b"NK1|1|Peeters^An|MTH^Mother^HL70063" + b"|" * 30 + b"M55^^^AZV^PI\r"
    first, second = (
        of("RelatedPerson", raw + mother)[0] for raw in (ADMISSION, ADMISSION.replace(b"900001", b"900002"))
    )
    assert first["identifier"][0]["value"] == second["identifier"][0]["value"] == "M55"
    assert first["id"] != second["id"]
    assert first["patient"] != second["patient"]


# Notes of prescriptions ------------------------------------------------------------------------------------


def test_a_note_of_a_prescription_is_on_it_and_makes_no_other_order():
    first, second = of("MedicationRequest", PRESCRIPTION)
    assert [note["text"] for note in first["note"]] == ["à prendre le matin"]
    assert "note" not in second, "what is said of the dispense is not said of the order"
    assert not of("ServiceRequest", PRESCRIPTION)


RESULT = b"""MSH|^~\\&|LAB|AZ|EPD|AZ|20260301101500||OUL^R22^OUL_R22|C1|P|2.5
NTE|1||of the message
PID|1||900001^^^AZV^PI||Maes^An
NTE|1||of the patient
SPM|1|S1||SER
OBR|1|P1|F1|K^Potassium^L
NTE|1||of the order
OBX|1|NM|K^Potassium^L||4.1|mmol/L|||||F
NTE|1||of the result
"""


def test_a_note_of_a_message_a_patient_or_an_order_is_on_no_result():
    (result,) = of("Observation", RESULT)
    assert [note["text"] for note in result["note"]] == ["of the result"]


# A hospital's own map of a segment that the guide has none of ----------------------------------------------

GUARANTOR = """
[segments]
GT1 = "RelatedPerson[9]"

[[rows]]
map = "GT1[RelatedPerson]"
field = "GT1-2"
path = "identifier[1]"
datatype = "CX[Identifier]"

[[rows]]
map = "GT1[RelatedPerson]"
field = "GT1-3"
path = "name[1]"
datatype = "XPN[HumanName]"
"""


@pytest.mark.parametrize("raw", [ADMISSION, PRESCRIPTION])
def test_a_hospital_maps_a_segment_for_which_the_guide_only_has_a_place(raw, tmp_path):
    raw = raw.replace(b"GT1|1|G1|Dupont^Paul\r", b"") + b"GT1|1|G7|Peeters^An\rGT1|2|G8|Peeters^Bo\r"
    tables = hl7v2.Tables.of(GUARANTOR)
    people = of("RelatedPerson", raw, tables)
    assert [each["name"][0]["given"] for each in people] == [["An"], ["Bo"]]
    assert of("RelatedPerson", raw) == []
    path, own = tmp_path / "x.hl7", tmp_path / "own.toml"
    path.write_bytes(raw)
    own.write_text(GUARANTOR)
    lines = [line for line in explained(path, own) if "GT1-3" in line]
    assert len(lines) == 2
    assert all("RelatedPerson" in line for line in lines)


def test_a_segment_that_has_a_map_at_its_place_keeps_it():
    tables = hl7v2.Tables.of('[segments]\nPV1 = "Coverage[1]"\n')
    assert of("Encounter", ADMISSION, tables) == of("Encounter", ADMISSION)


def test_a_segment_may_be_said_to_add_to_nothing_at_a_place():
    tables = hl7v2.Tables.of(
        """
        [structures.OWN]
        like = "ADT_A01"
        segments = "MSH EVN PID PV1 AL1*=- DG1*"

        [messages]
        "ADT^A01" = "OWN"
        """
    )
    assert not of("AllergyIntolerance", ADMISSION, tables)
    assert of("AllergyIntolerance", ADMISSION)


# Nothing unnoticed -----------------------------------------------------------------------------------------


def test_each_map_of_the_guide_is_reached_by_a_message_or_the_page_says_why_not():
    tables = hl7v2.Tables.standard()
    used = {use.map for uses in tables.messages.values() for use in uses}
    missed = {name for name, rows in tables.segments.items() if rows and name not in used}
    listed = set(re.findall(r"^\| `(\w+\[[\w-]+\])` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert missed == listed


def test_each_segment_of_a_structure_without_a_map_is_on_the_page():
    tables = hl7v2.Tables.standard()
    uses = [use for uses in tables.messages.values() for use in uses if re.fullmatch(r"\w{3}", use.segment)]
    mapped = {use.segment for use in uses if tables.segments.get(use.map)}
    page = PAGE.read_text(encoding="utf-8").partition("### Segments without a map")[2]
    table = page.partition("\n## ")[0]
    assert {use.segment for use in uses} - mapped == set(re.findall(r"`([A-Z][A-Z0-9]{2})`", table))
