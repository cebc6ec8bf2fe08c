"""Accounts: who can sign in, and what a stranger learns (nothing)."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from vesalius.errors import Conflict, InvalidSetting, NotAllowed, NotFound
from vesalius.governance import audit, people
from vesalius.store import open_store

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECRET = "correct horse battery"
OWN = people._hasher
"""As the product has it: the other tests hash at less cost."""


@pytest.fixture
def cheap_hashes(request, monkeypatch):
    """Hashes that cost little; but where the time is what is tested."""
    people._nobody.cache_clear()
    own = "takes_as_long" in request.node.name
    monkeypatch.setattr(people, "_hasher", OWN if own else lambda: PasswordHasher(1, 8, 1))
    yield
    people._nobody.cache_clear()


@pytest.fixture
def engine(tmp_path, cheap_hashes):
    opened = open_store(f"sqlite:///{tmp_path / 'people.sqlite'}")
    people.add(
        opened,
        "anna",
        name="Anna Peeters",
        role=["doctor", "director"],
        language="nl",
        password=SECRET,
        at=NOW,
    )
    people.add(opened, "demo", name="Demo", role="nurse", at=NOW)
    yield opened
    opened.dispose()


def attempt(engine, login="anna", password=SECRET, at=NOW):
    return people.sign_in(engine, login, password, at)


def test_a_hash_costs_what_owasp_asks_at_least():
    # OWASP Password Storage Cheat Sheet, Argon2id: 19 MiB of memory, 2 iterations, 1 degree of parallelism.
    own = OWN()
    assert (own.type.name, own.memory_cost >= 19 * 1024, own.time_cost >= 2, own.parallelism >= 1) == (
        "ID",
        True,
        True,
        True,
    )


def test_the_right_password_signs_in(engine):
    person = attempt(engine)
    assert (person.id, person.roles, person.language, person.demo) == (
        "anna",
        ("doctor", "director"),
        "nl",
        False,
    )


@pytest.mark.parametrize(
    ("login", "password"), [("anna", "wrong"), ("bart", SECRET), ("demo", ""), ("demo", SECRET)]
)
def test_a_stranger_gets_the_same_answer_whatever_is_wrong(engine, login, password):
    with pytest.raises(NotAllowed, match="the name or the password is wrong, or the account is locked"):
        attempt(engine, login, password)


def test_an_unknown_account_takes_as_long_as_a_known_one(engine):
    def seconds(login):
        start = time.perf_counter()
        with pytest.raises(NotAllowed):
            attempt(engine, login, "wrong password")
        return time.perf_counter() - start

    seconds("nobody")  # the first makes the hash of nobody
    known, unknown = (min(seconds(login) for _ in range(3)) for login in ("anna", "nobody"))
    assert 0.4 < known / unknown < 2.5


def test_five_wrong_passwords_lock_the_account_for_a_quarter_of_an_hour(engine):
    for _ in range(people.ATTEMPTS):
        with pytest.raises(NotAllowed):
            attempt(engine, password="wrong")
    with pytest.raises(NotAllowed):
        attempt(engine, at=NOW + timedelta(minutes=14))
    assert attempt(engine, at=NOW + timedelta(minutes=15)).id == "anna"
    assert [event.action for event in audit.events(engine, action="person.locked")] == ["person.locked"]


def test_a_right_password_forgets_the_wrong_ones_before_it(engine):
    for _ in range(2):
        for _ in range(people.ATTEMPTS - 1):
            with pytest.raises(NotAllowed):
                attempt(engine, password="wrong")
        assert attempt(engine).id == "anna"


def test_a_new_password_unlocks(engine):
    for _ in range(people.ATTEMPTS):
        with pytest.raises(NotAllowed):
            attempt(engine, password="wrong")
    people.set_password(engine, "anna", "another long one", by="it")
    assert attempt(engine, password="another long one").id == "anna"


def test_a_closed_account_signs_in_no_more(engine):
    people.close(engine, "anna", by="it")
    with pytest.raises(NotAllowed):
        attempt(engine)
    with pytest.raises(NotFound):
        people.get(engine, "anna")
    assert [person.id for person in people.everyone(engine)] == ["demo"]


def test_demo_people_sign_in_where_the_data_is_synthetic_and_nowhere_else(engine):
    assert people.sign_in_demo(engine, "demo", synthetic=True).demo
    for login, synthetic in (("demo", False), ("anna", True), ("nobody", True)):
        with pytest.raises(NotAllowed):
            people.sign_in_demo(engine, login, synthetic=synthetic)


@pytest.mark.parametrize(
    "given",
    [
        {"role": "wizard"},
        {"role": ()},
        {"language": "it"},
        {"password": "short"},
        {"login": ""},
        {"login": "system"},
        {"login": "a\nb"},
        {"login": "x" * 65},
    ],
)
def test_an_account_that_makes_no_sense_is_refused(engine, given):
    login = given.pop("login", "carla")
    with pytest.raises(InvalidSetting):
        people.add(engine, login, **{"name": "Carla", "role": "nurse", **given})


def test_an_account_is_added_once(engine):
    with pytest.raises(Conflict):
        people.add(engine, "anna", name="Another", role="nurse")


def test_a_language_is_one_of_the_four(engine):
    people.choose_language(engine, "anna", "de")
    assert people.get(engine, "anna").language == "de"
    with pytest.raises(InvalidSetting):
        people.choose_language(engine, "anna", "it")


def test_what_a_stranger_types_as_a_name_is_not_kept(engine):
    with pytest.raises(NotAllowed):
        attempt(engine, login=SECRET, password="x")
    assert SECRET not in str(audit.events(engine))
    assert audit.events(engine, action="person.refused")[0].actor == "unknown"


def test_no_password_lies_in_the_database_as_it_is(engine, tmp_path):
    engine.dispose()
    assert SECRET.encode() not in (tmp_path / "people.sqlite").read_bytes()


def test_everything_about_accounts_is_in_the_audit(engine):
    attempt(engine)
    people.sign_out(engine, "anna", NOW)
    actions = [event.action for event in reversed(audit.events(engine))]
    assert actions == ["person.added", "person.added", "person.signed_in", "person.signed_out"]
    assert audit.verify(engine) == 4


def test_a_crowd_at_the_door_checks_few_passwords_at_a_time(engine, monkeypatch):
    busy, most, lock = 0, 0, threading.Lock()

    class Watched:
        def counted(self):
            nonlocal busy, most
            with lock:
                busy, most = busy + 1, max(most, busy + 1)
            time.sleep(0.02)
            with lock:
                busy -= 1

        def verify(self, *_):
            self.counted()
            raise VerifyMismatchError

        def hash(self, _):
            self.counted()
            return "a hash"

    monkeypatch.setattr(people, "_hasher", Watched)

    def stranger(number):
        with pytest.raises(NotAllowed):
            attempt(engine, f"stranger {number}")

    with ThreadPoolExecutor(24) as pool:
        list(pool.map(stranger, range(24)))
    assert most <= 5
