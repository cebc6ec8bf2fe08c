"""Managing accounts: what an administrator may do to the accounts of others, and what nobody may.

An administrator is whoever has the right ``manage_people``. Nobody changes their own roles, locks or closes
themselves, and the last administrator who can sign in stays one: otherwise nobody could let anyone in again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from vesalius.errors import Conflict, InvalidSetting, NotAllowed
from vesalius.governance import passwords, people, roles, second_factor, sessions
from vesalius.governance.people import FOREVER, Person
from vesalius.governance.roles import Right, Role
from vesalius.store import writing


def invite(
    engine: sa.Engine,
    login: str,
    *,
    name: str,
    role: Sequence[str],
    language: str,
    by: Person,
    at: datetime | None = None,
) -> str:
    """Adds a person, and gives the initial password: once, good for three days, to be changed.

    Raises:
        NotAllowed: ``by`` may not manage people.
        InvalidSetting, Conflict: as :func:`vesalius.governance.people.add`.
    """
    roles.require(by.roles, Right.MANAGE_PEOPLE)
    if not name.strip() or len(name) > 200 or not name.isprintable():
        raise InvalidSetting("a name has 1 to 200 visible characters")
    given = passwords.initial()
    people.add(
        engine,
        login,
        name=name.strip(),
        role=role,
        language=language,
        password=given,
        by=by.id,
        at=at,
        initial=True,
    )
    return given


def reset_password(engine: sa.Engine, login: str, *, by: Person, at: datetime | None = None) -> str:
    """Gives a person a new initial password, and ends their sessions.

    Raises:
        NotAllowed: ``by`` may not manage people, or the person signs in elsewhere, or by name.
    """
    person = _other(engine, login, by)
    if person.demo or person.elsewhere:
        raise NotAllowed("this person has no password here")
    given = passwords.initial()
    people.set_password(engine, login, given, by=by.id, at=at, initial=True)
    return given


def reset_second_factor(engine: sa.Engine, login: str, *, by: Person, at: datetime | None = None) -> None:
    """Takes a person's second factor away, and ends their sessions: they set up a new one.

    Raises:
        NotAllowed: ``by`` may not manage people; for their own there is the page of their account.
    """
    _other(engine, login, by)
    with writing(engine) as connection:
        second_factor.drop(connection, login, by.id, at)
        sessions.end_all(connection, login, by.id, "account", at)


def set_roles(
    engine: sa.Engine, login: str, held: Sequence[str], *, by: Person, at: datetime | None = None
) -> None:
    """Gives a person other roles, from the next request on; of those they had, the main one stays first.

    Raises:
        NotAllowed: ``by`` may not manage people, or the account is their own.
        InvalidSetting: an unknown role, or none.
        Conflict: the person is the last administrator.
    """
    person = _other(engine, login, by)
    if not held or set(held) - set(Role):
        raise InvalidSetting("a person has at least one role, of those there are", hint=", ".join(Role))
    if not roles.may(held, Right.MANAGE_PEOPLE):
        _not_the_last(engine, person, at)
    kept = tuple(dict.fromkeys([*(role for role in person.roles if role in held), *held]))
    people.change(engine, login, {"roles": list(kept)}, by.id, f"roles: {', '.join(kept)}", at)


def lock(engine: sa.Engine, login: str, *, by: Person, at: datetime | None = None) -> None:
    """Locks an account until it is unlocked, and ends its sessions.

    Raises:
        NotAllowed: ``by`` may not manage people, or the account is their own.
        Conflict: the person is the last administrator.
    """
    _not_the_last(engine, _other(engine, login, by), at)
    people.change(engine, login, {"locked_until": FOREVER}, by.id, "locked", at, ends=True)


def unlock(engine: sa.Engine, login: str, *, by: Person, at: datetime | None = None) -> None:
    """Unlocks an account, whoever locked it.

    Raises:
        NotAllowed: ``by`` may not manage people, or the account is their own.
    """
    _other(engine, login, by)
    people.change(engine, login, {"locked_until": None, "failures": 0}, by.id, "unlocked", at)


def close(engine: sa.Engine, login: str, *, by: Person, at: datetime | None = None) -> None:
    """Closes an account for good, and ends its sessions; what it did stays.

    Raises:
        NotAllowed: ``by`` may not manage people, or the account is their own.
        Conflict: the person is the last administrator.
    """
    _not_the_last(engine, _other(engine, login, by), at)
    people.close(engine, login, by=by.id, at=at)


def end_sessions(engine: sa.Engine, login: str, *, by: Person, at: datetime | None = None) -> int:
    """Ends every session of a person; how many there were.

    Raises:
        NotAllowed: ``by`` may not manage people.
    """
    roles.require(by.roles, Right.MANAGE_PEOPLE)
    people.get(engine, login)
    with writing(engine) as connection:
        return sessions.end_all(connection, login, by.id, "other", at)


def _other(engine: sa.Engine, login: str, by: Person) -> Person:
    roles.require(by.roles, Right.MANAGE_PEOPLE)
    if login == by.id:
        raise NotAllowed("nobody does this to their own account", hint="ask another administrator")
    return people.get(engine, login)


def _not_the_last(engine: sa.Engine, person: Person, at: datetime | None) -> None:
    """Refuses what would leave nobody who can let others in."""
    if not person.may(Right.MANAGE_PEOPLE):
        return
    now = at or datetime.now(UTC)
    others = [
        each
        for each in people.everyone(engine)
        if each.id != person.id and each.may(Right.MANAGE_PEOPLE) and (each.locked_until or now) <= now
    ]
    if not others:
        raise Conflict("this is the last administrator", hint="give somebody else the role first")
