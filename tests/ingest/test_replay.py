"""Messages are converted again once a mapping was mended: only what changed is news, as of when it came."""

import io
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from vesalius import fhir
from vesalius.ingest import (
    Cause,
    Incoming,
    _formats,
    count_emptied,
    empty_taken,
    receive_messages,
    received_messages,
    reconvert,
    retry,
)
from vesalius.ingest._causes import FaultError
from vesalius.ingest._items import Found, Item
from vesalius.ingest._message_table import message as table
from vesalius.lake import Lake
from vesalius.store import reading

from .mllp.conftest import message, plain_reader

START = datetime(2026, 5, 4, 12, tzinfo=UTC)
LATER = START + timedelta(days=30)


@pytest.fixture
def lake(engine, tmp_path):
    return Lake(engine, tmp_path / "columns")


def at(hours):
    return START + timedelta(hours=hours)


def send(lake, *raws, source="adt"):
    for hour, raw in enumerate(raws):
        receive_messages(
            lake, [Incoming(raw, f"M{hour}")], source=source, received_at=at(hour), read=plain_reader
        )


def mended(stream):
    """The mapping that also notes that the patient is active, if she is a woman."""
    for item in plain_reader(stream):
        found = item.found
        if found and found[0].resource["gender"] == "female":
            resource = found[0].resource | {"active": True}
            found = (Found(resource, fhir.dump(resource)),)
        yield Item(item.place, item.raw, found, item.fault)


def test_what_comes_out_as_it_did_adds_nothing(lake):
    send(lake, *(message(number, patient="p", gender=gender) for number, gender in enumerate("FMF")))
    position = lake.position()
    done = reconvert(lake, received_at=LATER, read=plain_reader)
    assert (done.read, done.written, done.unchanged, done.quarantined) == (3, 0, 3, 0)
    assert lake.position() == position == 3


def test_what_was_sent_again_unchanged_stays_so(lake):
    send(lake, *(message(number, patient="p", gender=gender) for number, gender in enumerate("FFMMF")))
    assert lake.position() == 3
    assert reconvert(lake, received_at=LATER, read=plain_reader).written == 0
    done = reconvert(lake, received_at=LATER, read=mended)
    assert (done.written, done.unchanged) == (2, 3)
    assert [each.resource.get("active") for each in lake.history("Patient/p")] == [
        None,
        None,
        None,
        True,
        True,
    ]
    assert lake.read("Patient/p").resource["active"] is True
    assert reconvert(lake, received_at=LATER, read=mended).written == 0


def test_a_mended_mapping_counts_from_when_the_message_came_and_the_last_stays_in_force(lake):
    send(lake, *(message(number, patient="p", gender=gender) for number, gender in enumerate("FM")))
    before = lake.pinned()
    done = reconvert(lake, received_at=LATER, read=mended)
    assert (done.written, done.unchanged) == (1, 1)
    assert lake.read("Patient/p", at(0)).resource["active"] is True
    assert lake.read("Patient/p").resource["gender"] == "male"
    assert "active" not in before.read("Patient/p", at(0)).resource  # what was decided then can be replayed
    assert reconvert(lake, received_at=LATER, read=mended).written == 0


def test_only_one_feed_or_only_what_came_since(lake):
    send(lake, message(1), message(2))
    send(lake, message(3), source="other")
    assert reconvert(lake, source="other", read=mended).read == 1
    assert reconvert(lake, since=at(1), read=mended).read == 1
    seen = []
    assert reconvert(lake, read=mended, progress=lambda *numbers: seen.append(numbers)).read == 3
    assert seen == [(3, 3)]


def test_what_cannot_be_converted_any_more_is_counted_and_stays(lake):
    send(lake, message(1), message(2, gender="M"))

    def strict(stream):
        for item in plain_reader(stream):
            bad = item.found[0].resource["gender"] == "male"
            yield Item(item.place, item.raw, fault=FaultError(Cause.MALFORMED, "no")) if bad else item

    done = reconvert(lake, read=strict)
    assert (done.read, done.quarantined) == (2, 1)
    assert lake.read("Patient/p2").resource["gender"] == "male"


def test_what_is_held_or_refused_is_left_alone_until_it_is_released(lake, monkeypatch):
    send(lake, message(1, gender="X"))
    receive_messages(lake, [Incoming(message(2), "M", FaultError(Cause.UNSUPPORTED, "no"))], source="adt")
    assert reconvert(lake, read=mended).read == 0
    assert [each.status for each in received_messages(lake.engine)] == ["refused", "held"]

    def again(raw, place, context):
        return list(plain_reader(io.BytesIO(raw.replace(b"|X", b"|F"))))

    form = _formats.Format("hl7v2", (), plain_reader, again, lambda _: False)
    monkeypatch.setattr("vesalius.ingest.mending.format_of", lambda *_: form)
    retry(lake, received_at=at(5))
    assert [each.status for each in received_messages(lake.engine)] == ["refused", "taken"]
    done = reconvert(lake, received_at=LATER, read=lambda stream: again(stream.read(), "", {}))
    assert (done.read, done.written) == (1, 0)  # it counts from when it was released, as it does already


def test_messages_are_listed_newest_first_by_feed_and_by_status(lake):
    send(lake, message(1), message(2, gender="X"))
    send(lake, message(3), source="other")
    assert [each.control_id for each in received_messages(lake.engine, source="adt")] == ["M1", "M0"]
    (held,) = received_messages(lake.engine, status="held")
    assert (held.cause, held.received_at) == ("invalid-resource", at(1))
    assert len(received_messages(lake.engine, limit=1, offset=2)) == 1


def sizes(lake):
    with reading(lake.engine) as connection:
        return [len(raw) for raw in connection.execute(sa.select(table.c.raw).order_by(table.c.id)).scalars()]


def test_messages_that_were_emptied_are_known_and_are_not_converted_again(lake, monkeypatch):
    monkeypatch.setattr("vesalius.ingest._replay._CHUNK", 2)  # several short transactions
    send(lake, *(message(number) for number in range(5)))
    before = received_messages(lake.engine)
    assert empty_taken(lake.engine, at(0)) == 0
    assert empty_taken(lake.engine, at(2.5)) == 3
    assert empty_taken(lake.engine, at(2.5)) == 0
    assert [size > 0 for size in sizes(lake)] == [False, False, False, True, True]
    assert received_messages(lake.engine) == before
    seen = []
    done = reconvert(lake, received_at=LATER, read=mended, progress=lambda *numbers: seen.append(numbers))
    assert (done.read, done.written, done.quarantined, seen) == (2, 2, 0, [(2, 2)])
    assert count_emptied(lake.engine) == count_emptied(lake.engine, source="adt") == 3
    assert count_emptied(lake.engine, source="other") == 0
    assert count_emptied(lake.engine, since=at(2)) == 1
    (again,) = receive_messages(lake, [Incoming(message(0), "M0")], source="adt", read=plain_reader)
    assert (again.status, again.repeated) == ("taken", True)
    assert sizes(lake)[0] == 0


def test_what_is_held_or_refused_is_never_emptied_and_what_was_released_counts_from_then(lake, monkeypatch):
    send(lake, message(1, gender="X"))
    refused = Incoming(message(2), "M", FaultError(Cause.UNSUPPORTED, "no"))
    receive_messages(lake, [refused], source="adt", received_at=at(0))
    assert empty_taken(lake.engine, LATER) == 0

    def again(raw, place, context):
        return list(plain_reader(io.BytesIO(raw.replace(b"|X", b"|F"))))

    form = _formats.Format("hl7v2", (), plain_reader, again, lambda _: False)
    monkeypatch.setattr("vesalius.ingest.mending.format_of", lambda *_: form)
    retry(lake, received_at=at(5))
    assert empty_taken(lake.engine, at(5)) == 0
    assert empty_taken(lake.engine, at(6)) == 1
    assert [size > 0 for size in sizes(lake)] == [False, True]
    assert reconvert(lake, received_at=LATER, read=mended).read == 0
