"""KMEHR: the counts of the contest, lines and their suspensions, numbers that stay, words that are not invented."""

import gzip
import io
import json
import runpy
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from vesalius import fhir
from vesalius.ingest import Cause, held, kmehr, receive, retry

from ..pairs import paths

NOW = datetime(2027, 1, 1, tzinfo=UTC)
BENCHMARK = runpy.run_path(str(Path(__file__).parents[3] / "benchmarks" / "documents.py"))


def document(name):
    return next(path for path in paths("kmehr") if path.stem == name).read_text(encoding="utf-8")


def read(text):
    return list(kmehr.read(io.BytesIO(text.encode())))


def found(text, kind):
    return [one.resource for item in read(text) for one in item.found if one.resource["resourceType"] == kind]


def stored(shared_data, times):
    name = f"sumehr_example{times if times > 1 else ''}.kmehr.xml.gz"
    return gzip.decompress((shared_data / "kmehr-samples" / "sumehr" / name).read_bytes())


# -- the KMEHR case of the Transformation Tool Contest 2023


@pytest.mark.data
@pytest.mark.parametrize(("times", "entries"), [(1, 25), (10, 214), (100, 2_104), (1_000, 21_004)])
def test_the_contest_s_documents_have_the_contest_s_number_of_entries(shared_data, times, entries):
    raw = (
        stored(shared_data, times)
        if times < 1_000
        else BENCHMARK["multiplied"](stored(shared_data, 1), times)
    )
    (item,) = kmehr.read(io.BytesIO(raw))
    assert len(item.found) == entries
    for one in item.found:
        fhir.check(one.body)
    assert len({(one.resource["resourceType"], one.resource["id"]) for one in item.found}) == entries
    kinds = Counter(one.resource["resourceType"] for one in item.found)
    assert kinds == {
        "Composition": 1, "Patient": 1, "Practitioner": 1, "PractitionerRole": 1, "Condition": 6 * times,
        "Immunization": 5 * times, "MedicationStatement": 4 * times, "Medication": 4 * times,
        "AllergyIntolerance": 2 * times,
    }  # fmt: skip


@pytest.mark.data
@pytest.mark.parametrize("times", [10, 100])
def test_the_thousandfold_document_is_made_as_the_stored_ones_are(shared_data, times):
    ours = list(kmehr.read(io.BytesIO(BENCHMARK["multiplied"](stored(shared_data, 1), times))))
    theirs = list(kmehr.read(io.BytesIO(stored(shared_data, times))))
    assert [one.body for one in ours[0].found] == [one.body for one in theirs[0].found]


@pytest.mark.data
@pytest.mark.parametrize("times", [1, 10])
def test_codes_dates_and_doses_are_those_of_the_reference(shared_data, times, capsys, monkeypatch):
    monkeypatch.setitem(BENCHMARK["summary"].__globals__, "DATA", shared_data)
    BENCHMARK["summary"]()
    lines = [line for line in capsys.readouterr().out.splitlines() if line.split()[:1] == [str(times)]]
    assert len(lines) == 5
    for field in ("codes", "onset", "abatement", "occurrence", "start", "when", "dose", "name", "type"):
        for line in lines:
            for part in line.split(", "):
                if part.split()[-2:-1] == [field]:
                    equal, _, compared = part.split()[-1].partition("/")
                    assert equal == compared, part


@pytest.mark.data
def test_what_the_contest_leaves_out_of_a_sumehr_is_kept(shared_data):
    (item,) = kmehr.read(io.BytesIO(stored(shared_data, 1)))
    composition, patient = item.found[0].resource, item.found[1].resource
    risks = [one["valueCodeableConcept"]["coding"][0]["code"] for one in composition["contained"]]
    assert risks == ["Z04", "Z08", "P15"]
    assert patient["contact"][0]["name"]["family"] == "Gilgamesh"
    assert patient["generalPractitioner"] == composition["author"]


# -- medication schemes


@pytest.mark.data
def test_medication_schemes_agree_with_the_reference_in_all_but_what_is_explained(
    shared_data, capsys, monkeypatch
):
    monkeypatch.setitem(BENCHMARK["schemes"].__globals__, "DATA", shared_data)
    BENCHMARK["schemes"]()
    counted = {}
    for line in capsys.readouterr().out.splitlines():
        if line.endswith(" equal"):
            field, _, rest = line.strip().partition("  ")
            equal, _, compared, _ = rest.split()
            counted[field.strip()] = (int(equal), int(compared))
    explained = {"start": 113, "suspensions": 1, "when": 5, "date": 1, "dose unit": 169}
    assert {field: of - equal for field, (equal, of) in counted.items() if of != equal} == explained
    assert counted["codes"] == (301, 301)


@pytest.mark.data
def test_structured_posologies_agree_with_the_reference(shared_data):
    for row in gzip.decompress((shared_data / "kmehr-samples/be_dosage.ndjson.gz").read_bytes()).splitlines():
        pair = json.loads(row)
        mine = BENCHMARK["dosages"](BENCHMARK["posology"](pair["input"]), scheme=True)
        assert len(mine) == len(pair["output"]["dosage"])
        for ours, theirs in zip(mine, pair["output"]["dosage"], strict=True):
            assert ours.get("text") == theirs.get("text")
            expected = [float(one["doseQuantity"]["value"]) for one in theirs.get("doseAndRate", [])]
            assert [float(one["doseQuantity"]["value"]) for one in ours.get("doseAndRate", [])] == expected


@pytest.mark.data
def test_every_shared_document_is_read_whole_and_valid(shared_data):
    transactions = 0
    for path in sorted((shared_data / "kmehr-samples").glob("*/*.xml.gz")):
        if ".fhir." in path.name:
            continue
        items = list(kmehr.read(io.BytesIO(gzip.decompress(path.read_bytes()))))
        assert not [item.fault for item in items if item.fault]
        for item in items:
            for one in item.found:
                fhir.check(one.body)
        transactions += len(items)
    assert transactions == 3 + 16 + 301 + 5  # Sumehrs, schemes, their lines, sessions at the counter


def test_one_line_that_cannot_be_understood_holds_up_no_other(lake):
    broken = document("scheme_nl").replace(
        'S="CD-ITEM" SV="1.4">medication<', 'S="CD-ITEM" SV="1.4">riddle<', 1
    )
    receipt = receive(lake, "scheme.xml", io.BytesIO(broken.encode()), source="vitalink", received_at=NOW)
    assert (receipt.read, receipt.quarantined) == (3, 1)
    (kept,) = held(lake.engine)
    assert kept.cause is Cause.MISSING_VALUE
    assert b"riddle" in kept.raw
    assert b"Methotrexaat" not in kept.raw
    assert retry(lake, received_at=NOW).quarantined == 1


def test_a_suspension_belongs_to_its_line_and_makes_it_known_later():
    _, line = found(document("scheme_nl"), "MedicationStatement")
    assert line["status"] == "unknown"  # suspended for a while is not stopped, and KMEHR says no more
    assert line["statusReason"][0]["extension"][0]["valuePeriod"] == {
        "start": "2025-03-03",
        "end": "2025-03-17",
    }
    assert line["dateAsserted"] == "2025-03-02T09:15:00+01:00"


def test_a_definitive_suspension_stops_the_line():
    text = document("scheme_nl").replace(">suspended<", ">stopped<")
    assert [one["status"] for one in found(text, "MedicationStatement")] == ["unknown", "stopped"]


def test_a_suspension_without_its_line_is_held():
    items = read(document("scheme_nl").replace("='3']", "='33']"))
    assert [item.fault.cause for item in items if item.fault] == [Cause.UNRESOLVED_REFERENCE]


def test_the_next_version_of_a_line_is_a_version_of_the_same_statement(lake):
    first, second = document("scheme_nl"), document("scheme_nl").replace("/102/3<", "/102/4<")
    second = second.replace("hoogstens 4 per dag", "hoogstens 3 per dag").replace(
        "20250304083000002", "20250305083000009"
    )
    receive(lake, "one.xml", io.BytesIO(first.encode()), source="vitalink", received_at=NOW)
    receipt = receive(lake, "two.xml", io.BytesIO(second.encode()), source="vitalink", received_at=NOW)
    assert receipt.written == 1
    line = found(second, "MedicationStatement")[0]["id"]
    assert "hoogstens 3" in lake.read(f"MedicationStatement/{line}").resource["dosage"][0]["text"]


def test_needed_only_in_a_scheme_means_once_elsewhere():
    (needed, _) = found(document("scheme_nl"), "MedicationStatement")
    assert needed["dosage"][0]["asNeededBoolean"] is True
    elsewhere = document("sumehr_fr").replace(">chronic<", ">oneshot<")
    (once,) = found(elsewhere, "MedicationStatement")
    assert "asNeededBoolean" not in once["dosage"][0]


def test_a_period_of_the_day_without_a_code_in_fhir_is_not_given_another():
    _, line = found(document("scheme_nl"), "MedicationStatement")
    (dosage,) = line["dosage"]
    assert "when" not in dosage["timing"]["repeat"]
    assert dosage["additionalInstruction"][0]["coding"][0]["code"] == "betweenlunchanddinner"


def test_a_step_that_is_no_day_and_no_hour_stays_an_instruction():
    regimen = "<date>2025-02-30</date><daytime><time>half past</time></daytime><quantity><decimal>2</decimal></quantity>"
    before, _, rest = document("sumehr_fr").partition("<regimen>")
    text = f"{before}<regimen>{regimen}</regimen>{rest.partition('</regimen>')[2]}"
    (medication,) = found(text, "MedicationStatement")
    (dosage,) = medication["dosage"]
    fhir.check(medication)
    assert [one["text"] for one in dosage["additionalInstruction"]] == ["2025-02-30", "half past"]


@pytest.mark.parametrize(("written", "hour"), [("07:30", "07:30:00"), ("19:05:30.5+01:00", "19:05:30")])
def test_an_hour_is_written_as_fhir_writes_it(written, hour):
    text = document("sumehr_fr").replace(
        '<dayperiod><cd S="CD-DAYPERIOD" SV="1.1">duringbreakfast</cd></dayperiod>', f"<time>{written}</time>"
    )
    (medication,) = found(text, "MedicationStatement")
    assert medication["dosage"][0]["timing"]["repeat"]["timeOfDay"] == [hour]


# -- words, numbers and moments


def test_no_status_is_invented():
    bare = document("sumehr_fr")
    for name in ("lifecycle", "certainty"):
        while f"<{name}>" in bare:
            before, _, rest = bare.partition(f"<{name}>")
            bare = before + rest.partition(f"</{name}>")[2]
    for one in found(bare, "Condition"):
        assert not one.keys() & {"clinicalStatus", "verificationStatus"}
    (allergy,) = found(bare, "AllergyIntolerance")
    assert "coding" not in allergy["clinicalStatus"]
    (medication,) = found(bare, "MedicationStatement")
    assert medication["status"] == "unknown"


LIFECYCLE = '<lifecycle><cd S="CD-LIFECYCLE" SV="1.9">{}</cd></lifecycle>'


@pytest.mark.parametrize(
    ("said", "status"), [("administrated", "completed"), ("refused", "not-done"), ("planned", "not-done")]
)
def test_a_vaccine_that_was_not_given_is_not_done(said, status):
    text = document("sumehr_fr").replace(
        "<beginmoment><date>2024-10-01", LIFECYCLE.format(said) + "<beginmoment><date>2024-10-01"
    )
    (vaccine,) = found(text, "Immunization")
    assert vaccine["status"] == status
    assert ("statusReason" in vaccine) == (status == "not-done")


def test_what_is_not_present_is_refuted_and_an_unknown_life_cycle_is_kept_in_words():
    text = document("sumehr_fr").replace(">active<", ">notpresent<").replace(">inactive<", ">retired<")
    absent, other = found(text, "Condition")
    assert absent["verificationStatus"]["coding"][0]["code"] == "refuted"
    assert "clinicalStatus" not in other
    assert other["note"] == [{"text": "CD-LIFECYCLE: retired"}]


def test_a_document_that_is_not_validated_is_preliminary_and_so_are_its_results():
    text = document("report_nl").replace("<isvalidated>true", "<isvalidated>false")
    for kind in ("Composition", "Observation"):
        assert [one["status"] for one in found(text, kind)] == ["preliminary"]


@pytest.mark.parametrize(
    ("written", "date"),
    [
        ("<date>2025-07-03</date><time>17:05:00</time>", "2025-07-03T17:05:00+02:00"),
        ("<date>2025-01-03</date><time>17:05:00</time>", "2025-01-03T17:05:00+01:00"),
        ("<date>2025-01-03</date><time>17:05:00Z</time>", "2025-01-03T17:05:00+00:00"),
        ("<date>2025-01-03</date><time>17:05:00.250</time>", "2025-01-03T17:05:00.250+01:00"),
        ("<date>2025-01-03+01:00</date><time>late</time>", "2025-01-03"),
        ("<date>2025-02-30</date><time>17:05:00</time>", "2025-03-04T08:30:00+01:00"),
        ("", "2025-03-04T08:30:00+01:00"),  # not said: when the message was made
    ],
)
def test_a_transaction_is_known_from_its_moment_in_brussels(written, date):
    text = document("sumehr_fr").replace("<date>2025-03-03</date>\n      <time>17:05:00</time>", written)
    (composition,) = found(text, "Composition")
    assert composition["date"] == date


def test_the_digits_of_a_dose_are_kept_and_a_comma_is_a_point():
    raw = next(
        one.body
        for item in read(document("sumehr_fr"))
        for one in item.found
        if one.resource["resourceType"] == "MedicationStatement"
    )
    assert b'"value":1.00' in raw
    assert b'"value":0.5' in raw


def test_a_message_without_transaction_patient_or_number_is_held():
    text = document("sumehr_fr")
    for name, other, why in (
        ("<transaction>", "<sermon>", Cause.MISSING_VALUE),
        ("<patient>", "<visitor>", Cause.MISSING_VALUE),
        ('S="ID-KMEHR" SV="1.0">10000196004', 'S="LOCAL" SV="1.0">10000196004', Cause.NO_ID),
    ):
        closed = name.replace("<", "</"), other.replace("<", "</")
        (item,) = read(text.replace(name, other).replace(*closed))
        assert item.fault.cause is why


def test_a_file_in_a_transaction_becomes_a_document():
    (one,) = found(document("report_nl"), "DocumentReference")
    assert one["content"] == [{"attachment": {"contentType": "application/pdf", "data": "JVBERi0xLjQK"}}]


def test_an_item_that_no_table_knows_is_kept_in_words():
    (composition,) = found(document("sumehr_fr"), "Composition")
    others = next(one for one in composition["section"] if one["title"] == "Other items")
    assert "careplansubscription: 10 careplansubscription Trajet de soins diabète" in others["text"]["div"]
