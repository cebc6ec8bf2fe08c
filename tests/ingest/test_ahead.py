"""A large file read in a second process: what comes out is the same, however either process ends."""

import gzip
import multiprocessing
import queue
import threading
from datetime import UTC, datetime

import msgspec
import pytest
import sqlalchemy as sa

from vesalius.errors import Unavailable, UnreadableInput
from vesalius.ingest import Cause, delimited, held, pipeline, receipts, receive
from vesalius.ingest import _ahead as ahead
from vesalius.ingest._causes import FaultError
from vesalius.lake import Lake
from vesalius.store import open_store

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
HEADER = "patient;born;sex;sample;crp;issued\n"
ROW = "p{0};18/05/1993;F;s{0};12,50;01/05/2026 10:30\n"


def rows(count):
    """Good rows; among them one too short, one with a number that is none, two that contradict each other."""
    made = [ROW.format(number) for number in range(count)]
    made[7] = "p7;18/05/1993\n"
    made[40] = made[40].replace("12,50", "soon")
    made[60] = made[30].replace("12,50", "13,50")
    return HEADER + "".join(made)


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(ahead, "WORTH_BYTES", 1)
    monkeypatch.setattr(ahead, "cores", lambda: 2)
    path = tmp_path / "results.csv.gz"
    path.write_bytes(gzip.compress(rows(900).encode()))
    return path


@pytest.fixture
def take(lake, csv_map):
    def taken(path, into=lake, **options):
        return receive(
            into, path.name, path, source="laboratory", csv_map=csv_map, received_at=NOW, **options
        )

    return taken


def content(lake):
    """Everything that a receiving wrote."""
    with lake.engine.connect() as connection:
        return [
            connection.execute(sa.text(statement)).fetchall()
            for statement in (
                "SELECT * FROM resource_version ORDER BY seq",
                "SELECT ordinal, place, cause, words, raw, context, status FROM quarantine ORDER BY id",
                "SELECT status, read, written, unchanged, quarantined FROM receipt",
            )
        ]


def nobody_is_left():
    return not multiprocessing.active_children() and "reading" not in {
        each.name for each in threading.enumerate()
    }


def test_two_processes_write_what_one_writes(file, take, lake, tmp_path, monkeypatch):
    one = Lake(open_store(f"sqlite:///{tmp_path / 'one.sqlite'}"), tmp_path / "one")
    alone = take(file, into=one)
    monkeypatch.setattr(pipeline, "unpacked", None)  # this process may not read the file itself
    both = take(file, processes=2)
    assert both == alone
    assert (both.read, both.quarantined) == (900, 3)
    assert [item.cause for item in held(lake.engine)] == [item.cause for item in held(one.engine)]
    assert content(lake) == content(one)
    assert nobody_is_left()
    one.engine.dispose()


@pytest.mark.parametrize(("cores", "worth"), [(1, 1), (2, 2**40)])
def test_with_one_core_or_little_to_read_no_process_is_started(file, take, monkeypatch, cores, worth):
    monkeypatch.setattr(ahead, "cores", lambda: cores)
    monkeypatch.setattr(ahead, "WORTH_BYTES", worth)
    monkeypatch.setattr(ahead, "reading", None)
    assert take(file, processes=2).read == 900


def test_a_process_that_is_killed_is_told_and_the_file_goes_on_later(file, take, lake, tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "BATCH", 300)
    monkeypatch.setattr(ahead, "AHEAD", 1)  # so that it cannot have sent everything
    file.write_bytes(gzip.compress(rows(1_500).encode()))

    def kill(done, _):
        if done >= 300:
            for child in multiprocessing.active_children():
                child.kill()

    with pytest.raises(Unavailable, match="ended from outside"):
        take(file, processes=2, progress=kill)
    (receipt,) = receipts(lake.engine)
    assert (receipt.status, receipt.read % 300) == ("receiving", 0)
    assert 300 <= receipt.read < 1_500
    assert receipt.written == lake.position()
    assert nobody_is_left()
    one = Lake(open_store(f"sqlite:///{tmp_path / 'one.sqlite'}"), tmp_path / "one")
    take(file, into=one)
    assert take(file).status == "complete"
    assert content(lake) == content(one)
    one.engine.dispose()


def test_an_interruption_ends_both_processes(file, take, lake, monkeypatch):
    monkeypatch.setattr(pipeline, "BATCH", 100)

    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take(file, processes=2, progress=interrupt)
    assert nobody_is_left()
    (receipt,) = receipts(lake.engine)
    assert (receipt.status, receipt.read) == ("receiving", 100)


# What the second process sends, without its start -----------------------------------------------------------


class Messages(queue.Queue):
    send_bytes = queue.Queue.put


@pytest.fixture
def sent(csv_map):
    """The items of a file after their way through messages: ``sent(path)``."""

    def read(path, **changed):
        waiting = Messages()
        with path.open("rb") as opened:
            stamp = ahead._stamp(opened.fileno())
        job = ahead._Job(str(path), stamp, "csv", csv_map.text, csv_map.name)
        end = ahead._sent(waiting, msgspec.structs.replace(job, **changed))
        waiting.put(msgspec.msgpack.encode(end))
        return ahead._items(waiting)

    return read


def test_items_come_through_as_they_were_read(file, sent, csv_map):
    with gzip.open(file) as stream:
        plain = list(delimited.read(stream, csv_map))
    came = list(sent(file))
    assert [(item.place, item.raw, item.context) for item in came] == [
        (item.place, item.raw, item.context) for item in plain
    ]
    assert [[(one.body, one.usual, one.resource) for one in item.found] for item in came] == [
        [(one.body, one.usual, one.resource) for one in item.found] for item in plain
    ]
    faults = [item.fault and (item.fault.cause, item.fault.words) for item in plain]
    assert [item.fault and (item.fault.cause, item.fault.words) for item in came] == faults
    assert sum(fault is not None for fault in faults) == 2


def test_what_came_before_a_file_breaks_off_is_sent_before_it(file, sent, csv_map):
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) - 9])
    came, items = [], sent(file)
    with pytest.raises(FaultError) as caught:
        came.extend(items)
    assert caught.value.cause == Cause.TRUNCATED
    assert len(came) > 500


def test_a_file_that_is_refused_is_refused_in_the_same_words(file, sent, csv_map):
    file.write_bytes(gzip.compress(b"patient;born\np1;1\n"))
    with gzip.open(file) as stream, pytest.raises(UnreadableInput) as alone:
        list(delimited.read(stream, csv_map))
    with pytest.raises(UnreadableInput) as caught:
        list(sent(file))
    assert (caught.value.message, caught.value.hint) == (alone.value.message, alone.value.hint)


def test_another_file_under_the_same_name_is_not_taken_for_it(file, sent):
    with pytest.raises(Unavailable, match="another file has its name now"):
        list(sent(file, stamp=(0, 0, 0, 0)))


def test_a_failure_of_ours_is_told_without_what_it_quotes(file, sent, monkeypatch):
    def fail(*_):
        raise KeyError("p1")

    monkeypatch.setattr(ahead, "format_of", fail)
    with pytest.raises(Unavailable, match="KeyError") as caught:
        list(sent(file))
    assert "p1" not in str(caught.value)
