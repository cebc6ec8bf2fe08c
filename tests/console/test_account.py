"""Signing in with a second factor, one's own account, and managing those of others, in a browser without script."""

import re
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
import synthetic
from argon2 import PasswordHasher
from browsing import Reader

from vesalius.console import app, visit
from vesalius.governance import audit, people
from vesalius.governance.second_factor import SecondFactor

NEW = "a zebra drinks green tea"


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch):
    people._nobody.cache_clear()
    monkeypatch.setattr(people, "_hasher", lambda: PasswordHasher(1, 8, 1))


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """A clock of the console that a test moves on."""
    passed = [timedelta()]

    class Later(datetime):
        @classmethod
        def now(cls, zone=None):
            return datetime.now(UTC) + passed[0]

    monkeypatch.setattr(visit, "datetime", Later)
    return passed


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A hospital with real data, where everybody must have a second factor."""
    made = synthetic.make(tmp_path_factory.mktemp("real"), count=1, synthetic=False, second_factor="all")
    yield made
    made.close()


@pytest.fixture
def anyone(real):
    """Adds somebody with a password, and a browser that is theirs."""

    def make(login, role="doctor", language="en"):
        people.add(
            real.engine, login, name=login.title(), role=role, language=language, password=synthetic.PASSWORD
        )
        return Reader(app(real), headers={"accept-language": "en"})

    return make


def enter(browser, login, password=synthetic.PASSWORD, **fields):
    return browser.submit("/sign-in", login=login, password=password, **fields)


def enrol(browser, clock):
    """Sets up a second factor; the secret, and the recovery codes."""
    page = browser.get("/second-factor").text
    secret = re.search(r'class="secret">([A-Z2-7 ]+)<', page).group(1).replace(" ", "")
    done = browser.submit("/second-factor", code=pyotp.TOTP(secret).at(datetime.now(UTC) + clock[0]))
    return secret, re.findall(r"<code>([A-Z2-7-]{29})</code>", done.text)


def test_the_first_sign_in_sets_up_a_second_factor_and_the_next_asks_for_it(anyone, clock):
    browser = anyone("iris")
    assert enter(browser, "iris").url.path == "/second-factor"
    for path in ("/", "/account", "/decisions"):  # nothing is open yet
        assert browser.get(path, follow_redirects=False).headers["location"].startswith("/sign-in")
    secret, codes = enrol(browser, clock)
    assert len(codes) == 10
    assert browser.get("/account").status_code == 200
    browser.submit("/sign-out")
    assert enter(browser, "iris", next="/decisions").url.path == "/sign-in/code"
    assert browser.get("/decisions", follow_redirects=False).status_code == 303
    assert browser.submit("/sign-in/code", code="000000").status_code == 401
    clock[0] += timedelta(minutes=2)
    assert (
        browser.submit("/sign-in/code", code=pyotp.TOTP(secret).at(datetime.now(UTC) + clock[0])).url.path
        == "/decisions"
    )
    browser.submit("/sign-out")
    enter(browser, "iris")
    assert browser.submit("/sign-in/code", code=codes[0]).status_code == 200
    assert "Recovery codes left: 9" in browser.get("/account").text


def test_a_cookie_that_was_copied_is_worth_nothing_after_signing_out(anyone, clock):
    browser = anyone("jo")
    enter(browser, "jo")
    enrol(browser, clock)
    copy = Reader(browser.app)
    copy.cookies.update(browser.cookies)
    assert copy.get("/account", follow_redirects=False).status_code == 200
    browser.submit("/sign-out")
    assert copy.get("/account", follow_redirects=False).status_code == 303


def test_an_initial_password_is_changed_first_and_only_for_a_good_one(anyone, real, clock):
    browser = anyone("kim")
    people.set_password(real.engine, "kim", "one two giraffe seven", by="system", initial=True)
    assert enter(browser, "kim", "one two giraffe seven").url.path == "/sign-in/password"
    for old, new, again, why in (
        ("wrong", NEW, NEW, "The old password is wrong"),
        ("one two giraffe seven", NEW, NEW + "x", "are not the same"),
        ("one two giraffe seven", "short", "short", "at least 15 characters"),
        ("one two giraffe seven", "Clinique Sainte-Ode", "Clinique Sainte-Ode", "Take another one"),
    ):
        answer = browser.submit("/sign-in/password", old=old, new=new, again=again)
        assert answer.status_code == 400
        assert why in answer.text
    answer = browser.submit("/sign-in/password", old="one two giraffe seven", new=NEW, again=NEW)
    assert answer.url.path == "/second-factor"
    assert people.get(real.engine, "kim").initial_until is None


def test_an_initial_password_is_good_for_three_days(anyone, real, clock):
    browser = anyone("lea")
    people.set_password(real.engine, "lea", "one two giraffe seven", by="system", initial=True)
    clock[0] = timedelta(days=3, minutes=1)
    assert enter(browser, "lea", "one two giraffe seven").status_code == 401


def test_a_new_password_ends_every_other_session(anyone, clock):
    browser = anyone("max")
    enter(browser, "max")
    _, codes = enrol(browser, clock)
    other = Reader(browser.app)
    enter(other, "max")
    other.submit("/sign-in/code", code=codes[0])
    assert browser.get("/account").text.count('<button class="quiet" name="session"') == 1
    browser.submit("/account/password", old=synthetic.PASSWORD, new=NEW, again=NEW)
    assert other.get("/account", follow_redirects=False).status_code == 303
    assert browser.get("/account", follow_redirects=False).status_code == 200


def test_one_signs_out_elsewhere_from_here(anyone, clock):
    browser = anyone("nia")
    enter(browser, "nia")
    _, codes = enrol(browser, clock)
    others = [Reader(browser.app) for _ in range(2)]
    for each, code in zip(others, codes, strict=False):
        enter(each, "nia")
        each.submit("/sign-in/code", code=code)
    one = re.search(r'name="session" value="([0-9a-f]{16})"', browser.get("/account").text).group(1)
    browser.submit("/account/sessions", session=one)
    assert sorted(each.get("/account", follow_redirects=False).status_code for each in others) == [200, 303]
    browser.submit("/account/sessions", session="others")
    assert [each.get("/account", follow_redirects=False).status_code for each in others] == [303, 303]
    assert browser.get("/account", follow_redirects=False).status_code == 200


def test_a_session_that_was_left_open_ends_no_other_without_the_password(boss, clock):
    other = Reader(boss.app)
    enter(other, boss.login)
    clock[0] += timedelta(seconds=60)
    other.submit("/sign-in/code", code=pyotp.TOTP(boss.secret).at(datetime.now(UTC) + clock[0]))
    clock[0] += timedelta(minutes=16)
    asked = boss.submit("/account/sessions", session="others")
    assert asked.status_code == 403
    assert other.get("/account", follow_redirects=False).status_code == 200
    code = pyotp.TOTP(boss.secret).at(datetime.now(UTC) + clock[0])
    boss.submit("/account/sessions", session="others", again_password=synthetic.PASSWORD, again_code=code)
    assert other.get("/account", follow_redirects=False).status_code == 303


@pytest.fixture
def boss(anyone, real, clock):
    login = f"boss{len(people.everyone(real.engine))}"
    browser = anyone(login, "director")
    enter(browser, login)
    browser.secret = enrol(browser, clock)[0]
    browser.login = login
    return browser


def test_what_matters_asks_again_and_keeps_what_was_written(boss, clock, real):
    clock[0] += timedelta(minutes=16)
    written = {"login": "olga", "name": "Olga “O” Peters", "role-nurse": "1", "language": "nl"}
    asked = boss.submit("/people", **written)
    assert asked.status_code == 403
    assert "Is it you?" in asked.text
    for name, value in written.items():
        assert f'name="{name}" value="{value}"' in asked.text
    code = pyotp.TOTP(boss.secret).at(datetime.now(UTC) + clock[0])
    wrong = boss.submit("/people", **written, again_password="wrong", again_code=code)
    assert wrong.status_code == 401
    assert people.find(real.engine, "olga") is None
    done = boss.submit("/people", **written, again_password=synthetic.PASSWORD, again_code=code)
    given = re.search(r'class="secret">([a-z0-9-]{23})<', done.text).group(1)
    assert people.check_password(real.engine, "olga", given).roles == ("nurse",)
    assert audit.events(real.engine, action="person.confirmed")[0].actor == boss.login


def test_an_administrator_changes_others_and_never_themselves(boss, anyone, real, clock):
    browser = anyone("paul")
    enter(browser, "paul")
    enrol(browser, clock)
    for action in ("roles", "lock", "close", "password", "factor", "unlock"):
        answer = boss.submit("/people/change", login=boss.login, action=action, **{"role-dpo": "1"})
        assert answer.status_code == 403, action
        assert people.get(real.engine, boss.login).roles == ("director",)
    boss.submit("/people/change", login="paul", action="roles", **{"role-nurse": "1", "role-dpo": "1"})
    assert set(people.get(real.engine, "paul").roles) == {"nurse", "dpo"}
    boss.submit("/people/change", login="paul", action="sessions")
    assert browser.get("/account", follow_redirects=False).status_code == 303
    boss.submit("/people/change", login="paul", action="factor")
    assert not SecondFactor(real.engine, real.home).enrolled("paul")
    boss.submit("/people/change", login="paul", action="lock")
    assert enter(Reader(browser.app), "paul").status_code == 401
    boss.submit("/people/change", login="paul", action="unlock")
    assert enter(Reader(browser.app), "paul").url.path == "/second-factor"
    boss.submit("/people/change", login="paul", action="close")
    assert people.find(real.engine, "paul") is None
    assert boss.submit("/people/change", login="paul", action="lock").status_code == 404
    assert boss.submit("/people/change", login="martin", action="nonsense").status_code == 400


def test_nobody_else_manages_people(anyone, clock):
    browser = anyone("quinn", "engineer")
    enter(browser, "quinn")
    enrol(browser, clock)
    assert browser.get("/people").status_code == 403
    assert browser.submit("/people/change", login="martin", action="close").status_code == 403


def test_a_demo_person_sees_why_they_need_no_password(reader):
    page = reader("delforge").get("/account").text
    assert "You are one of the demo people" in page
    assert "/account/password" not in page
    assert reader("delforge").get("/second-factor", follow_redirects=False).headers["location"] == "/account"


def test_the_cookie_is_a_host_cookie_behind_tls(real):
    answer = Reader(app(real), base_url="https://console.hospital").get("/sign-in")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-vesalius=")
    assert "path=/" in cookie.lower()
    assert "domain" not in cookie.lower()
