"""People: their accounts, and signing in.

Passwords are kept as Argon2id hashes (RFC 9106). A demo person has none, and signs in by name where the
hospital's data is synthetic, nowhere else. Whom the hospital's own sign-in knows (OpenID Connect) has none
either; theirs is :data:`ELSEWHERE`.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from vesalius.card import LANGUAGES
from vesalius.errors import Conflict, InvalidSetting, NotAllowed, NotFound
from vesalius.governance import audit, passwords, roles, second_factor, sessions
from vesalius.governance.audit import Action
from vesalius.store import Instant, metadata, reading, writing

if TYPE_CHECKING:
    from argon2 import PasswordHasher

ATTEMPTS = 5
"""How many wrong passwords in a row lock an account."""

LOCKED = timedelta(minutes=15)
"""For how long."""

FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
"""Until when an account is locked that an administrator locked."""

INITIAL = timedelta(days=3)
"""For how long an initial password is good (OWASP ASVS 5.0, 6.4.1: a short period)."""

ELSEWHERE = "elsewhere"
"""In the place of a password: the person signs in with the hospital's own sign-in, and nowhere else."""

_hashing, _first = threading.BoundedSemaphore(4), threading.Lock()
# Each check of a password takes 64 MiB: a crowd at the door queues up, and does not fill the memory.

_person = sa.Table(
    "person",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("roles", sa.JSON, nullable=False),
    sa.Column("language", sa.String(2), nullable=False),
    sa.Column("password", sa.Text),
    sa.Column("added_at", Instant, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False, default=0),
    sa.Column("locked_until", Instant),
    sa.Column("active", sa.Boolean, nullable=False, default=True),
    sa.Column("initial_until", Instant),
)


@dataclass(frozen=True)
class Person:
    """One account.

    Attributes:
        id: what they sign in with.
        name: as colleagues know them.
        roles: what they are, the first one being what they are called.
        language: fr, nl, de or en.
        demo: whether they have no password and sign in by name.
        elsewhere: whether they sign in with the hospital's own sign-in.
        initial_until: until when an initial password is good; None when they chose their own.
        locked_until: until when the account is locked, or None.
    """

    id: str
    name: str
    roles: tuple[str, ...]
    language: str
    demo: bool = False
    elsewhere: bool = False
    initial_until: datetime | None = None
    locked_until: datetime | None = None

    @property
    def role(self) -> str:
        """The first of their roles."""
        return self.roles[0]

    def may(self, action: str) -> bool:
        """Whether one of their roles has the right ``action``."""
        return roles.may(self.roles, action)

    def role_among(self, wanted: Sequence[str]) -> str:
        """The first of their roles that is one of ``wanted``, or empty."""
        return next((role for role in self.roles if role in wanted), "")


def add(
    engine: sa.Engine,
    login: str,
    *,
    name: str,
    role: str | Sequence[str],
    language: str = "fr",
    password: str | None = None,
    by: str = audit.SYSTEM,
    at: datetime | None = None,
    initial: bool = False,
) -> Person:
    """Adds a person.

    Args:
        engine: the hospital's database.
        login: what they sign in with.
        name: as colleagues know them.
        role: one role, or several with the main one first.
        language: fr, nl, de or en.
        password: as :mod:`vesalius.governance.passwords` asks; None makes a demo person, :data:`ELSEWHERE`
            one whom the hospital's own sign-in knows.
        by: the account that adds them.
        at: when.
        initial: whether the password is to be changed at the first sign-in, within three days.

    Raises:
        InvalidSetting: an unknown role or language, or a password too short.
        Conflict: the account exists.
    """
    held = (role,) if isinstance(role, str) else tuple(role)
    _check(login, held, language)
    at = at or datetime.now(UTC)
    values = {"id": login, "name": name, "roles": list(held), "language": language, "added_at": at}
    values |= {"initial_until": at + INITIAL if initial else None}
    if password is not None and password != ELSEWHERE:
        password = hash_password(password, login, name)
    try:
        with writing(engine) as connection:
            connection.execute(sa.insert(_person).values(values | {"password": password}))
            detail = {"roles": list(held), "demo": password is None}
            audit.record(connection, by, Action.PERSON_ADDED, login, detail, at)
    except sa.exc.IntegrityError as error:
        raise Conflict(f"there is already an account {login!r}") from error
    return get(engine, login)


def get(engine: sa.Engine, login: str) -> Person:
    """One person.

    Raises:
        NotFound: no such account, or it was closed.
    """
    row = _row(engine, login)
    if row is None or not row.active:
        raise NotFound(f"there is no account {login!r}")
    return _to_person(row)


def find(engine: sa.Engine, login: str) -> Person | None:
    """One person, or None where there is none; a closed account is none, and its name stays taken."""
    row = _row(engine, login)
    return None if row is None or not row.active else _to_person(row)


def everyone(where: sa.Engine | sa.Connection) -> list[Person]:
    """Every person whose account is open, by name."""
    if isinstance(where, sa.Engine):
        with reading(where) as connection:
            return everyone(connection)
    rows = where.execute(sa.select(_person).where(_person.c.active).order_by(_person.c.name))
    return [_to_person(row) for row in rows]


def known(connection: sa.Connection) -> dict[str, tuple[str, tuple[str, ...]]]:
    """The name and the roles of every account there ever was, closed ones too."""
    rows = connection.execute(sa.select(_person.c.id, _person.c.name, _person.c.roles))
    return {row.id: (row.name, tuple(row.roles)) for row in rows}


def choose_language(engine: sa.Engine, login: str, language: str) -> None:
    """Keeps the language a person chose.

    Raises:
        InvalidSetting: not one of the four.
    """
    if language not in LANGUAGES:
        raise InvalidSetting(f"no language {language!r}", hint=", ".join(LANGUAGES))
    with writing(engine) as connection:
        connection.execute(sa.update(_person).where(_person.c.id == login).values(language=language))


def set_password(
    engine: sa.Engine,
    login: str,
    password: str,
    *,
    by: str,
    at: datetime | None = None,
    initial: bool = False,
) -> None:
    """Gives a person a new password, unlocks the account, and ends every session of theirs.

    Args:
        engine: the hospital's database.
        login: whose.
        password: as :mod:`vesalius.governance.passwords` asks.
        by: the account that gives it.
        at: when.
        initial: whether it is to be changed at the first sign-in, within three days.

    Raises:
        InvalidSetting: it is too short, too long or easily guessed.
        NotFound: no such account.
    """
    at, person = at or datetime.now(UTC), get(engine, login)
    with reading(engine) as connection:
        second = second_factor.enrolled(connection, login)
    hashed = hash_password(password, login, person.name, second=second and not initial)
    values: dict[str, Any] = {"password": hashed}
    values |= {"failures": 0, "locked_until": None, "initial_until": at + INITIAL if initial else None}
    change(engine, login, values, by, "initial password" if initial else "password", at, ends=True)


def change_password(
    engine: sa.Engine, login: str, old: str, new: str, *, hospital: str = "", at: datetime | None = None
) -> None:
    """Lets a person choose a new password, with the old one; every session of theirs ends.

    Raises:
        NotAllowed: the old one is wrong; it counts as a wrong password at the door.
        InvalidSetting: the new one is too short, too long, easily guessed, or the old one again.
    """
    person = check_password(engine, login, old, at)
    if passwords.normal(new) == passwords.normal(old):
        raise InvalidSetting("this is the old password again")
    if hospital and passwords.common(new, hospital, login, person.name):
        raise InvalidSetting(
            "this password is easily guessed", hint="take several words that do not belong together"
        )
    set_password(engine, login, new, by=login, at=at)


def close(engine: sa.Engine, login: str, *, by: str, at: datetime | None = None) -> None:
    """Closes an account: it can no longer sign in, and its sessions end; what it did stays."""
    change(engine, login, {"active": False}, by, "closed", at, ends=True)


def sign_in(engine: sa.Engine, login: str, password: str, at: datetime | None = None) -> Person:
    """The person, when the password is theirs, and notes that they signed in.

    Raises:
        NotAllowed: unknown, wrong, locked or closed; the message does not say which.
    """
    person = check_password(engine, login, password, at)
    audit.record(engine, login, Action.PERSON_SIGNED_IN, login, {}, at)
    return person


def check_password(engine: sa.Engine, login: str, password: str, at: datetime | None = None) -> Person:
    """The person, when the password is theirs.

    An unknown account takes as long as a known one and gets the same answer; after five wrong passwords in a
    row an account is locked for a quarter of an hour.

    Raises:
        NotAllowed: unknown, wrong, locked, closed, or an initial password that is too old; the message does
            not say which.
    """
    at = at or datetime.now(UTC)
    row = _row(engine, login)
    stored = row.password if row is not None and row.password not in (None, ELSEWHERE) else None
    right = _matches(stored or _somebody(), passwords.normal(password))
    locked = row is not None and row.locked_until is not None and row.locked_until > at
    if row is None or stored is None or not row.active or locked or not right or _too_old(row, at):
        _refuse(engine, login, known=row is not None, counts=not (right or locked), at=at)
        raise NotAllowed("the name or the password is wrong, or the account is locked")
    with writing(engine) as connection:
        values: dict[str, Any] = {"failures": 0, "locked_until": None}
        if _hasher().check_needs_rehash(stored):
            values["password"] = _hasher().hash(passwords.normal(password))
        connection.execute(sa.update(_person).where(_person.c.id == login).values(values))
    return get(engine, login)


def sign_in_demo(engine: sa.Engine, login: str, *, synthetic: bool, at: datetime | None = None) -> Person:
    """A demo person, without a password.

    Args:
        engine: the hospital's database.
        login: the account.
        synthetic: the hospital's setting of that name; False refuses everyone.
        at: when.

    Raises:
        NotAllowed: the data is not synthetic, or this is no demo person.
    """
    row = _row(engine, login)
    locked = row is not None and row.locked_until is not None and row.locked_until > (at or datetime.now(UTC))
    if not synthetic or row is None or row.password or not row.active or locked:
        raise NotAllowed("demo people sign in where the data is synthetic, and nowhere else")
    return _to_person(row)


def sign_out(engine: sa.Engine, login: str, at: datetime | None = None) -> None:
    """Notes that a person signed out."""
    audit.record(engine, login, Action.PERSON_SIGNED_OUT, login, {}, at)


def hash_password(password: str, *about: str, second: bool = False) -> str:
    """The Argon2id hash of a password.

    Raises:
        InvalidSetting: it may be nobody's, as :func:`vesalius.governance.passwords.check` says.
    """
    passwords.check(password, *about, second=second)
    return _hasher().hash(passwords.normal(password))


def _check(login: str, held: Sequence[str], language: str) -> None:
    if not login or len(login) > 64 or not login.isprintable() or login != login.strip():
        raise InvalidSetting("an account's name has 1 to 64 visible characters")
    if login == audit.SYSTEM:
        raise InvalidSetting(f"{audit.SYSTEM!r} is what acts when no person does")
    unknown = set(held) - set(roles.Role)
    if unknown or not held:
        raise InvalidSetting(f"no role {', '.join(sorted(unknown))!r}", hint=", ".join(roles.Role))
    if language not in LANGUAGES:
        raise InvalidSetting(f"no language {language!r}", hint=", ".join(LANGUAGES))


def _refuse(engine: sa.Engine, login: str, *, known: bool, counts: bool, at: datetime) -> None:
    with writing(engine) as connection:
        # The name typed by a stranger is not kept: people type their password there.
        actor = login if known else "unknown"
        audit.record(connection, actor, Action.PERSON_REFUSED, actor, {}, at)
        if not (known and counts):
            return
        mine = _person.c.id == login
        more = sa.update(_person).where(mine).values(failures=_person.c.failures + 1)
        failures = connection.execute(more.returning(_person.c.failures)).scalar_one()
        if failures >= ATTEMPTS:
            lock = sa.update(_person).where(mine).values(failures=0, locked_until=at + LOCKED)
            connection.execute(lock)
            audit.record(connection, login, Action.PERSON_LOCKED, login, {}, at)


def change(
    engine: sa.Engine,
    login: str,
    values: dict[str, Any],
    by: str,
    what: str,
    at: datetime | None = None,
    *,
    ends: bool = False,
) -> None:
    """Changes an account, in one transaction with its event; where it ``ends`` them, its sessions too.

    Raises:
        NotFound: no such account.
    """
    with writing(engine) as connection:
        changed = connection.execute(sa.update(_person).where(_person.c.id == login).values(values))
        if changed.rowcount != 1:
            raise NotFound(f"there is no account {login!r}")
        audit.record(connection, by, Action.PERSON_CHANGED, login, {"what": what}, at)
        if ends:
            sessions.end_all(connection, login, by, "account", at)


def _too_old(row: Any, at: datetime) -> bool:
    return row.initial_until is not None and row.initial_until <= at


def _row(engine: sa.Engine, login: str) -> Any:
    with reading(engine) as connection:
        return connection.execute(sa.select(_person).where(_person.c.id == login)).one_or_none()


def _to_person(row: Any) -> Person:
    return Person(
        id=row.id,
        name=row.name,
        roles=tuple(row.roles),
        language=row.language,
        demo=row.password is None,
        elsewhere=row.password == ELSEWHERE,
        initial_until=row.initial_until,
        locked_until=row.locked_until,
    )


def _matches(stored: str, password: str) -> bool:
    from argon2.exceptions import VerificationError

    try:
        with _hashing:
            return _hasher().verify(stored, password)
    except VerificationError:
        return False


@cache
def _hasher() -> PasswordHasher:
    # The console imports this module; the hasher is loaded only when somebody signs in.
    from argon2 import PasswordHasher

    return PasswordHasher()


def _somebody() -> str:
    with _first:  # else the first crowd of strangers would make this hash once each, all at once
        return _nobody()


@cache
def _nobody() -> str:
    return _hasher().hash("the password of nobody")
