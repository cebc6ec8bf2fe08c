"""The listener on real sockets: answers, order, back-pressure, bad senders, a database that does not answer."""
# ruff: noqa: SIM117 -- a connection lives inside its listener

import asyncio
import time
import zlib
from ipaddress import ip_network

import pytest
import sqlalchemy as sa

from vesalius.errors import Unavailable
from vesalius.ingest import causes, feeds
from vesalius.ingest._message_table import message as table
from vesalius.ingest.mllp import Limits, Listener, Sender, framed
from vesalius.store import reading

from .conftest import message, plain_reader


def codes(replies):
    return [(reply.code, reply.control_id) for reply in replies]


def kept(lake):
    with reading(lake.engine) as connection:
        rows = connection.execute(sa.select(table.c.raw).order_by(table.c.id))
        return [zlib.decompress(row.raw) for row in rows]


async def replies(sender, number):
    return [await sender.reply() for _ in range(number)]


def test_a_message_is_in_the_lake_when_its_acknowledgement_arrives(talk, lake):
    async def conversation(sender, listener):
        for number in range(5):
            reply = await sender.send(message(number))
            assert (reply.code, reply.control_id) == ("AA", f"M{number}")
            assert lake.read(f"Patient/p{number}") is not None
        assert (listener.counts.taken, listener.counts.connections) == (5, 1)

    talk(conversation)
    (feed,) = feeds(lake.engine)
    assert (feed.source, feed.read) == ("adt", 5)


def test_what_is_held_is_answered_ae_with_the_reason_and_what_is_refused_ar(talk, lake):
    async def conversation(sender, _):
        held = await sender.send(message(1, gender="X"))
        refused = await sender.send(message(2, processing="T"))
        other = await sender.send(b"<ClinicalDocument/>")
        again = await sender.send(message(1, gender="X"))
        return held, refused, other, again

    held, refused, other, again = talk(conversation)
    assert codes([held, refused, other, again]) == [("AE", "M1"), ("AR", "M2"), ("AR", ""), ("AE", "M1")]
    assert "Patient.gender" in held.words
    assert "MSH-11" in refused.words
    assert "Duck" not in held.raw.decode() + refused.raw.decode()
    assert causes(lake.engine) == {"invalid-resource": 1}
    assert len(kept(lake)) == 3  # what was refused too
    assert lake.position() == 0


def test_many_messages_sent_at_once_are_answered_in_their_order(talk, lake):
    async def conversation(sender, _):
        numbers = range(300)
        await sender.write(b"".join(framed(message(each, gender="FX"[each % 7 == 0])) for each in numbers))
        return await replies(sender, len(numbers))

    found = codes(talk(conversation))
    assert found == [("AE" if each % 7 == 0 else "AA", f"M{each}") for each in range(300)]
    seen = [version.id for version in lake.versions("Patient")]
    assert seen == [f"p{each}" for each in range(300) if each % 7]


def test_the_same_patient_sent_many_times_ends_as_sent_last(talk, lake):
    async def conversation(sender, _):
        sent = [message(each, patient="p", gender="FM"[each % 2]) for each in range(100)]
        await sender.write(b"".join(map(framed, sent)))
        return await replies(sender, len(sent))

    talk(conversation)
    assert [version.resource["gender"] for version in lake.history("Patient/p")] == ["female", "male"] * 50


def test_iso_8859_1_is_read_as_announced_and_kept_as_it_came(talk, lake):
    raw = message(f18="8859/1").decode().replace("Duck", "Gérard").encode("latin-1")

    async def conversation(sender, _):
        return await sender.send(raw)

    assert talk(conversation).code == "AA"
    assert lake.read("Patient/p1").resource["name"][0]["family"] == "Gérard"
    assert kept(lake) == [raw]


def test_odd_delimiters_come_back_as_they_were(talk):
    raw = message().replace(b"|", b"#").replace(b"^", b"!")

    async def conversation(sender, _):
        return await sender.send(raw)

    reply = talk(conversation)
    assert reply.code == "AA"
    assert reply.raw.startswith(b"MSH#!~\\&#VES#HOSP#LAB#SITE#")


def test_garbage_between_frames_and_missing_ends_are_borne(talk):
    async def conversation(sender, _):
        await sender.write(b"GET / HTTP/1.1\r\n\r\n")
        await sender.write(b"\x0b" + message(1) + b"\x1c" + b"\r\n\n" + framed(message(2)) + b"\x0b\x1c\r")
        await sender.write(b"\x0b" + message(3)[:50] + framed(message(4)))
        return await replies(sender, 3)

    assert codes(talk(conversation)) == [("AA", "M1"), ("AA", "M2"), ("AA", "M4")]


def test_a_message_that_is_too_long_is_refused_and_the_next_is_taken(talk, lake):
    async def conversation(sender, _):
        await sender.write(framed(message(1, more="NTE|1||" + "x" * 400_000)) + framed(message(2)))
        return await replies(sender, 2)

    found = talk(conversation, limits=Limits(frame_bytes=200_000))
    assert codes(found) == [("AR", "M1"), ("AA", "M2")]
    assert "more than the limit" in found[0].words
    assert causes(lake.engine) == {"too-long": 1}


def test_a_message_without_end_and_a_stream_of_garbage_are_cut_off(listening):
    async def pour(sender, data):
        for _ in range(100):
            await sender.write(data)
        await sender.reply()

    async def flood(data):
        async with listening(limits=Limits(frame_bytes=100_000)) as listener:
            async with Sender("127.0.0.1", listener.port, seconds=10) as sender:
                with pytest.raises(Unavailable):
                    await pour(sender, data)
            async with Sender("127.0.0.1", listener.port, seconds=10) as sender:
                return await sender.send(message())

    assert asyncio.run(flood(b"\x0b" + b"x" * 65_536)).code == "AA"
    assert asyncio.run(flood(b"x" * 65_536)).code == "AA"


def test_a_slow_sender_is_cut_off_in_time_and_stops_no_other(listening):
    async def both():
        async with listening(limits=Limits(frame_seconds=1)) as listener:
            async with (
                Sender("127.0.0.1", listener.port, seconds=10) as slow,
                Sender("127.0.0.1", listener.port, seconds=10) as quick,
            ):
                await slow.write(b"\x0bMSH|^~")
                start = time.monotonic()
                answered = 0
                drops = asyncio.create_task(drop_by_drop(slow))
                while not drops.done():
                    assert (await quick.send(message(answered))).code == "AA"
                    answered += 1
                return await drops - start, answered

    async def drop_by_drop(slow):
        while True:
            try:
                await slow.write(b"x")
                async with asyncio.timeout(0.05):
                    if not await slow._reader.read(1):
                        return time.monotonic()
            except TimeoutError:
                continue
            except Unavailable:
                return time.monotonic()

    seconds, answered = asyncio.run(both())
    assert 0.9 < seconds < 5
    assert answered > 10


def test_a_sender_that_never_reads_its_answers_stops_no_other(listening, lake):
    async def both():
        limits = Limits(in_flight=8, answer_seconds=30)
        async with (
            listening(limits=limits) as listener,
            Sender("127.0.0.1", listener.port, seconds=20) as deaf,
            Sender("127.0.0.1", listener.port, seconds=20) as quick,
        ):
            sending = asyncio.create_task(deaf.write(b"".join(framed(message(1)) for _ in range(2000))))  # noqa: RUF006
            found = [await quick.send(message(1000 + each)) for each in range(20)]
            sending.cancel()
            await asyncio.wait([sending])
            return found

    assert {reply.code for reply in asyncio.run(both())} == {"AA"}


def test_an_idle_connection_is_closed_and_a_quiet_one_that_speaks_in_time_is_not(listening):
    async def both():
        async with listening(limits=Limits(idle_seconds=1)) as listener:
            async with (
                Sender("127.0.0.1", listener.port, seconds=10) as idle,
                Sender("127.0.0.1", listener.port, seconds=10) as quiet,
            ):
                for number in range(4):
                    await asyncio.sleep(0.5)
                    assert (await quiet.send(message(number))).code == "AA"
                with pytest.raises(Unavailable, match="closed"):
                    await idle.reply()

    asyncio.run(both())


def test_more_than_it_may_hold_waits_in_the_socket_and_not_in_memory(listening):
    """While the database does not answer, one connection hands in as many as its window and no more."""
    from threading import Event

    gate = Event()

    def slow_reader(stream):
        gate.wait(20)
        return plain_reader(stream)

    async def flood():
        limits = Limits(in_flight=4, waiting=6)
        async with listening(limits=limits, read=slow_reader) as listener:
            async with (
                Sender("127.0.0.1", listener.port, seconds=20) as one,
                Sender("127.0.0.1", listener.port, seconds=20) as two,
            ):
                for sender in (one, two):
                    await sender.write(b"".join(framed(message(each)) for each in range(50)))
                await asyncio.sleep(0.3)
                free = listener._clerk._free
                gate.set()
                found = [await replies(sender, 50) for sender in (one, two)]
                return free, found

    free, found = asyncio.run(flood())
    assert free == 0
    assert [[reply.control_id for reply in each] for each in found] == [[f"M{n}" for n in range(50)]] * 2


def test_eight_senders_at_once_each_get_their_own_answers(listening, lake):
    async def one(listener, name):
        async with Sender("127.0.0.1", listener.port, seconds=20) as sender:
            return codes(
                [await sender.send(message(f"{name}-{n}", patient=f"{name}-{n}")) for n in range(25)]
            )

    async def all_of_them():
        async with listening() as listener:
            return await asyncio.gather(*(one(listener, name) for name in range(8)))

    found = asyncio.run(all_of_them())
    assert found == [[("AA", f"M{name}-{n}") for n in range(25)] for name in range(8)]
    assert lake.count()["Patient"] == {"resources": 200, "versions": 200}


def test_a_database_that_does_not_answer_gets_no_acknowledgement_and_loses_nothing(
    listening, lake, monkeypatch
):
    from vesalius.ingest.mllp import _server

    real, failing = _server.receive_messages, [True]

    def sometimes(*args, **options):
        if failing[0]:
            raise Unavailable("the database does not answer")
        return real(*args, **options)

    monkeypatch.setattr(_server, "receive_messages", sometimes)

    async def conversation():
        async with listening(limits=Limits(patience_seconds=0)) as listener:
            async with Sender("127.0.0.1", listener.port, seconds=10) as sender:
                await sender.write(framed(message(1)) + framed(message(2)))
                with pytest.raises(Unavailable):
                    await sender.reply()
            assert lake.position() == 0
            failing[0] = False
            async with Sender("127.0.0.1", listener.port, seconds=10) as sender:
                found = [await sender.send(message(number)) for number in (1, 2)]
            return found, listener.counts

    found, counts = asyncio.run(conversation())
    assert codes(found) == [("AA", "M1"), ("AA", "M2")]
    assert (counts.unanswered, counts.taken) == (2, 2)


def test_behind_a_message_that_was_not_written_none_of_its_connection_is(listening, lake, monkeypatch):
    """Else it would be sent again, and come after those that its sender sent later."""
    from vesalius.ingest.mllp import _server

    real, calls = _server.receive_messages, []

    def first_fails(lake, incoming, **options):
        calls.append([each.control_id for each in incoming])
        if len(calls) == 1:
            time.sleep(0.3)  # the others arrive meanwhile
            raise Unavailable("the database does not answer")
        return real(lake, incoming, **options)

    monkeypatch.setattr(_server, "receive_messages", first_fails)

    async def conversation():
        async with listening() as listener, Sender("127.0.0.1", listener.port, seconds=10) as sender:
            await sender.write(framed(message(1)))
            await asyncio.sleep(0.1)
            await sender.write(framed(message(2)) + framed(message(3)))
            with pytest.raises(Unavailable):
                await sender.reply()

    asyncio.run(conversation())
    assert calls == [["M1"]]
    assert lake.position() == 0


def test_a_locked_database_is_waited_for(listening, lake):
    if lake.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL has no one lock over everything")

    async def conversation():
        async with listening(limits=Limits(patience_seconds=20)) as listener:
            async with Sender("127.0.0.1", listener.port, seconds=20) as sender:
                with lake.engine.connect() as other:
                    other.exec_driver_sql("ROLLBACK")
                    other.exec_driver_sql("BEGIN IMMEDIATE")
                    asked = asyncio.create_task(sender.send(message()))
                    await asyncio.sleep(0.5)
                    assert not asked.done()
                    other.exec_driver_sql("ROLLBACK")
                return await asked

    assert asyncio.run(conversation()).code == "AA"


def test_a_defect_in_writing_acknowledges_nothing_and_the_listener_goes_on(listening, monkeypatch):
    from vesalius.ingest.mllp import _server

    real, calls = _server.receive_messages, []

    def once(*args, **options):
        calls.append(1)
        if len(calls) == 1:
            raise KeyError("Donald Duck")
        return real(*args, **options)

    monkeypatch.setattr(_server, "receive_messages", once)

    async def conversation():
        async with listening() as listener:
            async with Sender("127.0.0.1", listener.port, seconds=10) as sender:
                with pytest.raises(Unavailable):
                    await sender.send(message())
            async with Sender("127.0.0.1", listener.port, seconds=10) as sender:
                return await sender.send(message())

    assert asyncio.run(conversation()).code == "AA"


def test_stopping_answers_what_it_has_read_and_then_closes(lake):
    def slow_reader(stream):
        time.sleep(0.2)
        return plain_reader(stream)

    async def conversation():
        listener = Listener(lake, "adt", port=0, read=slow_reader)
        await listener.start()
        async with Sender("127.0.0.1", listener.port, seconds=10) as sender:
            await sender.write(framed(message(1)) + framed(message(2)) + b"\x0bMSH|half")
            await asyncio.sleep(0.1)
            await listener.stop()
            found = await replies(sender, 2)
            with pytest.raises(Unavailable, match="closed"):
                await sender.reply()
            return found

    assert codes(asyncio.run(conversation())) == [("AA", "M1"), ("AA", "M2")]
    assert lake.count()["Patient"]["resources"] == 2


def test_only_admitted_networks_and_so_many_connections_get_in(listening):
    async def tried(**options):
        async with listening(**options) as listener:
            async with Sender("127.0.0.1", listener.port, seconds=10) as first:
                await first.send(message(1))
                async with Sender("127.0.0.1", listener.port, seconds=10) as second:
                    return await second.send(message(2)), listener.counts.turned_away

    with pytest.raises(Unavailable):
        asyncio.run(tried(peers=[ip_network("10.0.0.0/8")]))
    with pytest.raises(Unavailable):
        asyncio.run(tried(limits=Limits(connections=1)))
    reply, turned_away = asyncio.run(tried(peers=[ip_network("10.0.0.0/8"), ip_network("127.0.0.1")]))
    assert (reply.code, turned_away) == ("AA", 0)


def test_a_port_that_is_taken_is_said(listening, lake):
    async def twice():
        async with listening() as listener:
            other = Listener(lake, "adt", port=listener.port)
            with pytest.raises(Unavailable, match="cannot listen"):
                await other.start()

    asyncio.run(twice())
