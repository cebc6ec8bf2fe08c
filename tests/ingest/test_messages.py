"""Messages that arrive one by one: taken in, held or refused, each once, their bytes kept."""

import io
import threading
import zlib
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from vesalius import fhir
from vesalius.errors import Unavailable, UnreadableInput
from vesalius.ingest import (
    Cause,
    Incoming,
    _formats,
    causes,
    feeds,
    held,
    receipts,
    receive_message,
    receive_messages,
    reconvert,
    retry,
)
from vesalius.ingest._causes import FaultError
from vesalius.ingest._items import Item
from vesalius.ingest._message_table import message as table
from vesalius.lake import Lake
from vesalius.store import open_store, reading

from .mllp.conftest import message, plain_reader

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
def lake(engine, tmp_path):
    return Lake(engine, tmp_path / "columns")


@pytest.fixture
def receive(lake):
    def received(*raws, source="adt", received_at=NOW, **options):
        incoming = [each if isinstance(each, Incoming) else Incoming(each, "M1") for each in raws]
        options.setdefault("read", plain_reader)
        return receive_messages(lake, incoming, source=source, received_at=received_at, **options)

    return received


def kept(lake):
    with reading(lake.engine) as connection:
        return connection.execute(sa.select(table).order_by(table.c.id)).all()


def test_a_message_is_in_the_lake_and_its_bytes_are_kept(lake, receive):
    raw = message()
    (became,) = receive(raw)
    assert (became.status, became.repeated) == ("taken", False)
    assert lake.read("Patient/p1").resource["gender"] == "female"
    (row,) = kept(lake)
    assert zlib.decompress(row.raw) == raw
    assert (row.source, row.control_id, row.received_at) == ("adt", "M1", NOW)


def test_sent_again_it_gets_the_same_answer_and_adds_nothing(lake, receive):
    first = receive(message(1), message(2, gender="X"))
    again = receive(message(1), message(2, gender="X"), received_at=NOW + timedelta(days=1))
    assert [each.status for each in again] == [each.status for each in first] == ["taken", "held"]
    assert all(each.repeated for each in again)
    assert again[1].words == first[1].words
    assert lake.position() == 1
    assert len(kept(lake)) == 2
    assert causes(lake.engine) == {"invalid-resource": 1}


def test_twice_in_one_transaction_counts_once(lake, receive):
    first, second = receive(message(), message())
    assert (first.repeated, second.repeated) == (False, True)
    assert len(kept(lake)) == 1


def test_the_same_bytes_of_another_feed_are_another_message(lake, receive):
    receive(message())
    (other,) = receive(message(), source="other")
    assert not other.repeated
    assert len(kept(lake)) == 2
    assert lake.position() == 1  # and its resource is known


def test_what_cannot_be_taken_in_is_held_and_keeps_no_other_out(lake, receive):
    found = receive(message(1), message(2, gender="X"), message(3), message(4).replace(b"PID", b"PIX"))
    assert [each.status for each in found] == ["taken", "held", "taken", "held"]
    assert [each.cause for each in found] == ["", "invalid-resource", "", "missing-value"]
    assert lake.count()["Patient"]["resources"] == 2
    assert sorted(item.raw for item in held(lake.engine)) == sorted(
        each.strip() for each in (message(2, gender="X"), message(4).replace(b"PID", b"PIX"))
    )


def test_all_messages_of_a_day_are_one_receipt_and_the_feed_says_when_the_last_came(lake, receive):
    receive(message(1), message(2, gender="X"))
    receive(message(3), received_at=NOW + timedelta(hours=2))
    receive(message(4), received_at=NOW + timedelta(days=1))
    newest, older = receipts(lake.engine)
    assert (older.name, older.read, older.written, older.quarantined) == ("messages of 2026-05-04", 3, 2, 1)
    assert (newest.name, newest.read, newest.written) == ("messages of 2026-05-05", 1, 1)
    (feed,) = feeds(lake.engine)
    assert (feed.source, feed.read, feed.last) == ("adt", 4, NOW + timedelta(days=1))


def test_a_defect_of_ours_holds_the_message_and_says_nothing_of_the_patient(lake, receive, caplog):
    found = receive(message(1), message(2, gender="BOOM"), message(3))
    assert [each.status for each in found] == ["taken", "held", "taken"]
    assert found[1].cause == "defect"
    assert "KeyError" in found[1].words
    assert "Duck" not in found[1].words + caplog.text


def test_a_message_that_the_database_refuses_is_held_and_the_others_are_written(lake, receive):
    def read(stream):
        for item in plain_reader(stream):
            # PostgreSQL keeps no NUL in a text; SQLite does
            fault = FaultError(Cause.BAD_VALUE, "a \x00 in the words") if b"|M2|" in item.raw else None
            yield Item("message", item.raw, item.found, fault)

    found = receive(message(1), message(2), message(3), read=read)
    assert [each.status for each in found] == ["taken", "held", "taken"]
    assert found[1].cause == ("bad-value" if lake.engine.dialect.name == "sqlite" else "defect")
    assert lake.count()["Patient"]["resources"] == 2
    (item,) = held(lake.engine)
    assert item.raw.strip() == message(2).strip()


def test_what_is_refused_is_kept_and_nothing_of_it_reaches_the_lake(lake, receive):
    refusal = FaultError(Cause.UNSUPPORTED, "not here")
    (became,) = receive(Incoming(message(), "M1", refusal))
    assert (became.status, became.words) == ("refused", "not here")
    assert lake.position() == 0
    assert not causes(lake.engine)
    (row,) = kept(lake)
    assert zlib.decompress(row.raw) == message()
    assert receive(Incoming(message(), "M1", refusal))[0].repeated


def test_what_was_refused_is_taken_in_once_it_is_welcome(lake, receive):
    receive(Incoming(message(), "M1", FaultError(Cause.UNSUPPORTED, "not here")))
    (became,) = receive(message())
    assert (became.status, became.repeated) == ("taken", False)
    assert [row.status for row in kept(lake)] == ["taken"]


def test_once_released_from_quarantine_it_is_answered_as_taken_in(lake, receive, monkeypatch):
    receive(message(gender="X"))
    mended = _formats.Format(
        "hl7v2",
        (),
        plain_reader,
        lambda raw, _place, _context: list(plain_reader(io.BytesIO(raw.replace(b"|X", b"|M")))),
        lambda _: False,
    )
    monkeypatch.setattr("vesalius.ingest.mending.format_of", lambda *_: mended)
    assert retry(lake).held == 0
    (became,) = receive(message(gender="X"))
    assert (became.status, became.repeated, became.words) == ("taken", True, "")


def test_a_batch_in_one_message_is_taken_item_by_item(lake, receive):
    (became,) = receive(message(1) + message(2, gender="X") + message(3))
    assert became.status == "held"
    assert lake.count()["Patient"]["resources"] == 2
    receive(message(4, gender="X"))
    assert causes(lake.engine) == {"invalid-resource": 2}


def test_a_fhir_resource_or_bundle_can_be_a_message_too(lake):
    patient = {"resourceType": "Patient", "id": "p1", "gender": "female"}
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [{"resource": patient}]}
    assert receive_message(lake, fhir.dump(bundle), source="ehr", format="bundle").status == "taken"
    assert (
        receive_message(lake, fhir.dump(patient | {"gender": "x"}), source="ehr", format="ndjson").status
        == "held"
    )
    assert sorted(each.format for each in receipts(lake.engine)) == ["bundle", "ndjson"]
    assert reconvert(lake).unchanged == 1
    with pytest.raises(UnreadableInput):
        receive_message(lake, b"", source="ehr", format="none")


def test_nothing_is_a_message_too_and_is_held(lake, receive):
    assert receive(b"")[0].status == "held"


def test_two_feeds_and_two_writers_at_once_lose_and_double_nothing(lake, database_url, tmp_path):
    def work(source):
        own = Lake(open_store(database_url), tmp_path / "columns")
        for number in range(0, 60, 4):
            group = [Incoming(message(each), f"M{each}") for each in range(number, number + 4)]
            receive_messages(own, group, source=source, read=plain_reader)
        own.engine.dispose()

    threads = [threading.Thread(target=work, args=(source,)) for source in ("a", "a", "b")]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    rows = kept(lake)
    assert len(rows) == 120
    assert len({(row.source, row.sha256) for row in rows}) == 120
    assert lake.count()["Patient"] == {"resources": 60, "versions": 60}
    assert {feed.source: feed.read for feed in feeds(lake.engine)} == {"a": 60, "b": 60}
    numbers = [(row.receipt_id, row.ordinal) for row in rows]
    assert len(set(numbers)) == len(numbers)


def test_a_database_that_does_not_answer_is_said_and_nothing_is_written(tmp_path):
    engine = open_store(f"sqlite:///{tmp_path / 'full.sqlite'}")
    lake = Lake(engine, tmp_path)
    with engine.connect() as connection:  # no page more than there are
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()

    @sa.event.listens_for(engine, "begin")
    def no_room(connection):
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    def fill():
        for number in range(500):
            receive_messages(lake, [Incoming(message(number) * 20, "M")], source="adt", read=plain_reader)

    with pytest.raises(Unavailable, match="full"):
        fill()
    engine.dispose()
