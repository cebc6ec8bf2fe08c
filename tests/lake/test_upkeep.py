"""A lake says how large it is, and can be copied while it is in use."""

import threading

from lake_records import at, observation

from vesalius.lake import Lake
from vesalius.store import open_store


def test_stats_say_how_much_there_is_and_what_the_columns_lack(lake):
    lake.write([observation("a", 1, 1), observation("a", 2, 2), observation("b")], "x", at(3))
    before = lake.stats()
    assert (before.position, before.types[0].behind, before.types[0].files) == (3, 3, 0)
    assert before.database_bytes > 10_000
    lake.refresh_columns()
    lake.write([observation("c")], "x", at(4))
    (after,) = lake.stats().types
    assert (after.resources, after.versions, after.files, after.behind) == (3, 4, 1, 1)
    assert after.bytes > 1_000


def test_a_copy_made_while_others_write_holds_one_state(sqlite_lake, tmp_path):
    stop = threading.Event()

    def keep_writing():
        n = 0
        while not stop.is_set():
            sqlite_lake.write([observation(f"{n}-left"), observation(f"{n}-right")], "x", at(1))
            n += 1

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        for n in range(5):
            sqlite_lake.backup(tmp_path / f"copy-{n}.sqlite")
    finally:
        stop.set()
        writer.join()
    sqlite_lake.backup(tmp_path / "copy-0.sqlite")
    for n in range(5):
        engine = open_store(f"sqlite:///{tmp_path / f'copy-{n}.sqlite'}")
        copied = Lake(engine, tmp_path / "other-columns")
        end = copied.position()
        assert end % 2 == 0
        same = list(sqlite_lake.pinned(end).versions("Observation"))
        assert list(copied.versions("Observation")) == same
        engine.dispose()
    assert not list(tmp_path.glob("*.partial"))
