"""FHIR resources under the pseudonyms of a permit."""

import base64
import gzip
import itertools
import json
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.errors import InvalidResource, NotScrubbed
from vesalius.fhir import belgium, check, dump, load, parse_time
from vesalius.privacy.dates import Shifting, shift_of
from vesalius.privacy.pseudonyms import Pseudonyms
from vesalius.privacy.resources import DICOM, SYSTEM, Pseudonymiser

TODAY = date(2026, 1, 1)
PERMIT = Pseudonyms(bytes(32), "study")


def maker(**given):
    return Pseudonymiser(PERMIT, TODAY, **given)


WORD = st.from_regex(r"[BDFGKLMNPRST][aeiou][lmnrst][bdgkt][aeou][lmnrst]{1,2}[xyz]", fullmatch=True)


@st.composite
def people(draw):
    """A patient, an observation and a note of theirs, and every string by which somebody would know them."""
    family, given_, street, city = (draw(WORD) for _ in range(4))
    born = draw(st.dates(date(1900, 1, 1), date(2015, 1, 1)))
    niss = belgium.made_up_niss(born, "female")
    number, phone, record = (
        draw(st.integers(10**7, 10**8)),
        f"0475{draw(st.integers(100000, 999999))}",
        draw(WORD) + "17",
    )
    patient = {
        "resourceType": "Patient",
        "id": f"pat-{record}",
        "meta": {"source": f"#{record}", "lastUpdated": "2024-05-06T07:08:09Z"},
        "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{family}</div>'},
        "extension": [{"url": "https://example.org/mother", "valueString": family}],
        "identifier": [
            {"system": belgium.NISS, "value": niss},
            {"system": "https://hospital.example/mrn", "value": f"{number}", "assigner": {"display": city}},
        ],
        "name": [{"family": family, "given": [given_], "text": f"{given_} {family}"}],
        "telecom": [{"system": "phone", "value": phone}],
        "gender": "female",
        "birthDate": born.isoformat(),
        "_birthDate": {"extension": [{"url": "https://example.org/hour", "valueString": record}]},
        "address": [{"line": [f"{street}straat 7"], "city": city, "postalCode": "3512", "country": "BE"}],
        "contact": [{"name": {"family": family}}],
        "photo": [{"contentType": "image/png", "data": base64.b64encode(niss.encode()).decode()}],
        "generalPractitioner": [{"reference": f"Practitioner/{record}", "display": f"Dr {family}"}],
    }
    said = f"Mme {family} ({niss}, {phone}) van {city}, dossier {number}"
    observation = {
        "resourceType": "Observation",
        "id": f"obs-{record}",
        "contained": [{"resourceType": "Practitioner", "id": family, "name": [{"family": family}]}],
        "identifier": [{"value": f"L{number}"}],
        "status": "final",
        "code": {
            "coding": [{"system": "http://loinc.org", "code": "2160-0", "display": "Creatinine"}],
            "text": said,
        },
        "subject": {"reference": f"https://fhir.hospital.example/Patient/pat-{record}", "display": family},
        "effectiveDateTime": "2024-03-01T10:00:00+01:00",
        "issued": "2024-03-02T10:00:00.000+01:00",
        "performer": [{"reference": f"#{family}"}, {"identifier": {"value": f"{number}"}}],
        "valueString": said,
        "note": [{"text": said, "time": "2024-03-01T10:00:00+01:00", "authorString": family}],
    }
    note = {
        "resourceType": "DocumentReference",
        "id": f"doc-{record}",
        "status": "current",
        "description": said,
        "subject": {"reference": f"Patient/pat-{record}"},
        "date": "2024-03-01T10:00:00Z",
        "content": [{"attachment": {"contentType": "text/plain", "title": said, "url": f"Binary/{record}"}}],
    }
    secrets = {
        family,
        given_,
        street,
        city,
        niss,
        str(number),
        phone,
        record,
        born.isoformat(),
        belgium.niss_formatted(niss),
    }
    return [patient, observation, note], secrets


@given(people(), st.sampled_from(["remove", "scrub"]))
def test_no_identifier_of_the_input_survives(made, texts):
    resources, secrets = made
    work = maker(texts=texts)
    for resource in resources:
        work.learn(resource)
    for resource in resources:
        done = work.pseudonymise(resource)
        check(done.resource)
        body = dump(done.resource).decode()
        for secret in secrets:
            assert secret.lower() not in body.lower()
        assert not any(secret in dump(done.counts).decode() for secret in secrets)


@given(people())
def test_references_meet_in_a_permit_and_not_between_two(made):
    (patient, observation, note), _ = made
    work, other = maker(), Pseudonymiser(Pseudonyms(bytes(32), "other"), TODAY)
    new = [work.pseudonymise(each).resource for each in (patient, observation, note)]
    meant = f"Patient/{new[0]['id']}"
    assert new[1]["subject"] == {"reference": meant}
    assert new[2]["subject"] == {"reference": meant}
    assert new[1]["performer"][0] == {"reference": f"#{new[1]['contained'][0]['id']}"}
    assert new[1]["performer"][1]["identifier"]["system"] == SYSTEM
    apart = dump(other.pseudonymise(patient).resource)
    assert new[0]["id"].encode() not in apart
    assert not {one["value"] for one in new[0]["identifier"]} & {
        one["value"] for one in load(apart)["identifier"]
    }


def test_what_is_measured_stays_and_what_is_near_is_coarser():
    patient = {
        "resourceType": "Patient",
        "id": "1",
        "gender": "male",
        "birthDate": "1921-03-04",
        "address": [{"postalCode": "3512", "country": "BE", "city": "Stevoort"}],
        "communication": [
            {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "nl", "display": "Dutch"}]}}
        ],
    }
    new = maker().pseudonymise(patient).resource
    assert new["birthDate"] == "1936"
    assert new["address"] == [{"postalCode": "35", "country": "BE"}]
    assert (new["gender"], new["communication"]) == ("male", patient["communication"])
    assert new["meta"]["security"][0]["code"] == "PSEUDED"
    assert (
        "address"
        not in maker(postcode=0).pseudonymise({**patient, "address": [{"postalCode": "3512"}]}).resource
    )


def test_dates_of_a_patient_move_together():
    by = shift_of(PERMIT, "Patient/7", Shifting(weekdays=True))
    work = maker(shifting=Shifting(weekdays=True))
    stay = {
        "resourceType": "Encounter",
        "id": "e",
        "status": "finished",
        "class": {"code": "IMP"},
        "subject": {"reference": "Patient/7"},
        "period": {"start": "2024-01-31T23:50:00+01:00", "end": "2024-02-03T08:00:00+01:00"},
    }
    new = work.pseudonymise(stay).resource["period"]
    assert parse_time(new["start"]) - parse_time(stay["period"]["start"]) == by
    assert parse_time(new["end"]) - parse_time(new["start"]) == timedelta(days=2, hours=8, minutes=10)


def test_dates_about_nobody_become_their_year():
    location = {
        "resourceType": "Practitioner",
        "id": "1",
        "qualification": [{"code": {"text": "x"}, "period": {"start": "2001-02-03"}}],
    }
    new = maker().pseudonymise(location).resource
    assert new["qualification"] == [{"code": {"text": "[REMOVED]"}, "period": {"start": "2001"}}]


def test_numbers_keep_their_digits_and_units_their_code():
    observation = {
        "resourceType": "Observation",
        "id": "1",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2160-0"}]},
        "subject": {"reference": "Patient/1"},
        "valueQuantity": {
            "value": Decimal("1.00"),
            "unit": "mg per dl",
            "system": "http://unitsofmeasure.org",
            "code": "mg/dL",
        },
    }
    new = maker().pseudonymise(observation).resource["valueQuantity"]
    assert (str(new["value"]), new["unit"], new["code"]) == ("1.00", "mg/dL", "mg/dL")


def test_an_age_above_89_is_90_as_an_onset_and_as_an_observation():
    age = {"value": 97, "system": "http://unitsofmeasure.org", "code": "a"}
    condition = {
        "resourceType": "Condition",
        "id": "1",
        "subject": {"reference": "Patient/1"},
        "onsetAge": age,
    }
    observed = {
        "resourceType": "Observation",
        "id": "1",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "30525-0"}]},
        "subject": {"reference": "Patient/1"},
        "valueQuantity": age,
    }
    assert maker().pseudonymise(condition).resource["onsetAge"]["value"] == 90
    assert maker().pseudonymise(observed).resource["valueQuantity"]["value"] == 90


def test_uids_of_studies_become_those_of_their_images():
    study = {
        "resourceType": "ImagingStudy",
        "id": "1",
        "identifier": [{"system": DICOM, "value": "urn:oid:1.2.3.4"}],
        "status": "available",
        "subject": {"reference": "Patient/1"},
        "series": [
            {
                "uid": "1.2.3.5",
                "modality": {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "CT"},
            }
        ],
    }
    new = maker().pseudonymise(study).resource
    assert new["identifier"] == [{"system": DICOM, "value": f"urn:oid:{PERMIT.uid('1.2.3.4')}"}]
    assert new["series"][0]["uid"] == PERMIT.uid("1.2.3.5")


def test_entries_of_a_bundle_find_each_other():
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": "urn:uuid:0f1e2d3c-0000-4000-8000-000000000001",
                "resource": {"resourceType": "Patient", "birthDate": "1950-02-03"},
                "request": {"method": "POST", "url": "Patient?identifier=50020300027"},
            },
            {
                "fullUrl": "https://hospital.example/fhir/Encounter/9",
                "resource": {
                    "resourceType": "Encounter",
                    "id": "9",
                    "status": "planned",
                    "class": {"code": "IMP"},
                    "subject": {"reference": "urn:uuid:0f1e2d3c-0000-4000-8000-000000000001"},
                    "period": {"start": "2024-01-01"},
                },
            },
        ],
    }
    new = maker().pseudonymise(bundle).resource
    patient, stay = (entry["resource"] for entry in new["entry"])
    assert new["type"] == "collection"
    assert stay["subject"]["reference"] == f"Patient/{patient['id']}"
    assert new["entry"][0]["fullUrl"].endswith(f"/fhir/Patient/{patient['id']}")
    assert len(stay["period"]["start"]) == 10, "it moves with its patient, who was named by a urn"
    assert "50020300027" not in json.dumps(new)


@pytest.mark.parametrize(
    ("resource", "error"),
    [
        ({}, InvalidResource),
        ({"resourceType": "Patientt"}, InvalidResource),
        ({"resourceType": "Patient", "birthDate": "3/2/1950"}, InvalidResource),
        (
            {
                "resourceType": "Patient",
                "modifierExtension": [{"url": "https://x.example", "valueBoolean": True}],
            },
            NotScrubbed,
        ),
        ({"resourceType": "Patient", "implicitRules": "https://x.example"}, NotScrubbed),
        ({"resourceType": "Patient", "identifier": [{"value": " 12"}]}, NotScrubbed),
    ],
)
def test_what_cannot_be_judged_is_held_back(resource, error):
    with pytest.raises(error):
        maker().pseudonymise(resource)


def test_only_named_extensions_stay_and_their_words_do_not():
    url = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
    patient = {
        "resourceType": "Patient",
        "extension": [{"url": url, "valueAddress": {"city": "Mol", "country": "BE"}}],
    }
    assert "extension" not in maker().pseudonymise(patient).resource
    kept = maker(extensions=[url]).pseudonymise(patient).resource
    assert kept["extension"] == [{"url": url, "valueAddress": {"country": "BE"}}]


@pytest.mark.data
def test_belgian_bundles_and_every_type_of_synthea_come_out_valid(shared_data):
    files = sorted((shared_data / "synthea-r4").glob("*.ndjson.gz"))
    work = maker(texts="scrub")
    for path in files:
        with gzip.open(path, "rb") as lines:
            for line in itertools.islice(lines, 5):
                check(work.pseudonymise(load(line)).resource)
    with gzip.open(shared_data / "be-lab-fhir" / "lab_bundles.ndjson.gz", "rb") as lines:
        for line in itertools.islice(lines, 6):
            bundle = load(line)
            kept = load(line)
            bundle = next(one for one in [kept, *kept.values()] if isinstance(one, dict) and "entry" in one)
            body = dump(work.pseudonymise(bundle).resource).decode()
            patients = [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Patient"]
            values = [one["value"] for patient in patients for one in patient["identifier"]]
            assert values
            assert not [value for value in values if len(value) > 5 and value in body]
