"""The loop from a file to a replayed suggestion, on SQLite and PostgreSQL, and killed on its way."""

import io
import json
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from vesalius import loop
from vesalius.fhir.codes import INTERPRETATION, LOINC, SNOMED
from vesalius.governance import audit, people, uses
from vesalius.hospital import Hospital
from vesalius.ingest import held, receipts, receive, retry
from vesalius.settings import Settings
from vesalius.views import View

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def stay(number, *, positive):
    """A patient, a sample and a strip."""
    about = {"subject": {"reference": f"Patient/p{number}"}}
    yield {"resourceType": "Patient", "id": f"p{number}", "gender": "female", "birthDate": "1980-06-02",
           "meta": {"lastUpdated": "2026-03-01T08:00:00Z"}, "name": [{"family": f"Made-up {number}"}]}  # fmt: skip
    yield {"resourceType": "Specimen", "id": f"s{number}", "receivedTime": NINE.isoformat(), **about}
    for name, code in (("nitrite", "5802-4"), ("leukocytes", "5799-2")):
        grade = {"coding": [{"system": SNOMED, "code": "260349009" if positive else "260385009"}]}
        yield result(number, name, code, NINE, valueCodeableConcept=grade)
    yield {"resourceType": "Observation", "id": f"dysuria{number}", "status": "final", "issued": NINE.isoformat(),
           "code": {"coding": [{"system": SNOMED, "code": "49650001"}]}, "valueBoolean": True, **about}  # fmt: skip


def result(number, name, code, at, **more):
    return {"resourceType": "Observation", "id": f"{name}{number}", "status": "final", "issued": at.isoformat(),
            "code": {"coding": [{"system": LOINC, "code": code}]},
            "subject": {"reference": f"Patient/p{number}"},
            "specimen": {"reference": f"Specimen/s{number}"}, **more}  # fmt: skip


def culture(number, at, *, positive):
    verdict = {"system": INTERPRETATION, "code": "POS" if positive else "NEG"}
    return result(number, "culture", "630-4", at, interpretation=[{"coding": [verdict]}])


def send(hospital, name, resources, at):
    text = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in resources)
    return receive(hospital.lake, name, io.BytesIO(text.encode()), source="laboratory", received_at=at)


def silent(hospital):
    """Signs the use up to its silent trial, a week before."""
    sign(hospital, "dpo", "engineer", "doctor", "director")


def sign(hospital, *roles):
    for role in roles:
        person = next((each for each in people.everyone(hospital.engine) if each.id == role), None)
        person = person or people.add(hospital.engine, role, name=role, role=role)
        uses.sign(hospital.engine, "urine", person, reason="agreed", despite="a test", at=NINE - 99 * HOUR)


def filed(hospital, mode):
    return hospital.review.worklist(mode=mode, status="all", limit=1000, now=NINE).items


@pytest.fixture
def hospital(tmp_path, database_url):
    opened = Hospital.open(tmp_path / "home", Settings(synthetic=True, database=database_url))
    yield opened
    opened.close()


def test_the_loop_from_a_file_to_a_replayed_suggestion(hospital):
    # Received once, and again: the same. What is broken is held.
    first = [*stay(1, positive=True), *stay(2, positive=False)]
    receipt = send(hospital, "morning.ndjson", [*first, '{"resourceType": "Pat'], NINE + HOUR / 60)
    assert (receipt.read, receipt.written, receipt.quarantined) == (11, 10, 1)
    assert send(hospital, "morning.ndjson", [*first, '{"resourceType": "Pat'], NINE + HOUR).repeated
    assert send(hospital, "again.ndjson", first, NINE + HOUR).unchanged == 10
    assert hospital.lake.position() == 10
    silent(hospital)
    turn = loop.turn(hospital, "urine", NINE + HOUR)
    assert (turn.mode, turn.filed, turn.error) == ("silent", 2, "")
    # Live: a decision, taken back, then another; a culture closes what waits.
    sign(hospital, "director", "dpo", "legal", "works_council", "doctor")
    send(hospital, "noon.ndjson", [*stay(3, positive=True), *stay(4, positive=True)], NINE + HOUR)
    turn = loop.turn(hospital, "urine", NINE + HOUR)
    assert (turn.mode, turn.candidates, turn.filed) == ("live", 4, 2)
    assert loop.turn(hospital, "urine", NINE + HOUR).filed == 0
    one = hospital.review.worklist(now=NINE).items[0]
    taken = hospital.review.decide(one.id, "accepted", by="doctor", role="doctor", at=NINE + 2 * HOUR)
    hospital.review.undo(taken.id, "doctor", NINE + 2 * HOUR, minutes=10)
    reason = uses.find("urine").card.override_reasons[0]
    hospital.review.decide(
        one.id, "overridden", by="doctor", role="doctor", reason=reason, at=NINE + 2 * HOUR
    )
    later = NINE + 30 * HOUR
    send(hospital, "later.ndjson", [culture(n, later, positive=n != 2) for n in (1, 2, 3, 4)], later)
    assert loop.outcomes(hospital, "urine", later) == 4
    assert {item.status for item in filed(hospital, "live")} == {"overridden", "expired"}
    # All of it again, from what was known then.
    for item in [*filed(hospital, "silent"), *filed(hospital, "live")]:
        assert loop.replay(hospital, item.id) == item.body
    assert audit.verify(hospital.engine) > 0
    assert hospital.lake.stats().position == hospital.lake.position() == 24


def test_views_are_equal_on_the_log_and_on_the_columns(hospital):
    send(
        hospital, "a.ndjson", [each for n in range(70) for each in stay(n, positive=n % 2 == 0)], NINE + HOUR
    )
    view = View.load(uses_views() / "observations.json")
    everyone = [f"Patient/p{n}" for n in range(70)]
    by_columns = view.table(hospital.lake, everyone)
    parts = [view.table(hospital.lake, everyone[at : at + 35]) for at in (0, 35)]
    assert by_columns.num_rows == 70 * 3
    assert sorted(map(str, by_columns.to_pylist())) == sorted(
        str(r) for part in parts for r in part.to_pylist()
    )


def uses_views():
    from vesalius.usecases.urine import facts

    return facts.FOLDER / "views"


def test_a_file_broken_off_goes_on_where_it_stopped(hospital, monkeypatch):
    monkeypatch.setattr("vesalius.ingest.pipeline.BATCH", 5)
    resources = [each for n in range(4) for each in stay(n, positive=True)]

    def stop(done, _):
        if done >= 10:
            raise KeyboardInterrupt

    data = "\n".join(json.dumps(each) for each in resources).encode()
    with pytest.raises(KeyboardInterrupt):
        receive(hospital.lake, "a.ndjson", io.BytesIO(data), source="x", progress=stop, received_at=NINE)
    assert hospital.lake.position() == 10
    receipt = receive(hospital.lake, "a.ndjson", io.BytesIO(data), source="x")
    assert (receipt.read, receipt.written, receipt.status) == (20, 20, "complete")
    assert [each.id for each in receipts(hospital.engine)] == [receipt.id]


def test_what_is_held_keeps_its_bytes_and_can_be_tried_again(hospital):
    raw = '{"resourceType": "Patient", "id": "x", "gender": "é"}'
    send(hospital, "a.ndjson", [raw, *stay(1, positive=True)], NINE + HOUR)
    (item,) = held(hospital.engine)
    assert item.raw == raw.encode()
    assert retry(hospital.lake).held == 1
    assert [each.cause for each in held(hospital.engine)] == [item.cause]


KILLED = """
import sys
import time
from datetime import datetime
from pathlib import Path
from vesalius import loop
from vesalius.hospital import Hospital
from vesalius.lake import _columns
from vesalius.settings import Settings
what, home, url, now = sys.argv[1:]
loop.BATCH, _columns.BATCH_ROWS = 3, 7
hospital = Hospital.open(Path(home), Settings(database=url))
if what == "columns":
    print("ready", flush=True)
    hospital.lake.refresh_columns()
else:
    file = hospital.review.file
    def slow(*arguments):
        new = file(*arguments)
        print("ready", flush=True)  # written, and not yet durable
        time.sleep(0.03)
        return new
    hospital.review.file = slow
    loop.turn(hospital, "urine", datetime.fromisoformat(now))
print("end", flush=True)
"""


def kill(what, hospital, url, after):
    """Runs one thing in a process of its own, and kills it ``after`` seconds past the first sign of work."""
    home, now = str(hospital.home), (NINE + HOUR).isoformat()
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, what, home, url, now], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.stdout.close()
    return process.wait() == -signal.SIGKILL


def bodies(hospital):
    return {item.focus: item.body for item in filed(hospital, "silent")}


def test_killed_in_the_middle_of_a_turn_then_again(hospital, database_url):
    silent(hospital)
    send(hospital, "a.ndjson", [each for n in range(30) for each in stay(n, positive=n % 3 > 0)], NINE + HOUR)
    kills = [kill("turn", hospital, database_url, after) for after in (0.0, 0.02)]
    assert any(kills)
    half = bodies(hospital)
    assert len(half) % 3 == 0
    last = loop.turn(hospital, "urine", NINE + HOUR)
    assert (last.candidates, last.filed) == (30, 30 - len(half))
    whole = bodies(hospital)
    assert half.items() <= whole.items()
    assert len(whole) == 30
    for item in filed(hospital, "silent"):
        assert loop.replay(hospital, item.id) == item.body
    turns = audit.events(hospital.engine, action="use.turned")
    assert sum(event.detail["filed"] for event in turns) == 30  # each in the transaction of its suggestions
    assert audit.verify(hospital.engine) > 0


def test_killed_in_the_middle_of_a_column_refresh_then_again(hospital, database_url, tmp_path):
    send(hospital, "a.ndjson", [each for n in range(60) for each in stay(n, positive=True)], NINE + HOUR)
    kills = [kill("columns", hospital, database_url, after) for after in (0.05, 0.2, 0.5)]
    assert any(kills)
    hospital.lake.refresh_columns()
    view = View.load(uses_views() / "observations.json")
    rows = view.table(hospital.lake)
    assert rows.num_rows == len(set(rows["_seq"].to_pylist())) == 180
    assert hospital.lake.stats().types[0].behind == 0
