"""Sessions: who is signed in, where, since when; kept at the server, so that each can be ended.

A browser holds 256 random bits, the database their SHA-256: who reads the database cannot use a session, and
a cookie that was copied is worth nothing once its session has ended. The token is replaced whenever the
session comes to more: the second factor, an own password, asking again before something that matters
(OWASP ASVS 5.0, 7.2.4).

A session goes through stages: ``code`` while the second factor is awaited, ``password`` while an initial
password must be changed, ``enrol`` while a second factor must be set up, ``open``. Only an open one signs
anybody in; the others last ten minutes. Each stage follows from the account and from what was shown so far.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from vesalius.errors import InvalidSetting
from vesalius.governance import audit, second_factor
from vesalius.governance.audit import Action
from vesalius.governance.roles import Role
from vesalius.settings import Settings
from vesalius.store import Instant, metadata, reading, writing

HALF = timedelta(minutes=10)
"""For how long a session waits before it is open."""

FRESH = timedelta(minutes=15)
"""For how long who they are need not be asked again before something that matters (ASVS 5.0, 7.5.3)."""

SEEN = timedelta(minutes=1)
"""How exactly the last request is noted: a row with every request is waste."""

KEPT = timedelta(days=30)
"""For how long a session that has ended is shown to its person."""

_session = sa.Table(
    "session",
    metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("hash", sa.String(64), nullable=False, unique=True),
    sa.Column("person", sa.String(64), nullable=False, index=True),
    sa.Column("stage", sa.String(16), nullable=False),
    sa.Column("shown", sa.String(64), nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("seen_at", Instant, nullable=False),
    sa.Column("confirmed_at", Instant, nullable=False),
    sa.Column("address", sa.String(64), nullable=False),
    sa.Column("agent", sa.String(64), nullable=False),
    sa.Column("provider", sa.String(255), nullable=False),
    sa.Column("ended_at", Instant),
    sa.Column("ended_how", sa.String(16)),
)


class Stage(StrEnum):
    """How far a session is."""

    CODE = "code"
    PASSWORD = "password"  # noqa: S105 -- the name of a stage
    ENROL = "enrol"
    OPEN = "open"


@dataclass(frozen=True)
class Rules:
    """What a hospital asks of its sessions.

    Attributes:
        idle: after how long without a request one ends.
        absolute: after how long one ends in any case.
        second: the roles that must have a second factor.
        synthetic: whether the data is synthetic, and demo people may sign in.
    """

    idle: timedelta
    absolute: timedelta
    second: frozenset[str] = frozenset()
    synthetic: bool = False

    @classmethod
    def of(cls, settings: Settings) -> Rules:
        """Those of the hospital's settings; where the data is synthetic nobody must have a second factor."""
        named = frozenset(Role) if settings.second_factor == "all" else settings.second_factor.split(",")
        asked = frozenset() if settings.synthetic or settings.second_factor == "none" else frozenset(named)
        if asked - set(Role):  # a typing mistake would leave somebody without one in silence
            raise InvalidSetting("second_factor names a role that there is not", hint=", ".join(Role))
        return cls(
            timedelta(hours=settings.session_hours),
            timedelta(hours=settings.session_hours_at_most),
            asked,
            settings.synthetic,
        )


@dataclass(frozen=True)
class Session:
    """One session.

    Attributes:
        id: its name among people; it opens nothing.
        person: whose.
        stage: how far it is.
        shown: what they showed: ``password``, ``code``, ``demo``, ``provider``.
        started: when.
        seen: the last request, to the minute.
        confirmed: when they last showed who they are.
        address: from which network address it began.
        agent: the browser, in words.
        provider: the name of the session at the hospital's own sign-in, or empty.
        ended: when it ended, or None.
        how: how it ended: ``out``, ``idle``, ``absolute``, ``half``, ``account``, ``other``, ``provider``.
    """

    id: str
    person: str
    stage: Stage
    shown: tuple[str, ...]
    started: datetime
    seen: datetime
    confirmed: datetime
    address: str
    agent: str
    provider: str = ""
    ended: datetime | None = None
    how: str = ""

    def fresh(self, at: datetime) -> bool:
        """Whether who they are was shown lately; a demo person has nothing to show."""
        return self.shown == ("demo",) or at - self.confirmed < FRESH


def begin(
    engine: sa.Engine,
    login: str,
    shown: Sequence[str],
    rules: Rules,
    *,
    address: str = "",
    agent: str = "",
    provider: str = "",
    at: datetime | None = None,
) -> str:
    """Begins a session, and gives the token that the browser keeps.

    Args:
        engine: the hospital's database.
        login: whose.
        shown: what they showed: ``password`` (and ``code``), ``demo`` or ``provider``.
        rules: what the hospital asks.
        address: the network address.
        agent: the browser as it names itself.
        provider: the name of the session at the hospital's own sign-in.
        at: when.
    """
    at, token = at or datetime.now(UTC), secrets.token_urlsafe(32)
    with writing(engine) as connection:
        stage = _stage(connection, login, shown, rules)
        values = {
            "id": secrets.token_hex(8), "hash": _hash(token), "person": login, "stage": stage,
            "shown": "+".join(shown), "started_at": at, "seen_at": at, "confirmed_at": at,
            "address": address[:64], "agent": browser(agent), "provider": provider[:255],
        }  # fmt: skip
        connection.execute(sa.insert(_session).values(values))
        connection.execute(sa.delete(_session).where(_session.c.ended_at < at - KEPT))
        if stage == Stage.OPEN:
            audit.record(connection, login, Action.PERSON_SIGNED_IN, login, {"shown": list(shown)}, at)
    return token


def find(
    engine: sa.Engine, token: str, rules: Rules, at: datetime | None = None, *, attended: bool = True
) -> Session | None:
    """The session of a token, unless it has ended; one that has run out ends now.

    Args:
        engine: the hospital's database.
        token: what the browser keeps.
        rules: what the hospital asks.
        at: when.
        attended: whether a person asked, and not an open page by itself: that keeps nobody signed in.
    """
    at = at or datetime.now(UTC)
    with reading(engine) as connection:
        row = connection.execute(_BY_TOKEN, {"token": _hash(token)}).one_or_none()
    if row is None or row.ended_at is not None:
        return None
    made = _to_session(row)
    how = _run_out(made, rules, at)
    if how:
        with writing(engine) as connection:
            _end(connection, _session.c.id == made.id, how, audit.SYSTEM, at)
        return None
    if attended and at - made.seen >= SEEN:
        with writing(engine) as connection:
            connection.execute(sa.update(_session).where(_session.c.id == made.id).values(seen_at=at))
    return made


def advance(
    engine: sa.Engine, token: str, shown: str, rules: Rules, at: datetime | None = None
) -> str | None:
    """Notes that the person showed more; the new token, or None when the session has ended meanwhile.

    Args:
        engine: the hospital's database.
        token: the one so far; it opens nothing any more.
        shown: what they showed now: ``code``, ``password``.
        rules: what the hospital asks.
        at: when.
    """
    at, new = at or datetime.now(UTC), secrets.token_urlsafe(32)
    mine = sa.and_(_session.c.hash == _hash(token), _session.c.ended_at.is_(None))
    with writing(engine) as connection:
        row = connection.execute(sa.select(_session).where(mine)).one_or_none()
        if row is None:
            return None
        known = tuple(dict.fromkeys((*row.shown.split("+"), shown)))
        stage = _stage(connection, row.person, known, rules)
        values = {
            "hash": _hash(new),
            "shown": "+".join(known),
            "stage": stage,
            "confirmed_at": at,
            "seen_at": at,
        }
        if connection.execute(sa.update(_session).where(mine).values(values)).rowcount != 1:
            return None  # of two at once, one goes on
        if stage == Stage.OPEN:
            opened = row.stage != Stage.OPEN
            action = Action.PERSON_SIGNED_IN if opened else Action.PERSON_CONFIRMED
            audit.record(connection, row.person, action, row.person, {"shown": list(known)}, at)
    return new


def end(engine: sa.Engine, token: str, at: datetime | None = None) -> None:
    """Signs out: ends the session of a token."""
    at = at or datetime.now(UTC)
    with writing(engine) as connection:
        for login in _end(connection, _session.c.hash == _hash(token), "out", "", at, note=False):
            audit.record(connection, login, Action.PERSON_SIGNED_OUT, login, {}, at)


def end_one(engine: sa.Engine, login: str, session: str, by: str, at: datetime | None = None) -> bool:
    """Ends one session of a person, by its name; False when it has ended before."""
    mine = sa.and_(_session.c.person == login, _session.c.id == session)
    with writing(engine) as connection:
        return bool(_end(connection, mine, "other", by, at or datetime.now(UTC)))


def end_all(
    connection: sa.Connection,
    login: str,
    by: str,
    how: str = "other",
    at: datetime | None = None,
    *,
    but: str = "",
) -> int:
    """Ends every session of a person ``but`` the one of that name; how many there were."""
    mine = sa.and_(_session.c.person == login, _session.c.id != but)
    return len(_end(connection, mine, how, by, at or datetime.now(UTC)))


def end_at_provider(engine: sa.Engine, name: str, login: str, at: datetime | None = None) -> int:
    """Ends what the hospital's own sign-in says has ended: the session of that name, or all of a person's."""
    came = _session.c.provider != ""
    mine = _session.c.provider == name if name else sa.and_(came, _session.c.person == login)
    with writing(engine) as connection:
        return len(_end(connection, mine, "provider", audit.SYSTEM, at or datetime.now(UTC)))


def of(engine: sa.Engine, login: str, rules: Rules, at: datetime | None = None) -> list[Session]:
    """The sessions of a person that are open, the last one used first."""
    at = at or datetime.now(UTC)
    asked = sa.select(_session).where(
        _session.c.person == login, _session.c.ended_at.is_(None), _session.c.stage == Stage.OPEN
    )
    with reading(engine) as connection:
        rows = connection.execute(asked.order_by(_session.c.seen_at.desc()))
        found = [_to_session(row) for row in rows]
    return [each for each in found if not _run_out(each, rules, at)]


def browser(agent: str) -> str:
    """A browser's name for itself in a few words: the whole one tells more of a person than is needed."""
    systems = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
               ("Mac OS", "macOS"), ("Linux", "Linux"))  # fmt: skip
    names = (
        ("Edg", "Edge"),
        ("OPR", "Opera"),
        ("Firefox", "Firefox"),
        ("Chrome", "Chrome"),
        ("Safari", "Safari"),
    )
    words = [next((name for sign, name in each if sign in agent), "") for each in (names, systems)]
    return " · ".join(filter(None, words))


def _stage(connection: sa.Connection, login: str, shown: Sequence[str], rules: Rules) -> Stage:
    if "password" not in shown:
        return Stage.OPEN  # a demo person; or the hospital's own sign-in, which asks for what it wants
    person = connection.execute(_PERSON, {"login": login}).one()
    has = second_factor.enrolled(connection, login)
    if has and "code" not in shown:
        return Stage.CODE
    if person.initial_until is not None:
        return Stage.PASSWORD
    if not has and not rules.second.isdisjoint(person.roles):
        return Stage.ENROL
    return Stage.OPEN


def _run_out(made: Session, rules: Rules, at: datetime) -> str:
    """How it has ended by itself, or nothing."""
    if at - made.started >= rules.absolute:
        return "absolute"
    if made.stage != Stage.OPEN and at - made.confirmed >= HALF:
        return "half"
    if at - made.seen > rules.idle:
        return "idle"
    return "account" if made.shown == ("demo",) and not rules.synthetic else ""


def _end(
    connection: sa.Connection,
    which: sa.ColumnElement[bool],
    how: str,
    by: str,
    at: datetime,
    *,
    note: bool = True,
) -> list[str]:
    """Ends sessions that have not, with an event each; whose they were."""
    ended = sa.update(_session).where(which, _session.c.ended_at.is_(None))
    rows = connection.execute(
        ended.values(ended_at=at, ended_how=how).returning(_session.c.id, _session.c.person, _session.c.stage)
    ).all()
    for row in rows:
        if note and row.stage == Stage.OPEN:
            audit.record(
                connection, by, Action.SESSION_ENDED, row.person, {"session": row.id, "how": how}, at
            )
    return [row.person for row in rows if row.stage == Stage.OPEN]


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


_BY_TOKEN = sa.select(_session).where(_session.c.hash == sa.bindparam("token"))
_PERSON = sa.text("SELECT roles, initial_until FROM person WHERE id = :login").columns(
    roles=sa.JSON, initial_until=Instant
)


def _to_session(row: Any) -> Session:
    return Session(
        id=row.id,
        person=row.person,
        stage=Stage(row.stage),
        shown=tuple(row.shown.split("+")),
        started=row.started_at,
        seen=row.seen_at,
        confirmed=row.confirmed_at,
        address=row.address,
        agent=row.agent,
        provider=row.provider,
        ended=row.ended_at,
        how=row.ended_how or "",
    )
