"""What is held can be tried again: nothing is lost, nothing is taken in twice."""

import json

import pytest

from vesalius.errors import UnreadableInput
from vesalius.ingest import Cause, CsvMap, causes, held, retry

from .conftest import HEADER, MAP, NOW, ROW

X_ROW = ROW.replace(";F;", ";X;")


def test_rows_land_once_their_map_is_mended(send, lake):
    send(HEADER + X_ROW)
    mended = CsvMap.parse(MAP + 'X = "other"\n')
    tried = retry(lake, csv_map=mended, received_at=NOW)
    assert (tried.read, tried.written, tried.quarantined) == (1, 2, 0)
    assert lake.read("Patient/p1").resource["gender"] == "other"
    assert causes(lake.engine) == {}
    (item,) = held(lake.engine, status="released")
    assert item.raw == X_ROW.encode()
    assert retry(lake, csv_map=mended).read == 0


def test_what_is_still_wrong_stays_with_its_new_cause(send, lake):
    send(HEADER + X_ROW.replace("12,50", "9999"))
    tried = retry(lake, csv_map=CsvMap.parse(MAP + 'X = "other"\n'), received_at=NOW)
    assert (tried.written, tried.quarantined) == (0, 1)
    assert causes(lake.engine) == {"out-of-range": 1}


def test_a_mended_map_that_needs_another_column_says_so(send, lake):
    send(HEADER + X_ROW)
    tried = retry(lake, csv_map=CsvMap.parse(MAP.replace('"crp"', '"CRP"')))
    assert tried.quarantined == 1
    assert "'CRP'" in held(lake.engine)[0].words


def test_rows_of_csv_need_their_map(send, lake):
    send(HEADER + X_ROW)
    with pytest.raises(UnreadableInput, match="1 rows of tables"):
        retry(lake)


def test_a_row_that_contradicts_another_stays_held(send, lake, csv_map):
    send(HEADER + ROW + ROW.replace("12,50", "13,50"))
    tried = retry(lake, csv_map=csv_map, received_at=NOW)
    assert tried.quarantined == 1
    assert lake.read("Observation/p1-s1-crp").resource["valueQuantity"]["value"] == 12.5


def test_only_the_cause_or_the_numbers_that_are_asked_are_tried(send, lake):
    patients = [{"resourceType": "Patient", "id": f"p{n}", "birthDate": "2026-06-01"} for n in range(3)]
    send("\n".join(map(json.dumps, patients)) + "\nnonsense\n", name="patients.ndjson")
    assert causes(lake.engine) == {"future-date": 3, "malformed": 1}
    later = NOW.replace(month=7)
    first = min(item.id for item in held(lake.engine, cause="future-date"))
    assert retry(lake, ids=[first], received_at=later).written == 1
    assert retry(lake, cause="malformed", received_at=later).quarantined == 1
    assert retry(lake, received_at=later).written == 2
    assert causes(lake.engine) == {"malformed": 1}


def test_an_entry_is_tried_again_with_what_its_references_became(send, lake):
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": "urn:uuid:1",
                "resource": {"resourceType": "Patient", "id": "p1"},
                "request": {"method": "POST", "url": "Patient"},
            },
            {
                "fullUrl": "urn:uuid:2",
                "resource": {
                    "resourceType": "Condition",
                    "id": "c1",
                    "subject": {"reference": "urn:uuid:1"},
                    "recordedDate": "2026-06-01T00:00:00Z",
                },
            },
        ],
    }
    send(json.dumps(bundle), name="bundle.json")
    assert held(lake.engine)[0].cause == Cause.FUTURE_DATE
    assert retry(lake, received_at=NOW.replace(month=7)).written == 1
    assert lake.read("Condition/c1").subject == "Patient/p1"


def test_pages_of_what_is_held_are_newest_first(send, lake):
    send("\n".join("x" * n for n in range(1, 6)), name="bad.ndjson")
    assert [item.place for item in held(lake.engine, limit=2)] == ["line 5", "line 4"]
    assert [item.place for item in held(lake.engine, limit=2, offset=2)] == ["line 3", "line 2"]
