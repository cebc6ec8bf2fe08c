"""Sessions: what opens one, what ends one, and that nothing else does."""

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from argon2 import PasswordHasher
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from vesalius.errors import InvalidSetting
from vesalius.governance import audit, people, second_factor, sessions
from vesalius.governance.second_factor import SecondFactor
from vesalius.governance.sessions import FRESH, HALF, Rules, Stage
from vesalius.settings import Settings
from vesalius.store import open_store, writing

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECRET = "correct horse battery"
RULES = Rules(timedelta(hours=2), timedelta(hours=12), frozenset({"doctor"}))
EASY = Rules(timedelta(hours=2), timedelta(hours=12))


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch):
    monkeypatch.setattr(people, "_hasher", lambda: PasswordHasher(1, 8, 1))


@pytest.fixture
def house(engine):
    people.add(engine, "anna", name="Anna", role="doctor", password=SECRET, at=NOW)
    people.add(engine, "boss", name="Boss", role="director", password=SECRET, at=NOW)
    people.add(engine, "demo", name="Demo", role="doctor", at=NOW)
    return engine


def stage(engine, token, rules=RULES, at=NOW):
    found = sessions.find(engine, token, rules, at)
    return found and found.stage


def test_each_account_comes_to_the_stage_that_it_lacks(house, tmp_path):
    second = SecondFactor(house, tmp_path)
    assert stage(house, sessions.begin(house, "boss", ["password"], RULES, at=NOW)) == Stage.OPEN
    token = sessions.begin(house, "anna", ["password"], RULES, at=NOW)
    assert stage(house, token) == Stage.ENROL
    secret = second.begin("anna", NOW)
    second.confirm("anna", pyotp.TOTP(secret).at(NOW), NOW)
    opened = sessions.advance(house, token, "code", RULES, NOW)
    assert stage(house, opened) == Stage.OPEN
    assert stage(house, sessions.begin(house, "anna", ["password"], EASY, at=NOW)) == Stage.CODE
    people.set_password(house, "boss", "a zebra drinks tea", by="system", at=NOW, initial=True)
    assert stage(house, sessions.begin(house, "boss", ["password"], RULES, at=NOW)) == Stage.PASSWORD
    assert stage(house, sessions.begin(house, "anna", ["provider"], RULES, at=NOW)) == Stage.OPEN


def test_a_new_token_ends_the_one_before(house):
    old = sessions.begin(house, "boss", ["password"], RULES, at=NOW)
    new = sessions.advance(house, old, "password", RULES, NOW)
    assert stage(house, old) is None
    assert stage(house, new) == Stage.OPEN
    assert sessions.advance(house, old, "code", RULES, NOW) is None


def test_a_session_runs_out_idle_absolutely_and_half_way(house):
    token = sessions.begin(house, "boss", ["password"], RULES, at=NOW)
    assert stage(house, token, at=NOW + RULES.idle) == Stage.OPEN  # and is seen
    assert stage(house, token, at=NOW + 2 * RULES.idle + timedelta(seconds=1)) is None
    token, at = sessions.begin(house, "boss", ["password"], RULES, at=NOW), NOW
    while at < NOW + RULES.absolute - timedelta(hours=1):
        at += timedelta(hours=1)
        assert stage(house, token, at=at) == Stage.OPEN
    assert stage(house, token, at=NOW + RULES.absolute) is None
    half = sessions.begin(house, "anna", ["password"], RULES, at=NOW)
    assert stage(house, half, at=NOW + HALF) is None
    assert stage(house, half, at=NOW) is None, "what has ended stays ended"
    ways = [event.detail["how"] for event in audit.events(house, action="session.ended")]
    assert ways == ["absolute", "idle"], "nobody was signed in half way"


def test_what_an_open_page_asks_for_keeps_nobody_signed_in(house):
    token = sessions.begin(house, "boss", ["password"], RULES, at=NOW)
    assert sessions.find(house, token, RULES, NOW + RULES.idle, attended=False)
    assert sessions.find(house, token, RULES, NOW + RULES.idle + timedelta(seconds=1)) is None


@pytest.mark.parametrize("end", [
    lambda engine: people.close(engine, "boss", by="system"),
    lambda engine: people.set_password(engine, "boss", "a zebra drinks tea", by="system"),
    lambda engine: people.change(engine, "boss", {"locked_until": people.FOREVER}, "x", "locked", ends=True),
])  # fmt: skip
def test_what_happens_to_an_account_ends_its_sessions(house, end):
    tokens = [sessions.begin(house, "boss", ["password"], RULES, at=NOW) for _ in range(2)]
    other = sessions.begin(house, "anna", ["provider"], RULES, at=NOW)
    end(house)
    assert [stage(house, token) for token in tokens] == [None, None]
    assert stage(house, other) == Stage.OPEN


def test_one_ends_a_session_of_ones_own_and_no_other(house):
    token = sessions.begin(house, "boss", ["password"], RULES, at=NOW)
    session = sessions.find(house, token, RULES, NOW)
    assert not sessions.end_one(house, "anna", session.id, "anna", NOW)
    assert stage(house, token) == Stage.OPEN
    assert sessions.end_one(house, "boss", session.id, "boss", NOW)
    assert not sessions.end_one(house, "boss", session.id, "boss", NOW)
    assert stage(house, token) is None


def test_all_but_one_end(house):
    kept, gone = (sessions.begin(house, "boss", ["password"], RULES, at=NOW) for _ in range(2))
    here = sessions.find(house, kept, RULES, NOW).id
    with writing(house) as connection:
        assert sessions.end_all(connection, "boss", "boss", at=NOW, but=here) == 1
    assert (stage(house, kept), stage(house, gone)) == (Stage.OPEN, None)
    assert [each.id for each in sessions.of(house, "boss", RULES, NOW)] == [here]


def test_a_demo_person_is_out_once_the_data_is_real(house):
    synthetic = Rules(RULES.idle, RULES.absolute, synthetic=True)
    token = sessions.begin(house, "demo", ["demo"], synthetic, at=NOW)
    assert stage(house, token, synthetic) == Stage.OPEN
    assert stage(house, token, RULES) is None


def test_who_they_are_is_asked_again_after_a_quarter_of_an_hour(house):
    token = sessions.begin(house, "boss", ["password"], RULES, at=NOW)
    later = NOW + FRESH
    assert not sessions.find(house, token, RULES, later).fresh(later)
    token = sessions.advance(house, token, "password", RULES, later)
    assert sessions.find(house, token, RULES, later).fresh(later)
    assert audit.events(house, action="person.confirmed")[0].actor == "boss"


def test_no_token_lies_in_the_database(house, tmp_path):
    token = sessions.begin(house, "boss", ["password"], RULES, at=NOW)
    house.dispose()
    assert token.encode() not in b"".join(path.read_bytes() for path in tmp_path.glob("*.sqlite*"))


@pytest.mark.parametrize("token", ["", "x", "é" * 500, "\0", "\ud800"])
def test_what_is_no_token_opens_nothing(house, token):
    assert sessions.find(house, token, RULES, NOW) is None
    sessions.end(house, token, NOW)


def test_a_browser_is_named_in_words():
    agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0"
    assert sessions.browser(agent) == "Edge · Windows"
    assert sessions.browser("curl/8") == ""


def test_the_rules_follow_the_settings():
    assert "doctor" in Rules.of(Settings()).second
    assert not Rules.of(Settings(synthetic=True)).second
    assert not Rules.of(Settings(second_factor="none")).second
    assert Rules.of(Settings(second_factor="dpo,legal")).second == {"dpo", "legal"}
    with pytest.raises(InvalidSetting, match="a role that there is not"):
        Rules.of(Settings(second_factor="wizard"))


def test_it_works_on_both_databases(database_url, tmp_path):
    opened = open_store(database_url)
    people.add(opened, "boss", name="Boss", role="director", password=SECRET, at=NOW)
    token = sessions.begin(opened, "boss", ["password"], EASY, at=NOW)
    token = sessions.advance(opened, token, "password", EASY, NOW)
    assert stage(opened, token, EASY) == Stage.OPEN
    second = SecondFactor(opened, tmp_path)
    codes = second.confirm("boss", pyotp.TOTP(second.begin("boss", NOW)).at(NOW), NOW)
    second.check("boss", codes[0], NOW)
    assert stage(opened, sessions.begin(opened, "boss", ["password"], EASY, at=NOW), EASY) == Stage.CODE
    people.close(opened, "boss", by="system")
    assert stage(opened, token, EASY) is None
    opened.dispose()


class Door(RuleBasedStateMachine):
    """Any order of what people, administrators and time do: an open session always follows from what was shown."""

    def __init__(self):
        super().__init__()
        self.engine = open_store("sqlite://")
        people.add(self.engine, "anna", name="Anna", role="doctor", password=SECRET, at=NOW)
        self.at, self.alive, self.dead = NOW, {}, set()  # token -> what was shown for it
        self.enrolled = self.initial = False

    def teardown(self):
        self.engine.dispose()

    @rule()
    def sign_in(self):
        token = sessions.begin(self.engine, "anna", ["password"], RULES, at=self.at)
        self.alive[token] = {"password"}

    @rule(shown=st.sampled_from(["code", "password"]), pick=st.integers(0, 9))
    def show(self, shown, pick):
        if not self.alive:
            return
        token = sorted(self.alive)[pick % len(self.alive)]
        known = self.alive.pop(token)
        self.dead.add(token)
        new = sessions.advance(self.engine, token, shown, RULES, self.at)
        if new:
            self.alive[new] = known | {shown}

    @rule()
    def enrol(self):
        if self.enrolled:
            return
        values = {"person": "anna", "secret": "x", "since": self.at, "confirmed": True, "last_step": 0}
        with writing(self.engine) as connection:
            connection.execute(second_factor._factor.insert().values(**values))
        self.enrolled = True

    @rule(initial=st.booleans())
    def password(self, initial):
        values = {"initial_until": self.at + people.INITIAL if initial else None}
        people.change(self.engine, "anna", values, "x", "password", self.at, ends=True)
        self.initial = initial
        self.dead |= set(self.alive)
        self.alive = {}

    @rule(pick=st.integers(0, 9))
    def sign_out(self, pick):
        if self.alive:
            token = sorted(self.alive)[pick % len(self.alive)]
            sessions.end(self.engine, token, self.at)
            del self.alive[token]
            self.dead.add(token)

    @rule(minutes=st.sampled_from([1, 9, 11, 119, 121, 721]))
    def wait(self, minutes):
        self.at += timedelta(minutes=minutes)
        for token in list(self.alive):
            if sessions.find(self.engine, token, RULES, self.at, attended=False) is None:
                self.dead.add(token)
                del self.alive[token]

    @invariant()
    def nothing_that_ended_comes_back(self):
        assert all(sessions.find(self.engine, token, RULES, self.at) is None for token in self.dead)

    @invariant()
    def an_open_session_was_shown_all_that_the_account_asks(self):
        for token, shown in self.alive.items():
            found = sessions.find(self.engine, token, RULES, self.at)
            if found and found.stage == Stage.OPEN:
                assert "password" in shown
                assert "code" in shown or found.started < self.at or not self.enrolled
                assert set(found.shown) == shown


Door.TestCase.settings = settings(max_examples=20, stateful_step_count=15, deadline=None)
TestDoor = Door.TestCase
