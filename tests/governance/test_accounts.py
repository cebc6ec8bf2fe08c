"""Managing accounts: what an administrator may do, and what nobody may."""

import pytest
from argon2 import PasswordHasher

from vesalius.errors import Conflict, InvalidSetting, NotAllowed, NotFound
from vesalius.governance import accounts, audit, people
from vesalius.governance.roles import MATRIX, Right, Role

SECRET = "correct horse battery"


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch):
    monkeypatch.setattr(people, "_hasher", lambda: PasswordHasher(1, 8, 1))


@pytest.fixture
def boss(engine):
    people.add(engine, "anna", name="Anna", role="doctor", password=SECRET)
    return people.add(engine, "boss", name="Boss", role="director", password=SECRET)


CHANGES = [
    accounts.reset_password, accounts.reset_second_factor, accounts.lock, accounts.unlock, accounts.close,
    lambda engine, login, **given: accounts.set_roles(engine, login, ["director"], **given),
]  # fmt: skip


@pytest.mark.parametrize("change", [*CHANGES, accounts.end_sessions])
@pytest.mark.parametrize("role", sorted(set(Role) - MATRIX[Right.MANAGE_PEOPLE]))
def test_only_who_manages_people_may(engine, boss, change, role):
    other = people.add(engine, "other", name="Other", role=role, password=SECRET)
    before = audit.head(engine)
    with pytest.raises(NotAllowed):
        change(engine, "anna", by=other)
    with pytest.raises(NotAllowed):
        accounts.invite(engine, "new", name="New", role=["doctor"], language="fr", by=other)
    assert audit.head(engine) == before, "nothing was written"


@pytest.mark.parametrize("change", CHANGES)
def test_nobody_does_it_to_themselves(engine, boss, change):
    with pytest.raises(NotAllowed, match="their own"):
        change(engine, "boss", by=boss)


def test_the_last_administrator_stays_one(engine, boss):
    second = people.add(engine, "second", name="Second", role=["director", "doctor"], password=SECRET)
    accounts.set_roles(engine, "boss", ["doctor"], by=second)
    third = people.get(engine, "boss")
    with pytest.raises(NotAllowed):
        accounts.close(engine, "second", by=third)
    for change in (
        accounts.lock,
        accounts.close,
        lambda engine, login, **given: accounts.set_roles(engine, login, ["doctor"], **given),
    ):
        with pytest.raises(Conflict, match="last administrator"):  # by one whose role was taken a moment ago
            change(engine, "second", by=boss)


def test_a_locked_administrator_is_none(engine, boss):
    people.add(engine, "second", name="Second", role="director", password=SECRET)
    third = people.add(engine, "third", name="Third", role="director", password=SECRET)
    for login in ("second", "boss"):
        accounts.lock(engine, login, by=third)
    with pytest.raises(Conflict, match="last administrator"):
        accounts.close(engine, "third", by=boss)


def test_an_invitation_gives_a_password_once(engine, boss):
    given = accounts.invite(engine, "new", name=" New ", role=["nurse", "dpo"], language="de", by=boss)
    person = people.check_password(engine, "new", given)
    assert (person.name, person.roles, person.language) == ("New", ("nurse", "dpo"), "de")
    assert person.initial_until is not None
    assert given not in str(audit.events(engine))
    with pytest.raises(Conflict):
        accounts.invite(engine, "new", name="Other", role=["nurse"], language="de", by=boss)


@pytest.mark.parametrize(
    "wrong", [{"role": []}, {"role": ["wizard"]}, {"name": " "}, {"name": "a\nb"}, {"language": "it"}]
)
def test_an_invitation_that_makes_no_sense_is_refused(engine, boss, wrong):
    given = {"name": "New", "role": ["nurse"], "language": "de"} | wrong
    with pytest.raises(InvalidSetting):
        accounts.invite(engine, "new", **given, by=boss)
    assert people.find(engine, "new") is None


def test_who_signs_in_elsewhere_gets_no_password_here(engine, boss):
    people.add(engine, "far", name="Far", role="doctor", password=people.ELSEWHERE)
    with pytest.raises(NotAllowed, match="no password here"):
        accounts.reset_password(engine, "far", by=boss)
    for password in ("", people.ELSEWHERE):
        with pytest.raises(NotAllowed):
            people.check_password(engine, "far", password)
    with pytest.raises(NotAllowed):
        people.sign_in_demo(engine, "far", synthetic=True)


def test_of_an_account_that_is_not_there_nothing_is_changed(engine, boss):
    for change in (*CHANGES, accounts.end_sessions):
        with pytest.raises(NotFound):
            change(engine, "nobody", by=boss)


def test_the_main_role_stays_first(engine, boss):
    people.add(engine, "two", name="Two", role=["nurse", "dpo"], password=SECRET)
    accounts.set_roles(engine, "two", ["doctor", "dpo", "nurse"], by=boss)
    assert people.get(engine, "two").roles == ("nurse", "dpo", "doctor")
