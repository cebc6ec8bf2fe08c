"""A feed of messages is judged by its messages, not by the one receipt that those of a day share."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from vesalius.ingest import quality, receipts, receive_message
from vesalius.ingest._message_table import message as table
from vesalius.ingest._tables import receipt as receipt_table
from vesalius.ingest.quality import Alarm, _report
from vesalius.lake import Lake
from vesalius.store import reading, writing

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DAYS, HOURS = 29, [hour / 2 for hour in range(16, 36)]


@pytest.fixture
def lake(engine, tmp_path):
    return Lake(engine, tmp_path / "columns")


def send(lake, moment, source="adt"):
    patient = {"resourceType": "Patient", "id": f"p{moment:%d%H%M}", "gender": "female"}
    raw = json.dumps(patient).encode()
    became = receive_message(lake, raw, source=source, format="ndjson", received_at=moment)
    assert became.status == "taken"


def judged(lake, now, source="adt"):
    (found,) = [each for each in quality.feed_quality(lake, now) if each.source == source]
    return found.silence


def test_a_feed_of_messages_is_late_then_silent_within_its_working_day(lake):
    for day in range(DAYS):
        for hour in HOURS:
            send(lake, START + day * DAY + hour * HOUR)
    assert len(receipts(lake.engine, limit=100)) == DAYS
    morning = START + DAYS * DAY  # its receipts alone would say: it comes in the afternoon
    found = {hour: judged(lake, morning + hour * HOUR) for hour in (3, 9, 12.5, 16.5)}
    assert [each.alarm for each in found.values()] == [Alarm.FINE, Alarm.FINE, Alarm.LATE, Alarm.SILENT]
    assert found[16.5].last == morning - 6.5 * HOUR
    assert found[16.5].expected == 18
    quality.refresh(lake)
    (feed,) = quality.feed_quality(lake, morning - HOUR)
    assert (feed.rate, feed.days[-1].items) == (20.0, 20)


def test_however_many_messages_were_kept_the_index_leads_to_those_that_matter(engine):
    rows = [
        {"receipt_id": 1, "ordinal": n, "items": 1, "source": source, "control_id": "", "sha256": f"{n}",
         "received_at": START + n * HOUR, "status": "taken", "cause": "", "words": "", "raw": bytes(500)}
        for source in ("adt", "laboratory") for n in range(2_000)
    ]  # fmt: skip
    receipt = {"id": 1, "source": "adt", "name": "x", "sha256": "", "map": "", "format": "hl7v2",
               "received_at": START, "status": "complete", "words": ""} | dict.fromkeys(
                   ("read", "written", "unchanged", "quarantined"), 0)  # fmt: skip
    with writing(engine) as connection:
        connection.execute(sa.insert(receipt_table), receipt)
        connection.execute(sa.insert(table), rows)
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE message")
    own, at = table.c.source == "adt", table.c.received_at
    since = START + 1_900 * HOUR
    for asked in (_report._newest(at).where(own), _report._quarters(at).where(own, at > since)):
        assert "ix_message_source_received_at" in plan(engine, asked)


def plan(engine, asked):
    sql = str(asked.compile(engine, compile_kwargs={"literal_binds": True}))
    how = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    with reading(engine) as connection:
        return "\n".join(str(tuple(row)) for row in connection.exec_driver_sql(f"{how} {sql}"))
