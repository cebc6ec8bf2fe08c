"""The command that manages people, as an engineer types it."""

import re

import pytest
from click.testing import CliRunner

from vesalius.cli import main
from vesalius.governance import people, sessions
from vesalius.hospital import Hospital
from vesalius.settings import Settings


@pytest.fixture
def home(tmp_path):
    Settings(second_factor="none").save(tmp_path)
    return tmp_path


def run(home, *words, code=0, **given):
    result = CliRunner().invoke(main, ["person", *words, "--home", str(home)], **given)
    assert result.exit_code == code, result.output
    return result.output


def add(home, login="anna", *more):
    return run(home, "add", login, "--name", "Anna Peeters", "--role", "doctor", *more)


def initial(output):
    return re.search(r"initial password, shown this once: (\S+)", output).group(1)


def opened(home):
    return Hospital.open(home)


def test_a_person_is_invited_listed_reset_and_closed(home):
    given = initial(add(home, "anna", "--role", "director", "--invite"))
    hospital = opened(home)
    assert people.check_password(hospital.engine, "anna", given).roles == ("doctor", "director")
    assert re.search(r"^anna +doctor\+director +password +invited until", run(home, "list"))
    token = sessions.begin(
        hospital.engine, "anna", ["password"], sessions.Rules.of(hospital.settings), address="::1"
    )
    again = initial(run(home, "reset", "anna"))
    assert again != given
    assert sessions.find(hospital.engine, token, sessions.Rules.of(hospital.settings)) is None
    assert people.check_password(hospital.engine, "anna", again).id == "anna"
    assert run(home, "close", "anna") == "closed anna\n"
    assert run(home, "list") == ""
    hospital.close()


def test_sessions_are_listed_and_ended(home):
    add(home, "anna", "--password", "correct horse battery")
    hospital = opened(home)
    rules = sessions.Rules.of(hospital.settings)
    token = sessions.begin(
        hospital.engine, "anna", ["password"], rules, address="192.0.2.7", agent="Firefox Linux"
    )
    assert "192.0.2.7" in run(home, "sessions", "anna")
    assert sessions.find(hospital.engine, token, rules)
    assert "ended 1" in run(home, "sessions", "anna", "--end")
    assert sessions.find(hospital.engine, token, rules) is None
    assert run(home, "sessions", "anna") == ""
    hospital.close()


def test_a_password_is_asked_for_and_a_bad_one_refused(home):
    secret = "correct horse battery"
    assert "added bart" in run(
        home, "add", "bart", "--name", "Bart", "--role", "nurse", input=f"{secret}\n{secret}\n"
    )
    assert "at least 15" in add_refused(home, "--password", "short")
    assert "easily guessed" in add_refused(home, "--password", "passwordpassword")
    assert "--invite makes the password" in add_refused(home, "--password", secret, "--invite", code=2)
    assert "no role" in run(
        home, "add", "eve", "--name", "E", "--role", "wizard", "--password", secret, code=1
    )


def add_refused(home, *more, code=1):
    return run(home, "add", "eve", "--name", "Eve", "--role", "nurse", *more, code=code)


@pytest.mark.parametrize("words", [("close",), ("reset",), ("reset", "--second-factor"), ("sessions",)])
def test_an_account_that_is_not_there_is_said(home, words):
    assert "there is no account 'nobody'" in run(home, words[0], "nobody", *words[1:], code=1)


def test_the_key_of_the_second_factors_is_replaced(home):
    assert run(home, "new-key").startswith("0 second factors are encrypted with a new key")
    assert (home / "second-factor.secret").exists()
