"""The vital signs of the synthetic wards: labelled, repeatable, with patients who get worse."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from vesalius import fhir
from vesalius.demo import staff, vitals
from vesalius.demo.plan import Plan
from vesalius.demo.records import TAG
from vesalius.hospital import Hospital
from vesalius.lake import Arrival

PLAN = Plan(now=datetime(2026, 1, 15, 10, 30, tzinfo=UTC))


def stay(number, hours=60, ward="MED", status="in-progress"):
    start = PLAN.now - timedelta(hours=hours)
    return {
        "resourceType": "Encounter",
        "id": f"S-{number}",
        "meta": {"tag": [TAG], "lastUpdated": start.isoformat()},
        "status": status,
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": {"reference": f"Patient/D{number}"},
        "period": {"start": start.isoformat()},
        "location": [{"location": {"reference": f"Location/{ward}", "display": ward}}],
    }


def measured(number):
    return [json.loads(line) for line in vitals.rounds(PLAN, stay(number), number)]


def of(resources, code):
    found = [each for each in resources if each["code"]["coding"][0]["code"] == code]
    return [each["valueQuantity"]["value"] for each in found]


def test_every_line_is_valid_fhir_and_says_that_it_is_a_test():
    resources = measured(0)
    assert len(resources) > 40
    assert len({each["id"] for each in resources}) == len(resources)
    for each in resources:
        fhir.check(each)
        assert each["meta"]["tag"] == [TAG]
        assert datetime.fromisoformat(each["issued"]) <= PLAN.now + timedelta(minutes=2)


def test_the_same_plan_measures_the_same():
    assert measured(3) == measured(3) != measured(4)


def test_every_fifth_patient_gets_worse_and_the_others_do_not():
    worse, steady = measured(0), measured(1)
    assert of(worse, "8867-4")[-1] > of(worse, "8867-4")[0] + 20
    assert max(of(steady, "8867-4")) < 105
    assert max(of(worse, "59408-5")) <= 100


def test_some_rounds_leave_out_what_is_counted_by_hand():
    assert len(of(measured(3), "9279-1")) < len(of(measured(3), "8867-4"))
    assert len(of(measured(4), "9279-1")) == len(of(measured(4), "8867-4"))


@pytest.fixture
def hospital(tmp_path):
    opened = Hospital.open(tmp_path / "hospital")
    staff.hire(opened.engine, PLAN.begins)
    yield opened
    opened.close()


def put(hospital, *stays):
    patients = [
        {"resourceType": "Patient", "id": each["subject"]["reference"][8:], "birthDate": "1950-01-01"}
        for each in stays
    ]
    arrivals = [Arrival.of(fhir.dump(each)) for each in (*patients, *stays)]
    hospital.lake.write(arrivals, "dossier", PLAN.now - timedelta(days=3))


def test_the_wards_are_warned_of_those_who_get_worse(hospital):
    put(hospital, *(stay(number) for number in range(6)))
    receipt = vitals.warn(hospital, PLAN)
    assert receipt.quarantined == 0
    items = hospital.review.worklist(usecase=vitals.USECASE, now=PLAN.now).items
    urgent = {each.subject for each in items if each.option in ("urgent_review", "critical_care_review")}
    assert urgent == {"Patient/D0", "Patient/D5"}
    assert all(each.probability is None for each in items)
    assert all(each.display.ward == "MED" for each in items)


def test_a_hospital_without_such_stays_is_left_alone(hospital):
    put(hospital, stay(1, ward="CUR"), stay(2, hours=1), stay(3, status="finished"))
    before = hospital.lake.position()
    assert vitals.warn(hospital, PLAN) is None
    assert hospital.lake.position() == before
