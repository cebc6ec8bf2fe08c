"""The store: moments without loss, readings of one state, writings whole or not at all."""

import stat
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from vesalius.errors import InvalidSetting, Unavailable
from vesalius.store import Instant, add, from_microseconds, microseconds, open_store, put, reading, writing

MOMENTS = st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))


@given(MOMENTS)
def test_a_moment_survives_to_the_microsecond(moment):
    assert from_microseconds(microseconds(moment)) == moment


@given(MOMENTS, MOMENTS)
def test_microseconds_order_as_moments_do(one, other):
    assert (one < other) == (microseconds(one) < microseconds(other))


def test_the_same_moment_in_another_zone_is_the_same_number():
    brussels = timezone(timedelta(hours=2))
    assert microseconds(datetime(2024, 7, 1, 14, tzinfo=brussels)) == microseconds(
        datetime(2024, 7, 1, 12, tzinfo=UTC)
    )


def test_a_moment_without_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        microseconds(datetime(2024, 1, 1))


@pytest.fixture
def numbers(engine):
    table = sa.Table("number", sa.MetaData(), sa.Column("n", sa.Integer), sa.Column("at", Instant))
    table.create(engine)
    return table


def count(connection, table):
    return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar()


def test_a_writing_that_fails_writes_nothing(engine, numbers):
    def fail():
        with writing(engine) as connection:
            connection.execute(numbers.insert().values(n=1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with reading(engine) as connection:
        assert count(connection, numbers) == 0


def test_what_was_written_is_read_by_the_next_reading(engine, numbers):
    moment = datetime(2024, 2, 29, 23, 59, 59, 999_999, UTC)
    with writing(engine) as connection:
        connection.execute(numbers.insert().values(n=1, at=moment))
        connection.execute(numbers.insert().values(n=2))
    with reading(engine) as connection:
        assert connection.execute(sa.select(numbers.c.at).order_by(numbers.c.n)).scalars().all() == [
            moment,
            None,
        ]


def test_a_row_that_is_there_already_is_left_alone_or_replaced(engine):
    table = sa.Table(
        "pair", sa.MetaData(), sa.Column("a", sa.Integer, primary_key=True), sa.Column("b", sa.Integer)
    )
    table.create(engine)
    with writing(engine) as connection:
        for number in (1, 2):
            assert add(connection, table, {"a": 1, "b": number}) == (number == 1)
        assert connection.execute(sa.select(table)).all() == [(1, 1)]
        for key, number in ((1, 3), (2, 4)):
            put(connection, table, {"a": key}, {"b": number})
        assert connection.execute(sa.select(table).order_by(table.c.a)).all() == [(1, 3), (2, 4)]


def test_a_reading_sees_one_state_while_others_write(engine, numbers):
    with reading(engine) as reader:
        before = count(reader, numbers)
        with writing(engine) as writer:
            writer.execute(numbers.insert().values(n=1))
        assert count(reader, numbers) == before


def test_an_error_of_the_database_does_not_quote_what_was_written(engine):
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE patients (name TEXT PRIMARY KEY)")
    insert = sa.text("INSERT INTO patients (name) VALUES (:name)")

    def twice():
        with writing(engine) as connection:
            connection.execute(insert, {"name": "Lambert, Hélène"})
            connection.execute(insert, {"name": "Lambert, Hélène"})

    with pytest.raises(sa.exc.IntegrityError) as refused:
        twice()
    assert "Lambert" not in str(refused.value)


def test_a_new_database_file_is_its_owners_alone(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path / 'private.sqlite'}")
    with reading(opened):
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    opened.dispose()
    assert modes["private.sqlite"] == 0o600
    assert set(modes.values()) == {0o600}


def test_a_database_that_another_process_locks_is_unavailable_and_quotes_nothing(tmp_path):
    engine = open_store(f"sqlite:///{tmp_path / 'a.sqlite'}")
    sa.event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA busy_timeout=10"))
    engine.dispose()
    with (
        writing(engine),
        pytest.raises(Unavailable, match=r"locked \(another process") as caught,
        writing(engine),
    ):
        pass
    assert "SQL" not in str(caught.value)
    assert caught.value.__cause__ is None
    engine.dispose()


def test_a_full_database_is_unavailable_and_nothing_is_written(tmp_path):
    engine = open_store(f"sqlite:///{tmp_path / 'a.sqlite'}")

    def fill():
        with writing(engine) as connection:
            connection.exec_driver_sql("CREATE TABLE big (body BLOB)")
            connection.exec_driver_sql("PRAGMA max_page_count=1")
            connection.exec_driver_sql("INSERT INTO big VALUES (zeroblob(1000000))")

    with pytest.raises(Unavailable, match=r"full.*make room"):
        fill()
    with reading(engine) as connection:
        assert not sa.inspect(connection).has_table("big")
    engine.dispose()


def test_a_file_that_is_no_database_is_unavailable(tmp_path):
    (tmp_path / "a.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(Unavailable, match="restore it from a backup"):
        open_store(f"sqlite:///{tmp_path / 'a.sqlite'}")


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/a.sqlite", "postgresql+psycopg://x:secret@127.0.0.1:1/y"]
)
def test_a_database_out_of_reach_is_unavailable_and_its_password_stays_secret(url):
    with pytest.raises(Unavailable) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "nonsense", "oracle://x:secret@y/z", "postgresql+nodriver://x:secret@y/z"]
)
def test_what_is_no_url_is_an_invalid_setting(url):
    with pytest.raises(InvalidSetting, match="database") as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


def test_a_read_only_database_reads_but_does_not_write(engine, numbers):
    def write():
        with writing(engine) as connection:
            connection.exec_driver_sql(
                "PRAGMA query_only=ON" if engine.dialect.name == "sqlite" else "SET TRANSACTION READ ONLY"
            )
            connection.execute(numbers.insert().values(n=1))

    with pytest.raises(Unavailable, match=r"read-?only"):
        write()


def test_a_row_that_is_refused_is_no_silence_of_the_database(engine):
    table = sa.Table("once", sa.MetaData(), sa.Column("n", sa.Integer, primary_key=True))
    table.create(engine)

    def twice():
        with writing(engine) as connection:
            connection.execute(table.insert(), [{"n": 1}, {"n": 1}])

    with pytest.raises(sa.exc.IntegrityError):
        twice()
