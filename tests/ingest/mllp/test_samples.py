"""The published sample messages, and any bytes at all, through the whole way: socket, conversion, database."""

import asyncio
import zlib
from collections import Counter

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vesalius.ingest import Incoming, causes, receive_messages
from vesalius.ingest._message_table import message as table
from vesalius.ingest.mllp import Outbox, messages
from vesalius.lake import Lake
from vesalius.store import open_store, reading

from .conftest import message


def kept(lake):
    with reading(lake.engine) as connection:
        return {zlib.decompress(row.raw) for row in connection.execute(sa.select(table.c.raw))}


def test_every_published_message_is_answered_as_it_asks_and_kept_byte_for_byte(shared_data, listening, lake):
    sent = []
    for path in sorted((shared_data / "hl7v2-samples" / "messages").glob("*.hl7")):
        with path.open("rb") as stream:
            # some say that they were sent in 2029, and would be held for a date in the future
            sent += [each.replace(b"20290801", b"20210801") for each in messages(stream)]

    async def conversation():
        async with listening(read=None, processing="PTD") as listener:
            outbox = Outbox("127.0.0.1", listener.port)
            return await outbox.send_all(sent, lambda _: None), listener

    replies, listener = asyncio.run(conversation())
    assert len(sent) >= 115
    assert kept(lake) == set(sent)
    # one orders something in the year 2120
    assert Counter(reply.code for reply in replies) == {"AA": 105, "AE": 1, "CA": 7, "": 2}
    assert (listener.counts.taken, causes(lake.engine)) == (len(sent) - 1, {"future-date": 1})


@pytest.fixture(scope="module")
def one_lake(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    engine = open_store(f"sqlite:///{folder / 'fuzz.sqlite'}")
    yield Lake(engine, folder)
    engine.dispose()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    raws=st.lists(
        st.binary(max_size=80)
        | st.builds(lambda head, tail: message()[:head] + tail, st.integers(0, 120), st.binary(max_size=40)),
        min_size=1,
        max_size=4,
    )
)
def test_any_bytes_at_all_are_received_and_kept(one_lake, raws):
    found = receive_messages(one_lake, [Incoming(raw) for raw in raws], source="fuzz")
    assert {each.status for each in found} <= {"taken", "held"}
    assert set(raws) <= kept(one_lake)
