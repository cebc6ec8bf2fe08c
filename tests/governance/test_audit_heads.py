"""Signed heads and proofs: what is rewritten after it was signed is noticed, and others can check it."""

import json
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import sqlalchemy as sa

from vesalius.errors import InvalidSetting, NotFound, Tampered, UnreadableInput
from vesalius.governance import audit
from vesalius.governance.audit import Action, Entry, heads, proofs
from vesalius.governance.audit.chain import digest
from vesalius.modelling import Keys
from vesalius.store import open_store, writing

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def engine(database_url):
    opened = open_store(database_url)
    yield opened
    opened.dispose()


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("home") / "keys")


def fill(engine, count, actor="anna"):
    audit.record_all(
        engine,
        [
            Entry(actor, Action.SUGGESTION_READ, f"s{n}", {"subject": f"Patient/{n % 7}"}, NOW)
            for n in range(count)
        ],
    )


def rewritten(engine, *statements):
    """What the owner of the database can do: lift the guards and change what they like."""
    sqlite = engine.dialect.name == "sqlite"
    with writing(engine) as connection:
        for table in ("audit_event", "audit_subject", "audit_signed_head"):
            names = [f"{table}_no_update", f"{table}_no_delete"] if sqlite else [f"{table}_append_only"]
            for name in names:
                connection.exec_driver_sql(f"DROP TRIGGER {name}{'' if sqlite else f' ON {table}'}")
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_a_head_is_signed_with_a_key_for_its_owner_alone_and_once_for_the_same_events(engine, keys):
    with pytest.raises(NotFound, match="no event"):
        heads.sign(engine, keys)
    fill(engine, 300)
    made = heads.sign(engine, keys, NOW)
    assert (made.head.size, made.head.last, made.head.at) == (300, audit.head(engine).hash, NOW)
    assert heads.sign(engine, keys) == made
    assert heads.opened(made.token, keys) == made.head
    assert stat.S_IMODE((keys.folder / "hospital.jwk").stat().st_mode) == 0o600
    assert audit.verify(engine, keys=keys, elsewhere=[made.head]) == 300


def test_a_chain_written_anew_does_not_fit_what_was_signed_and_the_place_is_told(engine, keys):
    fill(engine, 4)
    heads.sign(engine, keys)
    fill(engine, 6)
    kept = heads.sign(engine, keys).head
    rewritten(engine, "DELETE FROM audit_event", "DELETE FROM audit_head", "DELETE FROM audit_subject")
    fill(engine, 4)
    fill(engine, 7, "bart")
    assert audit.verify(engine) == 11  # the chain alone is sound
    with pytest.raises(Tampered, match=r"one of events 5 to 10 was written anew: .* over 10 events"):
        audit.verify(engine, keys=keys)
    rewritten_heads(engine)
    assert audit.verify(engine, keys=keys) == 11  # who owns all can forge all,
    with pytest.raises(Tampered, match="events 1 to 10"):  # but not what was noted elsewhere
        audit.verify(engine, keys=keys, elsewhere=[kept])


def rewritten_heads(engine):
    with writing(engine) as connection:
        connection.exec_driver_sql("DELETE FROM audit_signed_head")


def test_a_tail_cut_off_with_its_marks_is_noticed_by_the_signed_head(engine, keys):
    fill(engine, 9)
    heads.sign(engine, keys)
    rewritten(
        engine,
        "DELETE FROM audit_event WHERE seq > 6",
        "DELETE FROM audit_subject WHERE seq > 6",
        "UPDATE audit_head SET seq = 6, hash = (SELECT hash FROM audit_event WHERE seq = 6)",
    )
    assert audit.verify(engine) == 6
    with pytest.raises(Tampered, match="events after 6 were removed: the head over 9 events"):
        audit.verify(engine, keys=keys)


def test_an_altered_head_tile_or_index_is_told(engine, keys):
    fill(engine, 600)
    heads.sign(engine, keys)
    for change, words in (
        ("UPDATE audit_tile SET hash = 'ab' WHERE number = 1", "tile over events 257 to 512"),
        ("DELETE FROM audit_subject WHERE seq = 9", "does not fit event 9"),
        ("INSERT INTO audit_subject VALUES ('Patient/x', 7)", "does not fit event 7"),
        ("UPDATE audit_signed_head SET size = 599", "head over 599 events was altered"),
        ("UPDATE audit_signed_head SET token = 'a.b.c'", "no known key signed"),
    ):
        if change.startswith("UPDATE audit_tile"):
            rewritten(engine, change)
        else:
            with writing(engine) as connection:
                connection.exec_driver_sql(change)
        with pytest.raises(Tampered, match=words):
            audit.verify(engine, keys=keys)
        if "tile" in change:
            with writing(engine) as connection:
                connection.exec_driver_sql("DELETE FROM audit_tile")


def test_an_event_put_in_before_the_first_or_after_the_last_is_named(engine, keys):
    fill(engine, 3)
    end = audit.head(engine)
    micro = int(NOW.timestamp() * 1_000_000)
    made = digest(4, NOW, "eve", "audit.read", "audit", {}, end.hash)
    row = f"4, {micro}, 'eve', 'audit.read', 'audit', '{{}}', '{end.hash}', '{made}'"
    with writing(engine) as connection:
        connection.exec_driver_sql(f"INSERT INTO audit_event VALUES ({row})")
    with pytest.raises(Tampered, match="event 4 was inserted: the chain ended with event 3"):
        audit.verify(engine)
    rewritten(engine, "UPDATE audit_event SET seq = 0 WHERE seq = 4")
    with pytest.raises(Tampered, match="event 0 was inserted"):
        audit.verify(engine)


def test_two_processes_that_sign_the_same_events_get_the_same_head(engine, keys, monkeypatch):
    fill(engine, 5)
    both, seal = threading.Barrier(2), keys.seal

    def seal_when_both_are_here(content, kind):
        if engine.dialect.name == "postgresql":  # SQLite lets the second one in when the first is done
            both.wait(10)
        return seal(content, kind)

    monkeypatch.setattr(keys, "seal", seal_when_both_are_here)
    moments = (NOW, NOW + timedelta(seconds=1))
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda at: heads.sign(engine, keys, at), moments)
    assert one == other
    assert audit.verify(engine, keys=keys, elsewhere=[one.head]) == 5


def test_a_head_of_a_strangers_key_or_of_another_kind_is_none(engine, keys, tmp_path):
    fill(engine, 2)
    stranger = Keys(tmp_path / "keys")
    token = heads.sign(engine, stranger).token
    with pytest.raises(Tampered, match="no known key"):
        heads.opened(token, keys)
    other = keys.seal(heads.encode({"size": 2}), "something-else")
    with pytest.raises(Tampered):
        heads.opened(other, keys)
    with pytest.raises(Tampered, match="no head"):
        heads.opened(keys.seal(b'{"size":2}', heads.KIND), keys)
    with pytest.raises(InvalidSetting, match="no key"):
        proofs.with_key(b"{}")(token)


def test_heads_are_signed_by_themselves_after_enough_events(engine, keys, monkeypatch):
    monkeypatch.setattr(heads, "EVERY", 5)
    heads.keep_signing(engine, keys)
    for _ in range(11):
        audit.record(engine, "anna", Action.AUDIT_READ, "audit", at=NOW)
    with engine.connect() as connection:
        assert [size for size, _ in heads.tokens(connection)] == [5, 10]


def test_a_key_that_cannot_be_used_keeps_nobody_from_recording(engine, tmp_path, monkeypatch, caplog):
    broken = Keys(tmp_path / "keys")
    broken.folder.mkdir()
    (broken.folder / "hospital.jwk").write_text("{}")
    monkeypatch.setattr(heads, "EVERY", 1)
    heads.keep_signing(engine, broken)
    assert audit.record(engine, "anna", Action.AUDIT_READ, "audit", at=NOW).seq == 1
    assert "could not be signed" in caplog.text


def test_a_key_that_cannot_be_reached_keeps_nobody_from_recording(engine, tmp_path, monkeypatch, caplog):
    (tmp_path / "file").touch()
    monkeypatch.setattr(heads, "EVERY", 1)
    heads.keep_signing(engine, Keys(tmp_path / "file" / "keys"))
    assert audit.record(engine, "anna", Action.AUDIT_READ, "audit", at=NOW).seq == 1
    assert "could not be signed: File exists" in caplog.text


@pytest.mark.parametrize("seq", [1, 256, 257, 300])
def test_an_inclusion_proof_is_believed_by_who_has_only_the_public_key(engine, keys, seq):
    fill(engine, 300)
    opens = proofs.with_key(keys.public().encode())
    document = proofs.write(proofs.inclusion(engine, keys, seq))
    assert f"event {seq} is one of the 300" in proofs.check(proofs.load(document), opens)
    bare = proofs.inclusion(engine, keys, seq, told=False)
    assert bare.event is None
    assert b"anna" not in proofs.write(bare)
    proofs.check(bare, opens)


def test_a_changed_proof_proves_nothing(engine, keys, tmp_path):
    fill(engine, 20)
    good = json.loads(proofs.write(proofs.inclusion(engine, keys, 3)))
    opens = proofs.with_key(keys.public().encode())
    for change in (
        {"event": good["event"] | {"actor": "bart"}},
        {"seq": 4},
        {"hash": "0" * 64},
        {"hash": "no hash"},
        {"path": good["path"][:-1]},
        {"path": ["zz"]},
        {"head": good["head"][:-4] + "AAAA"},
    ):
        with pytest.raises(Tampered):
            proofs.check(proofs.load(msgspec.json.encode(good | change)), opens)
    with pytest.raises(Tampered):
        proofs.check(
            proofs.load(json.dumps(good).encode()), proofs.with_key(Keys(tmp_path / "k").public().encode())
        )
    for bad in (b"", b"{}", b"[" * 5000, b'{"proof":"other"}', b"\xff", b" " * (proofs.LARGEST + 1)):
        with pytest.raises(UnreadableInput):
            proofs.load(bad)
    with pytest.raises(NotFound, match="no event 21"):
        proofs.inclusion(engine, keys, 21)


def test_consistency_is_proved_and_refused_where_the_past_was_rewritten(engine, keys):
    fill(engine, 5)
    older = heads.sign(engine, keys).token
    fill(engine, 300)
    proof = proofs.consistency(engine, keys, older)
    said = proofs.check(proofs.load(proofs.write(proof)), proofs.with_key(keys.public().encode()))
    assert said == "the first 5 of 305 events are still those that were signed before"
    rewritten(engine, *(f"DELETE FROM {each}" for each in
                        ("audit_event", "audit_head", "audit_subject", "audit_tile", "audit_signed_head")))  # fmt: skip
    fill(engine, 3)
    with pytest.raises(Tampered, match="after 3 were removed"):
        proofs.consistency(engine, keys, older)
    fill(engine, 300, "bart")
    with pytest.raises(Tampered, match="first 5 events are not those"):
        proofs.consistency(engine, keys, older)


def test_the_tables_that_only_grow_say_so(engine, keys):
    fill(engine, 2)
    heads.sign(engine, keys)
    for table in ("audit_subject", "audit_signed_head"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), writing(engine) as connection:
            connection.exec_driver_sql(f"DELETE FROM {table}")


def test_heads_and_proofs_go_on_when_the_chain_moves_to_another_hash(engine, keys):
    fill(engine, 40)
    older = heads.sign(engine, keys)
    audit.move_on(engine, "marchal", "sha3-256", NOW)
    fill(engine, 40)
    newer = heads.sign(engine, keys)
    assert audit.verify(engine, keys=keys, elsewhere=[older.head, newer.head]) == 81
    opens = lambda token: heads.opened(token, keys)  # noqa: E731
    for seq in (3, 41, 60):
        made = proofs.inclusion(engine, keys, seq)
        assert proofs.check(proofs.load(proofs.write(made)), opens).startswith(
            f"event {seq} is one of the 81"
        )
        forged = msgspec.structs.replace(made, event=msgspec.structs.replace(made.event, actor="mallory"))
        with pytest.raises(Tampered, match="altered"):
            proofs.check(forged, opens)
    grown = proofs.consistency(engine, keys, older.token)
    assert "the first 40 of 81" in proofs.check(grown, opens)
