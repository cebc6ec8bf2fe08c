"""Messages become resources: the same thing is one resource, what is wrong is held, nothing crashes."""

import base64
import io
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vesalius import fhir
from vesalius.errors import InvalidMap, UnreadableInput
from vesalius.ingest import Cause, explained, held, hl7v2, receive, retry

PAIRS = Path(__file__).parent / "pairs"
NOW = datetime(2026, 7, 3, tzinfo=UTC)
ADMISSION = (PAIRS / "admission-nl-latin1.hl7").read_bytes()
RESULTS = (PAIRS / "results-nl.hl7").read_bytes()
CORRECTED = (PAIRS / "results-corrected-nl.hl7").read_bytes()
DISCHARGE = (PAIRS / "discharge-nl.hl7").read_bytes()
MERGE = (PAIRS / "merge-nl.hl7").read_bytes()


def resources(raw: bytes, tables: hl7v2.Tables | None = None) -> list[dict]:
    item = hl7v2.item(raw, "here", tables)
    assert item.fault is None, item.fault
    return [found.resource for found in item.found]


def of(kind: str, raw: bytes, tables: hl7v2.Tables | None = None) -> list[dict]:
    return [each for each in resources(raw, tables) if each["resourceType"] == kind]


def fault(raw: bytes):
    found = hl7v2.item(raw, "here").fault
    assert found, "it was taken in"
    return found


def put(lake, raw: bytes, name="x.hl7", moment=NOW):
    return receive(lake, name, io.BytesIO(raw), source="his", received_at=moment)


# One thing, one resource -----------------------------------------------------------------------------------


def test_the_patient_and_the_stay_are_the_same_in_an_admission_and_in_a_result():
    for kind in ("Patient", "Encounter"):
        assert of(kind, ADMISSION)[0]["id"] == of(kind, RESULTS)[0]["id"]


def test_a_patient_has_the_id_that_any_feed_makes_from_his_number():
    tables = hl7v2.Tables.of('[systems]\n"AZV" = "https://voorbeeld.example/patients"\n')
    made = fhir.made_id("Patient", "https://voorbeeld.example/patients", "900001")
    assert of("Patient", ADMISSION, tables)[0]["id"] == made


def test_a_national_number_is_under_the_belgian_system_and_bare():
    numbers = of("Patient", ADMISSION)[0]["identifier"]
    assert {"system": fhir.belgium.NISS, "value": "50100200090"}.items() <= numbers[1].items()


def test_a_corrected_result_is_a_new_version_of_the_same_result(lake):
    put(lake, RESULTS)
    put(lake, CORRECTED)
    crp = next(each for each in of("Observation", CORRECTED))
    versions = lake.history(f"Observation/{crp['id']}")
    assert [version.resource["status"] for version in versions] == ["final", "corrected"]
    as_of = lake.read(f"Observation/{crp['id']}", as_of=datetime(2026, 3, 1, 12, tzinfo=UTC))
    assert as_of.resource["status"] == "final", "corrected at 14:00 in Brussels, which is 13:00 UTC"
    assert b"123.40" in as_of.body, "the digits of a result are part of it"


def test_the_same_message_again_changes_nothing(lake):
    first = put(lake, ADMISSION)
    again = put(lake, ADMISSION + b"\r\n", name="again.hl7", moment=datetime(2026, 7, 4, tzinfo=UTC))
    assert first.written > 5
    assert (again.written, again.unchanged, again.repeated) == (0, first.written, False)


def test_a_result_that_mentions_a_stay_does_not_reopen_it(lake):
    put(lake, ADMISSION + b"\r" + DISCHARGE)
    late = RESULTS.replace(b"|20260301120000|", b"|20260306120000|")
    put(lake, late, name="late.hl7")
    stay = lake.read(f"Encounter/{of('Encounter', ADMISSION)[0]['id']}").resource
    assert stay["status"] == "finished"
    assert "end" in stay["period"]
    patient = lake.read(f"Patient/{of('Patient', ADMISSION)[0]['id']}").resource
    assert "tag" not in patient["meta"]


def test_mentions_in_the_same_file_take_nothing_back_either(lake):
    late = RESULTS.replace(b"|20260301120000|", b"|20260306120000|")
    put(lake, b"\r".join([ADMISSION, DISCHARGE, late]))
    stay = lake.read(f"Encounter/{of('Encounter', ADMISSION)[0]['id']}").resource
    assert stay["status"] == "finished"


def test_a_mention_adds_no_second_value_of_what_is_known(lake):
    rest = b"|" * 13
    dead = b"|nl|M" + rest + b"20260304101500"  # PID-29: when
    put(lake, DISCHARGE.replace(b"|nl|M", dead))
    late = RESULTS.replace(b"|20260301120000|", b"|20260306120000|").replace(
        b"|nl|M", b"|nl|M" + rest + b"|Y"
    )
    receipt = put(lake, late, name="late.hl7")
    assert receipt.quarantined == 0
    patient = lake.read(f"Patient/{of('Patient', DISCHARGE)[0]['id']}").resource
    assert patient["deceasedDateTime"] == "2026-03-04T10:15:00+01:00"
    assert "deceasedBoolean" not in patient


def test_a_result_alone_makes_its_patient_known(lake):
    put(lake, RESULTS)
    patient = lake.read(f"Patient/{of('Patient', RESULTS)[0]['id']}").resource
    assert patient["name"][0]["family"] == "Désiré"
    assert patient["meta"]["tag"][0]["code"] == "mention"


def test_several_results_of_one_code_in_a_report_are_several_resources():
    twice = RESULTS + b"OBX|9|NM|1988-5^CRP^LN||7|mg/L^^UCUM||||||F\r"
    ids = [each["id"] for each in of("Observation", twice)]
    assert len(ids) == len(set(ids)) == 5


# Values ----------------------------------------------------------------------------------------------------


def test_times_without_offset_are_in_the_hospitals_zone_in_summer_and_winter():
    winter = of("Encounter", ADMISSION)[0]["period"]["start"]
    summer = of("Encounter", (PAIRS / "admission-fr-utf8.hl7").read_bytes())[0]["period"]["start"]
    assert (winter, summer) == ("2026-03-01T09:30:00+01:00", "2026-07-02T08:15:00+02:00")


def test_the_zone_is_the_hospitals_own_setting():
    tables = hl7v2.Tables.of('zone = "UTC"\n')
    assert of("Encounter", ADMISSION, tables)[0]["period"]["start"] == "2026-03-01T09:30:00+00:00"


def test_an_offset_of_the_message_that_is_not_the_hospitals_holds_for_all_its_times():
    raw = ADMISSION.replace(b"|20260301101500||ADT", b"|20260301101500-0500||ADT")
    assert of("Encounter", raw)[0]["period"]["start"] == "2026-03-01T09:30:00-05:00"


def test_a_number_that_is_none_becomes_a_text_and_one_with_a_sign_a_comparator():
    crp, egfr, _, potassium = of("Observation", RESULTS)
    assert crp["valueQuantity"]["unit"] == "mg/L"
    assert egfr["valueQuantity"]["comparator"] == ">"
    assert potassium["valueString"] == "zie commentaar"


def test_what_is_deleted_is_left_out():
    raw = ADMISSION.replace(b"|Kerkstraat 12 bus 3^^Gent^^9000^BE^H|", b'|""|')
    assert "address" not in of("Patient", raw)[0]


def test_the_message_itself_is_kept_and_its_provenance_names_what_it_gave():
    made = resources(RESULTS)
    provenance = next(each for each in made if each["resourceType"] == "Provenance")
    kept = provenance["entity"][0]["what"]["reference"].partition("/")[2]
    document = next(each for each in made if each["id"] == kept)
    assert base64.b64decode(document["content"][0]["attachment"]["data"]) == RESULTS.strip()
    targets = {each["reference"].partition("/")[0] for each in provenance["target"]}
    assert {"Patient", "Encounter", "DiagnosticReport", "Observation"} <= targets


def test_no_reference_leads_nowhere():
    for path in PAIRS.glob("*.hl7"):
        made = resources(path.read_bytes())
        names = {f"{each['resourceType']}/{each['id']}" for each in made}
        assert {name for each in made for name in fhir.references(each)} <= names


# Merges ----------------------------------------------------------------------------------------------------


def test_a_merge_gives_up_one_patient_for_the_other():
    survivor, old = sorted(of("Patient", MERGE), key=lambda each: "active" in each)
    assert old["active"] is False
    assert old["link"] == [{"other": {"reference": f"Patient/{survivor['id']}"}, "type": "replaced-by"}]
    assert survivor["link"] == [{"other": {"reference": f"Patient/{old['id']}"}, "type": "replaces"}]
    assert survivor["id"] == of("Patient", ADMISSION)[0]["id"]


def test_several_merges_in_one_message_keep_to_their_pairs():
    second = b"PID|1||900002^^^AZV^PI||Ander^Jan\r"
    made = of("Patient", MERGE + second + b"MRG|800008^^^AZV^PI\r")
    pairs = {
        (each["id"], each["link"][0]["other"]["reference"].partition("/")[2])
        for each in made
        if each.get("active") is False
    }
    assert len(made) == 4
    assert len(pairs) == 2
    assert len({survivor for _, survivor in pairs}) == 2


def test_unlinking_says_of_two_patients_that_they_are_active_and_without_links():
    raw = MERGE.replace(b"ADT^A40^ADT_A39", b"ADT^A37^ADT_A37").replace(
        b"MRG|800007^^^AZV^PI||||||Desire^Zoe", b"PID|2||800007^^^AZV^PI||Desire^Zoe"
    )
    made = of("Patient", raw)
    assert len(made) == 2
    assert all("link" not in each and each["active"] is True for each in made)


def test_an_ordinary_update_does_not_say_whether_the_patient_is_active():
    raw = MERGE.replace(b"ADT^A40^ADT_A39", b"ADT^A08^ADT_A01").replace(
        b"MRG|800007^^^AZV^PI||||||Desire^Zoe", b""
    )
    (made,) = of("Patient", raw)
    assert "link" not in made
    assert "active" not in made


@pytest.mark.parametrize("event", ["A42", "A43", "A50"])
def test_moves_that_fhir_cannot_say_are_held_for_a_person(event):
    found = fault(MERGE.replace(b"ADT^A40^ADT_A39", b"ADT^" + event.encode()))
    assert found.cause is Cause.UNSUPPORTED
    assert event in found.words


def test_a_merge_without_the_patient_that_is_given_up_is_held():
    assert fault(MERGE.replace(b"MRG|800007^^^AZV^PI", b"MRG|")).cause is Cause.MISSING_VALUE


def test_a_patient_is_not_merged_into_himself():
    assert fault(MERGE.replace(b"MRG|800007", b"MRG|900001")).cause is Cause.CONFLICTING_ROW


# Bad messages ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "cause", "words"),
    [
        ((b"ADT^A01^ADT_A01", b"ZZZ^Z01"), Cause.UNSUPPORTED, "MSH-9"),
        ((b"ADT^A01^ADT_A01", b""), Cause.MISSING_VALUE, "MSH-9"),
        ((b"PID|1||900001^^^AZV^PI~50.10.02-000.90^^^NNBEL^NNBEL", b"PID|1||"), Cause.MISSING_VALUE, "PID"),
        ((b"\rPID|", b"\rZPI|"), Cause.MISSING_VALUE, "PID"),
        ((b"|19501002|", b"|19501402|"), Cause.BAD_VALUE, "PID-7"),
        ((b"|20260301093000", b"|20260230093000"), Cause.BAD_VALUE, "PV1-44"),
        ((b"EVN|A01|20260301101500", b"EVN|A01|yesterday"), Cause.BAD_VALUE, "EVN-2"),
    ],
)
def test_a_bad_message_is_held_with_its_cause_and_the_field(change, cause, words):
    assert change[0] in ADMISSION
    raw = ADMISSION.replace(*change)
    found = fault(raw)
    assert (found.cause, words in found.words) == (cause, True)
    for value in ("19501402", "20260230", "yesterday", "Désiré"):
        assert value not in found.words


def test_what_is_held_keeps_its_bytes_and_is_taken_in_after_the_map_was_mended(lake):
    raw = ADMISSION.replace(b"ADT^A01^ADT_A01", b"ZZZ^Z01")
    put(lake, raw + b"\r" + DISCHARGE)
    (item,) = held(lake.engine)
    assert item.raw == raw.strip()
    tables = hl7v2.Tables.of('[messages]\n"ZZZ" = "ADT_A01"\n')
    receipt = retry(lake, given=tables)
    assert receipt.written > 0
    assert not held(lake.engine)


# A hospital's own tables -----------------------------------------------------------------------------------


def test_a_hospital_replaces_a_row_adds_one_and_translates_its_codes():
    tables = hl7v2.Tables.of(
        """
        [[rows]]
        map = "PID[Patient]"
        field = "PID-16"
        path = "maritalStatus.text"

        [[rows]]
        map = "ZBE[Encounter]"
        field = "ZBE-1"
        path = "identifier[9]"
        datatype = "EI[Identifier-Extension]"

        [segments]
        ZBE = "Encounter[1]"

        [codes.HospitalService]
        CAR = ["394579002", "Cardiology", "http://snomed.info/sct"]

        [systems]
        "L" = "https://voorbeeld.example/codes"
        """
    )
    raw = ADMISSION + b"ZBE|7788^HIS\r"
    assert of("Patient", raw, tables)[0]["maritalStatus"] == {"text": "M"}
    stay = of("Encounter", raw, tables)[0]
    assert stay["identifier"][-1]["value"] == "7788"
    assert stay["serviceType"]["coding"][0]["system"] == fhir.codes.SNOMED
    assert of("AllergyIntolerance", raw, tables)[0]["code"]["coding"][0]["system"].startswith(
        "https://voorbeeld"
    )
    assert len(of("Encounter", ADMISSION)[0]["identifier"]) == 1, "the standard tables are as they were"


@pytest.mark.parametrize(
    "text",
    [
        "rows = 3",
        "[[rows]]\nmap = 'PID[Patient]'\nfield = 'OBX-3'\npath = 'name'",
        "[[rows]]\nmap = 'PID[Patient]'\nfield = 'PID-3'\npath = 'name['",
        "[[rows]]\nmap = 'PID[Patient]'\nfield = 'PID-3'\npath = 'name'\nwhen = 'IF ?'",
        "[structures.X]\nlike = 'nothing'\nsegments = 'MSH'",
        "[structures.X]\nlike = 'ADT_A01'\nsegments = 'MSH {A PID'",
        "zone = ",
        "unknown = 1",
    ],
)
def test_a_wrong_map_says_so(text):
    with pytest.raises(InvalidMap):
        hl7v2.Tables.of(text)


def test_a_row_that_r4_has_no_place_for_is_refused_when_the_map_is_loaded():
    with pytest.raises(InvalidMap, match="Patient has no shoeSize"):
        hl7v2.Tables.of("[[rows]]\nmap = 'PID[Patient]'\nfield = 'PID-3'\npath = 'shoeSize'")


def test_each_field_says_where_it_goes_and_repeats_no_value(tmp_path):
    path = tmp_path / "x.hl7"
    path.write_bytes(ADMISSION + b"ZBE|7788\r\rMSH|^~\\&|HIS||||||MFN^M02|2|P|2.5\r")
    lines = list(explained(path))
    text = "\n".join(lines)
    assert lines[0] == "message 1: ADT^A01 as ADT_A01"
    assert any("PID-7" in line and "Patient[1].birthDate" in line for line in lines)
    assert any("PV1-7" in line and "individual → Practitioner" in line for line in lines)
    assert any("ZBE-1" in line and "not mapped" in line for line in lines)
    assert lines[-1].startswith("message 2 is held")
    assert not any(value in text for value in ("900001", "Désiré", "7788", "V2026001"))
    assert all("not mapped" in line or "message" in line for line in explained(path, unmapped=True))


def test_a_file_without_a_message_explains_nothing(tmp_path):
    path = tmp_path / "x.hl7"
    path.write_bytes(b"PID|1\r")
    with pytest.raises(UnreadableInput):
        list(explained(path))


# Nothing crashes -------------------------------------------------------------------------------------------

SAMPLES = [path.read_bytes() for path in sorted(PAIRS.glob("*.hl7"))]


@st.composite
def mutated(draw):
    raw = bytearray(draw(st.sampled_from(SAMPLES)))
    for _ in range(draw(st.integers(1, 12))):
        place = draw(st.integers(0, len(raw)))
        match draw(st.sampled_from(["cut", "put", "drop", "double"])):
            case "cut":
                raw = raw[:place] if place > 60 else raw
            case "put":
                raw[place:place] = draw(
                    st.sampled_from(
                        [b"|", b"^", b"~", b"&", b"\\", b"\r", b'""', b"\xff", b"9", b"\rOBX|", b"\rPID|"]
                    )
                )
            case "drop":
                del raw[place : place + draw(st.integers(1, 9))]
            case "double":
                raw[place:place] = raw[place : place + 40]
    return bytes(raw)


@given(mutated())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_mutated_messages_are_converted_into_valid_resources_or_held(raw):
    for item in hl7v2.read(io.BytesIO(raw)):
        if item.fault:
            assert item.raw
        for found in item.found:
            fhir.check(found.body)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x0b" * 2_000_000,
        b" " * 2_000_000,
        b"\n" * 2_000_000,
        b"\xef\xbb\xbf" * 500_000,
        ADMISSION + b"NTE|" + b"\\" * 1_000_000,
        ADMISSION.replace(b"900001^^^AZV^PI~", b"1^^^A^PI~" * 10_000),
        RESULTS + b"OBX|1|NM|1988-5^CRP^LN||7|mg/L^^UCUM||||||F\r" * 2_000,
        RESULTS + b"OBX|1|ST|1^x^L||" + b"a~" * 20_000 + b"|||||F\r",
        ADMISSION + b"word\n" * 300_000,
    ],
    ids=["frames", "spaces", "lines", "marks", "escapes", "numbers", "results", "repetitions", "text"],
)
def test_a_hostile_file_is_done_with_in_seconds(raw):
    begin = time.process_time()
    for _ in hl7v2.read(io.BytesIO(raw)):
        pass
    assert time.process_time() - begin < 20


# Public samples --------------------------------------------------------------------------------------------


@pytest.mark.data
def test_every_public_sample_converts_and_no_resource_is_invalid(shared_data):
    folder = shared_data / "hl7v2-samples"
    messages = sorted((folder / "messages").glob("*.hl7"))
    guide = sorted((folder / "ig").glob("*.hl7"))
    assert (len(messages), len(guide)) == (115, 8)
    count = 0
    for path in (*messages, *guide):
        item = hl7v2.item(path.read_bytes(), path.name)
        assert item.fault is None, f"{path.name}: {item.fault}"
        for found in item.found:
            fhir.check(found.body)
            count += 1
    assert count > 3000


@pytest.mark.data
def test_what_is_remembered_of_other_messages_changes_nothing(shared_data):
    used, paths = hl7v2.Converter(), sorted((shared_data / "hl7v2-samples" / "messages").glob("*.hl7"))
    plan = used.plan
    for path in paths:
        raw = path.read_bytes()
        plan.registers.clear()
        alone = used.resources(hl7v2.parse(raw), raw)
        again = used.resources(hl7v2.parse(raw), raw)
        assert {fhir.canonical(each) for each in alone} == {fhir.canonical(each) for each in again}, path.name


PERFORMED = b"\r".join(
    [
        b"MSH|^~\\&|LAB|HOSP|||20260301101500||ORU^R01^ORU_R01|%s|P|2.8",
        b"PID|1||123^^^HOSP^MR||Doe^Jane",
        b"OBR|1|P1|F1|K^Potassium^L",
        b"OBX|1|NM|K^Potassium^L||4.1|mmol/L|||||F||||||||||||%s|%s|%s",
    ]
)
LABORATORY = b"Lab North^^^^^^XX^^^L1", b"Long Street 1^^Ghent", b"77^Maes^An"


def test_what_several_fields_make_together_is_remembered_by_all_of_them():
    used = hl7v2.Converter()
    for number, (name, address, doctor) in enumerate(
        [LABORATORY, LABORATORY, (*LABORATORY[:2], b"78^Peeters^Bo"), (*LABORATORY[:2], b""), LABORATORY]
    ):
        raw = PERFORMED % (b"%d" % number, name, address, doctor)
        message = hl7v2.parse(raw)
        assert used.resources(message, raw) == hl7v2.Converter().resources(message, raw)
        made = [one.resource for one in used.found(message, raw)]
        assert [
            one["address"][0]["city"] for one in made if one.get("name") == "Lab North" and "address" in one
        ] == ["Ghent"]
        doctors = [one["name"][0]["family"] for one in made if one["resourceType"] == "Practitioner"]
        assert doctors == ([doctor.split(b"^")[1].decode()] if doctor else [])


def test_the_json_of_an_entry_of_a_register_was_checked_and_is_kept_with_it():
    used, raw = hl7v2.Converter(), PERFORMED % (b"1", *LABORATORY)
    first, second = (used.found(hl7v2.parse(raw), raw) for _ in range(2))
    assert all(one.body == fhir.dump(one.resource) for one in second)
    known = [one for one in second if one.usual]
    assert {one.resource["resourceType"] for one in known} >= {"Organization", "Practitioner"}
    assert all(any(one is other for other in first) for one in known)
    assert not {one.usual.type for one in known} & {"Patient", "Observation", "DiagnosticReport"}


@pytest.mark.data
@given(data=st.data())
@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=30)
def test_mutated_public_samples_never_crash(shared_data, data):
    paths = sorted((shared_data / "hl7v2-samples" / "messages").glob("*.hl7"))
    raw = data.draw(st.sampled_from(paths)).read_bytes()
    place, length = data.draw(st.integers(0, len(raw))), data.draw(st.integers(0, 30))
    raw = raw[:place] + data.draw(st.binary(max_size=6)) + raw[place + length :]
    for item in hl7v2.read(io.BytesIO(raw)):
        for found in item.found:
            fhir.check(found.body)


def test_expected_files_hold_no_number_that_lost_its_digits():
    text = (PAIRS / "results-nl.json").read_text(encoding="utf-8")
    assert "123.40" in text
    assert json.loads(text)
