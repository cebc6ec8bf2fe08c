"""A backup is one SQLite file, of either database, and can be restored into either: whole or not at all."""

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from vesalius.errors import Conflict, Unavailable, UnreadableInput
from vesalius.governance import audit, people
from vesalius.ingest import receive
from vesalius.lake import Lake
from vesalius.store import backup, metadata, open_store, reading, restore

LINES = b"""{"resourceType":"Patient","id":"p1","birthDate":"1980-06-02","name":[{"family":"D\xc3\xa9sir\xc3\xa9"}]}
{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.00}}
{"resourceType":"Patient","id":"broken","gender":"f"}
"""


@pytest.fixture
def filled(engine, tmp_path):
    """A database with data in, something held, a person and audit events."""
    (tmp_path / "a.ndjson").write_bytes(LINES)
    receive(Lake(engine, tmp_path / "columns"), "a.ndjson", tmp_path / "a.ndjson", source="x")
    people.add(engine, "dpo", name="Ada", role="dpo")
    return engine


@pytest.fixture(params=["sqlite", "postgresql"])
def other(request, tmp_path):
    """Another empty database, of either kind."""
    url = f"sqlite:///{tmp_path / 'other.sqlite'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_database")
    opened = open_store(url)
    yield opened
    opened.dispose()


def content(engine):
    """Every row of every table that the packages declare."""
    with reading(engine) as connection:
        here = sa.inspect(connection).get_table_names()
        return {
            name: sorted(map(repr, connection.execute(sa.select(table)).all()))
            for name, table in metadata.tables.items()
            if name in here
        }


def test_what_is_restored_is_what_was_copied_whichever_the_databases(filled, other, tmp_path):
    before = content(filled)
    backup(filled, tmp_path / "copy")
    # Two PostgreSQL databases are one and the same here: its tables are made again.
    restore(tmp_path / "copy", other, replace=filled.url == other.url)
    assert content(other) == before
    assert sum(map(len, before.values())) > 6
    assert audit.verify(other) == audit.verify(filled) > 0
    # and life goes on: what numbers itself goes on from where it was
    (tmp_path / "b.ndjson").write_bytes(LINES.replace(b"p1", b"p2"))
    receipt = receive(Lake(other, tmp_path / "c"), "b.ndjson", tmp_path / "b.ndjson", source="x")
    assert (receipt.id, receipt.written, receipt.unchanged) == (2, 1, 1)


def test_a_backup_is_one_file_for_its_owner_alone(filled, tmp_path):
    backup(filled, tmp_path / "copies.sqlite")
    assert [path.name for path in tmp_path.glob("*copies*")] == ["copies.sqlite"]
    assert (tmp_path / "copies.sqlite").stat().st_mode & 0o077 == 0


def test_a_database_that_holds_rows_is_not_overwritten_unless_told(filled, tmp_path):
    backup(filled, tmp_path / "copy")
    before = content(filled)
    people.add(filled, "late", name="Late", role="doctor")
    with pytest.raises(Conflict, match="person"):
        restore(tmp_path / "copy", filled)
    restore(tmp_path / "copy", filled, replace=True)
    assert content(filled) == before


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4096])


def overwrite(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[8192:16384] = bytes(8192)
    path.write_bytes(raw)


def no_database(path: Path) -> None:
    path.write_bytes(b"this is a letter to the hospital")


def another_database(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE a (b)")


@pytest.mark.parametrize("damage", [cut, overwrite, no_database, another_database])
def test_a_file_that_is_no_whole_backup_is_refused_and_nothing_changes(filled, tmp_path, damage):
    copy = tmp_path / "copy"
    backup(filled, copy)
    damage(copy)
    before = content(filled)
    with pytest.raises(UnreadableInput, match="copy"):
        restore(copy, filled, replace=True)
    assert content(filled) == before


def test_a_backup_made_by_a_newer_vesalius_is_refused(filled, tmp_path):
    backup(filled, tmp_path / "copy")
    with sqlite3.connect(tmp_path / "copy") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = content(filled)
    with pytest.raises(Conflict, match="newer"):
        restore(tmp_path / "copy", filled, replace=True)
    assert content(filled) == before


def test_a_restore_that_fails_half_way_leaves_what_was_there(filled, tmp_path, monkeypatch):
    if filled.dialect.name == "sqlite":
        pytest.skip("SQLite copies pages in one transaction of its own")
    backup(filled, tmp_path / "copy")
    before = content(filled)

    def fail(*_):
        raise RuntimeError

    monkeypatch.setattr("vesalius.store._copy._count_on", fail)
    with pytest.raises(RuntimeError):
        restore(tmp_path / "copy", filled, replace=True)
    assert content(filled) == before


def test_a_backup_that_cannot_be_written_says_so(filled, tmp_path):
    with pytest.raises(Unavailable, match="nowhere"):
        backup(filled, tmp_path / "nowhere" / "copy")


def test_tables_that_vesalius_does_not_know_are_not_left_out_silently(filled, tmp_path):
    if filled.dialect.name == "sqlite":
        pytest.skip("SQLite is copied page by page, with all it holds")
    with filled.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE somebody_elses (a integer)")
    with pytest.raises(Conflict, match="somebody_elses"):
        backup(filled, tmp_path / "copy")
