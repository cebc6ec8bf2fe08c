"""A large file read in a second process: what comes out is the same, however either process ends."""

import gzip
import multiprocessing
import os
import threading

import pytest
import sqlalchemy as sa

from tests.ingest.conftest import HEADER, NOW, ROW
from vesalius.errors import Unavailable, UnreadableInput
from vesalius.ingest import _ahead as ahead
from vesalius.ingest import held, pipeline, receipts, receive
from vesalius.lake import Lake
from vesalius.store import open_store

MEND = ROW.replace("p1", "p{0}").replace("s1", "s{0}")


def rows(count):
    """Good rows; among them one too short, one with a number that is none, two that contradict each other."""
    made = [MEND.format(number) for number in range(count)]
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
    monkeypatch.setattr(pipeline, "BATCH", 100)
    monkeypatch.setattr(ahead, "ITEMS", 50)
    items = ahead._items

    def broken(waiting):
        (child,) = multiprocessing.active_children()
        for number, item in enumerate(items(waiting), 1):
            yield item
            if number == 250:
                child.kill()
                child.join()
                with waiting.mutex:  # what it had sent before is lost with it
                    waiting.queue.clear()
                    waiting.not_full.notify_all()

    monkeypatch.setattr(ahead, "_items", broken)
    monkeypatch.setattr(ahead, "AHEAD", 1)
    monkeypatch.setattr(ahead, "_pass_on", slowly(ahead._pass_on))
    with pytest.raises(Unavailable, match="ended from outside"):
        take(file, processes=2)
    (receipt,) = receipts(lake.engine)
    assert (receipt.status, receipt.read % 100) == ("receiving", 0)
    assert receipt.written == lake.position()
    assert nobody_is_left()
    monkeypatch.setattr(ahead, "_items", items)
    one = Lake(open_store(f"sqlite:///{tmp_path / 'one.sqlite'}"), tmp_path / "one")
    take(file, into=one)
    assert take(file, processes=2).status == "complete"
    assert content(lake)[:2] == content(one)[:2]
    one.engine.dispose()
