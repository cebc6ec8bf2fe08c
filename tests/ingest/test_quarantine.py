"""What is held can be tried again: nothing is lost, nothing is taken in twice."""

import json

import pytest
import sqlalchemy as sa

from vesalius.errors import NotFound, UnreadableInput
from vesalius.ingest import (
    Cause,
    Chosen,
    CsvMap,
    causes,
    held,
    kept,
    map_of_feed,
    mending,
    one,
    problems,
    retry,
)
from vesalius.ingest._tables import kept_map
from vesalius.store import writing

from .conftest import HEADER, MAP, NOW, ROW

X_ROW = ROW.replace(";F;", ";X;")


def test_rows_land_once_their_map_is_mended(send, lake):
    send(HEADER + X_ROW)
    mended = CsvMap.parse(MAP + 'X = "other"\n')
    tried = retry(lake, given=mended, received_at=NOW)
    assert (tried.items, tried.written, tried.held) == (1, 2, 0)
    assert lake.read("Patient/p1").resource["gender"] == "other"
    assert causes(lake.engine) == {}
    (item,) = held(lake.engine, Chosen(status="released"))
    assert item.raw == X_ROW.encode()
    assert retry(lake, given=mended).items == 0


def test_what_is_still_wrong_stays_with_its_new_cause(send, lake):
    send(HEADER + X_ROW.replace("12,50", "9999"))
    tried = retry(lake, given=CsvMap.parse(MAP + 'X = "other"\n'), received_at=NOW)
    assert (tried.written, tried.held) == (0, 1)
    assert causes(lake.engine) == {"out-of-range": 1}


def test_a_mended_map_that_needs_another_column_says_so(send, lake):
    send(HEADER + X_ROW)
    tried = retry(lake, given=CsvMap.parse(MAP.replace('"crp"', '"CRP"')))
    assert tried.held == 1
    assert "'CRP'" in held(lake.engine)[0].words


def test_rows_of_csv_are_read_through_the_map_they_came_with(send, lake):
    send(HEADER + X_ROW)
    tried = retry(lake)
    assert (tried.items, tried.held) == (1, 1)
    assert causes(lake.engine) == {"unmapped-value": 1}


def test_rows_held_before_maps_were_kept_need_to_be_told_their_map(send, lake):
    send(HEADER + X_ROW)
    with writing(lake.engine) as connection:
        connection.execute(sa.delete(kept_map))
    with pytest.raises(UnreadableInput, match="1 rows of tables"):
        retry(lake)
    assert mending.trial(lake, Chosen()).released == 0


def test_a_row_that_contradicts_another_stays_held(send, lake, csv_map):
    send(HEADER + ROW + ROW.replace("12,50", "13,50"))
    tried = retry(lake, given=csv_map, received_at=NOW)
    assert tried.held == 1
    assert lake.read("Observation/p1-s1-crp").resource["valueQuantity"]["value"] == 12.5


def test_only_the_cause_or_the_numbers_that_are_asked_are_tried(send, lake):
    patients = [{"resourceType": "Patient", "id": f"p{n}", "birthDate": "2026-06-01"} for n in range(3)]
    send("\n".join(map(json.dumps, patients)) + "\nnonsense\n", name="patients.ndjson")
    assert causes(lake.engine) == {"future-date": 3, "malformed": 1}
    later = NOW.replace(month=7)
    first = min(item.id for item in held(lake.engine, Chosen(cause="future-date")))
    assert retry(lake, Chosen(ids=[first]), received_at=later).written == 1
    assert retry(lake, Chosen(cause="malformed"), received_at=later).held == 1
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


MENDED = MAP + 'X = "other"\n'


def test_the_same_problem_of_many_rows_is_one_line_with_their_number(send, lake):
    rows = [X_ROW.replace("p1;", f"p{n};") for n in range(5)] + [ROW.replace("12,50", "9999")]
    send(HEADER + "".join(rows))
    send("nonsense\n", name="patients.ndjson", source="record")
    found = problems(lake.engine)
    assert [(each.cause, each.source, each.count) for each in found] == [
        ("unmapped-value", "laboratory", 5),
        ("malformed", "record", 1),
        ("out-of-range", "laboratory", 1),
    ]
    assert one(lake.engine, found[0].last).raw == rows[4].encode()
    assert problems(lake.engine, Chosen(source="record"))[0].count == 1


def test_a_trial_says_what_a_mended_map_would_do_and_writes_nothing(send, lake):
    send(HEADER + X_ROW + X_ROW.replace("p1;", "p2;").replace("12,50", "9999"))
    tried = mending.trial(lake, Chosen(cause="unmapped-value"), CsvMap.parse(MENDED))
    assert (tried.items, tried.released) == (2, 1)
    assert [cause for cause, _ in tried.still] == ["out-of-range"]
    assert lake.read("Patient/p1") is None
    assert mending.attempts(lake.engine) == []
    assert mending.trial(lake, Chosen(), CsvMap.parse(MENDED), limit=1).items == 1


def test_an_attempt_is_kept_with_who_made_it_and_what_it_changed(send, lake):
    send(HEADER + X_ROW + X_ROW.replace("p1;", "p2;").replace("12,50", "9999"))
    mended = CsvMap.parse(MENDED, "mended.toml")
    done = retry(lake, given=mended, by="segers", reason="the laboratory added X", received_at=NOW)
    assert mending.attempts(lake.engine) == [done]
    assert mending.attempt(lake.engine, done.id) == done
    assert (done.by, done.reason, done.items, done.released, done.held) == (
        "segers", "the laboratory added X", 2, 1, 1,
    )  # fmt: skip
    assert mending.changes(lake.engine, done.id) == {
        ("unmapped-value", "released"): 1,
        ("unmapped-value", "out-of-range"): 1,
    }
    released, still = mending.steps(lake.engine, attempt=done.id)
    assert released.became == ["Patient/p1", "Observation/p1-s1-crp"]
    assert "not between 0 and 600" in still.words
    assert mending.steps(lake.engine, item=still.item) == [still]


def test_the_mended_map_is_the_one_for_the_next_file_of_the_feed(send, lake, csv_map):
    send(HEADER + X_ROW)
    assert map_of_feed(lake.engine, "laboratory").digest == csv_map.digest
    mended = CsvMap.parse(MENDED, "mended.toml")
    retry(lake, given=mended, by="segers", received_at=NOW)
    found = map_of_feed(lake.engine, "laboratory")
    assert (found.text, found.by, found.mends) == (MENDED, "segers", csv_map.digest)
    assert kept(lake.engine, csv_map.digest).text == MAP
    assert map_of_feed(lake.engine, "nobody") is None
    with pytest.raises(NotFound):
        kept(lake.engine, "0" * 64)


def test_what_is_set_aside_waits_no_more_and_can_be_brought_back(send, lake):
    send("nonsense\nrubbish\n", name="patients.ndjson")
    aside = mending.set_aside(lake.engine, Chosen(cause="malformed"), by="segers", reason="a test file")
    assert (aside.kind, aside.items) == ("aside", 2)
    assert causes(lake.engine) == {}
    assert causes(lake.engine, "aside") == {"malformed": 2}
    assert retry(lake).items == 0
    back = mending.bring_back(lake.engine, Chosen(cause="malformed"), by="segers")
    assert back.items == 2
    assert causes(lake.engine) == {"malformed": 2}
    assert [step.after for step in mending.steps(lake.engine, item=1)] == ["held", "aside"]


def test_nothing_is_kept_of_an_attempt_that_touches_nothing(lake):
    mending.set_aside(lake.engine, Chosen(cause="malformed"), by="segers", reason="none there")
    retry(lake)
    assert mending.attempts(lake.engine) == []
    with pytest.raises(NotFound):
        mending.attempt(lake.engine, 1)
    with pytest.raises(NotFound):
        one(lake.engine, 1)
