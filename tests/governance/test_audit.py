"""The chain: nothing in it can be altered, removed or reordered unnoticed."""

import base64
import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from vesalius import usecase
from vesalius.errors import Conflict, Tampered, Unavailable
from vesalius.governance import audit
from vesalius.governance.audit import Action, Entry, _tables, chain, recording
from vesalius.governance.audit.chain import read
from vesalius.store import open_store, reading, writing

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def engine(database_url):
    opened = open_store(database_url)
    yield opened
    opened.dispose()


def fill(engine, count=5):
    for number in range(count):
        audit.record(engine, "anna", Action.SUGGESTION_READ, f"s{number}", {"n": number}, NOW)


def tamper(engine, *statements):
    """What somebody with the database in hand can do: lift the guard, and change a row."""
    sqlite = engine.dialect.name == "sqlite"
    guards = ["audit_event_no_update", "audit_event_no_delete"] if sqlite else ["audit_event_append_only"]
    with writing(engine) as connection:
        for guard in guards:
            connection.exec_driver_sql(f"DROP TRIGGER {guard}{'' if sqlite else ' ON audit_event'}")
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_an_empty_chain_verifies(engine):
    assert audit.verify(engine) == 0
    assert audit.head(engine) == audit.Head(0, "0" * 64)


def test_events_come_back_as_they_were_recorded(engine):
    fill(engine)
    assert audit.verify(engine) == 5
    last = audit.events(engine, limit=1)[0]
    assert (last.seq, last.at, last.actor, last.action, last.object, last.detail) == (
        5, NOW, "anna", "suggestion.read", "s4", {"n": 4},
    )  # fmt: skip
    assert len(audit.events(engine, actor="bart")) == 0
    assert len(audit.events(engine, thing="s1", action="suggestion.read")) == 1
    assert [event.seq for event in audit.events(engine, limit=2, offset=2)] == [3, 2]


def test_the_database_itself_refuses_to_change_or_remove_an_event(engine):
    fill(engine)
    for statement in ("UPDATE audit_event SET actor = 'bart'", "DELETE FROM audit_event WHERE seq = 5"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), writing(engine) as connection:
            connection.exec_driver_sql(statement)
    assert audit.verify(engine) == 5


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", "at + 1"),
        ("actor", "'bart'"),
        ("action", "'audit.read'"),
        ("object", "'s9'"),
        ("detail", """'{"n":9}'"""),
        ("detail", "'{'"),
        ("previous", "'x'"),
        ("hash", "'x'"),
    ],
)
def test_an_altered_event_is_named(engine, column, value):
    fill(engine)
    tamper(engine, f"UPDATE audit_event SET {column} = {value} WHERE seq = 3")
    with pytest.raises(Tampered, match="event 3 was altered"):
        audit.verify(engine)


def test_a_removed_event_is_named(engine):
    fill(engine)
    tamper(engine, "DELETE FROM audit_event WHERE seq = 3")
    with pytest.raises(Tampered, match="event 3 was removed"):
        audit.verify(engine)


def test_reordered_events_are_named(engine):
    fill(engine)
    tamper(
        engine,
        "UPDATE audit_event SET seq = -seq WHERE seq IN (2, 3)",
        "UPDATE audit_event SET seq = 5 + seq WHERE seq < 0",
    )
    with pytest.raises(Tampered, match="event 2 was altered"):
        audit.verify(engine)


def test_a_chain_cut_short_is_noticed(engine):
    fill(engine)
    tamper(engine, "DELETE FROM audit_event WHERE seq > 3")
    with pytest.raises(Tampered, match="after 3"):
        audit.verify(engine)


def test_a_chain_written_anew_does_not_fit_a_head_noted_elsewhere(engine):
    fill(engine)
    noted = audit.head(engine)
    tamper(engine, "DELETE FROM audit_event", "DELETE FROM audit_head")
    for number in range(6):
        audit.record(engine, "bart", Action.SUGGESTION_READ, f"s{number}", at=NOW)
    assert audit.verify(engine) == 6
    with pytest.raises(Tampered, match="event 5"):
        audit.verify(engine, noted)


def test_a_noted_head_still_fits_after_more_events(engine):
    fill(engine)
    noted = audit.head(engine)
    fill(engine)
    assert audit.verify(engine, noted) == 10


def test_a_shorter_chain_does_not_fit_a_noted_head(engine):
    fill(engine)
    noted = audit.head(engine)
    tamper(engine, "DELETE FROM audit_event", "DELETE FROM audit_head")
    fill(engine, 2)
    with pytest.raises(Tampered, match="after 2"):
        audit.verify(engine, noted)


def test_an_event_is_kept_with_what_it_tells_of_or_not_at_all(engine):
    def act_and_fail():
        with writing(engine) as connection:
            audit.record(connection, "anna", Action.AUDIT_READ, "audit")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        act_and_fail()
    assert audit.verify(engine) == 0


def test_an_event_of_no_known_kind_is_refused(engine):
    with pytest.raises(ValueError, match="coffee"):
        audit.record(engine, "anna", "coffee.made", "kitchen")


def test_many_at_once_form_one_chain(engine):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: audit.record(engine, f"p{n}", Action.AUDIT_READ, "audit"), range(40)))
    assert audit.verify(engine) == 40


def entries(count):
    return [
        Entry("anna", Action.SUGGESTION_READ, f"s{n}", {"subject": f"Patient/{n % 7}"}, NOW)
        for n in range(count)
    ]


@pytest.mark.parametrize("count", [0, 1, 4, 5, 600])
def test_many_recorded_at_once_are_the_events_that_one_by_one_would_be(engine, count):
    made = audit.record_all(engine, entries(count))
    assert audit.verify(engine) == count
    assert made == audit.events(engine, limit=count + 1)[::-1]
    end = audit.record(engine, "bart", Action.AUDIT_READ, "audit", at=NOW)
    assert (end.seq, end.previous) == (count + 1, made[-1].hash if made else audit.START)
    assert audit.verify(engine) == count + 1
    about = audit.events(engine, thing="Patient/3", limit=count + 1)
    assert [event.seq for event in about] == [n + 1 for n in range(count) if n % 7 == 3][::-1]


def test_of_many_recorded_at_once_all_are_kept_or_none(engine):
    with pytest.raises(ValueError, match="coffee"):
        audit.record_all(engine, [*entries(3), Entry("anna", "coffee.made", "kitchen")])
    too_long = Entry("anna", Action.AUDIT_READ, "\ud800")  # half a character: no text in any database
    with pytest.raises(ValueError, match="surrogates"):
        audit.record_all(engine, [*entries(3), too_long])
    assert audit.verify(engine) == 0
    assert audit.events(engine, thing="Patient/1") == []


def test_a_moment_of_another_time_zone_is_kept_as_the_same_moment(engine):
    brussels = NOW.astimezone(timezone(timedelta(hours=1)))
    assert audit.record(engine, "anna", Action.AUDIT_READ, "audit", at=brussels).at == NOW
    assert audit.verify(engine) == 1


def test_callers_at_once_share_transactions_and_each_gets_its_own_event(engine, monkeypatch):
    commits, write = [], recording._append
    monkeypatch.setattr(
        recording, "_append", lambda wire, items: commits.append(len(items)) or write(wire, items)
    )
    gate = threading.Barrier(16)

    def act(number):
        gate.wait()
        return audit.record(engine, f"p{number}", Action.AUDIT_READ, f"page {number}")

    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(act, range(64)))
    assert [(event.actor, event.object) for event in made] == [(f"p{n}", f"page {n}") for n in range(64)]
    assert sum(commits) == audit.verify(engine) == 64
    assert len(commits) < 64


def test_one_event_that_cannot_be_kept_takes_no_other_with_it(engine):
    queue = recording.Queue(engine)
    good, bad = (
        recording._Waiting(recording._whole(each))
        for each in (Entry("anna", Action.AUDIT_READ, "audit"), Entry("anna", Action.AUDIT_READ, "\ud800"))
    )
    queue._waiting.append(good)
    queue._waiting.append(bad)
    assert queue.put(recording._whole(Entry("bart", Action.AUDIT_READ, "audit"))).actor == "bart"
    assert good.event is not None
    assert isinstance(bad.error, UnicodeEncodeError)
    assert audit.verify(engine) == 2


def test_those_who_wait_are_told_when_the_one_who_writes_is_broken_off(engine, monkeypatch):
    queue = recording.Queue(engine)
    waiting = recording._Waiting(recording._whole(Entry("anna", Action.AUDIT_READ, "audit")))
    queue._waiting.append(waiting)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(recording, "_append", interrupt)
    with pytest.raises(KeyboardInterrupt):
        queue.put(recording._whole(Entry("bart", Action.AUDIT_READ, "audit")))
    assert isinstance(waiting.error, Unavailable)


@pytest.mark.parametrize("leads", [False, True])
def test_one_who_is_broken_off_while_waiting_keeps_nobody_else_waiting(engine, leads):
    queue = recording.Queue(engine)
    gone, next_ = (
        recording._Waiting(recording._whole(Entry(name, Action.AUDIT_READ, "audit"))) for name in ("a", "b")
    )

    class Interrupted:
        def acquire(self):
            raise KeyboardInterrupt

    queue._waiting, queue._busy, gone.leads, gone.woken = [gone, next_], True, leads, Interrupted()
    with pytest.raises(KeyboardInterrupt):
        queue._wait(gone)
    assert queue._waiting == [next_]
    assert next_.woken.acquire(blocking=False) is leads


def test_reading_events_leaves_no_cursor_open_and_later_statements_as_they_were(engine):
    fill(engine)
    with reading(engine) as connection:
        assert [each.seq for each in read(connection, sa.select(_tables.event))] == [1, 2, 3, 4, 5]
        assert "yield_per" not in connection.get_execution_options()
        if engine.dialect.name == "postgresql":  # a statement with a cursor of the server would count itself
            assert connection.exec_driver_sql("SELECT count(*) FROM pg_cursors").scalar() == 0


def test_everything_about_one_patient_is_found_by_their_reference_alone(engine):
    for number, patient in enumerate(("Patient/1", "Patient/12", "Patient/%", "Patient/1")):
        audit.record(engine, "anna", Action.SUGGESTION_READ, f"s{number}", {"subject": patient}, NOW)
    audit.record(engine, "bart", Action.RESOURCE_READ, "Patient/1", at=NOW)
    assert [event.seq for event in audit.events(engine, thing="Patient/1")] == [5, 4, 1]
    assert [event.seq for event in audit.events(engine, thing="Patient/%")] == [3]


def test_the_chain_moves_on_to_another_hash_and_never_back(engine):
    """OWASP ASVS 5.0, 11.2.2."""
    fill(engine)
    before = audit.head(engine)
    moved = audit.move_on(engine, "marchal", "sha3-256", NOW)
    told = (moved.seq, moved.at, moved.actor, moved.action, moved.object, dict(moved.detail), moved.previous)
    text = base64.urlsafe_b64encode(hashlib.sha3_256(usecase.encode(told)).digest()).decode().rstrip("=")
    assert moved.hash == f"sha3-256:{text}"
    assert moved.previous == before.hash
    after = audit.record(engine, "anna", Action.AUDIT_READ, "audit")
    many = audit.record_all(engine, [Entry("anna", Action.AUDIT_READ, "audit")] * 5)
    assert {chain.algorithm(each.hash) for each in (after, *many)} == {"sha3-256"}
    assert audit.verify(engine, before) == before.seq + 7
    for name in ("sha256", "sha3-256", "md5"):
        with pytest.raises(Conflict, match="hashed with sha3-256"):
            audit.move_on(engine, "marchal", name)


@pytest.mark.parametrize("to", ["sha256", "md5"])
def test_an_event_hashed_otherwise_than_the_one_before_is_named(engine, to):
    fill(engine)
    audit.move_on(engine, "marchal", "sha3-256", NOW)
    last = audit.record(engine, "anna", Action.AUDIT_READ, "audit", {}, NOW)
    forged = audit.digest(
        last.seq, last.at, "mallory", last.action, last.object, last.detail, last.previous, algorithm=to
    )
    forged = forged or f"{to}:x"
    tamper(
        engine,
        f"UPDATE audit_event SET actor = 'mallory', hash = '{forged}' WHERE seq = {last.seq}",
        f"UPDATE audit_head SET hash = '{forged}'",
    )
    with pytest.raises(Tampered, match=f"event {last.seq} was altered"):
        audit.verify(engine)


@given(st.binary(), st.sampled_from(sorted(chain.ALGORITHMS)))
def test_a_hash_says_what_it_was_made_with(content, name):
    made = chain.hashed(content, name)
    assert len(made) <= 64
    assert chain.algorithm(made) == name
    assert chain.octets(made) == chain.ALGORITHMS[name](content).digest()


@pytest.mark.parametrize(
    "text", ["", "00", "sha3-256:", "sha3-256:AAAA", "md5:" + "A" * 43, "é", "sha256:" + "=" * 43]
)
def test_what_is_no_hash_has_no_bytes(text):
    with pytest.raises(ValueError):
        chain.octets(text)
