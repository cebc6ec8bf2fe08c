"""Tables of other databases: read only, from where the last run stopped, and nothing lost or doubled."""

import datetime as dt
import json
import os
import signal
import subprocess
import sys

import pytest
import sqlalchemy as sa

from vesalius.errors import Conflict, Unavailable, UnreadableInput, VesaliusError
from vesalius.ingest import CsvMap, causes, held, receipts, sql
from vesalius.ingest._place import Place, State
from vesalius.ingest._select import check_query

from .conftest import NOW

MAP = """
[[resource]]
[resource.body]
resourceType = "Observation"
id = "{id}"
status = "final"
code.coding = [{ system = "http://loinc.org", code = "1988-5" }]
subject.reference = "Patient/{patient}"
issued = { column = "updated_at", as = "dateTime", zone = "+00:00" }
valueQuantity = { column = "crp", as = "quantity", unit = "mg/L", range = [0, 600] }
"""
START = dt.datetime(2026, 5, 1, 10)


@pytest.fixture(params=["sqlite", "postgresql"])
def other(request, tmp_path):
    """The database of another system, with a table of results: ``other(rows)`` adds some."""
    if request.param == "sqlite":
        url = sa.make_url(f"sqlite:///{tmp_path / 'lis.sqlite'}")
    else:
        url = sa.make_url(request.getfixturevalue("postgres_database"))
    engine = sa.create_engine(url)
    table = sa.Table(
        "results",
        sa.MetaData(),
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("patient", sa.String(40)),
        sa.Column("crp", sa.Numeric(8, 2, asdecimal=False)),
        sa.Column("updated_at", sa.DateTime),
    )
    table.create(engine)

    def add(*rows):
        with engine.begin() as connection:
            connection.execute(
                sa.insert(table), [dict(zip(table.c.keys(), row, strict=True)) for row in rows]
            )

    add.url, add.engine, add.table = url, engine, table
    yield add
    engine.dispose()


@pytest.fixture
def take(lake, tmp_path, other):
    def taken(source="lis", csv_map=None, **options):
        asked = {"name": "results", "watermark": "updated_at"} | options.pop("table", {})
        return sql.receive_table(
            lake,
            tmp_path / "tables",
            sql.Table(options.pop("url", other.url), **asked),
            source=source,
            csv_map=csv_map or CsvMap.parse(MAP),
            received_at=NOW,
            **options,
        )

    return taken


def minute(number):
    return START + dt.timedelta(minutes=number)


def ids(lake):
    return {kind: counts["resources"] for kind, counts in lake.count().items()}


def test_rows_become_the_same_resources_as_those_of_a_csv_file(other, take, lake, send):
    other(("a", "p1", 12.25, START), ("b", "p2", 3, minute(1)))
    (receipt,) = take()
    assert (receipt.format, receipt.read, receipt.written, receipt.quarantined) == ("rows", 2, 2, 0)
    of_table = lake.read("Observation/a").resource
    text = "id,patient,crp,updated_at\na,p1,12.25,2026-05-01T10:00:00\n"
    again = send(text, csv_map=CsvMap.parse(MAP))
    assert (again.written, again.unchanged) == (0, 1)
    assert lake.read("Observation/a").resource == of_table


def test_the_next_run_reads_only_what_was_added_or_changed(other, take, lake):
    other(("a", "p1", 12.5, START), ("b", "p2", 3, minute(1)))
    take()
    assert take() == []
    other(("c", "p3", 7, minute(20)))
    with other.engine.begin() as connection:
        connection.execute(
            sa.update(other.table).where(other.table.c.id == "a").values(crp=13, updated_at=minute(21))
        )
    (receipt,) = take()
    assert (receipt.read, receipt.written) == (2, 2)
    assert lake.read("Observation/a").resource["valueQuantity"]["value"] == 13
    assert take() == []


def test_a_row_with_the_same_watermark_as_the_last_one_is_not_missed(other, take, lake):
    other(("a", "p1", 1, START))
    take(table={"overlap": dt.timedelta()})
    other(("b", "p1", 2, START))
    (receipt,) = take(table={"overlap": dt.timedelta()})
    assert receipt.read == 1
    assert ids(lake) == {"Observation": 2}


def test_a_row_that_was_committed_late_is_found_within_the_overlap(other, take, lake):
    if other.url.get_backend_name() == "sqlite":
        pytest.skip("SQLite has no moments: its watermarks are texts")
    other(("a", "p1", 1, minute(10)))
    take()
    other(("late", "p1", 2, minute(6)), ("too-late", "p1", 2, minute(4)))
    (receipt,) = take()
    assert receipt.read == 1
    assert lake.read("Observation/late")
    assert not lake.read("Observation/too-late")


def test_rows_without_a_watermark_are_read_once_and_again_when_they_change(other, take, lake):
    csv_map = CsvMap.parse(
        MAP.replace('issued = { column = "updated_at", as = "dateTime", zone = "+00:00" }', "")
    )
    other(("a", "p1", 1, START), ("none", "p1", 2, None))
    (receipt,) = take(csv_map=csv_map)
    assert receipt.read == 2
    assert take(csv_map=csv_map) == []
    with other.engine.begin() as connection:
        connection.execute(sa.update(other.table).where(other.table.c.id == "none").values(crp=9))
    (receipt,) = take(csv_map=csv_map)
    assert (receipt.read, receipt.written) == (1, 1)


def test_a_row_that_is_held_is_held_once_and_can_be_tried_again(other, take, lake):
    from vesalius.ingest import retry

    other(("a", "p1", 9999, START), ("b", "p1", 2, START))
    take()
    take()
    (item,) = held(lake.engine)
    assert causes(lake.engine) == {"out-of-range": 1}
    assert json.loads(item.raw)[:3] == ["a", "p1", 9999]
    mended = CsvMap.parse(MAP.replace("600", "60000"))
    assert retry(lake, given=mended, received_at=NOW).written == 1
    assert lake.read("Observation/a").resource["valueQuantity"]["value"] == 9999


def test_a_long_table_is_taken_in_several_files(other, take, lake, monkeypatch):
    monkeypatch.setattr(sql, "CHUNK", 10)
    other(*((f"r{number}", "p1", 1, minute(number // 4)) for number in range(43)))
    taken = take()
    assert sum(receipt.read for receipt in taken) == 43
    assert len(taken) > 2
    assert ids(lake) == {"Observation": 43}
    assert take() == []


def test_without_a_watermark_the_same_table_twice_adds_nothing(other, take, lake):
    other(("a", "p1", 1, START))
    take(table={"watermark": ""})
    (receipt,) = take(table={"watermark": ""})
    assert receipt.repeated
    assert len(receipts(lake.engine)) == 1


def test_a_query_with_parameters_and_a_watermark(other, take, lake):
    other(("a", "p1", 1, START), ("b", "p2", 1, START))
    query = "SELECT r.id, r.patient, r.crp, r.updated_at FROM results r WHERE r.patient = :who"
    (receipt,) = take(table={"name": "", "query": query, "parameters": {"who": "p2' OR '1'='1"}}) or [None]
    assert receipt is None
    (receipt,) = take(table={"name": "", "query": query, "parameters": {"who": "p2"}})
    assert receipt.read == 1
    assert lake.read("Observation/b")
    assert not lake.read("Observation/a")


def test_from_the_start_reads_everything_again_and_changes_nothing(other, take, lake):
    other(("a", "p1", 1, START), ("b", "p1", 2, minute(1)))
    take()
    receipt = take(from_start=True)[0]
    assert receipt.written == 0


def test_a_missing_column_is_refused_and_leaves_nothing_behind(other, take, lake, tmp_path):
    other(("a", "p1", 1, START))
    with pytest.raises(UnreadableInput, match="no column 'germ'"):
        take(csv_map=CsvMap.parse(MAP.replace("{patient}", "{germ}")))
    assert not list((tmp_path / "tables").glob("*.pending*"))
    assert take()[0].written == 1


@pytest.mark.parametrize(
    "name",
    [
        "results; DROP TABLE results",
        'results" --',
        "nothing",
        "results WHERE 1=1",
        "x.results",
        ".",
        "results\x00",
    ],
)
def test_a_name_that_is_no_table_is_refused(other, take, name):
    with pytest.raises(VesaliusError):
        take(table={"name": name})
    with other.engine.connect() as connection:
        assert sa.inspect(connection).has_table("results")


@pytest.mark.parametrize(
    "query",
    [
        "DROP TABLE results",
        "SELECT 1; DROP TABLE results",
        "WITH gone AS (DELETE FROM results RETURNING *) SELECT * FROM gone",
        "SELECT * INTO copy_of FROM results",
        "EXPLAIN SELECT 1",
        "SELECT 'open",
        "SELECT /* open",
        "SELECT /*! 1 */ 2",
        "",
        "   ",
        "--",
    ],
)
def test_anything_but_one_select_is_refused(take, query):
    with pytest.raises(UnreadableInput):
        take(table={"name": "", "query": query or " "})


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 'delete; drop' AS x",
        'SELECT "update" FROM t',
        "select 1 -- ; drop\n",
        "WITH a AS (SELECT 1) SELECT * FROM a;",
    ],
)
def test_words_in_quotes_and_comments_are_no_commands(query):
    assert check_query(query)


def test_even_a_query_that_slips_through_changes_nothing(other, take, monkeypatch):
    other(("a", "p1", 1, START))
    monkeypatch.setattr("vesalius.ingest._select.check_query", lambda query: query)
    change = "INSERT INTO results VALUES ('x', 'p', 1, NULL) RETURNING *"
    with pytest.raises(VesaliusError):
        take(table={"name": "", "query": change, "watermark": ""})
    if other.url.get_backend_name() == "postgresql":
        with pytest.raises(UnreadableInput):
            take(table={"name": "", "query": "SELECT nextval('s')", "watermark": ""})
    with other.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(other.table)).scalar() == 1


def test_errors_of_the_database_hold_no_address_and_no_password(take, tmp_path):
    secret = sa.make_url("postgresql+psycopg://reader:hush@127.0.0.1:1/lis")
    with pytest.raises(Unavailable) as failed:
        take(url=secret)
    assert "hush" not in str(failed.value)
    assert "127.0.0.1" not in str(failed.value)
    with pytest.raises(Unavailable):
        take(url=sa.make_url(f"sqlite:///{tmp_path / 'absent.sqlite'}"))
    assert not (tmp_path / "absent.sqlite").exists()
    with pytest.raises(Unavailable, match="no driver"):
        take(url=sa.make_url("cobol://host/x"))
    with pytest.raises(UnreadableInput, match="does not understand"):
        take(table={"name": "", "query": "SELECT germ FROM results", "watermark": ""})
    with pytest.raises(UnreadableInput, match=r"no column 'nope'|does not understand"):
        take(table={"watermark": "nope"})
    with pytest.raises(UnreadableInput, match="has no value"):
        take(table={"name": "", "query": "SELECT id, patient, crp, updated_at FROM results WHERE id = :x"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("postgresql://u:secret@host/db", "password"),
        ("not an address", "not right"),
        ("env:ABSENT", "no variable"),
        ("", "not right"),
    ],
)
def test_an_address_on_the_command_line_holds_no_password(text, words):
    with pytest.raises(UnreadableInput, match=words) as refused:
        sql.address(text, {})
    assert "secret" not in str(refused.value)
    assert sql.address("env:LIS", {"LIS": "postgresql://u:secret@host/db"}).password == "secret"


def test_two_runs_of_one_table_at_once_are_refused(take, other, tmp_path):
    other(("a", "p1", 1, START))
    key = sql.Table(other.url, name="results", watermark="updated_at").key("lis")
    with Place.opened(tmp_path / "tables", key), pytest.raises(Conflict):
        take()


def test_what_is_remembered_is_for_its_owner_alone_and_may_be_damaged(take, other, tmp_path):
    other(("a", "p1", 1, START))
    take()
    (path,) = (tmp_path / "tables").glob("*.json")
    assert path.stat().st_mode & 0o077 == 0
    path.write_bytes(b'{"watermark": 7')
    with pytest.raises(UnreadableInput, match="damaged"):
        take()
    assert take(from_start=True)


def test_the_state_keeps_only_rows_that_will_be_given_again():
    state = State(overlap=dt.timedelta(minutes=2))
    for number in range(10):
        assert state.takes(minute(number), f"row {number}".encode(), known=State())
    state.takes(None, b"without", known=State())
    trimmed = state.trimmed()
    assert trimmed.watermark == minute(9)
    assert len(trimmed.seen) == 4


CODE = """
import os, sys
from pathlib import Path
import sqlalchemy as sa
from vesalius.ingest import CsvMap, pipeline, sql
from vesalius.lake import Lake
from vesalius.store import open_store
home, url, text, point = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
pipeline.BATCH = 5
lake = Lake(open_store(f"sqlite:///{home / 'hospital.sqlite'}"), home / "columns")
from vesalius.ingest._place import Place
kill = lambda: os.kill(os.getpid(), 9)
if point == "before-state":
    Place.done = lambda self: kill()
if point == "between":
    def done(self):
        self._path("pending.json").rename(self._path("json"))
        kill()
    Place.done = done
count = [0]
def progress(done, total):
    count[0] += 1
    if point == "in-batch" and count[0] == 2:
        kill()
table = sql.Table(sa.make_url(url), name="results", watermark="updated_at")
sql.receive_table(lake, home / "tables", table, source="lis", csv_map=CsvMap.parse(text), progress=progress)
"""


@pytest.mark.parametrize("point", ["in-batch", "before-state", "between"])
def test_killed_at_any_point_nothing_is_lost_or_held_twice(point, other, take, lake, tmp_path):
    other(*((f"r{number}", "p1", 9999 if number % 10 == 3 else 1, minute(number)) for number in range(30)))
    address = other.url.render_as_string(hide_password=False)
    killed = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path), address, MAP, point], env=os.environ, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    other(("new", "p1", 5, minute(90)))
    take()
    assert ids(lake) == {"Observation": 28}
    assert causes(lake.engine) == {"out-of-range": 3}
    assert take() == []
